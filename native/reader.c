/* plan_open: trusts nothing in the buffer. */
#include "plan.h"

/*
 * What each operation takes: i immediate, d fd slot or immediate (AT_FDCWD), s string, b bytes (the next argument, an
 * immediate, is their length), - unused. OP_CALL takes anything.
 */
static const char *const signature[] = {
	[OP_JUMP] = "------",  [OP_CALL] = "******",  [OP_CLOSE] = "i-----",  [OP_MKPATH] = "dsiid-",
	[OP_WRITE] = "dsbii-", [OP_FSMOUNT] = "sbiid-", [OP_VERIFY] = "dii---", [OP_CHDIR] = "s-----",
	[OP_SYNC] = "ii----",  [OP_SENDFD] = "id----", [OP_FORK] = "i-----",   [OP_SPAWN] = "sbiidi",
	[OP_WAIT] = "d-----",  [OP_FIND] = "bi----",  [OP_EXEC] = "------",   [OP_NETLINK] = "bi----",
	[OP_MASK] = "dbidii", [OP_READONLY] = "ds----",
	[OP_CAPDROP] = "i-----", [OP_READY] = "biii--", [OP_FILTER] = "ibii--",
	[OP_COPYTREE] = "ddd---", [OP_VERIFYLINK] = "ds----", [OP_EXPECT] = "dsbii-", [OP_HEAR] = "d-----",
};
enum { OP_COUNT = sizeof(signature) / sizeof(signature[0]) };

static unsigned arg_type(const struct record *rec, unsigned i)
{
	return (rec->types >> (2 * i)) & 3u;
}

static int arg_fits(char want, unsigned type)
{
	switch (want) {
	case '*':
		return 1;
	case 'i':
	case '-':
		return type == ARG_IMM;
	case 'd':
		return type == ARG_SLOT || type == ARG_IMM;
	case 's':
		return type == ARG_STR;
	default:
		return type == ARG_BUF;
	}
}

static int record_ok(const struct plan *plan, const struct record *rec)
{
	uint64_t data_len = plan->head->data_len;

	if (rec->op == 0 || rec->op >= OP_COUNT || !signature[rec->op])
		return 0;
	/* Slot 0 is the runner's own: the socket it reports to. */
	if (rec->out != WIRE_NO_SLOT && (rec->out >= WIRE_SLOTS || rec->out == 0))
		return 0;
	if (rec->flags & ~RECORD_IF_OPEN || rec->types >> (2 * WIRE_MAX_ARGS))
		return 0;
	for (unsigned i = 0; i < WIRE_MAX_ARGS; i++) {
		unsigned type = arg_type(rec, i);
		if (!arg_fits(signature[rec->op][i], type))
			return 0;
		if (type == ARG_SLOT && rec->arg[i] >= WIRE_SLOTS)
			return 0;
		if (type == ARG_STR && rec->arg[i] >= data_len)
			return 0;
		if (type != ARG_BUF)
			continue;
		if (i + 1 == WIRE_MAX_ARGS || arg_type(rec, i + 1) != ARG_IMM)
			return 0;
		if (rec->arg[i] > data_len || rec->arg[i + 1] > data_len - rec->arg[i])
			return 0;
	}
	if (rec->op == OP_MASK && (rec->arg[4] == 0 || rec->arg[4] >= WIRE_SLOTS || rec->arg[5] > rec->arg[2]))
		return 0;
	return rec->op != OP_CLOSE || (rec->arg[0] > 0 && rec->arg[0] < WIRE_SLOTS);
}

static int range_ok(uint64_t off, uint64_t count, uint64_t size, uint64_t total)
{
	return off % 8 == 0 && off >= WIRE_HEADER_SIZE && off <= total && count * size <= total - off;
}

static int program_ok(const struct plan *plan, unsigned which)
{
	for (uint32_t i = 0; i < plan->count[which]; i++) {
		const struct record *rec = &plan->program[which][i];
		if (!record_ok(plan, rec) || rec->skip > plan->count[which] - 1 - i)
			return 0;
		if (rec->op == OP_FORK && (which != PROGRAM_STAGE || i + 1 != plan->count[which]))
			return 0;
	}
	return 1;
}

int plan_open(struct plan *plan, const void *buffer, size_t length)
{
	const struct header *h = buffer;
	const char *base = buffer;

	if (length < sizeof(*h) || (uintptr_t)buffer % 8)
		return 1;
	if (h->magic != WIRE_MAGIC || h->total != length)
		return 2;
	if (h->hash != DAVIT_TABLE_HASH)
		return 3;
	if (h->stage_count > WIRE_MAX_RECORDS || h->init_count > WIRE_MAX_RECORDS || h->slots_count > WIRE_SLOTS)
		return 4;
	if (!range_ok(h->stage_off, h->stage_count, sizeof(struct record), length) ||
	    !range_ok(h->init_off, h->init_count, sizeof(struct record), length) ||
	    !range_ok(h->slots_off, h->slots_count, sizeof(struct preset), length) ||
	    !range_ok(h->data_off, h->data_len, 1, length))
		return 5;
	/* Every string then ends inside the data. */
	if (h->data_len == 0 || base[h->data_off + h->data_len - 1] != '\0')
		return 6;
	if (h->init_count == 0 || h->keep_fds > 1 << 20)
		return 7;
	plan->head = h;
	plan->data = base + h->data_off;
	plan->program[PROGRAM_STAGE] = (const void *)(base + h->stage_off);
	plan->program[PROGRAM_INIT] = (const void *)(base + h->init_off);
	plan->count[PROGRAM_STAGE] = h->stage_count;
	plan->count[PROGRAM_INIT] = h->init_count;
	plan->presets = (const void *)(base + h->slots_off);
	for (uint32_t i = 0; i < h->slots_count; i++)
		if (plan->presets[i].slot >= WIRE_SLOTS || plan->presets[i].fd < 0)
			return 8;
	if (!program_ok(plan, PROGRAM_STAGE) || !program_ok(plan, PROGRAM_INIT))
		return 9;
	return 0;
}
