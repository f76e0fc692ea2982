/*
 * Test only: a fuzzer for any compiler, and with -DDAVIT_LIBFUZZER what helps libFuzzer.
 *   fuzz SEED COUNT FILE...   runs COUNT inputs: mutations of the plans in the files, plans made up, and noise
 *   fuzz plans FILE           runs each plan of a file, a length (32 bits) before each, as it is; none may be refused
 *   fuzz inputs FILE...       runs inputs that libFuzzer has found
 * Input i depends on SEED + i alone.
 */
#include "fuzz.h"
#include "plan.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The sanitizers end in abort(), so that the number of the input can be told. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
	return "abort_on_error=1:detect_leaks=0";
}

const char *__ubsan_default_options(void)
{
	return "abort_on_error=1:print_stacktrace=1";
}

enum { MAX_INPUT = 1 << 17, MAX_FILES = 256 };

static uint64_t state;
static uint8_t input[MAX_INPUT];
#ifndef DAVIT_LIBFUZZER
static uint64_t current;
static struct {
	uint8_t *bytes;
	size_t size;
} file[MAX_FILES];
static unsigned files;
static unsigned long opened;
static int plans; /* whole ones are run */

static void on_abort(int sig)
{
	(void)sig;
	if (plans)
		fprintf(stderr, "plan %llu is at fault\n", (unsigned long long)current);
	else
		fprintf(stderr, "reproduce with seed %llu, count 1\n", (unsigned long long)current);
}

#endif

/* splitmix64 */
static uint64_t chance(uint64_t limit)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % limit;
}

static uint64_t odd_number(size_t size)
{
	static const uint64_t odd[] = { 0, 1, 2, 3, 7, 8, 63, 64, 255, 256, 511, 512, 4095, 65535, 0x7fffffff, 0xffffffff, ~0ull };
	return chance(3) ? odd[chance(sizeof(odd) / sizeof(odd[0]))] : chance(size + 9);
}

/* Answers of the kernel: a mostly obedient one, or noise. */
static void make_answers(uint8_t *p, size_t n)
{
	unsigned mood = (unsigned)chance(3);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(mood && chance(8) ? chance(160) : chance(256));
}

static size_t mutate(uint8_t *plan, size_t size)
{
	for (unsigned n = 1 + (unsigned)chance(6); n > 0; n--) {
		size_t at = (size_t)chance(size), width = (size_t)1 << chance(4);
		uint64_t value = odd_number(size);
		switch (chance(6)) {
		case 0:
			plan[at] ^= (uint8_t)(1u << chance(8));
			break;
		case 1:
		case 2:
			at &= ~(width - 1);
			if (at + width <= size)
				memcpy(plan + at, &value, width);
			break;
		case 3: /* a record over another */
			if (size > 3 * WIRE_RECORD_SIZE)
				memmove(plan + WIRE_HEADER_SIZE + WIRE_RECORD_SIZE * chance(size / WIRE_RECORD_SIZE - 2),
					plan + WIRE_HEADER_SIZE + WIRE_RECORD_SIZE * chance(size / WIRE_RECORD_SIZE - 2),
					WIRE_RECORD_SIZE);
			break;
		case 4: /* fields of a record */
			at = WIRE_HEADER_SIZE + at / WIRE_RECORD_SIZE * WIRE_RECORD_SIZE + 2 * chance(8);
			if (at + 2 <= size)
				memcpy(plan + at, &value, 2);
			break;
		default:
			if (size > 2 * WIRE_HEADER_SIZE && chance(4) == 0)
				size -= chance(WIRE_HEADER_SIZE);
		}
	}
	return size;
}

static unsigned argument_type(char want, unsigned i)
{
	switch (want) {
	case 's':
		return ARG_STR;
	case 'b':
		return ARG_BUF;
	case 'd':
		return chance(2) ? ARG_SLOT : ARG_IMM;
	case '*':
		return i < 5 && chance(2) ? ARG_STR : ARG_IMM;
	default:
		return ARG_IMM;
	}
}

