/*
 * fuse MOUNTPOINT UID GID [OPTION]...: a file system in user space that belongs to the user, with what the kernel then
 * lets others do with it. It has /file, /data/file and /program, which is this program. Serves until it is unmounted.
 *
 * fuse wait: waits for a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOP = FUSE_ROOT_ID, DATA, FILE_AT_TOP, FILE_IN_DATA, PROGRAM };

static const char TEXT[] = "of fuse\n";
static char program[4 << 20];
static ssize_t program_size;
static int device;
static uid_t uid;
static gid_t gid;

static void reply(const struct fuse_in_header *in, int error, const void *data, size_t size)
{
	static char out[1 << 20];
	struct fuse_out_header head = { sizeof(head) + (error ? 0 : size), -error, in->unique };

	memcpy(out, &head, sizeof(head));
	if (!error)
		memcpy(out + sizeof(head), data, size);
	/* ENOENT: whoever asked has been killed meanwhile. */
	if (write(device, out, head.len) < 0 && errno != ENOENT)
		perror("write");
}

static struct fuse_attr attributes(uint64_t node)
{
	int directory = node == TOP || node == DATA;
	return (struct fuse_attr){
		.ino = node,
		.size = directory ? 0 : node == PROGRAM ? (uint64_t)program_size : sizeof(TEXT) - 1,
		.mode = directory ? S_IFDIR | 0755 : S_IFREG | (node == PROGRAM ? 0755 : 0644),
		.nlink = 1,
		.uid = uid,
		.gid = gid,
	};
}

static void lookup(const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out out = { 0 };

	if (in->nodeid == TOP && !strcmp(name, "data"))
		out.nodeid = DATA;
	else if (in->nodeid == TOP && !strcmp(name, "program"))
		out.nodeid = PROGRAM;
	else if (!strcmp(name, "file"))
		out.nodeid = in->nodeid == TOP ? FILE_AT_TOP : FILE_IN_DATA;
	else
		return reply(in, ENOENT, NULL, 0);
	out.attr = attributes(out.nodeid);
	reply(in, 0, &out, sizeof(out));
}

static void give(const struct fuse_in_header *in, const struct fuse_read_in *read)
{
	const char *data = in->nodeid == PROGRAM ? program : TEXT;
	uint64_t size = in->nodeid == PROGRAM ? (uint64_t)program_size : sizeof(TEXT) - 1;
	uint64_t left = read->offset < size ? size - read->offset : 0;

	reply(in, 0, data + (size - left), left < read->size ? left : read->size);
}

static void answer(const struct fuse_in_header *in, const void *body)
{
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096 };
	struct fuse_attr_out attr = { .attr = attributes(in->nodeid) };
	struct fuse_open_out open = { 0 };
	struct fuse_statfs_out statfs = { .st = { .bsize = 4096, .namelen = 255 } };

	switch (in->opcode) {
	case FUSE_INIT:
		return reply(in, 0, &init, sizeof(init));
	case FUSE_LOOKUP:
		return lookup(in, body);
	case FUSE_GETATTR:
		return reply(in, 0, &attr, sizeof(attr));
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return reply(in, 0, &open, sizeof(open));
	case FUSE_READ:
		return give(in, body);
	case FUSE_STATFS:
		return reply(in, 0, &statfs, sizeof(statfs));
	case FUSE_READDIR:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FLUSH:
	case FUSE_ACCESS:
	case FUSE_DESTROY:
		return reply(in, 0, NULL, 0);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return; /* these want no answer */
	default:
		return reply(in, ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static char buffer[FUSE_MIN_READ_BUFFER + 8192];
	char options[256];
	ssize_t size;
	int self;

	if (argc == 2 && !strcmp(argv[1], "wait"))
		return pause();
	if (argc < 4)
		return 2;
	uid = (uid_t)atoi(argv[2]);
	gid = (gid_t)atoi(argv[3]);
	if ((self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)) < 0 ||
	    (program_size = read(self, program, sizeof(program))) < 0)
		return perror("/proc/self/exe"), 1;
	if ((device = open("/dev/fuse", O_RDWR | O_CLOEXEC)) < 0)
		return perror("/dev/fuse"), 1;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40755,user_id=%u,group_id=%u", device, uid, gid);
	for (int i = 4; i < argc; i++)
		snprintf(options + strlen(options), sizeof(options) - strlen(options), ",%s", argv[i]);
	if (mount("davit", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) < 0)
		return perror("mount"), 1;
	puts("ready");
	fflush(stdout);
	while ((size = read(device, buffer, sizeof(buffer))) > 0 || errno == ENOENT || errno == EINTR)
		if (size > 0)
			answer((const void *)buffer, buffer + sizeof(struct fuse_in_header));
	return errno == ENODEV ? 0 : (perror("read"), 1);
}
