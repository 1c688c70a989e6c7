/*
 * What a read can ask for, each option through the library and a real issuer (behaviour rows S1,
 * S8, S10, S30, S31, RC1, RC2). Tokens are told apart by their text, and requests are counted where
 * they arrive.
 */
#include "cmocka_all.h"

#include <poll.h>

#include "scene.h"

/* Tokens of a minute that are two seconds old: always below this threshold. */
#define ALWAYS_BELOW_MS 59000
static const char *const reads_aged[] = {"--issue-age", "2s", NULL};

static void expect_token(const struct got *got, const struct got *expected)
{
    assert_int_equal(got->status, FRESHET_OK);
    assert_string_equal(got->text, expected->text);
}

/* ---- whose token ---- */

static void a_template_has_a_token_of_its_own(void **state)
{
    struct scene *scene = *state;
    struct got own, one, again;

    freshet_scene_open(scene, NULL, NULL);
    one = freshet_scene_expect(scene->world.session, REQUEST(.template_name = "one"), FRESHET_OK);
    assert_string_equal(one.template_name, "one");
    own = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    assert_string_equal(own.template_name, "");
    assert_string_not_equal(own.sid, "");
    again = freshet_scene_expect(scene->world.session, REQUEST(.template_name = "one"), FRESHET_OK);
    expect_token(&again, &one);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens/one?"), 1);
}

/* Absent is the session's active one, empty is personal. */
static void an_organization_is_absent_or_empty_or_named(void **state)
{
    struct scene *scene = *state;
    const char *const asked[] = {NULL, "", "org_a", "org_b"};
    const char *const before[] = {"", "", "org_a", "org_b"};
    const char *const after[] = {"org_b", "", "org_a", "org_b"};
    struct freshet_request request = {.size = sizeof(request)};

    freshet_scene_open(scene, NULL, ISSUER("--organization", "org_a", "--organization", "org_b"));
    for (size_t i = 0; i < 4; i++) {
        request.organization = asked[i];
        assert_string_equal(
            freshet_scene_expect(scene->world.session, &request, FRESHET_OK).organization,
            before[i]);
    }
    freshet_scene_mark(scene);
    assert_int_equal(freshet_set_organization(scene->world.session, "org_b"), FRESHET_OK);
    freshet_relay_await(&scene->relay, "intent=select_org", 1);
    freshet_scene_await(scene, "token_updated", 1);
    for (size_t i = 0; i < 4; i++) {
        request.organization = asked[i];
        assert_string_equal(
            freshet_scene_expect(scene->world.session, &request, FRESHET_OK).organization,
            after[i]);
    }
    assert_int_equal(freshet_relay_count(&scene->relay, "organization_id=org_a"), 1);
}

/* ---- how fresh ---- */

/* One request is under way; calls that skip the cache after it was sent share exactly one more. */
static void calls_that_skip_the_cache_share_the_next_request(void **state)
{
    struct scene *scene = *state;
    struct getter first;
    struct getter later[5];

    freshet_scene_open(scene, NULL, NULL);
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_relay_hold(&scene->relay, "/tokens");
    freshet_getters_start(&first, 1, scene->world.session, REQUEST(.skip_cache = 1));
    freshet_relay_await_held(&scene->relay, 1);
    freshet_scene_await_age(scene, freshet_scene_age(scene) + 2); /* another millisecond */
    freshet_getters_start(later, 5, scene->world.session, REQUEST(.skip_cache = 1));
    freshet_world_await_waiting(&scene->world, 6);
    freshet_relay_release(&scene->relay);
    freshet_getters_join(&first, 1);
    freshet_getters_join(later, 5);
    assert_int_equal(first.status, FRESHET_OK);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(later[i].status, FRESHET_OK);
        assert_string_equal(later[i].text, later[0].text);
        assert_string_not_equal(later[i].text, first.text);
    }
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 2);
}

static void a_call_that_skips_the_cache_in_vain_leaves_the_token(void **state)
{
    struct scene *scene = *state;
    struct got held, after;

    freshet_scene_open(scene, NULL, NULL);
    held = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_issuer_fault(&scene->world.issuer, "tokens", ONCE("404"));
    freshet_scene_expect(scene->world.session, REQUEST(.skip_cache = 1), FRESHET_REFUSED);
    after = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    expect_token(&after, &held);
}

/* Tokens of eight seconds; once they are older than the spacing, a call may want more life. */
static void a_call_says_how_much_life_it_needs(void **state)
{
    struct scene *scene = *state;
    struct got held, more, less;

    freshet_scene_open(scene, NULL, ISSUER("--ttl", "8s"));
    held = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_scene_await_age(scene, 2050);
    freshet_scene_mark(scene);
    more =
        freshet_scene_expect(scene->world.session, REQUEST(.min_remaining_ms = 7500), FRESHET_OK);
    assert_string_not_equal(more.text, held.text);
    assert_false(more.stale);
    assert_int_equal(freshet_scene_heard(scene, "\"cause\":\"get\""), 1);
    less = freshet_scene_expect(scene->world.session, REQUEST(.min_remaining_ms = -1), FRESHET_OK);
    expect_token(&less, &more);
}

