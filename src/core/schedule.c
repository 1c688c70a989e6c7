/*
 * When the next attempt of a flight is made: the delays of the policy, the end of the window, and
 * what the issuer asks for.
 */
#include "core/state.h"

#define SCHEDULE_RETRY_AFTER_MIN_MS 1000
#define SCHEDULE_RETRY_AFTER_MAX_MS 60000

static int64_t schedule_stretch(struct engine *engine, int64_t delay_ms)
{
    double jitter = engine->options.policy.jitter;
    double part = 0;

    if (jitter <= 0) {
        return delay_ms;
    }
    part = (double)(freshet_engine_random(engine) >> 11) / 9007199254740992.0;
    return delay_ms + (int64_t)((double)delay_ms * jitter * part);
}

/* In the window one attempt is made at the last moment at which nobody has to wait yet. */
static int64_t schedule_window_end(const struct engine *engine, const struct entry *entry)
{
    int64_t end = freshet_entry_expiry(engine, entry) -
                  freshet_policy_min_remaining(&engine->options.policy, entry->held.life_ms);

    if (entry->waiters.oldest != NULL || freshet_entry_remaining(engine, entry) <= 0 ||
        end <= engine->now.boot_ms) {
        return FRESHET_NEVER;
    }
    return end;
}

int64_t freshet_schedule_next(struct engine *engine, const struct entry *entry)
{
    const struct flight *flight = &entry->flight;
    int64_t delay =
        freshet_policy_delay(&engine->options.policy, flight->first_ms, flight->failures);
    int64_t at = engine->now.boot_ms + schedule_stretch(engine, delay);

    return freshet_min(at, schedule_window_end(engine, entry));
}

/* Another process's failure: its delay is kept to, but not past the end of the own window. */
int64_t freshet_schedule_follow(const struct engine *engine, const struct entry *entry,
                                const struct failure *failure)
{
    return failure->for_issuer
               ? failure->not_before_ms
               : freshet_min(failure->not_before_ms, schedule_window_end(engine, entry));
}

/* Retry-After holds for every key of the issuer. */
void freshet_schedule_retry_after(const struct engine *engine, struct issuer *issuer,
                                  int64_t asked_ms)
{
    int64_t delay = freshet_min(freshet_max(asked_ms, SCHEDULE_RETRY_AFTER_MIN_MS),
                                SCHEDULE_RETRY_AFTER_MAX_MS);

    issuer->not_before_ms = freshet_max(issuer->not_before_ms, engine->now.boot_ms + delay);
}

/* A stand-in's first request belongs to its start, which is not to take longer. */
int64_t freshet_schedule_patience(const struct engine *engine, const struct entry *entry)
{
    int64_t timeout = engine->options.policy.request_timeout_ms;

    return entry->flight.cause == CAUSE_OPEN ? freshet_min(timeout, FRESHET_LOAD_LIMIT_MS)
                                             : timeout;
}
