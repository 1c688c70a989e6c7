/*
 * The issuer's clock, bounded against boot time.
 *
 * Every answer narrows an interval for (issuer's time - boot time): a Date header from both sides,
 * a token's iat from below. If "our wall clock is right" lies inside, that is taken, exactly;
 * otherwise the latest time possible, so that no token is ever thought younger than it is. The wall
 * clock is sampled with the first answer and not used again: a step of it changes nothing.
 */
#ifndef FRESHET_CORE_CLOCK_H
#define FRESHET_CORE_CLOCK_H

#include <stdbool.h>

#include "core/time.h"

struct issuer_clock {
    bool known;        /* at least one answer has been seen */
    bool bounded;      /* an upper bound is known */
    int64_t lo_ms;     /* issuer - boot, at least */
    int64_t hi_ms;     /* at most, when bounded */
    int64_t wall_ms;   /* wall - boot, sampled with the first answer */
    int64_t offset_ms; /* what is believed: issuer - boot */
    bool assumed;      /* what another process, or an earlier run, believed: it counts until then */
    int64_t assumed_ms;
};

/* What one answer says about the issuer's clock. */
struct clock_sample {
    int64_t sent_boot_ms;
    int64_t received_boot_ms;
    int64_t date_s; /* the Date header, 0 when there was none */
    int64_t iat_s;  /* a fetched token's iat, 0 when there was none */
};

/* Takes over what another process or an earlier run believed of (issuer - boot). */
void freshet_clock_assume(struct issuer_clock *clock, int64_t offset_ms);

/* The issuer's time now, in ms since 1970; until an answer has been seen what was assumed, else the
 * wall clock's. */
int64_t freshet_clock_now(const struct issuer_clock *clock, struct now now);

/* issuer's time - boot time, as believed now. */
int64_t freshet_clock_offset(const struct issuer_clock *clock, struct now now);

/* Takes one answer in. */
void freshet_clock_observe(struct issuer_clock *clock, const struct clock_sample *sample,
                           struct now now);

/* How far the believed time can be ahead of the issuer's, at most; FRESHET_NEVER when unbounded. */
int64_t freshet_clock_error(const struct issuer_clock *clock);

#endif
