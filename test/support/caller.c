/*
 * caller CALL...: makes system calls by number and prints what the kernel returns, a line each. Static and without a
 * C library, so that it needs write and exit_group and nothing else. A call is NR[,ARGUMENT]...; an argument is a
 * number, or a string after "@". After "i:" it goes the way of 32-bit programs (int 0x80); after "t:" a thread makes it,
 * whose end is waited for.
 */
#include "sys.h"

void *memcpy(void *dst, const void *src, size_t n);
void run(const long *sp);

void *memcpy(void *dst, const void *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)dst)[i] = ((const char *)src)[i];
	return dst;
}

static long number(const char **s)
{
	unsigned long n = 0, base = 10;
	int minus = **s == '-';

	*s += minus;
	if ((*s)[0] == '0' && (*s)[1] == 'x') {
		base = 16;
		*s += 2;
	}
	for (;; (*s)++) {
		char c = **s;
		if (c >= '0' && c <= '9')
			n = n * base + (unsigned long)(c - '0');
		else if (base == 16 && c >= 'a' && c <= 'f')
			n = n * base + (unsigned long)(c - 'a' + 10);
		else
			return minus ? -(long)n : (long)n;
	}
}

static long int80(long nr, const long *a)
{
#ifdef __x86_64__
	int ret;
	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"((int)nr), "b"((int)a[0]), "c"((int)a[1]), "d"((int)a[2]), "S"((int)a[3]), "D"((int)a[4])
			 : "r8", "r9", "r10", "r11", "memory", "cc");
	return ret;
#else
	(void)nr, (void)a;
	return -E_NOSYS;
#endif
}

static void print(const char *name, long value)
{
	char line[128], digits[20];
	unsigned long rest = value < 0 ? -(unsigned long)value : (unsigned long)value;
	int n = 0, length = 0;

	while (name[length] && length < 90) {
		line[length] = name[length];
		length++;
	}
	line[length++] = ' ';
	if (value < 0)
		line[length++] = '-';
	do
		digits[n++] = (char)('0' + rest % 10);
	while (rest /= 10);
	while (n > 0)
		line[length++] = digits[--n];
	line[length++] = '\n';
	(void)SYS(write, 1, line, length, 0, 0, 0);
}

static void call(const char *text)
{
	const char *s = text;
	long a[6] = { 0 }, nr;
	int old = s[0] == 'i' && s[1] == ':';

	s += old ? 2 : 0;
	nr = number(&s);
	for (int i = 0; *s == ',' && i < 6; i++) {
		s++;
		if (*s == '@') {
			a[i] = (long)++s;
			s += str_len(s); /* a string is the last */
		} else
			a[i] = number(&s);
	}
	print(text, old ? int80(nr, a) : sys6(nr, a[0], a[1], a[2], a[3], a[4], a[5]));
}

/* Runs call(text) in a thread that ends then, by exit(2). Its id, or what the kernel says. */
static long start_thread(const char *text)
{
#ifdef __x86_64__
	static char stack[16384] __attribute__((aligned(16)));
	/* CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM */
	const long flags = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000;
	register const char *argument __asm__("r12") = text;
	register void (*function)(const char *) __asm__("r13") = call;
	long ret;
	__asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\t"
			 "mov %%r12, %%rdi\n\tcall *%%r13\n\t"
			 "mov $60, %%eax\n\txor %%edi, %%edi\n\tsyscall\n"
			 "1:"
			 : "=a"(ret)
			 : "a"(56), "D"(flags), "S"(stack + sizeof(stack)), "d"(0), "r"(argument), "r"(function)
			 : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
	return ret;
#else
	(void)text;
	return -E_NOSYS;
#endif
}

static void in_thread(const char *text)
{
	const struct { long seconds, nanoseconds; } moment = { 0, 1000000 };
	long self = SYS(getpid, 0, 0, 0, 0, 0, 0), thread = start_thread(text);

	if (thread < 0)
		print("thread", thread);
	/* Signal 0 finds it until it has ended. */
	while (thread > 0 && SYS(tgkill, self, thread, 0, 0, 0, 0) == 0)
		(void)SYS(nanosleep, &moment, 0, 0, 0, 0, 0);
}

/* sp points at argc. */
__attribute__((noreturn, used)) void run(const long *sp)
{
	for (long i = 2; i <= sp[0]; i++) {
		const char *text = (const char *)sp[i];
		if (text[0] == 't' && text[1] == ':')
			in_thread(text + 2);
		else
			call(text);
	}
	for (;;)
		SYS(exit_group, 0, 0, 0, 0, 0, 0);
}

#ifdef __x86_64__
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall run\n");
#else
__asm__(".globl _start\n_start:\n\tmov x29, xzr\n\tmov x30, xzr\n\tmov x0, sp\n\tbl run\n");
#endif
