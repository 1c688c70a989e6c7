/*
 * Calls that wait: how they join, and the ways in which each of them ends exactly once.
 *
 * A call that holds a live token ends with the first of: a new token, the first attempt that fails
 * after it joined, the moment when half of the default min_remaining is left, its own time-out. A
 * call without one waits for a token, a definite answer, the end of the schedule or its time-out.
 * Leaving never touches the flight.
 */
#include "core/state.h"

#include <stdlib.h>
#include <string.h>

void freshet_waiter_park(struct waiter_list *list, struct waiter *waiter)
{
    waiter->next = NULL;
    waiter->previous = list->youngest;
    if (list->youngest != NULL) {
        list->youngest->next = waiter;
    } else {
        list->oldest = waiter;
    }
    list->youngest = waiter;
}

static void waiter_unlink(struct waiter_list *list, struct waiter *waiter)
{
    *(waiter->previous != NULL ? &waiter->previous->next : &list->oldest) = waiter->next;
    *(waiter->next != NULL ? &waiter->next->previous : &list->youngest) = waiter->previous;
    waiter->next = NULL;
    waiter->previous = NULL;
}

void freshet_waiter_move(struct waiter *waiter, struct entry *entry)
{
    waiter_unlink(&waiter->session->parked, waiter);
    waiter->entry = entry;
    freshet_waiter_park(&entry->waiters, waiter);
}

struct waiter *freshet_waiter_find(const struct engine *engine, ticket_id ticket)
{
    struct map_node *node = freshet_map_first(&engine->waiter_map, freshet_map_mix(ticket));

    for (; node != NULL; node = freshet_map_next(node)) {
        struct waiter *waiter = (struct waiter *)node;

        if (waiter->ticket == ticket) {
            return waiter;
        }
    }
    return NULL;
}

/* Interns the names of a get; false if one is too long or there is no room. */
static bool waiter_names(struct engine *engine, struct waiter *waiter,
                         const struct get_options *options)
{
    const char *template_name = options->template_name != NULL ? options->template_name : "";
    const char *audience = options->audience != NULL ? options->audience : "";

    waiter->template_name = freshet_names_intern(&engine->names, template_name);
    waiter->audience = freshet_names_intern(&engine->names, audience);
    waiter->organization = FRESHET_NAME_NONE;
    if (options->organization != NULL) {
        waiter->organization = freshet_names_intern(&engine->names, options->organization);
        if (waiter->organization == FRESHET_NAME_NONE) {
            return false;
        }
    }
    return waiter->template_name != FRESHET_NAME_NONE && waiter->audience != FRESHET_NAME_NONE;
}

static bool waiter_options_valid(const struct get_options *options)
{
    return options->min_remaining_ms >= FRESHET_UNSET &&
           options->refresh_threshold_ms >= FRESHET_UNSET;
}

struct waiter *freshet_waiter_new(struct engine *engine, struct session *session,
                                  const struct event *event, enum freshet_status *status)
{
    const struct get_options *options = &event->u.get.options;
    struct waiter *waiter = NULL;

    *status = FRESHET_LIMIT;
    if (engine->waiter_map.count >= engine->options.max_waiters) {
        return NULL;
    }
    *status = FRESHET_INVALID;
    if (!waiter_options_valid(options)) {
        return NULL;
    }
    *status = FRESHET_NO_MEMORY;
    waiter = calloc(1, sizeof(*waiter));
    if (waiter == NULL) {
        return NULL;
    }
    *status = FRESHET_INVALID;
    if (!waiter_names(engine, waiter, options)) {
        free(waiter);
        return NULL;
    }
    waiter->ticket = event->u.get.ticket;
    waiter->order = ++engine->last_waiter;
    waiter->session = session;
    waiter->skip_cache = options->skip_cache;
    waiter->refresh_if_stale = options->refresh_if_stale;
    waiter->allow_stale = options->allow_stale;
    waiter->min_remaining_ms = options->min_remaining_ms;
    waiter->refresh_threshold_ms = options->refresh_threshold_ms;
    waiter->asked_ms = engine->now.boot_ms;
    waiter->ends_ms =
        options->timeout_ms > 0 ? engine->now.boot_ms + options->timeout_ms : FRESHET_NEVER;
    freshet_map_insert(&engine->waiter_map, &waiter->node, freshet_map_mix(waiter->ticket));
    *status = FRESHET_OK;
    return waiter;
}

static void waiter_end(struct engine *engine, struct waiter *waiter)
{
    waiter_unlink(waiter->entry != NULL ? &waiter->entry->waiters : &waiter->session->parked,
                  waiter);
    freshet_map_remove(&engine->waiter_map, &waiter->node);
    free(waiter);
}

int64_t freshet_waiter_half(const struct engine *engine, const struct entry *entry)
{
    return freshet_policy_min_remaining(&engine->options.policy, entry->held.life_ms) / 2;
}

