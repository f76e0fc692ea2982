/* What the compiler expects of a C library, for the two programs that have none. */
#include "plan.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
void __stack_chk_fail(void);

/* The compiler calls these by itself. */
void *memcpy(void *dst, const void *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)dst)[i] = ((const char *)src)[i];
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)dst)[i] = (char)c;
	return dst;
}

uintptr_t __stack_chk_guard;

void take_guard(const long *sp)
{
	long i = sp[0] + 2;

	while (sp[i])
		i++;
	for (i++; sp[i]; i += 2)
		if (sp[i] == 25 /* AT_RANDOM */)
			__stack_chk_guard = *(const uintptr_t *)sp[i + 1] & ~(uintptr_t)0xff; /* NUL stops a string copy */
}

__attribute__((noreturn)) void __stack_chk_fail(void)
{
	for (;;)
		SYS(exit_group, 134, 0, 0, 0, 0, 0);
}
