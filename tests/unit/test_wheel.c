/* The timing wheel, beside a model that looks at everything. */
#include "cmocka_all.h"

#include <stdlib.h>

#include "core/time.h"
#include "core/wheel.h"

#define TIMERS 300
#define START  123456789

static uint64_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void what_is_due_comes_in_order(void **state)
{
    struct wheel *wheel = malloc(sizeof(*wheel));
    struct timer timers[3] = {{0}};

    (void)state;
    freshet_wheel_init(wheel, START);
    freshet_wheel_set(wheel, &timers[0], START + 500);
    freshet_wheel_set(wheel, &timers[1], START + 20);
    freshet_wheel_set(wheel, &timers[2], START + 500);
    assert_int_equal(freshet_wheel_next(wheel), START + 20);
    assert_null(freshet_wheel_expire(wheel, START + 19));
    assert_ptr_equal(freshet_wheel_expire(wheel, START + 3600000), &timers[1]);
    assert_ptr_equal(freshet_wheel_expire(wheel, START + 3600000), &timers[0]);
    assert_ptr_equal(freshet_wheel_expire(wheel, START + 3600000), &timers[2]);
    assert_null(freshet_wheel_expire(wheel, START + 3600000));
    assert_int_equal(freshet_wheel_next(wheel), FRESHET_NEVER);
    free(wheel);
}

static void a_timer_that_waits_its_turn_can_still_be_moved(void **state)
{
    struct wheel *wheel = malloc(sizeof(*wheel));
    struct timer timers[2] = {{0}};

    (void)state;
    freshet_wheel_init(wheel, START);
    freshet_wheel_set(wheel, &timers[0], START + 10);
    freshet_wheel_set(wheel, &timers[1], START + 11);
    assert_ptr_equal(freshet_wheel_expire(wheel, START + 20), &timers[0]);
    freshet_wheel_set(wheel, &timers[1], START + 100);
    assert_null(freshet_wheel_expire(wheel, START + 20));
    assert_ptr_equal(freshet_wheel_expire(wheel, START + 100), &timers[1]);
    free(wheel);
}

/* A month in one timer, D18: nothing overflows and nothing is early. */
static void far_deadlines_stay(void **state)
{
    struct wheel *wheel = malloc(sizeof(*wheel));
    struct timer timer = {0};
    int64_t month = (int64_t)31 * 86400000;
    int64_t now = START;

    (void)state;
    freshet_wheel_init(wheel, START);
    freshet_wheel_set(wheel, &timer, START + month);
    while (freshet_wheel_next(wheel) < START + month) {
        now = freshet_wheel_next(wheel);
        assert_null(freshet_wheel_expire(wheel, now));
    }
    assert_ptr_equal(freshet_wheel_expire(wheel, START + month), &timer);
    free(wheel);
}

static const struct timer *model_first(const struct timer *timers, int64_t now)
{
    const struct timer *first = NULL;

    for (int i = 0; i < TIMERS; i++) {
        const struct timer *t = &timers[i];

        if (t->armed && t->deadline_ms <= now &&
            (first == NULL || t->deadline_ms < first->deadline_ms ||
             (t->deadline_ms == first->deadline_ms && t->age < first->age))) {
            first = t;
        }
    }
    return first;
}

static void the_wheel_agrees_with_the_model(void **state)
{
    struct wheel *wheel = malloc(sizeof(*wheel));
    struct timer *timers = calloc(TIMERS, sizeof(*timers));
    uint64_t seed = 42;
    int64_t now = START;

    (void)state;
    freshet_wheel_init(wheel, START);
    for (int round = 0; round < 3000; round++) {
        struct timer *timer = &timers[random_next(&seed) % TIMERS];
        int64_t span = random_next(&seed) % 10 == 0 ? 900000 : 400;
        const struct timer *expected = NULL;

        freshet_wheel_set(wheel, timer, now + (int64_t)(random_next(&seed) % (uint64_t)span));
        now += (int64_t)(random_next(&seed) % 100);
        now += random_next(&seed) % 500 == 0 ? 7200000 : 0;
        while ((expected = model_first(timers, now)) != NULL) {
            assert_true(freshet_wheel_next(wheel) <= now);
            assert_ptr_equal(freshet_wheel_expire(wheel, now), expected);
        }
        assert_null(freshet_wheel_expire(wheel, now));
    }
    free(timers);
    free(wheel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_due_comes_in_order),
        cmocka_unit_test(a_timer_that_waits_its_turn_can_still_be_moved),
        cmocka_unit_test(far_deadlines_stay),
        cmocka_unit_test(the_wheel_agrees_with_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
