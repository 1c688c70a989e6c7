/*
 * The life of a session with a real issuer: how it begins, its organization, coming to the
 * foreground, sessions beside it, and its end (behaviour rows S21, S32, RC7, C1, D1-D3).
 */
#include "cmocka_all.h"

#include "scene.h"

static const char *const life_two[] = {"--sessions", "2", NULL};
static const char *const life_organization[] = {"--organization", "org_a", NULL};

/* ---- the beginning ---- */

static void a_session_is_chosen_by_its_id(void **state)
{
    struct scene *scene = *state;
    char sids[2][ISSUER_SID_MAX];
    struct freshet_session *none = NULL;

    freshet_scene_open(scene, NULL, life_two);
    freshet_issuer_sids(&scene->world.issuer, 2, sids);
    for (size_t i = 0; i < 2; i++) {
        struct got got = freshet_scene_expect(
            freshet_world_session(&scene->world, "chosen", sids[i]), NULL, FRESHET_OK);

        assert_string_equal(got.sid, sids[i]);
    }
    none = freshet_world_session(&scene->world, "none", "sess_none");
    freshet_scene_expect(none, NULL, FRESHET_SIGNED_OUT);
    assert_string_equal(freshet_scene_expect(scene->world.session, NULL, FRESHET_OK).sid, sids[0]);
}

/* Two handles of two sessions, in the order of the ids. */
static struct freshet_session *life_second(struct scene *scene)
{
    char sids[2][ISSUER_SID_MAX];
    struct freshet_session *second = NULL;

    freshet_issuer_sids(&scene->world.issuer, 2, sids);
    assert_string_equal(freshet_scene_expect(scene->world.session, NULL, FRESHET_OK).sid, sids[0]);
    second = freshet_world_session(&scene->world, "second", sids[1]);
    assert_string_equal(freshet_scene_expect(second, NULL, FRESHET_OK).sid, sids[1]);
    return second;
}

static void sessions_in_one_client_have_tokens_of_their_own(void **state)
{
    struct scene *scene = *state;
    struct freshet_session *second = NULL;
    struct freshet_token *token = NULL;
    struct got first, before, after;

    freshet_scene_open(scene, NULL, life_two);
    second = life_second(scene);
    first = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    before = freshet_scene_expect(second, NULL, FRESHET_OK);
    after = freshet_scene_expect(second, REQUEST(.skip_cache = 1), FRESHET_OK);
    assert_string_equal(after.sid, before.sid);
    assert_string_not_equal(after.text, before.text);
    assert_int_equal(freshet_get(second, NULL, &token, NULL), FRESHET_OK);
    freshet_reject(second, token);
    freshet_token_unref(token);
    freshet_scene_await(scene, "\"cause\":\"reject\"", 1);
    assert_string_equal(freshet_scene_expect(scene->world.session, NULL, FRESHET_OK).text,
                        first.text);
}

/* ---- the organization ---- */

/* Without a store a touch need not wait for the answer to a token request. */
static void an_organizations_late_answer_stays_with_its_key(void **state)
{
    struct scene *scene = *state;
    struct getter getter;
    struct got got;

    freshet_scene_open(scene, CLIENT(.state_dir = ""), life_organization);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_relay_hold(&scene->relay, "debug=skip_cache");
    freshet_getters_start(&getter, 1, scene->world.session, REQUEST(.skip_cache = 1));
    freshet_relay_await_held(&scene->relay, 1);
    freshet_scene_mark(scene);
    assert_int_equal(freshet_set_organization(scene->world.session, "org_a"), FRESHET_OK);
    freshet_relay_await(&scene->relay, "active_organization_id=org_a&intent=select_org", 1);
    freshet_scene_await(scene, "token_updated", 1);
    freshet_scene_await_open(scene, 1);
    got = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    assert_string_equal(got.organization, "org_a");
    freshet_scene_mark(scene);
    freshet_relay_release(&scene->relay);
    freshet_getters_join(&getter, 1);
    assert_int_equal(getter.status, FRESHET_OK);
    assert_string_equal(freshet_scene_get(scene->world.session, REQUEST(.organization = "")).text,
                        getter.text);
    assert_string_equal(freshet_scene_peek(scene->world.session).text, got.text);
    assert_int_equal(freshet_scene_heard(scene, "\"event\":\"commit\""), 1);
    assert_int_equal(freshet_scene_heard(scene, "token_updated"), 0);
    assert_int_equal(freshet_relay_count(&scene->relay, "/touch"), 1);
}

