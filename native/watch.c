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

	while (p && *p >= '0' && *p <= '9' && n < 100000000)
		n = n * 10 + (*p++ - '0');
	*text = p && p > *text && *p == ':' ? p + 1 : NULL;
	return n;
}

/*
 * The exit code of the container, 128 and the number of the signal that killed it. The engine has blocked the signals that
 * are to go on: none is lost between it and us.
 */
static int await_end(long init, long pidfd)
{
	uint64_t signals = 0;

	(void)SYS(rt_sigprocmask, 0, NULL, &signals, 8, 0, 0); /* cannot fail with these arguments */
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
	const long said = order ? peer : -1;

	*folder = (int)number(&order);
	if (!order || self != SYS(getpid, 0, 0, 0, 0, 0, 0))
		return WATCH_NOTHING;
	if (peer > 0) {
		*value = said;
		if (op_hear(NULL, &said) < 0)
			return WATCH_SAID;
		(void)SYS(close, peer, 0, 0, 0, 0, 0); /* nothing more to say */
	}
	(void)SYS(flock, *folder, 8 /* LOCK_UN */, 0, 0, 0, 0); /* others may start, kill or delete it while we only wait */
	*value = await_end(init, pidfd);
	/* Who is killed may have run out of memory, which is to be told. */
	if (*value != 128 + SIG_KILL)
		delete_prepared(*folder, (int)*value);
	return WATCH_ENDED;
}
