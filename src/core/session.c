/*
 * A session: its status, its active organization, the calls it admits, and its end.
 *
 * Only a confirmed verdict ends a session: an explicit sign-out, or /client showing no session after
 * the issuer refused a credential. What reads the client is load.c; what it means is decided here.
 */
#include "core/state.h"

#include <string.h>

/* Recovery after a refused credential asks /client no sooner than this again. */
#define SESSION_QUIET_MS         5000
#define SESSION_TOUCH_SPACING_MS 5000

bool freshet_session_ready(const struct session *session)
{
    return session->open && session->sid != 0 &&
           (session->status == SESSION_READY || session->status == SESSION_DEGRADED);
}

/* The session is known by this id from now on; false if that is none. */
bool freshet_session_name(struct engine *engine, struct session *session, const char *sid)
{
    uint32_t name = freshet_names_intern(&engine->names, sid);

    if (name == FRESHET_NAME_NONE || name == 0) {
        return false;
    }
    freshet_session_unname(engine, session);
    session->sid = name;
    freshet_map_insert(&engine->sid_map, &session->node, freshet_map_mix(name));
    return true;
}

void freshet_session_unname(struct engine *engine, struct session *session)
{
    if (session->sid != 0) {
        freshet_map_remove(&engine->sid_map, &session->node);
        session->sid = 0;
    }
}

void freshet_session_emit(struct engine *engine, struct session *session, enum emit_name name,
                          uint64_t fingerprint)
{
    struct effect *effect = freshet_effect_push(engine, EFFECT_EMIT, session);

    if (effect != NULL) {
        effect->u.emit.name = name;
        effect->u.emit.fingerprint = fingerprint;
        effect->u.emit.status = session->status;
    }
}

void freshet_session_set_status(struct engine *engine, struct session *session,
                                enum session_status status)
{
    struct effect *effect = NULL;

    if (session->status == status) {
        return;
    }
    session->status = status;
    effect = freshet_effect_push(engine, EFFECT_STATUS, session);
    if (effect != NULL) {
        effect->u.status.status = status;
        effect->u.status.end = session->end;
    }
    freshet_session_emit(engine, session, EMIT_SESSION_STATUS, 0);
}

/* After a start without the client, only the client's own answer makes a session ready again. */
void freshet_session_good_answer(struct engine *engine, struct session *session)
{
    if (session->status == SESSION_DEGRADED && !session->outage) {
        freshet_session_set_status(engine, session, SESSION_READY);
    }
}

request_id freshet_session_send(struct engine *engine, struct session *session, enum endpoint on,
                                enum cause cause, int attempt, int64_t deadline_ms)
{
    struct request *request = freshet_request_new(engine, on, session, NULL);
    struct effect *effect =
        request != NULL ? freshet_effect_push(engine, EFFECT_FETCH, session) : NULL;

    if (effect == NULL) {
        return 0;
    }
    effect->u.fetch.request = request->id;
    effect->u.fetch.on = on;
    effect->u.fetch.cause = cause;
    effect->u.fetch.attempt = attempt;
    effect->u.fetch.deadline_ms = deadline_ms;
    effect->u.fetch.key.session = session->id;
    effect->u.fetch.key.issuer = freshet_name(engine, session->issuer->name);
    effect->u.fetch.key.sid = freshet_name(engine, session->sid);
    effect->u.fetch.key.template_name = "";
    effect->u.fetch.key.audience = "";
    effect->u.fetch.key.organization =
        on == ON_TOUCH ? freshet_name(engine, session->organization) : "";
    if (on == ON_TOUCH) {
        effect->u.fetch.intent = cause == CAUSE_ORGANIZATION ? INTENT_SELECT_ORG : INTENT_FOCUS;
    }
    return request->id;
}

/* ---- open and close ---- */

/* Before the first answer: what was believed when the last token was kept. Without that, the issuer's
 * clock is at least where it was when it made that token. */
static void session_assume_clock(const struct engine *engine, struct session *session,
                                 const struct event *event)
{
    struct issuer_clock *clock = &session->issuer->clock;
    int64_t least_ms = event->u.open.last_token.iat_s * 1000 - engine->now.boot_ms;

    if (event->u.open.has_offset) {
        freshet_clock_assume(clock, event->u.open.offset_ms);
    } else if (event->u.open.has_last_token &&
               least_ms > freshet_clock_offset(clock, engine->now)) {
        freshet_clock_assume(clock, least_ms);
    }
}

