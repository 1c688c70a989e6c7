/*
 * The life of a session with a real issuer: how it begins, its organization, coming to the
 * foreground, sessions beside it, and its end (behaviour rows S21, S32, RC7, C1, D1-D3).
 */
#include "cmocka_all.h"

#include <string.h>

#include "scene.h"

static const char *const life_two[] = {"--sessions", "2", NULL};
static const char *const life_organization[] = {"--organization", "org_a", NULL};

static struct got life_get(struct freshet_session *session)
{
    struct got got = freshet_scene_get(session, NULL);

    assert_int_equal(got.status, FRESHET_OK);
    return got;
}

static struct freshet_request life_anew(void)
{
    return (struct freshet_request){.size = sizeof(struct freshet_request), .skip_cache = 1};
}

static struct freshet_request life_for(const char *organization)
{
    return (struct freshet_request){.size = sizeof(struct freshet_request),
                                    .organization = organization};
}

/* ---- the beginning ---- */

static void the_client_brings_the_first_token(void **state)
{
    struct scene *scene = *state;

    freshet_scene_open(scene, NULL, NULL);
    (void)life_get(scene->world.session);
    freshet_scene_await_open(scene, 0);
    assert_int_equal(freshet_relay_count(&scene->relay, "/client?"), 1);
    assert_int_equal(freshet_relay_count(&scene->relay, "/environment?"), 1);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 0);
    assert_int_equal(freshet_scene_heard(scene, 0, "\"from\":\"client\""), 1);
}

static void a_missing_environment_blocks_no_token(void **state)
{
    static const char *const hanging[] = {"--fault", "environment:hang,count=-1", NULL};
    struct scene *scene = *state;

    freshet_scene_open(scene, NULL, hanging);
    (void)life_get(scene->world.session);
    freshet_issuer_await_hanging(&scene->world.issuer, 1);
}

static void a_session_is_chosen_by_its_id(void **state)
{
    struct scene *scene = *state;
    char sids[2][SCENE_NAME_MAX];
    struct freshet_session *none = NULL;

    freshet_scene_open(scene, NULL, life_two);
    freshet_scene_sids(scene, 2, sids);
    for (size_t i = 0; i < 2; i++) {
        struct got got = life_get(freshet_scene_session(scene, "chosen", sids[i]));

        assert_string_equal(got.sid, sids[i]);
    }
    none = freshet_scene_session(scene, "none", "sess_none");
    assert_int_equal(freshet_scene_get(none, NULL).status, FRESHET_SIGNED_OUT);
    assert_string_equal(life_get(scene->world.session).sid, sids[0]);
}

/* Two handles of two sessions, in the order of the ids. */
static struct freshet_session *life_second(struct scene *scene)
{
    char sids[2][SCENE_NAME_MAX];
    struct freshet_session *second = NULL;

    freshet_scene_sids(scene, 2, sids);
    assert_string_equal(life_get(scene->world.session).sid, sids[0]);
    second = freshet_scene_session(scene, "second", sids[1]);
    assert_string_equal(life_get(second).sid, sids[1]);
    return second;
}

static void sessions_in_one_client_have_tokens_of_their_own(void **state)
{
    const struct freshet_request anew = life_anew();
    struct scene *scene = *state;
    struct freshet_session *second = NULL;
    struct freshet_token *token = NULL;
    struct got first, before, after;

    freshet_scene_open(scene, NULL, life_two);
    second = life_second(scene);
    first = life_get(scene->world.session);
    before = life_get(second);
    after = freshet_scene_get(second, &anew);
    assert_int_equal(after.status, FRESHET_OK);
    assert_string_equal(after.sid, before.sid);
    assert_string_not_equal(after.text, before.text);
    assert_int_equal(freshet_get(second, NULL, &token, NULL), FRESHET_OK);
    freshet_reject(second, token);
    freshet_token_unref(token);
    freshet_scene_await(scene, 0, "\"cause\":\"reject\"");
    assert_string_equal(life_get(scene->world.session).text, first.text);
}

/* ---- the organization ---- */