/* Less life than this call asked for; a token younger than the spacing satisfies any. */
static bool waiter_is_short(const struct engine *engine, const struct waiter *waiter)
{
    const struct entry *entry = waiter->entry;
    int64_t need = waiter->min_remaining_ms;

    if (need == FRESHET_UNSET) {
        need = freshet_policy_min_remaining(&engine->options.policy, entry->held.life_ms);
    }
    return freshet_entry_remaining(engine, entry) <= need &&
           engine->now.boot_ms - entry->held.committed_ms >=
               freshet_policy_spacing(entry->held.life_ms);
}

static void waiter_answer(struct engine *engine, struct waiter *waiter, const struct held *token,
                          const char *text, bool stale)
{
    struct effect *effect = freshet_effect_push(engine, EFFECT_RESOLVE, waiter->session);

    if (effect != NULL) {
        effect->order = waiter->order;
        effect->u.resolve.ticket = waiter->ticket;
        effect->u.resolve.status = FRESHET_OK;
        effect->u.resolve.stale = stale;
        effect->u.resolve.token = *token;
        effect->u.resolve.remaining_ms =
            token->exp_s * 1000 - freshet_clock_now(&waiter->session->issuer->clock, engine->now);
        effect->u.resolve.text = text;
    }
    waiter_end(engine, waiter);
}

/* Answers with the entry's token: one that is less than what was asked for is stale. */
static void waiter_hand_out(struct engine *engine, struct waiter *waiter, bool less)
{
    struct entry *entry = waiter->entry;

    freshet_cell_mark_used(&entry->cell);
    entry->asleep = false;
    waiter_answer(engine, waiter, &entry->held, freshet_entry_text(entry),
                  less || waiter_is_short(engine, waiter));
}

void freshet_waiter_resolve(struct engine *engine, struct waiter *waiter)
{
    waiter_hand_out(engine, waiter, false);
}

/* A call that accepts an expired token gets the one held, or the last one known. */
static bool waiter_resolve_expired(struct engine *engine, struct waiter *waiter)
{
    const struct entry *entry = waiter->entry;
    const struct session *session = waiter->session;
    uint32_t organization = entry != NULL ? entry->key.organization : waiter->organization;

    if (waiter->allow_stale != STALE_EXPIRED) {
        return false;
    }
    if (entry != NULL && entry->held.fingerprint != 0) {
        waiter_hand_out(engine, waiter, true);
        return true;
    }
    if (waiter->template_name == 0 && waiter->audience == 0 &&
        freshet_last_fits(engine, session, organization)) {
        const struct held last = {.fingerprint = session->last.fingerprint,
                                  .iat_s = session->last.iat_s,
                                  .exp_s = session->last.exp_s,
                                  .from = FROM_STORE,
                                  .length = session->last.length};

        waiter_answer(engine, waiter, &last, session->last_text, true);
        return true;
    }
    return false;
}

void freshet_waiter_fail(struct engine *engine, struct waiter *waiter, enum freshet_status status,
                         int http_status)
{
    bool over = status == FRESHET_SIGNED_OUT || status == FRESHET_CLOSED ||
                status == FRESHET_CANCELLED || status == FRESHET_INVALID;
    struct effect *effect = NULL;

    if (!over && waiter_resolve_expired(engine, waiter)) {
        return;
    }
    effect = freshet_effect_push(engine, EFFECT_RESOLVE, waiter->session);
    if (effect != NULL) {
        effect->order = waiter->order;
        effect->u.resolve.ticket = waiter->ticket;
        effect->u.resolve.status = status;
        effect->u.resolve.http_status = http_status;
    }
    waiter_end(engine, waiter);
}

/* The wait is over without a new token: the held one if it lives and is wanted, or the reason. */
void freshet_waiter_settle(struct engine *engine, struct waiter *waiter)
{
    if (!waiter->skip_cache && waiter->allow_stale != STALE_NEVER &&
        freshet_entry_remaining(engine, waiter->entry) > 0) {
        waiter_hand_out(engine, waiter, true);
    } else if (waiter->status != FRESHET_OK) {
        freshet_waiter_fail(engine, waiter, waiter->status, waiter->http_status);
    } else if (waiter->allow_stale == STALE_NEVER && waiter->entry->flight.last.attempt > 0) {
        const struct failure *last = &waiter->entry->flight.last;

        freshet_waiter_fail(engine, waiter, last->status, last->http_status);
    } else {
        freshet_waiter_fail(engine, waiter, FRESHET_TIMEOUT, 0);
    }
}

void freshet_waiters_fail(struct engine *engine, struct waiter_list *list,
                          enum freshet_status status, int http_status)
{
    struct waiter *waiter = list->oldest;

    while (waiter != NULL) {
        struct waiter *next = waiter->next;

        freshet_waiter_fail(engine, waiter, status, http_status);
        waiter = next;
    }
}

