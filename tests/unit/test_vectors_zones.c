/*
 * The borders of the zones for lives of every length (S2 to S5), and what time alone may not do:
 * requests that come faster and faster (C11, RC20), and late ones that nobody wants (C13).
 */
#include "cmocka_all.h"

#include "engine_drive.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define DAY_S         86400

static void zone_begin(struct drive *drive, int64_t ttl_s)
{
    struct drive_token token = freshet_drive_token(1, 0, ttl_s);

    freshet_drive_ready(drive, &token);
}

/* ---- borders ---- */

static void s4_a_minute_is_answered_at_5001_ms_and_waits_at_5000(void **state)
{
    struct drive drive;

    (void)state;
    zone_begin(&drive, 60);
    freshet_drive_at(&drive, 54999);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_at(&drive, 55000);
    assert_int_equal(freshet_drive_read(&drive), 0);
    freshet_drive_end(&drive);
}

static void s2_a_minute_is_due_at_17_seconds_and_not_before(void **state)
{
    struct drive drive;

    (void)state;
    zone_begin(&drive, 60);
    freshet_drive_at(&drive, 42999);
    assert_int_equal(freshet_drive_read(&drive), 1);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 0);
    freshet_drive_at(&drive, 43000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_end(&drive);
}

struct zone_life {
    int64_t ttl_s;
    int64_t due_ms;    /* min(15 s, TTL/4) + min(2 s, TTL/30) */
    int64_t danger_ms; /* min(5 s, TTL/12) */
};

/* One life: refreshed once, then; answered before danger, waiting in it, whatever the refresh does;
 * gone at its end. The refresh hangs, and longer than the whole life. */
static void zone_borders(const struct zone_life *life)
{
    struct policy policy = freshet_policy_default();
    struct drive_token token = freshet_drive_token(1, 0, life->ttl_s);
    int64_t ttl_ms = life->ttl_s * 1000;
    struct drive drive;

    policy.request_timeout_ms = ttl_ms;
    freshet_drive_ready_with(&drive, &policy, &token);
    freshet_drive_at(&drive, ttl_ms - life->due_ms - 1);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 0);
    freshet_drive_at(&drive, ttl_ms - life->due_ms);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_at(&drive, ttl_ms - life->danger_ms - 1);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_at(&drive, ttl_ms - life->danger_ms);
    assert_int_equal(freshet_drive_read(&drive), 0);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_at(&drive, ttl_ms - 1);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 1);
    freshet_drive_at(&drive, ttl_ms);
    assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 0);
    freshet_drive_end(&drive);
}

static void s3_s4_borders_of_lives_from_two_seconds_to_a_day(void **state)
{
    static const struct zone_life lives[] = {
        {2, 566, 166},       {3, 850, 250},        {5, 1416, 416},    {6, 1700, 500},
        {17, 4816, 1416},    {18, 5100, 1500},     {25, 7083, 2083},  {30, 8500, 2500},
        {59, 16716, 4916},   {60, 17000, 5000},    {61, 17000, 5000}, {300, 17000, 5000},
        {3600, 17000, 5000}, {DAY_S, 17000, 5000},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(lives); i++) {
        zone_borders(&lives[i]);
    }
}

/* The issuer answers at once, for ten lives: one request a cycle, never a call that waits. */
static void zone_cycles(int64_t ttl_s)
{
    struct drive drive;
    int64_t last_ms = 0;

    zone_begin(&drive, ttl_s);
    for (int n = 1; n <= 10; n++) {
        struct drive_token next;

        while (freshet_drive_count(&drive, ON_TOKENS) < n) {
            freshet_drive_at(&drive, drive.t_ms + 1);
        }
        assert_int_equal(freshet_drive_read(&drive), n);
        assert_true(drive.t_ms - last_ms >= ttl_s * 1000 / 4);
        last_ms = drive.t_ms;
        next = freshet_drive_token(n + 1, drive.t_ms / 1000, ttl_s);
        freshet_drive_answer_next(&drive, &next);
        assert_int_equal(freshet_drive_read(&drive), n + 1);
        assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), n);
    }
    freshet_drive_end(&drive);
}

static void s5_short_lives_are_kept_going_with_one_request_each(void **state)
{
    static const int64_t lives_s[] = {2, 3, 5, 6, 17, 18, 25, 60};

    (void)state;
    for (size_t i = 0; i < LENGTH(lives_s); i++) {
        zone_cycles(lives_s[i]);
    }
}

/* ---- no acceleration ---- */

/* A policy under which every token is due for ever: spacing alone is left, whoever brings tokens. */
static void rc_20_no_policy_makes_a_loop(void **state)
{
    struct policy policy = freshet_policy_default();
    struct drive_token token = freshet_drive_token(1, 0, 60);
    struct drive drive;

    (void)state;
    policy.leeway_ms = 100000;
    freshet_drive_ready_with(&drive, &policy, &token);
    freshet_drive_at(&drive, 3000);
    freshet_drive_touch(&drive, freshet_drive_token(2, 3, 60));
    freshet_drive_at(&drive, 7999);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 0);
    for (int n = 1; n <= 10; n++) {
        int64_t t_s = 3 + 5 * n;
        struct drive_token next = freshet_drive_token(2 + n, t_s, 60);

        freshet_drive_at(&drive, t_s * 1000 - 1);
        assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), n - 1);
        freshet_drive_at(&drive, t_s * 1000);
        assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), n);
        freshet_drive_answer_next(&drive, &next);
    }
    freshet_drive_end(&drive);
}

/* Ten minutes with a touch in most half minutes, whose client carries a token: each token puts the
 * refresh off, and none ever comes sooner than 43 s after the one before. */
