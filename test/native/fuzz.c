/*
 * Test only: plans from a fuzzer, run on a kernel that is made up. Built with -DDAVIT_FUZZ, every system call of the
 * executor comes here: its pointers are read or written as the kernel would, so that the address sanitizer sees a
 * wrong one, and its result is taken from the input. An fd that the executor leaks or closes twice is a fault too.
 * The entry is libFuzzer's; fuzz_driver.c has another for any compiler.
 */
#include "fuzz.h"
#include "reader.c" /* the table of signatures is static there */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CALLS = 3000, MAX_BLOCKS = 512, FIRST_FD = 1000, MAX_FDS = 8192 };

static struct runner runner;
static jmp_buf leave; /* where the process ends: exit, exec, or too many calls */
static const uint8_t *answer, *answer_end;
static int calls, blocks, next_fd;
static int running; /* past runner_open */
int fuzz_ran, fuzz_opened;
static int strict; /* the plan keeps its fds in order: disorder is the executor's */
static void *block[MAX_BLOCKS];
static char is_open[MAX_FDS];
static volatile uint64_t sink; /* what is read must not be optimised away */

static unsigned next_byte(void)
{
	return answer < answer_end ? *answer++ : 0;
}

/* --- what the kernel does with pointers --- */

static void touch(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sink += ((const uint8_t *)p)[i];
}

static void touch_string(long p)
{
	touch((const void *)p, strlen((const char *)p) + 1);
}

static void touch_strings(long p)
{
	for (const char *const *s = (const char *const *)p; *s; s++)
		touch_string((long)*s);
}

static void fill(long p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)next_byte();
}

/* A count of at most `max` bytes, the whole of it with some likelihood. */
static long some(long max)
{
	unsigned b = next_byte();
	return max <= 0 ? 0 : b & 1 ? max : (long)(((b << 8) | next_byte()) % (unsigned long)(max + 1));
}

/* Answers that some code waits for must not all be noise. */
static long received(long p, long max)
{
	long n = some(max);
	const struct record *rec = &runner.plan.program[runner.program][runner.record];
	const uint32_t magic = WIRE_MAGIC;
	const void *tag = rec->op == OP_SYNC ? (const void *)&rec->arg[0] : rec->op == OP_FILTER ? &rec->arg[3] : (const void *)&magic;

	fill(p, (size_t)n);
	if (n >= 4 && next_byte() & 1)
		memcpy((void *)p, tag, 4);
	return n;
}

struct iovec_ {
	const void *base;
	size_t len;
};
struct msghdr_ {
	const void *name;
	uint32_t namelen;
	const struct iovec_ *iov;
	size_t iovlen;
	const void *control;
	size_t controllen;
	int flags;
};

static long sent(const struct msghdr_ *msg)
{
	long total = 0;
	for (size_t i = 0; i < msg->iovlen; i++) {
		touch(msg->iov[i].base, msg->iov[i].len);
		total += (long)msg->iov[i].len;
	}
	touch(msg->control, msg->control ? msg->controllen : 0);
	return total;
}

/* --- fds: a leaked one, or one closed twice, is a fault --- */

static long new_fd(void)
{
	if (next_fd >= FIRST_FD + MAX_FDS)
		longjmp(leave, 1);
	is_open[next_fd - FIRST_FD] = 1;
	return next_fd++;
}

static void fault(const char *what, long value)
{
	fprintf(stderr, "fault: %s %ld in record %u of program %u\n", what, value, runner.record, runner.program);
	abort();
}

static void close_fd(long fd)
{
	if (fd < FIRST_FD || fd >= next_fd)
		return;
	if (!is_open[fd - FIRST_FD] && strict)
		fault("closed twice:", fd);
	is_open[fd - FIRST_FD] = 0;
}

static void check_fds(void)
{
	for (int fd = FIRST_FD; fd < next_fd; fd++) {
		int known = runner.peer == fd;
		for (unsigned i = 0; i < WIRE_SLOTS; i++)
			known |= runner.slot[i] == fd;
		if (is_open[fd - FIRST_FD] && !known)
			fault("leaked fd", fd);
	}
}

