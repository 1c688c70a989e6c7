/*
 * Answers to token requests, with the real issuer: which of them ask the client, what the client's
 * answer makes of them, and what callers get. (Outcomes that tests/unit/test_library_recovery.c shows
 * already are not repeated.)
 */
#include "cmocka_all.h"

#include <freshet/sink.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "issuer_log.h"
#include "stage.h"

#define VERDICT "[{\"status\": 401, \"count\": -1}]"

static void verdict_fault(const struct stage *stage, const char *on, const char *rules)
{
    freshet_issuer_fault(&stage->world.issuer, on, rules);
}

/* A session that is ready, and its token. */
static struct got verdict_open(struct stage *stage)
{
    freshet_stage_issuer(stage, NULL);
    freshet_stage_enter(stage, 0);
    return freshet_stage_expect(stage, NULL, FRESHET_OK);
}

static struct got verdict_get_anew(const struct stage *stage)
{
    struct freshet_request request = freshet_stage_request(NULL);

    request.skip_cache = 1;
    return freshet_stage_get(stage, &request);
}

/* Nobody was signed out, and the token that was held is held. */
static void verdict_session_stands(struct stage *stage, const struct got *held)
{
    assert_string_equal(freshet_stage_expect(stage, NULL, FRESHET_OK).text, held->text);
    assert_int_equal(freshet_stage_heard(stage, TOLD("signed_out")), 0);
    assert_int_equal(freshet_stage_heard(stage, TOLD("status signed_out")), 0);
}

/* ---- what is no verdict ---- */

static void trouble_is_waited_out_and_asks_no_client(void **state)
{
    static const struct {
        const char *on;
        const char *rules;
    } trouble[] = {{"tokens/t429", "[{\"status\": 429}]"},
                   {"tokens/t500", "[{\"status\": 500}]"},
                   {"tokens/t502", "[{\"status\": 502, \"body\": \"<h1>bad gateway</h1>\"}]"},
                   {"tokens/t503", "[{\"status\": 503}]"},
                   {"tokens/empty", "[{\"empty\": true}]"},
                   {"tokens/nothing", "[{\"status\": 204}]"},
                   {"tokens/null", "[{\"body\": \"{\\\"jwt\\\": null}\"}]"},
                   {"tokens/malformed", "[{\"malformed\": true}]"},
                   {"tokens/page", "[{\"body\": \"<h1>sign in to this network</h1>\"}]"},
                   {"tokens/cut", "[{\"truncate\": true}]"},
                   {"tokens/lost", "[{\"drop\": true}]"}};
    enum { KINDS = sizeof(trouble) / sizeof(trouble[0]) };
    struct stage *stage = *state;
    struct getter getters[KINDS];
    struct got held = verdict_open(stage);

    for (size_t i = 0; i < KINDS; i++) {
        const struct freshet_request request =
            freshet_stage_request(strchr(trouble[i].on, '/') + 1);

        verdict_fault(stage, trouble[i].on, trouble[i].rules);
        freshet_getters_start(&getters[i], 1, stage->world.session, &request);
    }
    freshet_getters_join(getters, KINDS);
    for (size_t i = 0; i < KINDS; i++) {
        assert_int_equal(getters[i].status, FRESHET_OK);
    }
    assert_int_equal(freshet_stage_asked(stage, "tokens"), 2 * KINDS);
    assert_int_equal(freshet_stage_asked(stage, "client"), 1);
    verdict_session_stands(stage, &held);
}

/* Told at once and with its number; nothing is asked again. */
static void verdict_refused(struct stage *stage, int status, const char *code)
{
    char rules[128];
    struct got held = verdict_open(stage);
    struct got got;

    snprintf(rules, sizeof(rules), "[{\"status\": %d, \"code\": \"%s\", \"count\": -1}]", status,
             code);
    verdict_fault(stage, "tokens", rules);
    got = freshet_stage_expect(stage, "other", FRESHET_REFUSED);
    assert_int_equal(got.http_status, status);
    got = verdict_get_anew(stage);
    assert_int_equal(got.status, FRESHET_REFUSED);
    assert_int_equal(got.http_status, status);
    assert_int_equal(freshet_stage_asked(stage, "tokens"), 2);
    assert_int_equal(freshet_stage_asked(stage, "client"), 1);
    verdict_session_stands(stage, &held);
    assert_int_equal(freshet_stage_heard(stage, TOLD("status degraded")), 0);
}

