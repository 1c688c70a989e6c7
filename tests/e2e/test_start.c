/*
 * Starts, with the real issuer: what a session comes up with while the client answers, fails, refuses,
 * hangs or cannot be reached, with and without a token that an earlier client left in the store.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "stage.h"

#define FAILING "[{\"status\": 500, \"count\": -1}]"
#define THROWN  "[{\"drop\": true, \"count\": -1}]"
#define HANGING "[{\"hang\": true, \"count\": -1}]"

static void start_fault(const struct stage *stage, const char *on, const char *rules)
{
    freshet_issuer_fault(&stage->world.issuer, on, rules);
}

/* How often the client was asked for before something was told. */
static size_t start_asked_clients(struct stage *stage, const char *told)
{
    return freshet_stage_heard_before(stage, ASKED("client"), told);
}

/* ---- the client answers ---- */

static void the_clients_token_needs_no_token_request(void **state)
{
    static const char *const story[] = {TOLD("status loading"), COMMITTED("client"),
                                        TOLD("token_updated"), NULL};
    struct stage *stage = *state;
    char text[ISSUER_TEXT_MAX];
    struct got got;

    freshet_stage_issuer(stage, NULL);
    freshet_stage_enter(stage, 0);
    freshet_stage_await(stage, TOLD("status ready"), 1);
    got = freshet_stage_expect(stage, NULL, FRESHET_OK);
    assert_int_equal(freshet_peek(stage->world.session, text, sizeof(text), NULL, NULL),
                     FRESHET_OK);
    assert_string_equal(text, got.text);
    freshet_stage_assert_order(stage, story);
    assert_int_equal(freshet_stage_heard(stage, TOLD("token_updated")), 1);
    assert_int_equal(freshet_stage_asked(stage, "client"), 1);
    assert_int_equal(freshet_stage_heard(stage, ASKED("environment")), 1);
    assert_int_equal(freshet_stage_asked(stage, "tokens"), 0);
}

static void a_lost_environment_holds_up_no_token(void **state)
{
    static const char *const lost[] = {FAILING, THROWN, HANGING, "[{\"status\": 401}]"};
    struct stage *stage = *state;

    freshet_stage_issuer(stage, NULL);
    for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        start_fault(stage, "environment", lost[i]);
        freshet_stage_enter(stage, 0);
        freshet_stage_expect(stage, NULL, FRESHET_OK);
        freshet_stage_expect(stage, "other", FRESHET_OK);
        freshet_stage_await(stage, TOLD("status ready"), 1);
        assert_int_equal(freshet_stage_heard(stage, TOLD("status degraded")), 0);
        freshet_stage_leave(stage);
    }
}

static void a_start_from_memory_reads_the_client_all_the_same(void **state)
{
    struct stage *stage = *state;

    freshet_stage_issuer(stage, NULL);
    freshet_stage_remember(stage);
    freshet_stage_enter(stage, 0);
    freshet_stage_await(stage, TOLD("status ready"), 1);
    freshet_stage_await(stage, COMMITTED("client"), 1);
    freshet_stage_expect(stage, NULL, FRESHET_OK);
    assert_int_equal(freshet_stage_asked(stage, "client"), 2);
    assert_int_equal(freshet_stage_asked(stage, "tokens"), 0);
}

static void a_client_without_a_session_is_signed_out(void **state)
{
    static const char *const nobody[] = {"--signed-out", NULL};
    struct stage *stage = *state;
    char output[1024];
    struct got got;

    freshet_stage_issuer(stage, nobody);
    freshet_stage_enter(stage, 0);
    got = freshet_stage_expect(stage, NULL, FRESHET_SIGNED_OUT);
    assert_non_null(strstr(got.message, "sign in again"));
    freshet_stage_await(stage, TOLD("signed_out"), 1);
    freshet_stage_expect(stage, "other", FRESHET_SIGNED_OUT);
    assert_int_equal(freshet_stage_heard(stage, TOLD("signed_out")), 1);
    assert_int_equal(freshet_stage_heard(stage, TOLD("status signed_out")), 1);
    freshet_stage_leave(stage);
    assert_int_equal(freshet_stage_command(stage, "token", output, sizeof(output)), 4);
    assert_non_null(strstr(output, "signed out"));
    assert_int_equal(freshet_stage_asked(stage, "tokens"), 0);
}

