/*
 * davit: a static program without libc that executes the engine, libexec/davit/davit, with a clean environment.
 *
 * SAFETY: the engine is a JavaScript runtime and a dynamic executable: BUN_BE_BUN turns it into another program,
 * BUN_OPTIONS, BUN_INSPECT, JSC_* and LD_PRELOAD make it run code or open a socket. None of these may come with the
 * environment that an engine, a sudo or a unit file hands to a container runtime. What passes is named below; a static
 * program has no loader that could be told otherwise before it runs.
 *
 * What `create` has prepared needs no engine, see prepared.c, and neither does watching a container, see watch.c.
 */
#include "prepared.h"

void *memcpy(void *dst, const void *src, size_t n);
void entry(const long *sp);

enum { MAX_ENV = 64, NUMBERS = 64, ADDED = 2, FIRST_FDS = 64 };

/* Variables that mean something to davit, and to yargs for its language, width and colours. */
static const char *const allowed[] = {
	"XDG_RUNTIME_DIR", "USER",     "PATH",	 "HOME",  "LANG",  "LC_ALL",	  "LC_MESSAGES", "TERM",
	"COLUMNS",	   "NO_COLOR", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID",	 "LISTEN_FDNAMES",
	"DBUS_SESSION_BUS_ADDRESS",
};

/*
 * What the engine is told. It lives for milliseconds: compiling machine code, which its threads would begin at once,
 * never pays, and neither does a heap laid out for more than a few megabytes.
 */
static const char *const added[] = { "BUN_JSC_useJIT=0", "BUN_JSC_forceMiniVMMode=1" };

/* Whether an entry of the environment is of this variable. */
static int is_of(const char *entry_text, const char *name)
{
	while (*name && *name == *entry_text)
		name++, entry_text++;
	return !*name && *entry_text == '=';
}

static int is_allowed(const char *entry_text)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (is_of(entry_text, allowed[i]))
			return 1;
	return 0;
}

/* The value of a variable, NULL where there is none. */
static const char *find(const char *const *envp, const char *name)
{
	for (; *envp; envp++)
		if (is_of(*envp, name))
			return *envp + str_len(name) + 1;
	return NULL;
}

static int ends_with(const char *path, size_t length, const char *end)
{
	size_t n = str_len(end);
	if (length < n)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (path[length - n + i] != end[i])
			return 0;
	return 1;
}

/* What is executed, so that a symbolic link with another name changes nothing; 0 when that is not known. */
static int own_path(char *path)
{
	long n = SYS(readlinkat, AT_CWD, "/proc/self/exe", path, PATH_SIZE, 0, 0);
	if (n <= 0 || n >= PATH_SIZE)
		return 0;
	path[n] = '\0';
	return 1;
}

/* The engine's path: in PREFIX/libexec/davit for a davit in PREFIX/bin or PREFIX/sbin, beside a davit that is elsewhere. */
static int engine_path(char *path, const char *own)
{
	static const char tail[] = "/libexec/davit/davit";
	size_t length = str_len(own);

	if (length >= PATH_SIZE - sizeof(tail))
		return 0;
	while (length > 0 && own[length] != '/')
		length--;
	if (ends_with(own, length, "/bin"))
		length -= 4;
	else if (ends_with(own, length, "/sbin"))
		length -= 5;
	(void)memcpy(path, own, length);
	(void)memcpy(path + length, tail, sizeof(tail));
	return 1;
}

static void say(const char *text)
{
	(void)SYS(write, 2, text, str_len(text), 0, 0, 0); /* nobody else to tell */
}

/* A closed standard stream would be taken by the next file that the engine opens, and the container would get it. */
static void open_streams(void)
{
	long fd;
	do
		fd = SYS(openat, AT_CWD, "/dev/null", 2 /* O_RDWR */, 0, 0, 0);
	while (fd >= 0 && fd <= 2);
	if (fd >= 0)
		(void)SYS(close, fd, 0, 0, 0, 0, 0);
}

static char *put_number(char *at, uint64_t value)
{
	char digits[20];
	int n = 0;
	do
		digits[n++] = (char)('0' + value % 10);
	while (value /= 10);
	while (n > 0)
		*at++ = digits[--n];
	return at;
}

/*
 * What the engine hides by its own start: how many fds from 3 on the caller handed over, which of the first are open (it
 * opens its own among them), and the limit of open files (it raises it).
 */
static void note_caller(char *fds, char *nofile)
{
	static const char fds_name[] = "DAVIT_FDS=", nofile_name[] = "DAVIT_NOFILE=";
	uint64_t limit[2] = { 0, 0 }, count = 0, open = 0;

	while (SYS(fcntl, 3 + count, 1 /* F_GETFD */, 0, 0, 0, 0) >= 0)
		count++;
	for (int fd = 3; fd < FIRST_FDS; fd++)
		if (SYS(fcntl, fd, 1, 0, 0, 0, 0) >= 0)
			open |= (uint64_t)1 << fd;
	(void)SYS(prlimit64, 0, 7 /* RLIMIT_NOFILE */, 0, limit, 0, 0); /* cannot fail for ourselves */
	(void)memcpy(fds, fds_name, sizeof(fds_name));
	fds = put_number(fds + sizeof(fds_name) - 1, count);
	*fds++ = ':';
	*put_number(fds, open) = '\0';
	(void)memcpy(nofile, nofile_name, sizeof(nofile_name));
	nofile = put_number(nofile + sizeof(nofile_name) - 1, limit[0]);
	*nofile++ = ':';
	*put_number(nofile, limit[1]) = '\0';
}

