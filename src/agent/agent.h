/*
 * The agent: configured sessions, kept fresh for every program of one user. A user of the public
 * library and of nothing else of it.
 */
#ifndef FRESHET_AGENT_AGENT_H
#define FRESHET_AGENT_AGENT_H

#include <freshet/freshet.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/problem.h"

/* A session to keep. NULL members are as in struct freshet_session_options. */
struct agent_session_options {
    const char *name;
    const char *publishable_key;
    const char *url;
    const char *client_token_file;
    const char *session;
    struct freshet_request request; /* the key that is kept fresh, and what clients need not say */
    const char *token_file; /* where else its token goes: as in struct freshet_sink_options */
    const char *cookie_jar;
    const char *cookie_domain;
};

struct agent_options {
    const char *socket;                   /* NULL: the usual place */
    struct freshet_client_options client; /* with host_loop */
    unsigned clients_max;
    int64_t patience_ms; /* how long a client may take to send one request */
    const struct agent_session_options *sessions;
    size_t session_count;
};

/*
 * Serves until SIGTERM or SIGINT, then finishes what is under way. Prints one JSON object on `out`
 * when it is ready. FRESHET_OK after a signal; FRESHET_LIMIT when it cannot serve, and what
 * freshet_session_open() gave when a session is wrong, both with the problem.
 */
enum freshet_status freshet_agent_run(const struct agent_options *options, FILE *out,
                                      struct agent_problem *problem);

#endif
