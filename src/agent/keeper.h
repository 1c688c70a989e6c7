/*
 * The sessions that the agent keeps, and what it knows of them. Private to agent/.
 */
#ifndef FRESHET_AGENT_KEEPER_H
#define FRESHET_AGENT_KEEPER_H

#include <stdbool.h>

#include "agent/agent.h"
#include "agent/backlog.h"
#include "agent/metrics.h"

struct kept_session {
    const struct agent_session_options *options;
    struct freshet_session *handle;
    struct freshet_sink *sink; /* NULL: its token goes nowhere else */
};

struct keeper {
    struct freshet_client *client;
    struct kept_session *sessions;
    size_t session_count;
    struct backlog news;  /* what happens to sessions and tokens */
    struct backlog trace; /* the same, and every step; kept only while somebody reads it */
    unsigned trace_readers;
    struct metrics metrics;
    void (*tell)(void *context); /* after each event */
    void *tell_context;
};

/* Opens the client on our loop and every session in it. */
enum freshet_status freshet_keeper_open(struct keeper *keeper, const struct agent_options *options,
                                        struct agent_problem *problem);
void freshet_keeper_close(struct keeper *keeper);

/* The session of that name; the only one for NULL. NULL if there is no such session. */
struct kept_session *freshet_keeper_find(struct keeper *keeper, const char *name);

#endif
