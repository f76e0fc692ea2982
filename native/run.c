/*
 * The loop. Contract: this code runs between clone and exec of the container's process, without libc, in a process
 * that may already be inside the container's namespaces. Raw system calls only, no allocation, no policy, nothing
 * printed: a failure is one report {program, record, errno} to the parent.
 */
#include "plan.h"

void set_detail(struct runner *r, const char *text, size_t length)
{
	if (length > sizeof(r->detail))
		length = sizeof(r->detail);
	for (size_t i = 0; i < length; i++)
		r->detail[i] = text[i];
	r->detail_len = (uint32_t)length;
}

/* Moves the preset fds above those the container keeps, so that closing and passing on are ranges. */
int runner_open(struct runner *r, const struct plan *plan)
{
	int floor = 3 + (int)plan->head->keep_fds;

	r->plan = *plan;
	r->peer = -1;
	r->detail_len = 0;
	r->exe = NULL;
	r->argv = NULL;
	r->filtered = 0;
	for (unsigned i = 0; i < WIRE_SLOTS; i++)
		r->slot[i] = -1;
	for (uint32_t i = 0; i < plan->head->slots_count; i++) {
		long fd = SYS(fcntl, plan->presets[i].fd, 1030 /* F_DUPFD_CLOEXEC */, floor, 0, 0, 0);
		if (fd < 0)
			return (int)fd;
		r->slot[plan->presets[i].slot] = (int)fd;
	}
	/* What else is open above the floor is the caller's leak or our original: close it, gap by gap. */
	for (long from = floor; from >= 0;) {
		long next = 0x7fffffff, ret;
		for (unsigned i = 0; i < WIRE_SLOTS; i++)
			if (r->slot[i] >= from && r->slot[i] < next)
				next = r->slot[i];
		if (next > from) {
			ret = SYS(close_range, from, next - 1, 0, 0, 0, 0);
			for (long fd = from; ret == -E_NOSYS && fd < next && fd < 65536; fd++) /* KERNEL(5.9) */
				(void)SYS(close, fd, 0, 0, 0, 0, 0); /* most are not open */
		}
		from = next == 0x7fffffff ? -1 : next + 1;
	}
	r->peer = r->slot[0];
	return 0;
}

/* Of the calls that could do it, write is the one that a seccomp filter is most likely to let through. */
static int write_report(const struct runner *r, const struct report *rep)
{
	struct {
		struct report report;
		char detail[sizeof(r->detail)];
	} message = { *rep, { 0 } };
	long ret;

	for (uint32_t i = 0; i < r->detail_len; i++)
		message.detail[i] = r->detail[i];
	SYS_RETRY(ret, write, r->peer, &message, sizeof(*rep) + r->detail_len, 0, 0, 0);
	return ret < 0 ? (int)ret : 0;
}

int runner_report(struct runner *r, uint32_t kind, int32_t value, int fd)
{
	struct report rep = { kind, r->program, r->record, value, r->detail_len, 0 };
	struct fd_control control = { 20, 1 /* SOL_SOCKET */, 1 /* SCM_RIGHTS */, fd, 0 };
	struct part iov[2] = { { &rep, sizeof(rep) }, { r->detail, r->detail_len } };
	struct message msg = { NULL, 0, 0, iov, 2, fd < 0 ? NULL : &control, fd < 0 ? 0 : sizeof(control), 0, 0 };
	long ret;

	if (r->filtered)
		return write_report(r, &rep);
	SYS_RETRY(ret, sendmsg, r->peer, &msg, 0x4000 /* MSG_NOSIGNAL */, 0, 0, 0);
	return ret < 0 ? (int)ret : 0;
}

/* Resolves the arguments; -EBADF for an empty slot. */
static int resolve(struct runner *r, const struct record *rec, long *a)
{
	for (unsigned i = 0; i < WIRE_MAX_ARGS; i++) {
		switch ((rec->types >> (2 * i)) & 3u) {
		case ARG_IMM:
			a[i] = (long)rec->arg[i];
			break;
		case ARG_SLOT:
			a[i] = r->slot[rec->arg[i]];
			if (a[i] < 0)
				return -E_BADF;
			break;
		default:
			a[i] = (long)(r->plan.data + rec->arg[i]);
		}
	}
	return 0;
}

