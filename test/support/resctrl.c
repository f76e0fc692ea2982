/*
 * resctrl DIR COMMAND...: a file system in user space that does what resctrl does with classes, monitoring groups, their
 * tasks and their schemata (Documentation/filesystems/resctrl.rst), on hardware with a cache of eleven ways and two
 * sockets. It is mounted at DIR; COMMAND reads of it, as resctrl, in /proc/mounts, and what DIR.mountinfo has says the
 * same in the form of mountinfo. In a mount namespace of its own (unshare --mount).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a group has: a node of the file system is GROUPS * what + group + 1, so that the top is FUSE_ROOT_ID. */
enum { DIRECTORY, TASKS, SCHEMATA, MONITORS, WHATS };
/* Classes and monitoring groups that there can be, the first of each included. */
enum { GROUPS = 64, CLASSES = 8, RMIDS = 12, DOMAINS = 2, PIDS = 64 };

static const char *const NAMES[WHATS] = { "", "tasks", "schemata", "mon_groups" };

/* The first is the default class; one of a class other than itself is a monitoring group of that. */
static struct group {
	int used, class, pids[PIDS];
	char name[256];
	unsigned cache[DOMAINS], bandwidth[DOMAINS];
} groups[GROUPS];

static int device;

static int is_class(int g)
{
	return groups[g].class == g;
}

static void reply(const struct fuse_in_header *in, int error, const void *data, size_t size)
{
	static char out[1 << 17];
	struct fuse_out_header head = { sizeof(head) + (error ? 0 : size), -error, in->unique };

	memcpy(out, &head, sizeof(head));
	if (!error && size > 0)
		memcpy(out + sizeof(head), data, size);
	/* ENOENT: whoever asked has been killed meanwhile. */
	if (write(device, out, head.len) < 0 && errno != ENOENT)
		perror("write");
}

static struct fuse_attr attributes(uint64_t node)
{
	int what = (node - 1) / GROUPS, directory = what == DIRECTORY || what == MONITORS;
	return (struct fuse_attr){ .ino = node, .mode = directory ? S_IFDIR | 0755 : S_IFREG | 0644, .nlink = 1 + directory };
}

static void entry(const struct fuse_in_header *in, int what, int g)
{
	struct fuse_entry_out out = { .nodeid = (uint64_t)(GROUPS * what + g + 1) };

	out.attr = attributes(out.nodeid);
	reply(in, 0, &out, sizeof(out));
}

/* The n-th name in a directory, and what it is; 0 at the end. */
static int child(int what, int g, int n, const char **name, int *is, int *of)
{
	if (what == DIRECTORY)
		for (int w = TASKS; w < WHATS; w++)
			if ((w == TASKS || is_class(g)) && n-- == 0) {
				*name = NAMES[w], *is = w, *of = g;
				return 1;
			}
	for (int i = 1; i < GROUPS; i++) {
		int here = what == DIRECTORY ? g == 0 && is_class(i) : what == MONITORS && groups[i].class == g && i != g;

		if (groups[i].used && here && n-- == 0) {
			*name = groups[i].name, *is = DIRECTORY, *of = i;
			return 1;
		}
	}
	return 0;
}

static void lookup(const struct fuse_in_header *in, int what, int g, const char *wanted)
{
	const char *name;
	int is, of;

	for (int n = 0; child(what, g, n, &name, &is, &of); n++)
		if (strcmp(name, wanted) == 0) {
			entry(in, is, of);
			return;
		}
	reply(in, ENOENT, NULL, 0);
}

static void list(const struct fuse_in_header *in, int what, int g, const struct fuse_read_in *from)
{
	static char out[1 << 16];
	size_t size = 0;
	const char *name;
	int is, of;

	for (int n = (int)from->offset; child(what, g, n, &name, &is, &of); n++) {
		size_t length = strlen(name), whole = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + length);
		struct fuse_dirent one = { (uint64_t)(GROUPS * is + of + 1), (uint64_t)n + 1, (uint32_t)length, 0 };

		if (size + whole > from->size)
			break;
		memset(out + size, 0, whole);
		memcpy(out + size, &one, FUSE_NAME_OFFSET);
		memcpy(out + size + FUSE_NAME_OFFSET, name, length);
		size += whole;
	}
	reply(in, 0, out, size);
}

