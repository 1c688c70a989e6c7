/*
 * The engine's door: takes an event and finds whom it concerns.
 */
#include "core/state.h"

#include <stdlib.h>
#include <string.h>

#define ENGINE_INITIAL_EFFECTS 64

struct engine_options freshet_engine_options_default(void)
{
    return (struct engine_options){.policy = freshet_policy_default(),
                                   .memory = freshet_cell_plain_memory,
                                   .seed = 1,
                                   .max_sessions = 1024,
                                   .max_entries = 8192,
                                   .max_waiters = 65536,
                                   .max_names = 65536};
}

uint64_t freshet_engine_random(struct engine *engine)
{
    engine->random += 0x9e3779b97f4a7c15u;
    return freshet_map_mix(engine->random);
}

const char *freshet_name(const struct engine *engine, uint32_t name)
{
    return freshet_names_text(&engine->names, name);
}

/* ---- life ---- */

struct engine *freshet_engine_new(const struct engine_options *options, struct now now)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    bool complete = false;

    if (engine == NULL) {
        return NULL;
    }
    engine->options = *options;
    engine->now = now;
    engine->random = options->seed;
    engine->effect_capacity = ENGINE_INITIAL_EFFECTS;
    engine->effects = calloc(engine->effect_capacity, sizeof(struct effect));
    engine->sessions = calloc(options->max_sessions, sizeof(struct session *));
    engine->issuers = calloc(options->max_sessions, sizeof(struct issuer *));
    engine->entries = calloc(options->max_entries, sizeof(struct entry *));
    engine->wheel = malloc(sizeof(*engine->wheel));
    complete = freshet_names_init(&engine->names, options->max_names);
    complete = freshet_map_init(&engine->entry_map) && complete;
    complete = freshet_map_init(&engine->sid_map) && complete;
    complete = freshet_map_init(&engine->waiter_map) && complete;
    complete = freshet_map_init(&engine->request_map) && complete;
    if (!complete || engine->effects == NULL || engine->sessions == NULL ||
        engine->issuers == NULL || engine->entries == NULL || engine->wheel == NULL) {
        freshet_engine_free(engine);
        return NULL;
    }
    freshet_wheel_init(engine->wheel, now.boot_ms);
    return engine;
}

static void engine_free_nodes(struct map *map)
{
    for (size_t i = 0; map->buckets != NULL && i < map->size; i++) {
        while (map->buckets[i] != NULL) {
            struct map_node *node = map->buckets[i];

            map->buckets[i] = node->next;
            free(node);
        }
    }
    freshet_map_free(map);
}

void freshet_engine_free(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    for (uint32_t i = 0; i < engine->entry_count; i++) {
        freshet_cell_free(&engine->entries[i]->cell, &engine->options.memory);
        free(engine->entries[i]);
    }
    for (uint32_t i = 0; i < engine->session_count; i++) {
        freshet_last_forget(engine, engine->sessions[i]);
        free(engine->sessions[i]);
    }
    for (uint32_t i = 0; i < engine->issuer_count; i++) {
        free(engine->issuers[i]);
    }
    engine_free_nodes(&engine->waiter_map);
    engine_free_nodes(&engine->request_map);
    freshet_map_free(&engine->entry_map);
    freshet_map_free(&engine->sid_map);
    freshet_names_free(&engine->names);
    free(engine->effects);
    free(engine->sessions);
    free(engine->issuers);
    free(engine->entries);
    free(engine->wheel);
    free(engine);
}

session_id freshet_engine_session(struct engine *engine)
{
    struct session *session = engine->free_sessions;

    if (session != NULL) {
        engine->free_sessions = session->next;
        *session = (struct session){.id = session->id};
        return session->id;
    }
    if (engine->session_count >= engine->options.max_sessions) {
        return FRESHET_NO_SESSION;
    }
    session = calloc(1, sizeof(*session));
    if (session == NULL) {
        return FRESHET_NO_SESSION;
    }
    session->id = engine->session_count;
    engine->sessions[engine->session_count++] = session;
    return session->id;
}

