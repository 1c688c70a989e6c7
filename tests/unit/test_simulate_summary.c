/*
 * The summary: the sliding minute, and what counts as waiting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "simulate/summary.h"

static void the_busiest_minute_is_half_open(void **state)
{
    struct summary summary = {.gets = 0};

    (void)state;
    assert_true(freshet_sim_summary_request(&summary, ON_TOKENS, 0));
    assert_true(freshet_sim_summary_request(&summary, ON_TOKENS, 60000));
    assert_int_equal(summary.per_minute_max, 1);
    assert_true(freshet_sim_summary_request(&summary, ON_CLIENT, 60000));
    assert_int_equal(summary.per_minute_max, 1);
    for (int i = 0; i < 500; i++)
        assert_true(freshet_sim_summary_request(&summary, ON_TOKENS, 100000 + i));
    assert_true(freshet_sim_summary_request(&summary, ON_TOKENS, 159999));
    assert_int_equal(summary.per_minute_max, 501);
    assert_true(freshet_sim_summary_request(&summary, ON_TOKENS, 400000));
    assert_int_equal(summary.minute_count, 1);
    assert_int_equal(summary.requests[ON_TOKENS], 504);
    freshet_sim_summary_free(&summary);
}

static void calls_are_counted_as_they_end(void **state)
{
    struct summary summary = {.gets = 0};
    struct ending waited = {.waited_ms = 30, .usable = true};
    struct ending at_once = {.usable = true, .error = true, .expired = true};
    char text[1024];

    (void)state;
    for (int i = 0; i < 3; i++)
        freshet_sim_summary_get(&summary);
    freshet_sim_summary_got(&summary, &waited);
    freshet_sim_summary_got(&summary, &at_once);
    assert_int_equal(freshet_sim_summary_open(&summary), 1);
    assert_true(freshet_sim_summary_json(&summary, 9, text, sizeof text) > 0);
    assert_non_null(strstr(text, "\"gets\":3,\"waited\":1,\"waited_while_usable\":1,\"errors\":1,"
                                 "\"open\":1,\"served_expired\":1,\"max_wait_ms\":30,"));
    assert_int_equal(freshet_sim_summary_json(&summary, 9, text, 40), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_busiest_minute_is_half_open),
        cmocka_unit_test(calls_are_counted_as_they_end),
    };

    return cmocka_run_group_tests_name("simulate_summary", tests, NULL, NULL);
}
