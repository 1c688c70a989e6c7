/*
 * Answers to token requests, with the real issuer: which of them ask the client, what the client's
 * answer makes of them, and what callers get.
 */
#include "cmocka_all.h"

#include <freshet/sink.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "issuer_log.h"
#include "scene.h"

/* A session that is ready, and its token. */
static struct got verdict_open(struct scene *scene)
{
    freshet_scene_open(scene, CLIENT_ALONE, NULL);
    return freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
}

/* Nobody was signed out, and the token that was held is held. */
static void verdict_session_stands(struct scene *scene, const struct got *held)
{
    assert_string_equal(freshet_scene_expect(scene->world.session, NULL, FRESHET_OK).text,
                        held->text);
    assert_int_equal(freshet_scene_heard(scene, TOLD("signed_out")), 0);
    assert_int_equal(freshet_scene_heard(scene, TOLD("status signed_out")), 0);
}

/* ---- what is no verdict ---- */

static void trouble_is_waited_out_and_asks_no_client(void **state)
{
    static const struct {
        const char *on;
        const char *rules;
    } trouble[] = {{"tokens/t429", ONCE("429")},
                   {"tokens/t500", ONCE("500")},
                   {"tokens/t502", "[{\"status\": 502, \"body\": \"<h1>bad gateway</h1>\"}]"},
                   {"tokens/t503", ONCE("503")},
                   {"tokens/empty", "[{\"empty\": true}]"},
                   {"tokens/nothing", ONCE("204")},
                   {"tokens/null", "[{\"body\": \"{\\\"jwt\\\": null}\"}]"},
                   {"tokens/malformed", "[{\"malformed\": true}]"},
                   {"tokens/page", "[{\"body\": \"<h1>sign in to this network</h1>\"}]"},
                   {"tokens/cut", "[{\"truncate\": true}]"},
                   {"tokens/lost", "[{\"drop\": true}]"}};
    enum { KINDS = sizeof(trouble) / sizeof(trouble[0]) };
    struct scene *scene = *state;
    struct getter getters[KINDS];
    struct got held = verdict_open(scene);

    for (size_t i = 0; i < KINDS; i++) {
        freshet_issuer_fault(&scene->world.issuer, trouble[i].on, trouble[i].rules);
        freshet_getters_start(&getters[i], 1, scene->world.session,
                              REQUEST(.template_name = strchr(trouble[i].on, '/') + 1));
    }
    freshet_getters_join(getters, KINDS);
    for (size_t i = 0; i < KINDS; i++) {
        assert_int_equal(getters[i].status, FRESHET_OK);
    }
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "tokens"), 2 * KINDS);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "client"), 1);
    verdict_session_stands(scene, &held);
}

/* Told at once and with its number; nothing is asked again. */
static void verdict_refused(struct scene *scene, int status, const char *code)
{
    char rules[128];
    struct got held = verdict_open(scene);
    struct got got;

    snprintf(rules, sizeof(rules), "[{\"status\": %d, \"code\": \"%s\", \"count\": -1}]", status,
             code);
    freshet_issuer_fault(&scene->world.issuer, "tokens", rules);
    got = freshet_scene_expect(scene->world.session, REQUEST(.template_name = "other"),
                               FRESHET_REFUSED);
    assert_int_equal(got.http_status, status);
    got = freshet_scene_expect(scene->world.session, REQUEST(.skip_cache = 1), FRESHET_REFUSED);
    assert_int_equal(got.http_status, status);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "tokens"), 2);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "client"), 1);
    verdict_session_stands(scene, &held);
    assert_int_equal(freshet_scene_heard(scene, TOLD("status degraded")), 0);
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
    struct scene *scene = *state;
    struct getter getter;
    struct got held = verdict_open(scene);
    struct request_log log;

    freshet_issuer_fault(&scene->world.issuer, "tokens/first",
                         "[{\"status\": 429, \"retry_after\": 2}]");
    freshet_getters_start(&getter, 1, scene->world.session, REQUEST(.template_name = "first"));
    freshet_scene_await(scene, ANSWERED("429"), 1);
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = "second"), FRESHET_OK);
    freshet_getters_join(&getter, 1);
    assert_int_equal(getter.status, FRESHET_OK);
    verdict_session_stands(scene, &held);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "tokens"), 3);
    freshet_request_log_read(&log, scene->world.issuer.log_file);
    for (size_t i = 0, refused = log.count; i < log.count; i++) {
        refused = log.requests[i].status == 429 ? i : refused;
        if (refused < i) {
            assert_true(log.requests[i].from_ms > log.requests[refused].to_ms + 1900);
        }
    }
    freshet_request_log_free(&log);
}

