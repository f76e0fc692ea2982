/* Operations that talk: to the parent, to a later `start`, to the kernel's rtnetlink. */
#include "plan.h"

/*
 * a[0]=tag a[1]=1 wait, 2 for an fd that comes with the answer. An answer of another tag, or none because the parent
 * died, ends the container.
 */
long op_sync(struct runner *r, const long *a)
{
	struct answer answer = { 0, 0 };
	struct fd_control control = { 0, 0, 0, 0, 0 };
	struct part part = { &answer, sizeof(answer) };
	struct message msg = { NULL, 0, 0, &part, 1, &control, sizeof(control), 0, 0 };
	long ret = runner_report(r, REPORT_SYNC, (int32_t)a[0], -1);

	if (ret < 0 || !a[1])
		return ret;
	SYS_RETRY(ret, recvmsg, r->peer, &msg, 0x40000000 /* MSG_CMSG_CLOEXEC */, 0, 0, 0);
	if (ret < 0)
		return ret;
	if (ret != sizeof(answer) || answer.tag != (uint32_t)a[0])
		return -E_PROTO;
	if (a[1] == 1 || answer.value < 0)
		return answer.value;
	return control.len == 20 && control.type == 1 /* SCM_RIGHTS */ ? control.fd : -E_PROTO;
}

long op_sendfd(struct runner *r, const long *a)
{
	return runner_report(r, REPORT_FD, (int32_t)a[0], (int)a[1]);
}

/*
 * Created, not started: wait until `davit start` connects and says so. From then on it is the peer that failures are
 * reported to; that the connection closes without a word tells it that exec happened.
 */
long op_wait(struct runner *r, const long *a)
{
	if (r->peer >= 0)
		(void)SYS(close, r->peer, 0, 0, 0, 0, 0); /* `create` sees the end and returns */
	r->peer = r->slot[0] = -1;
	for (;;) {
		struct answer go = { 0, 0 };
		long fd, n;
		SYS_RETRY(fd, accept4, a[0], 0, 0, O_CLOEXEC_, 0, 0);
		if (fd < 0)
			return fd;
		SYS_RETRY(n, recvfrom, fd, &go, sizeof(go), 0, 0, 0);
		if (n == sizeof(go) && go.tag == WIRE_MAGIC) {
			r->peer = r->slot[0] = (int)fd;
			return 0;
		}
		(void)SYS(close, fd, 0, 0, 0, 0, 0); /* a caller that left before it had spoken */
	}
}

/* a[0]=socket. What is said stays to be read by whoever gets the socket. */
long op_hear(struct runner *r, const long *a)
{
	char word;
	long ret;

	(void)r;
	SYS_RETRY(ret, recvfrom, a[0], &word, 1, 2 /* MSG_PEEK */, 0, 0);
	return ret > 0 ? -E_PROTO : ret;
}

/* rtnetlink(7): one request with NLM_F_ACK; the acknowledgement carries -errno. */
long op_netlink(struct runner *r, const long *a)
{
	struct {
		uint32_t len;
		uint16_t type, flags;
		uint32_t seq, pid;
		int32_t error;
		uint32_t rest[64];
	} reply = { 0 };
	long fd = SYS(socket, 16 /* AF_NETLINK */, 3 | O_CLOEXEC_ /* SOCK_RAW */, 0, 0, 0, 0), ret;

	(void)r;
	if (fd < 0)
		return fd;
	SYS_RETRY(ret, sendto, fd, a[0], a[1], 0, 0, 0);
	if (ret >= 0)
		SYS_RETRY(ret, recvfrom, fd, &reply, sizeof(reply), 0, 0, 0);
	(void)SYS(close, fd, 0, 0, 0, 0, 0); /* nothing more to say */
	if (ret < 0)
		return ret;
	return ret >= 20 && reply.type == 2 /* NLMSG_ERROR */ ? reply.error : -E_PROTO;
}
