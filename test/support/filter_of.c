/* filter_of PID: the seccomp filter that a process is under, as struct sock_filter, to stdout (ptrace(2)). */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
	static struct sock_filter code[4096];
	pid_t pid = argc > 1 ? atoi(argv[1]) : 0;
	long length;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 || waitpid(pid, NULL, __WALL) < 0) {
		perror("filter_of: attach");
		return 111;
	}
	length = ptrace((enum __ptrace_request)0x420c /* PTRACE_SECCOMP_GET_FILTER */, pid, 0, code);
	if (length < 0) {
		perror("filter_of: get filter");
		return 111;
	}
	return fwrite(code, sizeof(*code), (size_t)length, stdout) == (size_t)length ? 0 : 111;
}