static void invent_args(struct record *rec, unsigned data_len)
{
	for (unsigned i = 0; i < WIRE_MAX_ARGS; i++) {
		unsigned type = argument_type(fuzz_signature(rec->op)[i], i);
		rec->types = (uint16_t)(rec->types | (type << (2 * i)));
		switch (type) {
		case ARG_SLOT:
			rec->arg[i] = chance(9);
			break;
		case ARG_STR:
			rec->arg[i] = chance(data_len);
			break;
		case ARG_BUF:
			rec->arg[i] = chance(data_len);
			rec->arg[i + 1] = data_len - rec->arg[i];
			if (chance(3) == 0)
				rec->arg[i + 1] = chance(rec->arg[i + 1] + 1);
			i++;
			break;
		default:
			rec->arg[i] = rec->op == OP_CLOSE ? (i ? 0 : 1 + chance(9)) :
				       rec->op == OP_MASK && i == 4 ? 1 + chance(9) :
				       rec->op == OP_MASK && i == 5 ? chance(rec->arg[2] + 1) :
				       odd_number(data_len) % (chance(3) ? 9 : ~0ull);
		}
	}
}

static unsigned operations(void)
{
	unsigned op = 1;
	while (fuzz_signature(op))
		op++;
	return op - 1;
}

static struct record invent_record(unsigned which, uint32_t after, unsigned data_len)
{
	struct record rec = { .op = (uint16_t)(1 + chance(operations())), .out = WIRE_NO_SLOT };

	if (rec.op == OP_FORK && (which == PROGRAM_INIT || after > 0))
		rec.op = OP_MKPATH;
	if (rec.op == OP_CALL || rec.op == OP_MKPATH || rec.op == OP_FSMOUNT || chance(20) == 0)
		rec.out = (uint16_t)(1 + chance(8));
	rec.skip = (uint16_t)(chance(3) ? 0 : chance(after + 1));
	rec.nr = (uint16_t)chance(460);
	rec.tolerate[0] = (uint8_t)(chance(3) ? E_NOENT : chance(134));
	rec.flags = (uint16_t)(chance(4) == 0);
	invent_args(&rec, data_len);
	return rec;
}

/* A plan out of nothing whose records fit their signatures. */
static size_t invent(uint8_t *plan)
{
	struct header head = { .keep_fds = (uint32_t)chance(4), .data_len = 64 + (uint32_t)chance(chance(8) ? 200 : 9000) };
	const char *letters = chance(4) ? "abs/.f\0/" : "aaaaaaaa";
	size_t size = sizeof(head);

	head.stage_off = (uint32_t)size;
	head.stage_count = chance(3) ? 0 : 1 + (uint32_t)chance(6);
	head.init_off = (uint32_t)(size + head.stage_count * sizeof(struct record));
	head.init_count = 1 + (uint32_t)chance(12);
	for (uint32_t i = 0; i < head.stage_count + head.init_count; i++, size += sizeof(struct record)) {
		unsigned which = i < head.stage_count ? PROGRAM_STAGE : PROGRAM_INIT;
		uint32_t after = head.stage_count + (which == PROGRAM_INIT ? head.init_count : 0) - i - 1;
		struct record rec = invent_record(which, after, head.data_len);
		memcpy(plan + size, &rec, sizeof(rec));
	}
	head.slots_off = (uint32_t)size;
	head.slots_count = (uint32_t)chance(6);
	for (uint32_t i = 0; i < head.slots_count; i++, size += sizeof(struct preset)) {
		struct preset preset = { i, 3 + (int)chance(20) };
		memcpy(plan + size, &preset, sizeof(preset));
	}
	head.data_off = (uint32_t)size;
	for (unsigned i = 0; i < head.data_len; i++)
		plan[size + i] = (uint8_t)(chance(400) ? letters[chance(8)] : '/');
	plan[size + head.data_len - 1] = '\0';
	memcpy(plan, &head, sizeof(head));
	return size + head.data_len;
}