static struct session *engine_session(const struct engine *engine, session_id id)
{
    struct session *session = id < engine->session_count ? engine->sessions[id] : NULL;

    return session != NULL && session->issuer != NULL ? session : NULL;
}

int64_t freshet_engine_deadline(const struct engine *engine)
{
    return freshet_wheel_next(engine->wheel);
}

/* ---- events ---- */

static struct issuer *engine_issuer(struct engine *engine, const char *text)
{
    uint32_t name = freshet_names_intern(&engine->names, text);
    struct issuer *issuer = NULL;

    if (name == FRESHET_NAME_NONE) {
        return NULL;
    }
    for (uint32_t i = 0; i < engine->issuer_count; i++) {
        if (engine->issuers[i]->name == name) {
            return engine->issuers[i];
        }
    }
    issuer =
        engine->issuer_count < engine->options.max_sessions ? calloc(1, sizeof(*issuer)) : NULL;
    if (issuer != NULL) {
        issuer->name = name;
        engine->issuers[engine->issuer_count++] = issuer;
    }
    return issuer;
}

static void engine_open(struct engine *engine, const struct event *event)
{
    struct session *session =
        event->session < engine->session_count ? engine->sessions[event->session] : NULL;

    if (session == NULL || session->open || session->issuer != NULL) {
        return;
    }
    session->issuer = engine_issuer(engine, event->u.open.issuer);
    if (session->issuer != NULL) {
        session->next = session->issuer->sessions;
        session->issuer->sessions = session;
        freshet_session_start(engine, event);
    }
}

static void engine_tick(struct engine *engine)
{
    struct timer *timer = NULL;

    while ((timer = freshet_wheel_expire(engine->wheel, engine->now.boot_ms)) != NULL) {
        if (timer->kind == TIMER_ENTRY) {
            freshet_entry_tick(engine, freshet_timer_entry(timer));
        } else {
            freshet_session_tick(engine, freshet_timer_session(timer));
        }
        freshet_effects_close_group(engine);
    }
}

static struct entry *engine_entry_of(struct engine *engine, struct session *session,
                                     const struct key_view *view, bool make)
{
    struct key key = {.issuer = session->issuer->name, .session = session->id};

    if (make) {
        key.template_name = freshet_names_intern(&engine->names, view->template_name);
        key.organization = freshet_names_intern(&engine->names, view->organization);
        key.audience = freshet_names_intern(&engine->names, view->audience);
    } else {
        key.template_name = freshet_names_find(&engine->names, view->template_name);
        key.organization = freshet_names_find(&engine->names, view->organization);
        key.audience = freshet_names_find(&engine->names, view->audience);
    }
    if (key.template_name == FRESHET_NAME_NONE || key.organization == FRESHET_NAME_NONE ||
        key.audience == FRESHET_NAME_NONE) {
        return NULL;
    }
    return make ? freshet_entry_obtain(engine, session, key.template_name, key.organization,
                                       key.audience)
                : freshet_entry_find(engine, &key);
}

/* Another process published: a token enters at commit, a failure joins the schedule. */
static void engine_adopted(struct engine *engine, struct session *session,
                           const struct event *event)
{
    const struct record *record = &event->u.adopted.record;
    const struct arrival arrival = {
        .from = FROM_SHARED, .committed_ms = record->committed_ms, .sent_ms = record->sent_ms};
    struct entry *entry = NULL;

    if (!freshet_session_ready(session)) {
        return;
    }
    if (record->failure.attempt > 0 && record->failure.for_issuer) {
        session->issuer->not_before_ms =
            freshet_max(session->issuer->not_before_ms, record->failure.not_before_ms);
    }
    entry = engine_entry_of(engine, session, &event->u.adopted.key, false);
    if (entry == NULL) {
        return;
    }
    if (record->has_token &&
        freshet_commit(engine, entry, &record->token, &arrival) == COMMIT_TAKEN) {
        freshet_session_good_answer(engine, session);
        freshet_flight_landed(engine, entry, record->sent_ms);
    }
    if (record->failure.attempt > 0) {
        freshet_flight_peer_failed(engine, entry, &record->failure);
    }
    freshet_entry_update(engine, entry);
}

