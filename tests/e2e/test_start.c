/*
 * Starts, with the real issuer: what a session comes up with while the client answers, hangs, cannot
 * be reached or refuses, the last with a token in the store too. What else such a token makes of a
 * start is in test_start_memory.c.
 */
#include "cmocka_all.h"

#include <string.h>

#include "scene.h"

/* ---- the client answers ---- */

static void the_clients_token_needs_no_token_request(void **state)
{
    static const char *const story[] = {TOLD("status loading"), COMMITTED("client"),
                                        TOLD("token_updated"), NULL};
    struct scene *scene = *state;
    char text[ISSUER_TEXT_MAX];
    struct got got;

    freshet_scene_open(scene, CLIENT_ALONE, NULL);
    freshet_scene_await(scene, TOLD("status ready"), 1);
    got = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    assert_int_equal(freshet_peek(scene->world.session, text, sizeof(text), NULL, NULL),
                     FRESHET_OK);
    assert_string_equal(text, got.text);
    freshet_scene_assert_order(scene, story);
    assert_int_equal(freshet_scene_heard(scene, COMMITTED("client")), 1);
    assert_int_equal(freshet_scene_heard(scene, TOLD("token_updated")), 1);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "client"), 1);
    assert_int_equal(freshet_scene_heard(scene, ASKED("environment")), 1);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "tokens"), 0);
}

static void a_lost_environment_holds_up_no_token(void **state)
{
    static const char *const lost[] = {ALWAYS("500"), DROPPED, HANGING, ONCE("401")};
    struct scene *scene = *state;

    freshet_scene_issuer(scene, NULL);
    for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        freshet_issuer_fault(&scene->world.issuer, "environment", lost[i]);
        freshet_scene_enter(scene, CLIENT_ALONE);
        freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
        freshet_scene_expect(scene->world.session, REQUEST(.template_name = "other"), FRESHET_OK);
        freshet_scene_await(scene, TOLD("status ready"), 1);
        assert_int_equal(freshet_scene_heard(scene, TOLD("status degraded")), 0);
        freshet_scene_leave(scene);
    }
}

static void a_client_without_a_session_is_signed_out(void **state)
{
    struct scene *scene = *state;
    char output[1024];
    struct got got;

    freshet_scene_open(scene, CLIENT_ALONE, ISSUER("--signed-out"));
    got = freshet_scene_expect(scene->world.session, NULL, FRESHET_SIGNED_OUT);
    assert_non_null(strstr(got.message, "sign in again"));
    freshet_scene_await(scene, TOLD("signed_out"), 1);
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = "other"),
                         FRESHET_SIGNED_OUT);
    assert_int_equal(freshet_scene_heard(scene, TOLD("signed_out")), 1);
    assert_int_equal(freshet_scene_heard(scene, TOLD("status signed_out")), 1);
    freshet_scene_leave(scene);
    assert_int_equal(freshet_scene_command(scene, "token", output, sizeof(output)), 4);
    assert_non_null(strstr(output, "signed out"));
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "tokens"), 0);
}

/* ---- nothing answers ---- */

static void a_start_in_which_everything_hangs_ends_without_memory_too(void **state)
{
    struct scene *scene = *state;

    freshet_scene_issuer(scene, NULL);
    freshet_issuer_fault(&scene->world.issuer, "*", HANGING);
    freshet_scene_enter(scene, CLIENT(.runtime_dir = "", .request_timeout_ms = 300));
    freshet_scene_expect(scene->world.session, REQUEST(.timeout_ms = 100), FRESHET_TIMEOUT);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_NETWORK);
    assert_int_equal(freshet_scene_heard_before(scene, ASKED("client"), TOLD("status degraded")),
                     4);
    assert_int_equal(freshet_scene_heard(scene, TOLD("signed_out")), 0);
    assert_int_equal(freshet_scene_heard(scene, ASKED("tokens")), 0);
}

static void a_start_without_memory_says_that_nobody_answers(void **state)
{
    struct scene *scene = *state;

    freshet_scene_issuer(scene, NULL);
    freshet_relay_close(&scene->relay);
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_NETWORK);
    assert_int_equal(freshet_scene_heard_before(scene, ASKED("client"), TOLD("status degraded")),
                     4);
    assert_int_equal(freshet_scene_heard(scene, ASKED("tokens")), 0);
}

