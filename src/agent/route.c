/*
 * One table of routes. A route about a session is followed by a slash and its name, which may hold
 * anything; without both, the only session is meant. The others match whole.
 */
#include "agent/route.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    const char *method;
    const char *path;
    bool about_session;
} routes[ROUTE_COUNT] = {
    [ROUTE_UNKNOWN] = {"unknown", "", NULL, false},
    [ROUTE_TOKEN] = {"token", "GET", "/v1/token", true},
    [ROUTE_STATUS] = {"status", "GET", "/v1/status", false},
    [ROUTE_EVENTS] = {"events", "GET", "/v1/events", false},
    [ROUTE_REJECT] = {"reject", "POST", "/v1/reject", true},
    [ROUTE_SIGN_OUT] = {"sign_out", "POST", "/v1/sign-out", true},
    [ROUTE_METRICS] = {"metrics", "GET", "/metrics", false},
    [ROUTE_HEALTH] = {"health", "GET", "/healthz", false},
};

static bool route_matches(enum agent_route kind, const char *path, const char **name)
{
    const char *pattern = routes[kind].path;
    size_t length = strlen(pattern);

    *name = NULL;
    if (strncmp(path, pattern, length) != 0) {
        return false;
    }
    if (routes[kind].about_session && path[length] == '/' && path[length + 1] != '\0') {
        *name = path + length + 1;
        return true;
    }
    return path[length] == '\0';
}

struct route freshet_agent_route(const char *method, const char *path)
{
    for (enum agent_route kind = ROUTE_UNKNOWN + 1; kind < ROUTE_COUNT; kind++) {
        const char *name = NULL;

        if (route_matches(kind, path, &name)) {
            return (struct route){.kind = kind,
                                  .allowed = strcmp(method, routes[kind].method) == 0,
                                  .about_session = routes[kind].about_session,
                                  .name = name};
        }
    }
    return (struct route){.kind = ROUTE_UNKNOWN};
}

const char *freshet_agent_route_name(enum agent_route kind)
{
    return routes[kind].name;
}

const char *freshet_agent_route_method(enum agent_route kind)
{
    return routes[kind].method;
}
