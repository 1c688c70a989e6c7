/*
 * What a host has told a session counts from then on: no read is given what was true before, whether
 * or not the loop has turned since (behaviour rows C3, D2, S39).
 */
#include "cmocka_all.h"

#include "scene.h"

static const struct freshet_client_options hosted = {.size = sizeof(hosted), .host_loop = 1};
static const char *const one_organization[] = {"--organization", "org_a", NULL};

/* In an outage no token of the organization can come: the read waits, and is not given the personal one. */
static void a_switch_changes_the_key_of_reads_at_once(void **state)
{
    struct scene *scene = *state;
    char text[ISSUER_TEXT_MAX];

    freshet_scene_open(scene, NULL, one_organization);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_scene_await_open(scene, 0);
    freshet_issuer_fault(&scene->world.issuer, "*", ALWAYS("503"));
    assert_int_equal(freshet_set_organization(scene->world.session, "org_a"), FRESHET_OK);
    freshet_scene_await(scene, ANSWERED("503"), 1);
    assert_int_equal(freshet_peek(scene->world.session, text, sizeof(text), NULL, NULL),
                     FRESHET_NONE);
    freshet_scene_expect(scene->world.session, REQUEST(.timeout_ms = 300), FRESHET_TIMEOUT);
}

static void a_switch_between_held_tokens(void **state)
{
    struct scene *scene = *state;

    freshet_scene_open(scene, NULL, one_organization);
    freshet_scene_expect(scene->world.session, REQUEST(.organization = "org_a"), FRESHET_OK);
    freshet_scene_await_open(scene, 0);
    freshet_relay_hold(&scene->relay, "/touch");
    assert_int_equal(freshet_set_organization(scene->world.session, "org_a"), FRESHET_OK);
    freshet_relay_await_held(&scene->relay, 1);
    assert_string_equal(freshet_scene_get(scene->world.session, NULL).organization, "org_a");
    assert_string_equal(freshet_scene_peek(scene->world.session).organization, "org_a");
}

static void a_switch_is_seen_before_the_loop_turns(void **state)
{
    struct scene *scene = *state;

    freshet_scene_open(scene, &hosted, one_organization);
    freshet_scene_expect(scene->world.session, REQUEST(.organization = "org_a"), FRESHET_OK);
    assert_int_equal(freshet_set_organization(scene->world.session, "org_a"), FRESHET_OK);
    assert_string_equal(freshet_scene_get(scene->world.session, NULL).organization, "org_a");
}

static void a_sign_out_is_seen_by_the_next_read(void **state)
{
    struct scene *scene = *state;
    char text[ISSUER_TEXT_MAX];

    freshet_scene_open(scene, &hosted, NULL);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    assert_int_equal(freshet_sign_out(scene->world.session, FRESHET_SIGN_OUT_FITTING), FRESHET_OK);
    assert_int_equal(freshet_peek(scene->world.session, text, sizeof(text), NULL, NULL),
                     FRESHET_NONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_SIGNED_OUT);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_switch_changes_the_key_of_reads_at_once),
        SCENE_TEST(a_switch_between_held_tokens),
        SCENE_TEST(a_switch_is_seen_before_the_loop_turns),
        SCENE_TEST(a_sign_out_is_seen_by_the_next_read),
        SCENE_TEST(a_rejected_token_is_not_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
