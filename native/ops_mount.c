/* Operations of the mount API that take more than one call. Single calls are OP_CALL records. */
#include "plan.h"
#include <linux/mount.h>

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
	while (ret >= 0 && p < end) {
		const char *key = p + 1, *value = NULL;
		int flag = *p == 'f';
		/* The data ends in NUL, so both lengths stay inside it; a cut-off pair ends the loop. */
		p = key + str_len(key) + 1;
		if (!flag) {
			value = p;
			if (p >= end)
				ret = -E_INVAL;
			else
				p += str_len(p) + 1;
		}
		if (ret >= 0)
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