/* ---- the client fails ---- */

/* The one test that waits for the ten seconds after an answer that was none. */
static void a_failing_client_is_read_again_until_it_answers(void **state)
{
    static const char *const story[] = {
        TOLD("status loading"),       COMMITTED("store"),          TOLD("token_updated"),
        TOLD("status degraded"),      ASKED_FOR("tokens", "open"), COMMITTED("issuer"),
        ASKED_FOR("client", "retry"), TOLD("status ready"),        NULL};
    struct stage *stage = *state;

    freshet_stage_issuer(stage, NULL);
    freshet_stage_remember(stage);
    start_fault(stage, "client", "[{\"status\": 500}]");
    freshet_stage_enter(stage, 0);
    freshet_stage_expect(stage, NULL, FRESHET_OK);
    freshet_stage_await(stage, TOLD("status ready"), 1);
    freshet_stage_assert_order(stage, story);
    assert_int_equal(freshet_stage_heard(stage, TOLD("status degraded")), 1);
    assert_int_equal(freshet_stage_heard(stage, ASKED("client")), 2);
    assert_int_equal(freshet_stage_heard(stage, ASKED("tokens")), 1);
}

static void a_remembered_token_serves_while_it_lives(void **state)
{
    struct stage *stage = *state;
    struct freshet_request request = freshet_stage_request(NULL);
    struct got remembered;
    struct got got;
    size_t answers = 0;

    freshet_stage_issuer(stage, NULL);
    remembered = freshet_stage_remember(stage);
    start_fault(stage, "*", FAILING);
    freshet_stage_enter(stage, 0);
    for (int i = 0; i < 20; i++) {
        got = freshet_stage_expect(stage, NULL, FRESHET_OK);
        assert_string_equal(got.text, remembered.text);
        assert_false(got.stale);
    }
    freshet_stage_settings(stage, "{\"clock_ahead_ms\": 120000}");
    answers = freshet_stage_heard(stage, ANSWERED("500"));
    request.timeout_ms = 500;
    request.template_name = "other"; /* its failure tells the issuer's time */
    assert_int_equal(freshet_stage_get(stage, &request).status, FRESHET_TIMEOUT);
    freshet_stage_await(stage, ANSWERED("500"), answers + 1);
    freshet_world_await_waiting(&stage->world, 0);
    request.template_name = NULL;
    assert_int_equal(freshet_stage_get(stage, &request).status, FRESHET_TIMEOUT);
    request.allow_stale = FRESHET_STALE_EXPIRED;
    got = freshet_stage_get(stage, &request);
    assert_int_equal(got.status, FRESHET_OK);
    assert_true(got.stale);
    assert_string_equal(got.text, remembered.text);
}

/* Expired by the issuer's clock, it still says which session this is. */
static void an_expired_memory_names_the_session(void **state)
{
    struct stage *stage = *state;
    struct got remembered;
    struct got got;

    freshet_stage_issuer(stage, NULL);
    remembered = freshet_stage_remember(stage);
    freshet_stage_settings(stage, "{\"clock_ahead_ms\": 120000}");
    start_fault(stage, "client", FAILING);
    freshet_stage_enter(stage, 0);
    freshet_stage_await(stage, TOLD("status degraded"), 1);
    got = freshet_stage_expect(stage, NULL, FRESHET_OK);
    assert_string_not_equal(got.text, remembered.text);
    assert_false(got.stale);
    assert_int_equal(freshet_stage_heard(stage, ASKED("tokens")), 1);
}

