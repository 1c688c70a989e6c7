/*
 * What the tests of behaviour play on: an issuer that stays, a relay before it, clients of one user
 * that come and go and leave their memory to the next, and everything that the present one has said.
 *
 * Each event is a line: the session's name, ": ", and the trace's line or what was told. Patterns are
 * those of fnmatch(3) and fit anywhere in a line; lines count since the last mark. A wait of a minute
 * fails the test. The subscription is a standing want of each session's own token, as any is.
 */
#ifndef FRESHET_TESTS_SCENE_H
#define FRESHET_TESTS_SCENE_H

#include <freshet/freshet.h>
#include <pthread.h>
#include <stdbool.h>

#include "library_world.h"
#include "relay.h"

/* Options, written where they are used. A client alone knows at its start what the store holds. */
#define REQUEST(...)                                                                               \
    (&(const struct freshet_request){.size = sizeof(struct freshet_request), __VA_ARGS__})
#define CLIENT(...)                                                                                \
    (&(const struct freshet_client_options){.size = sizeof(struct freshet_client_options),         \
                                            __VA_ARGS__})
#define CLIENT_ALONE CLIENT(.runtime_dir = "")
#define ISSUER(...)  ((const char *const[]){__VA_ARGS__, NULL})

/* What goes wrong with the issuer, for freshet_issuer_fault(). */
#define ONCE(status)   "[{\"status\": " status "}]"
#define ALWAYS(status) "[{\"status\": " status ", \"count\": -1}]"
#define DROPPED        "[{\"drop\": true, \"count\": -1}]"
#define HANGING        "[{\"hang\": true, \"count\": -1}]"

/* What is heard. */
#define TOLD(what)           ": " what
#define ASKED(on)            "\"event\":\"request\"*\"on\":\"" on "\""
#define ASKED_FOR(on, cause) ASKED(on) "*\"cause\":\"" cause "\""
#define ANSWERED(status)     "\"event\":\"response\"*\"status\":" status
#define COMMITTED(from)      "\"event\":\"commit\"*\"from\":\"" from "\""

struct scene {
    struct world world; /* its issuer's address is the relay's */
    struct relay relay;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char **lines;
    size_t count;
    size_t mark;
};

/* What a get gave; of the token what its claims say, "" for what they do not say. */
struct got {
    enum freshet_status status;
    int http_status;
    bool stale;
    int64_t remaining_ms;
    char text[ISSUER_TEXT_MAX];
    char sid[ISSUER_SID_MAX];
    char organization[ISSUER_SID_MAX];
    char template_name[ISSUER_SID_MAX];
    char message[256];
};

/* A test finds an empty scene in its state; it is closed after the test, failed or not. */
#define SCENE_TEST(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, freshet_scene_new, freshet_scene_free)
int freshet_scene_new(void **state);
int freshet_scene_free(void **state);

/* The issuer and the relay; a client and its session "first"; all of them. Options may be NULL. */
void freshet_scene_issuer(struct scene *scene, const char *const *options);
void freshet_scene_enter(struct scene *scene, const struct freshet_client_options *options);
void freshet_scene_open(struct scene *scene, const struct freshet_client_options *options,
                        const char *const *issuer_options);

/* The client goes, and what was heard of it. */
void freshet_scene_leave(struct scene *scene);

/* A client that had a token and has gone. */
struct got freshet_scene_remember(struct scene *scene);

/* Half a minute ends a get that names no time itself. */
struct got freshet_scene_get(struct freshet_session *session,
                             const struct freshet_request *request);
struct got freshet_scene_expect(struct freshet_session *session,
                                const struct freshet_request *request, enum freshet_status status);

/* The token that may be read without waiting; it must be there. */
struct got freshet_scene_peek(struct freshet_session *session);

/* Runs the command `freshet` with the issuer's address and client token: its exit status. */
int freshet_scene_command(const struct scene *scene, const char *arguments, char *output,
                          size_t size);

/* Counts begin here; before that, with the client. */
void freshet_scene_mark(struct scene *scene);

/* How many lines fit; waiting until there are so many. */
size_t freshet_scene_heard(struct scene *scene, const char *pattern);
void freshet_scene_await(struct scene *scene, const char *pattern, size_t count);

/* How many lines of the client's fit before the first that fits `end`, which has been heard. */
size_t freshet_scene_heard_before(struct scene *scene, const char *pattern, const char *end);

/* Lines of the client's that fit have come in this order; NULL ends. */
void freshet_scene_assert_order(struct scene *scene, const char *const *patterns);

/* Waits until so many requests are under way: told of, and neither answered nor given up. What the
 * other answers said has been done then. */
void freshet_scene_await_open(struct scene *scene, size_t count);

/* How old the first session's first token is, as the client's status shows it; -1 without one.
 * Waiting until it is so old. */
int64_t freshet_scene_age(const struct scene *scene);
void freshet_scene_await_age(const struct scene *scene, int64_t age_ms);

#endif