void freshet_session_start(struct engine *engine, const struct event *event)
{
    struct session *session = engine->sessions[event->session];
    const char *sid = event->u.open.sid != NULL ? event->u.open.sid : "";
    const char *ended_sid = event->u.open.ended_sid != NULL ? event->u.open.ended_sid : "";

    session->timer.kind = TIMER_SESSION;
    session->open = true;
    session->opened_ms = engine->now.boot_ms;
    session->touched_ms = INT64_MIN / 2;
    session->epoch_ms = INT64_MIN / 2;
    session->session_minter = event->u.open.session_minter;
    session->sid_given = freshet_session_name(engine, session, sid);
    session->ended_before = event->u.open.ended;
    session->ended_sid = freshet_names_intern(&engine->names, ended_sid);
    session->ended_scope = event->u.open.ended_scope;
    session_assume_clock(engine, session, event);
    if (event->u.open.has_last_token) {
        (void)freshet_last_keep(engine, session, &event->u.open.last_token);
    }
    freshet_session_set_status(engine, session, SESSION_LOADING);
    freshet_load_start(engine, session);
}

static void session_stop_errands(struct engine *engine, struct session *session)
{
    freshet_request_abandon(engine, session->client.request, false);
    freshet_request_abandon(engine, session->environment.request, false);
    freshet_request_abandon(engine, session->touch.request, false);
    session->client = (struct reading_state){.at_ms = FRESHET_NEVER};
    session->environment = (struct errand){.at_ms = FRESHET_NEVER};
    session->touch = (struct errand){.at_ms = FRESHET_NEVER};
}

/* Nothing that began before this moment may write after it. */
static void session_raise_epoch(const struct engine *engine, struct session *session)
{
    session->epoch++;
    session->epoch_ms = engine->now.boot_ms;
}

static void session_fail_all(struct engine *engine, struct session *session,
                             enum freshet_status status)
{
    freshet_waiters_fail(engine, &session->parked, status, 0);
    for (struct entry *entry = session->entries; entry != NULL; entry = entry->next) {
        freshet_waiters_fail(engine, &entry->waiters, status, 0);
    }
}

void freshet_session_stop(struct engine *engine, struct session *session)
{
    session_stop_errands(engine, session);
    for (struct entry *entry = session->entries; entry != NULL; entry = entry->next) {
        freshet_flight_stop(engine, entry);
        freshet_entry_update(engine, entry);
    }
    session_fail_all(engine, session, FRESHET_CLOSED);
    session->open = false;
    freshet_session_set_status(engine, session, SESSION_CLOSED);
    freshet_session_update(engine, session);
}

/* ---- calls ---- */

static void session_refuse(struct engine *engine, struct session *session,
                           const struct event *event, enum freshet_status status)
{
    struct effect *effect = freshet_effect_push(engine, EFFECT_RESOLVE, session);

    if (effect != NULL) {
        effect->u.resolve.ticket = event->u.get.ticket;
        effect->u.resolve.status = status;
    }
}

/* Moves a call from the session to its entry and answers it there. */
static void session_direct(struct engine *engine, struct waiter *waiter)
{
    struct session *session = waiter->session;
    uint32_t organization =
        waiter->organization != FRESHET_NAME_NONE ? waiter->organization : session->organization;
    struct entry *entry = freshet_entry_obtain(engine, session, waiter->template_name, organization,
                                               waiter->audience);

    if (entry == NULL) {
        freshet_waiter_fail(engine, waiter, FRESHET_LIMIT, 0);
        return;
    }
    freshet_waiter_move(waiter, entry);
    freshet_entry_get(engine, waiter);
}

void freshet_session_get(struct engine *engine, struct session *session, const struct event *event)
{
    enum freshet_status status = FRESHET_OK;
    struct waiter *waiter = NULL;

    if (session->status == SESSION_CLOSED) {
        session_refuse(engine, session, event, FRESHET_CLOSED);
        return;
    }
    if (session->status == SESSION_SIGNED_OUT) {
        session_refuse(engine, session, event, FRESHET_SIGNED_OUT);
        return;
    }
    waiter = freshet_waiter_new(engine, session, event, &status);
    if (waiter == NULL) {
        session_refuse(engine, session, event, status);
        return;
    }
    freshet_waiter_park(&session->parked, waiter);
    if (freshet_session_ready(session)) {
        session_direct(engine, waiter);
    } else if (session->client.refused != FRESHET_OK && session->client.request == 0) {
        freshet_waiter_fail(engine, waiter, session->client.refused, session->client.refused_http);
    }
    freshet_session_update(engine, session);
}