static void engine_rejected(struct engine *engine, struct session *session, uint64_t fingerprint)
{
    for (struct entry *entry = session->entries; entry != NULL; entry = entry->next) {
        if (entry->held.fingerprint == fingerprint && fingerprint != 0) {
            freshet_entry_reject(engine, entry);
            return;
        }
    }
}

static void engine_cancel(struct engine *engine, ticket_id ticket)
{
    struct waiter *waiter = freshet_waiter_find(engine, ticket);
    struct entry *entry = waiter != NULL ? waiter->entry : NULL;

    if (waiter == NULL) {
        return;
    }
    freshet_waiter_fail(engine, waiter, FRESHET_CANCELLED, 0);
    if (entry != NULL) {
        freshet_entry_update(engine, entry);
    }
}

static void engine_connectivity(struct engine *engine, struct session *session, bool online)
{
    struct issuer *issuer = session->issuer;

    if (!online && !issuer->offline) {
        issuer->offline_since_ms = engine->now.boot_ms;
    }
    issuer->offline = !online;
    for (struct session *s = issuer->sessions; s != NULL; s = s->next) {
        for (struct entry *entry = s->entries; entry != NULL; entry = entry->next) {
            if (online) {
                freshet_flight_online(engine, entry);
            } else {
                freshet_flight_offline(engine, entry);
            }
        }
    }
    for (struct session *s = issuer->sessions; s != NULL; s = s->next) {
        freshet_session_connectivity(engine, s, online);
    }
}

static void engine_wake(struct engine *engine)
{
    engine->woken_ms = engine->now.boot_ms;
    for (uint32_t i = 0; i < engine->issuer_count; i++) {
        for (struct session *s = engine->issuers[i]->sessions; s != NULL; s = s->next) {
            for (struct entry *entry = s->entries; entry != NULL; entry = entry->next) {
                freshet_flight_wake(engine, entry);
            }
        }
    }
}

/* A session that is over leaves its place to another one. */
static void engine_close(struct engine *engine, struct session *session)
{
    struct session **link = &session->issuer->sessions;

    freshet_session_stop(engine, session);
    freshet_wheel_set(engine->wheel, &session->timer, FRESHET_NEVER); /* a sign-out may be due */
    freshet_requests_forget_session(engine, session);
    while (session->entries != NULL) {
        freshet_entry_release(engine, session->entries);
    }
    freshet_last_forget(engine, session);
    freshet_session_unname(engine, session);
    while (*link != session) {
        link = &(*link)->next;
    }
    *link = session->next;
    session->issuer = NULL;
    session->next = engine->free_sessions;
    engine->free_sessions = session;
}

/* A call on a session that is no more still gets its one answer. */
static void engine_refuse(struct engine *engine, const struct event *event)
{
    const struct session closed = {.id = event->session};
    struct effect *effect =
        event->kind == EVENT_GET ? freshet_effect_push(engine, EFFECT_RESOLVE, &closed) : NULL;

    if (effect != NULL) {
        effect->u.resolve.ticket = event->u.get.ticket;
        effect->u.resolve.status = FRESHET_CLOSED;
    }
}

static void engine_want(struct engine *engine, struct session *session, const struct event *event)
{
    struct key_view key = event->u.want.key;
    struct entry *entry = NULL;

    if (key.organization == NULL && (key.template_name == NULL || key.template_name[0] == '\0')) {
        freshet_session_want(engine, session, event->u.want.change);
        return;
    }
    if (key.organization == NULL) {
        key.organization = freshet_name(engine, session->organization);
    }
    entry = engine_entry_of(engine, session, &key, true);
    if (entry == NULL) {
        return;
    }
    entry->wants =
        entry->wants + event->u.want.change > 0 ? entry->wants + event->u.want.change : 0;
    entry->asleep = false;
    freshet_entry_look(engine, entry, CAUSE_GET);
    freshet_entry_update(engine, entry);
}

