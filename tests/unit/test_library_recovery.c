/*
 * Verdicts of a real issuer, and what becomes of the session: the library, real HTTP, and the outcomes
 * of /client one by one (behaviour rows S47, C4, C5, D9; the issuer's log says what was asked).
 */
#include "cmocka_all.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "library_world.h"

#define VERDICT "[{\"status\": 401, \"count\": -1}]"

static enum freshet_status recovery_get(const struct world *world, const char *template_name)
{
    const struct freshet_request request = {
        .size = sizeof(request), .template_name = template_name, .timeout_ms = 20000};
    struct freshet_token *token = NULL;
    enum freshet_status status = freshet_get(world->session, &request, &token, NULL);

    freshet_token_unref(token);
    return status;
}

/* A session that is ready, and an issuer that accepts its tokens' requests no more. */
static void recovery_open(struct world *world, const char *client_rules)
{
    freshet_world_open(world, NULL, NULL);
    assert_int_equal(recovery_get(world, NULL), FRESHET_OK);
    freshet_issuer_fault(&world->issuer, "tokens", VERDICT);
    freshet_issuer_fault(&world->issuer, "client", client_rules);
}

static bool recovery_status_is(const struct world *world, const char *status)
{
    char *json = NULL;
    bool found = false;

    assert_int_equal(freshet_status_json(world->client, &json), FRESHET_OK);
    found = strstr(json, status) != NULL;
    free(json);
    return found;
}

static void a_false_alarm_keeps_the_session(void **state)
{
    struct world world;

    (void)state;
    recovery_open(&world, "[]");
    assert_int_equal(recovery_get(&world, "other"), FRESHET_UNAUTHORIZED);
    assert_int_equal(freshet_issuer_requests(&world.issuer, "client"), 2);
    assert_int_equal(recovery_get(&world, NULL), FRESHET_OK);
    freshet_issuer_fault(&world.issuer, "tokens", "[]");
    assert_int_equal(recovery_get(&world, "other"), FRESHET_OK);
    freshet_world_close(&world);
}

static void a_refused_credential_is_kept_and_asked_about_rarely(void **state)
{
    struct world world;

    (void)state;
    recovery_open(&world, VERDICT);
    assert_int_equal(recovery_get(&world, "other"), FRESHET_UNAUTHORIZED);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(recovery_get(&world, "other"), FRESHET_UNAUTHORIZED);
    }
    assert_int_equal(freshet_issuer_requests(&world.issuer, "tokens"), 1);
    assert_int_equal(freshet_issuer_requests(&world.issuer, "client"), 2);
    assert_true(recovery_status_is(&world, "\"degraded\""));
    assert_int_equal(recovery_get(&world, NULL), FRESHET_OK);
    freshet_world_close(&world);
}

static void a_client_that_fails_ends_the_session_here_only(void **state)
{
    struct world world;
    struct freshet_session *again = NULL;
    struct freshet_token *token = NULL;

    (void)state;
    recovery_open(&world, "[{\"status\": 500, \"count\": 1}]");
    assert_int_equal(recovery_get(&world, "other"), FRESHET_SIGNED_OUT);
    assert_int_equal(recovery_get(&world, NULL), FRESHET_SIGNED_OUT);
    again = freshet_world_session(&world, "again");
    assert_int_equal(freshet_get(again, NULL, &token, NULL), FRESHET_OK);
    freshet_token_unref(token);
    freshet_world_close(&world);
}

static void trouble_at_the_client_signs_nobody_out(void **state)
{
    struct world world;

    (void)state;
    recovery_open(&world, "[{\"status\": 429, \"count\": 1}]");
    assert_int_equal(recovery_get(&world, "other"), FRESHET_UNAUTHORIZED);
    assert_int_equal(recovery_get(&world, NULL), FRESHET_OK);
    freshet_world_close(&world);
}

static void a_missing_expired_token_is_shown_once(void **state)
{
    const struct freshet_request anew = {.size = sizeof(anew), .skip_cache = 1};
    struct freshet_token *token = NULL;
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    assert_int_equal(recovery_get(&world, NULL), FRESHET_OK);
    freshet_issuer_fault(&world.issuer, "tokens",
                         "[{\"status\": 422, \"code\": \"missing_expired_token\", \"count\": 1}]");
    assert_int_equal(freshet_get(world.session, &anew, &token, NULL), FRESHET_OK);
    freshet_token_unref(token);
    assert_int_equal(freshet_issuer_requests(&world.issuer, "tokens"), 2);
    assert_int_equal(freshet_issuer_requests(&world.issuer, "client"), 1);
    freshet_world_close(&world);
}

static void waking_up_touches_once_in_five_seconds(void **state)
{
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    assert_int_equal(recovery_get(&world, NULL), FRESHET_OK);
    for (int i = 0; i < 10; i++) {
        freshet_wake(world.client);
    }
    assert_int_equal(recovery_get(&world, "after"), FRESHET_OK);
    assert_true(freshet_issuer_requests(&world.issuer, "touch") <= 1);
    freshet_world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_false_alarm_keeps_the_session),
        cmocka_unit_test(a_refused_credential_is_kept_and_asked_about_rarely),
        cmocka_unit_test(a_client_that_fails_ends_the_session_here_only),
        cmocka_unit_test(trouble_at_the_client_signs_nobody_out),
        cmocka_unit_test(a_missing_expired_token_is_shown_once),
        cmocka_unit_test(waking_up_touches_once_in_five_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