void freshet_waiters_committed(struct engine *engine, struct entry *entry, int64_t sent_ms)
{
    struct waiter *waiter = entry->waiters.oldest;

    while (waiter != NULL) {
        struct waiter *next = waiter->next;

        if (!waiter->skip_cache || sent_ms >= waiter->asked_ms) {
            freshet_waiter_resolve(engine, waiter);
        }
        waiter = next;
    }
}

void freshet_waiters_attempt_failed(struct engine *engine, struct entry *entry,
                                    enum freshet_status status, int http_status, bool final)
{
    bool live = freshet_entry_remaining(engine, entry) > 0;
    struct waiter *waiter = entry->waiters.oldest;

    while (waiter != NULL) {
        struct waiter *next = waiter->next;

        waiter->status = status;
        waiter->http_status = http_status;
        if (final || (live && !waiter->skip_cache)) {
            freshet_waiter_settle(engine, waiter);
        }
        waiter = next;
    }
}

/* The answer that another process had: to the calls that were made before it came. */
void freshet_waiters_refused(struct engine *engine, struct entry *entry,
                             const struct failure *failure)
{
    struct waiter *waiter = entry->waiters.oldest;

    while (waiter != NULL) {
        struct waiter *next = waiter->next;

        if (waiter->asked_ms <= failure->failed_ms) {
            waiter->status = failure->status;
            waiter->http_status = failure->http_status;
            freshet_waiter_settle(engine, waiter);
        }
        waiter = next;
    }
}

/* When an offline wait is over; FRESHET_NEVER for one that is not. */
int64_t freshet_waiter_offline_end(const struct engine *engine, const struct waiter *waiter)
{
    const struct issuer *issuer = waiter->session->issuer;

    if (!issuer->offline) {
        return FRESHET_NEVER;
    }
    return freshet_max(waiter->asked_ms, issuer->offline_since_ms) +
           engine->options.policy.offline_ms;
}

/* When a held token is handed out for want of a better one. */
static int64_t waiter_half_end(const struct engine *engine, const struct waiter *waiter)
{
    const struct entry *entry = waiter->entry;

    if (entry == NULL || waiter->skip_cache || freshet_entry_remaining(engine, entry) <= 0) {
        return FRESHET_NEVER;
    }
    return freshet_entry_expiry(engine, entry) - freshet_waiter_half(engine, entry);
}

static int64_t waiter_end_ms(const struct engine *engine, const struct waiter *waiter)
{
    return freshet_min(freshet_min(waiter->ends_ms, waiter_half_end(engine, waiter)),
                       freshet_waiter_offline_end(engine, waiter));
}

int64_t freshet_waiters_next(const struct engine *engine, const struct entry *entry)
{
    int64_t next = FRESHET_NEVER;

    for (const struct waiter *w = entry->waiters.oldest; w != NULL; w = w->next) {
        next = freshet_min(next, waiter_end_ms(engine, w));
    }
    return next;
}

static bool waiter_is_definite(const struct waiter *waiter)
{
    return waiter->status == FRESHET_REFUSED || waiter->status == FRESHET_UNAUTHORIZED;
}

static void waiter_tick(struct engine *engine, struct waiter *waiter, int64_t by_ms)
{
    bool timed_out = waiter->ends_ms <= by_ms;
    bool half = waiter_half_end(engine, waiter) <= by_ms;
    bool offline = freshet_waiter_offline_end(engine, waiter) <= by_ms;

    if (!timed_out && !half && !offline) {
        return;
    }
    if (waiter->session->issuer->offline && !waiter_is_definite(waiter)) {
        waiter->status = FRESHET_OFFLINE;
        waiter->http_status = 0;
    } else if (timed_out && waiter->allow_stale != STALE_NEVER) {
        waiter->status = FRESHET_TIMEOUT;
        waiter->http_status = 0;
    }
    freshet_waiter_settle(engine, waiter);
}

void freshet_waiters_tick(struct engine *engine, struct entry *entry, int64_t by_ms)
{
    struct waiter *waiter = entry->waiters.oldest;

    while (waiter != NULL) {
        struct waiter *next = waiter->next;

        waiter_tick(engine, waiter, by_ms);
        waiter = next;
    }
}

/* Connectivity is gone: who holds a live token, or takes an expired one, need not wait. */
void freshet_waiters_offline(struct engine *engine, struct entry *entry)
{
    struct waiter *waiter = entry->waiters.oldest;

    while (waiter != NULL) {
        struct waiter *next = waiter->next;
        bool live = freshet_entry_remaining(engine, entry) > 0;

        if (!waiter->skip_cache && live && waiter->allow_stale != STALE_NEVER) {
            freshet_waiter_resolve(engine, waiter);
        } else if (!waiter->skip_cache) {
            (void)waiter_resolve_expired(engine, waiter);
        }
        waiter = next;
    }
}