/* In vain: after the one attempt that failed it is the held token, and said to be stale. */
static void a_call_that_needs_more_life_than_there_is_gets_the_held_token(void **state)
{
    struct scene *scene = *state;
    struct got held, stale;

    freshet_scene_open(scene, NULL, ISSUER("--ttl", "8s"));
    held = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_issuer_fault(&scene->world.issuer, "tokens", ALWAYS("503"));
    freshet_scene_await_age(scene, 2050);
    freshet_scene_mark(scene);
    stale =
        freshet_scene_expect(scene->world.session, REQUEST(.min_remaining_ms = 7500), FRESHET_OK);
    expect_token(&stale, &held);
    assert_true(stale.stale);
    assert_int_equal(freshet_scene_heard(scene, ANSWERED("503")), 1);
}

static void refresh_if_stale_waits_below_the_threshold_only(void **state)
{
    struct scene *scene = *state;
    struct got held, same, fresh;

    freshet_scene_open(scene, NULL, reads_aged);
    held = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    same = freshet_scene_expect(scene->world.session, REQUEST(.refresh_if_stale = 1), FRESHET_OK);
    expect_token(&same, &held);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 0);
    fresh = freshet_scene_expect(
        scene->world.session,
        REQUEST(.refresh_if_stale = 1, .refresh_threshold_ms = ALWAYS_BELOW_MS), FRESHET_OK);
    assert_string_not_equal(fresh.text, held.text);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 1);
    freshet_scene_expect(scene->world.session,
                         REQUEST(.refresh_if_stale = 1, .refresh_threshold_ms = 60000),
                         FRESHET_INVALID);
}

/* ---- what is better than an error ---- */

static struct got reads_in_vain(struct scene *scene, enum freshet_allow_stale allow_stale,
                                struct got *held)
{
    freshet_scene_open(scene, NULL, reads_aged);
    *held = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_issuer_fault(&scene->world.issuer, "tokens", ALWAYS("503"));
    return freshet_scene_get(scene->world.session,
                             REQUEST(.refresh_if_stale = 1, .refresh_threshold_ms = ALWAYS_BELOW_MS,
                                     .allow_stale = allow_stale));
}

static void a_live_token_is_better_than_an_error(void **state)
{
    struct scene *scene = *state;
    struct got held, got;

    got = reads_in_vain(scene, FRESHET_STALE_DEFAULT, &held);
    expect_token(&got, &held);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 1);
}

static void unless_the_call_wants_none_that_is_stale(void **state)
{
    struct scene *scene = *state;
    struct got held, got;

    got = reads_in_vain(scene, FRESHET_STALE_NEVER, &held);
    assert_int_equal(got.status, FRESHET_UPSTREAM);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 1);
    got = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    expect_token(&got, &held);
}

static void expect_expired(struct freshet_session *session, const struct got *last)
{
    struct freshet_request request = {.size = sizeof(request)};
    struct got got;

    request.timeout_ms = 300;
    assert_int_not_equal(freshet_scene_get(session, &request).status, FRESHET_OK);
    request.allow_stale = FRESHET_STALE_EXPIRED;
    got = freshet_scene_expect(session, &request, FRESHET_OK);
    expect_token(&got, last);
    assert_true(got.stale);
    assert_true(got.remaining_ms <= 0);
}

/* Also the token that an earlier client has left in the store. */
static void an_expired_token_is_for_those_who_ask_for_it(void **state)
{
    struct scene *scene = *state;
    char text[ISSUER_TEXT_MAX];
    struct got last;

    freshet_scene_open(scene, NULL, ISSUER("--ttl", "2s"));
    freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_issuer_fault(&scene->world.issuer, "*", ALWAYS("503"));
    last = freshet_scene_peek(scene->world.session);
    while (freshet_peek(scene->world.session, text, sizeof(text), NULL, NULL) != FRESHET_NONE) {
        assert_string_equal(text, last.text);
    }
    expect_expired(scene->world.session, &last);
    freshet_close(scene->world.client);
    freshet_world_enter(&scene->world, NULL);
    expect_expired(freshet_world_session(&scene->world, "again", NULL), &last);
}

/* ---- how long ---- */

