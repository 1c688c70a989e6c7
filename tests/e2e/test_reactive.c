/*
 * The other read design, `reactive`: nothing is refreshed by time, and reads below the threshold
 * start what is needed (behaviour rows S23-S29, RC1).
 */
#include "cmocka_all.h"

#include <string.h>

#include "scene.h"

/* Tokens of a minute that are two seconds old: always below this threshold. */
#define ALWAYS_BELOW_MS 59000
static const char *const reactive_aged[] = {"--issue-age", "2s", NULL};
static const struct freshet_client_options reactive_options = {.size = sizeof(reactive_options),
                                                               .reactive = 1};

static struct got reactive_read(const struct scene *scene, int64_t threshold_ms)
{
    const struct freshet_request request = {.size = sizeof(request),
                                            .refresh_threshold_ms = threshold_ms};
    struct got got = freshet_scene_get(scene->world.session, &request);

    assert_int_equal(got.status, FRESHET_OK);
    assert_false(got.stale);
    return got;
}

/* A client that refreshes by time has a younger token here, under the same policy, and is the first
 * and the only one to ask. */
static void nothing_is_refreshed_by_time(void **state)
{
    struct scene *scene = *state;
    static const char *const issuer[] = {"--ttl", "8s", "--rotation", "keep", NULL};
    static const struct freshet_client_options reactive = {
        .size = sizeof(reactive), .reactive = 1, .leeway_ms = 7500, .runtime_dir = ""};
    static const struct freshet_client_options usual = {
        .size = sizeof(usual), .leeway_ms = 7500, .runtime_dir = ""};
    struct freshet_session_options options = {.size = sizeof(options)};
    struct freshet_client *control = NULL;
    struct freshet_session *session = NULL;
    struct got held;

    freshet_scene_open(scene, &reactive, issuer);
    held = reactive_read(scene, 0);
    options.url = scene->relay.url;
    options.client_token_file = scene->world.issuer.token_file;
    assert_int_equal(freshet_open(&usual, &control, NULL), FRESHET_OK);
    assert_int_equal(freshet_session_open(control, &options, &session, NULL), FRESHET_OK);
    assert_int_equal(freshet_scene_get(session, NULL).status, FRESHET_OK);
    freshet_relay_await(&scene->relay, "/tokens", 1);
    freshet_close(control);
    assert_string_equal(freshet_scene_peek(scene->world.session).text, held.text);
    assert_int_equal(freshet_scene_heard(scene, 0, "\"on\":\"tokens\""), 0);
}

static void a_read_below_the_threshold_starts_one_request_behind_it(void **state)
{
    struct scene *scene = *state;
    struct got held, after;

    freshet_scene_open(scene, &reactive_options, reactive_aged);
    held = reactive_read(scene, 0);
    freshet_relay_hold(&scene->relay, "/tokens");
    assert_string_equal(reactive_read(scene, ALWAYS_BELOW_MS).text, held.text);
    freshet_relay_await_held(&scene->relay, 1);
    assert_string_equal(reactive_read(scene, ALWAYS_BELOW_MS).text, held.text);
    assert_string_equal(freshet_scene_peek(scene->world.session).text, held.text);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 1);
    freshet_relay_release(&scene->relay);
    freshet_scene_await(scene, 0, "\"from\":\"issuer\"");
    after = reactive_read(scene, 0);
    assert_string_not_equal(after.text, held.text);
    assert_int_equal(freshet_scene_heard(scene, 0, "\"cause\":\"threshold\""), 1);
    assert_int_equal(freshet_scene_heard(scene, 0, "\"on\":\"tokens\""), 1);
}

/* The threshold of the client holds for reads that name none. */
static void the_clients_own_threshold_does_the_same(void **state)
{
    struct scene *scene = *state;
    static const struct freshet_client_options high = {
        .size = sizeof(high), .reactive = 1, .refresh_threshold_ms = ALWAYS_BELOW_MS};
    const struct freshet_request named = {.size = sizeof(named), .organization = ""};

    freshet_scene_open(scene, &high, reactive_aged);
    assert_int_equal(freshet_scene_get(scene->world.session, &named).status, FRESHET_OK);
    freshet_scene_await(scene, 0, "\"cause\":\"threshold\"");
}

/* A single attempt each time; what follows a failure is the next read. */
static void a_failed_request_is_tried_again_by_the_next_read(void **state)
{
    struct scene *scene = *state;
    struct got held;

    freshet_scene_open(scene, &reactive_options, reactive_aged);
    held = reactive_read(scene, 0);
    freshet_issuer_fault(&scene->world.issuer, "tokens", "[{\"status\": 503}]");
    assert_string_equal(reactive_read(scene, ALWAYS_BELOW_MS).text, held.text);
    freshet_scene_await(scene, 0, "\"status\":503");
    assert_string_equal(reactive_read(scene, ALWAYS_BELOW_MS).text, held.text);
    freshet_scene_await(scene, 0, "\"from\":\"issuer\"");
    assert_string_not_equal(reactive_read(scene, 0).text, held.text);
    assert_int_equal(freshet_scene_heard(scene, 0, "\"cause\":\"threshold\""), 2);
    assert_int_equal(freshet_scene_heard(scene, 0, "\"on\":\"tokens\""), 2);
}

/* Less than the floor counts as the floor, and neither is reached here. */
static void a_read_above_the_threshold_starts_nothing(void **state)
{
    struct scene *scene = *state;
    struct got held;

    freshet_scene_open(scene, &reactive_options, reactive_aged);
    held = reactive_read(scene, 0);
    for (int i = 0; i < 20; i++) {
        assert_string_equal(reactive_read(scene, 1).text, held.text);
        assert_string_equal(reactive_read(scene, 15000).text, held.text);
    }
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 0);
}

static void a_reactive_clients_threshold_counts_for_plain_reads(void **state)
{
    static const struct freshet_client_options high = {
        .size = sizeof(high), .reactive = 1, .refresh_threshold_ms = 59000};
    struct scene *scene = *state;

    freshet_scene_open(scene, &high, reactive_aged);
    assert_int_equal(freshet_scene_get(scene->world.session, NULL).status, FRESHET_OK);
    freshet_scene_await(scene, 0, "\"from\":\"issuer\""); /* the first read went to the engine */
    freshet_scene_await_open(scene, 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(freshet_scene_get(scene->world.session, NULL).status, FRESHET_OK);
    }
    freshet_scene_await_open(scene, 0);
    assert_true(freshet_scene_heard(scene, 0, "\"cause\":\"threshold\"") >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(nothing_is_refreshed_by_time),
        SCENE_TEST(a_read_below_the_threshold_starts_one_request_behind_it),
        SCENE_TEST(the_clients_own_threshold_does_the_same),
        SCENE_TEST(a_failed_request_is_tried_again_by_the_next_read),
        SCENE_TEST(a_read_above_the_threshold_starts_nothing),
        SCENE_TEST(a_reactive_clients_threshold_counts_for_plain_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
