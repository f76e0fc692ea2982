/*
 * Raw system calls and the few C facilities the executor needs. No libc: between clone and exec only these are
 * allowed, and davit-init has no other. The fuzz build replaces the kernel by fuzz_sys().
 */
#ifndef DAVIT_SYS_H
#define DAVIT_SYS_H

#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>

#ifdef DAVIT_FUZZ
long fuzz_sys(long nr, long a, long b, long c, long d, long e, long f);
#define sys6 fuzz_sys
#elif defined(__x86_64__)
static inline long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long ret;
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
static inline long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c,
		      x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
	return x0;
}
#else
#error "davit knows x86_64 and aarch64"
#endif

#define SYS(name, a, b, c, d, e, f) \
	sys6(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* Errno values used by name; the kernel's numbers, the same on both architectures. */
enum { E_NOENT = 2, E_INTR = 4, E_CHILD = 10, E_ACCES = 13, E_AGAIN = 11, E_EXIST = 17, E_NOTDIR = 20, E_ISDIR = 21,
       E_INVAL = 22, E_NAMETOOLONG = 36, E_NOSYS = 38, E_LOOP = 40, E_BADF = 9, E_PROTO = 71, E_CONNRESET = 104 };

enum { AT_CWD = -100, O_PATH_ = 010000000, O_CLOEXEC_ = 02000000, O_CREAT_ = 0100, O_EXCL_ = 0200, O_NONBLOCK_ = 04000,
       RESOLVE_NO_MAGICLINKS_ = 2, RESOLVE_IN_ROOT_ = 0x10 };
#ifdef __aarch64__
enum { O_DIRECTORY_ = 040000, O_NOFOLLOW_ = 0100000 };
#else
enum { O_DIRECTORY_ = 0200000, O_NOFOLLOW_ = 0400000 };
#endif

struct open_how_ {
	uint64_t flags, mode, resolve;
};

static inline size_t str_len(const char *s)
{
	size_t n = 0;
	while (s[n])
		n++;
	return n;
}

static inline int retry(long ret)
{
	return ret == -E_INTR;
}

/* Repeats an interrupted call. */
#define SYS_RETRY(ret, name, ...) \
	do \
		(ret) = SYS(name, __VA_ARGS__); \
	while (retry(ret))

#endif