/* NAME=value:folder. Both are open from here on, for the engine: with the folder goes its lock. */
static char *note(char *text, const char *name, long value, int folder)
{
	size_t length = str_len(name);

	(void)SYS(fcntl, folder, 2 /* F_SETFD */, 0, 0, 0, 0); /* cannot fail: it is open */
	(void)memcpy(text, name, length);
	*put_number(text + length, (uint64_t)value) = '\0';
	length = str_len(text);
	text[length++] = ':';
	*put_number(text + length, (uint64_t)folder) = '\0';
	return text;
}

/* The engine does not start in a directory that was removed, perhaps while a container ran. */
static void leave_removed(void)
{
	char path[PATH_SIZE];

	if (SYS(getcwd, path, sizeof(path), 0, 0, 0, 0) < 0)
		(void)SYS(chdir, "/", 0, 0, 0, 0, 0); /* as much as can be done */
}

/* A container in the foreground that has ended: its directory, and the code to end with. */
struct ended {
	int folder, code;
};

/* What can be done without the engine; returns when it has to go on, with what it is to know, if anything. */
static char *act(char *text, const char *const *argv, const char *const *envp, struct ended *ended)
{
	const char *order = find(envp, "DAVIT_WATCH");
	int folder = -1;
	long value = 0;

	switch (order ? watch(order, &value, &folder) : WATCH_NOTHING) {
	case WATCH_SAID:
		return note(text, "DAVIT_START=", value, folder);
	case WATCH_ENDED:
		*ended = (struct ended){ folder, (int)value };
		leave_removed();
		return note(text, "DAVIT_ENDED=", value, folder);
	}
	/* A service manager that waits to hear of the container is the engine's business. */
	if (find(envp, "NOTIFY_SOCKET") || (value = run_prepared(argv, &folder)) < 0)
		return NULL;
	/* Init, which was told to go on, has more to say. */
	(void)SYS(fcntl, value, 2 /* F_SETFD */, 0, 0, 0, 0); /* cannot fail: it is open */
	return note(text, "DAVIT_START=", value, folder);
}

/* sp points at argc; argv and envp follow. */
__attribute__((noreturn, used, no_stack_protector)) void entry(const long *sp)
{
	static const char self_name[] = "DAVIT_SELF=";
	const char *const *argv = (const char *const *)(sp + 1), *const *envp = argv + sp[0] + 1;
	const char *env[MAX_ENV + ADDED + 5];
	char path[PATH_SIZE], self[sizeof(self_name) + PATH_SIZE], fds[NUMBERS], nofile[NUMBERS], told[NUMBERS];
	char *const own = self + sizeof(self_name) - 1;
	struct ended ended = { -1, 1 };
	uint64_t action[4] = { 0 };
	size_t count = 0;

	path[0] = '\0';
	take_guard(sp);
	/* JavaScriptCore complains on stderr when the signal that it takes for itself, SIGPWR, comes ignored. */
	(void)SYS(rt_sigaction, 30, action, 0, 8, 0, 0); /* cannot fail for this signal */
	open_streams();
	note_caller(fds, nofile);
	for (size_t i = 0; envp[i] && count < MAX_ENV; i++)
		if (is_allowed(envp[i]))
			env[count++] = envp[i];
	for (size_t i = 0; i < ADDED; i++)
		env[count++] = added[i];
	env[count++] = fds;
	env[count++] = nofile;
	if (act(told, argv, envp, &ended))
		env[count++] = told;
	(void)memcpy(self, self_name, sizeof(self_name) - 1);
	if (own_path(own)) {
		env[count++] = self;
		env[count] = NULL;
		if (engine_path(path, own))
			(void)SYS(execve, path, argv, env, 0, 0, 0); /* returns only when it failed */
		say("davit: cannot execute ");
		say(path);
		say(": the installation is incomplete\n");
	} else
		say("davit: cannot read /proc/self/exe: is /proc mounted?\n");
	/* The installation was removed while the container ran: without the engine there are no words, but this much is left. */
	if (ended.folder >= 0)
		delete_prepared(ended.folder, ended.code);
	for (;;)
		SYS(exit_group, ended.code, 0, 0, 0, 0, 0);
}

#ifdef __x86_64__
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall entry\n");
#else
__asm__(".globl _start\n_start:\n\tmov x29, xzr\n\tmov x30, xzr\n\tmov x0, sp\n\tbl entry\n");
#endif