static void make(const struct fuse_in_header *in, int what, int g, const char *name)
{
	int kinds[2] = { 0, 0 }, class = what == DIRECTORY, free = 0;

	for (int i = 0; i < GROUPS; i++) {
		if (groups[i].used)
			kinds[is_class(i)]++;
		else if (free == 0)
			free = i;
	}
	/* Every class has a monitoring group of its own. */
	if ((class && kinds[1] >= CLASSES) || kinds[0] + kinds[1] >= RMIDS) {
		reply(in, ENOSPC, NULL, 0);
		return;
	}
	groups[free] = (struct group){ .used = 1, .class = class ? free : g };
	snprintf(groups[free].name, sizeof(groups[free].name), "%.255s", name);
	memcpy(groups[free].cache, groups[0].cache, sizeof(groups[0].cache));
	memcpy(groups[free].bandwidth, groups[0].bandwidth, sizeof(groups[0].bandwidth));
	entry(in, DIRECTORY, free);
}

/* Takes it away with its monitoring groups; its tasks are those of the default class again. */
static void take(const struct fuse_in_header *in, int what, int g, const char *name)
{
	const char *one;
	int is, of;

	for (int n = 0; child(what, g, n, &one, &is, &of); n++)
		if (is == DIRECTORY && strcmp(one, name) == 0) {
			for (int i = 1; i < GROUPS; i++)
				if (i != of && groups[i].class == of)
					groups[i].used = 0;
			groups[of].used = 0;
			reply(in, 0, NULL, 0);
			return;
		}
	reply(in, ENOENT, NULL, 0);
}

static int holds(int g, int pid)
{
	for (int i = 0; i < PIDS; i++)
		if (groups[g].used && groups[g].pids[i] == pid)
			return 1;
	return 0;
}

/* A task is in one class, and in one monitoring group of it. */
static void enter(int g, int pid)
{
	for (int i = 0; i < GROUPS; i++)
		for (int n = 0; n < PIDS; n++)
			if (groups[i].pids[n] == pid && is_class(i) == is_class(g))
				groups[i].pids[n] = 0;
	for (int n = 0; g != 0 && n < PIDS; n++)
		if (groups[g].pids[n] == 0) {
			groups[g].pids[n] = pid;
			return;
		}
}

/* All that are in no other class are in the default one. */
static size_t tasks(int g, char *out, size_t size)
{
	DIR *all = opendir("/proc");
	struct dirent *one;
	size_t length = 0;

	while (all && (one = readdir(all))) {
		int pid = atoi(one->d_name), elsewhere = 0;

		for (int i = 1; i < GROUPS; i++)
			elsewhere |= is_class(i) && holds(i, pid);
		if (pid > 0 && (g == 0 ? !elsewhere : holds(g, pid)))
			length += (size_t)snprintf(out + length, size - length, "%d\n", pid);
	}
	if (all)
		closedir(all);
	return length;
}

static void show(const struct fuse_in_header *in, int what, int g, const struct fuse_read_in *from)
{
	static char out[1 << 16];
	const struct group *it = &groups[g];
	size_t length = what == TASKS ? tasks(g, out, sizeof(out))
				      : (size_t)snprintf(out, sizeof(out), "    MB:0=%u;1=%u\n    L3:0=%x;1=%x\n", it->bandwidth[0],
							 it->bandwidth[1], it->cache[0], it->cache[1]);
	size_t begin = from->offset < length ? from->offset : length;

	reply(in, 0, out + begin, length - begin < from->size ? length - begin : from->size);
}

/* "L3:0=7f;1=f": what it does not say stays. */
static int set(int g, const char *line)
{
	int cache = strncmp(line, "L3:", 3) == 0;

	if (!cache && strncmp(line, "MB:", 3) != 0)
		return EINVAL;
	for (const char *at = line + 3;; at++) {
		unsigned domain, value;

		if (sscanf(at, cache ? "%u=%x" : "%u=%u", &domain, &value) != 2 || domain >= DOMAINS)
			return EINVAL;
		if (value == 0 || value > (cache ? 0x7ff : 100))
			return EINVAL;
		(cache ? groups[g].cache : groups[g].bandwidth)[domain] = value;
		at += strcspn(at, ";\n");
		if (*at != ';')
			return *at == '\n' ? 0 : EINVAL;
	}
}

