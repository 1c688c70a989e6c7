/*
 * The schedule of a flight: behaviour rows RT-1 to RT-9, with their options put into the policy.
 *
 * Where a row speaks of an option of the reference's generic retry helper that Freshet has not, one
 * rule stands in its place: the first attempt is made at once, each delay counts from the failure
 * before, and a refusal ends the flight.
 */
#include "cmocka_all.h"

#include "engine_drive.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* A session without a token, under a policy of retries, with one call that waits from t = 0. */
static ticket_id schedule_begin(struct drive *drive, struct policy policy)
{
    const struct get_options options = freshet_drive_options();

    freshet_drive_ready_with(drive, &policy, NULL);
    return freshet_drive_get(drive, &options);
}

static struct policy schedule_policy(int64_t first_ms, double factor, int32_t attempts)
{
    struct policy policy = freshet_policy_default();

    policy.retry_first_ms = first_ms;
    policy.retry_factor = factor;
    policy.retry_attempts = attempts;
    return policy;
}

/* Attempts are made at exactly these times; each fails at once, with 500, 501, 502 ... The call gets
 * the last failure, and nothing is sent after it. */
static void schedule_exhausts(struct policy policy, const int64_t *times_ms, int count)
{
    struct drive drive;
    ticket_id ticket = 0;

    policy.retry_attempts = count;
    ticket = schedule_begin(&drive, policy);
    for (int n = 1; n <= count; n++) {
        freshet_drive_at(&drive, times_ms[n - 1]);
        assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), n);
        assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, n), times_ms[n - 1]);
        assert_int_equal(freshet_drive_waiting(&drive, ON_TOKENS)->attempt, n);
        assert_null(freshet_drive_result(&drive, ticket));
        freshet_drive_fail_next(&drive, 499 + n);
    }
    assert_int_equal(freshet_drive_result(&drive, ticket)->status, FRESHET_UPSTREAM);
    assert_int_equal(freshet_drive_result(&drive, ticket)->http_status, 499 + count);
    freshet_drive_at(&drive, drive.t_ms + 600000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), count);
    freshet_drive_end(&drive);
}

static void rt_1_a_first_success_is_the_answer(void **state)
{
    struct drive drive;
    struct drive_token token = freshet_drive_token(1, 0, 60);
    ticket_id ticket = schedule_begin(&drive, freshet_policy_default());

    (void)state;
    freshet_drive_answer_next(&drive, &token);
    assert_int_equal(freshet_drive_result(&drive, ticket)->token, 1);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_end(&drive);
}

static void rt_2_one_failure_costs_one_delay(void **state)
{
    struct drive drive;
    struct drive_token token = freshet_drive_token(1, 0, 60);
    ticket_id ticket = schedule_begin(&drive, schedule_policy(100, 1, 9));

    (void)state;
    freshet_drive_fail_next(&drive, 500);
    freshet_drive_at(&drive, 99);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_at(&drive, 100);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 2);
    freshet_drive_answer_next(&drive, &token);
    assert_int_equal(freshet_drive_result(&drive, ticket)->token, 1);
    assert_true(freshet_drive_result(&drive, ticket)->t_ms <= 200);
    freshet_drive_end(&drive);
}

static void rt_3_delays_grow_to_the_cap_and_the_last_error_surfaces(void **state)
{
    static const int64_t times_ms[] = {0, 100, 400, 700, 1000};
    struct policy policy = schedule_policy(100, 3, 0);

    (void)state;
    policy.retry_cap_ms = 300;
    schedule_exhausts(policy, times_ms, LENGTH(times_ms));
}

static void rt_4_delays_double(void **state)
{
    static const int64_t times_ms[] = {0, 200, 600};

    (void)state;
    schedule_exhausts(schedule_policy(200, 2, 0), times_ms, LENGTH(times_ms));
}

/* Freshet's rule: there is no immediate second attempt; the first delay follows the first failure. */
static void rt_5_no_second_attempt_is_made_at_once(void **state)
{
    static const int64_t times_ms[] = {0, 1000, 3000};

    (void)state;
    schedule_exhausts(schedule_policy(1000, 2, 0), times_ms, LENGTH(times_ms));
}

static void rt_6_each_delay_counts_from_the_failure_before(void **state)
{
    struct drive drive;

    (void)state;
    (void)schedule_begin(&drive, schedule_policy(200, 2, 3));
    freshet_drive_at(&drive, 50);
    freshet_drive_fail_next(&drive, 500);
    freshet_drive_at(&drive, 300);
    assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, 2), 250);
    freshet_drive_fail_next(&drive, 500);
    freshet_drive_at(&drive, 1000);
    assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, 3), 700);
    freshet_drive_end(&drive);
}

/* Freshet's rule: what may be tried again is the outcome's business; a refusal never is. */
static void rt_7_a_refusal_is_told_at_once_and_not_tried_again(void **state)
{
    struct drive drive;
    ticket_id ticket = schedule_begin(&drive, schedule_policy(100, 1, 9));

    (void)state;
    freshet_drive_fail_next(&drive, 404);
    assert_int_equal(freshet_drive_result(&drive, ticket)->status, FRESHET_REFUSED);
    assert_int_equal(freshet_drive_result(&drive, ticket)->http_status, 404);
    freshet_drive_at(&drive, 60000);
    assert_int_equal(freshet_drive_count(&drive, ON_TOKENS), 1);
    freshet_drive_end(&drive);
}

static void rt_8_delays_grow_by_any_factor(void **state)
{
    static const int64_t times_ms[] = {0, 100, 500, 2100};

    (void)state;
    schedule_exhausts(schedule_policy(100, 4, 0), times_ms, LENGTH(times_ms));
}