/* Whether no step of the plan throws an fd away or makes one up. */
static int keeps_order(const struct plan *plan)
{
	char seen[WIRE_SLOTS] = { 0 };

	for (uint32_t i = 0; i < plan->head->slots_count; i++)
		if (seen[plan->presets[i].slot]++)
			return 0;
	for (unsigned which = 0; which < 2; which++)
		for (uint32_t i = 0; i < plan->count[which]; i++) {
			const struct record *rec = &plan->program[which][i];
			int makes = rec->op == OP_CALL || rec->op == OP_MKPATH || rec->op == OP_FSMOUNT;
			if (makes ? rec->op != OP_CALL && rec->out == WIRE_NO_SLOT : rec->out != WIRE_NO_SLOT)
				return 0;
			if (rec->op == OP_CALL && rec->nr == __NR_close)
				return 0;
		}
	return 1;
}

/* --- system calls --- */

static long keep_block(size_t size)
{
	if (blocks == MAX_BLOCKS || !(block[blocks] = calloc(1, size)))
		return -12;
	return (long)block[blocks++];
}

/* The plan's own call: what the record says is text or bytes must be readable as such; nothing else is known. */
static long plan_call(const struct record *rec, const long *a)
{
	for (unsigned i = 0; i < WIRE_MAX_ARGS; i++) {
		unsigned type = arg_type(rec, i);
		if (type == ARG_STR)
			touch_string(a[i]);
		else if (type == ARG_BUF)
			touch((const void *)a[i], (size_t)a[i + 1]);
	}
	return rec->out == WIRE_NO_SLOT ? (long)(next_byte() & 1) : new_fd();
}

/* What a call does when it does not fail. */
static long success(long nr, const long *a)
{
	switch (nr) {
	case __NR_exit_group:
		longjmp(leave, 1);
	case __NR_execve:
		touch_string(a[0]);
		touch_strings(a[1]);
		touch_strings(a[2]);
		longjmp(leave, 1);
	case __NR_clone:
		return next_byte() & 1 ? 4321 : 0;
	case __NR_mmap:
		return keep_block((size_t)a[1]);
	case __NR_close:
		close_fd(a[0]);
		return 0;
	case __NR_close_range:
		if (a[2] == 0)
			for (long fd = FIRST_FD; fd < next_fd; fd++)
				if (fd >= a[0] && fd <= a[1])
					is_open[fd - FIRST_FD] = 0;
		return 0;
	case __NR_fcntl:
		return a[1] == 1030 ? new_fd() : 0;
	case __NR_openat2:
		touch_string(a[1]);
		touch((const void *)a[2], (size_t)a[3]);
		return new_fd();
	case __NR_openat:
		touch_string(a[1]);
		return new_fd();
	case __NR_getdents64: { /* one entry, or the end; byte 16: its length, 19: its name */
		if (next_byte() & 1)
			return 0;
		memset((void *)a[1], 0, 32);
		((uint8_t *)a[1])[16] = 32;
		fill(a[1] + 19, next_byte() % 12);
		return 32;
	}
	case __NR_symlinkat:
		touch_string(a[0]);
		touch_string(a[2]);
		return 0;
	case __NR_sendfile:
		return some(a[3]) & next_byte();
	case __NR_mknodat:
	case __NR_fchownat:
	case __NR_fchmodat:
	case __NR_mkdirat:
	case __NR_faccessat:
	case __NR_faccessat2:
		touch_string(a[1]);
		return 0;
	case __NR_open_tree:
		touch_string(a[1]);
		return new_fd();
	case __NR_move_mount:
		touch_string(a[1]);
		touch_string(a[3]);
		return 0;
	case __NR_mount_setattr:
		touch_string(a[1]);
		touch((const void *)a[3], (size_t)a[4]);
		return 0;
	case __NR_chdir:
		touch_string(a[0]);
		return 0;
	case __NR_fsopen:
		touch_string(a[0]);
		return new_fd();
	case __NR_socket:
	case __NR_accept4:
	case __NR_fsmount:
	case __NR_pidfd_open:
		return new_fd();
	case __NR_pipe2:
		((int *)a[0])[0] = (int)new_fd();
		((int *)a[0])[1] = (int)new_fd();
		return 0;
	case __NR_fsconfig:
		if (a[1] == 0 || a[1] == 1)
			touch_string(a[2]);
		if (a[1] == 1)
			touch_string(a[3]);
		return 0;
	case __NR_write:
		touch((const void *)a[1], (size_t)a[2]);
		return some(a[2]);
	case __NR_sendto:
		touch((const void *)a[1], (size_t)a[2]);
		return a[2];
	case __NR_sendmsg:
		return sent((const void *)a[1]);
	case __NR_read:
	case __NR_recvfrom:
		return received(a[1], a[2]);
	case __NR_readlinkat: {
		long n;
		touch_string(a[1]);
		n = some(next_byte() & 1 ? a[3] : 8);
		fill(a[2], n < 16 ? (size_t)n : 16);
		if (n > 16) /* a long one costs no answers */
			memset((char *)a[2] + 16, next_byte() & 1 ? 'a' : '/', (size_t)n - 16);
		return n;
	}
	case __NR_getcwd: {
		long n = some(a[1]);
		fill(a[0], (size_t)n);
		return n;
	}
	case __NR_statx:
		touch_string(a[1]);
		fill(a[4], 256);
		return 0;
	case __NR_fstatfs:
		fill(a[1], 120);
		return 0;
	case __NR_seccomp: {
		const struct {
			uint16_t len;
			const void *filter;
		} *program = (const void *)a[2];
		touch(program->filter, program->len * 8u);
		/* exec closes the listener, or the plan: a number that is never counted as open */
		return a[1] & 8 ? FIRST_FD - 1 : 0;
	}
	case __NR_rt_sigaction:
		touch((const void *)a[1], 32);
		return 0;
	case __NR_rt_sigprocmask:
		touch((const void *)a[1], 8);
		return 0;
	case __NR_ppoll:
		fill(a[0] + 6, 2);
		fill(a[2], 16);
		return next_byte() & 1;
	case __NR_wait4:
		fill(a[1], 4);
		return a[0];
	default:
		return 0;
	}
}

