/*
 * The end of clients and sessions while calls wait. That nothing is left behind is what the leak and
 * thread sanitizers look at here.
 */
#include "cmocka_all.h"

#include <dirent.h>
#include <stdlib.h>

#include "library_world.h"

enum { WAITING = 10 };

/* A world in which every request for the template "never" is left without an answer. */
static struct freshet_request close_prepare(struct world *world)
{
    freshet_world_open(world, NULL, NULL);
    freshet_issuer_fault(&world->issuer, "tokens/never", "[{\"hang\": true, \"count\": -1}]");
    return freshet_world_template("never");
}

static void calls_that_wait_end_with_closed(void **state)
{
    struct answers answers = ANSWERS_NONE;
    struct getter getters[WAITING];
    struct world world;
    const struct freshet_request request = close_prepare(&world);

    (void)state;
    freshet_getters_start(getters, WAITING, world.session, &request);
    for (int i = 0; i < WAITING; i++) {
        assert_int_equal(
            freshet_get_async(world.session, &request, freshet_answers_take, &answers, NULL),
            FRESHET_OK);
    }
    freshet_world_await_waiting(&world, 2 * WAITING);
    freshet_close(world.client);
    world.client = NULL;
    freshet_getters_join(getters, WAITING);
    for (int i = 0; i < WAITING; i++) {
        assert_int_equal(getters[i].status, FRESHET_CLOSED);
        assert_int_equal(answers.statuses[i], FRESHET_CLOSED);
    }
    assert_int_equal(freshet_answers_count(&answers), WAITING);
    freshet_world_close(&world);
}

/* Many times, because what could go wrong is a matter of instants. */
static void closing_waits_for_those_that_are_leaving(void **state)
{
    struct world world;
    struct freshet_request request = close_prepare(&world);

    (void)state;
    for (int round = 0; round < 30; round++) {
        struct getter getters[WAITING];
        struct freshet_client *client = NULL;
        const struct freshet_session_options options = {.size = sizeof(options),
                                                        .url = world.issuer.url,
                                                        .client_token_file =
                                                            world.issuer.token_file};
        struct world own = {.client = NULL};

        assert_int_equal(freshet_open(NULL, &client, NULL), FRESHET_OK);
        own.client = client;
        assert_int_equal(freshet_session_open(client, &options, &own.session, NULL), FRESHET_OK);
        freshet_getters_start(getters, WAITING, own.session, &request);
        freshet_world_await_waiting(&own, WAITING);
        freshet_close(client);
        freshet_getters_join(getters, WAITING);
        for (int i = 0; i < WAITING; i++) {
            assert_int_equal(getters[i].status, FRESHET_CLOSED);
        }
    }
    freshet_world_close(&world);
}

static void a_closed_session_ends_its_calls_only(void **state)
{
    struct getter getters[WAITING];
    struct getter others[2];
    struct freshet_token *token = NULL;
    char text[ISSUER_TEXT_MAX];
    struct world world;
    const struct freshet_request request = close_prepare(&world);
    struct freshet_session *other = freshet_world_session(&world, "other", NULL);

    (void)state;
    freshet_getters_start(getters, WAITING, world.session, &request);
    freshet_world_await_waiting(&world, WAITING);
    freshet_getters_start(others, 2, other, &request);
    freshet_session_close(world.session);
    freshet_getters_join(getters, WAITING);
    for (int i = 0; i < WAITING; i++) {
        assert_int_equal(getters[i].status, FRESHET_CLOSED);
    }
    assert_int_equal(freshet_get(world.session, NULL, &token, NULL), FRESHET_CLOSED);
    assert_int_equal(freshet_peek(world.session, text, sizeof(text), NULL, NULL), FRESHET_NONE);
    assert_int_equal(freshet_get(other, NULL, &token, NULL), FRESHET_OK);
    freshet_token_unref(token);
    freshet_close(world.client);
    world.client = NULL;
    freshet_getters_join(others, 2);
    assert_int_equal(others[0].status, FRESHET_CLOSED);
    assert_int_equal(others[1].status, FRESHET_CLOSED);
    freshet_world_close(&world);
}

