/*
 * The plan buffer: what the TypeScript side (src/wire/encode.ts) writes and the executor reads. All little-endian.
 *
 *   header | stage records | init records | preset slots | data
 *
 * A record is one operation with up to six arguments, each an immediate number, an fd slot, or a place in the data.
 * Operations are numbered in ops.gen.h. Control flow only goes forward: when a record fails with an errno that it
 * tolerates, `skip` records are skipped; `jump` skips without condition. Everything is checked by plan_open() before
 * the first record runs, although the writer is our own.
 */
#ifndef DAVIT_PLAN_H
#define DAVIT_PLAN_H

#include "ops.gen.h"
#include "sys.h"

struct header {
	uint32_t magic, hash, total;
	uint32_t stage_off, stage_count, init_off, init_count;
	uint32_t slots_off, slots_count;
	uint32_t data_off, data_len;
	uint32_t keep_fds; /* fds 3 .. 3+keep_fds-1 belong to the container's process */
	uint32_t reserved[4];
};

struct record {
	uint16_t op;
	uint16_t out; /* slot for the resulting fd, or WIRE_NO_SLOT */
	uint16_t skip; /* records to skip after a tolerated failure */
	uint16_t nr; /* OP_CALL: system call number */
	uint8_t tolerate[WIRE_MAX_TOLERATE]; /* errno values, 0: none */
	uint16_t types; /* ARG_* of each argument, two bits each */
	uint16_t flags; /* RECORD_* */
	uint64_t arg[WIRE_MAX_ARGS];
};

enum { RECORD_IF_OPEN = 1 }; /* skip the record when its first slot is empty */

struct preset {
	uint32_t slot;
	int32_t fd;
};

/* A report of the executor, and the parent's answer to a sync. A text of `detail` bytes may follow a report. */
struct report {
	uint32_t kind, program, record;
	int32_t value;
	uint32_t detail, reserved;
};
struct answer {
	uint32_t tag;
	int32_t value;
};

/* sendmsg(2) and recvmsg(2): struct iovec, struct msghdr, and struct cmsghdr with one fd. */
struct part {
	const void *base;
	uint64_t len;
};
struct message {
	void *name;
	uint32_t namelen, pad0;
	struct part *iov;
	uint64_t iovlen;
	void *control;
	uint64_t controllen;
	int32_t flags, pad1;
};
struct fd_control {
	uint64_t len;
	int level, type;
	int fd, pad;
};

_Static_assert(sizeof(struct header) == WIRE_HEADER_SIZE, "header size");
_Static_assert(sizeof(struct record) == WIRE_RECORD_SIZE, "record size");
_Static_assert(sizeof(struct report) == WIRE_MESSAGE_SIZE, "report size");
_Static_assert(sizeof(struct preset) == 8, "preset size");

struct plan {
	const struct header *head;
	const struct record *program[2]; /* PROGRAM_STAGE, PROGRAM_INIT */
	uint32_t count[2];
	const struct preset *presets;
	const char *data;
};

struct runner {
	struct plan plan;
	int slot[WIRE_SLOTS]; /* fds by slot, -1: empty */
	int peer; /* socket for reports and answers */
	uint32_t program, record;
	const char *exe, **argv, **envp; /* chosen by find, laid out by ready, used by exec */
	int filtered; /* a seccomp filter may forbid what follows */
	char detail[160]; /* words for the report of a failure */
	uint32_t detail_len;
};

/* Checks a buffer whole. 0, or a positive number that says which check failed. */
int plan_open(struct plan *plan, const void *buffer, size_t length);

/* Fills the runner's slots from the plan and closes every other fd above those that the container keeps. */
int runner_open(struct runner *r, const struct plan *plan);

/* Runs a program, the stage or init. Returns only on failure, after reporting it. */
void runner_run(struct runner *r, uint32_t first);

/* Sends a report; 0 or -errno. An fd goes along unless it is -1. */
int runner_report(struct runner *r, uint32_t kind, int32_t value, int fd);

/* The operations: arguments are resolved to numbers, fds and pointers. Return >= 0 (an fd for `out`) or -errno. */
long op_close(struct runner *r, const long *a);
long op_mkpath(struct runner *r, const long *a);
long op_write(struct runner *r, const long *a);
long op_fsmount(struct runner *r, const long *a);
long op_verify(struct runner *r, const long *a);
long op_verifylink(struct runner *r, const long *a);
long op_chdir(struct runner *r, const long *a);
long op_sync(struct runner *r, const long *a);
long op_sendfd(struct runner *r, const long *a);
long op_fork(struct runner *r, const long *a);
long op_spawn(struct runner *r, const long *a);
long op_wait(struct runner *r, const long *a);
long op_find(struct runner *r, const long *a);
long op_ready(struct runner *r, const long *a);
long op_filter(struct runner *r, const long *a);
long op_exec(struct runner *r, const long *a);
long op_netlink(struct runner *r, const long *a);
long op_mask(struct runner *r, const long *a);
long op_readonly(struct runner *r, const long *a);
long op_capdrop(struct runner *r, const long *a);
long op_copytree(struct runner *r, const long *a);
long op_expect(struct runner *r, const long *a);
long op_hear(struct runner *r, const long *a);

/* openat2 below a root fd: links are followed inside it, magic links not at all. Close-on-exec. */
long open_in_root(int root, const char *path, uint64_t flags);

/* Takes the guard of the stack from the auxiliary vector; sp points at argc. What has no guard itself calls it first. */
__attribute__((no_stack_protector)) void take_guard(const long *sp);

/* Sets the words that go with the failure about to be returned. */
void set_detail(struct runner *r, const char *text, size_t length);

#endif