#ifdef DAVIT_LIBFUZZER
/* libFuzzer keeps what leads further; what it is given to try is made as here as often as by itself. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	size_t answers = size < 2 ? 0 : 2 + data[1] * 16u;
	uint64_t kind;

	state = seed;
	kind = chance(8);
	if (size < 2 || answers >= size || kind < 3)
		return LLVMFuzzerMutate(data, size, max);
	if (kind == 3) {
		make_answers(data + 2, answers - 2);
		return size;
	}
	if (kind == 4 && max <= MAX_INPUT) {
		size_t length = invent(input);
		if (answers + length > max)
			return LLVMFuzzerMutate(data, size, max);
		memcpy(data + answers, input, length);
		return answers + length;
	}
	return answers + mutate(data + answers, size - answers);
}
#else
static void noise(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)chance(256);
}

static void one(void)
{
	size_t answers = 16 * chance(60), size;
	uint8_t *plan = input + 2 + answers;
	uint64_t kind = chance(20);

	input[0] = chance(16) == 0;
	input[1] = (uint8_t)(answers / 16);
	make_answers(input + 2, answers);
	if (kind == 0) {
		size = (size_t)chance(512);
		noise(plan, size);
	} else if (kind < 10 || files == 0) {
		size = invent(plan);
		if (chance(4) == 0)
			size = mutate(plan, size);
	} else {
		unsigned which = (unsigned)chance(files);
		size = file[which].size;
		memcpy(plan, file[which].bytes, size);
		if (chance(10))
			size = mutate(plan, size);
	}
	LLVMFuzzerTestOneInput(input, 2 + answers + size);
	opened += (unsigned)fuzz_ran;
}

static int load(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (!f || files == MAX_FILES)
		return f ? 0 : (perror(path), -1);
	file[files].bytes = malloc(MAX_INPUT / 2);
	file[files].size = fread(file[files].bytes, 1, MAX_INPUT / 2, f);
	fclose(f);
	files++;
	return 0;
}

/* A plan of the encoder's: taken, and run with a few kinds of answers. Abort tells of a fault, as ever. */
static int whole_plan(const uint8_t *plan, size_t size)
{
	enum { TIMES = 3, ANSWERS = 16 * 255 };
	uint8_t *data = malloc(2 + ANSWERS + size);

	for (unsigned i = 0; i < TIMES; i++) {
		data[0] = 1; /* magic, hash and length are its own */
		data[1] = ANSWERS / 16;
		make_answers(data + 2, ANSWERS);
		memcpy(data + 2 + ANSWERS, plan, size);
		LLVMFuzzerTestOneInput(data, 2 + ANSWERS + size);
		if (!fuzz_opened)
			break;
	}
	free(data);
	return fuzz_opened ? 0 : -1;
}

static int whole_plans(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint32_t size;

	if (!f)
		return perror(path), 125;
	for (; fread(&size, 1, sizeof(size), f) == sizeof(size); current++) {
		uint8_t *plan = malloc(size + !size);
		if (fread(plan, 1, size, f) != size)
			return fputs("cut off\n", stderr), 125;
		state = current;
		if (whole_plan(plan, size) < 0) {
			fprintf(stderr, "plan %llu is refused\n", (unsigned long long)current);
			return 1;
		}
		free(plan);
	}
	fclose(f);
	printf("%llu plans\n", (unsigned long long)current);
	return 0;
}

static int kept_inputs(int count, char **paths)
{
	for (int i = 0; i < count; i++) {
		FILE *f = fopen(paths[i], "rb");
		if (!f)
			return perror(paths[i]), 125;
		LLVMFuzzerTestOneInput(input, fread(input, 1, MAX_INPUT, f));
		opened += (unsigned)fuzz_ran;
		fclose(f);
	}
	printf("%d inputs, %lu of them ran\n", count, opened);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t seed, count;

	if (argc < 3) {
		fprintf(stderr, "usage: %s SEED COUNT [FILE...], plans FILE, or inputs FILE...\n", argv[0]);
		return 126;
	}
	signal(SIGABRT, on_abort);
	if (strcmp(argv[1], "plans") == 0) {
		plans = 1;
		return whole_plans(argv[2]);
	}
	if (strcmp(argv[1], "inputs") == 0)
		return kept_inputs(argc - 2, argv + 2);
	seed = strtoull(argv[1], NULL, 10);
	count = strtoull(argv[2], NULL, 10);
	for (int i = 3; i < argc; i++)
		if (load(argv[i]) < 0)
			return 125;
	for (uint64_t i = 0; i < count; i++) {
		state = current = seed + i;
		one();
	}
	printf("%llu inputs, %lu of them ran\n", (unsigned long long)count, opened);
	return 0;
}
#endif
