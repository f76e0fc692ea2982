/*
 * What `create` has prepared: the programs of `start` and `delete`, `kill` and `state` lie beside the record of an ordinary
 * container, and are run here, without the engine. No policy: src/plan/prepared.ts and asked.ts decide what is done, and
 * that all of it may be done twice. Whatever is not plain (an option that is not known here, a step that fails) is the
 * engine's, from the start.
 */
#include "prepared.h"

struct wish {
	const char *root, *log, *id;
	const char *file; /* that has the program */
	uint32_t program;
	int signal;
};

static int same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* The value of an option, `--name value` or `--name=value`. */
static const char *value(const char *const *argv, long *i, const char *name)
{
	const char *p = argv[*i];
	while (*name && *p == *name)
		p++, name++;
	if (*name || (*p && *p != '='))
		return NULL;
	return *p ? p + 1 : argv[*i + 1] ? argv[++*i] : NULL;
}

/* Without "." and "-" at the start, which the engine looks at more closely. */
static int is_id(const char *id)
{
	const char *p = id;
	for (; *p; p++) {
		int plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '_';
		if (!plain && (p == id || (*p != '.' && *p != '-' && *p != '+')))
			return 0;
	}
	return p > id && p - id <= 1024;
}

/* A ".." is folded by the engine, whatever the part before it is; the kernel would follow a symbolic link there. */
static int goes_up(const char *path)
{
	for (; *path; path++)
		if (path[0] == '/' && path[1] == '.' && path[2] == '.' && (path[3] == '/' || !path[3]))
			return 1;
	return 0;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : -1;
}

/* The number of a signal: as engines write it, most of which send one of two. 0: to be looked at more closely. */
static int signal_of(const char *text)
{
	int first = digit(text[0]), second = first < 0 ? -1 : digit(text[1]);

	if (same(text, "KILL") || same(text, "SIGKILL"))
		return 9;
	if (same(text, "TERM") || same(text, "SIGTERM"))
		return 15;
	if (first < 0 || (text[1] && (second < 0 || text[2])))
		return 0;
	first = second < 0 ? first : 10 * first + second;
	return first <= 64 ? first : 0;
}

/* The verb and what follows it. */
static int parse_verb(const char *const *argv, struct wish *wish)
{
	const char *verb = *argv++;

	wish->file = "prepared";
	wish->program = PROGRAM_STAGE;
	if (same(verb, "delete")) {
		wish->program = PROGRAM_INIT;
		if (*argv && (same(*argv, "--force") || same(*argv, "-f")))
			argv++;
	} else if (same(verb, "kill") || same(verb, "state")) {
		wish->file = "asked";
		wish->program = same(verb, "kill") ? PROGRAM_STAGE : PROGRAM_INIT;
	} else if (!same(verb, "start"))
		return 0;
	if (!(wish->id = *argv++) || !is_id(wish->id))
		return 0;
	if (same(verb, "kill") && (!*argv || (wish->signal = signal_of(*argv++)) == 0))
		return 0;
	return !*argv;
}

static int parse(const char *const *argv, struct wish *wish)
{
	long i = 1;
	const char *v;

	if (!argv[0])
		return 0;
	for (; argv[i] && argv[i][0] == '-'; i++) {
		if ((v = value(argv, &i, "--root")))
			wish->root = v;
		else if ((v = value(argv, &i, "--log")))
			wish->log = v;
		else if (!same(argv[i], "--systemd-cgroup") &&
			 !((v = value(argv, &i, "--log-format")) && (same(v, "json") || same(v, "text"))))
			return 0;
	}
	if (!argv[i] || !wish->root || wish->root[0] != '/' || goes_up(wish->root) ||
	    (wish->log && wish->log[0] != '/'))
		return 0;
	return parse_verb(argv + i, wish);
}

/* ROOT/ID, which is no symbolic link. */
static long open_folder(const struct wish *wish)
{
	char path[PATH_SIZE];
	size_t at = 0;

	if (str_len(wish->root) + str_len(wish->id) + 2 > sizeof(path))
		return -E_NAMETOOLONG;
	for (const char *p = wish->root; *p; p++)
		path[at++] = *p;
	path[at++] = '/';
	for (const char *p = wish->id; *p; p++)
		path[at++] = *p;
	path[at] = '\0';
	return SYS(openat, AT_CWD, path, O_CLOEXEC_ | O_DIRECTORY_ | O_NOFOLLOW_, 0, 0, 0);
}

