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

#endif