static void c11_touches_and_switches_do_not_speed_refreshes_up(void **state)
{
    struct drive drive;
    int number = 1;
    int64_t last_ms = 0;

    (void)state;
    zone_begin(&drive, 60);
    for (int64_t t_s = 1; t_s <= 600; t_s++) {
        struct drive_token token = freshet_drive_token(0, t_s, 60);

        freshet_drive_at(&drive, t_s * 1000);
        if (freshet_drive_waiting(&drive, ON_TOKENS) != NULL) {
            assert_true(drive.t_ms - last_ms >= 43000);
            token.number = ++number;
            freshet_drive_answer_next(&drive, &token);
            last_ms = drive.t_ms;
        }
        if (t_s % 30 == 0 && t_s % 120 != 0) {
            token.number = ++number;
            freshet_drive_touch(&drive, token);
            last_ms = drive.t_ms;
        }
        assert_null(freshet_drive_waiting(&drive, ON_TOKENS));
    }
    assert_true(freshet_drive_count(&drive, ON_TOKENS) <= 600 / 43);
    freshet_drive_end(&drive);
}

/* Two organizations in turn, five times: every switch is one touch, every key one refresh a cycle. */
static void c11_switching_to_and_fro_leaves_one_refresh_for_each_key(void **state)
{
    static const char *const organizations[] = {"org_a", ""};
    struct drive drive;
    int number = 1;

    (void)state;
    zone_begin(&drive, 60);
    for (int i = 0; i < 10; i++) {
        struct drive_token token = freshet_drive_token(++number, i, 60);

        freshet_drive_at(&drive, i * 1000);
        freshet_drive_organization(&drive, organizations[i % 2]);
        token.organization = organizations[i % 2];
        freshet_drive_answer_client(&drive, freshet_drive_waiting(&drive, ON_TOUCH), &token);
        assert_int_equal(freshet_drive_read(&drive), number);
    }
    assert_int_equal(freshet_drive_count(&drive, ON_TOUCH), 10);
    freshet_drive_at(&drive, 50999);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 0);
    freshet_drive_at(&drive, 52000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 2);
    assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, 1), 51000);
    assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, 2), 52000);
    freshet_drive_end(&drive);
}

/* ---- no late request ---- */

/* The machine slept over the refresh point and the end of the token: nothing is sent for nobody. */
static void zone_wakes_expired(enum event_kind first, enum event_kind second)
{
    struct drive drive;
    struct drive_token token = freshet_drive_token(2, 28800, 60);

    zone_begin(&drive, 60);
    freshet_drive_at(&drive, 30000);
    freshet_drive_freeze(&drive, 28800000);
    freshet_drive_event(&drive, first);
    freshet_drive_event(&drive, second);
    freshet_drive_at(&drive, 28900000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 0);
    freshet_drive_freeze(&drive, 28900000);
    assert_int_equal(freshet_drive_read(&drive), 0);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    token.iat_s = 28900;
    freshet_drive_answer_next(&drive, &token);
    assert_int_equal(freshet_drive_read(&drive), 2);
    freshet_drive_end(&drive);
}

static void c13_a_late_timer_sends_nothing_for_an_expired_token(void **state)
{
    (void)state;
    zone_wakes_expired(EVENT_WAKE, EVENT_TICK);
    zone_wakes_expired(EVENT_TICK, EVENT_WAKE);
}

static void c13_a_late_timer_refreshes_a_token_that_lives_at_once(void **state)
{
    struct drive drive;

    (void)state;
    zone_begin(&drive, 60);
    freshet_drive_at(&drive, 30000);
    freshet_drive_freeze(&drive, 50000);
    freshet_drive_event(&drive, EVENT_WAKE);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    assert_int_equal(freshet_drive_waiting(&drive, ON_TOKENS)->cause, CAUSE_WAKE);
    assert_int_equal(freshet_drive_read(&drive), 1);
    freshet_drive_end(&drive);
}

static void c13_a_late_retry_for_an_expired_token_that_nobody_waits_for_is_given_up(void **state)
{
    struct drive drive;

    (void)state;
    zone_begin(&drive, 60);
    freshet_drive_at(&drive, 43000);
    freshet_drive_fail_next(&drive, 500);
    freshet_drive_freeze(&drive, 28800000);
    freshet_drive_event(&drive, EVENT_WAKE);
    freshet_drive_at(&drive, 28900000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_end(&drive);
}

static void c13_a_standing_want_is_refreshed_after_any_sleep(void **state)
{
    struct drive drive;

    (void)state;
    zone_begin(&drive, 60);
    freshet_drive_want(&drive, 1);
    freshet_drive_at(&drive, 30000);
    freshet_drive_freeze(&drive, 28800000);
    freshet_drive_event(&drive, EVENT_WAKE);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_end(&drive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s4_a_minute_is_answered_at_5001_ms_and_waits_at_5000),
        cmocka_unit_test(s2_a_minute_is_due_at_17_seconds_and_not_before),
        cmocka_unit_test(s3_s4_borders_of_lives_from_two_seconds_to_a_day),
        cmocka_unit_test(s5_short_lives_are_kept_going_with_one_request_each),
        cmocka_unit_test(rc_20_no_policy_makes_a_loop),
        cmocka_unit_test(c11_touches_and_switches_do_not_speed_refreshes_up),
        cmocka_unit_test(c11_switching_to_and_fro_leaves_one_refresh_for_each_key),
        cmocka_unit_test(c13_a_late_timer_sends_nothing_for_an_expired_token),
        cmocka_unit_test(c13_a_late_timer_refreshes_a_token_that_lives_at_once),
        cmocka_unit_test(c13_a_late_retry_for_an_expired_token_that_nobody_waits_for_is_given_up),
        cmocka_unit_test(c13_a_standing_want_is_refreshed_after_any_sleep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
