/* Operations that make processes or become one. */
#include "plan.h"
#include <linux/mman.h>

enum { SIG_COUNT = 64 };

/* Engines ignore or block signals of their own; the container's process starts as a normal one would. */
static void default_signals(void)
{
	uint64_t action[4] = { 0 }, none = 0;

	for (long sig = 1; sig <= SIG_COUNT; sig++)
		(void)SYS(rt_sigaction, sig, action, 0, 8, 0, 0); /* KILL and STOP refuse, and need no reset */
	(void)SYS(rt_sigprocmask, 2 /* SIG_SETMASK */, &none, 0, 8, 0, 0); /* cannot fail with these arguments */
}

/*
 * Unpacks argc NUL-terminated strings and the environment after them into two NULL-terminated arrays. The memory is
 * given back by exec.
 */
static const char **unpack(const char *p, long len, long argc, const char ***envp)
{
	const char *end = p + len, **array;
	long count = 0, i = 0;

	for (const char *q = p; q < end; q += str_len(q) + 1)
		count++;
	if (argc < 0 || argc > count)
		return NULL;
	array = (const char **)SYS(mmap, 0, (count + 2) * (long)sizeof(*array), PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if ((unsigned long)array > -4096UL)
		return NULL;
	for (; i < argc; i++, p += str_len(p) + 1)
		array[i] = p;
	array[i++] = NULL;
	*envp = array + i;
	for (; i < count + 1; i++, p += str_len(p) + 1)
		array[i] = p;
	array[i] = NULL;
	return array;
}

/* The stage ends here; its child, with the caller's parent (CLONE_PARENT), goes on as init. */
long op_fork(struct runner *r, const long *a)
{
	long pid = SYS(clone, a[0] | 0x8000 /* CLONE_PARENT */ | 17 /* SIGCHLD */, 0, 0, 0, 0, 0);

	if (pid < 0)
		return pid;
	if (pid > 0) {
		long ret = runner_report(r, REPORT_CHILD, (int32_t)pid, -1);
		SYS(exit_group, ret < 0, 0, 0, 0, 0, 0);
	}
	r->program = PROGRAM_INIT;
	r->record = 0;
	return 0;
}

/* `fd`: what becomes 0, 1 and 2. */
static void spawn_child(const char *path, const char **argv, const char **envp, const long fd[3], int report)
{
	long ret = 0, moved = SYS(fcntl, report, 1030 /* F_DUPFD_CLOEXEC */, 3, 0, 0, 0);

	for (long to = 0; ret >= 0 && to < 3; to++)
		ret = SYS(dup3, fd[to], to, 0, 0, 0, 0);
	if (ret >= 0) {
		(void)SYS(close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */, 0, 0, 0); /* all are close-on-exec anyway */
		default_signals();
		ret = SYS(execve, path, argv, envp, 0, 0, 0);
	}
	(void)SYS(write, moved, &ret, sizeof(ret), 0, 0, 0); /* nobody else to tell */
	SYS(exit_group, 127, 0, 0, 0, 0, 0);
}

/* Waits for the child, killing it after `timeout` ms (0: never). Its wait status, or -CUSTOM_TIMEOUT. */
static long wait_child(long pid, long timeout)
{
	struct {
		int fd;
		short events, revents;
	} poll = { (int)SYS(pidfd_open, pid, 0, 0, 0, 0, 0), 1, 0 };
	struct {
		long sec, nsec;
	} left = { timeout / 1000, timeout % 1000 * 1000000 };
	int status = 0;
	long ret = 1;

	if (timeout > 0 && poll.fd < 0)
		ret = 0; /* KERNEL(5.3): without pidfds there is no waiting with a limit; refuse to hang */
	else if (timeout > 0)
		SYS_RETRY(ret, ppoll, &poll, 1, &left, 0, 0, 0); /* the kernel updates `left` */
	if (ret <= 0)
		(void)SYS(kill, pid, 9, 0, 0, 0, 0); /* our unreaped child: the pid is still its own */
	if (poll.fd >= 0)
		(void)SYS(close, poll.fd, 0, 0, 0, 0, 0);
	timeout = ret;
	SYS_RETRY(ret, wait4, pid, &status, 0, 0, 0, 0);
	return timeout <= 0 ? -(long)CUSTOM_TIMEOUT : ret < 0 ? ret : status;
}

/* The report of a hook that failed: its wait status, then the end of what it printed to the file `err`. */
static long hook_failed(struct runner *r, int32_t status, long err)
{
	struct {
		int32_t status;
		char text[sizeof(r->detail) - 4];
	} words = { status, { 0 } };
	long size = SYS(lseek, err, 0, 2 /* SEEK_END */, 0, 0, 0), room = sizeof(words.text), n;

	n = SYS(pread64, err, words.text, room, size > room ? size - room : 0, 0, 0);
	set_detail(r, (const char *)&words, 4 + (n > 0 ? (size_t)n : 0));
	return -(long)CUSTOM_CHILD;
}

/* A hook inside the container: run to the end, its state on stdin. */
long op_spawn(struct runner *r, const long *a)
{
	const char **envp, **argv = unpack((const char *)a[1], a[2], a[3], &envp);
	int pipe[2];
	const long fd[3] = { a[4], r->slot[(a[5] >> 32) & (WIRE_SLOTS - 1)], r->slot[(a[5] >> 48) & (WIRE_SLOTS - 1)] };
	long pid, ret, error = 0;

	if (!argv)
		return -E_INVAL;
	if ((ret = SYS(pipe2, pipe, O_CLOEXEC_, 0, 0, 0, 0)) < 0)
		return ret;
	pid = SYS(clone, 17 /* SIGCHLD */, 0, 0, 0, 0, 0);
	if (pid == 0)
		spawn_child((const char *)a[0], argv, envp, fd, pipe[1]);
	(void)SYS(close, pipe[1], 0, 0, 0, 0, 0);
	if (pid > 0)
		SYS_RETRY(ret, read, pipe[0], &error, sizeof(error), 0, 0, 0);
	(void)SYS(close, pipe[0], 0, 0, 0, 0, 0);
	if (pid < 0)
		return pid;
	ret = wait_child(pid, a[5] & 0xffffffff);
	if (error < 0)
		return error;
	return ret > 0 ? hook_failed(r, (int32_t)ret, fd[2]) : ret;
}

/* prctl(PR_CAPBSET_DROP) for each bit. */
long op_capdrop(struct runner *r, const long *a)
{
	long ret = 0;

	(void)r;
	for (int cap = 0; ret >= 0 && cap < 64; cap++)
		if (((uint64_t)a[0] >> cap) & 1)
			ret = SYS(prctl, 24 /* PR_CAPBSET_DROP */, cap, 0, 0, 0, 0);
	return ret;
}

/*
 * execvp(3)'s search, done when the container is created so that `create` can say that there is no such program.
 * faccessat2 asks the kernel with the identity the process now has; what exec then says is final all the same.
 */
long op_find(struct runner *r, const long *a)
{
	const char *p = (const char *)a[0], *end = p + a[1];
	long first = -E_NOENT;

	for (; p < end; p += str_len(p) + 1) {
		long ret, dir;
		SYS_RETRY(ret, faccessat2, AT_CWD, p, 1 /* X_OK */, 0x200 /* AT_EACCESS */, 0, 0);
		if (ret == -E_NOSYS) /* KERNEL(5.8) */
			SYS_RETRY(ret, faccessat, AT_CWD, p, 1, 0, 0, 0);
		dir = SYS(openat, AT_CWD, p, O_PATH_ | O_DIRECTORY_ | O_CLOEXEC_, 0, 0, 0);
		if (dir >= 0) {
			(void)SYS(close, dir, 0, 0, 0, 0, 0);
			ret = -E_ISDIR;
		}
		if (ret >= 0) {
			r->exe = p;
			return 0;
		}
		if (ret != -E_NOENT && ret != -E_NOTDIR && first == -E_NOENT)
			first = ret;
	}
	return first;
}

/* Everything but execve itself, while every system call is still allowed. */
long op_ready(struct runner *r, const long *a)
{
	long ret;

	r->argv = unpack((const char *)a[0], a[1], a[2], &r->envp);
	if (!r->argv)
		return -E_INVAL;
	/* CVE-2024-21626: whatever is open beyond what the container is to have ends with exec. */
	ret = SYS(close_range, a[3], ~0u, 4 /* CLOSE_RANGE_CLOEXEC */, 0, 0, 0);
	for (long fd = a[3]; ret < 0 && fd < 65536; fd++) /* KERNEL(5.11): the flag is newer than the call */
		(void)SYS(fcntl, fd, 2 /* F_SETFD */, 1 /* FD_CLOEXEC */, 0, 0, 0); /* most are not open */
	default_signals();
	return 0;
}

/* The parent takes the listener from here, by its number: of the profile this asks for write and read alone. */
static long hand_over(struct runner *r, int listener, uint32_t tag)
{
	struct answer answer = { 0, 0 };
	long ret = runner_report(r, REPORT_LISTENER, listener, -1);

	if (ret < 0)
		return ret;
	SYS_RETRY(ret, read, r->peer, &answer, sizeof(answer), 0, 0, 0);
	if (ret < 0)
		return ret;
	return ret == sizeof(answer) && answer.tag == tag ? answer.value : -E_PROTO;
}

/*
 * seccomp(2) and the handing over of its listener, with a[3] as the tag of the answer; the listener goes to `out`. As it
 * may be a part of exec, a failure says what failed.
 */
long op_filter(struct runner *r, const long *a)
{
	struct {
		uint16_t len;
		const void *filter;
	} program = { (uint16_t)(a[2] / 8), (const void *)a[1] };
	long listener, ret;

	listener = SYS(seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, a[0], &program, 0, 0, 0);
	if (listener < 0) {
		set_detail(r, "seccomp", 7);
		return listener;
	}
	r->filtered = 1;
	if (!(a[0] & 8 /* SECCOMP_FILTER_FLAG_NEW_LISTENER */))
		return 0;
	ret = hand_over(r, (int)listener, (uint32_t)a[3]);
	if (ret < 0)
		set_detail(r, "listener", 8);
	return ret < 0 ? ret : listener;
}

long op_exec(struct runner *r, const long *a)
{
	(void)a;
	if (!r->exe || !r->argv)
		return -E_INVAL;
	return SYS(execve, r->exe, r->argv, r->envp, 0, 0, 0);
}
