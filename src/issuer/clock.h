/*
 * The issuer's one look at the time. `mono_us` counts from boot and only measures; `wall_ms` is the
 * wall clock, to which world.c adds what the issuer's clock is to be ahead.
 */
#ifndef FRESHET_ISSUER_CLOCK_H
#define FRESHET_ISSUER_CLOCK_H

#include <stdint.h>

struct moment {
    int64_t mono_us;
    int64_t wall_ms;
};

struct moment freshet_moment(void);

#endif