static void switching_in_an_outage_keeps_session_and_tokens(void **state)
{
    struct freshet_request other = {.size = sizeof(other), .organization = "org_a"};
    struct scene *scene = *state;
    struct got held;

    freshet_scene_open(scene, NULL, life_organization);
    held = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_scene_await_open(scene, 0);
    freshet_issuer_fault(&scene->world.issuer, "*", ALWAYS("503"));
    assert_int_equal(freshet_set_organization(scene->world.session, "org_a"), FRESHET_OK);
    freshet_scene_await(scene, ANSWERED("503"), 1);
    other.timeout_ms = 200;
    freshet_scene_expect(scene->world.session, &other, FRESHET_TIMEOUT);
    assert_string_equal(freshet_scene_get(scene->world.session, REQUEST(.organization = "")).text,
                        held.text);
    freshet_issuer_fault(&scene->world.issuer, "*", "[]");
    other.timeout_ms = 0;
    assert_string_equal(freshet_scene_get(scene->world.session, &other).organization, "org_a");
    assert_string_equal(freshet_scene_expect(scene->world.session, NULL, FRESHET_OK).organization,
                        "org_a");
    assert_int_equal(freshet_scene_heard(scene, "signed_out"), 0);
}

/* ---- the foreground ---- */

/* Ten times inside five seconds; an answer through the engine shows that it has heard of all. */
static void life_wake_often(const struct scene *scene, const char *template_name)
{
    for (int i = 0; i < 10; i++) {
        freshet_wake(scene->world.client);
    }
    freshet_scene_expect(scene->world.session, REQUEST(.template_name = template_name), FRESHET_OK);
}

static void waking_up_uses_the_token_that_is_there(void **state)
{
    struct scene *scene = *state;
    struct got held;

    freshet_scene_open(scene, NULL, NULL);
    held = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_relay_hold(&scene->relay, "/touch");
    freshet_wake(scene->world.client);
    freshet_relay_await_held(&scene->relay, 1);
    assert_string_equal(freshet_scene_expect(scene->world.session, NULL, FRESHET_OK).text,
                        held.text);
    assert_string_equal(freshet_scene_peek(scene->world.session).text, held.text);
    freshet_scene_mark(scene);
    freshet_relay_release(&scene->relay);
    freshet_scene_await(scene, "token_updated", 1);
    assert_string_not_equal(freshet_scene_expect(scene->world.session, NULL, FRESHET_OK).text,
                            held.text);
    assert_int_equal(freshet_scene_heard(scene, COMMITTED("client")), 1);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 0);
}

static void waking_up_often_touches_once_and_with_its_intent(void **state)
{
    struct scene *scene = *state;

    freshet_scene_open(scene, NULL, NULL);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    life_wake_often(scene, "one");
    life_wake_often(scene, "two");
    freshet_relay_await(&scene->relay, "intent=focus", 1);
    assert_int_equal(freshet_relay_count(&scene->relay, "/touch"), 1);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens?"), 0);
}

/* ---- the end ---- */

static void expect_end(struct scene *scene, enum freshet_sign_out_scope scope, const char *request)
{
    assert_int_equal(freshet_sign_out(scene->world.session, scope), FRESHET_OK);
    freshet_scene_await(scene, "first: signed_out", 1);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_SIGNED_OUT);
    freshet_relay_await(&scene->relay, request, 1);
    freshet_scene_await_open(scene, 0);
    assert_int_equal(freshet_relay_count(&scene->relay, "/end?") +
                         freshet_relay_count(&scene->relay, "/remove?") +
                         freshet_relay_count(&scene->relay, "_method=DELETE"),
                     1);
    assert_int_equal(freshet_scene_heard(scene, "first: signed_out"), 1);
}

static void one_session_of_several_is_removed(void **state)
{
    struct scene *scene = *state;
    struct freshet_session *second = NULL;

    freshet_scene_open(scene, NULL, life_two);
    second = life_second(scene);
    expect_end(scene, FRESHET_SIGN_OUT_FITTING, "/remove?");
    freshet_scene_expect(second, REQUEST(.skip_cache = 1), FRESHET_OK);
    assert_int_equal(freshet_scene_heard(scene, "second: signed_out"), 0);
}

