/*
 * What becomes of a flight when an attempt of it has ended.
 *
 * A token is committed and answers whoever waits. A failure moves the schedule on, or ends it; a
 * definite answer ends it at once; a verdict on the credential is believed only when the session has
 * asked /client. Whatever the outcome, the token held is not touched by a failure.
 */
#include "core/state.h"

/* ---- definite answers ---- */

/* A definite answer: once to every caller, and no more in the background until somebody waits. A verdict
 * is not told to other processes: their credential may be another one. */
static void outcome_refused(struct engine *engine, struct entry *entry, enum freshet_status status,
                            int http_status)
{
    entry->flight.last = (struct failure){.attempt = entry->flight.failures + 1,
                                          .failed_ms = engine->now.boot_ms,
                                          .status = status,
                                          .http_status = http_status};
    entry->block = BLOCK_UNTIL_WAITED;
    if (status == FRESHET_REFUSED) {
        freshet_publish(engine, entry);
    }
    freshet_flight_end(engine, entry);
    freshet_waiters_attempt_failed(engine, entry, status, http_status, true);
}

void freshet_outcome_unauthorized(struct engine *engine, struct entry *entry)
{
    outcome_refused(engine, entry, FRESHET_UNAUTHORIZED, entry->flight.last.http_status);
}

/* The schedule has come to its end without a token. One that is still fresh has its refresh point yet. */
void freshet_outcome_exhausted(struct engine *engine, struct entry *entry)
{
    const struct failure last = entry->flight.last;

    freshet_flight_end(engine, entry);
    if (freshet_entry_wants(entry) > 0) {
        entry->standing_ms = engine->now.boot_ms + engine->options.policy.retry_cap_ms;
    } else if (freshet_entry_remaining(engine, entry) <= freshet_entry_due(engine, entry)) {
        entry->block = BLOCK_UNTIL_ASKED;
    }
    freshet_session_set_status(engine, entry->session, SESSION_DEGRADED);
    freshet_waiters_attempt_failed(engine, entry, last.status, last.http_status, true);
}

/* ---- failures ---- */

/* Since the request was sent a fresh token has come by another way and nobody waits; or the machine
 * has slept until there was none left, and nobody wants another. */
static bool outcome_is_needless(const struct engine *engine, const struct entry *entry)
{
    int64_t sent_ms = entry->flight.sent_ms;
    bool fresh = freshet_entry_remaining(engine, entry) > freshet_entry_due(engine, entry);

    return (entry->waiters.oldest == NULL && entry->held.committed_ms >= sent_ms && fresh) ||
           (engine->woken_ms > sent_ms && !freshet_flight_is_wanted(engine, entry));
}

static void outcome_failed(struct engine *engine, struct entry *entry, const struct outcome *out,
                           enum freshet_status status)
{
    struct flight *flight = &entry->flight;
    bool exhausted = false;

    flight->failures++;
    exhausted = flight->failures >= engine->options.policy.retry_attempts;
    flight->last = (struct failure){.attempt = flight->failures,
                                    .waited = flight->waited,
                                    .failed_ms = engine->now.boot_ms,
                                    .first_ms = flight->first_ms,
                                    .not_before_ms = engine->now.boot_ms,
                                    .status = status,
                                    .http_status = out->http_status};
    flight->again = false;
    flight->request = 0;
    if (freshet_entry_remaining(engine, entry) <= 0) {
        freshet_session_set_status(engine, entry->session, SESSION_DEGRADED);
    }
    /* Nobody but the user can mend a store: calls are told, and what goes on is in the background. */
    flight->waited = flight->waited && status != FRESHET_STORE;
    freshet_waiters_attempt_failed(engine, entry, status, out->http_status,
                                   status == FRESHET_STORE);
    freshet_flight_back_off(entry, freshet_schedule_next(engine, entry));
    if (out->has_retry_after) {
        flight->at_ms = entry->session->issuer->not_before_ms;
        flight->last.for_issuer = true;
    }
    flight->last.not_before_ms = flight->at_ms;
    freshet_publish(engine, entry);
    freshet_flight_release(engine, entry);
    if (flight->single || outcome_is_needless(engine, entry)) {
        freshet_flight_end(engine, entry);
    } else if (exhausted) {
        freshet_outcome_exhausted(engine, entry);
    }
}

