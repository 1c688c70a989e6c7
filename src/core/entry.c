/*
 * An entry: what is known of one key, when something is due for it, and the answer to "get".
 *
 * Zones are computed here from (token, now, policy) whenever somebody asks. An entry has one
 * deadline, the earliest of its refresh point, its flight's and its waiters'.
 */
#include "core/state.h"

#include <stdlib.h>

#define ENTRY_DEFAULT_IDLE_CYCLES 5

struct entry *freshet_entry_find(const struct engine *engine, const struct key *key)
{
    struct map_node *node = freshet_map_first(&engine->entry_map, freshet_key_hash(key));

    for (; node != NULL; node = freshet_map_next(node)) {
        struct entry *entry = (struct entry *)node;

        if (freshet_key_equal(&entry->key, key)) {
            return entry;
        }
    }
    return NULL;
}

/* A place for an entry: one that was given back, else a new one; NULL at the limit. */
static struct entry *entry_new(struct engine *engine)
{
    struct entry *entry = engine->free_entries;

    if (entry != NULL) {
        engine->free_entries = entry->next;
        return entry;
    }
    if (engine->entry_count >= engine->options.max_entries) {
        return NULL;
    }
    entry = calloc(1, sizeof(*entry));
    if (entry != NULL) {
        entry->index = engine->entry_count;
        engine->entries[engine->entry_count++] = entry;
    }
    return entry;
}

/* Everything but the cell, which late readers of an earlier owner may still look at. */
static void entry_begin(struct entry *entry, const struct key *key, struct session *session)
{
    entry->timer = (struct timer){.kind = TIMER_ENTRY};
    entry->key = *key;
    entry->session = session;
    entry->held = (struct held){0};
    entry->flight = (struct flight){.at_ms = FRESHET_NEVER};
    entry->waiters = (struct waiter_list){NULL, NULL};
    entry->wants = 0;
    entry->unread = 0;
    entry->asleep = false;
    entry->block = BLOCK_NONE;
    entry->spaced_from_ms = INT64_MIN / 2;
    entry->standing_ms = 0;
    entry->forced_ms = INT64_MIN / 2;
}

struct entry *freshet_entry_obtain(struct engine *engine, struct session *session,
                                   uint32_t template_name, uint32_t organization, uint32_t audience)
{
    struct key key = {.issuer = session->issuer->name,
                      .session = session->id,
                      .template_name = template_name,
                      .organization = organization,
                      .audience = audience};
    struct entry *entry = freshet_entry_find(engine, &key);

    if (entry != NULL) {
        return entry;
    }
    entry = entry_new(engine);
    if (entry == NULL) {
        return NULL;
    }
    entry_begin(entry, &key, session);
    entry->next = NULL;
    *(session->youngest != NULL ? &session->youngest->next : &session->entries) = entry;
    session->youngest = entry;
    session->entry_count++;
    freshet_map_insert(&engine->entry_map, &entry->node, freshet_key_hash(&key));
    return entry;
}

/* The session is over. The cell stays where it is: a late reader must find it, and find it empty. */
void freshet_entry_release(struct engine *engine, struct entry *entry)
{
    struct session *session = entry->session;
    struct entry **link = &session->entries;
    struct entry *older = NULL;

    freshet_cell_clear(&entry->cell);
    freshet_wheel_set(engine->wheel, &entry->timer, FRESHET_NEVER);
    freshet_map_remove(&engine->entry_map, &entry->node);
    while (*link != entry) {
        older = *link;
        link = &older->next;
    }
    *link = entry->next;
    session->youngest = session->youngest == entry ? older : session->youngest;
    session->entry_count--;
    entry->session = NULL;
    entry->next = engine->free_entries;
    engine->free_entries = entry;
}

struct key_view freshet_entry_key(const struct engine *engine, const struct entry *entry)
{
    return (struct key_view){.session = entry->session->id,
                             .issuer = freshet_name(engine, entry->key.issuer),
                             .sid = freshet_name(engine, entry->session->sid),
                             .template_name = freshet_name(engine, entry->key.template_name),
                             .organization = freshet_name(engine, entry->key.organization),
                             .audience = freshet_name(engine, entry->key.audience)};
}

const char *freshet_entry_text(const struct entry *entry)
{
    return (const char *)atomic_load_explicit(&entry->cell.words, memory_order_relaxed);
}

int64_t freshet_entry_expiry(const struct engine *engine, const struct entry *entry)
{
    if (entry->held.fingerprint == 0) {
        return INT64_MIN;
    }
    return entry->held.exp_s * 1000 -
           freshet_clock_offset(&entry->session->issuer->clock, engine->now);
}

int64_t freshet_entry_remaining(const struct engine *engine, const struct entry *entry)
{
    if (entry->held.fingerprint == 0) {
        return 0;
    }
    return freshet_max(0, freshet_entry_expiry(engine, entry) - engine->now.boot_ms);
}

