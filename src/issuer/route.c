/*
 * The table of endpoints. A path is matched segment by segment before it is decoded, so an encoded
 * slash stays inside its segment; `{}` takes a session id or a template name. A verb other than GET
 * and POST arrives as POST with `_method` (behaviour section 3.2), or as itself.
 */
#include "issuer/route.h"

#include "issuer/form.h"

#include <string.h>

#define BIT(verb) (1u << (verb))

static const struct {
    const char *path;
    enum endpoint endpoint;
    unsigned verbs;
} routes[] = {
    {"v1/environment", ENDPOINT_ENVIRONMENT, BIT(VERB_GET) | BIT(VERB_PATCH)},
    {"v1/client", ENDPOINT_CLIENT,
     BIT(VERB_GET) | BIT(VERB_PUT) | BIT(VERB_POST) | BIT(VERB_DELETE)},
    {"v1/client/sessions", ENDPOINT_SESSIONS, BIT(VERB_DELETE)},
    {"v1/client/sessions/{}/tokens", ENDPOINT_TOKENS, BIT(VERB_POST)},
    {"v1/client/sessions/{}/tokens/{}", ENDPOINT_TOKENS, BIT(VERB_POST)},
    {"v1/client/sessions/{}/touch", ENDPOINT_TOUCH, BIT(VERB_POST)},
    {"v1/client/sessions/{}/end", ENDPOINT_END, BIT(VERB_POST)},
    {"v1/client/sessions/{}/remove", ENDPOINT_REMOVE, BIT(VERB_POST)},
    {"v1/me", ENDPOINT_ME, BIT(VERB_GET)},
    {"v1/health", ENDPOINT_HEALTH, BIT(VERB_GET)},
    {"health", ENDPOINT_HEALTH, BIT(VERB_GET)},
    {"v1/.well-known/jwks.json", ENDPOINT_JWKS, BIT(VERB_GET)},
    {".well-known/jwks.json", ENDPOINT_JWKS, BIT(VERB_GET)},
    {"api/whoami", ENDPOINT_WHOAMI, BIT(VERB_GET)},
    {"__freshet/state", ENDPOINT_STATE, BIT(VERB_GET)},
    {"__freshet/faults", ENDPOINT_FAULTS, BIT(VERB_GET) | BIT(VERB_PUT)},
    {"__freshet/settings", ENDPOINT_SETTINGS, BIT(VERB_GET) | BIT(VERB_PUT)},
    {"__freshet/session", ENDPOINT_SESSION, BIT(VERB_POST)},
};

static const char *const route_names[ENDPOINT_COUNT] = {
    "unknown", "environment", "client", "tokens", "touch", "end",    "remove",   "sessions",
    "me",      "whoami",      "jwks",   "health", "state", "faults", "settings", "session",
};

static const char *const route_verbs[] = {"", "GET", "POST", "PUT", "PATCH", "DELETE"};

static bool route_matches(const char *pattern, const char *path, struct route *route);
static enum verb route_verb(const char *method, const char *override);

struct route freshet_route(const char *method, const char *override, const char *path)
{
    struct route route = {.verb = route_verb(method, override)};

    for (size_t i = 0; path[0] == '/' && i < sizeof routes / sizeof routes[0]; i++) {
        if (!route_matches(routes[i].path, path + 1, &route))
            continue;
        route.endpoint = routes[i].endpoint;
        route.allowed = (routes[i].verbs & BIT(route.verb)) != 0;
        return route;
    }
    route.session[0] = route.template_name[0] = '\0';
    return route;
}

static enum verb route_verb(const char *method, const char *override)
{
    const char *name = strcmp(method, "POST") == 0 && override != NULL ? override : method;

    for (size_t i = 1; i < sizeof route_verbs / sizeof route_verbs[0]; i++) {
        if (strcmp(route_verbs[i], name) == 0)
            return (enum verb)i;
    }
    return VERB_OTHER;
}

static bool route_matches(const char *pattern, const char *path, struct route *route)
{
    route->session[0] = route->template_name[0] = '\0';
    for (;;) {
        size_t wanted = strcspn(pattern, "/"), given = strcspn(path, "/");

        if (strncmp(pattern, "{}", 2) == 0) {
            char *value = route->session[0] == '\0' ? route->session : route->template_name;
            if (given == 0 ||
                !freshet_form_decode(path, given, false, value, sizeof route->session))
                return false;
        } else if (wanted != given || memcmp(pattern, path, given) != 0) {
            return false;
        }
        pattern += wanted;
        path += given;
        if (*pattern == '\0' || *path == '\0')
            return *pattern == *path;
        pattern++;
        path++;
    }
}

const char *freshet_endpoint_name(enum endpoint endpoint)
{
    return route_names[endpoint];
}

bool freshet_endpoint_faulty(enum endpoint endpoint)
{
    return endpoint >= ENDPOINT_ENVIRONMENT && endpoint <= ENDPOINT_ME;
}

bool freshet_endpoint_admin(enum endpoint endpoint)
{
    return endpoint >= ENDPOINT_STATE && endpoint <= ENDPOINT_SESSION;
}
