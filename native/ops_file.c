/* Operations on paths and files. */
#include "plan.h"

long open_in_root(int root, const char *path, uint64_t flags)
{
	struct open_how_ how = { flags | O_CLOEXEC_, 0, RESOLVE_IN_ROOT_ | RESOLVE_NO_MAGICLINKS_ };
	long ret;
	int tries = 0;
	do
		ret = SYS(openat2, root, path, &how, sizeof(how), 0, 0);
	while (retry(ret) || (ret == -E_AGAIN && ++tries < 128));
	return ret;
}

struct stat_ {
	uint32_t mode;
	uint64_t rdev, inode;
};

/* statx by fd: its layout is the same on every architecture. */
static long stat_fd(long fd, struct stat_ *out)
{
	uint64_t buf[32] = { 0 }; /* struct statx, 256 bytes */
	const uint32_t *w = (const uint32_t *)buf;
	long ret = SYS(statx, fd, "", 0x1000 /* AT_EMPTY_PATH */, 0x103 /* type, mode, inode */, buf, 0);

	if (ret < 0)
		return ret;
	out->mode = w[7] & 0xffffu;
	out->rdev = ((uint64_t)w[32] << 32) | w[33]; /* stx_rdev_major, stx_rdev_minor */
	out->inode = buf[4];
	return 0;
}

/*
 * Whether the fd is anything but a directory; or -errno.
 * KERNEL: FUSE tells nobody but its user what a file is, root neither. A walk is refused for what is no directory before
 * anybody is asked.
 */
static long is_file(long fd)
{
	struct stat_ st;
	long ret = stat_fd(fd, &st);

	if (ret != -E_ACCES)
		return ret < 0 ? ret : (st.mode & 0170000) != 0040000;
	ret = SYS(openat, fd, ".", O_PATH_ | O_CLOEXEC_, 0, 0, 0);
	if (ret >= 0)
		(void)SYS(close, ret, 0, 0, 0, 0, 0);
	return ret == -E_NOTDIR;
}

enum { MAX_PATH = 4096, MAX_LINKS = 40 };

/* dst = a + "/" + b; -ENAMETOOLONG when it does not fit. dst may be a. */
static int join(char *dst, const char *a, size_t a_len, const char *b)
{
	size_t b_len = str_len(b);
	if (a_len + b_len + 2 > MAX_PATH)
		return -E_NAMETOOLONG;
	for (size_t i = 0; dst != a && i < a_len; i++)
		dst[i] = a[i];
	dst[a_len] = '/';
	for (size_t i = 0; i <= b_len; i++)
		dst[a_len + 1 + i] = b[i];
	return 0;
}

/*
 * The entry `name` (the rest of the path after it is `rest`) is missing below `parent`, whose own path is the first
 * `prefix` bytes of `path`. Either it is a link to nowhere: then `path` becomes where it points, and 1 is returned to
 * walk again. Or it is made. The name is one component and nothing is followed, so this cannot leave the parent.
 */
static long make_missing(int parent, const char *name, char *path, size_t prefix, const char *rest, int file, long mode)
{
	char target[MAX_PATH], old_rest[MAX_PATH];
	long n = SYS(readlinkat, parent, name, target, sizeof(target) - 1, 0, 0);

	if (n > 0) {
		target[n] = '\0';
		if (join(old_rest, "", 0, rest) < 0 || join(path, path, target[0] == '/' ? 0 : prefix, target) < 0)
			return -E_NAMETOOLONG;
		/* Nothing to add must not add a slash: a file is to be made at the end. */
		if (old_rest[1] && join(path, path, str_len(path), old_rest) < 0)
			return -E_NAMETOOLONG;
		return 1;
	}
	if (!file)
		n = SYS(mkdirat, parent, name, mode, 0, 0, 0);
	else if ((n = SYS(openat, parent, name, O_CREAT_ | O_EXCL_ | O_NOFOLLOW_ | O_CLOEXEC_, mode, 0, 0)) >= 0)
		(void)SYS(close, n, 0, 0, 0, 0, 0); /* an empty new file has nothing to lose */
	/* Somebody else, perhaps another create on the same rootfs, was faster: what is there is checked by the walk. */
	return n == -E_EXIST || n >= 0 ? 0 : n;
}