/* A session's own token, not one made from a template or for an audience. */
bool freshet_entry_is_plain(const struct entry *entry)
{
    return entry->key.template_name == 0 && entry->key.audience == 0;
}

/* The token that subscribers, cookies and files follow. Asked when it matters, never kept. */
bool freshet_entry_is_active(const struct entry *entry)
{
    return freshet_entry_is_plain(entry) && entry->key.organization == entry->session->organization;
}

/* Who wants this token to be there at all times, whether or not anybody reads it just now. */
int freshet_entry_wants(const struct entry *entry)
{
    return entry->wants + (freshet_entry_is_active(entry) ? entry->session->wants : 0);
}

int64_t freshet_entry_due(const struct engine *engine, const struct entry *entry)
{
    return freshet_policy_due(&engine->options.policy, entry->held.life_ms,
                              entry->session->issuer->round_trip_ms);
}

/* Nobody has read this token for so many refreshes that refreshing on would be waste. */
static bool entry_is_unused(const struct engine *engine, const struct entry *entry)
{
    int32_t limit = engine->options.policy.idle_cycles;

    if (limit == FRESHET_UNSET) {
        if (freshet_entry_is_active(entry)) {
            return false;
        }
        limit = ENTRY_DEFAULT_IDLE_CYCLES;
    }
    return limit > 0 && freshet_entry_wants(entry) == 0 && entry->unread >= limit &&
           atomic_load_explicit(&entry->cell.used, memory_order_relaxed) == 0;
}

/* When time alone starts a flight: the refresh point of a live token, or a standing want. */
static int64_t entry_refresh_at(const struct engine *engine, const struct entry *entry)
{
    int64_t expiry = freshet_entry_expiry(engine, entry);
    int64_t at = 0;

    if (!freshet_session_ready(entry->session) || entry->session->issuer->offline ||
        entry->session->client.unauthorized > 0) {
        return FRESHET_NEVER;
    }
    if (expiry <= engine->now.boot_ms) {
        return freshet_entry_wants(entry) > 0 && entry->block == BLOCK_NONE ? entry->standing_ms
                                                                            : FRESHET_NEVER;
    }
    if (!engine->options.policy.proactive || entry->asleep || entry->block != BLOCK_NONE) {
        return FRESHET_NEVER;
    }
    at = freshet_max(expiry - freshet_entry_due(engine, entry),
                     entry->spaced_from_ms + freshet_policy_spacing(entry->held.life_ms));
    at = freshet_max(at, entry->standing_ms);
    return at < expiry || freshet_entry_wants(entry) > 0 ? at : FRESHET_NEVER;
}

bool freshet_entry_wants_refresh(const struct engine *engine, const struct entry *entry)
{
    return entry_refresh_at(engine, entry) <= engine->now.boot_ms;
}

/* A flight that began over a fresh token, and that nobody waits for, ends at the refresh point: from
 * there on the schedule is that of a refresh. */
static int64_t entry_overtaken_at(const struct engine *engine, const struct entry *entry)
{
    int64_t refresh = entry_refresh_at(engine, entry);

    return entry->flight.state == FLIGHT_BACKOFF && entry->waiters.oldest == NULL &&
                   entry->flight.began_ms < refresh
               ? refresh
               : FRESHET_NEVER;
}

void freshet_entry_update(struct engine *engine, struct entry *entry)
{
    int64_t at = entry->flight.state == FLIGHT_IDLE
                     ? entry_refresh_at(engine, entry)
                     : freshet_min(entry->flight.at_ms, entry_overtaken_at(engine, entry));

    freshet_wheel_set(engine->wheel, &entry->timer,
                      freshet_min(at, freshet_waiters_next(engine, entry)));
}

/* A refresh is due and nothing is being done: do it, unless nobody uses the token. */
void freshet_entry_look(struct engine *engine, struct entry *entry, enum cause cause)
{
    if (entry->flight.state != FLIGHT_IDLE || !freshet_entry_wants_refresh(engine, entry)) {
        return;
    }
    if (entry_is_unused(engine, entry)) {
        entry->asleep = true;
        return;
    }
    freshet_flight_start(engine, entry, cause, false);
}

/* What is due first; what else is due by now comes next, as a deadline of its own. */
void freshet_entry_tick(struct engine *engine, struct entry *entry)
{
    int64_t now = engine->now.boot_ms;
    int64_t flight = entry->flight.state == FLIGHT_IDLE ? FRESHET_NEVER : entry->flight.at_ms;

    if (entry_overtaken_at(engine, entry) <= now) {
        entry->flight.last.not_before_ms = 0;
        freshet_flight_end(engine, entry);
    } else if (flight <= freshet_min(now, freshet_waiters_next(engine, entry))) {
        freshet_flight_due(engine, entry);
    } else {
        freshet_waiters_tick(engine, entry, freshet_min(now, flight));
    }
    freshet_entry_look(engine, entry, CAUSE_REFRESH);
    freshet_entry_update(engine, entry);
}

