/*
 * A sign-out that meets trouble is final all the same: for every handle, at the next start, and at the
 * issuer (behaviour rows D2, D23, C14).
 */
#include "cmocka_all.h"

#include <string.h>

#include "scene.h"

static void sign_out(struct scene *scene, enum freshet_sign_out_scope scope)
{
    assert_int_equal(freshet_sign_out(scene->world.session, scope), FRESHET_OK);
}

/* Signs out, and the issuer cannot be told; the client has gone. */
static void sign_out_untold(struct scene *scene, enum freshet_sign_out_scope scope)
{
    freshet_issuer_fault(&scene->world.issuer, "sessions", ONCE("503"));
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    sign_out(scene, scope);
    freshet_scene_await(scene, ANSWERED("503"), 1);
    freshet_scene_leave(scene);
}

static void an_untold_sign_out_is_told_at_the_next_start(void **state)
{
    static const char *const story[] = {
        ASKED_FOR("client", "open"),       TOLD("status signed_out"), TOLD("signed_out"),
        ASKED_FOR("sessions", "sign_out"), ANSWERED("200"),           NULL};
    struct scene *scene = *state;

    freshet_scene_issuer(scene, NULL);
    sign_out_untold(scene, FRESHET_SIGN_OUT_FITTING);
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_SIGNED_OUT);
    freshet_scene_await(scene, ASKED_FOR("sessions", "sign_out"), 1);
    freshet_scene_await_open(scene, 0);
    freshet_scene_assert_order(scene, story);
    assert_int_equal(freshet_scene_heard(scene, TOLD("status ready")), 0);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "tokens"), 0);
}

/* ... and an issuer that is in trouble is told when the client has been read. */
static void an_untold_sign_out_outlasts_a_start_in_an_outage(void **state)
{
    struct scene *scene = *state;

    freshet_scene_issuer(scene, NULL);
    sign_out_untold(scene, FRESHET_SIGN_OUT_ALL);
    freshet_issuer_fault(&scene->world.issuer, "*", DROPPED);
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_NETWORK);
    freshet_issuer_fault(&scene->world.issuer, "*", "[]");
    freshet_scene_await(scene, TOLD("signed_out"), 1);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_SIGNED_OUT);
    freshet_scene_await(scene, ASKED_FOR("sessions", "sign_out"), 1);
    assert_int_equal(freshet_scene_heard(scene, TOLD("status ready")), 0);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "tokens"), 0);
}

/* ... with the scope that was asked for. */
static void an_untold_sign_out_of_all_is_one_of_all(void **state)
{
    struct scene *scene = *state;

    freshet_scene_issuer(scene, ISSUER("--sessions", "2"));
    sign_out_untold(scene, FRESHET_SIGN_OUT_ALL);
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_SIGNED_OUT);
    freshet_scene_await(scene, ASKED_FOR("sessions", "sign_out"), 1);
    freshet_scene_await_open(scene, 0);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "remove"), 0);
}

/* Which session it is comes out when the client has been read; that one is ended. */
static void a_sign_out_while_the_session_loads_is_told(void **state)
{
    struct scene *scene = *state;

    freshet_scene_open(scene, NULL, ISSUER("--latency", "300ms"));
    sign_out(scene, FRESHET_SIGN_OUT_FITTING);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_SIGNED_OUT);
    freshet_relay_await(&scene->relay, "_method=DELETE", 1);
}

/* The client goes before it was known which session it was: whichever the next one finds is over. */
static void a_sign_out_while_the_session_loads_outlasts_the_client(void **state)
{
    struct scene *scene = *state;

    freshet_scene_issuer(scene, NULL);
    freshet_issuer_fault(&scene->world.issuer, "client", HANGING);
    freshet_scene_enter(scene, CLIENT_ALONE);
    sign_out(scene, FRESHET_SIGN_OUT_FITTING);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_SIGNED_OUT);
    freshet_scene_leave(scene);

    freshet_issuer_fault(&scene->world.issuer, "client", "[]");
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_SIGNED_OUT);
    freshet_relay_await(&scene->relay, "_method=DELETE", 1);
}

/* There was no session: whoever signs in later is not the one that was signed out. */
static void a_sign_out_that_finds_no_session_ends_no_later_one(void **state)
{
    struct scene *scene = *state;

    freshet_scene_issuer(scene, ISSUER("--signed-out", "--latency", "300ms"));
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_mark(scene);
    sign_out(scene, FRESHET_SIGN_OUT_FITTING);
    freshet_scene_await(scene, ASKED_FOR("client", "sign_out"), 1);
    freshet_scene_await_open(scene, 0);
    freshet_scene_leave(scene);

    freshet_issuer_settings(&scene->world.issuer, "{\"signed_in\": true}");
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
}

static void another_handle_of_the_session_is_signed_out_too(void **state)
{
    struct freshet_session *other = NULL;
    struct scene *scene = *state;

    freshet_scene_open(scene, CLIENT_ALONE, NULL);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    other = freshet_world_session(&scene->world, "other", NULL);
    freshet_scene_expect(other, NULL, FRESHET_OK);
    sign_out(scene, FRESHET_SIGN_OUT_FITTING);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_SIGNED_OUT);
    freshet_scene_expect(other, NULL, FRESHET_SIGNED_OUT);
}

/* A failing /client has ended the session for this process; the user ends it for good. */
static void a_session_that_is_over_here_may_be_signed_out(void **state)
{
    struct scene *scene = *state;

    freshet_scene_issuer(scene, NULL);
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_issuer_fault(&scene->world.issuer, "tokens", ONCE("401"));
    freshet_issuer_fault(&scene->world.issuer, "client", ONCE("500"));
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = "other"),
                         FRESHET_SIGNED_OUT);
    sign_out(scene, FRESHET_SIGN_OUT_FITTING);
    freshet_relay_await(&scene->relay, "_method=DELETE", 1);
    freshet_scene_leave(scene);

    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_SIGNED_OUT);
}

/* The handle may go while the issuer is being told. */
static void a_session_is_closed_just_after_its_sign_out(void **state)
{
    struct scene *scene = *state;

    freshet_scene_open(scene, CLIENT(.request_timeout_ms = 300), NULL);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_issuer_fault(&scene->world.issuer, "sessions", HANGING);
    sign_out(scene, FRESHET_SIGN_OUT_FITTING);
    freshet_session_close(scene->world.session);
    scene->world.session = freshet_world_session(&scene->world, "again", NULL);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_SIGNED_OUT);
    freshet_scene_await(scene, "\"error\":\"timeout\"", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(an_untold_sign_out_is_told_at_the_next_start),
        SCENE_TEST(an_untold_sign_out_outlasts_a_start_in_an_outage),
        SCENE_TEST(an_untold_sign_out_of_all_is_one_of_all),
        SCENE_TEST(a_sign_out_while_the_session_loads_is_told),
        SCENE_TEST(a_sign_out_while_the_session_loads_outlasts_the_client),
        SCENE_TEST(a_sign_out_that_finds_no_session_ends_no_later_one),
        SCENE_TEST(another_handle_of_the_session_is_signed_out_too),
        SCENE_TEST(a_session_that_is_over_here_may_be_signed_out),
        SCENE_TEST(a_session_is_closed_just_after_its_sign_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