/* What a user sees: the command prints the token, though nothing can be had of the issuer. */
static void the_command_serves_what_the_store_remembers(void **state)
{
    struct stage *stage = *state;
    struct got remembered;
    char output[ISSUER_TEXT_MAX];

    freshet_stage_issuer(stage, NULL);
    remembered = freshet_stage_remember(stage);
    start_fault(stage, "*", FAILING);
    assert_int_equal(freshet_stage_command(stage, "token", output, sizeof(output)), 0);
    assert_string_equal(output, remembered.text);
}

/* ---- nothing answers ---- */

/* Seven seconds, then calls are answered; nothing has been refused, and nothing is given up. */
static void a_start_in_which_everything_hangs_serves_what_it_remembers(void **state)
{
    static const char *const story[] = {ASKED_FOR("client", "open"), COMMITTED("store"),
                                        TOLD("status degraded"), ASKED_FOR("tokens", "open"), NULL};
    const struct freshet_request request = freshet_stage_request(NULL);
    struct stage *stage = *state;
    struct getter getters[5];
    struct got remembered;

    freshet_stage_issuer(stage, NULL);
    remembered = freshet_stage_remember(stage);
    start_fault(stage, "*", HANGING);
    freshet_stage_enter(stage, 0);
    freshet_getters_start(getters, 5, stage->world.session, &request);
    freshet_getters_join(getters, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(getters[i].status, FRESHET_OK);
        assert_string_equal(getters[i].text, remembered.text);
    }
    freshet_stage_await(stage, ASKED("tokens"), 1);
    freshet_stage_assert_order(stage, story);
    assert_int_equal(start_asked_clients(stage, TOLD("status degraded")), 1);
    start_fault(stage, "*", "[]");
    freshet_stage_await(stage, TOLD("status ready"), 1);
}

static void a_start_in_which_everything_hangs_ends_without_memory_too(void **state)
{
    struct freshet_request impatient = freshet_stage_request(NULL);
    struct stage *stage = *state;

    freshet_stage_issuer(stage, NULL);
    start_fault(stage, "*", HANGING);
    freshet_stage_enter(stage, 300);
    impatient.timeout_ms = 100;
    assert_int_equal(freshet_stage_get(stage, &impatient).status, FRESHET_TIMEOUT);
    freshet_stage_expect(stage, NULL, FRESHET_NETWORK);
    assert_int_equal(start_asked_clients(stage, TOLD("status degraded")), 4);
    assert_int_equal(freshet_stage_heard(stage, TOLD("signed_out")), 0);
    assert_int_equal(freshet_stage_heard(stage, ASKED("tokens")), 0);
}

static void an_issuer_that_is_not_there_is_asked_four_times(void **state)
{
    static const char *const story[] = {
        ASKED_FOR("client", "open"),  ASKED_FOR("client", "retry"), ASKED_FOR("client", "retry"),
        ASKED_FOR("client", "retry"), COMMITTED("store"),           TOLD("status degraded"),
        ASKED_FOR("tokens", "open"),  ASKED_FOR("client", "retry"), NULL};
    struct stage *stage = *state;
    struct got remembered;

    freshet_stage_issuer(stage, NULL);
    remembered = freshet_stage_remember(stage);
    freshet_stage_close_issuer(stage);
    freshet_stage_enter(stage, 0);
    assert_string_equal(freshet_stage_expect(stage, NULL, FRESHET_OK).text, remembered.text);
    freshet_stage_await(stage, ASKED("client"), 5);
    freshet_stage_assert_order(stage, story);
    assert_int_equal(start_asked_clients(stage, TOLD("status degraded")), 4);
    assert_int_equal(freshet_stage_heard(stage, ASKED("tokens")), 1);
}

static void a_start_without_memory_says_that_nobody_answers(void **state)
{
    struct stage *stage = *state;

    freshet_stage_issuer(stage, NULL);
    freshet_stage_close_issuer(stage);
    freshet_stage_enter(stage, 0);
    freshet_stage_expect(stage, NULL, FRESHET_NETWORK);
    assert_int_equal(start_asked_clients(stage, TOLD("status degraded")), 4);
    assert_int_equal(freshet_stage_heard(stage, ASKED("tokens")), 0);
}

