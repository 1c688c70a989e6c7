/*
 * Answers through callbacks: exactly once, never inside the call that asked, and what a callback may
 * call back.
 */
#include "cmocka_all.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "library_world.h"

static void answered_exactly_once_and_on_freshets_thread(void **state)
{
    const struct freshet_request request = freshet_world_template("one");
    struct answers answers = ANSWERS_NONE;
    freshet_ticket first = 0;
    freshet_ticket second = 0;
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    assert_int_equal(
        freshet_get_async(world.session, &request, freshet_answers_take, &answers, &first),
        FRESHET_OK);
    assert_int_equal(
        freshet_get_async(world.session, &request, freshet_answers_take, &answers, &second),
        FRESHET_OK);
    assert_true(first != second);
    freshet_answers_await(&answers, 2);
    assert_false(pthread_equal(answers.thread, pthread_self()));
    freshet_world_close(&world);
    assert_int_equal(freshet_answers_count(&answers), 2);
    assert_int_equal(answers.statuses[0], FRESHET_OK);
    assert_int_equal(answers.statuses[1], FRESHET_OK);
}

static void a_cancelled_call_ends_once_and_its_request_goes_on(void **state)
{
    const struct freshet_request request = freshet_world_template("slow");
    struct answers answers = ANSWERS_NONE;
    struct freshet_token *token = NULL;
    freshet_ticket ticket = 0;
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    freshet_issuer_fault(&world.issuer, "tokens/slow", "[{\"latency_ms\": 300}]");
    assert_int_equal(
        freshet_get_async(world.session, &request, freshet_answers_take, &answers, &ticket),
        FRESHET_OK);
    freshet_cancel(world.session, ticket);
    freshet_cancel(world.session, ticket);
    freshet_answers_await(&answers, 1);
    assert_int_equal(freshet_get(world.session, &request, &token, NULL), FRESHET_OK);
    freshet_token_unref(token);
    assert_int_equal(freshet_issuer_logged(&world.issuer, "\"template\":\"slow\""), 1);
    freshet_world_close(&world);
    assert_int_equal(freshet_answers_count(&answers), 1);
    assert_int_equal(answers.statuses[0], FRESHET_CANCELLED);
}

static void cancelling_after_the_answer_does_nothing(void **state)
{
    struct answers answers = ANSWERS_NONE;
    freshet_ticket ticket = 0;
    struct freshet_token *token = NULL;
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    assert_int_equal(
        freshet_get_async(world.session, NULL, freshet_answers_take, &answers, &ticket),
        FRESHET_OK);
    freshet_answers_await(&answers, 1);
    freshet_cancel(world.session, ticket);
    freshet_cancel(world.session, ticket + 1000);
    assert_int_equal(freshet_get(world.session, NULL, &token, NULL), FRESHET_OK);
    freshet_token_unref(token);
    freshet_world_close(&world);
    assert_int_equal(freshet_answers_count(&answers), 1);
    assert_int_equal(answers.statuses[0], FRESHET_OK);
}

/* What one callback saw when it called back. */
struct inside {
    struct world *world;
    struct answers answers; /* to its own call and to the one made inside */
    enum freshet_status held;
    enum freshet_status missing;
    enum freshet_status opening;
    enum freshet_status subscribing;
    enum freshet_status status;
    size_t answered_inside; /* calls answered before the callback had returned */
    struct freshet_token *kept;
    _Atomic int events;
};

static void inside_event(void *context, const struct freshet_event *event)
{
    struct inside *inside = context;

    (void)event;
    inside->events++;
}

static void inside_callback(void *context, enum freshet_status status, struct freshet_token *token,
                            const struct freshet_error *error)
{
    struct inside *inside = context;
    struct world *world = inside->world;
    const struct freshet_session_options options = {.size = sizeof(options),
                                                    .url = world->issuer.url,
                                                    .client_token = world->issuer.client_token};
    const struct freshet_request missing = freshet_world_template("missing");
    struct freshet_session *session = NULL;
    struct freshet_token *another = NULL;
    char *json = NULL;

    inside->kept = token != NULL ? freshet_token_ref(token) : NULL;
    inside->held = freshet_get(world->session, NULL, &another, NULL);
    freshet_token_unref(another);
    inside->missing = freshet_get(world->session, &missing, &another, NULL);
    inside->opening = freshet_session_open(world->client, &options, &session, NULL);
    inside->subscribing = freshet_subscribe(world->client, inside_event, inside);
    inside->status = freshet_status_json(world->client, &json);
    free(json);
    if (freshet_get_async(world->session, NULL, freshet_answers_take, &inside->answers, NULL) !=
        FRESHET_OK) {
        inside->missing = FRESHET_INVALID;
    }
    inside->answered_inside = freshet_answers_count(&inside->answers);
    freshet_answers_take(&inside->answers, status, token, error);
}

