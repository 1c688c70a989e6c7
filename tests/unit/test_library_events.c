/*
 * Several subscribers hear every event, in order; one that has left hears none.
 */
#include "cmocka_all.h"

#include <pthread.h>
#include <string.h>

#include "library_world.h"

struct log {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char heard[64]; /* one letter for each time */
    size_t count;
    int inside; /* a listener is in its callback, and stays until `go` */
    int go;
};

#define LOG_NONE                                                                                   \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER                     \
    }

struct listener {
    struct log *log;
    struct freshet_client *client;
    char letter;
    int leaves; /* at the first event */
    int stays;  /* in the callback, until told to go */
};

static void listener_hears(void *context, const struct freshet_event *event)
{
    struct listener *listener = context;
    struct log *log = listener->log;

    if (event->kind != FRESHET_EVENT_TOKEN_UPDATED) {
        return;
    }
    if (listener->leaves) {
        freshet_unsubscribe(listener->client, listener_hears, listener);
    }
    pthread_mutex_lock(&log->lock);
    if (log->count < sizeof(log->heard) - 1) {
        log->heard[log->count++] = listener->letter;
    }
    log->inside = listener->stays;
    pthread_cond_broadcast(&log->changed);
    while (listener->stays && !log->go) {
        pthread_cond_wait(&log->changed, &log->lock);
    }
    log->inside = 0;
    pthread_mutex_unlock(&log->lock);
}

static void next_token(const struct world *world)
{
    const struct freshet_request request = {.size = sizeof(request), .skip_cache = 1};
    struct freshet_token *token = NULL;

    assert_int_equal(freshet_get(world->session, &request, &token, NULL), FRESHET_OK);
    freshet_token_unref(token);
}

static void all_hear_in_the_order_in_which_they_came(void **state)
{
    struct world world;
    struct log log = LOG_NONE;
    struct listener a = {.log = &log, .letter = 'a'};
    struct listener b = {.log = &log, .letter = 'b'};

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    next_token(&world);
    assert_int_equal(freshet_subscribe(world.client, listener_hears, &a), FRESHET_OK);
    assert_int_equal(freshet_subscribe(world.client, listener_hears, &b), FRESHET_OK);
    assert_int_equal(freshet_subscribe(world.client, listener_hears, &a), FRESHET_OK);
    assert_int_equal(freshet_subscribe(world.client, NULL, NULL), FRESHET_INVALID);
    next_token(&world);
    assert_string_equal(log.heard, "ab");
    freshet_unsubscribe(world.client, listener_hears, &a);
    next_token(&world);
    assert_string_equal(log.heard, "abb");
    freshet_world_close(&world);
}

static void a_subscriber_may_leave_in_its_callback(void **state)
{
    struct world world;
    struct log log = LOG_NONE;
    struct listener a = {.log = &log, .letter = 'a', .leaves = 1};
    struct listener b = {.log = &log, .letter = 'b'};

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    next_token(&world);
    a.client = world.client;
    assert_int_equal(freshet_subscribe(world.client, listener_hears, &a), FRESHET_OK);
    assert_int_equal(freshet_subscribe(world.client, listener_hears, &b), FRESHET_OK);
    next_token(&world);
    next_token(&world);
    assert_string_equal(log.heard, "abb");
    freshet_world_close(&world);
}

struct leaver {
    struct listener *listener;
    int inside_when_left;
};

static void *leaver_run(void *argument)
{
    struct leaver *leaver = argument;
    struct log *log = leaver->listener->log;

    freshet_unsubscribe(leaver->listener->client, listener_hears, leaver->listener);
    pthread_mutex_lock(&log->lock);
    leaver->inside_when_left = log->inside;
    pthread_mutex_unlock(&log->lock);
    return NULL;
}

static void leaving_waits_for_the_callback_that_runs(void **state)
{
    struct world world;
    struct log log = LOG_NONE;
    struct listener a = {.log = &log, .letter = 'a', .stays = 1};
    struct leaver leaver = {.listener = &a, .inside_when_left = -1};
    struct getter getter;
    const struct freshet_request request = {.size = sizeof(request), .skip_cache = 1};
    pthread_t thread;

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    next_token(&world);
    a.client = world.client;
    assert_int_equal(freshet_subscribe(world.client, listener_hears, &a), FRESHET_OK);
    freshet_getters_start(&getter, 1, world.session, &request);
    pthread_mutex_lock(&log.lock);
    while (!log.inside) {
        pthread_cond_wait(&log.changed, &log.lock);
    }
    pthread_mutex_unlock(&log.lock);
    assert_int_equal(pthread_create(&thread, NULL, leaver_run, &leaver), 0);
    pthread_mutex_lock(&log.lock);
    log.go = 1;
    pthread_cond_broadcast(&log.changed);
    pthread_mutex_unlock(&log.lock);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(leaver.inside_when_left, 0);
    freshet_getters_join(&getter, 1);
    freshet_world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_hear_in_the_order_in_which_they_came),
        cmocka_unit_test(a_subscriber_may_leave_in_its_callback),
        cmocka_unit_test(leaving_waits_for_the_callback_that_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
