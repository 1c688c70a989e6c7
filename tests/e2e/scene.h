/*
 * What the tests of a session's life begin with: an issuer, a relay before it, a client that speaks
 * to the relay, a session, and everything that the client told of itself, for a test to wait for.
 *
 * The subscription is a standing want of each session's own token, as any subscription is.
 */
#ifndef FRESHET_TESTS_SCENE_H
#define FRESHET_TESTS_SCENE_H

#include <freshet/freshet.h>
#include <pthread.h>
#include <stdbool.h>

#include "library_world.h"
#include "relay.h"

#define SCENE_LINE_MAX   640
#define SCENE_LINES_MOST 2048
#define SCENE_NAME_MAX   64

struct scene {
    struct world world;
    struct relay relay;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t line_count;
    char (*lines)[SCENE_LINE_MAX]; /* "NAME: " and a trace line, or an event's kind */
};

/* What a get gave; of the token what its claims say, "" for what they do not say. */
struct got {
    enum freshet_status status;
    bool stale;
    int64_t remaining_ms;
    char text[ISSUER_TEXT_MAX];
    char sid[SCENE_NAME_MAX];
    char organization[SCENE_NAME_MAX];
    char template_name[SCENE_NAME_MAX];
};

/* A test finds a scene in its state and opens it. It is closed after the test, failed or not. */
#define SCENE_TEST(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, freshet_scene_new, freshet_scene_free)
int freshet_scene_new(void **state);
int freshet_scene_free(void **state);

/* Either may be NULL; the issuer's options end with NULL. The session's name is "first". */
void freshet_scene_open(struct scene *scene, const struct freshet_client_options *options,
                        const char *const *issuer_options);

/* The session of this id, or with NULL the last active one, under a name. */
struct freshet_session *freshet_scene_session(const struct scene *scene, const char *name,
                                              const char *sid);

/* Asks the issuer for the ids of its sessions, of which there must be so many. */
void freshet_scene_sids(const struct scene *scene, size_t count, char sids[][SCENE_NAME_MAX]);

/* Marks the end of what was heard so far. */
size_t freshet_scene_mark(struct scene *scene);

/* How many lines since a mark hold a text; waiting for at least one. */
size_t freshet_scene_heard(struct scene *scene, size_t mark, const char *text);
void freshet_scene_await(struct scene *scene, size_t mark, const char *text);

/* Waits until so many requests are under way: told of, and neither answered nor given up. What the
 * other answers said has been done then. */
void freshet_scene_await_open(struct scene *scene, size_t count);

/* How old the first session's first token is, as the client's status shows it; -1 without one.
 * Waiting until it is so old. */
int64_t freshet_scene_age(const struct scene *scene);
void freshet_scene_await_age(const struct scene *scene, int64_t age_ms);

struct got freshet_scene_get(struct freshet_session *session,
                             const struct freshet_request *request);

/* The token that may be read without waiting; it must be there. */
struct got freshet_scene_peek(struct freshet_session *session);

#endif