static void a_403_of_another_kind_is_a_refusal(void **state)
{
    verdict_refused(*state, 403, "not_allowed");
}

static void a_404_is_a_refusal(void **state)
{
    verdict_refused(*state, 404, "resource_not_found");
}

static void an_unauthenticated_development_browser_asks_no_client(void **state)
{
    verdict_refused(*state, 401, "dev_browser_unauthenticated");
}

static void retry_after_holds_for_another_key_too(void **state)
{
    struct stage *stage = *state;
    const struct freshet_request request = freshet_stage_request("first");
    struct getter getter;
    struct got held = verdict_open(stage);
    struct request_log log;

    verdict_fault(stage, "tokens/first", "[{\"status\": 429, \"retry_after\": 2}]");
    freshet_getters_start(&getter, 1, stage->world.session, &request);
    freshet_stage_await(stage, ANSWERED("429"), 1);
    freshet_stage_expect(stage, "second", FRESHET_OK);
    freshet_getters_join(&getter, 1);
    assert_int_equal(getter.status, FRESHET_OK);
    verdict_session_stands(stage, &held);
    assert_int_equal(freshet_stage_asked(stage, "tokens"), 3);
    freshet_request_log_read(&log, stage->world.issuer.log_file);
    for (size_t i = 0, refused = log.count; i < log.count; i++) {
        refused = log.requests[i].status == 429 ? i : refused;
        if (refused < i) {
            assert_true(log.requests[i].from_ms > log.requests[refused].to_ms + 1900);
        }
    }
    freshet_request_log_free(&log);
}

/* ---- verdicts that the client does not share ---- */

static void verdict_false_alarm(struct stage *stage, const char *rule)
{
    verdict_open(stage);
    verdict_fault(stage, "tokens/other", rule);
    freshet_stage_expect(stage, "other", FRESHET_UNAUTHORIZED);
    assert_int_equal(freshet_stage_heard(stage, ASKED_FOR("client", "unauthenticated")), 1);
    assert_int_equal(freshet_stage_asked(stage, "client"), 2);
    assert_int_equal(freshet_stage_heard(stage, TOLD("signed_out")), 0);
    assert_int_equal(freshet_stage_heard(stage, TOLD("status degraded")), 0);
    freshet_stage_expect(stage, NULL, FRESHET_OK);
}

static void a_422_asks_the_client(void **state)
{
    verdict_false_alarm(*state, "[{\"status\": 422, \"code\": \"form_param_invalid\"}]");
}

static void a_banned_user_asks_the_client(void **state)
{
    verdict_false_alarm(*state, "[{\"status\": 403, \"code\": \"user_banned\"}]");
}

static void a_deactivated_user_asks_the_client(void **state)
{
    verdict_false_alarm(*state, "[{\"status\": 403, \"code\": \"user_deactivated\"}]");
}

static void a_token_in_the_clients_answer_answers_the_waiter(void **state)
{
    static const char *const story[] = {ASKED_FOR("tokens", "skip_cache"), ANSWERED("401"),
                                        ASKED_FOR("client", "unauthenticated"), COMMITTED("client"),
                                        NULL};
    struct stage *stage = *state;
    struct got held = verdict_open(stage);
    struct got got;

    verdict_fault(stage, "tokens", VERDICT);
    got = verdict_get_anew(stage);
    assert_int_equal(got.status, FRESHET_OK);
    assert_false(got.stale);
    assert_string_not_equal(got.text, held.text);
    freshet_stage_assert_order(stage, story);
    assert_int_equal(freshet_stage_asked(stage, "tokens"), 1);
    verdict_session_stands(stage, &got);
}