static void a_session_becomes_ready_when_the_issuer_is_back(void **state)
{
    static const char *const story[] = {TOLD("status loading"), TOLD("status degraded"),
                                        ASKED_FOR("client", "retry"), TOLD("status ready"), NULL};
    struct scene *scene = *state;

    freshet_scene_issuer(scene, NULL);
    freshet_issuer_fault(&scene->world.issuer, "*", DROPPED);
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_NETWORK);
    freshet_scene_await(scene, TOLD("status degraded"), 1);
    freshet_issuer_fault(&scene->world.issuer, "*", "[]");
    freshet_scene_await(scene, TOLD("status ready"), 1);
    freshet_scene_assert_order(scene, story);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "tokens"), 0);
}

/* ---- the client refuses ---- */

/* The same answer to a start that remembers nothing, and to one that does. No repeats for either. */
static void start_refused(struct scene *scene, const char *rules, enum freshet_status alone,
                          enum freshet_status remembering)
{
    struct got remembered;
    struct got got;

    freshet_scene_issuer(scene, NULL);
    freshet_issuer_fault(&scene->world.issuer, "client", rules);
    freshet_issuer_fault(&scene->world.issuer, "tokens", ALWAYS("500"));
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_expect(scene->world.session, NULL, alone);
    freshet_scene_await(scene, TOLD("status degraded"), 1);
    assert_int_equal(freshet_scene_heard(scene, TOLD("signed_out")), 0);
    freshet_scene_leave(scene);

    freshet_issuer_fault(&scene->world.issuer, "client", "[]");
    remembered = freshet_scene_remember(scene);
    freshet_issuer_fault(&scene->world.issuer, "client", rules);
    freshet_scene_enter(scene, CLIENT_ALONE);
    got = freshet_scene_expect(scene->world.session, NULL, remembering);
    assert_string_equal(got.text, remembering == FRESHET_OK ? remembered.text : "");
    assert_int_equal(freshet_scene_heard_before(scene, ASKED("client"), TOLD("status degraded")),
                     1);
    assert_int_equal(freshet_scene_heard(scene, TOLD("signed_out")), 0);
}

static void a_start_that_is_forbidden_is_refused_or_remembers(void **state)
{
    start_refused(*state, ALWAYS("403"), FRESHET_REFUSED, FRESHET_OK);
}

static void a_start_that_finds_nothing_is_refused_or_remembers(void **state)
{
    start_refused(*state, ALWAYS("404"), FRESHET_REFUSED, FRESHET_OK);
}

static void a_start_that_is_throttled_says_so_or_remembers(void **state)
{
    start_refused(*state, ALWAYS("429"), FRESHET_THROTTLED, FRESHET_OK);
}

static void a_start_with_a_refused_credential_is_unauthorized(void **state)
{
    start_refused(*state, ALWAYS("401"), FRESHET_UNAUTHORIZED, FRESHET_UNAUTHORIZED);
}

static void a_refused_credential_is_kept_and_accepted_later(void **state)
{
    static const char *const story[] = {TOLD("status degraded"),
                                        ASKED_FOR("client", "unauthenticated"),
                                        TOLD("status ready"), NULL};
    struct scene *scene = *state;

    freshet_scene_issuer(scene, NULL);
    freshet_issuer_fault(&scene->world.issuer, "client", ONCE("401"));
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_UNAUTHORIZED);
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = "other"),
                         FRESHET_UNAUTHORIZED);
    freshet_scene_await(scene, TOLD("status ready"), 1);
    freshet_scene_assert_order(scene, story);
    assert_int_equal(freshet_scene_heard_before(scene, ASKED("client"), TOLD("status ready")), 2);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "tokens"), 0);
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = "other"), FRESHET_OK);
}

/* ---- a sign-out that could not be told ---- */

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(the_clients_token_needs_no_token_request),
        SCENE_TEST(a_lost_environment_holds_up_no_token),
        SCENE_TEST(a_client_without_a_session_is_signed_out),
        SCENE_TEST(a_start_in_which_everything_hangs_ends_without_memory_too),
        SCENE_TEST(a_start_without_memory_says_that_nobody_answers),
        SCENE_TEST(a_session_becomes_ready_when_the_issuer_is_back),
        SCENE_TEST(a_start_that_is_forbidden_is_refused_or_remembers),
        SCENE_TEST(a_start_that_finds_nothing_is_refused_or_remembers),
        SCENE_TEST(a_start_that_is_throttled_says_so_or_remembers),
        SCENE_TEST(a_start_with_a_refused_credential_is_unauthorized),
        SCENE_TEST(a_refused_credential_is_kept_and_accepted_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