/* The times of all attempts under jitter; how many there were. */
static int schedule_jittered(uint32_t calls_before, int64_t times_ms[3])
{
    struct drive drive;
    struct policy policy = schedule_policy(100, 1, 3);
    int count = 0;

    policy.jitter = 1;
    (void)schedule_begin(&drive, policy);
    for (uint32_t i = 0; i < calls_before; i++) {
        (void)freshet_drive_read(&drive);
    }
    for (int64_t t_ms = 0; t_ms <= 2000; t_ms++) {
        freshet_drive_at(&drive, t_ms);
        if (freshet_drive_waiting(&drive, ON_TOKENS) != NULL) {
            freshet_drive_fail_next(&drive, 500);
        }
    }
    count = freshet_drive_count(&drive, ON_TOKENS);
    for (int n = 1; n <= 3 && n <= count; n++) {
        times_ms[n - 1] = freshet_drive_sent_at(&drive, ON_TOKENS, n);
    }
    freshet_drive_end(&drive);
    return count;
}

/* The row fixes the random number; here every delay is stretched by up to its whole, from a seed. */
static void rt_9_jitter_stretches_delays_and_repeats_from_its_seed(void **state)
{
    int64_t times_ms[3] = {0};
    int64_t again_ms[3] = {0};

    (void)state;
    assert_int_equal(schedule_jittered(0, times_ms), 3);
    assert_int_equal(times_ms[0], 0);
    assert_in_range(times_ms[1], 101, 200);
    assert_in_range(times_ms[2] - times_ms[1], 101, 200);
    assert_int_not_equal(times_ms[1], times_ms[2] - times_ms[1]);
    assert_int_equal(schedule_jittered(5, again_ms), 3);
    assert_memory_equal(times_ms, again_ms, sizeof(times_ms));
}

static void s43_the_usual_schedule_has_nine_attempts_in_162_seconds(void **state)
{
    static const int64_t times_ms[] = {0, 3000, 7650, 14857, 26029, 43345, 70185, 111787, 161787};

    (void)state;
    schedule_exhausts(freshet_policy_default(), times_ms, LENGTH(times_ms));
}

/* ---- the window: a live token, nobody waits ---- */

static void d26_a_failed_refresh_is_tried_again_inside_the_window(void **state)
{
    static const int64_t times_ms[] = {43000, 46000, 50650, 55000};
    struct drive drive;
    struct drive_token token = freshet_drive_token(1, 0, 60);

    (void)state;
    freshet_drive_ready(&drive, &token);
    for (int n = 1; n <= 4; n++) {
        freshet_drive_at(&drive, times_ms[n - 1]);
        assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, n), times_ms[n - 1]);
        freshet_drive_fail_next(&drive, 500);
        assert_int_equal(freshet_drive_peek(&drive, NULL, NULL), 1);
    }
    freshet_drive_end(&drive);
}

static void d26_the_first_delay_of_the_window_shrinks_with_the_life(void **state)
{
    struct drive drive;
    struct drive_token token = freshet_drive_token(1, 0, 12);

    (void)state;
    freshet_drive_ready(&drive, &token);
    freshet_drive_at(&drive, 8600);
    assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, 1), 8600);
    freshet_drive_fail_next(&drive, 500);
    freshet_drive_at(&drive, 9200);
    assert_int_equal(freshet_drive_sent_at(&drive, ON_TOKENS, 2), 9200);
    freshet_drive_end(&drive);
}

/* ---- Retry-After ---- */

/* A 429 or 503 that asks for this delay: how long the next attempt waits. */
static int64_t schedule_retry_after(int http_status, int64_t asked_ms)
{
    struct drive drive;
    const struct outcome outcome = {.kind = OUTCOME_TRY_LATER,
                                    .http_status = http_status,
                                    .code = "",
                                    .has_retry_after = true,
                                    .retry_after_ms = asked_ms};
    int64_t at_ms = 0;

    (void)schedule_begin(&drive, freshet_policy_default());
    freshet_drive_answer_outcome(&drive, freshet_drive_waiting(&drive, ON_TOKENS), &outcome);
    freshet_drive_at(&drive, 120000);
    at_ms = freshet_drive_sent_at(&drive, ON_TOKENS, 2);
    freshet_drive_end(&drive);
    return at_ms;
}

static void d21_retry_after_replaces_the_delay_between_one_second_and_sixty(void **state)
{
    (void)state;
    assert_int_equal(schedule_retry_after(429, 20000), 20000);
    assert_int_equal(schedule_retry_after(503, 20000), 20000);
    assert_int_equal(schedule_retry_after(429, 0), 1000);
    assert_int_equal(schedule_retry_after(429, 3600000), 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rt_1_a_first_success_is_the_answer),
        cmocka_unit_test(rt_2_one_failure_costs_one_delay),
        cmocka_unit_test(rt_3_delays_grow_to_the_cap_and_the_last_error_surfaces),
        cmocka_unit_test(rt_4_delays_double),
        cmocka_unit_test(rt_5_no_second_attempt_is_made_at_once),
        cmocka_unit_test(rt_6_each_delay_counts_from_the_failure_before),
        cmocka_unit_test(rt_7_a_refusal_is_told_at_once_and_not_tried_again),
        cmocka_unit_test(rt_8_delays_grow_by_any_factor),
        cmocka_unit_test(rt_9_jitter_stretches_delays_and_repeats_from_its_seed),
        cmocka_unit_test(s43_the_usual_schedule_has_nine_attempts_in_162_seconds),
        cmocka_unit_test(d26_a_failed_refresh_is_tried_again_inside_the_window),
        cmocka_unit_test(d26_the_first_delay_of_the_window_shrinks_with_the_life),
        cmocka_unit_test(d21_retry_after_replaces_the_delay_between_one_second_and_sixty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