/* ---- verdicts that the client does not share ---- */

static void verdict_false_alarm(struct scene *scene, const char *rule)
{
    verdict_open(scene);
    freshet_issuer_fault(&scene->world.issuer, "tokens/other", rule);
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = "other"),
                         FRESHET_UNAUTHORIZED);
    assert_int_equal(freshet_scene_heard(scene, ASKED_FOR("client", "unauthenticated")), 1);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "client"), 2);
    assert_int_equal(freshet_scene_heard(scene, TOLD("signed_out")), 0);
    assert_int_equal(freshet_scene_heard(scene, TOLD("status degraded")), 0);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
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
    struct scene *scene = *state;
    struct got held = verdict_open(scene);
    struct got got;

    freshet_issuer_fault(&scene->world.issuer, "tokens", ALWAYS("401"));
    got = freshet_scene_expect(scene->world.session, REQUEST(.skip_cache = 1), FRESHET_OK);
    assert_false(got.stale);
    assert_string_not_equal(got.text, held.text);
    freshet_scene_assert_order(scene, story);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "tokens"), 1);
    verdict_session_stands(scene, &got);
}

/* The client shows the session and brings no token of it. */
static void verdict_without_token(const struct scene *scene)
{
    char rules[512];
    char sids[1][ISSUER_SID_MAX];

    freshet_issuer_sids(&scene->world.issuer, 1, sids);
    snprintf(rules, sizeof(rules),
             "[{\"body\": \"{\\\"response\\\": {\\\"sessions\\\": [{\\\"id\\\": \\\"%s\\\", "
             "\\\"status\\\": \\\"active\\\"}], \\\"last_active_session_id\\\": null}}\"}]",
             sids[0]);
    freshet_issuer_fault(&scene->world.issuer, "tokens", ALWAYS("401"));
    freshet_issuer_fault(&scene->world.issuer, "client", rules);
}

static void a_client_without_a_token_answers_no_waiter(void **state)
{
    struct scene *scene = *state;
    struct got held = verdict_open(scene);

    verdict_without_token(scene);
    freshet_scene_expect(scene->world.session, REQUEST(.skip_cache = 1), FRESHET_UNAUTHORIZED);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "client"), 2);
    verdict_session_stands(scene, &held);
}

/* A token that has rested for a second is asked for more than it has. */
static void a_waiter_gets_the_live_token_it_has(void **state)
{
    struct scene *scene = *state;
    struct got held;
    struct got got = {.stale = 0};

    freshet_scene_open(scene, CLIENT_ALONE, ISSUER("--ttl", "4s"));
    held = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    verdict_without_token(scene);
    while (!got.stale) {
        got = freshet_scene_expect(scene->world.session, REQUEST(.min_remaining_ms = 60000),
                                   FRESHET_OK);
        assert_string_equal(got.text, held.text);
    }
    assert_int_equal(freshet_scene_heard(scene, ASKED_FOR("client", "unauthenticated")), 1);
    assert_int_equal(freshet_scene_heard(scene, TOLD("signed_out")), 0);
}

