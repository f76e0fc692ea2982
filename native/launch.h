/* Starting processes: what libdavit.so has for it. */
#ifndef DAVIT_LAUNCH_H
#define DAVIT_LAUNCH_H

#include <stdint.h>

/*
 * Starts a program in a new process; the pid, or the error of clone or exec. `numbers`: exe, count, argc, the flags' low
 * and high half, cgroup, nfds, then the pairs of fds; see launch() in launch.c for what they mean.
 */
long launch_by(const int32_t *numbers, const char *path, const char *strings, int32_t *pidfd);

/*
 * Begins the same, for finish_launch() to wait for: new namespaces take the kernel as long as encoding what is to happen
 * in them. Until then nothing that the pointers point to may change. Where no thread is to be had it is done at once.
 */
long begin_launch(const int32_t *numbers, const char *path, const char *strings, int32_t *pidfd);
long finish_launch(void);

#endif
