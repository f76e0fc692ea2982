/*
 * probe: what the tests need and a shell cannot do. Static, so that it runs in any rootfs; see main() for the commands.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int die(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(111);
}

/* Copies both ways until `from` says nothing any more; input at its end is no end. */
static void pump(int terminal)
{
	struct pollfd fds[2] = { { terminal, POLLIN, 0 }, { 0, POLLIN, 0 } };
	char buf[4096];
	ssize_t n;

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			die("poll");
		if (errno == EINTR) {
			errno = 0;
			continue;
		}
		if (fds[0].revents) {
			n = read(terminal, buf, sizeof(buf));
			if (n <= 0)
				return;
			if (write(1, buf, (size_t)n) != n)
				return;
		}
		if (fds[1].revents) {
			n = read(0, buf, sizeof(buf));
			if (n <= 0)
				fds[1].fd = -1;
			else if (write(terminal, buf, (size_t)n) != n)
				return;
		}
	}
}

/* Listens at a path of any length. */
static int listen_at(const char *path, int backlog)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	/* A path longer than the address holds is reached through its directory. */
	if (strlen(path) >= sizeof(address.sun_path)) {
		char *folder = strdup(path), *slash = strrchr(folder, '/');
		*slash = '\0';
		if (chdir(folder) < 0)
			die("chdir");
		path = slash + 1;
	}
	memcpy(address.sun_path, path, strnlen(path, sizeof(address.sun_path)));
	if (bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(sock, backlog) < 0)
		die("listen");
	printf("listening\n");
	fflush(stdout);
	return sock;
}

/* One message with exactly one fd; its text goes to `text`. */
static int receive_fd(int sock, char *text, size_t size)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * 4)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { text, size - 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	int got = -1;
	ssize_t n = recvmsg(sock, &msg, 0);

	if (n < 0)
		die("receive");
	text[n] = '\0';
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)) || CMSG_NXTHDR(&msg, c)) {
		printf("no single fd\n");
		exit(1);
	}
	memcpy(&got, CMSG_DATA(c), sizeof(got));
	return got;
}

/* console SOCKET: receives one terminal, as an engine does. */
static int console(const char *path)
{
	struct winsize size = { 0 };
	char name[4096], more;
	int sock = accept(listen_at(path, 1), NULL, NULL), terminal = receive_fd(sock, name, sizeof(name));

	ioctl(terminal, TIOCGWINSZ, &size);
	printf("console %s %dx%d %s\n", name, size.ws_row, size.ws_col, read(sock, &more, 1) == 0 ? "end" : "more");
	fflush(stdout);
	pump(terminal);
	return 0;
}

/* pidfd SOCKET: receives a pidfd and prints whose it is; a line on stdin is the number of a signal to send by it. */
static int pidfd(const char *path)
{
	char name[64], line[256];
	int sock = accept(listen_at(path, 1), NULL, NULL), fd = receive_fd(sock, name, sizeof(name)), signal;
	FILE *info;

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", fd);
	info = fopen(line, "r");
	while (info && fgets(line, sizeof(line), info))
		if (!strncmp(line, "Pid:", 4))
			printf("pidfd %s %d", name, atoi(line + 4));
	printf(" %s\n", read(sock, line, 1) == 0 ? "end" : "more");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		signal = atoi(line);
		if (syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) < 0)
			die("pidfd_send_signal");
	}
	return 0;
}

/*
 * peer HOW SOCKET: a bad listener. "gone" has ended and left its socket, "rude" closes what it accepts, "deaf" never
 * accepts, "full" has no room for another connection, "datagram" is of another type.
 */
