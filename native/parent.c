/*
 * libdavit.so: the parent's side, called through koffi from a process with many threads. Flat arguments; every
 * function returns >= 0 or -errno and prints nothing.
 */
#define _GNU_SOURCE
#include "launch.h"
#include "ops.gen.h"
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT long davit(long nr, void *a, void *b, void *c, void *d, void *e, void *f);

/* recvmsg(2) with at most one fd, close-on-exec, -1 if none came. 0 at the end of the stream. */
static long receive(int sock, void *buf, long len, int32_t *fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * 4)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { buf, (size_t)len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t ret;

	*fd = -1;
	do
		ret = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
			int got;
			memcpy(&got, CMSG_DATA(c) + i * sizeof(int), sizeof(got));
			if (*fd < 0)
				*fd = got;
			else
				close(got);
		}
	}
	return ret;
}

/* sendmsg(2) with one fd (SCM_RIGHTS), without SIGPIPE. */
static long send_fd(int sock, const void *buf, long len, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (void *)(uintptr_t)buf, (size_t)len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	ssize_t ret;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	do
		ret = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

static volatile int signal_fd = -1;
static volatile pid_t signal_thread;

static void on_signal(int sig)
{
	int saved = errno;
	unsigned char byte = (unsigned char)sig;
	ssize_t ret;

	/* One that came to another thread goes to the one that may block it, for a program that the engine becomes. */
	if (syscall(SYS_gettid) == signal_thread || syscall(SYS_tgkill, getpid(), signal_thread, sig) < 0) {
		ret = write(signal_fd, &byte, 1);
		(void)ret; /* a full pipe already holds enough to wake the reader */
	}
	errno = saved;
}

/*
 * From now on each signal of the list becomes one byte, its number, in the pipe `fd` (non-blocking), unless the calling
 * thread blocks it.
 */
static long catch_signals(const int32_t *list, long count, int fd)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigfillset(&action.sa_mask);
	signal_fd = fd;
	signal_thread = (pid_t)syscall(SYS_gettid);
	for (long i = 0; i < count; i++)
		if (sigaction(list[i], &action, NULL) < 0)
			return -errno;
	return 0;
}

/* CRC-32 as in zlib, by half bytes: the engine's own arithmetic takes a hundred times as long. */
static long crc32(const unsigned char *data, long length)
{
	uint32_t table[16], sum = 0xffffffffu;

	for (uint32_t i = 0; i < 16; i++) {
		table[i] = i;
		for (int bit = 0; bit < 4; bit++)
			table[i] = (table[i] >> 1) ^ (0xedb88320u & (0u - (table[i] & 1)));
	}
	for (long i = 0; i < length; i++) {
		sum = (sum >> 4) ^ table[(sum ^ data[i]) & 15];
		sum = (sum >> 4) ^ table[(sum ^ (uint32_t)(data[i] >> 4)) & 15];
	}
	return (long)(sum ^ 0xffffffffu);
}

/* Any system call but those below: result or -errno. EINTR is retried except where waiting was the point. */
static long system_call(long nr, void *a, void *b, void *c, void *d, void *e, void *f)
{
	long ret;
	do
		ret = syscall(nr, a, b, c, d, e, f);
	while (ret < 0 && errno == EINTR && nr != SYS_ppoll);
	return ret < 0 ? -errno : ret;
}

/*
 * The one function that koffi binds: each binding costs a tenth of a millisecond at every start. Numbers below
 * NATIVE_HASH are system calls.
 */
long davit(long nr, void *a, void *b, void *c, void *d, void *e, void *f)
{
	switch ((unsigned long)nr) {
	case NATIVE_HASH:
		return DAVIT_TABLE_HASH;
	case NATIVE_LAUNCH:
		return launch_by(a, b, c, d);
	case NATIVE_BEGIN_LAUNCH:
		return begin_launch(a, b, c, d);
	case NATIVE_FINISH_LAUNCH:
		return finish_launch(a);
	case NATIVE_LEAVE_LAUNCH:
		return leave_launch(a);
	case NATIVE_RECEIVE:
		return receive((int)(long)a, b, (long)c, d);
	case NATIVE_SEND_FD:
		return send_fd((int)(long)a, b, (long)c, (int)(long)d);
	case NATIVE_CATCH_SIGNALS:
		return catch_signals(a, (long)b, (int)(long)c);
	case NATIVE_REPLACE:
		return replace(a, b, (long)c, (long)d);
	case NATIVE_CRC32:
		return crc32(a, (long)b);
	case NATIVE_ADDRESS:
		return (long)a;
	default:
		return system_call(nr, a, b, c, d, e, f);
	}
}
