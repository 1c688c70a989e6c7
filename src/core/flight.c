/*
 * The flight: what is being done about the next token of an entry. One schedule, one table.
 *
 *     IDLE -> LEASING -> FETCHING -> IDLE        CONFIRMING: the issuer said 401 or its like, and
 *               ^  |         |                   the session asks /client before believing it
 *               |  +--> BACKOFF <--+
 *               +---------+
 *
 * A flight never touches the token. Its schedule belongs to the flight, not to a caller: callers
 * join it and move nothing, except that the first one to wait starts it afresh. What the schedule
 * has come to (`last`) is published, so that the processes of a user follow one schedule together.
 */
#include "core/state.h"

enum flight_input {
    INPUT_ATTEMPT, /* make an attempt now */
    INPUT_LEASED,
    INPUT_DENIED,
    INPUT_DUE,       /* the state's own time has come */
    INPUT_LANDED,    /* a token was taken, or a staler one ended it */
    INPUT_CONFIRMED, /* /client has spoken, and brought no token */
    INPUT_COUNT
};

typedef void flight_handler(struct engine *engine, struct entry *entry);

static flight_handler flight_attempt, flight_fetch, flight_lease_again, flight_poll, flight_retry;

/* Inputs that a state does not know are late, and mean nothing to it. */
static flight_handler *const flight_table[5][INPUT_COUNT] = {
    [FLIGHT_IDLE] = {[INPUT_ATTEMPT] = flight_attempt, [INPUT_LEASED] = freshet_flight_give_back},
    [FLIGHT_LEASING] = {[INPUT_LEASED] = flight_fetch,
                        [INPUT_DENIED] = flight_poll,
                        [INPUT_DUE] = flight_lease_again,
                        [INPUT_LANDED] = freshet_flight_end},
    [FLIGHT_FETCHING] =
        {[INPUT_LEASED] = freshet_flight_give_back, [INPUT_DUE] = freshet_outcome_time_out},
    [FLIGHT_CONFIRMING] = {[INPUT_LEASED] = freshet_flight_give_back,
                           [INPUT_LANDED] = freshet_flight_end,
                           [INPUT_CONFIRMED] = freshet_outcome_unauthorized},
    [FLIGHT_BACKOFF] = {[INPUT_ATTEMPT] = flight_attempt,
                        [INPUT_LEASED] = freshet_flight_give_back,
                        [INPUT_DUE] = flight_retry,
                        [INPUT_LANDED] = freshet_flight_end},
};

static void flight_input(struct engine *engine, struct entry *entry, enum flight_input input)
{
    flight_handler *handler = flight_table[entry->flight.state][input];

    if (handler != NULL) {
        handler(engine, entry);
    }
}

/* ---- leases ---- */

static void flight_poll(struct engine *engine, struct entry *entry)
{
    entry->flight.at_ms = engine->now.boot_ms + FRESHET_LEASE_POLL_MS;
}

/* A holder that does not come back is passed by; if the next one has not come back when its request
 * must have ended, so is the lease. */
static void flight_lease_again(struct engine *engine, struct entry *entry)
{
    struct flight *flight = &entry->flight;
    int64_t waited = engine->now.boot_ms - flight->leasing_since_ms;
    int64_t patience = freshet_flight_lease_patience(engine, entry);

    if (waited >= patience + engine->options.policy.request_timeout_ms + FRESHET_LEASE_SLACK_MS) {
        freshet_flight_send(engine, entry);
        return;
    }
    flight->lease_byte = waited >= patience ? 1 : 0;
    flight_poll(engine, entry);
    freshet_flight_lease(engine, entry);
}

/* ---- attempts ---- */

void freshet_flight_back_off(struct entry *entry, int64_t at_ms)
{
    entry->flight.state = FLIGHT_BACKOFF;
    entry->flight.at_ms = at_ms;
}