/* The first `length` bytes of a path, below the root. */
static long open_prefix(int root, char *path, size_t length, uint64_t flags)
{
	char next = path[length];
	long fd;

	path[length] = '\0';
	fd = open_in_root(root, path, O_PATH_ | flags);
	path[length] = next;
	return fd;
}

/* How much of a path that is missing is there: all but its last component, as mostly, or nothing that is known. */
static size_t known_prefix(int root, char *path)
{
	size_t end = str_len(path);
	long fd;

	while (end > 0 && path[end - 1] == '/')
		end--;
	while (end > 0 && path[end - 1] != '/')
		end--;
	fd = open_prefix(root, path, end, 0);
	if (fd >= 0)
		(void)SYS(close, fd, 0, 0, 0, 0, 0);
	return fd < 0 ? 0 : end;
}

/* CVE-2024-45310: every component is made by name in an open parent that was resolved inside the root. */
long op_mkpath(struct runner *r, const long *a)
{
	char path[MAX_PATH], name[256];
	int file = a[2] == 1, links = 0, stuck = 0;
	size_t done = 0;
	long fd, ret;

	(void)r;
	if (a[2] == 2) { /* the same type as the fd in a[4] */
		if ((ret = is_file(a[4])) < 0)
			return ret;
		file = (int)ret;
	}
	if (join(path, "", 0, (const char *)a[1]) < 0)
		return -E_NAMETOOLONG;
	while ((fd = open_in_root((int)a[0], path, O_PATH_)) == -E_NOENT) {
		/* Advance `done` over what exists, then make the next component. */
		size_t end, from;
		long parent;
		if (++stuck > 2 * MAX_PATH)
			return -E_LOOP;
		if (stuck == 1)
			done = known_prefix((int)a[0], path);
		for (from = done; path[from] == '/'; from++)
			;
		for (end = from; path[end] && path[end] != '/'; end++)
			;
		if (end == from || end - from >= sizeof(name))
			return end == from ? -E_NOENT : -E_NAMETOOLONG;
		ret = open_prefix((int)a[0], path, end, 0);
		if (ret >= 0) {
			(void)SYS(close, ret, 0, 0, 0, 0, 0);
			done = end;
			continue;
		}
		if (ret != -E_NOENT)
			return ret;
		for (size_t i = 0; i <= end - from; i++)
			name[i] = i == end - from ? '\0' : path[from + i];
		parent = open_prefix((int)a[0], path, from, O_DIRECTORY_);
		if (parent < 0)
			return parent;
		for (ret = 0; path[end + (size_t)ret] == '/'; ret++)
			;
		ret = make_missing((int)parent, name, path, from, path + end + ret,
				   file && path[end + (size_t)ret] == '\0', a[3]);
		(void)SYS(close, parent, 0, 0, 0, 0, 0);
		if (ret < 0)
			return ret;
		if (ret == 1) {
			done = 0;
			if (++links > MAX_LINKS)
				return -E_LOOP;
		}
	}
	/* A file where a directory is to be, or the reverse: move_mount(2) would say EINVAL, which means many things. */
	if (fd >= 0 && (ret = is_file(fd)) != file) {
		(void)SYS(close, fd, 0, 0, 0, 0, 0);
		return ret < 0 ? ret : -E_NOTDIR;
	}
	return fd;
}

static long write_all(int fd, const char *data, long len)
{
	/* One write(2): files of /proc and cgroups take a value in one piece, the rest is small. */
	long ret;
	SYS_RETRY(ret, write, fd, data, len, 0, 0, 0);
	return ret < 0 ? ret : ret == len ? 0 : -E_INVAL;
}