/* The client shows the session and brings no token of it. */
static void verdict_without_token(const struct stage *stage)
{
    char rules[512];
    char *json = NULL;
    json_t *status = NULL;
    const char *id = NULL;

    assert_int_equal(freshet_status_json(stage->world.client, &json), FRESHET_OK);
    status = json_loads(json, 0, NULL);
    id = json_string_value(
        json_object_get(json_array_get(json_object_get(status, "sessions"), 0), "session"));
    snprintf(rules, sizeof(rules),
             "[{\"body\": \"{\\\"response\\\": {\\\"sessions\\\": [{\\\"id\\\": \\\"%s\\\", "
             "\\\"status\\\": \\\"active\\\"}], \\\"last_active_session_id\\\": null}}\"}]",
             id);
    verdict_fault(stage, "tokens", VERDICT);
    verdict_fault(stage, "client", rules);
    json_decref(status);
    free(json);
}

static void a_client_without_a_token_answers_no_waiter(void **state)
{
    struct stage *stage = *state;
    struct got held = verdict_open(stage);

    verdict_without_token(stage);
    assert_int_equal(verdict_get_anew(stage).status, FRESHET_UNAUTHORIZED);
    assert_int_equal(freshet_stage_asked(stage, "client"), 2);
    verdict_session_stands(stage, &held);
}

/* A token that has rested for a second is asked for more than it has. */
static void a_waiter_gets_the_live_token_it_has(void **state)
{
    static const char *const short_lives[] = {"--ttl", "4s", NULL};
    struct freshet_request request = freshet_stage_request(NULL);
    struct stage *stage = *state;
    struct got held;
    struct got got = {.stale = 0};

    freshet_stage_issuer(stage, short_lives);
    freshet_stage_enter(stage, 0);
    held = freshet_stage_expect(stage, NULL, FRESHET_OK);
    verdict_without_token(stage);
    request.min_remaining_ms = 60000;
    while (!got.stale) {
        got = freshet_stage_get(stage, &request);
        assert_int_equal(got.status, FRESHET_OK);
        assert_string_equal(got.text, held.text);
    }
    assert_int_equal(freshet_stage_heard(stage, ASKED_FOR("client", "unauthenticated")), 1);
    assert_int_equal(freshet_stage_heard(stage, TOLD("signed_out")), 0);
}

/* Both keys have their verdict; the client is asked for both together. */
static void two_keys_have_one_recovery(void **state)
{
    const struct freshet_request requests[2] = {freshet_stage_request("one"),
                                                freshet_stage_request("two")};
    struct stage *stage = *state;
    struct getter getters[2];

    verdict_open(stage);
    verdict_fault(stage, "tokens", VERDICT);
    verdict_fault(stage, "client", "[{\"latency_ms\": 300}]");
    for (int i = 0; i < 2; i++) {
        freshet_getters_start(&getters[i], 1, stage->world.session, &requests[i]);
    }
    freshet_getters_join(getters, 2);
    assert_int_equal(getters[0].status, FRESHET_UNAUTHORIZED);
    assert_int_equal(getters[1].status, FRESHET_UNAUTHORIZED);
    assert_int_equal(freshet_stage_heard(stage, ASKED_FOR("client", "unauthenticated")), 1);
    freshet_stage_expect(stage, NULL, FRESHET_OK);
}