/* A program has some fifty steps and a path for each cgroup. */
static uint64_t buffer[1 << 15];

/* A round of MurmurHash3, of 32 bits. */
static uint32_t add(uint32_t sum, uint32_t word)
{
	word *= 0xcc9e2d51u;
	sum ^= (word << 15 | word >> 17) * 0x1b873593u;
	return (sum << 13 | sum >> 19) * 5 + 0xe6546b64u;
}

/* As src/wire/seal.ts: over the words of `w` and the directory, by its inode and device. */
static uint32_t sum_of(const uint32_t *w, size_t count, const uint32_t *stx)
{
	uint32_t sum = add(add(add(add(0, stx[8]), stx[9]), stx[34]), stx[35]);
	for (size_t i = 0; i < count; i++)
		sum = add(sum, w[i]);
	return sum;
}

/*
 * Reads a file into the buffer, if only we can write it, and if it is whole and of this directory: the length
 * of the plan, or -errno. Not mapped: a page that the disk cannot give would be a signal.
 */
static long read_prepared(long folder, const char *name)
{
	uint32_t stx[64] __attribute__((aligned(8))); /* struct statx, 256 bytes */
	const uint32_t *words = (const uint32_t *)buffer;
	long fd = SYS(openat, folder, name, O_CLOEXEC_ | O_NOFOLLOW_ | O_NONBLOCK_, 0, 0, 0), length = -E_ACCES;

	if (fd < 0)
		return fd;
	/* stx_uid, stx_mode; as much as there is, which cannot be all of the buffer */
	if (SYS(statx, fd, "", 0x1000 /* AT_EMPTY_PATH */, 0xb /* type, mode, uid */, stx, 0) == 0 &&
	    (long)stx[5] == SYS(geteuid, 0, 0, 0, 0, 0, 0) && (stx[7] & 0170022) == 0100000)
		length = SYS(read, fd, buffer, sizeof(buffer), 0, 0, 0);
	(void)SYS(close, fd, 0, 0, 0, 0, 0); /* only read */
	if (length < 0)
		return length;
	if (length < 4 || length % 4 || SYS(statx, folder, "", 0x1000, 0x100 /* inode */, stx, 0) < 0)
		return -E_INVAL;
	length -= 4;
	return words[length / 4] == sum_of(words, (size_t)length / 4, stx) ? length : -E_INVAL;
}

/* --log is made at once, as the engine does it. */
static int make_log(const char *path)
{
	long mask = SYS(umask, 022, 0, 0, 0, 0, 0);
	long fd = SYS(openat, AT_CWD, path, O_CLOEXEC_ | O_CREAT_ | 02001 /* O_WRONLY, O_APPEND */, 0644, 0, 0);

	(void)SYS(umask, mask, 0, 0, 0, 0, 0); /* cannot fail */
	return fd >= 0 && SYS(close, fd, 0, 0, 0, 0, 0) == 0;
}

static struct runner runner;

/* -1 when there is no such program, 0 when a step of it has failed. */
static int run_in(int folder, const struct wish *wish, int code)
{
	struct plan plan;
	long length = read_prepared(folder, wish->file);

	if (length < 0 || plan_open(&plan, buffer, (size_t)length) || plan.count[wish->program] == 0)
		return -1;
	if ((wish->log && !make_log(wish->log)) || runner_open(&runner, &plan) < 0)
		return -1;
	runner.slot[PREPARED_FOLDER] = folder;
	runner.slot[PREPARED_CODE] = code;
	runner.slot[PREPARED_SIGNAL] = wish->signal;
	runner.slot[PREPARED_KILLED] = wish->signal == 9 ? folder : -1;
	runner_run(&runner, wish->program);
	return 0;
}

int run_prepared(const char *const *argv, int *folder)
{
	struct wish wish = { NULL, NULL, NULL, NULL, 0, 0 };

	if (!parse(argv, &wish) || (*folder = (int)open_folder(&wish)) < 0)
		return -1;
	if (run_in(*folder, &wish, 0) < 0)
		return -1;
	return runner.slot[PREPARED_UNTOLD] < 0 ? runner.slot[PREPARED_PEER] : -1;
}

void delete_prepared(int folder, int code)
{
	const struct wish wish = { NULL, NULL, NULL, "prepared", PROGRAM_INIT, 0 };

	(void)run_in(folder, &wish, code); /* whatever was not to be done is the engine's */
}
