/*
 * `freshet run`: one session kept fresh for one program, which gets it through a private socket, a
 * file, and if asked a variable. What the agent does for a user, for as long as the program runs.
 */
#ifndef FRESHET_AGENT_RUN_H
#define FRESHET_AGENT_RUN_H

#include "agent/agent.h"

/* The exit statuses that are our own; the others are the program's. */
enum run_status { RUN_FAILED = 125, RUN_NOT_EXECUTABLE = 126, RUN_NOT_FOUND = 127 };

struct run_options {
    struct freshet_client_options client; /* with host_loop */
    const struct agent_session_options *session;
    char **line;          /* the program and its arguments, NULL at the end */
    const char *variable; /* holds the first token; NULL: none does */
    int64_t timeout_ms;   /* for the first token */
};

/*
 * Runs the program. Its exit status, or 128 and the number of the signal that ended it, or one of the
 * above with the problem. Call it before there is a thread.
 */
int freshet_run(const struct run_options *options, struct agent_problem *problem);

#endif
