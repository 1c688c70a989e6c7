/*
 * What every test of the library begins with: an issuer of its own, a client and a session; threads
 * that get, and answers that come through callbacks.
 *
 * Callbacks and threads only write down what they see, for the test's own thread to judge.
 */
#ifndef FRESHET_TESTS_LIBRARY_WORLD_H
#define FRESHET_TESTS_LIBRARY_WORLD_H

#include <freshet/freshet.h>
#include <jansson.h>
#include <pthread.h>

#include "issuer_process.h"

#define ANSWERS_MOST 64

struct world {
    struct issuer_process issuer;
    struct freshet_client *client;
    struct freshet_session *session;
};

/* Either may be NULL; the issuer's options end with NULL. No request has been answered yet. */
void freshet_world_open(struct world *world, const struct freshet_client_options *options,
                        const char *const *issuer_options);

/* A client alone, once the issuer is there. */
void freshet_world_enter(struct world *world, const struct freshet_client_options *options);

/* One more session of the issuer, that of this id, or with NULL the last active one. */
struct freshet_session *freshet_world_session(const struct world *world, const char *name,
                                              const char *sid);

/* What the client says of itself; for json_decref(). */
json_t *freshet_world_status(const struct world *world);

/* Closes the client, unless the test has (and set it to NULL), and stops the issuer. */
void freshet_world_close(struct world *world);

/* Waits until so many calls for one token wait in the engine. */
void freshet_world_await_waiting(const struct world *world, int count);

/* A request for the token of a template, which no answer brings unasked. */
struct freshet_request freshet_world_template(const char *name);

/* A thread that gets once. */
struct getter {
    pthread_t thread;
    struct freshet_session *session;
    struct freshet_request request;
    enum freshet_status status;
    char text[ISSUER_TEXT_MAX];
};

void freshet_getters_start(struct getter *getters, size_t count, struct freshet_session *session,
                           const struct freshet_request *request);
void freshet_getters_join(struct getter *getters, size_t count);

/* Answers to freshet_get_async(), in the order in which they came. */
struct answers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t count;
    enum freshet_status statuses[ANSWERS_MOST];
    pthread_t thread; /* of the last one */
};

#define ANSWERS_NONE                                                                               \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER                     \
    }

/* A freshet_get_callback; its context is a struct answers. */
void freshet_answers_take(void *context, enum freshet_status status, struct freshet_token *token,
                          const struct freshet_error *error);
void freshet_answers_await(struct answers *answers, size_t count);
size_t freshet_answers_count(struct answers *answers);

#endif
