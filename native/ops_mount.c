/* Operations of the mount API that take more than one call. Single calls are OP_CALL records. */
#include "plan.h"
#include <linux/mount.h>

/* The parameter mode=<octal> with the permissions of the directory to be covered. */
static long mode_like(long fs, long like)
{
	uint64_t buf[32] = { 0 }; /* struct statx; stx_mode is the 16-bit word at offset 28 */
	long ret = SYS(statx, like, "", 0x1000 /* AT_EMPTY_PATH */, 0x3, buf, 0);
	unsigned mode = (unsigned)(buf[3] >> 32) & 07777u;
	char text[] = "0000";

	if (ret < 0)
		return ret;
	for (int i = 3; i >= 0; i--, mode >>= 3)
		text[i] = (char)('0' + (mode & 7u));
	return SYS(fsconfig, fs, FSCONFIG_SET_STRING, "mode", text, 0, 0);
}

/*
 * fsopen(2), a parameter at a time, fsmount(2): a mount that is attached nowhere. Parameters are packed as
 * 's' key NUL value NUL, or 'f' key NUL. What the file system says of a refusal becomes the detail.
 */
long op_fsmount(struct runner *r, const long *a)
{
	const char *p = (const char *)a[1], *end = p + a[2];
	long fs = SYS(fsopen, a[0], FSOPEN_CLOEXEC, 0, 0, 0, 0), ret = 0;

	if (fs < 0)
		return fs;
	if (a[4] >= 0)
		ret = mode_like(fs, a[4]);
	while (ret >= 0 && p < end) {
		const char *key = p + 1, *value = NULL;
		int flag = *p == 'f';
		/* The data ends in NUL: what begins inside it ends inside it. */
		p = key < end ? key + str_len(key) + 1 : end;
		if (!flag && p < end) {
			value = p;
			p += str_len(p) + 1;
		}
		if (key >= end || (!flag && !value))
			ret = -E_INVAL; /* cut off */
		else
			SYS_RETRY(ret, fsconfig, fs, flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, key, value, 0, 0);
	}
	if (ret >= 0)
		SYS_RETRY(ret, fsconfig, fs, FSCONFIG_CMD_CREATE, 0, 0, 0, 0);
	if (ret >= 0)
		ret = SYS(fsmount, fs, FSMOUNT_CLOEXEC, a[3], 0, 0, 0);
	if (ret < 0) {
		char words[160];
		long n = SYS(read, fs, words, sizeof(words), 0, 0, 0);
		if (n > 2) /* "e tmpfs: Unknown parameter 'x'" */
			set_detail(r, words + 2, (size_t)n - 2);
	}
	(void)SYS(close, fs, 0, 0, 0, 0, 0); /* only the context; the mount lives on */
	return ret;
}
