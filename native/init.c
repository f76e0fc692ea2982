/*
 * davit-init: a static program without libc, run from a sealed memfd. Its argument is the number of the fd that holds the
 * plan; with a second one, that of a socket, the plan is whole once something has come there. argv[0] and the environment
 * are empty of meaning.
 */
#include "plan.h"
#include <linux/mman.h>

void davit_start(const long *sp);

static struct runner runner;

static int to_number(const char *s)
{
	int n = 0;
	while (*s >= '0' && *s <= '9' && n < 100000000)
		n = n * 10 + (*s++ - '0');
	return *s ? -1 : n;
}

/* Until the parent says that the plan is whole and sealed. Whoever executes us in the container has no such file. */
static void await_plan(int plan, int socket)
{
	char word;
	long got = SYS(fcntl, plan, 1034 /* F_GET_SEALS */, 0, 0, 0, 0);

	if (got >= 0)
		SYS_RETRY(got, read, socket, &word, 1, 0, 0, 0);
	if (got != 1) /* the parent is gone */
		SYS(exit_group, 123, 0, 0, 0, 0, 0);
}

__attribute__((noreturn)) static void run(int fd)
{
	struct plan plan;
	int bad;
	long length = SYS(lseek, fd, 0, 2 /* SEEK_END */, 0, 0, 0);
	const void *buffer = length < 0 ? NULL : (void *)SYS(mmap, 0, length, PROT_READ, MAP_PRIVATE, fd, 0);

	if (!buffer || (unsigned long)buffer > -4096UL)
		SYS(exit_group, 125, 0, 0, 0, 0, 0);
	bad = plan_open(&plan, buffer, (size_t)length);
	if (bad)
		SYS(exit_group, 100 + bad, 0, 0, 0, 0, 0);
	if (runner_open(&runner, &plan) < 0)
		SYS(exit_group, 124, 0, 0, 0, 0, 0);
	runner_run(&runner, plan.count[PROGRAM_STAGE] ? PROGRAM_STAGE : PROGRAM_INIT);
	SYS(exit_group, 1, 0, 0, 0, 0, 0);
	__builtin_trap(); /* a seccomp filter may forbid even to leave */
}

/* sp points at argc; argv, envp and the auxiliary vector follow. */
__attribute__((noreturn, used, no_stack_protector)) void davit_start(const long *sp)
{
	take_guard(sp);
	if (sp[0] != 2 && sp[0] != 3)
		SYS(exit_group, 126, 0, 0, 0, 0, 0);
	if (sp[0] == 3)
		await_plan(to_number((const char *)sp[2]), to_number((const char *)sp[3]));
	run(to_number((const char *)sp[2]));
}

#ifdef __x86_64__
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall davit_start\n");
#else
__asm__(".globl _start\n_start:\n\tmov x29, xzr\n\tmov x30, xzr\n\tmov x0, sp\n\tbl davit_start\n");
#endif
