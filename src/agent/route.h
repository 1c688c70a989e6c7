/*
 * What a request is about: its path and method. Private to agent/.
 */
#ifndef FRESHET_AGENT_ROUTE_H
#define FRESHET_AGENT_ROUTE_H

#include <stdbool.h>

enum agent_route {
    ROUTE_UNKNOWN,
    ROUTE_TOKEN,
    ROUTE_STATUS,
    ROUTE_EVENTS,
    ROUTE_REJECT,
    ROUTE_SIGN_OUT,
    ROUTE_METRICS,
    ROUTE_HEALTH,
    ROUTE_COUNT
};

struct route {
    enum agent_route kind;
    bool allowed; /* the method fits */
    bool about_session;
    const char *name; /* the session's, a part of the path; NULL: not given */
};

/* The path is decoded already. */
struct route freshet_agent_route(const char *method, const char *path);

/* For metrics ("sign_out"), and the one method of a route; valid for ever. */
const char *freshet_agent_route_name(enum agent_route kind);
const char *freshet_agent_route_method(enum agent_route kind);

#endif
