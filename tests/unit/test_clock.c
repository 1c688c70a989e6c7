/* The issuer's clock, as core/clock believes it. */
#include "cmocka_all.h"

#include "core/clock.h"

#define BOOT 1000000
#define WALL 1700000000000

static struct now at(int64_t t_ms)
{
    return (struct now){.boot_ms = BOOT + t_ms, .wall_ms = WALL + t_ms};
}

/* One answer with a Date of an issuer that is ahead of us by so much. */
static void answer(struct issuer_clock *clock, int64_t t_ms, int64_t ahead_ms, struct now now)
{
    const struct clock_sample sample = {.sent_boot_ms = BOOT + t_ms - 50,
                                        .received_boot_ms = BOOT + t_ms,
                                        .date_s = (WALL + t_ms - 20 + ahead_ms) / 1000};

    freshet_clock_observe(clock, &sample, now);
}

static void the_wall_clock_counts_until_an_answer_comes(void **state)
{
    struct issuer_clock clock = {0};

    (void)state;
    assert_int_equal(freshet_clock_now(&clock, at(5)), WALL + 5);
    assert_int_equal(freshet_clock_error(&clock), FRESHET_NEVER);
}

static void a_right_wall_clock_is_taken_exactly(void **state)
{
    struct issuer_clock clock = {0};

    (void)state;
    answer(&clock, 300, 0, at(300));
    assert_int_equal(freshet_clock_now(&clock, at(400)), WALL + 400);
}

static void a_wrong_wall_clock_gives_the_latest_time_possible(void **state)
{
    static const int64_t ahead[] = {-3600000, -58000, -20000, 20000, 42000, 3600000};

    (void)state;
    for (size_t i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
        struct issuer_clock clock = {0};
        int64_t error = 0;

        answer(&clock, 300, ahead[i], at(300));
        error = freshet_clock_now(&clock, at(300)) - (WALL + 300 + ahead[i]);
        assert_in_range(error, 0, 1050);
        assert_true(freshet_clock_error(&clock) >= error);
    }
}

static void answers_narrow_the_interval(void **state)
{
    struct issuer_clock clock = {0};
    int64_t first = 0;

    (void)state;
    answer(&clock, 0, 20000, at(0));
    first = freshet_clock_error(&clock);
    for (int64_t t = 137; t < 20000; t += 137) {
        answer(&clock, t, 20000, at(t));
    }
    assert_true(freshet_clock_error(&clock) < first / 2);
}

static void an_issuer_that_jumps_is_followed(void **state)
{
    struct issuer_clock clock = {0};

    (void)state;
    answer(&clock, 300, 20000, at(300));
    answer(&clock, 600, -20000, at(600));
    assert_in_range(freshet_clock_now(&clock, at(600)) - (WALL + 600 - 20000), 0, 1050);
}

static void a_step_of_our_own_clock_changes_nothing(void **state)
{
    struct issuer_clock clock = {0};
    struct now stepped = at(600);

    (void)state;
    answer(&clock, 300, 0, at(300));
    stepped.wall_ms += 7200000;
    answer(&clock, 600, 0, stepped);
    assert_int_equal(freshet_clock_now(&clock, stepped), WALL + 600);
}

static void an_iat_alone_bounds_from_below(void **state)
{
    const struct clock_sample sample = {
        .sent_boot_ms = BOOT, .received_boot_ms = BOOT, .iat_s = (WALL + 50000) / 1000};
    struct issuer_clock clock = {0};

    (void)state;
    freshet_clock_observe(&clock, &sample, at(0));
    assert_int_equal(freshet_clock_now(&clock, at(0)), WALL + 50000);
    assert_int_equal(freshet_clock_error(&clock), FRESHET_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wall_clock_counts_until_an_answer_comes),
        cmocka_unit_test(a_right_wall_clock_is_taken_exactly),
        cmocka_unit_test(a_wrong_wall_clock_gives_the_latest_time_possible),
        cmocka_unit_test(answers_narrow_the_interval),
        cmocka_unit_test(an_issuer_that_jumps_is_followed),
        cmocka_unit_test(a_step_of_our_own_clock_changes_nothing),
        cmocka_unit_test(an_iat_alone_bounds_from_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
