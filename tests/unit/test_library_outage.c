/*
 * What callers see while the issuer fails, hangs or refuses, and when it comes back. Who waited how
 * long is judged by outcomes and by the issuer's log, not by a clock.
 */
#include "cmocka_all.h"

#include <string.h>

#include "library_world.h"

#define FAILING "[{\"status\": 503, \"count\": -1}]"

static const struct freshet_client_options outage_quick = {.size = sizeof(outage_quick),
                                                           .request_timeout_ms = 300};

static enum freshet_status outage_get(const struct world *world,
                                      const struct freshet_request *request)
{
    struct freshet_token *token = NULL;
    enum freshet_status status = freshet_get(world->session, request, &token, NULL);

    assert_true((token != NULL) == (status == FRESHET_OK));
    freshet_token_unref(token);
    return status;
}

static void a_held_token_is_served_in_an_outage(void **state)
{
    struct freshet_token *token = NULL;
    char text[ISSUER_TEXT_MAX];
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    assert_int_equal(outage_get(&world, NULL), FRESHET_OK);
    freshet_issuer_fault(&world.issuer, "*", FAILING);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(freshet_get(world.session, NULL, &token, NULL), FRESHET_OK);
        assert_int_equal(freshet_peek(world.session, text, sizeof(text), NULL, NULL), FRESHET_OK);
        assert_string_equal(freshet_token_text(token), text);
        assert_false(freshet_token_is_stale(token));
        freshet_token_unref(token);
    }
    assert_int_equal(freshet_issuer_logged(&world.issuer, "\"status\":503"), 0);
    freshet_world_close(&world);
}

static void the_first_get_after_an_outage_has_a_token(void **state)
{
    const struct freshet_request request = freshet_world_template("late");
    struct freshet_request impatient = request;
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    assert_int_equal(outage_get(&world, NULL), FRESHET_OK);
    freshet_issuer_fault(&world.issuer, "*", FAILING);
    impatient.timeout_ms = 1000;
    assert_int_equal(outage_get(&world, &impatient), FRESHET_TIMEOUT);
    freshet_issuer_fault(&world.issuer, "*", "[]");
    assert_int_equal(outage_get(&world, &request), FRESHET_OK);
    freshet_world_close(&world);
}

static void a_start_without_an_answer_is_tried_again(void **state)
{
    static const char *const dropping[] = {"--fault", "client:drop,count=2", NULL};
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, dropping);
    assert_int_equal(outage_get(&world, NULL), FRESHET_OK);
    freshet_world_close(&world);
}

/* Without a session and without a token there is nothing to wait for. */
static void a_start_that_fails_is_told_at_once(void **state)
{
    static const char *const failing[] = {"--fault", "client:status=503,count=-1", NULL};
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, failing);
    assert_int_equal(outage_get(&world, NULL), FRESHET_UPSTREAM);
    freshet_world_close(&world);
}

static void a_call_that_waits_ends_at_its_own_time_out(void **state)
{
    struct freshet_request request = freshet_world_template("never");
    struct freshet_token *token = NULL;
    struct freshet_error error;
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    freshet_issuer_fault(&world.issuer, "tokens/never", "[{\"hang\": true}]");
    request.timeout_ms = 200;
    assert_int_equal(freshet_get(world.session, &request, &token, &error), FRESHET_TIMEOUT);
    assert_null(token);
    assert_int_equal(error.status, FRESHET_TIMEOUT);
    assert_true(strlen(error.message) > 0);
    freshet_world_close(&world);
}

/* The request that hangs is given up at its deadline, and the attempt after it is answered. */
static void a_hanging_request_costs_its_deadline_and_no_more(void **state)
{
    const struct freshet_request request = freshet_world_template("hangs");
    struct world world;

    (void)state;
    freshet_world_open(&world, &outage_quick, NULL);
    freshet_issuer_fault(&world.issuer, "tokens/hangs", "[{\"hang\": true}]");
    assert_int_equal(outage_get(&world, &request), FRESHET_OK);
    assert_int_equal(freshet_issuer_logged(&world.issuer, "\"template\":\"hangs\""), 2);
    freshet_issuer_await_hanging(&world.issuer, 0);
    freshet_world_close(&world);
}

static void a_hanging_start_costs_its_deadline_and_no_more(void **state)
{
    static const char *const hanging[] = {"--fault", "client:hang", NULL};
    struct world world;

    (void)state;
    freshet_world_open(&world, &outage_quick, hanging);
    assert_int_equal(outage_get(&world, NULL), FRESHET_OK);
    freshet_world_close(&world);
}

/* Nobody listens any more: the held token is served, and a new key has no answer. */
static void an_issuer_that_is_gone_takes_no_token_with_it(void **state)
{
    struct freshet_request request = freshet_world_template("other");
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    assert_int_equal(outage_get(&world, NULL), FRESHET_OK);
    freshet_issuer_stop(&world.issuer);
    assert_int_equal(outage_get(&world, NULL), FRESHET_OK);
    request.timeout_ms = 200;
    assert_int_equal(outage_get(&world, &request), FRESHET_TIMEOUT);
    freshet_world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_held_token_is_served_in_an_outage),
        cmocka_unit_test(the_first_get_after_an_outage_has_a_token),
        cmocka_unit_test(a_start_without_an_answer_is_tried_again),
        cmocka_unit_test(a_start_that_fails_is_told_at_once),
        cmocka_unit_test(a_call_that_waits_ends_at_its_own_time_out),
        cmocka_unit_test(a_hanging_request_costs_its_deadline_and_no_more),
        cmocka_unit_test(a_hanging_start_costs_its_deadline_and_no_more),
        cmocka_unit_test(an_issuer_that_is_gone_takes_no_token_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
