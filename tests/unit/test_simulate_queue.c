/*
 * The queue: own time, then steps before answers, then age.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "simulate/queue.h"

static void items_come_out_in_their_order(void **state)
{
    struct queue queue = {.items = NULL};
    uint32_t noise = 12345;
    struct item last = {.own_ms = -1};

    (void)state;
    for (uint64_t i = 0; i < 2000; i++) {
        struct item item = {.age = i};

        noise = noise * 1664525u + 1013904223u;
        item.own_ms = (noise >> 16) % 50;
        item.class = (noise >> 8) % 2 == 0 ? CLASS_STEP : CLASS_ANSWER;
        assert_true(freshet_sim_queue_push(&queue, &item));
    }
    for (int i = 0; i < 2000; i++) {
        struct item item = freshet_sim_queue_pop(&queue);

        assert_true(freshet_sim_item_before(&last, &item));
        last = item;
    }
    assert_null(freshet_sim_queue_first(&queue));
    freshet_sim_queue_free(&queue);
}

static void a_deadline_yields_to_an_answer_of_the_same_time(void **state)
{
    struct item deadline = {.own_ms = 5, .class = CLASS_DEADLINE, .age = 1};
    struct item answer = {.own_ms = 5, .class = CLASS_ANSWER, .age = 2};
    struct item later = {.own_ms = 6, .class = CLASS_STEP, .age = 0};

    (void)state;
    assert_true(freshet_sim_item_before(&answer, &deadline));
    assert_true(freshet_sim_item_before(&deadline, &later));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_their_order),
        cmocka_unit_test(a_deadline_yields_to_an_answer_of_the_same_time),
    };

    return cmocka_run_group_tests_name("simulate_queue", tests, NULL, NULL);
}