/* Whatever is due of this session is done; what is wanted at all times has an entry. */
static void session_look(struct engine *engine, struct session *session)
{
    if (session->wants > 0) {
        (void)freshet_entry_obtain(engine, session, 0, session->organization, 0);
    }
    for (struct entry *entry = session->entries; entry != NULL; entry = entry->next) {
        freshet_entry_look(engine, entry, CAUSE_REFRESH);
        freshet_entry_update(engine, entry);
    }
}

/* The session can answer now: every call that waited for that goes to its entry. */
void freshet_session_admit(struct engine *engine, struct session *session)
{
    while (session->parked.oldest != NULL) {
        session_direct(engine, session->parked.oldest);
    }
    session_look(engine, session);
}

/* ---- verdicts ---- */

bool freshet_session_confirm(struct engine *engine, struct session *session)
{
    if (session->client.request != 0) {
        session->client.cause = CAUSE_UNAUTHENTICATED;
        return true;
    }
    if (engine->now.boot_ms < session->client.quiet_until_ms || session->issuer->offline) {
        return false;
    }
    if (session->client.unauthorized == 0 && !session->outage) {
        session->client.attempt = 0;
    }
    freshet_load_client(engine, session, CAUSE_UNAUTHENTICATED);
    return true;
}

/* /client has spoken without ending the session: whoever waited for that goes on. */
void freshet_session_confirmed(struct engine *engine, struct session *session)
{
    session->client.quiet_until_ms =
        freshet_max(session->client.quiet_until_ms, engine->now.boot_ms + SESSION_QUIET_MS);
    for (struct entry *entry = session->entries; entry != NULL; entry = entry->next) {
        freshet_flight_confirmed(engine, entry);
    }
}

void freshet_session_tell_end(struct engine *engine, struct session *session)
{
    struct effect *effect = freshet_effect_push(engine, EFFECT_END, session);

    if (effect != NULL) {
        effect->u.end.end = session->end;
        effect->u.end.scope = session->scope;
    }
}

/* The end, local and final: nothing that began before it may write after it. */
void freshet_session_end(struct engine *engine, struct session *session, enum session_end end)
{
    struct effect *effect = NULL;

    session_raise_epoch(engine, session);
    session->end = end;
    session->outage = false;
    session_stop_errands(engine, session);
    freshet_session_set_status(engine, session, SESSION_SIGNED_OUT);
    freshet_session_emit(engine, session, EMIT_SIGNED_OUT, 0);
    if (end == END_ASKED || end == END_CONFIRMED) {
        freshet_session_tell_end(engine, session);
    }
    session_fail_all(engine, session, FRESHET_SIGNED_OUT);
    for (struct entry *entry = session->entries; entry != NULL; entry = entry->next) {
        freshet_flight_stop(engine, entry);
        freshet_commit_drop(engine, entry);
        freshet_entry_update(engine, entry);
    }
    freshet_last_forget(engine, session);
    effect = freshet_effect_push(engine, EFFECT_SAVE, session);
    if (effect != NULL) {
        effect->u.save.text = NULL;
    }
    freshet_session_update(engine, session);
}

/* ---- what the host asks for ---- */

void freshet_session_sign_out(struct engine *engine, struct session *session,
                              enum sign_out_scope scope)
{
    bool stopped = session->status == SESSION_SIGNED_OUT && session->end == END_STOPPED;

    if ((session->status == SESSION_SIGNED_OUT && !stopped) || !session->open) {
        return;
    }
    session->scope = scope;
    if (stopped) {
        session->end = END_ASKED; /* so far it was over in this process alone */
        freshet_session_tell_end(engine, session);
    } else {
        freshet_load_name_last(engine, session);
        freshet_session_end(engine, session, END_ASKED);
    }
    session->sign_out = (struct errand){.at_ms = FRESHET_NEVER};
    if (session->sid != 0 || scope == SIGN_OUT_ALL) {
        freshet_errand_sign_out(engine, session);
    } else {
        freshet_load_for_sign_out(engine, session);
    }
    freshet_session_update(engine, session);
}

void freshet_session_set_organization(struct engine *engine, struct session *session,
                                      const char *organization)
{
    uint32_t name = freshet_names_intern(&engine->names, organization);
    bool loading = session->status == SESSION_LOADING || session->sid == 0;

    if (name == FRESHET_NAME_NONE || (name == session->organization && !loading)) {
        return;
    }
    freshet_last_keep_held(engine, session);
    session->organization = name;
    session->organization_given = loading || session->issuer->offline;
    if (session->wants > 0 && freshet_session_ready(session)) {
        (void)freshet_entry_obtain(engine, session, 0, name, 0);
    }
    for (struct entry *entry = session->entries; entry != NULL; entry = entry->next) {
        freshet_entry_update(engine, entry);
    }
    if (freshet_session_ready(session) && !session->issuer->offline) {
        freshet_errand_touch(engine, session, CAUSE_ORGANIZATION);
    }
}

