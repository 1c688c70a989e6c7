/* Zones, caps and delays of core/policy. */
#include "cmocka_all.h"

#include "core/policy.h"
#include "core/time.h"

static const struct policy *defaults(void)
{
    static struct policy policy;

    policy = freshet_policy_default();
    return &policy;
}

static void a_minute_has_its_zones_at_17_and_5_seconds(void **state)
{
    (void)state;
    assert_int_equal(freshet_policy_zone(defaults(), 60000, 0, 17001), ZONE_FRESH);
    assert_int_equal(freshet_policy_zone(defaults(), 60000, 0, 17000), ZONE_DUE);
    assert_int_equal(freshet_policy_zone(defaults(), 60000, 0, 5001), ZONE_DUE);
    assert_int_equal(freshet_policy_zone(defaults(), 60000, 0, 5000), ZONE_DANGER);
    assert_int_equal(freshet_policy_zone(defaults(), 60000, 0, 1), ZONE_DANGER);
    assert_int_equal(freshet_policy_zone(defaults(), 60000, 0, 0), ZONE_NONE);
}

static void every_life_is_refreshed_after_its_middle_and_before_danger(void **state)
{
    (void)state;
    for (int64_t life = 2000; life <= 86400000; life += life / 7) {
        int64_t due = freshet_policy_due(defaults(), life, 0);
        int64_t danger = freshet_policy_min_remaining(defaults(), life);

        assert_true(due <= life / 2);
        assert_true(due > danger);
        assert_true(danger > 0);
        assert_true(freshet_policy_spacing(life) <= life - due);
    }
}

static void a_slow_link_moves_the_refresh_earlier_up_to_half_of_the_life(void **state)
{
    (void)state;
    assert_int_equal(freshet_policy_due(defaults(), 60000, 5999), 17000);
    assert_int_equal(freshet_policy_due(defaults(), 60000, 8000), 21000);
    assert_int_equal(freshet_policy_due(defaults(), 60000, 60000), 30000);
}

static void a_value_that_is_set_is_not_capped(void **state)
{
    struct policy policy = freshet_policy_default();

    (void)state;
    policy.leeway_ms = 9000;
    policy.lead_ms = 500;
    assert_int_equal(freshet_policy_due(&policy, 10000, 0), 9500);
}

static void the_threshold_has_a_floor(void **state)
{
    (void)state;
    assert_int_equal(freshet_policy_threshold(defaults(), 60000, FRESHET_UNSET), 15000);
    assert_int_equal(freshet_policy_threshold(defaults(), 60000, 1000), 5000);
    assert_int_equal(freshet_policy_threshold(defaults(), 60000, 30000), 30000);
    assert_int_equal(freshet_policy_threshold(defaults(), 12000, FRESHET_UNSET), 3000);
}

static void delays_grow_to_the_cap(void **state)
{
    static const int64_t expected[] = {3000, 4650, 7207, 11172, 17316, 26840, 41602, 50000, 50000};

    (void)state;
    for (int failures = 1; failures <= 9; failures++) {
        assert_int_equal(freshet_policy_delay(defaults(), 3000, failures), expected[failures - 1]);
    }
}

static void short_lives_shrink_the_first_delay_of_the_window(void **state)
{
    (void)state;
    assert_int_equal(freshet_policy_window_first(defaults(), 60000), 3000);
    assert_int_equal(freshet_policy_window_first(defaults(), 10000), 500);
    assert_int_equal(freshet_policy_window_first(defaults(), 1000), 100);
    assert_int_equal(freshet_policy_window_first(defaults(), 3600000), 3000);
}

static void a_token_that_is_born_old_lives_for_what_is_left(void **state)
{
    (void)state;
    assert_int_equal(freshet_policy_life(0, 60000, 0), 60000);
    assert_int_equal(freshet_policy_life(0, 60000, 30000), 60000);
    assert_int_equal(freshet_policy_life(0, 60000, 30001), 29999);
    assert_int_equal(freshet_policy_life(0, 60000, 70000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_minute_has_its_zones_at_17_and_5_seconds),
        cmocka_unit_test(every_life_is_refreshed_after_its_middle_and_before_danger),
        cmocka_unit_test(a_slow_link_moves_the_refresh_earlier_up_to_half_of_the_life),
        cmocka_unit_test(a_value_that_is_set_is_not_capped),
        cmocka_unit_test(the_threshold_has_a_floor),
        cmocka_unit_test(delays_grow_to_the_cap),
        cmocka_unit_test(short_lives_shrink_the_first_delay_of_the_window),
        cmocka_unit_test(a_token_that_is_born_old_lives_for_what_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