static void flight_attempt(struct engine *engine, struct entry *entry)
{
    struct flight *flight = &entry->flight;
    const struct issuer *issuer = entry->session->issuer;

    if (entry->session->client.unauthorized > 0) {
        flight->last.http_status = 401;
        freshet_outcome_unauthorized(engine, entry);
    } else if (issuer->offline) {
        freshet_flight_back_off(entry, FRESHET_NEVER);
    } else if (issuer->not_before_ms > engine->now.boot_ms) {
        freshet_flight_back_off(entry, issuer->not_before_ms);
    } else {
        flight->state = FLIGHT_LEASING;
        flight->leasing_since_ms = engine->now.boot_ms;
        flight->lease_byte = 0;
        flight_poll(engine, entry);
        freshet_flight_lease(engine, entry);
    }
}

static void flight_retry(struct engine *engine, struct entry *entry)
{
    if (entry->flight.failures > 0) {
        entry->flight.cause = CAUSE_RETRY;
    }
    flight_attempt(engine, entry);
}

/* Does anybody who waits want a token that is made for this request? */
static bool flight_skips_cache(const struct entry *entry)
{
    const struct waiter *waiter = entry->waiters.oldest;

    while (waiter != NULL && !waiter->skip_cache) {
        waiter = waiter->next;
    }
    return waiter != NULL;
}

void freshet_flight_send(struct engine *engine, struct entry *entry)
{
    struct flight *flight = &entry->flight;
    struct request *request = freshet_request_new(engine, ON_TOKENS, entry->session, entry);
    struct effect *effect = NULL;

    flight->state = FLIGHT_FETCHING;
    flight->sent_ms = engine->now.boot_ms;
    flight->at_ms = engine->now.boot_ms + freshet_schedule_patience(engine, entry);
    flight->request = request != NULL ? request->id : 0;
    effect = request != NULL ? freshet_effect_push(engine, EFFECT_FETCH, entry->session) : NULL;
    if (effect == NULL) {
        return;
    }
    effect->u.fetch.request = request->id;
    effect->u.fetch.on = ON_TOKENS;
    effect->u.fetch.cause = flight->cause;
    effect->u.fetch.attempt = flight->failures + 1;
    effect->u.fetch.key = freshet_entry_key(engine, entry);
    effect->u.fetch.skip_cache = flight_skips_cache(entry);
    effect->u.fetch.with_expired = flight->again;
    effect->u.fetch.session_minter = entry->session->session_minter;
    effect->u.fetch.last_text =
        freshet_last_text(engine, entry->session, &effect->u.fetch.last_length);
    effect->u.fetch.deadline_ms = flight->at_ms;
}

static void flight_fetch(struct engine *engine, struct entry *entry)
{
    entry->flight.leased = true;
    freshet_flight_send(engine, entry);
}

/* ---- ends ---- */

void freshet_flight_end(struct engine *engine, struct entry *entry)
{
    struct flight *flight = &entry->flight;

    freshet_flight_release(engine, entry);
    flight->state = FLIGHT_IDLE;
    flight->at_ms = FRESHET_NEVER;
    flight->waited = false;
    flight->single = false;
    flight->again = false;
    flight->failures = 0;
    flight->request = 0;
}

/* ---- what others want of a flight ---- */

/* The first attempt of a schedule: at once, or when a first delay since the last failure is over. */
static void flight_begin(struct engine *engine, struct entry *entry, int64_t not_before_ms)
{
    if (not_before_ms > engine->now.boot_ms) {
        freshet_flight_back_off(entry, not_before_ms);
    } else {
        flight_input(engine, entry, INPUT_ATTEMPT);
    }
}

/* Another process is in the middle of a schedule: keep to it. */
static bool flight_follow_peer(struct engine *engine, struct entry *entry, bool waited)
{
    struct flight *flight = &entry->flight;
    const struct failure *last = &flight->last;

    if (flight->state != FLIGHT_IDLE || last->attempt == 0 || (waited && !last->waited) ||
        last->attempt >= engine->options.policy.retry_attempts ||
        last->not_before_ms <= engine->now.boot_ms) {
        return false;
    }
    flight->failures = last->attempt;
    flight->first_ms = last->first_ms;
    freshet_flight_back_off(entry, freshet_schedule_follow(engine, entry, last));
    return true;
}

