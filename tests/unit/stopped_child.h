/*
 * A process that is stopped across a time, for tests of what happens when it goes on.
 */
#ifndef FRESHET_TESTS_STOPPED_CHILD_H
#define FRESHET_TESTS_STOPPED_CHILD_H

#include <stdint.h>
#include <sys/types.h>

/* Waits until the child has stopped itself; 0, or -1 if it ended instead. */
int freshet_child_wait_stopped(pid_t child);

/* Waits for that boot time; 0, or -1. */
int freshet_child_wait_until(int64_t boot_ms);

/* Lets the child go on, and waits for its end; its exit status, or -1. */
int freshet_child_continue(pid_t child);

#endif
