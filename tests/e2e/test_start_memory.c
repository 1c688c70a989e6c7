/*
 * Starts with a token that an earlier client left in the store: while the client answers, fails, hangs
 * or cannot be reached.
 */
#include "cmocka_all.h"

#include "scene.h"

static void a_start_from_memory_reads_the_client_all_the_same(void **state)
{
    struct scene *scene = *state;

    freshet_scene_issuer(scene, NULL);
    freshet_scene_remember(scene);
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_await(scene, TOLD("status ready"), 1);
    freshet_scene_await(scene, COMMITTED("client"), 1);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "client"), 2);
    assert_int_equal(freshet_issuer_requests(&scene->world.issuer, "tokens"), 0);
}

/* The one test that waits for the ten seconds after an answer that was none. */
static void a_failing_client_is_read_again_until_it_answers(void **state)
{
    static const char *const story[] = {
        TOLD("status loading"),       COMMITTED("store"),          TOLD("token_updated"),
        TOLD("status degraded"),      ASKED_FOR("tokens", "open"), COMMITTED("issuer"),
        ASKED_FOR("client", "retry"), TOLD("status ready"),        NULL};
    struct scene *scene = *state;

    freshet_scene_issuer(scene, NULL);
    freshet_scene_remember(scene);
    freshet_issuer_fault(&scene->world.issuer, "client", ONCE("500"));
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_scene_await(scene, TOLD("status ready"), 1);
    freshet_scene_assert_order(scene, story);
    assert_int_equal(freshet_scene_heard(scene, TOLD("status degraded")), 1);
    assert_int_equal(freshet_scene_heard(scene, ASKED("client")), 2);
    assert_int_equal(freshet_scene_heard(scene, ASKED("tokens")), 1);
}

static void a_remembered_token_serves_while_it_lives(void **state)
{
    struct scene *scene = *state;
    struct freshet_request request = {.size = sizeof(request)};
    struct got remembered;
    struct got got;
    size_t answers = 0;

    freshet_scene_issuer(scene, NULL);
    remembered = freshet_scene_remember(scene);
    freshet_issuer_fault(&scene->world.issuer, "*", ALWAYS("500"));
    freshet_scene_enter(scene, CLIENT_ALONE);
    for (int i = 0; i < 20; i++) {
        got = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
        assert_string_equal(got.text, remembered.text);
        assert_false(got.stale);
    }
    freshet_issuer_settings(&scene->world.issuer, "{\"clock_ahead_ms\": 120000}");
    answers = freshet_scene_heard(scene, ANSWERED("500"));
    request.timeout_ms = 500;
    request.template_name = "other"; /* its failure tells the issuer's time */
    freshet_scene_expect(scene->world.session, &request, FRESHET_TIMEOUT);
    freshet_scene_await(scene, ANSWERED("500"), answers + 1);
    freshet_world_await_waiting(&scene->world, 0);
    request.template_name = NULL;
    freshet_scene_expect(scene->world.session, &request, FRESHET_TIMEOUT);
    request.allow_stale = FRESHET_STALE_EXPIRED;
    got = freshet_scene_expect(scene->world.session, &request, FRESHET_OK);
    assert_true(got.stale);
    assert_string_equal(got.text, remembered.text);
}

/* Expired by the issuer's clock, it still says which session this is. */
static void an_expired_memory_names_the_session(void **state)
{
    struct scene *scene = *state;
    struct got remembered;
    struct got got;

    freshet_scene_issuer(scene, NULL);
    remembered = freshet_scene_remember(scene);
    freshet_issuer_settings(&scene->world.issuer, "{\"clock_ahead_ms\": 120000}");
    freshet_issuer_fault(&scene->world.issuer, "client", ALWAYS("500"));
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_scene_await(scene, TOLD("status degraded"), 1);
    got = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    assert_string_not_equal(got.text, remembered.text);
    assert_false(got.stale);
    assert_int_equal(freshet_scene_heard(scene, ASKED("tokens")), 1);
}

/* What a user sees: the command prints the token, though nothing can be had of the issuer. */
static void the_command_serves_what_the_store_remembers(void **state)
{
    struct scene *scene = *state;
    struct got remembered;
    char output[ISSUER_TEXT_MAX];

    freshet_scene_issuer(scene, NULL);
    remembered = freshet_scene_remember(scene);
    freshet_issuer_fault(&scene->world.issuer, "*", ALWAYS("500"));
    assert_int_equal(freshet_scene_command(scene, "token", output, sizeof(output)), 0);
    assert_string_equal(output, remembered.text);
}

/* Seven seconds, then calls are answered; nothing has been refused, and nothing is given up. */
static void a_start_in_which_everything_hangs_serves_what_it_remembers(void **state)
{
    static const char *const story[] = {ASKED_FOR("client", "open"), COMMITTED("store"),
                                        TOLD("status degraded"), ASKED_FOR("tokens", "open"), NULL};
    struct scene *scene = *state;
    struct getter getters[5];
    struct got remembered;

    freshet_scene_issuer(scene, NULL);
    remembered = freshet_scene_remember(scene);
    freshet_issuer_fault(&scene->world.issuer, "*", HANGING);
    freshet_scene_enter(scene, CLIENT_ALONE);
    freshet_getters_start(getters, 5, scene->world.session, REQUEST());
    freshet_getters_join(getters, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(getters[i].status, FRESHET_OK);
        assert_string_equal(getters[i].text, remembered.text);
    }
    freshet_scene_await(scene, ASKED("tokens"), 1);
    freshet_scene_assert_order(scene, story);
    assert_int_equal(freshet_scene_heard_before(scene, ASKED("client"), TOLD("status degraded")),
                     1);
    freshet_issuer_fault(&scene->world.issuer, "*", "[]");
    freshet_scene_await(scene, TOLD("status ready"), 1);
}

static void an_issuer_that_is_not_there_is_asked_four_times(void **state)
{
    static const char *const story[] = {
        ASKED_FOR("client", "open"),  ASKED_FOR("client", "retry"), ASKED_FOR("client", "retry"),
        ASKED_FOR("client", "retry"), COMMITTED("store"),           TOLD("status degraded"),
        ASKED_FOR("tokens", "open"),  ASKED_FOR("client", "retry"), NULL};
    struct scene *scene = *state;
    struct got remembered;

    freshet_scene_issuer(scene, NULL);
    remembered = freshet_scene_remember(scene);
    freshet_relay_close(&scene->relay);
    freshet_scene_enter(scene, CLIENT_ALONE);
    assert_string_equal(freshet_scene_expect(scene->world.session, NULL, FRESHET_OK).text,
                        remembered.text);
    freshet_scene_await(scene, ASKED("client"), 5);
    freshet_scene_assert_order(scene, story);
    assert_int_equal(freshet_scene_heard_before(scene, ASKED("client"), TOLD("status degraded")),
                     4);
    assert_int_equal(freshet_scene_heard(scene, ASKED("tokens")), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_start_from_memory_reads_the_client_all_the_same),
        SCENE_TEST(a_failing_client_is_read_again_until_it_answers),
        SCENE_TEST(a_remembered_token_serves_while_it_lives),
        SCENE_TEST(an_expired_memory_names_the_session),
        SCENE_TEST(the_command_serves_what_the_store_remembers),
        SCENE_TEST(a_start_in_which_everything_hangs_serves_what_it_remembers),
        SCENE_TEST(an_issuer_that_is_not_there_is_asked_four_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
