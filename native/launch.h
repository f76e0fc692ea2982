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
 * Begins the same in another thread: new namespaces take the kernel as long as encoding what is to happen in them. Returns
 * the address of a struct begun, for the other two, or -errno. finish_launch() waits for it, until when nothing that the
 * pointers point to may change; when it fails the thread has ended, and nothing more is to be called. Otherwise
 * leave_launch() comes last, when the program does not die with its parent any more: the thread ends, which would make the
 * end of the process longer.
 */
struct begun;
long begin_launch(const int32_t *numbers, const char *path, const char *strings, int32_t *pidfd);
long finish_launch(struct begun *begun);
long leave_launch(struct begun *begun);

/* execve(2): count strings, argc of them arguments, the rest environment. Returns only when it failed: -errno. */
long replace(const char *path, const char *strings, long count, long argc);

#endif