/* Errors that code here looks for come more often than the others. */
static long failure(unsigned b)
{
	static const uint8_t errors[] = { E_NOENT, E_NOENT, E_NOENT, E_INTR, E_AGAIN, E_EXIST, E_NOSYS, E_BADF, 1, 84 };
	return -(long)(b < 240 ? errors[b % sizeof(errors)] : 1 + next_byte() % 133u);
}

long fuzz_sys(long nr, long a, long b, long c, long d, long e, long f)
{
	const long args[] = { a, b, c, d, e, f };
	const struct record *rec = running ? &runner.plan.program[runner.program][runner.record] : NULL;
	int own = running && runner.record < runner.plan.count[runner.program] && rec->op == OP_CALL && rec->nr == nr;
	unsigned say = next_byte();

	if (++calls > MAX_CALLS || nr == __NR_exit_group)
		longjmp(leave, 1);
	if (nr == __NR_close) { /* the fd is gone whatever the answer */
		if (!own)
			close_fd(a);
		return say >= 200 ? failure(say) : 0;
	}
	if (say >= 160)
		return failure(say);
	if (nr == __NR_openat2 && say % 4 == 0)
		return -E_NOENT; /* the walk of op_mkpath needs a few of them */
	if (own) { /* some may be the plan's, or the report of the plan's failure */
		int report = nr == __NR_sendmsg || (nr == __NR_write && runner.filtered);
		return report ? 0 : plan_call(rec, args);
	}
	return success(nr, args);
}

/* --- one input: flags, the number of answers in units of 16, the answers, the plan --- */

static void forget(void)
{
	while (blocks > 0)
		free(block[--blocks]);
	memset(is_open, 0, (size_t)(next_fd - FIRST_FD));
	memset(&runner, 0, sizeof(runner));
	next_fd = FIRST_FD;
	calls = running = strict = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plan plan;
	size_t answers, length;
	uint8_t *buffer;

	next_fd = next_fd ? next_fd : FIRST_FD;
	if (size < 2)
		return 0;
	answers = (size_t)data[1] * 16 < size - 2 ? (size_t)data[1] * 16 : size - 2;
	length = size - 2 - answers;
	buffer = malloc(length + !length);
	memcpy(buffer, data + 2 + answers, length);
	if (length >= 12 && !(data[0] & 1)) { /* most inputs pass the first checks */
		uint32_t head[] = { WIRE_MAGIC, DAVIT_TABLE_HASH, (uint32_t)length };
		memcpy(buffer, head, sizeof(head));
	}
	answer = data + 2;
	answer_end = answer + answers;
	forget();
	fuzz_ran = fuzz_opened = 0;
	if (plan_open(&plan, buffer, length) == 0 && !setjmp(leave)) {
		fuzz_opened = 1;
		if (runner_open(&runner, &plan) == 0) {
			strict = keeps_order(&plan);
			running = fuzz_ran = 1;
			runner_run(&runner, plan.count[PROGRAM_STAGE] ? PROGRAM_STAGE : PROGRAM_INIT);
			if (strict)
				check_fds();
		}
	}
	forget();
	free(buffer);
	return 0;
}

const char *fuzz_signature(unsigned op)
{
	return op < OP_COUNT ? signature[op] : NULL;
}