/* Without a store a touch need not wait for the answer to a token request. */
static void an_organizations_late_answer_stays_with_its_key(void **state)
{
    static const struct freshet_client_options storeless = {.size = sizeof(storeless),
                                                            .state_dir = ""};
    const struct freshet_request anew = life_anew();
    const struct freshet_request personal = life_for("");
    struct scene *scene = *state;
    struct getter getter;
    struct got got;
    size_t mark = 0;

    freshet_scene_open(scene, &storeless, life_organization);
    (void)life_get(scene->world.session);
    freshet_relay_hold(&scene->relay, "debug=skip_cache");
    freshet_getters_start(&getter, 1, scene->world.session, &anew);
    freshet_relay_await_held(&scene->relay, 1);
    mark = freshet_scene_mark(scene);
    assert_int_equal(freshet_set_organization(scene->world.session, "org_a"), FRESHET_OK);
    freshet_relay_await(&scene->relay, "active_organization_id=org_a&intent=select_org", 1);
    freshet_scene_await(scene, mark, "token_updated");
    freshet_scene_await_open(scene, 1);
    got = life_get(scene->world.session);
    assert_string_equal(got.organization, "org_a");
    mark = freshet_scene_mark(scene);
    freshet_relay_release(&scene->relay);
    freshet_getters_join(&getter, 1);
    assert_int_equal(getter.status, FRESHET_OK);
    assert_string_equal(freshet_scene_get(scene->world.session, &personal).text, getter.text);
    assert_string_equal(freshet_scene_peek(scene->world.session).text, got.text);
    assert_int_equal(freshet_scene_heard(scene, mark, "\"event\":\"commit\""), 1);
    assert_int_equal(freshet_scene_heard(scene, mark, "token_updated"), 0);
    assert_int_equal(freshet_relay_count(&scene->relay, "/touch"), 1);
}

static void switching_in_an_outage_keeps_session_and_tokens(void **state)
{
    const struct freshet_request personal = life_for("");
    struct freshet_request other = life_for("org_a");
    struct scene *scene = *state;
    struct got held;

    freshet_scene_open(scene, NULL, life_organization);
    held = life_get(scene->world.session);
    freshet_scene_await_open(scene, 0);
    freshet_issuer_fault(&scene->world.issuer, "*", "[{\"status\": 503, \"count\": -1}]");
    assert_int_equal(freshet_set_organization(scene->world.session, "org_a"), FRESHET_OK);
    freshet_scene_await(scene, 0, "\"status\":503");
    other.timeout_ms = 200;
    assert_int_equal(freshet_scene_get(scene->world.session, &other).status, FRESHET_TIMEOUT);
    assert_string_equal(freshet_scene_get(scene->world.session, &personal).text, held.text);
    freshet_issuer_fault(&scene->world.issuer, "*", "[]");
    other.timeout_ms = 0;
    assert_string_equal(freshet_scene_get(scene->world.session, &other).organization, "org_a");
    assert_string_equal(life_get(scene->world.session).organization, "org_a");
    assert_int_equal(freshet_scene_heard(scene, 0, "signed_out"), 0);
}

/* ---- the foreground ---- */

/* Ten times inside five seconds; an answer through the engine shows that it has heard of all. */
static void life_wake_often(const struct scene *scene, const char *template_name)
{
    const struct freshet_request after = freshet_world_template(template_name);

    for (int i = 0; i < 10; i++) {
        freshet_wake(scene->world.client);
    }
    assert_int_equal(freshet_scene_get(scene->world.session, &after).status, FRESHET_OK);
}

static void waking_up_uses_the_token_that_is_there(void **state)
{
    struct scene *scene = *state;
    struct got held;
    size_t mark = 0;

    freshet_scene_open(scene, NULL, NULL);
    held = life_get(scene->world.session);
    freshet_relay_hold(&scene->relay, "/touch");
    freshet_wake(scene->world.client);
    freshet_relay_await_held(&scene->relay, 1);
    assert_string_equal(life_get(scene->world.session).text, held.text);
    assert_string_equal(freshet_scene_peek(scene->world.session).text, held.text);
    mark = freshet_scene_mark(scene);
    freshet_relay_release(&scene->relay);
    freshet_scene_await(scene, mark, "token_updated");
    assert_string_not_equal(life_get(scene->world.session).text, held.text);
    assert_int_equal(freshet_scene_heard(scene, mark, "\"from\":\"client\""), 1);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 0);
}

static void waking_up_often_touches_once_and_with_its_intent(void **state)
{
    struct scene *scene = *state;

    freshet_scene_open(scene, NULL, NULL);
    (void)life_get(scene->world.session);
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
    freshet_scene_await(scene, 0, "first: signed_out");
    assert_int_equal(freshet_scene_get(scene->world.session, NULL).status, FRESHET_SIGNED_OUT);
    freshet_relay_await(&scene->relay, request, 1);
    freshet_scene_await_open(scene, 0);
    assert_int_equal(freshet_relay_count(&scene->relay, "/end?") +
                         freshet_relay_count(&scene->relay, "/remove?") +
                         freshet_relay_count(&scene->relay, "_method=DELETE"),
                     1);
    assert_int_equal(freshet_scene_heard(scene, 0, "first: signed_out"), 1);
}