/* Both keys have their verdict; the client is asked for both together. */
static void two_keys_have_one_recovery(void **state)
{
    static const char *const keys[] = {"one", "two"};
    struct scene *scene = *state;
    struct getter getters[2];

    verdict_open(scene);
    freshet_issuer_fault(&scene->world.issuer, "tokens", ALWAYS("401"));
    freshet_issuer_fault(&scene->world.issuer, "client", "[{\"latency_ms\": 300}]");
    for (int i = 0; i < 2; i++) {
        freshet_getters_start(&getters[i], 1, scene->world.session,
                              REQUEST(.template_name = keys[i]));
    }
    freshet_getters_join(getters, 2);
    assert_int_equal(getters[0].status, FRESHET_UNAUTHORIZED);
    assert_int_equal(getters[1].status, FRESHET_UNAUTHORIZED);
    assert_int_equal(freshet_scene_heard(scene, ASKED_FOR("client", "unauthenticated")), 1);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
}

static void after_a_recovery_everything_works(void **state)
{
    struct scene *scene = *state;
    struct got got;

    freshet_scene_open(scene, CLIENT_ALONE, ISSUER("--organization", "org_a"));
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_issuer_fault(&scene->world.issuer, "tokens", ONCE("401"));
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = "other"),
                         FRESHET_UNAUTHORIZED);
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = "another"), FRESHET_OK);
    got = freshet_scene_expect(scene->world.session, REQUEST(.skip_cache = 1), FRESHET_OK);
    assert_int_equal(freshet_set_organization(scene->world.session, "org_a"), FRESHET_OK);
    freshet_scene_await(scene, "\"event\":\"commit\"*\"organization\":\"org_a\"", 1);
    assert_string_not_equal(freshet_scene_expect(scene->world.session, NULL, FRESHET_OK).text,
                            got.text);
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = "other"), FRESHET_OK);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "client"), 2);
    assert_int_equal(freshet_scene_heard(scene, TOLD("status degraded")), 0);
}

/* ---- the client's answer fails, or ends the session ---- */

/* No verdict of the client's: the caller is told, and the session stays. */
static void verdict_unconfirmed(struct scene *scene, const char *rules, int64_t request_timeout_ms)
{
    struct got held;

    freshet_scene_open(scene, CLIENT(.runtime_dir = "", .request_timeout_ms = request_timeout_ms),
                       NULL);
    held = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_issuer_fault(&scene->world.issuer, "tokens/other", ALWAYS("401"));
    freshet_issuer_fault(&scene->world.issuer, "client", rules);
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = "other"),
                         FRESHET_UNAUTHORIZED);
    verdict_session_stands(scene, &held);
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = "another"), FRESHET_OK);
    assert_int_equal(freshet_scene_heard(scene, ASKED_FOR("client", "unauthenticated")), 1);
}

static void a_client_that_is_unavailable_signs_nobody_out(void **state)
{
    verdict_unconfirmed(*state, ALWAYS("503"), 0);
}

static void a_client_that_is_throttled_signs_nobody_out(void **state)
{
    verdict_unconfirmed(*state, ALWAYS("429"), 0);
}

static void a_client_that_gives_no_answer_signs_nobody_out(void **state)
{
    verdict_unconfirmed(*state, DROPPED, 0);
}

static void a_client_that_hangs_signs_nobody_out(void **state)
{
    verdict_unconfirmed(*state, HANGING, 1000);
}

static void a_client_that_says_nothing_signs_nobody_out(void **state)
{
    verdict_unconfirmed(*state, "[{\"empty\": true, \"count\": -1}]", 0);
}

static void a_refused_credential_is_kept_and_asked_about_rarely(void **state)
{
    struct scene *scene = *state;
    struct got held = verdict_open(scene);

    freshet_issuer_fault(&scene->world.issuer, "tokens", ALWAYS("401"));
    freshet_issuer_fault(&scene->world.issuer, "client", ALWAYS("401"));
    for (int i = 0; i < 21; i++) {
        freshet_scene_expect(scene->world.session, REQUEST(.template_name = "other"),
                             FRESHET_UNAUTHORIZED);
    }
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "tokens"), 1);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "client"), 2);
    freshet_scene_await(scene, TOLD("status degraded"), 1);
    verdict_session_stands(scene, &held);
}

/* This session is over; another handle and the next process ask again, with the credential that was
 * kept. */
