/*
 * The lease of a key: one process of a user asks for its next token at a time.
 *
 * Whoever has the lease makes the request; the others wait for what it publishes. A holder that does
 * not come back is passed by: after a while its waiters go on with the second byte of the lock.
 */
#include "core/state.h"

#define LEASE_MOMENT_MS 1000

static void lease_push(struct engine *engine, struct entry *entry, enum effect_kind kind)
{
    struct effect *effect = freshet_effect_push(engine, kind, entry->session);

    if (effect != NULL) {
        effect->u.lease.entry = entry->index;
        effect->u.lease.key = freshet_entry_key(engine, entry);
        effect->u.lease.byte = entry->flight.lease_byte;
    }
}

void freshet_flight_lease(struct engine *engine, struct entry *entry)
{
    lease_push(engine, entry, EFFECT_LEASE);
}

void freshet_flight_release(struct engine *engine, struct entry *entry)
{
    if (entry->flight.leased) {
        entry->flight.leased = false;
        lease_push(engine, entry, EFFECT_RELEASE);
    }
}

void freshet_flight_give_back(struct engine *engine, struct entry *entry)
{
    if (!entry->flight.leased) {
        lease_push(engine, entry, EFFECT_RELEASE);
    }
}

/* Until half of the window is over; who comes late to it still gives the holder a moment. */
int64_t freshet_flight_lease_patience(const struct engine *engine, const struct entry *entry)
{
    int64_t most = engine->options.policy.request_timeout_ms + FRESHET_LEASE_SLACK_MS;
    int64_t due = freshet_entry_due(engine, entry);
    int64_t half =
        (due - freshet_policy_min_remaining(&engine->options.policy, entry->held.life_ms)) / 2;
    int64_t until = freshet_entry_expiry(engine, entry) - due + half;
    int64_t least = freshet_max(freshet_min(half, LEASE_MOMENT_MS), FRESHET_LEASE_POLL_MS);

    if (freshet_entry_remaining(engine, entry) <= 0) {
        return most;
    }
    return freshet_min(most, freshet_max(until - entry->flight.leasing_since_ms, least));
}
