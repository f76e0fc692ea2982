/*
 * attacker: what a hostile process does beside a runtime. Runs until it is killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
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

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "backlog") && argc == 3)
		backlog(argv[2]);
	if (!strcmp(command, "swap") && argc == 4)
		swap(argv[2], argv[3]);
	fprintf(stderr, "attacker: unknown command\n");
	return 112;
}
