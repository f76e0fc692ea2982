/* Test only: between the made-up kernel (fuzz.c) and its plain driver (fuzz_driver.c). */
#ifndef DAVIT_FUZZ_H
#define DAVIT_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* One input: flags (1: leave the plan's magic, hash and length alone), answers / 16, the kernel's answers, the plan. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether the last input's plan was accepted and run. */
extern int fuzz_ran;

/* Whether the reader took it. */
extern int fuzz_opened;

/* What the reader wants of an operation's arguments; NULL beyond the last. */
const char *fuzz_signature(unsigned op);

#endif