static void engine_session_event(struct engine *engine, struct session *session,
                                 const struct event *event)
{
    switch (event->kind) {
    case EVENT_CLOSE:
        engine_close(engine, session);
        break;
    case EVENT_GET:
        freshet_session_get(engine, session, event);
        break;
    case EVENT_ADOPTED:
        engine_adopted(engine, session, event);
        break;
    case EVENT_REJECTED:
        engine_rejected(engine, session, event->u.rejected.fingerprint);
        break;
    case EVENT_ONLINE:
    case EVENT_OFFLINE:
        engine_connectivity(engine, session, event->kind == EVENT_ONLINE);
        break;
    case EVENT_FOCUS:
        engine_wake(engine);
        freshet_session_focus(engine, session);
        break;
    case EVENT_ORGANIZATION:
        freshet_session_set_organization(engine, session, event->u.organization.organization);
        break;
    case EVENT_SIGN_OUT:
        freshet_session_sign_out(engine, session, event->u.sign_out.scope);
        break;
    case EVENT_JOINED:
        freshet_load_join(engine, session, event);
        break;
    case EVENT_SIGNED_OUT:
        if (session->open && session->status != SESSION_SIGNED_OUT) {
            freshet_session_end(engine, session, END_ELSEWHERE);
        }
        break;
    case EVENT_CLEAR:
        freshet_session_clear(engine, session);
        break;
    case EVENT_WANT:
        engine_want(engine, session, event);
        break;
    case EVENT_OPEN:
    case EVENT_CANCEL:
    case EVENT_TICK:
    case EVENT_LEASED:
    case EVENT_DENIED:
    case EVENT_FETCHED:
    case EVENT_WAKE:
        break;
    }
}

static void engine_event(struct engine *engine, const struct event *event)
{
    struct session *session = NULL;

    switch (event->kind) {
    case EVENT_OPEN:
        engine_open(engine, event);
        break;
    case EVENT_CANCEL:
        engine_cancel(engine, event->u.cancel.ticket);
        break;
    case EVENT_TICK:
        engine_tick(engine);
        break;
    case EVENT_LEASED:
    case EVENT_DENIED:
        if (event->u.lease.entry < engine->entry_count &&
            engine->entries[event->u.lease.entry]->session != NULL) {
            freshet_flight_leased(engine, engine->entries[event->u.lease.entry],
                                  event->kind == EVENT_LEASED);
        }
        break;
    case EVENT_FETCHED:
        freshet_answer_take(engine, event);
        break;
    case EVENT_WAKE:
        engine_wake(engine);
        break;
    case EVENT_CLOSE:
    case EVENT_GET:
    case EVENT_ADOPTED:
    case EVENT_REJECTED:
    case EVENT_ONLINE:
    case EVENT_OFFLINE:
    case EVENT_FOCUS:
    case EVENT_ORGANIZATION:
    case EVENT_SIGN_OUT:
    case EVENT_JOINED:
    case EVENT_SIGNED_OUT:
    case EVENT_CLEAR:
    case EVENT_WANT:
        session = engine_session(engine, event->session);
        if (session != NULL) {
            engine_session_event(engine, session, event);
        } else {
            engine_refuse(engine, event);
        }
        break;
    }
}

struct effects freshet_step(struct engine *engine, const struct event *event, struct now now)
{
    engine->now = now;
    engine->effect_count = 0;
    engine->group = 0;
    engine_event(engine, event);
    freshet_effects_close_group(engine);
    return (struct effects){.items = engine->effects, .count = engine->effect_count};
}

struct cell *freshet_engine_cell(struct engine *engine, const struct key_view *key)
{
    struct session *session = engine_session(engine, key->session);
    struct entry *entry = session != NULL ? engine_entry_of(engine, session, key, false) : NULL;

    return entry != NULL ? &entry->cell : NULL;
}
