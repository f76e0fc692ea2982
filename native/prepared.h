#ifndef DAVIT_PREPARED_H
#define DAVIT_PREPARED_H

#include "plan.h"

enum { PATH_SIZE = 4096 };

/*
 * Runs the program that `create` has prepared for a command line. Returns when there is none, or a step has failed: -1, or
 * an fd of the connection to the container's init, which has been told to go on; `folder` is then the container's
 * directory, locked.
 */
int run_prepared(const char *const *argv, int *folder);

/* Runs the program of `delete` in a container's directory, and ends with the code; returns when that is not all. */
void delete_prepared(int folder, int code);

/*
 * Watches a container in the foreground to its end, for an engine that has become us. `order`: our pid, so that nobody else
 * takes it for his; then init, its pidfd, the connection to it or 0, and the container's directory, locked; the signals that
 * we catch, and those of them that ask us to end, two words each: numbers, with a colon after each. Returns when the engine
 * has to go on.
 */
enum watched {
	WATCH_NOTHING, /* no order for us */
	WATCH_SAID, /* init has something to say, on the connection that is the value, or was killed because we are to end */
	WATCH_ENDED, /* the container has, with the code that is the value, and is to be deleted */
};
int watch(const char *order, long *value, int *folder);

#endif
