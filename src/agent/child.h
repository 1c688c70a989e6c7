/*
 * The program that `freshet run` runs: how it starts, the signals that pass through to it, and how it
 * ended. Private to agent/.
 */
#ifndef FRESHET_AGENT_CHILD_H
#define FRESHET_AGENT_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#define FRESHET_CHILD_VARIABLES 3

struct child_variable {
    const char *name; /* NULL: none */
    const char *value;
};

struct child {
    int signals; /* readable when freshet_child_hear() has something to do */
    pid_t pid;   /* 0: not started */
    int status;  /* as a shell tells it, once it is over */
    /* how this process was before, which is how the child shall be */
    int *descriptors;
    size_t descriptor_count;
    sigset_t mask;
    bool pipe_default;
    struct rlimit core;
    struct rlimit files;
};

/* From now on signals wait for freshet_child_hear(), and this process leaves no core file and cannot
 * be traced. Call it before there is a thread. False: no descriptor was to be had. */
bool freshet_child_open(struct child *child);
void freshet_child_close(struct child *child);

/* Starts the program with these variables added; 0, or why not, as in errno. */
int freshet_child_start(struct child *child, char **line,
                        const struct child_variable variables[FRESHET_CHILD_VARIABLES]);

/* Passes signals on. True once it is over and `status` is known: the program has ended, or a signal
 * came before it began. */
bool freshet_child_hear(struct child *child);

#endif
