/*
 * Which endpoint a request means, and what its path says about session and template. Pure: a method
 * and a path in, a route out.
 */
#ifndef FRESHET_ISSUER_ROUTE_H
#define FRESHET_ISSUER_ROUTE_H

#include <stdbool.h>

enum endpoint {
    ENDPOINT_UNKNOWN,
    ENDPOINT_ENVIRONMENT,
    ENDPOINT_CLIENT,
    ENDPOINT_TOKENS,
    ENDPOINT_TOUCH,
    ENDPOINT_END,
    ENDPOINT_REMOVE,
    ENDPOINT_SESSIONS,
    ENDPOINT_ME,
    ENDPOINT_WHOAMI,
    ENDPOINT_JWKS,
    ENDPOINT_HEALTH,
    ENDPOINT_STATE,
    ENDPOINT_FAULTS,
    ENDPOINT_SETTINGS,
    ENDPOINT_SESSION,
    ENDPOINT_COUNT
};

enum verb { VERB_OTHER, VERB_GET, VERB_POST, VERB_PUT, VERB_PATCH, VERB_DELETE };

struct route {
    enum endpoint endpoint;
    enum verb verb;
    bool allowed; /* the endpoint knows this verb */
    char session[128];
    char template_name[128];
};

/* `path` is still percent-encoded; `override` is the value of `_method`, or NULL. */
struct route freshet_route(const char *method, const char *override, const char *path);

/* As in faults and logs: "environment", "tokens" ... */
const char *freshet_endpoint_name(enum endpoint endpoint);

/* Faults and latency strike the Frontend API only, never the admin endpoint or the demo API. */
bool freshet_endpoint_faulty(enum endpoint endpoint);
bool freshet_endpoint_admin(enum endpoint endpoint);

#endif
