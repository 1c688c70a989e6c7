/*
 * Every invariant of the engine, walked after each step by test builds.
 *
 * A broken one is named in a sentence. Nothing here repairs or changes anything.
 */
#include "core/state.h"

static const char *check_flight(const struct engine *engine, const struct entry *entry)
{
    const struct flight *flight = &entry->flight;
    const struct request *request =
        flight->request != 0 ? freshet_request_find(engine, flight->request) : NULL;

    if ((flight->state == FLIGHT_FETCHING) != (request != NULL && !request->abandoned)) {
        return "a flight is fetching exactly while its request is under way";
    }
    if (flight->leased && flight->state != FLIGHT_FETCHING && flight->state != FLIGHT_CONFIRMING) {
        return "a lease is held only while a request is under way";
    }
    if (flight->state == FLIGHT_IDLE && (flight->waited || flight->failures != 0)) {
        return "an idle flight has no schedule";
    }
    if (flight->failures >= engine->options.policy.retry_attempts) {
        return "an exhausted schedule has ended";
    }
    if ((flight->state == FLIGHT_FETCHING || flight->state == FLIGHT_LEASING) &&
        flight->at_ms == FRESHET_NEVER) {
        return "a lease and a request have a deadline";
    }
    return NULL;
}

static const char *check_waiters(const struct engine *engine, const struct entry *entry)
{
    const struct waiter *previous = NULL;

    for (const struct waiter *w = entry->waiters.oldest; w != NULL; w = w->next) {
        if (w->entry != entry || w->previous != previous) {
            return "waiters are linked to their entry and to each other";
        }
        if (freshet_waiter_find(engine, w->ticket) != w) {
            return "a waiting call is found by its ticket";
        }
        previous = w;
    }
    if (entry->waiters.youngest != previous) {
        return "the youngest waiter is the last";
    }
    if (entry->waiters.oldest != NULL && entry->flight.state == FLIGHT_IDLE &&
        !entry->session->issuer->offline) {
        return "nobody waits for a flight that is idle";
    }
    return NULL;
}

static const char *check_token(const struct entry *entry)
{
    struct cell_view view;

    if (!freshet_cell_read(&entry->cell, NULL, 0, &view)) {
        return "a cell is readable between steps";
    }
    if (view.fingerprint != entry->held.fingerprint || view.length != entry->held.length) {
        return "readers see the token that is held";
    }
    if (entry->held.fingerprint != 0 && !freshet_session_ready(entry->session) &&
        entry->session->status != SESSION_CLOSED) {
        return "a session that is over holds no token";
    }
    return NULL;
}

static const char *check_deadline(const struct engine *engine, const struct entry *entry)
{
    int64_t next = freshet_waiters_next(engine, entry);

    if (entry->flight.state != FLIGHT_IDLE) {
        next = freshet_min(next, entry->flight.at_ms);
    }
    return next != FRESHET_NEVER && freshet_wheel_next(engine->wheel) > next
               ? "every deadline is in the schedule"
               : NULL;
}

bool freshet_engine_check(const struct engine *engine, const char **broken)
{
    *broken = NULL;
    for (uint32_t i = 0; i < engine->entry_count && *broken == NULL; i++) {
        const struct entry *entry = engine->entries[i];

        if (entry->session == NULL) {
            continue; /* given back */
        }
        *broken = check_flight(engine, entry);
        *broken = *broken == NULL ? check_waiters(engine, entry) : *broken;
        *broken = *broken == NULL ? check_token(entry) : *broken;
        *broken = *broken == NULL ? check_deadline(engine, entry) : *broken;
    }
    return *broken == NULL;
}