void freshet_session_tell_organization(struct engine *engine, struct session *session)
{
    bool given = session->organization_given && !session->issuer->offline;

    session->organization_given = session->organization_given && !given;
    if (given) {
        freshet_errand_touch(engine, session, CAUSE_ORGANIZATION);
    }
}

/* The active token is wanted at all times: it exists from now on, even before it is held. */
void freshet_session_want(struct engine *engine, struct session *session, int change)
{
    session->wants = session->wants + change > 0 ? session->wants + change : 0;
    if (freshet_session_ready(session)) {
        session_look(engine, session);
    }
}

void freshet_session_focus(struct engine *engine, struct session *session)
{
    if (!freshet_session_ready(session) || session->issuer->offline ||
        engine->now.boot_ms - session->touched_ms < SESSION_TOUCH_SPACING_MS ||
        engine->now.boot_ms < session->issuer->not_before_ms) {
        return;
    }
    freshet_errand_touch(engine, session, CAUSE_WAKE);
}

void freshet_session_clear(struct engine *engine, struct session *session)
{
    session_raise_epoch(engine, session);
    freshet_last_keep_held(engine, session);
    for (struct entry *entry = session->entries; entry != NULL; entry = entry->next) {
        freshet_flight_stop(engine, entry);
        freshet_commit_drop(engine, entry);
        if (entry->waiters.oldest != NULL) {
            freshet_flight_wait(engine, entry, CAUSE_GET);
        }
        freshet_entry_update(engine, entry);
    }
}

/* Connectivity came back: whatever the session waits for is asked at once. */
void freshet_session_connectivity(struct engine *engine, struct session *session, bool online)
{
    freshet_load_connectivity(engine, session, online);
    if (online && freshet_session_ready(session)) {
        freshet_session_tell_organization(engine, session);
    }
    if (online && session->sign_out.at_ms != FRESHET_NEVER) {
        session->sign_out.at_ms = engine->now.boot_ms;
    }
    freshet_session_update(engine, session);
}

/* ---- answers and time ---- */

void freshet_session_answered(struct engine *engine, const struct request *request,
                              const struct outcome *out)
{
    struct session *session = request->session;

    switch (request->on) {
    case ON_ENVIRONMENT:
        freshet_load_environment_answered(engine, session, out);
        break;
    case ON_CLIENT:
        freshet_load_client_answered(engine, session, request, out);
        break;
    case ON_TOUCH:
        freshet_errand_touched(engine, session, out);
        break;
    case ON_SESSIONS:
    case ON_REMOVE:
    case ON_END:
        freshet_errand_signed_out(engine, session, out);
        break;
    case ON_TOKENS:
    case ON_COUNT:
        break;
    }
    freshet_session_update(engine, session);
}

static int64_t session_parked_end(const struct engine *engine, const struct waiter *waiter)
{
    return freshet_min(waiter->ends_ms, freshet_waiter_offline_end(engine, waiter));
}

static void session_tick_parked(struct engine *engine, struct session *session)
{
    enum freshet_status status = session->issuer->offline ? FRESHET_OFFLINE : FRESHET_TIMEOUT;
    struct waiter *waiter = session->parked.oldest;

    while (waiter != NULL) {
        struct waiter *next = waiter->next;

        if (session_parked_end(engine, waiter) <= engine->now.boot_ms) {
            freshet_waiter_fail(engine, waiter, status, 0);
        }
        waiter = next;
    }
}

void freshet_session_tick(struct engine *engine, struct session *session)
{
    freshet_load_tick(engine, session);
    freshet_errand_tick(engine, session);
    session_tick_parked(engine, session);
    freshet_session_update(engine, session);
}

void freshet_session_update(struct engine *engine, struct session *session)
{
    bool offline = session->issuer->offline;
    int64_t next = session->client.request != 0 ? session->client.deadline_ms
                                                : (offline ? FRESHET_NEVER : session->client.at_ms);

    next = freshet_min(next, freshet_errand_next(session));
    for (const struct waiter *w = session->parked.oldest; w != NULL; w = w->next) {
        next = freshet_min(next, session_parked_end(engine, w));
    }
    freshet_wheel_set(engine->wheel, &session->timer, next);
}
