/*
 * measure: what a benchmark needs and a shell cannot do without costs of its own. Static, so that it weighs next to
 * nothing where it is itself measured.
 *
 *   measure steps TIMES RUNTIME ROOT BUNDLE ID   create, start, wait, delete: microseconds of each round, one a line:
 *                                                "create start kill delete whole"
 *   measure peak COMMAND...                      the largest resident set of COMMAND alone, in KiB
 *   measure quiet COMMAND...                     COMMAND without its output; its exit code
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Runs argv with /dev/null as its streams, but for errors. posix_spawn is vfork: the size of this process is no part. */
static int run(char *const argv[], struct rusage *use)
{
	posix_spawn_file_actions_t files;
	struct rusage ignored;
	pid_t pid;
	int status;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	if (getenv("MEASURE_QUIET"))
		posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	errno = posix_spawn(&pid, argv[0], &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (errno) {
		perror(argv[0]);
		exit(125);
	}
	while (wait4(pid, &status, 0, use ? use : &ignored) < 0)
		if (errno != EINTR)
			exit(125);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Runs a verb that must succeed, and returns how long it took. */
static double verb(char *const argv[])
{
	double start = now();
	int code = run(argv, NULL);

	if (code) {
		fprintf(stderr, "%s %s: exit code %d\n", argv[0], argv[3], code);
		exit(1);
	}
	return now() - start;
}

/* One container's life as an engine leads it. The container sleeps; killing it is part of the round. */
static void round_of_steps(char *runtime, char *root, char *bundle, char *id)
{
	char *create[] = { runtime, "--root", root, "create", "--bundle", bundle, id, NULL };
	char *start[] = { runtime, "--root", root, "start", id, NULL };
	char *kill_[] = { runtime, "--root", root, "kill", id, "KILL", NULL };
	char *delete[] = { runtime, "--root", root, "delete", id, NULL };
	double begin = now(), created = verb(create), started = verb(start), killed = verb(kill_), deleted;

	/* The dying init is ours to reap, as it is an engine's: delete wants it stopped. */
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		continue;
	deleted = verb(delete);
	printf("%.0f %.0f %.0f %.0f %.0f\n", created, started, killed, deleted, now() - begin);
}

int main(int argc, char *argv[])
{
	struct rusage use;
	int code;

	if (argc == 7 && strcmp(argv[1], "steps") == 0) {
		if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
			return 125;
		for (int i = atoi(argv[2]); i > 0; i--)
			round_of_steps(argv[3], argv[4], argv[5], argv[6]);
		return 0;
	}
	if (argc >= 3 && strcmp(argv[1], "peak") == 0) {
		/* ru_maxrss of wait4 is that of the largest process waited for: also of the runtime's own children. */
		code = run(argv + 2, &use);
		printf("%ld\n", use.ru_maxrss);
		return code;
	}
	if (argc >= 3 && strcmp(argv[1], "quiet") == 0)
		return run(argv + 2, NULL);
	fprintf(stderr, "usage: measure steps|peak|quiet ...\n");
	return 2;
}