static void after_a_recovery_everything_works(void **state)
{
    static const char *const organization[] = {"--organization", "org_a", NULL};
    struct stage *stage = *state;
    struct got got;

    freshet_stage_issuer(stage, organization);
    freshet_stage_enter(stage, 0);
    freshet_stage_expect(stage, NULL, FRESHET_OK);
    verdict_fault(stage, "tokens", "[{\"status\": 401}]");
    freshet_stage_expect(stage, "other", FRESHET_UNAUTHORIZED);
    freshet_stage_expect(stage, "another", FRESHET_OK);
    got = verdict_get_anew(stage);
    assert_int_equal(got.status, FRESHET_OK);
    assert_int_equal(freshet_set_organization(stage->world.session, "org_a"), FRESHET_OK);
    freshet_stage_await(stage, "*\"event\":\"commit\"*\"organization\":\"org_a\"*", 1);
    assert_string_not_equal(freshet_stage_expect(stage, NULL, FRESHET_OK).text, got.text);
    freshet_stage_expect(stage, "other", FRESHET_OK);
    assert_int_equal(freshet_stage_asked(stage, "client"), 2);
    assert_int_equal(freshet_stage_heard(stage, TOLD("status degraded")), 0);
}

/* ---- the client's answer fails, or ends the session ---- */

/* No verdict of the client's: the caller is told, and the session stays. */
static void verdict_unconfirmed(struct stage *stage, const char *rules, int64_t request_timeout_ms)
{
    struct got held;

    freshet_stage_issuer(stage, NULL);
    freshet_stage_enter(stage, request_timeout_ms);
    held = freshet_stage_expect(stage, NULL, FRESHET_OK);
    verdict_fault(stage, "tokens/other", VERDICT);
    verdict_fault(stage, "client", rules);
    freshet_stage_expect(stage, "other", FRESHET_UNAUTHORIZED);
    verdict_session_stands(stage, &held);
    freshet_stage_expect(stage, "another", FRESHET_OK);
    assert_int_equal(freshet_stage_heard(stage, ASKED_FOR("client", "unauthenticated")), 1);
}

static void a_client_that_is_unavailable_signs_nobody_out(void **state)
{
    verdict_unconfirmed(*state, "[{\"status\": 503, \"count\": -1}]", 0);
}

static void a_client_that_gives_no_answer_signs_nobody_out(void **state)
{
    verdict_unconfirmed(*state, "[{\"drop\": true, \"count\": -1}]", 0);
}

static void a_client_that_hangs_signs_nobody_out(void **state)
{
    verdict_unconfirmed(*state, "[{\"hang\": true, \"count\": -1}]", 1000);
}

static void a_client_that_says_nothing_signs_nobody_out(void **state)
{
    verdict_unconfirmed(*state, "[{\"empty\": true, \"count\": -1}]", 0);
}

/* The session is over for this process; the next one asks again, with the credential that was kept. */
static void verdict_stopped(struct stage *stage, const char *rules)
{
    char output[ISSUER_TEXT_MAX];

    verdict_open(stage);
    verdict_fault(stage, "tokens", "[{\"status\": 401}]");
    verdict_fault(stage, "client", rules);
    freshet_stage_expect(stage, "other", FRESHET_SIGNED_OUT);
    freshet_stage_expect(stage, NULL, FRESHET_SIGNED_OUT);
    assert_int_equal(freshet_stage_heard(stage, TOLD("signed_out")), 1);
    assert_int_equal(freshet_stage_asked(stage, "client"), 2);
    freshet_stage_leave(stage);
    assert_int_equal(freshet_stage_command(stage, "token --template other", output, sizeof(output)),
                     0);
    freshet_stage_enter(stage, 0);
    freshet_stage_expect(stage, NULL, FRESHET_OK);
}

static void a_client_that_forbids_ends_the_session_for_this_process(void **state)
{
    verdict_stopped(*state, "[{\"status\": 403}]");
}

static void a_client_that_fails_ends_the_session_for_this_process(void **state)
{
    verdict_stopped(*state, "[{\"status\": 500}]");
}

/* How many accounts of the store have a last token. */
static size_t verdict_last_tokens(void)
{
    char pattern[512];
    glob_t found = {.gl_pathc = 0};
    size_t count = 0;
    const char *folder = getenv("FRESHET_STATE_DIR");

    assert_non_null(folder);
    snprintf(pattern, sizeof(pattern), "%s/*.token", folder);
    (void)glob(pattern, 0, NULL, &found);
    count = found.gl_pathc;
    globfree(&found);
    return count;
}