/* What is put before the end is still done: here a call that can be answered at once. */
static void what_was_asked_before_is_answered_before_the_end(void **state)
{
    struct answers answers = ANSWERS_NONE;
    struct freshet_token *token = NULL;
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    assert_int_equal(freshet_get(world.session, NULL, &token, NULL), FRESHET_OK);
    freshet_token_unref(token);
    for (int i = 0; i < WAITING; i++) {
        assert_int_equal(
            freshet_get_async(world.session, NULL, freshet_answers_take, &answers, NULL),
            FRESHET_OK);
    }
    freshet_close(world.client);
    world.client = NULL;
    assert_int_equal(freshet_answers_count(&answers), WAITING);
    for (int i = 0; i < WAITING; i++) {
        assert_int_equal(answers.statuses[i], FRESHET_OK);
    }
    freshet_world_close(&world);
}

/* ---- inside a callback ---- */

static int close_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;

    assert_non_null(tasks);
    while (readdir(tasks) != NULL) {
        count++;
    }
    closedir(tasks);
    return count;
}

struct closing {
    struct world *world;
    struct answers answers;
    size_t ended_inside; /* calls that had ended before the callback returned */
};

static void close_inside(void *context, enum freshet_status status, struct freshet_token *token,
                         const struct freshet_error *error)
{
    struct closing *closing = context;

    freshet_close(closing->world->client);
    closing->ended_inside = freshet_answers_count(&closing->answers);
    freshet_answers_take(&closing->answers, status, token, error);
}

static void closing_in_a_callback_takes_effect_when_it_returns(void **state)
{
    struct world world;
    struct closing closing = {.world = &world, .answers = ANSWERS_NONE};
    struct getter getters[WAITING];
    const int threads = close_threads();
    const struct freshet_request request = close_prepare(&world);

    (void)state;
    freshet_getters_start(getters, WAITING, world.session, &request);
    assert_int_equal(
        freshet_get_async(world.session, &request, freshet_answers_take, &closing.answers, NULL),
        FRESHET_OK);
    freshet_world_await_waiting(&world, WAITING + 1);
    assert_int_equal(freshet_get_async(world.session, NULL, close_inside, &closing, NULL),
                     FRESHET_OK);
    freshet_getters_join(getters, WAITING);
    freshet_answers_await(&closing.answers, 2);
    for (int i = 0; i < WAITING; i++) {
        assert_int_equal(getters[i].status, FRESHET_CLOSED);
    }
    assert_int_equal(closing.ended_inside, 0);
    assert_int_equal(closing.answers.statuses[0], FRESHET_OK);
    assert_int_equal(closing.answers.statuses[1], FRESHET_CLOSED);
    while (close_threads() > threads) {
        sched_yield();
    }
    world.client = NULL;
    freshet_world_close(&world);
}

static void again(void *context, enum freshet_status status, struct freshet_token *token,
                  const struct freshet_error *error)
{
    struct closing *closing = context;

    if (status == FRESHET_CLOSED) {
        status = freshet_get_async(closing->world->session, NULL, again, closing, NULL);
    }
    freshet_answers_take(&closing->answers, status, token, error);
}

static void nothing_new_is_taken_while_closing(void **state)
{
    struct world world;
    struct closing closing = {.world = &world, .answers = ANSWERS_NONE};
    const struct freshet_request request = close_prepare(&world);

    (void)state;
    assert_int_equal(freshet_get_async(world.session, &request, again, &closing, NULL), FRESHET_OK);
    freshet_world_await_waiting(&world, 1);
    freshet_close(world.client);
    world.client = NULL;
    assert_int_equal(freshet_answers_count(&closing.answers), 1);
    assert_int_equal(closing.answers.statuses[0], FRESHET_CLOSED);
    freshet_world_close(&world);
}

static void clients_open_and_close_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        const struct freshet_client_options options = {.size = sizeof(options), .host_loop = i % 2};
        struct freshet_client *client = NULL;

        assert_int_equal(freshet_open(&options, &client, NULL), FRESHET_OK);
        freshet_close(client);
    }
    freshet_close(NULL);
    freshet_session_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_that_wait_end_with_closed),
        cmocka_unit_test(closing_waits_for_those_that_are_leaving),
        cmocka_unit_test(a_closed_session_ends_its_calls_only),
        cmocka_unit_test(what_was_asked_before_is_answered_before_the_end),
        cmocka_unit_test(closing_in_a_callback_takes_effect_when_it_returns),
        cmocka_unit_test(nothing_new_is_taken_while_closing),
        cmocka_unit_test(clients_open_and_close_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
