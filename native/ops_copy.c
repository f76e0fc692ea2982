/* Copying a directory's contents: what a tmpfs that covers it is to begin with. */
#include "plan.h"

enum { MAX_DEPTH = 128, CHUNK = 1 << 20, S_IFDIR_ = 0040000, S_IFREG_ = 0100000, S_IFLNK_ = 0120000,
       AT_SYMLINK_NOFOLLOW_ = 0x100, AT_EMPTY_PATH_ = 0x1000, O_NOCTTY_ = 0400, O_WRONLY_ = 1,
       SEEK_DATA_ = 3, SEEK_HOLE_ = 4, E_NXIO = 6 };

static long copy_contents(struct runner *r, long proc, long from, long to, int depth);

/* Opens for reading what an O_PATH fd is known to be: by a name it could be something else by now. */
static long reopen(long proc, long fd)
{
	char path[24] = "self/fd/";
	unsigned at = 8;

	for (long n = fd; n >= 10; n /= 10)
		at++;
	for (long n = fd; at >= 8; n /= 10)
		path[at--] = (char)('0' + n % 10);
	return SYS(openat, proc, path, O_NONBLOCK_ | O_NOCTTY_ | O_CLOEXEC_, 0, 0, 0);
}

/* No more than `size`, whatever is added meanwhile; holes stay holes. */
static long copy_data(long in, long out, long size)
{
	long at = 0, end = 0, ret = SYS(ftruncate, out, size, 0, 0, 0, 0);

	while (ret >= 0 && at < size) {
		if (at >= end) {
			ret = SYS(lseek, in, at, SEEK_DATA_, 0, 0, 0);
			if (ret == -E_NXIO || ret >= size)
				return 0;
			at = ret > at ? ret : at;
			end = SYS(lseek, in, at, SEEK_HOLE_, 0, 0, 0);
			end = end > at && end < size ? end : size; /* not every file system knows holes */
			ret = SYS(lseek, out, at, 0 /* SEEK_SET */, 0, 0, 0);
		}
		if (ret >= 0)
			SYS_RETRY(ret, sendfile, out, in, &at, end - at < CHUNK ? end - at : CHUNK, 0, 0);
		if (ret == 0)
			return 0; /* it has been cut off */
	}
	return ret;
}

/* Makes one entry; gives it its owner, and then its mode, of which chown(2) takes bits away. */
static long copy_entry(struct runner *r, long proc, long from, long to, const char *name, int depth)
{
	uint64_t buf[32] = { 0 }; /* struct statx: 32-bit words 5, 6, 7 are owner and mode, 32 and 33 the device */
	const uint32_t *st = (const uint32_t *)buf;
	/*
	 * The container may exchange entries while they are copied: one lookup, what it found is asked what it is, and
	 * nothing but directories and regular files is ever opened. A device would be read with the host's rights.
	 */
	long in = -1, out = -1, ret, found = SYS(openat, from, name, O_PATH_ | O_NOFOLLOW_ | O_CLOEXEC_, 0, 0, 0);
	char target[4096];
	unsigned type;

	ret = found;
	if (ret >= 0)
		ret = SYS(statx, found, "", AT_EMPTY_PATH_, 0x7ff /* stat(2)'s */, buf, 0);
	type = st[7] & 0170000;
	if (ret >= 0 && type == S_IFDIR_)
		ret = in = SYS(openat, found, ".", O_DIRECTORY_ | O_CLOEXEC_, 0, 0, 0);
	else if (ret >= 0 && type == S_IFREG_)
		ret = in = reopen(proc, found);
	if (ret < 0) {
		/* not there to be copied */
	} else if (type == S_IFDIR_) {
		ret = SYS(mkdirat, to, name, 0700, 0, 0, 0);
		if (ret >= 0)
			ret = out = SYS(openat, to, name, O_NOFOLLOW_ | O_DIRECTORY_ | O_CLOEXEC_, 0, 0, 0);
		if (ret >= 0)
			ret = depth < MAX_DEPTH ? copy_contents(r, proc, in, out, depth + 1) : -E_LOOP;
	} else if (type == S_IFREG_) {
		ret = out = SYS(openat, to, name, O_NOFOLLOW_ | O_CLOEXEC_ | O_CREAT_ | O_EXCL_ | O_WRONLY_, 0600, 0, 0);
		if (ret >= 0)
			ret = copy_data(in, out, (long)buf[5]);
	} else if (type == S_IFLNK_) {
		ret = SYS(readlinkat, found, "", target, sizeof(target) - 1, 0, 0);
		target[ret < 0 ? 0 : ret] = '\0';
		if (ret >= 0)
			ret = SYS(symlinkat, target, to, name, 0, 0, 0);
	} else
		ret = SYS(mknodat, to, name, st[7] & 0xffffu, (st[33] & 0xffu) | st[32] << 8 | (st[33] & ~0xffu) << 12, 0, 0);
	if (found >= 0)
		(void)SYS(close, found, 0, 0, 0, 0, 0);
	if (in >= 0)
		(void)SYS(close, in, 0, 0, 0, 0, 0);
	if (out >= 0)
		(void)SYS(close, out, 0, 0, 0, 0, 0); /* a tmpfs has nothing to write behind */
	if (ret >= 0) {
		ret = SYS(fchownat, to, name, st[5], st[6], AT_SYMLINK_NOFOLLOW_, 0);
		ret = ret == -E_INVAL ? 0 : ret; /* KERNEL: unmapped in the user namespace: then it is ours */
	}
	if (ret >= 0 && type != S_IFLNK_)
		ret = SYS(fchmodat, to, name, st[7] & 07777u, 0, 0, 0);
	if (ret < 0 && !r->detail_len)
		set_detail(r, name, str_len(name));
	return ret;
}

static long copy_contents(struct runner *r, long proc, long from, long to, int depth)
{
	uint64_t buf[256]; /* struct linux_dirent64: the length at byte 16, the name at 19 */
	long n, ret = 0;

	while (ret >= 0 && (ret = n = SYS(getdents64, from, buf, sizeof(buf), 0, 0, 0)) > 0)
		for (const char *at = (const char *)buf; ret >= 0 && at < (const char *)buf + n;
		     at += ((const uint16_t *)(const void *)at)[8])
			if (at[19] != '.' || (at[20] && (at[20] != '.' || at[21])))
				ret = copy_entry(r, proc, from, to, at + 19, depth);
	return ret;
}

/* Copies what is in the directory a[0] into the empty one a[1], which nobody else can reach yet; a[2] is a procfs. */
long op_copytree(struct runner *r, const long *a)
{
	long ret, from = SYS(openat, a[0], ".", O_DIRECTORY_ | O_CLOEXEC_, 0, 0, 0);

	if (from < 0)
		return from;
	ret = copy_contents(r, a[2], from, a[1], 0);
	(void)SYS(close, from, 0, 0, 0, 0, 0);
	return ret;
}