/* Files that hold the token go too. */
static void a_client_without_the_session_signs_out(void **state)
{
    static const char *const story[] = {ANSWERED("401"),    ASKED_FOR("client", "unauthenticated"),
                                        ANSWERED("200"),    TOLD("status signed_out"),
                                        TOLD("signed_out"), NULL};
    struct stage *stage = *state;
    struct freshet_sink *sink = NULL;
    char file[128];
    char output[1024];
    struct freshet_sink_options options = {.size = sizeof(options), .token_file = file};
    size_t others = verdict_last_tokens();

    verdict_open(stage);
    snprintf(file, sizeof(file), "%s/session", stage->world.issuer.folder);
    assert_int_equal(freshet_sink_open(stage->world.session, &options, &sink, NULL), FRESHET_OK);
    assert_int_equal(access(file, F_OK), 0);
    assert_int_equal(verdict_last_tokens(), others + 1);
    freshet_stage_settings(stage, "{\"signed_in\": false}");
    freshet_stage_expect(stage, "other", FRESHET_SIGNED_OUT);
    freshet_stage_expect(stage, NULL, FRESHET_SIGNED_OUT);
    freshet_stage_assert_order(stage, story);
    freshet_sink_close(sink);
    assert_int_equal(access(file, F_OK), -1);
    snprintf(file, sizeof(file), "%s/session.lock", stage->world.issuer.folder);
    (void)unlink(file);
    assert_int_equal(freshet_stage_heard(stage, TOLD("signed_out")), 1);
    assert_int_equal(freshet_stage_asked(stage, "client"), 2);
    freshet_stage_leave(stage);
    assert_int_equal(verdict_last_tokens(), others);

    /* Nothing is left that a start in an outage could serve. */
    verdict_fault(stage, "*", "[{\"status\": 503, \"count\": -1}]");
    freshet_stage_enter(stage, 0);
    freshet_stage_expect(stage, NULL, FRESHET_UPSTREAM);
    freshet_stage_leave(stage);
    verdict_fault(stage, "*", "[]");
    assert_int_equal(freshet_stage_command(stage, "token", output, sizeof(output)), 4);
}

#define VERDICT_TEST(name)                                                                         \
    cmocka_unit_test_setup_teardown(name, freshet_stage_set, freshet_stage_strike)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VERDICT_TEST(trouble_is_waited_out_and_asks_no_client),
        VERDICT_TEST(a_403_of_another_kind_is_a_refusal),
        VERDICT_TEST(a_404_is_a_refusal),
        VERDICT_TEST(an_unauthenticated_development_browser_asks_no_client),
        VERDICT_TEST(retry_after_holds_for_another_key_too),
        VERDICT_TEST(a_422_asks_the_client),
        VERDICT_TEST(a_banned_user_asks_the_client),
        VERDICT_TEST(a_deactivated_user_asks_the_client),
        VERDICT_TEST(a_token_in_the_clients_answer_answers_the_waiter),
        VERDICT_TEST(a_client_without_a_token_answers_no_waiter),
        VERDICT_TEST(a_waiter_gets_the_live_token_it_has),
        VERDICT_TEST(two_keys_have_one_recovery),
        VERDICT_TEST(after_a_recovery_everything_works),
        VERDICT_TEST(a_client_that_is_unavailable_signs_nobody_out),
        VERDICT_TEST(a_client_that_gives_no_answer_signs_nobody_out),
        VERDICT_TEST(a_client_that_hangs_signs_nobody_out),
        VERDICT_TEST(a_client_that_says_nothing_signs_nobody_out),
        VERDICT_TEST(a_client_that_forbids_ends_the_session_for_this_process),
        VERDICT_TEST(a_client_that_fails_ends_the_session_for_this_process),
        VERDICT_TEST(a_client_without_the_session_signs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
