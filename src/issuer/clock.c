/*
 * The only file of the issuer that reads a clock.
 */
#include "issuer/clock.h"

#include <time.h>

struct moment freshet_moment(void)
{
    struct timespec mono, wall;

    (void)clock_gettime(CLOCK_MONOTONIC, &mono);
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    return (struct moment){
        .mono_us = (int64_t)mono.tv_sec * 1000000 + mono.tv_nsec / 1000,
        .wall_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000,
    };
}