/* A server answered 401 to this token: only it dies. One forced refresh per spacing. */
void freshet_entry_reject(struct engine *engine, struct entry *entry)
{
    int64_t spacing = freshet_policy_spacing(entry->held.life_ms);
    bool rested = engine->now.boot_ms - entry->forced_ms >= spacing;

    if (entry->session->last_text != NULL &&
        entry->session->last.fingerprint == entry->held.fingerprint) {
        freshet_last_forget(engine, entry->session);
    }
    freshet_commit_drop(engine, entry);
    if (rested) {
        entry->forced_ms = engine->now.boot_ms;
        freshet_flight_start(engine, entry, CAUSE_REJECT, false);
    }
    freshet_entry_update(engine, entry);
}

/* ---- get ---- */

static int64_t entry_threshold(const struct engine *engine, const struct waiter *waiter)
{
    return freshet_policy_threshold(&engine->options.policy, waiter->entry->held.life_ms,
                                    waiter->refresh_threshold_ms);
}

/* A threshold that was set and lies not below the token's life would refresh for ever. */
static bool entry_threshold_invalid(const struct engine *engine, const struct waiter *waiter)
{
    int64_t asked = waiter->refresh_threshold_ms;
    const struct held *held = &waiter->entry->held;

    if (asked == FRESHET_UNSET) {
        asked = engine->options.policy.refresh_threshold_ms;
    }
    return asked != FRESHET_UNSET && held->fingerprint != 0 &&
           asked >= (held->exp_s - held->iat_s) * 1000;
}

static bool entry_is_usable(const struct engine *engine, const struct waiter *waiter)
{
    const struct entry *entry = waiter->entry;
    int64_t remaining = freshet_entry_remaining(engine, entry);
    int64_t need = waiter->min_remaining_ms;

    if (need == FRESHET_UNSET) {
        need = freshet_policy_min_remaining(&engine->options.policy, entry->held.life_ms);
    }
    return remaining > 0 && (remaining > need || engine->now.boot_ms - entry->held.committed_ms <
                                                     freshet_policy_spacing(entry->held.life_ms));
}

/* The token goes out at once; what a read starts on the side comes after it. */
static void entry_serve(struct engine *engine, struct waiter *waiter)
{
    struct entry *entry = waiter->entry;
    const struct policy *policy = &engine->options.policy;
    int64_t remaining = freshet_entry_remaining(engine, entry);
    bool below = !policy->proactive && remaining < entry_threshold(engine, waiter);
    const struct failure *last = &entry->flight.last;

    freshet_waiter_resolve(engine, waiter);
    if (entry->block == BLOCK_UNTIL_ASKED &&
        engine->now.boot_ms - last->failed_ms >= policy->retry_first_ms) {
        entry->block = BLOCK_NONE;
    }
    if (below && entry->flight.state == FLIGHT_IDLE && entry->block == BLOCK_NONE &&
        !entry->session->issuer->offline) {
        freshet_flight_start(engine, entry, CAUSE_THRESHOLD, true);
    }
    freshet_entry_look(engine, entry, CAUSE_REFRESH);
}

/* Offline, a call that needs a request ends at once with what there is, or waits for an end. */
static bool entry_get_offline(struct engine *engine, struct waiter *waiter)
{
    struct entry *entry = waiter->entry;

    if (!entry->session->issuer->offline) {
        return false;
    }
    if (!waiter->skip_cache) {
        freshet_waiters_offline(engine, entry);
    }
    return true;
}

/*
 * The waiter is already in its entry's list; it leaves the list when it is answered. While /client
 * itself refuses the credential nothing is sent with it but the next question to /client.
 */
void freshet_entry_get(struct engine *engine, struct waiter *waiter)
{
    struct entry *entry = waiter->entry;
    int64_t remaining = freshet_entry_remaining(engine, entry);

    if (entry_threshold_invalid(engine, waiter)) {
        freshet_waiter_fail(engine, waiter, FRESHET_INVALID, 0);
    } else if (!waiter->skip_cache && entry_is_usable(engine, waiter) &&
               !(waiter->refresh_if_stale && remaining < entry_threshold(engine, waiter))) {
        entry_serve(engine, waiter);
    } else if (entry->session->client.unauthorized > 0) {
        waiter->status = FRESHET_UNAUTHORIZED;
        waiter->http_status = 401;
        freshet_waiter_settle(engine, waiter);
    } else if (!entry_get_offline(engine, waiter)) {
        bool late =
            !waiter->skip_cache && remaining > 0 && remaining < freshet_waiter_half(engine, entry);

        freshet_flight_wait(engine, entry, waiter->skip_cache ? CAUSE_SKIP_CACHE : CAUSE_GET);
        if (late) {
            freshet_waiter_settle(engine, waiter);
        }
    }
    freshet_entry_update(engine, entry);
}
