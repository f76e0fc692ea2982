/* Masked and read-only paths: a few calls each, for dozens of paths. */
#include "plan.h"
#include <linux/mount.h>

enum { ATTACH_BY_FD = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH, AT_RECURSIVE_ = 0x8000, AT_EMPTY_ = 0x1000,
       CLONE_FD = 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC_ | AT_EMPTY_ };

static long attach(long mount, long to)
{
	return SYS(move_mount, mount, "", to, "", ATTACH_BY_FD, 0);
}

/* The read-only, empty tmpfs that all masked directories share; the first one makes it, later ones clone it. */
static long empty_directory(struct runner *r, long slot, long parameters, long length)
{
	static const uint64_t attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	const long a[WIRE_MAX_ARGS] = { (long)"tmpfs", parameters, length, (long)attributes, -1, 0 };
	long made;

	if (r->slot[slot] >= 0)
		return SYS(open_tree, r->slot[slot], "", CLONE_FD, 0, 0, 0);
	made = op_fsmount(r, a);
	if (made < 0)
		return made;
	r->slot[slot] = (int)made; /* once attached it can be cloned from; a second fd is what gets attached and closed */
	return SYS(fcntl, made, 1030 /* F_DUPFD_CLOEXEC */, 3, 0, 0, 0);
}

/*
 * Hides what is found: a directory below the empty tmpfs, anything else below the verified null device (CVE-2025-31133:
 * never what the image calls /dev/null). Most are files, and the kernel covers no directory with one.
 */
static long mask(struct runner *r, const long *a, long found)
{
	long cover = SYS(open_tree, a[2], "", CLONE_FD, 0, 0, 0), ret = cover < 0 ? cover : attach(cover, found), directory;

	if (cover >= 0)
		(void)SYS(close, cover, 0, 0, 0, 0, 0); /* the mount stays where it is attached */
	if (ret >= 0)
		return ret;
	directory = SYS(openat, found, ".", O_PATH_ | O_DIRECTORY_ | O_CLOEXEC_, 0, 0, 0);
	if (directory < 0)
		return directory == -E_NOTDIR ? ret : directory;
	(void)SYS(close, directory, 0, 0, 0, 0, 0);
	cover = empty_directory(r, a[3], a[4], a[5]);
	ret = cover < 0 ? cover : attach(cover, found);
	if (cover >= 0)
		(void)SYS(close, cover, 0, 0, 0, 0, 0); /* as above */
	if (ret < 0)
		(void)op_close(r, a + 3); /* a tmpfs that is attached nowhere cannot be cloned */
	return ret;
}

/* Binds what is found onto itself, read-only with all that is mounted below. */
static long make_readonly(struct runner *r, const long *a, long found)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	long tree = SYS(open_tree, found, "", CLONE_FD | AT_RECURSIVE_, 0, 0, 0), ret;

	(void)r;
	(void)a;
	ret = tree < 0 ? tree : SYS(mount_setattr, tree, "", AT_EMPTY_ | AT_RECURSIVE_, &attr, sizeof(attr), 0);
	if (ret >= 0)
		ret = attach(tree, found);
	if (tree >= 0)
		(void)SYS(close, tree, 0, 0, 0, 0, 0); /* the mount stays where it is attached */
	return ret;
}

/*
 * SAFETY: a path that is missing is tolerated. That must not be said of one that is there, not even while somebody puts
 * another file in its place: it is looked up again.
 */
static long protect(struct runner *r, const long *a, long (*cover)(struct runner *r, const long *a, long found))
{
	for (int tries = 0; tries < 128; tries++) {
		long found = open_in_root((int)a[0], (const char *)a[1], O_PATH_), ret;

		if (found < 0)
			return found;
		ret = cover(r, a, found);
		(void)SYS(close, found, 0, 0, 0, 0, 0);
		if (ret != -E_NOENT && ret != -E_NOTDIR)
			return ret;
	}
	return -E_AGAIN;
}

/* Puts a number of 32 bits before the kernel's words, where there are some. */
static void name_path(struct runner *r, uint32_t index)
{
	uint32_t length = r->detail_len;

	set_detail(r, r->detail, length + sizeof(index) < sizeof(r->detail) ? length + sizeof(index) : sizeof(r->detail));
	for (uint32_t i = r->detail_len; i-- > sizeof(index);)
		r->detail[i] = r->detail[i - sizeof(index)];
	for (size_t i = 0; i < sizeof(index); i++)
		r->detail[i] = ((const char *)&index)[i];
}

/* One record for all paths: there may be hundreds. Which of them failed is where the detail begins. */
long op_mask(struct runner *r, const long *a)
{
	const char *path = (const char *)a[1] + a[5], *end = (const char *)a[1] + a[2];

	for (uint32_t index = 0; path < end; path += str_len(path) + 1, index++) {
		const long one[WIRE_MAX_ARGS] = { a[0], (long)path, a[3], a[4], a[1], a[5] };
		long ret;

		r->detail_len = 0;
		ret = protect(r, one, mask);
		if (ret >= 0 || ret == -E_NOENT || ret == -E_NOTDIR)
			continue;
		name_path(r, index);
		return ret;
	}
	return 0;
}

long op_readonly(struct runner *r, const long *a)
{
	return protect(r, a, make_readonly);
}
