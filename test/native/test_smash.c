/*
 * Test only: davit-init's start with a reader that writes past its stack frame. Built as davit-init is; the guard must
 * have a value (exit 107 for a plan of one byte) and the overflow must end in __stack_chk_fail (exit 134).
 */
#include "init.c"
#include "bare.c"

int plan_open(struct plan *plan, const void *buffer, size_t length)
{
	volatile char local[16];

	(void)plan;
	(void)buffer;
	if (length == 1)
		return __stack_chk_guard != 0 ? 7 : 8;
	for (size_t i = 0; i < length; i++)
		local[i] = 'x';
	return local[0] == 'x' ? 9 : 10;
}

int runner_open(struct runner *r, const struct plan *plan)
{
	(void)r;
	(void)plan;
	return 0;
}

void runner_run(struct runner *r, uint32_t first)
{
	(void)r;
	(void)first;
}