void freshet_outcome_time_out(struct engine *engine, struct entry *entry)
{
    const struct outcome out = {.kind = OUTCOME_NO_ANSWER, .no_answer = NO_ANSWER_TIMEOUT};

    freshet_request_abandon(engine, entry->flight.request, true);
    outcome_failed(engine, entry, &out, FRESHET_NETWORK);
}

/* ---- answers ---- */

static void outcome_good(struct engine *engine, struct entry *entry, const struct outcome *out)
{
    const struct arrival arrival = {
        .from = FROM_ISSUER, .committed_ms = engine->now.boot_ms, .sent_ms = entry->flight.sent_ms};
    enum commit_result result =
        out->has_token ? freshet_commit(engine, entry, &out->token, &arrival) : COMMIT_BAD;

    if (result == COMMIT_BAD) {
        outcome_failed(engine, entry, out, FRESHET_UPSTREAM);
        return;
    }
    freshet_session_good_answer(engine, entry->session);
    entry->spaced_from_ms = engine->now.boot_ms;
    freshet_flight_end(engine, entry);
    freshet_flight_landed(engine, entry, arrival.sent_ms);
}

static void outcome_try_later(struct engine *engine, struct entry *entry, const struct outcome *out)
{
    if (out->unreadable != READ_WELL) {
        freshet_commit_ignored(engine, entry, 0,
                               out->unreadable == READ_EMPTY ? IGNORED_EMPTY : IGNORED_MALFORMED);
    }
    outcome_failed(engine, entry, out,
                   out->http_status == 429 ? FRESHET_THROTTLED : FRESHET_UPSTREAM);
}

static void outcome_unauthenticated(struct engine *engine, struct entry *entry,
                                    const struct outcome *out)
{
    struct flight *flight = &entry->flight;

    flight->last.http_status = out->http_status;
    flight->state = FLIGHT_CONFIRMING;
    flight->at_ms = FRESHET_NEVER;
    flight->request = 0;
    if (!freshet_session_confirm(engine, entry->session)) {
        freshet_outcome_unauthorized(engine, entry);
    }
}

/* The issuer wants to see the expired token: once, in the same attempt. */
static void outcome_missing_expired(struct engine *engine, struct entry *entry,
                                    const struct outcome *out)
{
    uint32_t length = 0;

    if (entry->flight.again || entry->session->session_minter ||
        freshet_last_text(engine, entry->session, &length) == NULL) {
        outcome_unauthenticated(engine, entry, out);
        return;
    }
    entry->flight.again = true;
    freshet_flight_send(engine, entry);
}

void freshet_outcome_take(struct engine *engine, struct entry *entry, const struct outcome *out)
{
    switch (out->kind) {
    case OUTCOME_GOOD:
        outcome_good(engine, entry, out);
        break;
    case OUTCOME_TRY_LATER:
        outcome_try_later(engine, entry, out);
        break;
    case OUTCOME_NO_ANSWER:
        outcome_failed(engine, entry, out, freshet_no_answer_status(out->no_answer));
        break;
    case OUTCOME_REFUSED:
        outcome_refused(engine, entry, FRESHET_REFUSED, out->http_status);
        break;
    case OUTCOME_UNAUTHENTICATED:
        outcome_unauthenticated(engine, entry, out);
        break;
    case OUTCOME_MISSING_EXPIRED:
        outcome_missing_expired(engine, entry, out);
        break;
    }
    freshet_entry_update(engine, entry);
}