/* The end of the first delay after a failure. Who asks again after a refusal is asked for at once: it
 * is no failure that time could mend, as it may a verdict. */
static int64_t flight_rested(const struct flight *flight)
{
    bool rests = flight->last.failed_ms > 0 && flight->last.status != FRESHET_REFUSED;

    return rests ? flight->last.failed_ms + flight->first_ms : 0;
}

void freshet_flight_wait(struct engine *engine, struct entry *entry, enum cause cause)
{
    struct flight *flight = &entry->flight;
    bool joins = flight->state != FLIGHT_IDLE && flight->waited;

    entry->block = BLOCK_NONE;
    entry->asleep = false;
    if (joins) {
        return;
    }
    flight->waited = true;
    flight->single = false;
    flight->began_ms = engine->now.boot_ms;
    if (flight_follow_peer(engine, entry, true)) {
        flight->cause = cause;
        return;
    }
    flight->failures = 0;
    flight->first_ms = engine->options.policy.retry_first_ms;
    if (flight->state == FLIGHT_IDLE || flight->state == FLIGHT_BACKOFF) {
        flight->cause = cause;
        flight_begin(engine, entry, flight_rested(flight));
    }
}

void freshet_flight_start(struct engine *engine, struct entry *entry, enum cause cause, bool single)
{
    struct flight *flight = &entry->flight;

    if (flight->state != FLIGHT_IDLE) {
        return;
    }
    flight->waited = false;
    flight->single = single;
    flight->cause = cause;
    flight->began_ms = engine->now.boot_ms;
    if (!single && flight_follow_peer(engine, entry, false)) {
        return;
    }
    flight->failures = 0;
    flight->first_ms =
        freshet_entry_remaining(engine, entry) > 0
            ? freshet_policy_window_first(&engine->options.policy, entry->held.life_ms)
            : engine->options.policy.retry_first_ms;
    flight_input(engine, entry, INPUT_ATTEMPT);
}

void freshet_flight_leased(struct engine *engine, struct entry *entry, bool granted)
{
    flight_input(engine, entry, granted ? INPUT_LEASED : INPUT_DENIED);
    freshet_entry_update(engine, entry);
}

void freshet_flight_due(struct engine *engine, struct entry *entry)
{
    flight_input(engine, entry, INPUT_DUE);
}

/*
 * The entry has a new token (or an answer that ends the wait for one), asked for at sent_ms. Calls
 * that skip the cache and came later than that have exactly one more request together.
 */
void freshet_flight_landed(struct engine *engine, struct entry *entry, int64_t sent_ms)
{
    entry->flight.last = (struct failure){0};
    entry->block = BLOCK_NONE;
    freshet_waiters_committed(engine, entry, sent_ms);
    if (entry->waiters.oldest == NULL) {
        flight_input(engine, entry, INPUT_LANDED);
    } else if (entry->flight.state == FLIGHT_IDLE) {
        freshet_flight_wait(engine, entry, CAUSE_SKIP_CACHE);
    }
    freshet_entry_update(engine, entry);
}

void freshet_flight_confirmed(struct engine *engine, struct entry *entry)
{
    flight_input(engine, entry, INPUT_CONFIRMED);
    freshet_entry_update(engine, entry);
}

/* Another process was refused: that is the answer to whoever waited here when it came. One from before
 * this session was opened says nothing to it. */
static void flight_peer_refused(struct engine *engine, struct entry *entry,
                                const struct failure *failure)
{
    if (failure->failed_ms < entry->session->opened_ms) {
        return;
    }
    freshet_waiters_refused(engine, entry, failure);
    if (entry->waiters.oldest == NULL) {
        entry->block = BLOCK_UNTIL_WAITED;
        freshet_flight_end(engine, entry);
    }
    freshet_entry_update(engine, entry);
}

