/*
 * The rest of a `run` in the foreground: the engine executes us when init has been told to go on, and its memory is free.
 * What remains to be done is not much: signals go on to the container, its end is awaited, and the program of `delete` is
 * run. No policy: src/lifecycle/hand_over.ts decides when this is all. What takes words is the engine's again.
 */
#include "prepared.h"

enum { SIG_CHLD = 17, SIG_WINCH = 28, SIG_KILL = 9 };

/* A decimal number and the colon after it; *text is NULL when there is none. */
static long number(const char **text)
{
	const char *p = *text;
	long n = 0;

	while (p && *p >= '0' && *p <= '9' && n < 1000000000)
		n = n * 10 + (*p++ - '0');
	*text = p && p > *text && *p == ':' ? p + 1 : NULL;
	return n;
}

/* The signals whose bits are set, of the lower and the upper half. */
static uint64_t mask(const char **text)
{
	uint64_t low = (uint64_t)number(text);

	return low | (uint64_t)number(text) << 32;
}

/*
 * Whether init has something to say. Asked to end before it has executed, which may take for ever, we kill it, and the
 * engine, which finds the signal waiting, takes back the rest.
 */
static int hears(long pidfd, long peer, uint64_t ending)
{
	struct {
		int fd;
		short events, revents;
	} set[2] = { { (int)peer, 1 /* POLLIN */, 0 }, { -1, 1, 0 } };
	long ret;

	set[1].fd = (int)SYS(signalfd4, -1, &ending, 8, O_CLOEXEC_, 0, 0); /* without it we wait for init alone */
	SYS_RETRY(ret, ppoll, set, 2, NULL, NULL, 8, 0);
	if (set[1].fd >= 0)
		(void)SYS(close, set[1].fd, 0, 0, 0, 0, 0); /* nothing was read from it */
	if (ret > 0 && !set[0].revents) {
		(void)SYS(pidfd_send_signal, pidfd, SIG_KILL, NULL, 0, 0, 0); /* it may have ended */
		return 1;
	}
	do
		ret = op_hear(NULL, &peer);
	while (ret == -E_CONNRESET); /* KERNEL: said once, when init ended without having read all of ours */
	return ret < 0;
}

/*
 * The exit code of the container, 128 and the number of the signal that killed it. The engine has blocked the signals that
 * are to go on: none is lost between it and us.
 */
static int await_end(long init, long pidfd, uint64_t signals)
{
	for (;;) {
		int status = 0;
		long pid, sig;
		/* As a subreaper we also get orphans of the container. */
		while ((pid = SYS(wait4, -1, &status, 1 /* WNOHANG */, 0, 0, 0)) > 0)
			if (pid == init)
				return status & 0x7f ? 128 + (status & 0x7f) : (status >> 8) & 0xff;
		if (pid == -E_CHILD)
			return 0;
		sig = SYS(rt_sigtimedwait, &signals, NULL, NULL, 8, 0, 0);
		if (sig > 0 && sig != SIG_CHLD && sig != SIG_WINCH)
			(void)SYS(pidfd_send_signal, pidfd, sig, NULL, 0, 0, 0); /* it may have ended */
	}
}

int watch(const char *order, long *value, int *folder)
{
	long self = number(&order), init = number(&order), pidfd = number(&order), peer = number(&order);
	uint64_t signals, ending;

	*folder = (int)number(&order);
	signals = mask(&order);
	ending = mask(&order);
	if (!order || self != SYS(getpid, 0, 0, 0, 0, 0, 0))
		return WATCH_NOTHING;
	if (peer > 0) {
		*value = peer;
		if (hears(pidfd, peer, ending))
			return WATCH_SAID;
		(void)SYS(close, peer, 0, 0, 0, 0, 0); /* nothing more to say */
	}
	(void)SYS(flock, *folder, 8 /* LOCK_UN */, 0, 0, 0, 0); /* others may start, kill or delete it while we only wait */
	*value = await_end(init, pidfd, signals);
	/* Who is killed may have run out of memory, which is to be told. */
	if (*value != 128 + SIG_KILL)
		delete_prepared(*folder, (int)*value);
	return WATCH_ENDED;
}