static int peer(const char *how, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock, fd;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (!strcmp(how, "datagram")) {
		sock = socket(AF_UNIX, SOCK_DGRAM, 0);
		if (bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
			die("bind");
		printf("listening\n");
		fflush(stdout);
		return pause();
	}
	sock = listen_at(path, 0);
	if (!strcmp(how, "gone"))
		return 0;
	if (!strcmp(how, "deaf"))
		return pause();
	if (!strcmp(how, "full")) {
		do
			fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		while (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
		printf("full\n");
		fflush(stdout);
		return pause();
	}
	for (;;)
		close(accept(sock, NULL, NULL));
}

static int pty_master, pty_peer;

static void tell(int sig)
{
	struct termios t;
	struct winsize size = { .ws_row = 50, .ws_col = 132 };

	if (sig == SIGUSR1)
		ioctl(pty_master, TIOCSWINSZ, &size);
	else if (tcgetattr(pty_peer, &t) == 0)
		dprintf(2, "%s echo=%d icanon=%d isig=%d opost=%d\n", sig ? "now" : "after", !!(t.c_lflag & ECHO),
			!!(t.c_lflag & ICANON), !!(t.c_lflag & ISIG), !!(t.c_oflag & OPOST));
}

/*
 * pty ROWS COLUMNS COMMAND...: runs it on a terminal of its own. USR1 resizes that to 50x132, USR2 prints its settings
 * to stderr; at the end they are printed too, and how the command ended.
 */
static int pty(char **argv)
{
	struct winsize size = { .ws_row = (unsigned short)atoi(argv[0]), .ws_col = (unsigned short)atoi(argv[1]) };
	struct sigaction action = { .sa_handler = tell };
	int status, master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), zero = 0;
	pid_t pid, pumping;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &zero) < 0)
		die("ptmx");
	pty_master = master;
	pty_peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pty_peer < 0 || ioctl(master, TIOCSWINSZ, &size) < 0)
		die("peer");
	pid = fork();
	if (pid == 0) {
		setsid();
		if (dup2(pty_peer, 0) < 0 || dup2(pty_peer, 1) < 0 || dup2(pty_peer, 2) < 0 || ioctl(0, TIOCSCTTY, 0) < 0)
			die("terminal");
		execvp(argv[2], argv + 2);
		die(argv[2]);
	}
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	pumping = fork();
	if (pumping == 0) { /* the parent keeps the peer open, so that the end of the command is not the end of output */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pty_peer);
		pump(master);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	tell(0);
	dprintf(2, "end %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	close(pty_peer);
	while (waitpid(pumping, &status, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* What every signal does, those too that the C library keeps for itself: make(1) leaves 32 and 33 ignored, for one. */
static void all_signals(void (*does)(int))
{
	struct {
		void (*handler)(int);
		unsigned long flags, restorer, mask;
	} action = { .handler = does };

	for (int sig = 1; sig <= 64; sig++)
		syscall(SYS_rt_sigaction, sig, &action, NULL, sizeof(action.mask));
}

/* plain COMMAND...: no signal ignored. */
static int plain(char **argv)
{
	all_signals(SIG_DFL);
	execvp(argv[0], argv);
	return die(argv[0]);
}

/* hostile COMMAND...: as a careless caller would: signals ignored and blocked, odd umask and fds left open. */
static int hostile(char **argv)
{
	sigset_t all;

	all_signals(SIG_IGN);
	sigfillset(&all);
	sigdelset(&all, SIGCHLD);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGCHLD, SIG_DFL); /* or the waiting of any runtime fails */
	umask(0777);
	dup2(open("/", O_RDONLY | O_DIRECTORY), 9);
	dup2(open("/etc/hostname", O_RDONLY), 77);
	execvp(argv[0], argv);
	return die(argv[0]);
}

/* adopt COMMAND...: runs it, becomes the parent of what it leaves, and never reaps that. */
__attribute__((noreturn)) static void adopt(char **argv)
{
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (pid == 0) {
		execvp(argv[0], argv);
		die(argv[0]);
	}
	waitpid(pid, NULL, 0);
	for (;;)
		pause();
}

static int clocks(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	printf("monotonic %ld\n", (long)t.tv_sec);
	clock_gettime(CLOCK_BOOTTIME, &t);
	printf("boottime %ld\n", (long)t.tv_sec);
	return 0;
}

/* nanoseconds: the same clocks, to the nanosecond. */
static int nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	printf("monotonic %lld\n", t.tv_sec * 1000000000LL + t.tv_nsec);
	clock_gettime(CLOCK_BOOTTIME, &t);
	printf("boottime %lld\n", t.tv_sec * 1000000000LL + t.tv_nsec);
	return 0;
}

/* keyring: the session keyring as keyctl(2) describes it: type;uid;gid;perm;name. */
static int keyring(void)
{
	char text[512] = "";

	if (syscall(SYS_keyctl, 6 /* KEYCTL_DESCRIBE */, -3 /* session */, text, sizeof(text) - 1) < 0)
		return die("keyctl");
	printf("%ld %s\n", syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 0), text);
	return 0;
}

/* scheduling PID: sched_getattr(2) and ioprio_get(2). */
static int scheduling(int pid)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
		uint32_t clamps[2];
	} attr = { 0 };
	long io = syscall(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, pid);

	if (io < 0 || syscall(SYS_sched_getattr, pid, &attr, sizeof(attr), 0) < 0)
		return die("sched_getattr");
	printf("policy=%u flags=%llu nice=%d priority=%u times=%llu/%llu/%llu io=%ld:%ld\n", attr.policy,
	       (unsigned long long)attr.flags, attr.nice, attr.priority, (unsigned long long)attr.runtime,
	       (unsigned long long)attr.deadline, (unsigned long long)attr.period, io >> 13, io & 0x1fff);
	return 0;
}

