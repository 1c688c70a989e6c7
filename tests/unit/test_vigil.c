/*
 * The vigil notices steps of the wall clock, and a process that was stopped rings late but once.
 */
#include "cmocka_all.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/timex.h>
#include <unistd.h>

#include "runtime/alarm.h"
#include "runtime/clock.h"
#include "runtime/vigil.h"
#include "stopped_child.h"

/* ---- steps ---- */

static void vigil_told(void *context)
{
    (*(int *)context)++;
}

/* The kernel writes the time of day into what it is given: a request must never be made twice with
 * the same structure, or the clock jumps by decades. */
static bool vigil_step_one_nanosecond(void)
{
    struct timex step = {.modes = ADJ_SETOFFSET | ADJ_NANO, .time = {.tv_usec = 1}};

    return clock_adjtime(CLOCK_REALTIME, &step) >= 0;
}

static void every_step_of_the_wall_clock_is_told_once(void **state)
{
    struct vigil vigil = {0};
    uv_loop_t loop;
    bool allowed = true;
    int told = 0;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(freshet_vigil_init(&vigil, &loop, vigil_told, &told), 0);
    for (int steps = 1; steps <= 2 && allowed; steps++) {
        allowed = vigil_step_one_nanosecond();
        if (allowed) {
            uv_run(&loop, UV_RUN_ONCE);
            uv_run(&loop, UV_RUN_NOWAIT);
            assert_int_equal(told, steps);
        }
    }
    freshet_vigil_close(&vigil);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    if (!allowed) {
        skip();
    }
}

/* ---- stops ---- */

/* What parent and child both see. */
struct stop {
    int64_t due_ms;
    int64_t rang_ms;
    int rings;
    bool slept;
};

static void stop_rang(void *context)
{
    struct stop *stop = context;

    stop->rings++;
    stop->rang_ms = freshet_clock_sample().boot_ms;
}

/* Sets an alarm, is stopped across its time, and takes a few turns more than it needs. */
static void stop_child(struct stop *stop)
{
    struct alarm alarm;
    struct vigil vigil;
    uv_loop_t loop;
    int steps = 0;

    if (uv_loop_init(&loop) != 0 || freshet_alarm_init(&alarm, &loop, stop_rang, stop) != 0 ||
        freshet_vigil_init(&vigil, &loop, vigil_told, &steps) != 0) {
        _exit(1);
    }
    stop->due_ms = freshet_clock_sample().boot_ms + 20;
    freshet_alarm_set(&alarm, stop->due_ms);
    uv_run(&loop, UV_RUN_NOWAIT);
    raise(SIGSTOP);
    for (int turn = 0; turn < 4; turn++) {
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    stop->slept = freshet_vigil_has_slept(&vigil);
    freshet_alarm_close(&alarm);
    freshet_vigil_close(&vigil);
    uv_run(&loop, UV_RUN_DEFAULT);
    _exit(uv_loop_close(&loop) == 0 ? 0 : 1);
}

static void a_process_that_was_stopped_rings_late_and_once(void **state)
{
    struct stop *stop =
        mmap(NULL, sizeof(*stop), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = -1;
    int64_t continued_ms = 0;

    (void)state;
    assert_ptr_not_equal(stop, MAP_FAILED);
    child = fork();
    if (child == 0) {
        stop_child(stop);
    }
    assert_true(child > 0);
    assert_int_equal(freshet_child_wait_stopped(child), 0);
    assert_int_equal(freshet_child_wait_until(stop->due_ms + 10), 0);
    continued_ms = freshet_clock_sample().boot_ms;
    assert_int_equal(freshet_child_continue(child), 0);
    assert_int_equal(stop->rings, 1);
    assert_true(stop->rang_ms >= continued_ms);
    assert_true(stop->rang_ms > stop->due_ms);
    assert_false(stop->slept);
    munmap(stop, sizeof(*stop));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_of_the_wall_clock_is_told_once),
        cmocka_unit_test(a_process_that_was_stopped_rings_late_and_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