static void a_session_may_end_alone(void **state)
{
    struct scene *scene = *state;
    struct freshet_session *second = NULL;

    freshet_scene_open(scene, NULL, life_two);
    second = life_second(scene);
    expect_end(scene, FRESHET_SIGN_OUT_SESSION, "/end?");
    freshet_scene_expect(second, REQUEST(.skip_cache = 1), FRESHET_OK);
    assert_int_equal(freshet_scene_heard(scene, "second: signed_out"), 0);
}

static void the_only_session_ends_with_all_of_its_client(void **state)
{
    struct scene *scene = *state;

    freshet_scene_open(scene, NULL, NULL);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    expect_end(scene, FRESHET_SIGN_OUT_FITTING, "/client/sessions?");
}

static void signing_out_of_all_ends_every_session(void **state)
{
    struct scene *scene = *state;
    struct freshet_session *second = NULL;

    freshet_scene_open(scene, NULL, life_two);
    second = life_second(scene);
    expect_end(scene, FRESHET_SIGN_OUT_ALL, "/client/sessions?");
    freshet_scene_expect(second, NULL, FRESHET_SIGNED_OUT);
    freshet_scene_expect(second, REQUEST(.skip_cache = 1), FRESHET_SIGNED_OUT);
}

static void expect_nothing_written(struct scene *scene)
{
    char text[ISSUER_TEXT_MAX];

    assert_int_equal(freshet_peek(scene->world.session, text, sizeof(text), NULL, NULL),
                     FRESHET_NONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_SIGNED_OUT);
    assert_int_equal(freshet_scene_heard(scene, "\"event\":\"commit\""), 0);
    assert_int_equal(freshet_scene_heard(scene, "token_updated"), 0);
}

static void a_sign_out_ends_the_calls_under_way(void **state)
{
    struct scene *scene = *state;
    struct getter getter;

    freshet_scene_open(scene, NULL, NULL);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_relay_hold(&scene->relay, "/tokens");
    freshet_getters_start(&getter, 1, scene->world.session, REQUEST(.skip_cache = 1));
    freshet_relay_await_held(&scene->relay, 1);
    freshet_scene_mark(scene);
    assert_int_equal(freshet_sign_out(scene->world.session, FRESHET_SIGN_OUT_FITTING), FRESHET_OK);
    freshet_getters_join(&getter, 1);
    assert_int_equal(getter.status, FRESHET_SIGNED_OUT);
    freshet_relay_release(&scene->relay);
    freshet_relay_await(&scene->relay, "_method=DELETE", 1);
    freshet_scene_await_open(scene, 0);
    expect_nothing_written(scene);
}

/* The touch's answer is still read, for the client token that it may bring: the sign-out is sent
 * with that, and so after it. */
static void a_late_answer_after_a_sign_out_writes_no_token(void **state)
{
    struct scene *scene = *state;

    freshet_scene_open(scene, NULL, NULL);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_relay_hold(&scene->relay, "/touch");
    freshet_wake(scene->world.client);
    freshet_relay_await_held(&scene->relay, 1);
    freshet_scene_mark(scene);
    assert_int_equal(freshet_sign_out(scene->world.session, FRESHET_SIGN_OUT_FITTING), FRESHET_OK);
    freshet_scene_await(scene, "first: signed_out", 1);
    assert_int_equal(freshet_relay_count(&scene->relay, "_method=DELETE"), 0);
    freshet_relay_release(&scene->relay);
    freshet_relay_await(&scene->relay, "_method=DELETE", 1);
    freshet_scene_await_open(scene, 0);
    expect_nothing_written(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_session_is_chosen_by_its_id),
        SCENE_TEST(sessions_in_one_client_have_tokens_of_their_own),
        SCENE_TEST(an_organizations_late_answer_stays_with_its_key),
        SCENE_TEST(switching_in_an_outage_keeps_session_and_tokens),
        SCENE_TEST(waking_up_uses_the_token_that_is_there),
        SCENE_TEST(waking_up_often_touches_once_and_with_its_intent),
        SCENE_TEST(one_session_of_several_is_removed),
        SCENE_TEST(a_session_may_end_alone),
        SCENE_TEST(the_only_session_ends_with_all_of_its_client),
        SCENE_TEST(signing_out_of_all_ends_every_session),
        SCENE_TEST(a_sign_out_ends_the_calls_under_way),
        SCENE_TEST(a_late_answer_after_a_sign_out_writes_no_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
