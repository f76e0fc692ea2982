/*
 * Starting processes, for libdavit.so: called through koffi from a process with many threads. Returns >= 0 or -errno
 * and prints nothing.
 */
#define _GNU_SOURCE
#include "launch.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
	int exe;
	const char *path;
	char **argv, **envp;
	const int32_t *fds; /* pairs: fd, wanted number or -1 to keep the number */
	long nfds;
	int error;
};

/*
 * Runs in the child, on its own stack but in the parent's memory (CLONE_VM), while the calling thread waits
 * (CLONE_VFORK): raw system calls only, and nothing of the parent's may change.
 */
static int child_main(void *arg)
{
	struct child *c = arg;
	uint64_t action[4] = { 0 }, none = 0;
	long ret = 0;

	for (int sig = 1; sig <= 64; sig++)
		(void)syscall(SYS_rt_sigaction, sig, action, NULL, 8); /* KILL and STOP refuse */
	for (int fd = 0; fd <= 2; fd++)
		(void)syscall(SYS_fcntl, fd, F_SETFD, 0); /* Node marks even these close-on-exec; a closed one stays closed */
	for (long i = 0; ret >= 0 && i < c->nfds; i++) {
		int fd = c->fds[2 * i], want = c->fds[2 * i + 1];
		ret = want < 0 || want == fd ? syscall(SYS_fcntl, fd, F_SETFD, 0) : syscall(SYS_dup3, fd, want, 0);
	}
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8); /* cannot fail with these arguments */
	if (ret >= 0)
		(void)syscall(SYS_execveat, c->path ? AT_FDCWD : c->exe, c->path ? c->path : "", c->argv, c->envp,
			      c->path ? 0 : AT_EMPTY_PATH);
	c->error = errno;
	syscall(SYS_exit_group, 127);
	return 127;
}

/* clone3(2) onto a stack of the child's own, where it calls main(arg). */
static long clone_onto(struct clone_args *args, int (*main)(void *), void *arg)
{
#ifdef __x86_64__
	long ret = SYS_clone3;
	register int (*fn)(void *) __asm__("r8") = main;
	register void *fn_arg __asm__("r9") = arg;
	__asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\txor %%ebp, %%ebp\n\tmov %%r9, %%rdi\n\tcall *%%r8\n\t"
			 "hlt\n1:"
			 : "+a"(ret)
			 : "D"(args), "S"(sizeof(*args)), "r"(fn), "r"(fn_arg)
			 : "rcx", "r11", "memory", "cc");
	return ret;
#else
	register long x8 __asm__("x8") = SYS_clone3;
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = (long)sizeof(*args);
	register int (*fn)(void *) __asm__("x10") = main;
	register void *fn_arg __asm__("x11") = arg;
	__asm__ volatile("svc 0\n\tcbnz x0, 1f\n\tmov x29, xzr\n\tmov x30, xzr\n\tmov x0, x11\n\tblr x10\n\tbrk 0\n1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(fn), "r"(fn_arg)
			 : "memory", "cc");
	return x0;
#endif
}

static char **unpack(char *memory, const char *strings, long count, long argc, char ***envp)
{
	char **array = (char **)memory, **argv = array;

	for (long i = 0; i < count; i++, strings += strlen(strings) + 1) {
		if (i == argc)
			*array++ = NULL;
		*array++ = (char *)(uintptr_t)strings; /* execve does not write to them */
	}
	if (argc == count)
		*array++ = NULL;
	*array = NULL;
	*envp = argv + argc + 1;
	return argv;
}

/*
 * Starts a program in a new process: `path`, or the fd `exe` when path is NULL. `strings` holds count NUL-terminated
 * strings, argc of them arguments, the rest environment. `flags` are clone(2) flags (CLONE_NEW*, CLONE_PIDFD);
 * `cgroup` is a v2 directory to be born in, or -1. `fds` are pairs as in struct child. Returns the pid; the error of a
 * failed exec comes back as this function's.
 */
