/*
 * What a host has told a session counts from then on: no read is given what was true before, whether
 * or not the loop has turned since (behaviour rows C3, D2, S39).
 */
#include "cmocka_all.h"

#include <string.h>

#include "scene.h"

static const struct freshet_client_options hosted = {.size = sizeof(hosted), .host_loop = 1};
static const char *const one_organization[] = {"--organization", "org_a", NULL};

/* In an outage no token of the organization can come: the read waits, and is not given the personal one. */
static void a_switch_changes_the_key_of_reads_at_once(void **state)
{
    struct freshet_request request = {.size = sizeof(request), .timeout_ms = 300};
    struct scene *scene = *state;
    char text[ISSUER_TEXT_MAX];

    freshet_scene_open(scene, NULL, one_organization);
    assert_int_equal(freshet_scene_get(scene->world.session, NULL).status, FRESHET_OK);
    freshet_scene_await_open(scene, 0);
    freshet_issuer_fault(&scene->world.issuer, "*", "[{\"status\": 503, \"count\": -1}]");
    assert_int_equal(freshet_set_organization(scene->world.session, "org_a"), FRESHET_OK);
    freshet_scene_await(scene, 0, "\"status\":503");
    assert_int_equal(freshet_peek(scene->world.session, text, sizeof(text), NULL, NULL),
                     FRESHET_NONE);
    assert_int_equal(freshet_scene_get(scene->world.session, &request).status, FRESHET_TIMEOUT);
}

static void a_switch_between_held_tokens(void **state)
{
    struct freshet_request named = {.size = sizeof(named), .organization = "org_a"};
    struct scene *scene = *state;

    freshet_scene_open(scene, NULL, one_organization);
    assert_int_equal(freshet_scene_get(scene->world.session, &named).status, FRESHET_OK);
    freshet_scene_await_open(scene, 0);
    freshet_relay_hold(&scene->relay, "/touch");
    assert_int_equal(freshet_set_organization(scene->world.session, "org_a"), FRESHET_OK);
    freshet_relay_await_held(&scene->relay, 1);
    assert_string_equal(freshet_scene_get(scene->world.session, NULL).organization, "org_a");
    assert_string_equal(freshet_scene_peek(scene->world.session).organization, "org_a");
}

static void a_switch_is_seen_before_the_loop_turns(void **state)
{
    struct freshet_request named = {.size = sizeof(named), .organization = "org_a"};
    struct scene *scene = *state;

    freshet_scene_open(scene, &hosted, one_organization);
    assert_int_equal(freshet_scene_get(scene->world.session, &named).status, FRESHET_OK);
    assert_int_equal(freshet_set_organization(scene->world.session, "org_a"), FRESHET_OK);
    assert_string_equal(freshet_scene_get(scene->world.session, NULL).organization, "org_a");
}

static void a_sign_out_is_seen_by_the_next_read(void **state)
{
    struct scene *scene = *state;
    char text[ISSUER_TEXT_MAX];

    freshet_scene_open(scene, &hosted, NULL);
    assert_int_equal(freshet_scene_get(scene->world.session, NULL).status, FRESHET_OK);
    assert_int_equal(freshet_sign_out(scene->world.session, FRESHET_SIGN_OUT_FITTING), FRESHET_OK);
    assert_int_equal(freshet_peek(scene->world.session, text, sizeof(text), NULL, NULL),
                     FRESHET_NONE);
    assert_int_equal(freshet_scene_get(scene->world.session, NULL).status, FRESHET_SIGNED_OUT);
}

static void a_rejected_token_is_not_read_again(void **state)
{
    struct freshet_token *token = NULL;
    struct freshet_token *next = NULL;
    struct scene *scene = *state;

    freshet_scene_open(scene, &hosted, NULL);
    assert_int_equal(freshet_get(scene->world.session, NULL, &token, NULL), FRESHET_OK);
    freshet_reject(scene->world.session, token);
    assert_int_equal(freshet_get(scene->world.session, NULL, &next, NULL), FRESHET_OK);
    assert_string_not_equal(freshet_token_text(token), freshet_token_text(next));
    freshet_token_unref(token);
    freshet_token_unref(next);
}

static void signing_out_of_all_is_known_to_every_handle(void **state)
{
    static const char *const two[] = {"--sessions", "2", NULL};
    struct scene *scene = *state;
    struct freshet_session *second = NULL;
    char sids[2][SCENE_NAME_MAX];

    freshet_scene_open(scene, NULL, two);
    freshet_scene_sids(scene, 2, sids);
    assert_int_equal(freshet_scene_get(scene->world.session, NULL).status, FRESHET_OK);
    second = freshet_scene_session(scene, "second", sids[1]);
    assert_int_equal(freshet_scene_get(second, NULL).status, FRESHET_OK);
    assert_int_equal(freshet_sign_out(scene->world.session, FRESHET_SIGN_OUT_ALL), FRESHET_OK);
    freshet_relay_await(&scene->relay, "_method=DELETE", 1);
    freshet_scene_await(scene, 0, "first: signed_out");
    freshet_scene_await_open(scene, 0);
    assert_int_equal(freshet_scene_get(second, NULL).status, FRESHET_SIGNED_OUT);
}

/* Which session it is comes out when the client has been read; that one is ended. */
static void a_sign_out_while_the_session_loads_is_told(void **state)
{
    static const char *const slow[] = {"--latency", "300ms", NULL};
    struct scene *scene = *state;

    freshet_scene_open(scene, NULL, slow);
    assert_int_equal(freshet_sign_out(scene->world.session, FRESHET_SIGN_OUT_FITTING), FRESHET_OK);
    assert_int_equal(freshet_scene_get(scene->world.session, NULL).status, FRESHET_SIGNED_OUT);
    freshet_relay_await(&scene->relay, "_method=DELETE", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_switch_changes_the_key_of_reads_at_once),
        SCENE_TEST(a_switch_between_held_tokens),
        SCENE_TEST(a_switch_is_seen_before_the_loop_turns),
        SCENE_TEST(a_sign_out_is_seen_by_the_next_read),
        SCENE_TEST(a_rejected_token_is_not_read_again),
        SCENE_TEST(signing_out_of_all_is_known_to_every_handle),
        SCENE_TEST(a_sign_out_while_the_session_loads_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