static void verdict_stopped(struct scene *scene, const char *rules)
{
    char output[ISSUER_TEXT_MAX];

    verdict_open(scene);
    freshet_issuer_fault(&scene->world.issuer, "tokens", ONCE("401"));
    freshet_issuer_fault(&scene->world.issuer, "client", rules);
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = "other"),
                         FRESHET_SIGNED_OUT);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_SIGNED_OUT);
    assert_int_equal(freshet_scene_heard(scene, TOLD("signed_out")), 1);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "client"), 2);
    freshet_scene_expect(freshet_world_session(&scene->world, "again", NULL), NULL, FRESHET_OK);
    freshet_scene_leave(scene);
    assert_int_equal(freshet_scene_command(scene, "token --template other", output, sizeof(output)),
                     0);
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
}

static void a_client_that_forbids_ends_the_session_for_this_process(void **state)
{
    verdict_stopped(*state, ONCE("403"));
}

static void a_client_that_fails_ends_the_session_for_this_process(void **state)
{
    verdict_stopped(*state, ONCE("500"));
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
    struct scene *scene = *state;
    struct freshet_sink *sink = NULL;
    char file[128];
    char output[1024];
    struct freshet_sink_options options = {.size = sizeof(options), .token_file = file};
    size_t others = verdict_last_tokens();

    verdict_open(scene);
    snprintf(file, sizeof(file), "%s/session", scene->world.issuer.folder);
    assert_int_equal(freshet_sink_open(scene->world.session, &options, &sink, NULL), FRESHET_OK);
    assert_int_equal(access(file, F_OK), 0);
    assert_int_equal(verdict_last_tokens(), others + 1);
    freshet_issuer_settings(&scene->world.issuer, "{\"signed_in\": false}");
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = "other"),
                         FRESHET_SIGNED_OUT);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_SIGNED_OUT);
    freshet_scene_assert_order(scene, story);
    freshet_sink_close(sink);
    assert_int_equal(access(file, F_OK), -1);
    snprintf(file, sizeof(file), "%s/session.lock", scene->world.issuer.folder);
    (void)unlink(file);
    assert_int_equal(freshet_scene_heard(scene, TOLD("signed_out")), 1);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "client"), 2);
    freshet_scene_leave(scene);
    assert_int_equal(verdict_last_tokens(), others);

    /* Nothing is left that a start in an outage could serve. */
    freshet_issuer_fault(&scene->world.issuer, "*", ALWAYS("503"));
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_UPSTREAM);
    freshet_scene_leave(scene);
    freshet_issuer_fault(&scene->world.issuer, "*", "[]");
    assert_int_equal(freshet_scene_command(scene, "token", output, sizeof(output)), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(trouble_is_waited_out_and_asks_no_client),
        SCENE_TEST(a_403_of_another_kind_is_a_refusal),
        SCENE_TEST(a_404_is_a_refusal),
        SCENE_TEST(an_unauthenticated_development_browser_asks_no_client),
        SCENE_TEST(retry_after_holds_for_another_key_too),
        SCENE_TEST(a_422_asks_the_client),
        SCENE_TEST(a_banned_user_asks_the_client),
        SCENE_TEST(a_deactivated_user_asks_the_client),
        SCENE_TEST(a_token_in_the_clients_answer_answers_the_waiter),
        SCENE_TEST(a_client_without_a_token_answers_no_waiter),
        SCENE_TEST(a_waiter_gets_the_live_token_it_has),
        SCENE_TEST(two_keys_have_one_recovery),
        SCENE_TEST(after_a_recovery_everything_works),
        SCENE_TEST(a_client_that_is_unavailable_signs_nobody_out),
        SCENE_TEST(a_client_that_is_throttled_signs_nobody_out),
        SCENE_TEST(a_client_that_gives_no_answer_signs_nobody_out),
        SCENE_TEST(a_client_that_hangs_signs_nobody_out),
        SCENE_TEST(a_client_that_says_nothing_signs_nobody_out),
        SCENE_TEST(a_refused_credential_is_kept_and_asked_about_rarely),
        SCENE_TEST(a_client_that_forbids_ends_the_session_for_this_process),
        SCENE_TEST(a_client_that_fails_ends_the_session_for_this_process),
        SCENE_TEST(a_client_without_the_session_signs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
