/*
 * Time as the engine knows it: a sample that the pump took, never a clock that is read.
 *
 * Boot time counts through suspend and cannot be set, so every deadline is boot time. Wall time is
 * used once, to judge whether the machine's clock agrees with the issuer's (core/clock.h).
 */
#ifndef FRESHET_CORE_TIME_H
#define FRESHET_CORE_TIME_H

#include <stdint.h>

#define FRESHET_NEVER INT64_MAX

struct now {
    int64_t boot_ms;
    int64_t wall_ms; /* since 1970 */
};

static inline int64_t freshet_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t freshet_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