/* lock FD: takes an exclusive lock of the open file, which stays as long as that is open anywhere. */
static int lock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) < 0 ? die("flock") : 0;
}

/* listen PATH: a socket that stays. */
static int unix_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0 ? die("bind") : 0;
}

/* A Unix address: a path, or an abstract name after "@". Its length. */
static socklen_t unix_address(struct sockaddr_un *address, const char *name)
{
	size_t length = strlen(name);

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (length >= sizeof(address->sun_path))
		die(name);
	memcpy(address->sun_path, name, length);
	if (*name == '@')
		address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (*name != '@'));
}

/*
 * manager SOCKET DELAY: what a service manager hears there, one line a message: the sender's pid, the text with "|" for
 * newlines, and how many fds came along. These are closed after DELAY ms; with a negative one they never are.
 */
__attribute__((noreturn)) static void manager(const char *name, int delay)
{
	struct sockaddr_un address;
	socklen_t length = unix_address(&address, name);
	int sock = socket(AF_UNIX, SOCK_DGRAM, 0), yes = 1;

	if (bind(sock, (struct sockaddr *)&address, length) < 0 ||
	    setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0)
		die("bind");
	printf("listening\n");
	for (;;) {
		char text[4096], space[256];
		struct iovec iov = { text, sizeof(text) - 1 };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space) };
		struct ucred who = { 0 };
		int fd = -1;
		ssize_t n;

		fflush(stdout);
		n = recvmsg(sock, &msg, 0);
		if (n < 0)
			die("receive");
		text[n] = '\0';
		for (char *p = text; *p; p++)
			if (*p == '\n')
				*p = '|';
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
			if (c->cmsg_type == SCM_RIGHTS)
				memcpy(&fd, CMSG_DATA(c), sizeof(fd));
			else if (c->cmsg_type == SCM_CREDENTIALS)
				memcpy(&who, CMSG_DATA(c), sizeof(who));
		printf("%d %s%s\n", who.pid, text, fd < 0 ? "" : " +fd");
		fflush(stdout);
		if (fd >= 0 && delay >= 0) {
			usleep((useconds_t)delay * 1000);
			close(fd);
			printf("closed\n");
		}
	}
}

/* notify TEXT...: sends each to $NOTIFY_SOCKET, "|" for newlines. */
static int notify(char **texts)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	int sock = socket(AF_UNIX, SOCK_DGRAM, 0);
	socklen_t length;

	if (!name)
		return 2;
	length = unix_address(&address, name);
	for (; *texts; texts++) {
		for (char *p = *texts; *p; p++)
			if (*p == '|')
				*p = '\n';
		if (sendto(sock, *texts, strlen(*texts), 0, (struct sockaddr *)&address, length) < 0)
			return die("notify");
	}
	return 0;
}

/* activate FOLDER COUNT PID COMMAND...: as a service manager does, with COUNT sockets. PID 0: that of the command. */
static int activate(char **argv)
{
	char path[108], text[4096] = "";
	int count = atoi(argv[1]), pid = atoi(argv[2]);

	for (int i = 0; i < count; i++) {
		struct sockaddr_un address;
		int sock = socket(AF_UNIX, SOCK_STREAM, 0);

		snprintf(path, sizeof(path), "%s/%d", argv[0], i);
		if (bind(sock, (struct sockaddr *)&address, unix_address(&address, path)) < 0 || listen(sock, 8) < 0)
			return die("listen");
		if (dup2(sock, 3 + i) < 0)
			return die("dup2");
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%sname%d", i ? ":" : "", i);
	}
	setenv("LISTEN_FDNAMES", text, 1);
	snprintf(text, sizeof(text), "%d", count);
	setenv("LISTEN_FDS", text, 1);
	snprintf(text, sizeof(text), "%d", pid ? pid : getpid());
	setenv("LISTEN_PID", text, 1);
	execvp(argv[3], argv + 3);
	return die(argv[3]);
}

/* serve FD TEXT: takes one connection and says that. */
static int serve(int fd, const char *text)
{
	int connection = accept(fd, NULL, NULL);

	return connection < 0 || write(connection, text, strlen(text)) < 0 ? die("serve") : 0;
}

/* tty: the controlling terminal's session and the foreground, and whether fds 0 to 2 are one terminal. */
static int terminal(void)
{
	printf("tty=%s leader=%d ctty=%d foreground=%d\n", ttyname(0) ? ttyname(0) : "none", getsid(0) == getpid(),
	       tcgetsid(0) == getsid(0), tcgetpgrp(0) == getpgrp());
	return 0;
}

