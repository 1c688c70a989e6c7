/*
 * The issuer's clock of core/clock.h: intervals, intersected answer by answer.
 */
#include "core/clock.h"

int64_t freshet_clock_offset(const struct issuer_clock *clock, struct now now)
{
    if (clock->known) {
        return clock->offset_ms;
    }
    return clock->assumed ? clock->assumed_ms : now.wall_ms - now.boot_ms;
}

void freshet_clock_assume(struct issuer_clock *clock, int64_t offset_ms)
{
    clock->assumed = true;
    clock->assumed_ms = offset_ms;
}

int64_t freshet_clock_now(const struct issuer_clock *clock, struct now now)
{
    return now.boot_ms + freshet_clock_offset(clock, now);
}

/* What one answer alone says; false if it says nothing. */
static bool clock_bounds(const struct clock_sample *sample, int64_t *lo_ms, int64_t *hi_ms)
{
    *lo_ms = INT64_MIN;
    *hi_ms = INT64_MAX;
    if (sample->date_s > 0) {
        *lo_ms = sample->date_s * 1000 - sample->received_boot_ms;
        *hi_ms = sample->date_s * 1000 + 999 - sample->sent_boot_ms;
    }
    if (sample->iat_s > 0) {
        *lo_ms = freshet_max(*lo_ms, sample->iat_s * 1000 - sample->received_boot_ms);
        *hi_ms = freshet_max(*hi_ms, *lo_ms);
    }
    return sample->date_s > 0 || sample->iat_s > 0;
}

static void clock_intersect(struct issuer_clock *clock, int64_t lo_ms, int64_t hi_ms)
{
    int64_t lo = freshet_max(clock->lo_ms, lo_ms);
    int64_t hi = freshet_min(clock->bounded ? clock->hi_ms : INT64_MAX, hi_ms);

    if (lo > hi) {
        lo = lo_ms;
        hi = hi_ms;
    }
    clock->lo_ms = lo;
    clock->hi_ms = hi;
    clock->bounded = hi != INT64_MAX;
}

void freshet_clock_observe(struct issuer_clock *clock, const struct clock_sample *sample,
                           struct now now)
{
    int64_t lo = 0;
    int64_t hi = 0;

    if (!clock_bounds(sample, &lo, &hi)) {
        return;
    }
    if (!clock->known) {
        *clock = (struct issuer_clock){
            .known = true, .lo_ms = INT64_MIN, .wall_ms = now.wall_ms - now.boot_ms};
    }
    clock_intersect(clock, lo, hi);
    if (clock->wall_ms >= clock->lo_ms && (!clock->bounded || clock->wall_ms <= clock->hi_ms)) {
        clock->offset_ms = clock->wall_ms;
    } else {
        clock->offset_ms = clock->bounded ? clock->hi_ms : clock->lo_ms;
    }
}

int64_t freshet_clock_error(const struct issuer_clock *clock)
{
    return clock->known && clock->bounded ? clock->offset_ms - clock->lo_ms : FRESHET_NEVER;
}