static void a_callback_may_call_back_but_not_wait(void **state)
{
    struct world world;
    struct inside inside = {.world = &world, .answers = ANSWERS_NONE};
    struct freshet_token *token = NULL;
    const struct freshet_request fresh = {.size = sizeof(fresh), .skip_cache = 1};

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    assert_int_equal(freshet_get(world.session, NULL, &token, NULL), FRESHET_OK);
    freshet_token_unref(token);
    assert_int_equal(freshet_get_async(world.session, NULL, inside_callback, &inside, NULL),
                     FRESHET_OK);
    freshet_answers_await(&inside.answers, 2);
    assert_int_equal(inside.held, FRESHET_OK);
    assert_int_equal(inside.missing, FRESHET_WOULD_BLOCK);
    assert_int_equal(inside.opening, FRESHET_WOULD_BLOCK);
    assert_int_equal(inside.subscribing, FRESHET_OK);
    assert_int_equal(inside.status, FRESHET_OK);
    assert_int_equal(inside.answered_inside, 0);
    assert_int_equal(inside.answers.statuses[1], FRESHET_OK);
    assert_int_equal(freshet_get(world.session, &fresh, &token, NULL), FRESHET_OK);
    freshet_token_unref(token);
    freshet_world_close(&world);
    assert_true(inside.events > 0);
    assert_int_equal(strlen(freshet_token_text(inside.kept)), freshet_token_length(inside.kept));
    freshet_token_unref(inside.kept);
}

/* A program that asks again in every answer does not keep the rest from being done. */
struct chain {
    struct freshet_session *session;
    struct answers answers;
    _Atomic bool enough;
};

static void chain_link(void *context, enum freshet_status status, struct freshet_token *token,
                       const struct freshet_error *error)
{
    struct chain *chain = context;

    if (!chain->enough &&
        freshet_get_async(chain->session, NULL, chain_link, chain, NULL) == FRESHET_OK) {
        return;
    }
    freshet_answers_take(&chain->answers, status, token, error);
}

static void callbacks_that_ask_again_starve_nobody(void **state)
{
    struct chain chain = {.answers = ANSWERS_NONE};
    const struct freshet_request other = freshet_world_template("other");
    struct freshet_token *token = NULL;
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    chain.session = world.session;
    assert_int_equal(freshet_get_async(world.session, NULL, chain_link, &chain, NULL), FRESHET_OK);
    assert_int_equal(freshet_get(world.session, &other, &token, NULL), FRESHET_OK);
    freshet_token_unref(token);
    chain.enough = true;
    freshet_answers_await(&chain.answers, 1);
    freshet_world_close(&world);
}

static void calls_that_are_not_valid_are_never_answered(void **state)
{
    struct answers answers = ANSWERS_NONE;
    const struct freshet_request negative = {.size = sizeof(negative), .timeout_ms = -1};
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    assert_int_equal(freshet_get_async(world.session, NULL, NULL, NULL, NULL), FRESHET_INVALID);
    assert_int_equal(
        freshet_get_async(world.session, &negative, freshet_answers_take, &answers, NULL),
        FRESHET_INVALID);
    freshet_world_close(&world);
    assert_int_equal(freshet_answers_count(&answers), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered_exactly_once_and_on_freshets_thread),
        cmocka_unit_test(a_cancelled_call_ends_once_and_its_request_goes_on),
        cmocka_unit_test(cancelling_after_the_answer_does_nothing),
        cmocka_unit_test(a_callback_may_call_back_but_not_wait),
        cmocka_unit_test(callbacks_that_ask_again_starve_nobody),
        cmocka_unit_test(calls_that_are_not_valid_are_never_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