/* dirty MEGABYTES: uses that much memory. */
static int dirty(size_t size)
{
	char *p = malloc(size << 20);

	for (size_t i = 0; p && i < size << 20; i += 4096)
		((volatile char *)p)[i] = 1;
	printf("used\n");
	return p ? 0 : 1;
}

/*
 * stuck DIRECTORY: a process in uninterruptible sleep, which no freezer can freeze: it looks at a FUSE file system that
 * nobody serves. Prints its pid; it ends with its parent, or by SIGKILL.
 */
static int stuck(const char *directory)
{
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[64];
	struct stat status;

	if (fuse < 0 || unshare(CLONE_NEWNS) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("fuse");
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	if (mount("stuck", directory, "fuse", 0, options))
		die("mount fuse");
	pid_t child = fork();
	if (child == 0) {
		close(fuse);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		return stat(directory, &status);
	}
	printf("%d\n", child);
	fflush(stdout);
	waitpid(child, NULL, 0);
	return 0;
}

static void *sleep_on(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* threads: has two of them and waits. */
static int threads(void)
{
	pthread_t other;

	if (pthread_create(&other, NULL, sleep_on, NULL))
		die("thread");
	printf("threads\n");
	fflush(stdout);
	sleep_on(NULL);
	return 0;
}

/*
 * bomb: forks as fast as it is let, with sessions of their own, and with processes that end and leave a child in their
 * place, so that a list of pids is never true for long.
 */
__attribute__((noreturn)) static void bomb(void)
{
	int first = 1;

	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	for (;;) {
		pid_t pid = fork();

		if (pid == 0) {
			first = 0;
			if (getpid() % 3 == 0)
				setsid();
			continue;
		}
		if (pid > 0 && !first && getpid() % 4 == 0)
			_exit(0);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		usleep(50000);
	}
}

/* programs DIRECTORY: how many device programs a cgroup has (bpf(2), BPF_PROG_QUERY). */
static int programs(const char *directory)
{
	unsigned int ids[64];
	char zeros[256] = { 0 }; /* some kernels write past what they are told is there */
	union bpf_attr *attr = (union bpf_attr *)zeros;

	attr->query.target_fd = (unsigned int)open(directory, O_RDONLY | O_DIRECTORY);
	attr->query.attach_type = BPF_CGROUP_DEVICE;
	attr->query.prog_ids = (uintptr_t)ids;
	attr->query.prog_cnt = 64;
	if (syscall(SYS_bpf, BPF_PROG_QUERY, attr, sizeof(zeros)))
		die("query");
	printf("%u\n", attr->query.prog_cnt);
	return 0;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "console") && argc == 3)
		return console(argv[2]);
	if (!strcmp(command, "pidfd") && argc == 3)
		return pidfd(argv[2]);
	if (!strcmp(command, "peer") && argc == 4)
		return peer(argv[2], argv[3]);
	if (!strcmp(command, "pty") && argc > 4)
		return pty(argv + 2);
	if (!strcmp(command, "manager") && argc == 4)
		manager(argv[2], atoi(argv[3]));
	if (!strcmp(command, "notify") && argc > 2)
		return notify(argv + 2);
	if (!strcmp(command, "activate") && argc > 5)
		return activate(argv + 2);
	if (!strcmp(command, "serve") && argc == 4)
		return serve(atoi(argv[2]), argv[3]);
	if (!strcmp(command, "plain") && argc > 2)
		return plain(argv + 2);
	if (!strcmp(command, "hostile") && argc > 2)
		return hostile(argv + 2);
	if (!strcmp(command, "adopt") && argc > 2)
		adopt(argv + 2);
	if (!strcmp(command, "clocks"))
		return clocks();
	if (!strcmp(command, "nanoseconds"))
		return nanoseconds();
	if (!strcmp(command, "keyring"))
		return keyring();
	if (!strcmp(command, "scheduling") && argc == 3)
		return scheduling(atoi(argv[2]));
	if (!strcmp(command, "lock") && argc == 3)
		return lock(atoi(argv[2]));
	if (!strcmp(command, "socket") && argc == 3)
		return unix_socket(argv[2]);
	if (!strcmp(command, "tty"))
		return terminal();
	if (!strcmp(command, "threads"))
		return threads();
	if (!strcmp(command, "bomb"))
		bomb();
	if (!strcmp(command, "programs") && argc == 3)
		return programs(argv[2]);
	if (!strcmp(command, "stuck") && argc == 3)
		return stuck(argv[2]);
	if (!strcmp(command, "dirty") && argc == 3)
		return dirty((size_t)atoi(argv[2]));
	fprintf(stderr, "probe: unknown command\n");
	return 112;
}