long op_write(struct runner *r, const long *a)
{
	const char *path = (const char *)a[1];
	long fd, ret;

	(void)r;
	if (!*path)
		return write_all((int)a[0], (const char *)a[2], a[3]);
	SYS_RETRY(fd, openat, a[0], path, a[4] | O_CLOEXEC_, 0, 0, 0);
	if (fd < 0)
		return fd;
	ret = write_all((int)fd, (const char *)a[2], a[3]);
	(void)SYS(close, fd, 0, 0, 0, 0, 0); /* the value is in: these files do not write behind */
	return ret;
}

long op_verify(struct runner *r, const long *a)
{
	struct stat_ st = { 0, 0, 0 };
	uint64_t fs[16] = { 0 }; /* struct statfs, 120 bytes */
	long ret = a[1] == VERIFY_FSTYPE ? SYS(fstatfs, a[0], fs, 0, 0, 0, 0) : stat_fd(a[0], &st);

	(void)r;
	if (ret < 0)
		return ret;
	switch (a[1]) {
	case VERIFY_FSTYPE:
		return (long)fs[0] == a[2] ? 0 : -(long)CUSTOM_VERIFY;
	case VERIFY_DEVICE:
		return (st.mode & 0170000) == a[3] && (long)st.rdev == a[2] ? 0 : -(long)CUSTOM_VERIFY;
	case VERIFY_INODE:
		return (long)st.inode == a[2] ? 0 : -(long)CUSTOM_VERIFY;
	default:
		return (long)(st.mode & 0170000) == a[2] ? 0 : -(long)CUSTOM_VERIFY;
	}
}

long op_verifylink(struct runner *r, const long *a)
{
	const char *text = (const char *)a[1];
	char target[MAX_PATH];
	long n = SYS(readlinkat, a[0], "", target, sizeof(target), 0, 0), i = 0;

	(void)r;
	/* What is no link has no target. Where the file system says how long one is, it may hold a NUL: the text ends there. */
	while (i < n && text[i] && target[i] == text[i])
		i++;
	return n > 0 && i == n && !text[n] ? 0 : -(long)CUSTOM_VERIFY;
}

/* CVE-2024-21626: a directory that is not below the root shows as "(unreachable)/..." in getcwd(2). */
long op_chdir(struct runner *r, const long *a)
{
	char cwd[MAX_PATH];
	long ret = SYS(chdir, a[0], 0, 0, 0, 0, 0);

	(void)r;
	if (ret < 0)
		return ret;
	ret = SYS(getcwd, cwd, sizeof(cwd), 0, 0, 0, 0);
	if (ret == -E_NOENT)
		return -(long)CUSTOM_OUTSIDE;
	return ret < 0 ? ret : cwd[0] == '/' ? 0 : -(long)CUSTOM_OUTSIDE;
}

/* a[0]=dir fd a[1]=path a[2]=data a[3]=length a[4]=1: begins with the data; 0: does not. */
long op_expect(struct runner *r, const long *a)
{
	const char *want = (const char *)a[2];
	char text[256];
	long fd, n = 1, at = 0, same = 1;

	(void)r;
	SYS_RETRY(fd, openat, a[0], a[1], O_CLOEXEC_ | O_NOFOLLOW_, 0, 0, 0);
	if (fd < 0)
		return fd;
	while (at < a[3] && n > 0 && same) {
		long rest = a[3] - at;
		SYS_RETRY(n, read, fd, text, rest < (long)sizeof(text) ? rest : (long)sizeof(text), 0, 0, 0);
		for (long i = 0; i < n; i++, at++)
			same &= text[i] == want[at];
	}
	(void)SYS(close, fd, 0, 0, 0, 0, 0); /* only read */
	if (n < 0)
		return n;
	same &= at == a[3];
	return same == a[4] ? 0 : -(long)CUSTOM_VERIFY;
}