static void one_session_of_several_is_removed(void **state)
{
    const struct freshet_request anew = life_anew();
    struct scene *scene = *state;
    struct freshet_session *second = NULL;

    freshet_scene_open(scene, NULL, life_two);
    second = life_second(scene);
    expect_end(scene, FRESHET_SIGN_OUT_FITTING, "/remove?");
    assert_int_equal(freshet_scene_get(second, &anew).status, FRESHET_OK);
    assert_int_equal(freshet_scene_heard(scene, 0, "second: signed_out"), 0);
}

static void a_session_may_end_alone(void **state)
{
    const struct freshet_request anew = life_anew();
    struct scene *scene = *state;
    struct freshet_session *second = NULL;

    freshet_scene_open(scene, NULL, life_two);
    second = life_second(scene);
    expect_end(scene, FRESHET_SIGN_OUT_SESSION, "/end?");
    assert_int_equal(freshet_scene_get(second, &anew).status, FRESHET_OK);
    assert_int_equal(freshet_scene_heard(scene, 0, "second: signed_out"), 0);
}

static void the_only_session_ends_with_all_of_its_client(void **state)
{
    struct scene *scene = *state;

    freshet_scene_open(scene, NULL, NULL);
    (void)life_get(scene->world.session);
    expect_end(scene, FRESHET_SIGN_OUT_FITTING, "/client/sessions?");
}

static void signing_out_of_all_ends_every_session(void **state)
{
    const struct freshet_request anew = life_anew();
    struct scene *scene = *state;
    struct freshet_session *second = NULL;

    freshet_scene_open(scene, NULL, life_two);
    second = life_second(scene);
    expect_end(scene, FRESHET_SIGN_OUT_ALL, "/client/sessions?");
    assert_int_equal(freshet_scene_get(second, &anew).status, FRESHET_SIGNED_OUT);
}

static void expect_nothing_written(struct scene *scene, size_t mark)
{
    char text[ISSUER_TEXT_MAX];

    assert_int_equal(freshet_peek(scene->world.session, text, sizeof(text), NULL, NULL),
                     FRESHET_NONE);
    assert_int_equal(freshet_scene_get(scene->world.session, NULL).status, FRESHET_SIGNED_OUT);
    assert_int_equal(freshet_scene_heard(scene, mark, "\"event\":\"commit\""), 0);
    assert_int_equal(freshet_scene_heard(scene, mark, "token_updated"), 0);
}

static void a_sign_out_ends_the_calls_under_way(void **state)
{
    const struct freshet_request anew = life_anew();
    struct scene *scene = *state;
    struct getter getter;
    size_t mark = 0;

    freshet_scene_open(scene, NULL, NULL);
    (void)life_get(scene->world.session);
    freshet_relay_hold(&scene->relay, "/tokens");
    freshet_getters_start(&getter, 1, scene->world.session, &anew);
    freshet_relay_await_held(&scene->relay, 1);
    mark = freshet_scene_mark(scene);
    assert_int_equal(freshet_sign_out(scene->world.session, FRESHET_SIGN_OUT_FITTING), FRESHET_OK);
    freshet_getters_join(&getter, 1);
    assert_int_equal(getter.status, FRESHET_SIGNED_OUT);
    freshet_relay_release(&scene->relay);
    freshet_relay_await(&scene->relay, "_method=DELETE", 1);
    freshet_scene_await_open(scene, 0);
    expect_nothing_written(scene, mark);
}

/* The touch's answer is still read, for the client token that it may bring: the sign-out is sent
 * with that, and so after it. */
static void a_late_answer_after_a_sign_out_writes_no_token(void **state)
{
    struct scene *scene = *state;
    size_t mark = 0;

    freshet_scene_open(scene, NULL, NULL);
    (void)life_get(scene->world.session);
    freshet_relay_hold(&scene->relay, "/touch");
    freshet_wake(scene->world.client);
    freshet_relay_await_held(&scene->relay, 1);
    mark = freshet_scene_mark(scene);
    assert_int_equal(freshet_sign_out(scene->world.session, FRESHET_SIGN_OUT_FITTING), FRESHET_OK);
    freshet_scene_await(scene, mark, "first: signed_out");
    assert_int_equal(freshet_relay_count(&scene->relay, "_method=DELETE"), 0);
    freshet_relay_release(&scene->relay);
    freshet_relay_await(&scene->relay, "_method=DELETE", 1);
    freshet_scene_await_open(scene, 0);
    expect_nothing_written(scene, mark);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(the_client_brings_the_first_token),
        SCENE_TEST(a_missing_environment_blocks_no_token),
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