static long launch(int exe, const char *path, const char *strings, long count, long argc, uint64_t flags, int cgroup,
		   const int32_t *fds, long nfds, int32_t *pidfd)
{
	enum { STACK = 65536 };
	size_t arrays = ((size_t)count + 3) * sizeof(char *), size = STACK + ((arrays + 4095) & ~(size_t)4095);
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct child c = { exe, path, NULL, NULL, fds, nfds, 0 };
	struct clone_args args = { .flags = flags | CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD };
	sigset_t all, old;
	long pid;

	if (memory == MAP_FAILED)
		return -errno;
	c.argv = unpack(memory + STACK, strings, count, argc, &c.envp);
	args.stack = (uintptr_t)memory;
	args.stack_size = STACK;
	args.pidfd = (uintptr_t)pidfd;
	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)cgroup;
	}
	/* No signal handler of the engine may run in the child while it shares our memory. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = clone_onto(&args, child_main, &c);
	if (pid == -ENOSYS && cgroup < 0) { /* KERNEL(5.3), or a seccomp profile that does not know clone3 */
		pid = clone(child_main, memory + STACK, (int)(args.flags | SIGCHLD), &c, pidfd);
		if (pid < 0)
			pid = -errno;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	munmap(memory, size);
	if (pid > 0 && c.error) {
		while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
			;
		if (pidfd && (flags & CLONE_PIDFD))
			close(*pidfd);
		return -c.error;
	}
	return pid;
}

long launch_by(const int32_t *n, const char *path, const char *strings, int32_t *pidfd)
{
	uint64_t flags = ((uint64_t)(uint32_t)n[4] << 32) | (uint32_t)n[3];

	return launch(n[0], path, strings, n[1], n[2], flags, n[5], n + 7, n[6], pidfd);
}

long replace(const char *path, const char *strings, long count, long argc)
{
	char *memory = malloc(((size_t)count + 3) * sizeof(char *)), **envp, **argv;
	long error;

	if (!memory)
		return -ENOMEM;
	argv = unpack(memory, strings, count, argc, &envp);
	execve(path, argv, envp);
	error = errno;
	free(memory);
	return -error;
}

struct begun {
	const int32_t *numbers;
	const char *path, *strings;
	int32_t *pidfd;
	long result, thread;
	sem_t done, leave;
};

static void await(sem_t *sem)
{
	while (sem_wait(sem) < 0 && errno == EINTR)
		;
}

/*
 * The thread stays until it may leave: the kernel takes the end of a thread for the death of the parent of what it has
 * launched (PR_SET_PDEATHSIG).
 */
static void *launcher(void *begun)
{
	struct begun *b = begun;
	long result = launch_by(b->numbers, b->path, b->strings, b->pidfd);

	b->result = result;
	b->thread = syscall(SYS_gettid);
	sem_post(&b->done);
	if (result < 0)
		return NULL; /* finish_launch() frees what has failed */
	await(&b->leave);
	free(b);
	return NULL;
}

long begin_launch(const int32_t *numbers, const char *path, const char *strings, int32_t *pidfd)
{
	struct begun *b = malloc(sizeof(*b));
	pthread_attr_t small;
	pthread_t thread;
	sigset_t all, old;
	int error;

	if (!b)
		return -ENOMEM;
	*b = (struct begun){ .numbers = numbers, .path = path, .strings = strings, .pidfd = pidfd };
	sem_init(&b->done, 0, 0); /* these cannot fail for what they are given */
	sem_init(&b->leave, 0, 0);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 1 << 18);
	pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	/* Signals are for the engine's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&thread, &small, launcher, b);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&small);
	if (error)
		free(b);
	return error ? -error : (long)b;
}

long finish_launch(struct begun *b)
{
	long result;

	await(&b->done);
	result = b->result;
	if (result >= 0)
		return result;
	/* A limit of processes counts the thread until the kernel does not know it any more; 1 s is far beyond that. */
	for (int i = 0; i < 10000 && syscall(SYS_tgkill, getpid(), b->thread, 0) == 0; i++)
		usleep(100);
	free(b);
	return result;
}

long leave_launch(struct begun *b)
{
	return sem_post(&b->leave);
}
