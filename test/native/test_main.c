/*
 * Test only: the executor as an ordinary program, so that it can be built with the sanitizers.
 *   check FILE   says which check of plan_open refuses the plan, 0 for none
 *   run FILE     runs it as davit-init would: exits 0 when it came to its end, 1 after a failure, 100 + check
 */
#include "plan.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct runner runner;

/* A heap block of exactly the file's size: one byte too far is a report of the sanitizer. */
static void *load(const char *path, size_t *length)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *buffer;

	if (fd < 0 || fstat(fd, &st) < 0 || !(buffer = malloc((size_t)st.st_size + !st.st_size)) ||
	    read(fd, buffer, (size_t)st.st_size) != st.st_size) {
		perror(path);
		exit(125);
	}
	close(fd);
	*length = (size_t)st.st_size;
	return buffer;
}

int main(int argc, char **argv)
{
	struct plan plan;
	size_t length;
	void *buffer;
	int bad;

	if (argc != 3 || (strcmp(argv[1], "check") && strcmp(argv[1], "run"))) {
		fprintf(stderr, "usage: %s check|run FILE\n", argv[0]);
		return 126;
	}
	buffer = load(argv[2], &length);
	bad = plan_open(&plan, buffer, length);
	if (!strcmp(argv[1], "check")) {
		printf("%d\n", bad);
		free(buffer);
		return 0;
	}
	if (bad)
		return 100 + bad;
	if (runner_open(&runner, &plan) < 0)
		return 124;
	runner_run(&runner, plan.count[PROGRAM_STAGE] ? PROGRAM_STAGE : PROGRAM_INIT);
	return runner.record < plan.count[runner.program];
}
