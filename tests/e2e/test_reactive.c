/*
 * The other read design, `reactive`: nothing is refreshed by time, and reads below the threshold
 * start what is needed (behaviour rows S23-S29, RC1).
 */
#include "cmocka_all.h"

#include "scene.h"

/* Tokens of a minute that are two seconds old: always below this threshold. */
#define ALWAYS_BELOW_MS 59000
static const char *const reactive_aged[] = {"--issue-age", "2s", NULL};

static struct got reactive_read(const struct scene *scene, int64_t threshold_ms)
{
    struct got got = freshet_scene_expect(
        scene->world.session, REQUEST(.refresh_threshold_ms = threshold_ms), FRESHET_OK);
    assert_false(got.stale);
    return got;
}

/* A client that refreshes by time has a younger token here, under the same policy, and is the first
 * and the only one to ask. */
static void nothing_is_refreshed_by_time(void **state)
{
    struct scene *scene = *state;
    struct world control;
    struct got held;

    freshet_scene_open(scene, CLIENT(.reactive = 1, .leeway_ms = 7500, .runtime_dir = ""),
                       ISSUER("--ttl", "8s", "--rotation", "keep"));
    held = reactive_read(scene, 0);
    control = scene->world;
    freshet_world_enter(&control, CLIENT(.leeway_ms = 7500, .runtime_dir = ""));
    freshet_scene_expect(freshet_world_session(&control, "control", NULL), NULL, FRESHET_OK);
    freshet_relay_await(&scene->relay, "/tokens", 1);
    freshet_close(control.client);
    assert_string_equal(freshet_scene_peek(scene->world.session).text, held.text);
    assert_int_equal(freshet_scene_heard(scene, ASKED("tokens")), 0);
}

static void a_read_below_the_threshold_starts_one_request_behind_it(void **state)
{
    struct scene *scene = *state;
    struct got held, after;

    freshet_scene_open(scene, CLIENT(.reactive = 1), reactive_aged);
    held = reactive_read(scene, 0);
    freshet_relay_hold(&scene->relay, "/tokens");
    assert_string_equal(reactive_read(scene, ALWAYS_BELOW_MS).text, held.text);
    freshet_relay_await_held(&scene->relay, 1);
    assert_string_equal(reactive_read(scene, ALWAYS_BELOW_MS).text, held.text);
    assert_string_equal(freshet_scene_peek(scene->world.session).text, held.text);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 1);
    freshet_relay_release(&scene->relay);
    freshet_scene_await(scene, COMMITTED("issuer"), 1);
    after = reactive_read(scene, 0);
    assert_string_not_equal(after.text, held.text);
    assert_int_equal(freshet_scene_heard(scene, "\"cause\":\"threshold\""), 1);
    assert_int_equal(freshet_scene_heard(scene, ASKED("tokens")), 1);
}

/* A single attempt each time; what follows a failure is the next read. */
static void a_failed_request_is_tried_again_by_the_next_read(void **state)
{
    struct scene *scene = *state;
    struct got held;

    freshet_scene_open(scene, CLIENT(.reactive = 1), reactive_aged);
    held = reactive_read(scene, 0);
    freshet_issuer_fault(&scene->world.issuer, "tokens", ONCE("503"));
    assert_string_equal(reactive_read(scene, ALWAYS_BELOW_MS).text, held.text);
    freshet_scene_await(scene, ANSWERED("503"), 1);
    assert_string_equal(reactive_read(scene, ALWAYS_BELOW_MS).text, held.text);
    freshet_scene_await(scene, COMMITTED("issuer"), 1);
    assert_string_not_equal(reactive_read(scene, 0).text, held.text);
    assert_int_equal(freshet_scene_heard(scene, "\"cause\":\"threshold\""), 2);
    assert_int_equal(freshet_scene_heard(scene, ASKED("tokens")), 2);
}

/* Less than the floor counts as the floor, and neither is reached here. */
static void a_read_above_the_threshold_starts_nothing(void **state)
{
    struct scene *scene = *state;
    struct got held;

    freshet_scene_open(scene, CLIENT(.reactive = 1), reactive_aged);
    held = reactive_read(scene, 0);
    for (int i = 0; i < 20; i++) {
        assert_string_equal(reactive_read(scene, 1).text, held.text);
        assert_string_equal(reactive_read(scene, 15000).text, held.text);
    }
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 0);
}

static void a_reactive_clients_threshold_counts_for_plain_reads(void **state)
{
    struct scene *scene = *state;

    freshet_scene_open(scene, CLIENT(.reactive = 1, .refresh_threshold_ms = ALWAYS_BELOW_MS),
                       reactive_aged);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_scene_await(scene, COMMITTED("issuer"), 1); /* the first read went to the engine */
    freshet_scene_await_open(scene, 0);
    for (int i = 0; i < 5; i++) {
        freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    }
    freshet_scene_await_open(scene, 0);
    assert_true(freshet_scene_heard(scene, "\"cause\":\"threshold\"") >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(nothing_is_refreshed_by_time),
        SCENE_TEST(a_read_below_the_threshold_starts_one_request_behind_it),
        SCENE_TEST(a_failed_request_is_tried_again_by_the_next_read),
        SCENE_TEST(a_read_above_the_threshold_starts_nothing),
        SCENE_TEST(a_reactive_clients_threshold_counts_for_plain_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
