/*
 * The clocks of runtime/clock.h.
 */
#include "runtime/clock.h"

#include <time.h>

static int64_t clock_ms(clockid_t id)
{
    struct timespec time = {0};

    clock_gettime(id, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

struct now freshet_clock_sample(void)
{
    return (struct now){.boot_ms = clock_ms(CLOCK_BOOTTIME), .wall_ms = clock_ms(CLOCK_REALTIME)};
}

int64_t freshet_clock_boot_ms(void)
{
    return clock_ms(CLOCK_BOOTTIME);
}

int64_t freshet_clock_awake_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}
