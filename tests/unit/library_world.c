/*
 * The world of tests/unit/library_world.h.
 */
#include "cmocka_all.h"

#include "library_world.h"

#include <stdio.h>
#include <stdlib.h>

void freshet_world_enter(struct world *world, const struct freshet_client_options *options)
{
    struct freshet_error error;

    if (freshet_open(options, &world->client, &error) != FRESHET_OK) {
        fail_msg("freshet_open: %s", error.message);
    }
}

void freshet_world_open(struct world *world, const struct freshet_client_options *options,
                        const char *const *issuer_options)
{
    *world = (struct world){.client = NULL};
    freshet_issuer_start(&world->issuer, issuer_options);
    freshet_world_enter(world, options);
    world->session = freshet_world_session(world, "first", NULL);
}

struct freshet_session *freshet_world_session(const struct world *world, const char *name,
                                              const char *sid)
{
    const struct freshet_session_options options = {.size = sizeof(options),
                                                    .name = name,
                                                    .url = world->issuer.url,
                                                    .client_token_file = world->issuer.token_file,
                                                    .session = sid};
    struct freshet_session *session = NULL;
    struct freshet_error error;

    if (freshet_session_open(world->client, &options, &session, &error) != FRESHET_OK) {
        fail_msg("freshet_session_open: %s", error.message);
    }
    return session;
}

void freshet_world_close(struct world *world)
{
    freshet_close(world->client);
    freshet_issuer_stop(&world->issuer);
}

json_t *freshet_world_status(const struct world *world)
{
    char *text = NULL;
    json_t *status = NULL;

    assert_int_equal(freshet_status_json(world->client, &text), FRESHET_OK);
    status = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(status);
    return status;
}

static json_int_t world_most_waiting(const json_t *status)
{
    json_int_t most = 0;
    size_t i = 0;
    size_t j = 0;
    const json_t *session = NULL;
    const json_t *token = NULL;

    json_array_foreach(json_object_get(status, "sessions"), i, session)
    {
        json_array_foreach(json_object_get(session, "tokens"), j, token)
        {
            json_int_t waiters = json_integer_value(json_object_get(token, "waiters"));

            most = waiters > most ? waiters : most;
        }
    }
    return most;
}

void freshet_world_await_waiting(const struct world *world, int count)
{
    json_int_t waiting = -1;

    while (waiting != count) {
        json_t *status = freshet_world_status(world);

        waiting = world_most_waiting(status);
        json_decref(status);
    }
}

struct freshet_request freshet_world_template(const char *name)
{
    return (struct freshet_request){.size = sizeof(struct freshet_request), .template_name = name};
}

/* ---- threads ---- */

static void *getter_run(void *argument)
{
    struct getter *getter = argument;
    struct freshet_token *token = NULL;

    getter->status = freshet_get(getter->session, &getter->request, &token, NULL);
    if (token != NULL) {
        snprintf(getter->text, sizeof(getter->text), "%s", freshet_token_text(token));
    }
    freshet_token_unref(token);
    return NULL;
}

void freshet_getters_start(struct getter *getters, size_t count, struct freshet_session *session,
                           const struct freshet_request *request)
{
    for (size_t i = 0; i < count; i++) {
        getters[i] = (struct getter){.session = session, .request = *request};
        assert_int_equal(pthread_create(&getters[i].thread, NULL, getter_run, &getters[i]), 0);
    }
}

void freshet_getters_join(struct getter *getters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(getters[i].thread, NULL), 0);
    }
}

/* ---- answers ---- */

void freshet_answers_take(void *context, enum freshet_status status, struct freshet_token *token,
                          const struct freshet_error *error)
{
    struct answers *answers = context;

    (void)token;
    (void)error;
    pthread_mutex_lock(&answers->lock);
    if (answers->count < ANSWERS_MOST) {
        answers->statuses[answers->count++] = status;
    }
    answers->thread = pthread_self();
    pthread_cond_broadcast(&answers->changed);
    pthread_mutex_unlock(&answers->lock);
}

void freshet_answers_await(struct answers *answers, size_t count)
{
    pthread_mutex_lock(&answers->lock);
    while (answers->count < count) {
        pthread_cond_wait(&answers->changed, &answers->lock);
    }
    pthread_mutex_unlock(&answers->lock);
}

size_t freshet_answers_count(struct answers *answers)
{
    size_t count = 0;

    pthread_mutex_lock(&answers->lock);
    count = answers->count;
    pthread_mutex_unlock(&answers->lock);
    return count;
}
