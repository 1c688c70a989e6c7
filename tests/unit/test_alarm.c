/*
 * The alarm rings when it is told to, and not otherwise; the vigil takes no news for news.
 */
#include "cmocka_all.h"

#include "core/time.h"
#include "runtime/alarm.h"
#include "runtime/clock.h"
#include "runtime/vigil.h"

struct bell {
    uv_loop_t loop;
    struct alarm alarm;
    int rings;
    int64_t rang_ms;
};

static void bell_rings(void *context)
{
    struct bell *bell = context;

    bell->rings++;
    bell->rang_ms = freshet_clock_sample().boot_ms;
    uv_stop(&bell->loop);
}

static void bell_open(struct bell *bell)
{
    *bell = (struct bell){0};
    assert_int_equal(uv_loop_init(&bell->loop), 0);
    assert_int_equal(freshet_alarm_init(&bell->alarm, &bell->loop, bell_rings, bell), 0);
}

static void bell_close(struct bell *bell)
{
    freshet_alarm_close(&bell->alarm);
    freshet_alarm_close(&bell->alarm);
    uv_run(&bell->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bell->loop), 0);
}

static void rings_at_its_time_and_once(void **state)
{
    struct bell bell;
    int64_t at_ms = 0;

    (void)state;
    bell_open(&bell);
    at_ms = freshet_clock_sample().boot_ms + 20;
    freshet_alarm_set(&bell.alarm, at_ms);
    uv_run(&bell.loop, UV_RUN_DEFAULT);
    assert_int_equal(bell.rings, 1);
    assert_true(bell.rang_ms >= at_ms);
    uv_run(&bell.loop, UV_RUN_NOWAIT);
    assert_int_equal(bell.rings, 1);
    bell_close(&bell);
}

static void rings_on_the_next_turn_for_a_time_that_is_past(void **state)
{
    const int64_t past_ms[] = {INT64_MIN, -1, 0, 1, freshet_clock_sample().boot_ms - 5};
    struct bell bell;

    (void)state;
    bell_open(&bell);
    for (int i = 0; i < 5; i++) {
        freshet_alarm_set(&bell.alarm, past_ms[i]);
        uv_run(&bell.loop, UV_RUN_NOWAIT);
        assert_int_equal(bell.rings, i + 1);
    }
    bell_close(&bell);
}

static void is_silent_when_there_is_nothing_to_wait_for(void **state)
{
    struct bell bell;

    (void)state;
    bell_open(&bell);
    uv_run(&bell.loop, UV_RUN_NOWAIT);
    freshet_alarm_set(&bell.alarm, 1);
    freshet_alarm_set(&bell.alarm, FRESHET_NEVER);
    uv_run(&bell.loop, UV_RUN_NOWAIT);
    assert_int_equal(bell.rings, 0);
    bell_close(&bell);
}

static void follows_the_last_time_it_was_given(void **state)
{
    struct bell bell;

    (void)state;
    bell_open(&bell);
    freshet_alarm_set(&bell.alarm, freshet_clock_sample().boot_ms + 3600000);
    freshet_alarm_set(&bell.alarm, freshet_clock_sample().boot_ms + 5);
    uv_run(&bell.loop, UV_RUN_DEFAULT);
    assert_int_equal(bell.rings, 1);
    bell_close(&bell);
}

static void vigil_counter(void *context)
{
    (*(int *)context)++;
}

static void vigil_is_quiet_while_nothing_happens(void **state)
{
    struct vigil vigil = {0};
    uv_loop_t loop;
    int steps = 0;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(freshet_vigil_init(&vigil, &loop, vigil_counter, &steps), 0);
    assert_false(freshet_vigil_has_slept(&vigil));
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(steps, 0);
    freshet_vigil_close(&vigil);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* Boot time ran while the machine did not: the gap to awake time is wider than it was. */
static void vigil_notices_a_sleep_once(void **state)
{
    struct vigil vigil = {0};

    (void)state;
    (void)freshet_vigil_has_slept(&vigil);
    assert_false(freshet_vigil_has_slept(&vigil));
    vigil.asleep_ms -= 60000;
    assert_true(freshet_vigil_has_slept(&vigil));
    assert_false(freshet_vigil_has_slept(&vigil));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rings_at_its_time_and_once),
        cmocka_unit_test(rings_on_the_next_turn_for_a_time_that_is_past),
        cmocka_unit_test(is_silent_when_there_is_nothing_to_wait_for),
        cmocka_unit_test(follows_the_last_time_it_was_given),
        cmocka_unit_test(vigil_is_quiet_while_nothing_happens),
        cmocka_unit_test(vigil_notices_a_sleep_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
