/*
 * A look into the engine for status displays. Changes nothing.
 */
#include "core/state.h"

static const char *view_flight_name(enum flight_state state)
{
    switch (state) {
    case FLIGHT_IDLE:
        return "idle";
    case FLIGHT_LEASING:
        return "leasing";
    case FLIGHT_FETCHING:
        return "fetching";
    case FLIGHT_CONFIRMING:
        return "confirming";
    case FLIGHT_BACKOFF:
        return "backoff";
    }
    return "";
}

bool freshet_engine_view_session(const struct engine *engine, session_id id, struct now now,
                                 struct session_view *view)
{
    const struct session *session = id < engine->session_count ? engine->sessions[id] : NULL;

    if (session == NULL || session->issuer == NULL) {
        return false;
    }
    *view = (struct session_view){.status = session->status,
                                  .sid = freshet_name(engine, session->sid),
                                  .organization = freshet_name(engine, session->organization),
                                  .policy = &engine->options.policy,
                                  .clock_known = session->issuer->clock.known,
                                  .clock_offset_ms =
                                      freshet_clock_now(&session->issuer->clock, now) - now.wall_ms,
                                  .clock_error_ms = freshet_clock_error(&session->issuer->clock),
                                  .entry_count = session->entry_count};
    return true;
}

static int view_count_waiters(const struct entry *entry)
{
    int count = 0;

    for (const struct waiter *w = entry->waiters.oldest; w != NULL; w = w->next) {
        count++;
    }
    return count;
}

bool freshet_engine_view_entry(const struct engine *engine, session_id id, uint32_t index,
                               struct now now, struct entry_view *view)
{
    const struct session *session = id < engine->session_count ? engine->sessions[id] : NULL;
    const struct entry *entry = session != NULL ? session->entries : NULL;
    int64_t remaining = 0;

    while (entry != NULL && index-- > 0) {
        entry = entry->next;
    }
    if (entry == NULL) {
        return false;
    }
    if (entry->held.fingerprint != 0) {
        remaining = freshet_max(0, entry->held.exp_s * 1000 -
                                       freshet_clock_now(&session->issuer->clock, now));
    }
    *view = (struct entry_view){
        .key = freshet_entry_key(engine, entry),
        .token = entry->held,
        .remaining_ms = remaining,
        .due_ms = freshet_entry_due(engine, entry),
        .flight = view_flight_name(entry->flight.state),
        .attempt = entry->flight.failures + 1,
        .waiters = view_count_waiters(entry),
        .last_attempt_ms = freshet_max(entry->flight.sent_ms, entry->flight.last.failed_ms),
        .last_status = entry->flight.last.status,
        .last_http_status = entry->flight.last.http_status,
        .next_ms = entry->timer.deadline_ms};
    view->zone = freshet_policy_zone(&engine->options.policy, entry->held.life_ms,
                                     session->issuer->round_trip_ms, remaining);
    return true;
}
