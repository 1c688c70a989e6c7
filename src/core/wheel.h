/*
 * The schedule: a flat timing wheel of 16 ms slots that holds every deadline of an engine.
 *
 * Insert, move and remove are constant; one bit per slot finds the next deadline without a walk.
 * Timers beyond the wheel's span stay in their slot for another round, so nothing ever cascades.
 */
#ifndef FRESHET_CORE_WHEEL_H
#define FRESHET_CORE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRESHET_WHEEL_SLOT_MS 16
#define FRESHET_WHEEL_SLOTS   8192

/* What a timer is embedded in, so that its owner can be found again. */
enum timer_kind { TIMER_ENTRY, TIMER_SESSION };

/* Embedded in whatever has a deadline. Zeroed: not armed. */
struct timer {
    enum timer_kind kind;
    struct timer *next;
    struct timer *previous;
    int64_t deadline_ms;
    uint64_t age; /* order of arming, for equal deadlines */
    uint32_t slot;
    bool armed;
    bool in_due;
};

struct wheel {
    struct timer *slots[FRESHET_WHEEL_SLOTS];
    uint64_t occupied[FRESHET_WHEEL_SLOTS / 64];
    struct timer *due; /* sorted, taken one by one */
    int64_t cursor_ms; /* every timer before this has been taken */
    uint64_t age;
    size_t armed;
};

void freshet_wheel_init(struct wheel *wheel, int64_t boot_ms);

/* Arms, or moves. FRESHET_NEVER disarms. A deadline in the past is due at once. */
void freshet_wheel_set(struct wheel *wheel, struct timer *timer, int64_t deadline_ms);

/* The earliest deadline, or FRESHET_NEVER. It may name a time at which nothing is due yet. */
int64_t freshet_wheel_next(const struct wheel *wheel);

/* The oldest timer that is due by now, disarmed, or NULL. Call until NULL. */
struct timer *freshet_wheel_expire(struct wheel *wheel, int64_t boot_ms);

#endif
