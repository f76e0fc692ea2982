/*
 * agent SOCKET [NR=VALUE]...: a seccomp agent, as config-linux.md describes it. Prints the container process state that
 * it gets with a listener, then every call that the kernel asks about, and answers: a named one returns VALUE (negative:
 * an errno), any other goes on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int die(const char *what)
{
	fprintf(stderr, "agent: %s: %s\n", what, strerror(errno));
	exit(111);
}

/* The whole state, to the end of the connection; the fd that came with it. */
static int receive_state(int connection)
{
	static char text[1 << 20];
	union {
		char space[CMSG_SPACE(sizeof(int) * 4)];
		struct cmsghdr align;
	} control;
	size_t length = 0;
	int fds = 0, listener = -1;
	ssize_t n;

	for (;;) {
		struct iovec iov = { text + length, sizeof(text) - 1 - length };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				      .msg_controllen = sizeof(control) };
		n = recvmsg(connection, &msg, MSG_CMSG_CLOEXEC);
		if (n < 0)
			die("receive");
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
			fds += (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(&listener, CMSG_DATA(c), sizeof(listener));
		}
		if (n == 0)
			break;
		length += (size_t)n;
	}
	printf("state %d %.*s\n", fds, (int)length, text);
	return listener;
}

static void answer(int listener, char **rules)
{
	struct seccomp_notif request = { 0 };
	struct seccomp_notif_resp response = { 0 };

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
		return; /* the caller is gone */
	response.id = request.id;
	response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	for (; *rules; rules++) {
		char *value;
		if (strtol(*rules, &value, 10) != request.data.nr || *value != '=')
			continue;
		response.val = atol(value + 1);
		response.flags = 0;
		if (response.val < 0) {
			response.error = (int)response.val;
			response.val = 0;
		}
	}
	printf("call %d by %d\n", request.data.nr, request.pid);
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response); /* the caller may be gone */
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct pollfd fds[17] = { { socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), POLLIN, 0 } };
	nfds_t count = 1;

	if (argc < 2)
		return 112;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	setlinebuf(stdout);
	if (bind(fds[0].fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fds[0].fd, 4) < 0)
		die("listen");
	printf("listening\n");
	for (;;) {
		if (poll(fds, count, -1) < 0)
			die("poll");
		if (fds[0].revents && count < 17) {
			int connection = accept4(fds[0].fd, NULL, NULL, SOCK_CLOEXEC);
			int listener = receive_state(connection);
			close(connection);
			if (listener >= 0)
				fds[count++] = (struct pollfd){ listener, POLLIN, 0 };
		}
		for (nfds_t i = 1; i < count; i++) {
			if (fds[i].revents & POLLIN)
				answer(fds[i].fd, argv + 2);
			if (fds[i].revents & POLLHUP) { /* nobody is left under the filter */
				printf("gone\n");
				close(fds[i].fd);
				fds[i--] = fds[--count];
			}
		}
	}
}