void freshet_flight_peer_failed(struct engine *engine, struct entry *entry,
                                const struct failure *failure)
{
    struct flight *flight = &entry->flight;

    if (failure->failed_ms < flight->last.failed_ms ||
        (failure->failed_ms == flight->last.failed_ms &&
         failure->attempt <= flight->last.attempt)) {
        return; /* known: it may be our own, read back */
    }
    flight->last = *failure;
    if (flight->state == FLIGHT_FETCHING || flight->state == FLIGHT_CONFIRMING) {
        return; /* the answer to the own request decides */
    }
    if (failure->status == FRESHET_REFUSED) {
        flight_peer_refused(engine, entry, failure);
        return;
    }
    if (flight->state == FLIGHT_IDLE) {
        return;
    }
    flight->failures = failure->attempt;
    if (flight->waited && !failure->waited) {
        flight->failures = 1;
    }
    freshet_waiters_attempt_failed(engine, entry, failure->status, failure->http_status, false);
    if (flight->failures >= engine->options.policy.retry_attempts) {
        freshet_outcome_exhausted(engine, entry);
    } else if (flight->waited && !failure->waited) {
        freshet_flight_back_off(entry, failure->failed_ms + flight->first_ms);
    } else {
        flight->first_ms = failure->first_ms;
        freshet_flight_back_off(entry, freshet_schedule_follow(engine, entry, failure));
    }
    freshet_entry_update(engine, entry);
}

bool freshet_flight_is_wanted(const struct engine *engine, const struct entry *entry)
{
    return entry->waiters.oldest != NULL || freshet_entry_wants(entry) > 0 ||
           freshet_entry_remaining(engine, entry) > 0;
}

void freshet_flight_online(struct engine *engine, struct entry *entry)
{
    struct flight *flight = &entry->flight;

    if (flight->state == FLIGHT_BACKOFF && freshet_flight_is_wanted(engine, entry)) {
        flight->cause = CAUSE_ONLINE;
        if (entry->waiters.oldest != NULL && !flight->waited) {
            /* Calls that came while nothing could be sent make the schedule theirs now. */
            flight->waited = true;
            flight->single = false;
            flight->failures = 0;
            flight->first_ms = engine->options.policy.retry_first_ms;
        }
        flight_input(engine, entry, INPUT_ATTEMPT);
    } else if (entry->flight.state == FLIGHT_BACKOFF) {
        freshet_flight_end(engine, entry);
    } else if (entry->waiters.oldest != NULL && !flight->waited) {
        freshet_flight_wait(engine, entry, CAUSE_ONLINE);
    } else {
        freshet_entry_look(engine, entry, CAUSE_ONLINE);
    }
    freshet_entry_update(engine, entry);
}

void freshet_flight_offline(struct engine *engine, struct entry *entry)
{
    if (entry->flight.state == FLIGHT_BACKOFF || entry->flight.state == FLIGHT_LEASING) {
        freshet_flight_release(engine, entry);
        freshet_flight_back_off(entry, FRESHET_NEVER);
    }
    freshet_waiters_offline(engine, entry);
    freshet_entry_update(engine, entry);
}

/* A late retry is not trusted: with no token left and nobody who wants one, nothing is sent. */
void freshet_flight_wake(struct engine *engine, struct entry *entry)
{
    if ((entry->flight.state == FLIGHT_BACKOFF || entry->flight.state == FLIGHT_LEASING) &&
        !freshet_flight_is_wanted(engine, entry)) {
        freshet_flight_end(engine, entry);
    }
    freshet_entry_look(engine, entry, CAUSE_WAKE);
    freshet_entry_update(engine, entry);
}

/* Whatever is under way is given up; a later answer belongs to an older epoch. */
void freshet_flight_stop(struct engine *engine, struct entry *entry)
{
    freshet_request_abandon(engine, entry->flight.request, false);
    freshet_flight_end(engine, entry);
    entry->flight.last = (struct failure){0};
    entry->block = BLOCK_NONE;
}
