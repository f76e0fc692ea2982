/*
 * view: what a process in a container sees, as text, to be compared between runtimes: "== SECTION" and lines. Static,
 * and the first thing that runs, so that no shell has changed anything. `view once` ends, `view` waits to be killed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static void section(const char *name)
{
	printf("== %s\n", name);
}

/* A file's text, or why it cannot be read. */
static void text(const char *name, const char *path)
{
	char buf[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	section(name);
	if (fd < 0) {
		printf("%s\n", strerror(errno));
		return;
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	if (n < 0)
		printf("%s\n", strerror(errno));
	printf("\n");
	close(fd);
}

static void link_of(const char *name, const char *path)
{
	char target[4096];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	target[n < 0 ? 0 : n] = '\0';
	printf("%s %s\n", name, n < 0 ? strerror(errno) : target);
}

/* One name: what it is, whose it is. */
static void entry(const char *path)
{
	struct stat s;
	char target[4096] = "";

	if (lstat(path, &s) < 0) {
		printf("%s %s\n", path, strerror(errno));
		return;
	}
	if (S_ISLNK(s.st_mode) && readlink(path, target, sizeof(target) - 1) < 0)
		target[0] = '\0';
	printf("%s %o %u:%u %u:%u %s\n", path, s.st_mode, s.st_uid, s.st_gid, S_ISBLK(s.st_mode) || S_ISCHR(s.st_mode) ? major(s.st_rdev) : 0,
	       S_ISBLK(s.st_mode) || S_ISCHR(s.st_mode) ? minor(s.st_rdev) : 0, target);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* A directory and what is in it, `depth` levels down. */
static void tree(const char *path, int depth)
{
	struct dirent **names;
	int n;

	entry(path);
	n = depth > 0 ? scandir(path, &names, NULL, by_name) : 0;
	for (int i = 0; i < n; i++) {
		char inner[4096];

		if (!strcmp(names[i]->d_name, ".") || !strcmp(names[i]->d_name, ".."))
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", strcmp(path, "/") ? path : "", names[i]->d_name);
		if (names[i]->d_type == DT_DIR)
			tree(inner, depth - 1);
		else
			entry(inner);
	}
}

static void fds(void)
{
	section("fds");
	for (int fd = 0; fd < 256; fd++) {
		char name[32], path[64];
		int flags = fcntl(fd, F_GETFL);

		if (flags < 0)
			continue;
		snprintf(name, sizeof(name), "%d %o", fd, flags);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		link_of(name, path);
	}
}

static void process(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t more[4];
	} attr = { 0 };
	char cwd[4096];
	int signal = 0;

	section("process");
	printf("cwd %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : strerror(errno));
	link_of("exe", "/proc/self/exe");
	link_of("root", "/proc/self/root");
	printf("pid %s\n", getpid() == 1 ? "1" : "other");
	printf("session %s\n", getsid(0) == getpid() ? "own" : getsid(0) == 0 ? "outside" : "other");
	printf("group %s\n", getpgrp() == getpid() ? "own" : getpgrp() == 0 ? "outside" : "other");
	prctl(PR_GET_PDEATHSIG, &signal);
	printf("pdeathsig %d\n", signal);
	printf("dumpable %d\n", prctl(PR_GET_DUMPABLE));
	printf("securebits %d\n", prctl(PR_GET_SECUREBITS));
	printf("subreaper %d\n", (signal = 0, prctl(PR_GET_CHILD_SUBREAPER, &signal), signal));
	printf("timerslack %d\n", prctl(PR_GET_TIMERSLACK));
	printf("thp %d\n", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0);
	printf("scheduling %u %d %u\n", attr.policy, attr.nice, attr.priority);
	printf("ioprio %ld\n", syscall(SYS_ioprio_get, 1, 0));
}

static void keyring(void)
{
	char about[512] = "";

	section("keyring");
	if (syscall(SYS_keyctl, 6 /* KEYCTL_DESCRIBE */, -3 /* session */, about, sizeof(about) - 1) < 0)
		snprintf(about, sizeof(about), "%s", strerror(errno));
	printf("%s\n", about);
}

static void terminal(void)
{
	struct winsize size = { 0 };
	struct termios t = { 0 };

	section("tty");
	if (tcgetattr(0, &t) < 0) {
		printf("none\n");
		return;
	}
	ioctl(0, TIOCGWINSZ, &size);
	printf("name %s\nsize %dx%d\n", ttyname(0) ? ttyname(0) : "none", size.ws_row, size.ws_col);
	printf("controlling %d\nforeground %d\n", tcgetsid(0) == getsid(0), tcgetpgrp(0) == getpgrp());
	printf("flags %o %o %o\n", t.c_iflag, t.c_oflag, t.c_lflag);
}

static void machine(void)
{
	struct utsname u;
	struct timespec t;
	struct ifreq lo = { .ifr_name = "lo" };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	uname(&u);
	section("machine");
	printf("nodename %s\ndomainname %s\nmachine %s\n", u.nodename, u.domainname, u.machine);
	clock_gettime(CLOCK_MONOTONIC, &t);
	printf("days %ld\n", (long)t.tv_sec / 86400);
	printf("lo %s\n", ioctl(sock, SIOCGIFFLAGS, &lo) < 0 ? "none" : lo.ifr_flags & IFF_UP ? "up" : "down");
	close(sock);
	section("namespaces");
	for (const char *const *ns = (const char *[]){ "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts", NULL }; *ns; ns++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", *ns);
		link_of(*ns, path);
	}
}

static const char *const FILES[] = {
	"status", "mountinfo", "limits", "cgroup", "oom_score_adj", "uid_map", "gid_map", "setgroups", "timens_offsets",
	"personality", "coredump_filter", "loginuid",
};
static const char *const SYSCTLS[] = {
	"kernel/msgmax", "kernel/shmmax", "net/ipv4/ip_forward", "net/ipv4/ping_group_range", "net/ipv4/ip_unprivileged_port_start",
	"fs/mqueue/queues_max",
};

int main(int argc, char **argv)
{
	fds(); /* before we open any */
	section("args");
	for (int i = 0; i < argc; i++)
		printf("%s\n", argv[i]);
	section("env");
	for (char **e = environ; *e; e++)
		printf("%s\n", *e);
	for (size_t i = 0; i < sizeof(FILES) / sizeof(*FILES); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/%s", FILES[i]);
		text(FILES[i], path);
	}
	for (size_t i = 0; i < sizeof(SYSCTLS) / sizeof(*SYSCTLS); i++) {
		char path[128];

		snprintf(path, sizeof(path), "/proc/sys/%s", SYSCTLS[i]);
		text(SYSCTLS[i], path);
	}
	process();
	keyring();
	terminal();
	machine();
	section("tree");
	tree("/", 1);
	tree("/dev", 3);
	tree("/run", 2);
	tree("/tmp", 2);
	tree("/data", 2);
	tree("/sys/fs/cgroup", 1);
	printf("== end\n");
	fflush(stdout);
	if (argc > 1 && !strcmp(argv[1], "once"))
		return 0;
	for (;;)
		pause();
}