static void a_session_becomes_ready_when_the_issuer_is_back(void **state)
{
    static const char *const story[] = {TOLD("status loading"), TOLD("status degraded"),
                                        ASKED_FOR("client", "retry"), TOLD("status ready"), NULL};
    struct stage *stage = *state;

    freshet_stage_issuer(stage, NULL);
    start_fault(stage, "*", THROWN);
    freshet_stage_enter(stage, 0);
    freshet_stage_expect(stage, NULL, FRESHET_NETWORK);
    freshet_stage_await(stage, TOLD("status degraded"), 1);
    start_fault(stage, "*", "[]");
    freshet_stage_await(stage, TOLD("status ready"), 1);
    freshet_stage_assert_order(stage, story);
    freshet_stage_expect(stage, NULL, FRESHET_OK);
    assert_int_equal(freshet_stage_asked(stage, "tokens"), 0);
}

/* ---- the client refuses ---- */

/* The same answer to a start that remembers nothing, and to one that does. No repeats for either. */
static void start_refused(struct stage *stage, int status, enum freshet_status alone,
                          enum freshet_status remembering)
{
    char rules[64];
    struct got remembered;
    struct got got;

    snprintf(rules, sizeof(rules), "[{\"status\": %d, \"count\": -1}]", status);
    freshet_stage_issuer(stage, NULL);
    start_fault(stage, "client", rules);
    start_fault(stage, "tokens", FAILING);
    freshet_stage_enter(stage, 0);
    freshet_stage_expect(stage, NULL, alone);
    freshet_stage_await(stage, TOLD("status degraded"), 1);
    assert_int_equal(freshet_stage_heard(stage, TOLD("signed_out")), 0);
    freshet_stage_leave(stage);

    start_fault(stage, "client", "[]");
    remembered = freshet_stage_remember(stage);
    start_fault(stage, "client", rules);
    freshet_stage_enter(stage, 0);
    got = freshet_stage_expect(stage, NULL, remembering);
    assert_string_equal(got.text, remembering == FRESHET_OK ? remembered.text : "");
    assert_int_equal(start_asked_clients(stage, TOLD("status degraded")), 1);
    assert_int_equal(freshet_stage_heard(stage, TOLD("signed_out")), 0);
}

static void a_start_that_is_forbidden_is_refused_or_remembers(void **state)
{
    start_refused(*state, 403, FRESHET_REFUSED, FRESHET_OK);
}

static void a_start_that_finds_nothing_is_refused_or_remembers(void **state)
{
    start_refused(*state, 404, FRESHET_REFUSED, FRESHET_OK);
}

static void a_start_that_is_throttled_says_so_or_remembers(void **state)
{
    start_refused(*state, 429, FRESHET_THROTTLED, FRESHET_OK);
}

static void a_start_with_a_refused_credential_is_unauthorized(void **state)
{
    start_refused(*state, 401, FRESHET_UNAUTHORIZED, FRESHET_UNAUTHORIZED);
}

static void a_refused_credential_is_kept_and_accepted_later(void **state)
{
    static const char *const story[] = {TOLD("status degraded"),
                                        ASKED_FOR("client", "unauthenticated"),
                                        TOLD("status ready"), NULL};
    struct stage *stage = *state;

    freshet_stage_issuer(stage, NULL);
    start_fault(stage, "client", "[{\"status\": 401}]");
    freshet_stage_enter(stage, 0);
    freshet_stage_expect(stage, NULL, FRESHET_UNAUTHORIZED);
    freshet_stage_expect(stage, "other", FRESHET_UNAUTHORIZED);
    freshet_stage_await(stage, TOLD("status ready"), 1);
    freshet_stage_assert_order(stage, story);
    assert_int_equal(start_asked_clients(stage, TOLD("status ready")), 2);
    assert_int_equal(freshet_stage_asked(stage, "tokens"), 0);
    freshet_stage_expect(stage, "other", FRESHET_OK);
}

/* ---- a sign-out that could not be told ---- */

