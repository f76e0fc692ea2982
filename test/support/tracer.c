/*
 * tracer PID: traces a process, and prints the number and the data of every system call for which a seccomp filter
 * asks its tracer. The calls go on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEIZE = 0x4206, CONT = 7, GETEVENTMSG = 0x4201, TRACESECCOMP = 0x80, EVENT_SECCOMP = 7 };

static long trace(long request, pid_t pid, long addr, void *data)
{
	return syscall(SYS_ptrace, request, pid, addr, data);
}

int main(int argc, char **argv)
{
	pid_t pid = argc > 1 ? atoi(argv[1]) : 0;
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (trace(SEIZE, pid, 0, (void *)TRACESECCOMP) < 0) {
		fprintf(stderr, "tracer: seize %d: %s\n", pid, strerror(errno));
		return 111;
	}
	puts("tracing");
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
		long signal = WSTOPSIG(status);
		if (status >> 16 == EVENT_SECCOMP) {
			struct ptrace_syscall_info info = { 0 };
			unsigned long data = 0;
			(void)trace(GETEVENTMSG, pid, 0, &data);
			(void)trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
			printf("call %llu %lu\n", (unsigned long long)info.seccomp.nr, data);
		}
		if (status >> 16)
			signal = 0;
		(void)trace(CONT, pid, 0, (void *)signal);
	}
	puts("ended");
	return 0;
}
