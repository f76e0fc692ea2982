/*
 * attacker: what a hostile process does beside a runtime. Runs until it is killed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "attacker: %s: %s\n", what, strerror(errno));
	exit(111);
}

static void say(const char *word)
{
	printf("%s\n", word);
	fflush(stdout);
}

/* backlog SOCKET: a listener that accepts nobody, with as many connections as the kernel lets wait. */
__attribute__((noreturn)) static void backlog(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(sock, 0) < 0)
		die("listen");
	for (;;) {
		int one = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(one, (struct sockaddr *)&address, sizeof(address)) < 0)
			break;
	}
	if (errno != EAGAIN)
		die("connect");
	say("full");
	for (;;)
		pause();
}

/* swap A B: exchanges the two names, for ever. */
__attribute__((noreturn)) static void swap(const char *a, const char *b)
{
	if (syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2 /* RENAME_EXCHANGE */) < 0)
		die("renameat2");
	say("swapping");
	for (;;)
		if (syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2) < 0 && errno != ENOENT)
			die("renameat2");
}

/* Whether a process executes davit-init, by its command line, which anybody may read. */
static int is_davit(int pid)
{
	char path[64], line[16] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	if (read(fd, line, sizeof(line) - 1) < 0)
		line[0] = 0;
	close(fd);
	return !strcmp(line, "davit-init");
}

static long denied, breached;

/* One way of laying hands on a process; what it gave counts only if it was davit's to the end. */
static void count(int pid, const char *what, int got)
{
	if (!got)
		denied++;
	else if (is_davit(pid)) {
		breached++;
		printf("breach: %s of %d\n", what, pid);
		fflush(stdout);
	}
}

static void pry_one(int pid)
{
	static const char *const files[] = { "mem", "environ", "maps", "fd/0", "fd/3", "fd/4", "root/proc", "cwd/." };
	static const char *const links[] = { "exe", "root", "cwd", "fd/0", "fd/3", "fd/4", "fd/5", "ns/mnt" };
	char path[64], text[256];

	int traced = ptrace(PTRACE_SEIZE, pid, 0, 0) == 0;

	count(pid, "ptrace", traced);
	if (traced) {
		/* What it has become meanwhile is its equal: let go of it, or nobody else ever sees its end. */
		(void)ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		(void)waitpid(pid, NULL, __WALL);
		(void)ptrace(PTRACE_DETACH, pid, 0, 0);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int fd;
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
		fd = open(path, O_RDONLY | O_NONBLOCK);
		/* Opened is not yet read: the memory is what counts. */
		count(pid, files[i], fd >= 0 && (i > 2 || pread(fd, text, 1, i == 0 ? 0x400000 : 0) > 0));
		if (fd >= 0)
			close(fd);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, links[i]);
		count(pid, links[i], readlink(path, text, sizeof(text)) >= 0);
	}
}

/* pry: every process that executes davit-init, as soon as it can be seen; the score every second. */
__attribute__((noreturn)) static void pry(void)
{
	time_t shown = time(NULL);

	say("prying");
	for (;;) {
		DIR *processes = opendir("/proc");
		struct dirent *entry;

		if (!processes)
			die("/proc");
		while ((entry = readdir(processes))) {
			int pid = atoi(entry->d_name);
			if (pid > 1 && pid != getpid() && is_davit(pid))
				pry_one(pid);
		}
		closedir(processes);
		if (time(NULL) == shown)
			continue;
		shown = time(NULL);
		printf("denied %ld breached %ld\n", denied, breached);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "backlog") && argc == 3)
		backlog(argv[2]);
	if (!strcmp(command, "swap") && argc == 4)
		swap(argv[2], argv[3]);
	if (!strcmp(command, "pry"))
		pry();
	fprintf(stderr, "attacker: unknown command\n");
	return 112;
}