static void an_untold_sign_out_is_told_at_the_next_start(void **state)
{
    static const char *const story[] = {
        ASKED_FOR("client", "open"),       TOLD("status signed_out"), TOLD("signed_out"),
        ASKED_FOR("sessions", "sign_out"), ANSWERED("200"),           NULL};
    struct stage *stage = *state;

    freshet_stage_issuer(stage, NULL);
    start_fault(stage, "sessions", "[{\"status\": 503}]");
    freshet_stage_enter(stage, 0);
    freshet_stage_expect(stage, NULL, FRESHET_OK);
    assert_int_equal(freshet_sign_out(stage->world.session, FRESHET_SIGN_OUT_FITTING), FRESHET_OK);
    freshet_stage_await(stage, ANSWERED("503"), 1);
    freshet_stage_leave(stage);

    freshet_stage_enter(stage, 0);
    freshet_stage_expect(stage, NULL, FRESHET_SIGNED_OUT);
    freshet_stage_await(stage, ANSWERED("200"), 3);
    freshet_stage_assert_order(stage, story);
    assert_int_equal(freshet_stage_heard(stage, TOLD("status ready")), 0);
    assert_int_equal(freshet_stage_asked(stage, "tokens"), 0);
}

/* ... and an issuer that is in trouble is told when the client has been read. */
static void an_untold_sign_out_outlasts_a_start_in_an_outage(void **state)
{
    struct stage *stage = *state;

    freshet_stage_issuer(stage, NULL);
    start_fault(stage, "sessions", "[{\"status\": 503}]");
    freshet_stage_enter(stage, 0);
    freshet_stage_expect(stage, NULL, FRESHET_OK);
    assert_int_equal(freshet_sign_out(stage->world.session, FRESHET_SIGN_OUT_ALL), FRESHET_OK);
    freshet_stage_await(stage, ANSWERED("503"), 1);
    freshet_stage_leave(stage);

    start_fault(stage, "*", THROWN);
    freshet_stage_enter(stage, 0);
    freshet_stage_expect(stage, NULL, FRESHET_NETWORK);
    start_fault(stage, "*", "[]");
    freshet_stage_await(stage, TOLD("signed_out"), 1);
    freshet_stage_expect(stage, NULL, FRESHET_SIGNED_OUT);
    freshet_stage_await(stage, ASKED_FOR("sessions", "sign_out"), 1);
    assert_int_equal(freshet_stage_heard(stage, TOLD("status ready")), 0);
    assert_int_equal(freshet_stage_asked(stage, "tokens"), 0);
}

#define START_TEST(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, freshet_stage_set, freshet_stage_strike)

int main(void)
{
    const struct CMUnitTest tests[] = {
        START_TEST(the_clients_token_needs_no_token_request),
        START_TEST(a_lost_environment_holds_up_no_token),
        START_TEST(a_start_from_memory_reads_the_client_all_the_same),
        START_TEST(a_client_without_a_session_is_signed_out),
        START_TEST(a_failing_client_is_read_again_until_it_answers),
        START_TEST(a_remembered_token_serves_while_it_lives),
        START_TEST(an_expired_memory_names_the_session),
        START_TEST(the_command_serves_what_the_store_remembers),
        START_TEST(a_start_in_which_everything_hangs_serves_what_it_remembers),
        START_TEST(a_start_in_which_everything_hangs_ends_without_memory_too),
        START_TEST(an_issuer_that_is_not_there_is_asked_four_times),
        START_TEST(a_start_without_memory_says_that_nobody_answers),
        START_TEST(a_session_becomes_ready_when_the_issuer_is_back),
        START_TEST(a_start_that_is_forbidden_is_refused_or_remembers),
        START_TEST(a_start_that_finds_nothing_is_refused_or_remembers),
        START_TEST(a_start_that_is_throttled_says_so_or_remembers),
        START_TEST(a_start_with_a_refused_credential_is_unauthorized),
        START_TEST(a_refused_credential_is_kept_and_accepted_later),
        START_TEST(an_untold_sign_out_is_told_at_the_next_start),
        START_TEST(an_untold_sign_out_outlasts_a_start_in_an_outage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