static void put(const struct fuse_in_header *in, int what, int g, const struct fuse_write_in *from)
{
	char text[4096] = "";
	struct fuse_write_out out = { .size = from->size };
	int error = EINVAL;

	if (from->size < sizeof(text)) {
		memcpy(text, from + 1, from->size);
		int pid = atoi(text);

		if (what == SCHEMATA)
			error = set(g, text);
		else
			error = pid <= 0 || kill(pid, 0) != 0 ? ESRCH : 0;
		if (what == TASKS && error == 0)
			enter(g, pid);
	}
	reply(in, error, &out, sizeof(out));
}

static void answer(const struct fuse_in_header *in, const void *body)
{
	int what = (int)((in->nodeid - 1) / GROUPS), g = (int)((in->nodeid - 1) % GROUPS);
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096 };
	struct fuse_attr_out attr = { .attr = attributes(in->nodeid) };
	struct fuse_open_out open = { .open_flags = FOPEN_DIRECT_IO };

	switch (in->opcode) {
	case FUSE_INIT: reply(in, 0, &init, sizeof(init)); break;
	case FUSE_LOOKUP: lookup(in, what, g, body); break;
	case FUSE_GETATTR:
	case FUSE_SETATTR: reply(in, 0, &attr, sizeof(attr)); break;
	case FUSE_OPEN:
	case FUSE_OPENDIR: reply(in, 0, &open, sizeof(open)); break;
	case FUSE_READDIR: list(in, what, g, body); break;
	case FUSE_READ: show(in, what, g, body); break;
	case FUSE_WRITE: put(in, what, g, body); break;
	case FUSE_MKDIR: make(in, what, g, (const char *)body + sizeof(struct fuse_mkdir_in)); break;
	case FUSE_RMDIR: take(in, what, g, body); break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR: reply(in, 0, NULL, 0); break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET: break; /* wants no answer */
	default: reply(in, ENOSYS, NULL, 0);
	}
}

static void serve(void)
{
	static _Alignas(8) char buffer[FUSE_MIN_READ_BUFFER + 4096];

	for (;;) {
		ssize_t got = read(device, buffer, sizeof(buffer));

		if (got < 0 && errno == ENODEV)
			_exit(0); /* unmounted */
		if (got >= (ssize_t)sizeof(struct fuse_in_header))
			answer((struct fuse_in_header *)buffer, buffer + sizeof(struct fuse_in_header));
	}
}

/* A file with a line more than /proc/mounts has goes over that, which is a link: not by mount(2), which follows it. */
static int tell(const char *dir)
{
	char path[4096], line[4096];
	FILE *from = fopen("/proc/self/mounts", "r"), *to;
	int tree;

	snprintf(path, sizeof(path), "%s.mountinfo", dir);
	if (!from || !(to = fopen(path, "w")))
		return -1;
	fprintf(to, "1 1 0:1 / %s rw - resctrl resctrl rw\n", dir);
	fclose(to);
	snprintf(path, sizeof(path), "%s.mounts", dir);
	if (!(to = fopen(path, "w")))
		return -1;
	while (fgets(line, sizeof(line), from))
		fputs(line, to);
	fprintf(to, "resctrl %s resctrl rw 0 0\n", dir);
	fclose(from);
	fclose(to);
	tree = (int)syscall(428 /* open_tree */, AT_FDCWD, path, 1 /* OPEN_TREE_CLONE */);
	return tree < 0 ? -1 : (int)syscall(429 /* move_mount */, tree, "", AT_FDCWD, "/proc/mounts", 4 /* F_EMPTY_PATH */);
}

int main(int argc, char **argv)
{
	char options[128];

	if (argc < 3)
		return 2;
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other", device);
	if (device < 0 || mount("resctrl", argv[1], "fuse", 0, options) || tell(argv[1])) {
		perror("resctrl");
		return 1;
	}
	groups[0] = (struct group){ .used = 1, .cache = { 0x7ff, 0x7ff }, .bandwidth = { 100, 100 } };
	pid_t server = fork();
	if (server == 0)
		serve();
	pid_t command = fork();
	if (command == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	int status = 0;
	waitpid(command, &status, 0);
	kill(server, SIGKILL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