static void a_call_that_runs_out_of_time_gets_the_held_token(void **state)
{
    struct scene *scene = *state;
    struct freshet_request request = {
        .size = sizeof(request), .refresh_if_stale = 1, .refresh_threshold_ms = ALWAYS_BELOW_MS};
    struct got held, got;

    request.timeout_ms = 100;
    freshet_scene_open(scene, NULL, reads_aged);
    held = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_relay_hold(&scene->relay, "/tokens");
    got = freshet_scene_get(scene->world.session, &request);
    expect_token(&got, &held);
    request.allow_stale = FRESHET_STALE_NEVER;
    freshet_scene_expect(scene->world.session, &request, FRESHET_TIMEOUT);
    freshet_relay_await_held(&scene->relay, 1);
    freshet_relay_release(&scene->relay);
    freshet_scene_await(scene, COMMITTED("issuer"), 1); /* leaving has cancelled nothing */
    got = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    assert_string_not_equal(got.text, held.text);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 1);
}

/* ---- without waiting ---- */

/* Due from the end of the spacing on, two seconds after its commit, with six seconds left. */
static void two_reads_in_the_due_zone_get_the_held_token_while_one_request_hangs(void **state)
{
    struct scene *scene = *state;
    struct getter getters[2];
    struct got held;

    freshet_scene_open(scene, CLIENT(.leeway_ms = 7500), ISSUER("--ttl", "8s"));
    held = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    freshet_relay_hold(&scene->relay, "/tokens");
    freshet_relay_await_held(&scene->relay, 1);
    freshet_getters_start(getters, 2, scene->world.session, REQUEST());
    freshet_getters_join(getters, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(getters[i].status, FRESHET_OK);
        assert_string_equal(getters[i].text, held.text);
    }
    assert_string_equal(freshet_scene_peek(scene->world.session).text, held.text);
    assert_int_equal(freshet_relay_count(&scene->relay, "/tokens"), 1);
    assert_int_equal(freshet_scene_heard(scene, "\"cause\":\"refresh\""), 1);
}

static void reads_of_a_held_token_need_no_turn_of_the_loop(void **state)
{
    struct scene *scene = *state;
    struct answers answers = ANSWERS_NONE;
    struct got held, got;

    freshet_scene_open(scene, CLIENT(.host_loop = 1), NULL);
    held = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    assert_int_equal(
        freshet_get_async(scene->world.session, NULL, freshet_answers_take, &answers, NULL),
        FRESHET_OK);
    freshet_scene_mark(scene);
    for (int i = 0; i < 100; i++) {
        got = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
        expect_token(&got, &held);
        assert_string_equal(freshet_scene_peek(scene->world.session).text, held.text);
    }
    assert_int_equal(freshet_answers_count(&answers), 0);
    assert_int_equal(freshet_scene_heard(scene, ""), 0);
    while (freshet_answers_count(&answers) == 0) {
        struct pollfd ready = {.fd = freshet_poll_fd(scene->world.client), .events = POLLIN};

        assert_int_equal(poll(&ready, 1, -1), 1);
        assert_int_equal(freshet_dispatch(scene->world.client), FRESHET_OK);
    }
    assert_int_equal(answers.statuses[0], FRESHET_OK);
}

static void a_clients_min_remaining_counts_for_plain_reads(void **state)
{
    struct scene *scene = *state;
    char text[ISSUER_TEXT_MAX];
    struct got held;

    freshet_scene_open(scene, CLIENT(.min_remaining_ms = 7500), ISSUER("--ttl", "8s"));
    held = freshet_scene_get(scene->world.session, NULL);
    freshet_issuer_fault(&scene->world.issuer, "tokens", ALWAYS("503"));
    freshet_scene_await_age(scene, 2050);
    freshet_scene_await_open(scene, 0);
    assert_int_equal(freshet_peek(scene->world.session, text, sizeof(text), NULL, NULL),
                     FRESHET_STALE);
    held = freshet_scene_expect(scene->world.session, NULL, FRESHET_OK);
    assert_true(held.stale);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_template_has_a_token_of_its_own),
        SCENE_TEST(an_organization_is_absent_or_empty_or_named),
        SCENE_TEST(calls_that_skip_the_cache_share_the_next_request),
        SCENE_TEST(a_call_that_skips_the_cache_in_vain_leaves_the_token),
        SCENE_TEST(a_call_says_how_much_life_it_needs),
        SCENE_TEST(a_call_that_needs_more_life_than_there_is_gets_the_held_token),
        SCENE_TEST(refresh_if_stale_waits_below_the_threshold_only),
        SCENE_TEST(a_live_token_is_better_than_an_error),
        SCENE_TEST(unless_the_call_wants_none_that_is_stale),
        SCENE_TEST(an_expired_token_is_for_those_who_ask_for_it),
        SCENE_TEST(a_call_that_runs_out_of_time_gets_the_held_token),
        SCENE_TEST(two_reads_in_the_due_zone_get_the_held_token_while_one_request_hangs),
        SCENE_TEST(reads_of_a_held_token_need_no_turn_of_the_loop),
        SCENE_TEST(a_clients_min_remaining_counts_for_plain_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