static long op_call(const struct record *rec, const long *a)
{
	/* openat2 answers EAGAIN when a rename raced with its walk below the root: asking again is what it means. */
	long ret;
	int tries = 0;
	do
		ret = sys6(rec->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	while (retry(ret) || (rec->nr == __NR_openat2 && ret == -E_AGAIN && ++tries < 128));
	return ret;
}

long op_close(struct runner *r, const long *a)
{
	if (r->slot[a[0]] >= 0)
		(void)SYS(close, r->slot[a[0]], 0, 0, 0, 0, 0); /* the fd is gone whatever close says */
	r->slot[a[0]] = -1;
	return 0;
}

static long op_jump(struct runner *r, const long *a)
{
	(void)r;
	(void)a;
	return 0;
}

/* All but OP_CALL, which takes its number from the record. */
static long (*const operation[])(struct runner *r, const long *a) = {
	[OP_JUMP] = op_jump,	 [OP_CLOSE] = op_close,	  [OP_MKPATH] = op_mkpath,     [OP_WRITE] = op_write,
	[OP_FSMOUNT] = op_fsmount, [OP_VERIFY] = op_verify, [OP_VERIFYLINK] = op_verifylink, [OP_CHDIR] = op_chdir,
	[OP_SYNC] = op_sync,	 [OP_SENDFD] = op_sendfd, [OP_FORK] = op_fork,	       [OP_SPAWN] = op_spawn,
	[OP_WAIT] = op_wait,	 [OP_FIND] = op_find,	  [OP_READY] = op_ready,       [OP_FILTER] = op_filter,
	[OP_EXEC] = op_exec,	 [OP_MASK] = op_mask,	  [OP_CAPDROP] = op_capdrop,   [OP_COPYTREE] = op_copytree,
	[OP_READONLY] = op_readonly, [OP_NETLINK] = op_netlink,	 [OP_EXPECT] = op_expect,     [OP_HEAR] = op_hear,
};

static long dispatch(struct runner *r, const struct record *rec, const long *a)
{
	if (rec->op == OP_CALL)
		return op_call(rec, a);
	if (rec->op >= sizeof(operation) / sizeof(operation[0]) || !operation[rec->op])
		return -E_NOSYS;
	return operation[rec->op](r, a);
}

static int tolerated(const struct record *rec, long error)
{
	for (unsigned i = 0; i < WIRE_MAX_TOLERATE; i++)
		if (rec->tolerate[i] && rec->tolerate[i] == error)
			return 1;
	return 0;
}

/* Runs a record; its result (an fd for `out`) or -errno. */
static long step(struct runner *r, const struct record *rec)
{
	long a[WIRE_MAX_ARGS], ret;

	r->detail_len = 0;
	ret = resolve(r, rec, a);
	if (ret < 0)
		return rec->flags & RECORD_IF_OPEN ? 0 : ret;
	ret = dispatch(r, rec, a);
	if (ret >= 0 && rec->out != WIRE_NO_SLOT) {
		if (r->slot[rec->out] >= 0)
			(void)SYS(close, r->slot[rec->out], 0, 0, 0, 0, 0); /* a slot used again drops what it held */
		r->slot[rec->out] = (int)ret;
	}
	return ret;
}

void runner_run(struct runner *r, uint32_t first)
{
	r->program = first;
	r->record = 0;
	while (r->record < r->plan.count[r->program]) {
		const struct record *rec = &r->plan.program[r->program][r->record];
		uint32_t program = r->program;
		long ret = step(r, rec);
		if (ret < 0 && !tolerated(rec, -ret)) {
			/* A parent that is gone cannot be told; leaving is all that remains. */
			(void)runner_report(r, REPORT_FAILED, (int32_t)-ret, -1);
			return;
		}
		if (program != r->program)
			continue; /* fork went on with init, from its first record */
		r->record += 1u + (ret < 0 || rec->op == OP_JUMP ? rec->skip : 0u);
	}
}
