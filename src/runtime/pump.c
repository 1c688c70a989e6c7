/*
 * The pump of runtime/pump.h.
 */
#include "runtime/pump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/others.h"
#include "runtime/remembered.h"
#include "runtime/standing.h"

/* The safety net: the schedule is looked at this often even if nothing is due. */
#define PUMP_TICK_MS       30000
#define PUMP_LATE_MS       1000
#define PUMP_SAVE_AGAIN_MS 50

/* ---- answers ---- */

static const char *pump_no_answer_name(enum no_answer no_answer)
{
    switch (no_answer) {
    case NO_ANSWER_TIMEOUT:
        return "timeout";
    case NO_ANSWER_STORE:
        return "store";
    case NO_ANSWER_DROPPED:
    case NO_ANSWER_ABANDONED:
        break;
    }
    return "dropped";
}

static bool pump_ends_a_session(enum endpoint on)
{
    return on == ON_END || on == ON_REMOVE || on == ON_SESSIONS;
}

static void pump_answered(void *context, const struct exchange_answer *answer)
{
    struct pump *pump = context;
    const struct http_response *response = answer->response;
    struct event event = {.kind = EVENT_FETCHED, .session = answer->session->id};

    if (answer->address[0] != '\0' && !answer->session->instance.loopback) {
        freshet_connectivity_reached(&pump->connectivity, answer->address);
    }
    if (answer->on == ON_ENVIRONMENT) {
        freshet_environment_save(answer->session, &answer->reading->outcome, answer->received);
    } else if (pump_ends_a_session(answer->on) && answer->reading->outcome.kind == OUTCOME_GOOD) {
        freshet_standing_told(answer->session);
        pump->unsaved = true;
    }
    if (answer->reading->outcome.kind == OUTCOME_REFUSED) {
        snprintf(answer->session->refused, sizeof(answer->session->refused), "%s",
                 answer->reading->outcome.code);
    }
    event.u.fetched.request = answer->request;
    event.u.fetched.received_boot_ms = answer->received.boot_ms;
    event.u.fetched.outcome = answer->reading->outcome;
    if (pump->options.response != NULL) {
        pump->options.response(
            pump->options.context, answer->request, event.session, response->status,
            response->status == 0 ? pump_no_answer_name(response->no_answer) : NULL,
            answer->received);
    }
    if (freshet_others_have_ended(pump, answer->session)) {
        freshet_pump_event(pump,
                           &(struct event){.kind = EVENT_SIGNED_OUT, .session = event.session});
    }
    freshet_pump_event(pump, &event);
}

/* ---- effects ---- */

/* Other handles of the same session are over too; with all of the client's, those of its others. */
static void pump_end_handles(struct pump *pump, const struct pump_session *session, bool all,
                             struct now now)
{
    for (uint32_t i = 0; i < pump->session_count; i++) {
        struct pump_session *other = pump->sessions[i];
        struct session_view view;

        if (other == NULL || other == session || other->ended ||
            !freshet_engine_view_session(pump->engine, other->id, now, &view)) {
            continue;
        }
        if (strcmp(other->sid, session->sid) == 0 && session->sid[0] != '\0' &&
            strcmp(other->instance.base_url, session->instance.base_url) == 0) {
            other->ended = true;
        } else if (all && other->account == session->account) {
            freshet_standing_end(other, pump->sharing.share, &view, END_CONFIRMED, now);
        }
        if (other->ended) {
            freshet_sharing_look(&pump->sharing, ERRAND_OVER, other->id, NULL);
        }
    }
}

static void pump_status(struct pump *pump, const struct effect *effect)
{
    struct pump_session *session = pump->sessions[effect->session];
    enum session_end end = effect->u.status.end;

    session->left = end == END_STOPPED || end == END_ELSEWHERE;
    if (effect->u.status.status != SESSION_SIGNED_OUT) {
        freshet_sharing_look(&pump->sharing, ERRAND_STAND, effect->session, NULL);
    }
}

static void pump_session_ended(struct pump *pump, const struct effect *effect, struct now now)
{
    struct pump_session *session = pump->sessions[effect->session];
    struct session_view view;

    session->left = false;
    session->scope = effect->u.end.scope;
    if (freshet_engine_view_session(pump->engine, effect->session, now, &view)) {
        freshet_standing_end(session, pump->sharing.share, &view, effect->u.end.end, now);
        pump->unsaved = true;
        pump_end_handles(pump, session,
                         effect->u.end.end == END_ASKED && session->scope == SIGN_OUT_ALL, now);
    }
}

static void pump_do(struct pump *pump, const struct effect *effect, struct now now)
{
    struct pump_session *session = pump->sessions[effect->session];

    switch (effect->kind) {
    case EFFECT_FETCH:
        freshet_exchange_begin(&pump->exchanges, session, effect);
        break;
    case EFFECT_ABANDON:
        freshet_exchange_abandon(&pump->exchanges, effect->u.abandon.request);
        break;
    case EFFECT_LEASE:
        freshet_sharing_lease(&pump->sharing, effect, now);
        break;
    case EFFECT_RELEASE:
        freshet_sharing_release(&pump->sharing, effect);
        break;
    case EFFECT_PUBLISH:
        freshet_sharing_publish(&pump->sharing, session, effect, now);
        break;
    case EFFECT_RETRACT:
        freshet_sharing_retract(&pump->sharing, session, effect, now);
        break;
    case EFFECT_STATUS:
        pump_status(pump, effect);
        break;
    case EFFECT_END:
        pump_session_ended(pump, effect, now);
        break;
    case EFFECT_SAVE:
    case EFFECT_RESOLVE:
    case EFFECT_COMMIT:
    case EFFECT_IGNORED:
    case EFFECT_EMIT:
        break;
    }
}

/* A token that was adopted has been saved by whoever fetched it. */
static void pump_save(struct pump *pump, const struct effect *effect, const struct event *event,
                      struct now now)
{
    if (effect->kind == EFFECT_SAVE &&
        (effect->u.save.text == NULL || event->kind != EVENT_ADOPTED)) {
        freshet_last_token_save(pump->sessions[effect->session], pump->sharing.share, effect, now);
    }
}

static void pump_tell_organization(struct pump *pump, session_id session, struct now now)
{
    struct session_view view;

    if (freshet_engine_view_session(pump->engine, session, now, &view)) {
        freshet_standing_tell(pump->sessions[session], pump->sharing.share, view.organization, now);
    }
}

/* Leases are given back and tokens published before anybody is told; the disk comes last. */
void freshet_pump_step(struct pump *pump, const struct event *event)
{
    struct now now = freshet_clock_sample();
    struct effects effects = freshet_step(pump->engine, event, now);

    for (size_t i = 0; i < effects.count; i++) {
        pump_do(pump, &effects.items[i], now);
    }
    for (size_t i = 0; i < effects.count; i++) {
        pump->options.effect(pump->options.context, &effects.items[i], now);
    }
    for (size_t i = 0; i < effects.count; i++) {
        pump_save(pump, &effects.items[i], event, now);
    }
    if (event->kind == EVENT_ORGANIZATION) {
        pump_tell_organization(pump, event->session, now);
    }
}

/* ---- what follows ---- */

/* What the store was too busy to take. */
static bool pump_save_standings(struct pump *pump)
{
    bool all = true;

    for (uint32_t i = 0; pump->unsaved && i < pump->session_count; i++) {
        all = (pump->sessions[i] == NULL || freshet_standing_save(pump->sessions[i])) && all;
    }
    return all;
}

static void pump_arm(struct pump *pump)
{
    int64_t now_ms = freshet_clock_sample().boot_ms;
    int64_t deadline = freshet_min(freshet_engine_deadline(pump->engine),
                                   freshet_exchange_deadline(&pump->exchanges));

    pump->unsaved = !pump_save_standings(pump);
    if (pump->unsaved) {
        deadline = freshet_min(deadline, now_ms + PUMP_SAVE_AGAIN_MS);
    }

    pump->alarm_ms = freshet_min(deadline, now_ms + PUMP_TICK_MS);
    freshet_alarm_set(&pump->alarm, pump->alarm_ms);
}

/* Everything that follows, until nothing does. */
static void pump_settle(struct pump *pump)
{
    struct errand *errand = NULL;

    freshet_others_join(pump);
    do {
        while ((errand = freshet_sharing_take(&pump->sharing)) != NULL) {
            freshet_others_run(pump, errand);
            freshet_errand_free(errand);
        }
    } while (freshet_exchange_go_on(&pump->exchanges, freshet_clock_sample()) ||
             pump->sharing.errands != NULL);
    pump->busy = false;
    pump_arm(pump);
}

void freshet_pump_event(struct pump *pump, const struct event *event)
{
    bool outermost = !pump->busy;

    pump->busy = true;
    freshet_pump_step(pump, event);
    if (outermost) {
        pump_settle(pump);
    }
}

static void pump_news(void *context)
{
    struct pump *pump = context;

    if (!pump->busy) {
        pump->busy = true;
        pump_settle(pump);
    }
}

/* ---- time ---- */

static void pump_wake(void *context)
{
    static const struct event wake = {.kind = EVENT_WAKE};

    freshet_pump_event(context, &wake);
}

static void pump_idle(uv_idle_t *idle)
{
    ((struct pump *)idle->data)->turned = true;
}

/* One full turn after the alarm: sockets have been read, now time may be told. */
static void pump_check(uv_check_t *check)
{
    static const struct event tick = {.kind = EVENT_TICK};
    struct pump *pump = check->data;

    if (!pump->turned) {
        return;
    }
    uv_idle_stop(&pump->idle);
    uv_check_stop(&pump->check);
    pump->ringing = false;
    freshet_sharing_drain(&pump->sharing, freshet_clock_sample());
    freshet_pump_event(pump, &tick);
}

static void pump_alarm(void *context)
{
    struct pump *pump = context;

    if (pump->ringing) {
        return;
    }
    if (freshet_vigil_has_slept(&pump->vigil) ||
        freshet_clock_sample().boot_ms - pump->alarm_ms > PUMP_LATE_MS) {
        pump_wake(pump);
    }
    pump->ringing = true;
    pump->turned = false;
    uv_idle_start(&pump->idle, pump_idle);
    uv_check_start(&pump->check, pump_check);
}

/* ---- connectivity ---- */

static void pump_connectivity(void *context, enum connectivity_state state)
{
    struct pump *pump = context;
    struct event event = {.kind = state == CONNECTIVITY_OFFLINE ? EVENT_OFFLINE : EVENT_ONLINE};

    if (freshet_http_proxied(pump->http)) {
        return; /* this machine's routes say nothing about what a proxy reaches */
    }
    if (state == CONNECTIVITY_OFFLINE) {
        freshet_http_fail_all(pump->http);
    }
    for (uint32_t i = 0; i < pump->session_count; i++) {
        if (pump->sessions[i] != NULL && !pump->sessions[i]->instance.loopback) {
            event.session = pump->sessions[i]->id;
            freshet_pump_event(pump, &event);
        }
    }
}

/* A session that is opened while there is no connectivity is told so at once. */
static void pump_tell_connectivity(struct pump *pump, const struct pump_session *session)
{
    struct event event = {.kind = EVENT_OFFLINE, .session = session->id};

    if (pump->connectivity.state == CONNECTIVITY_OFFLINE && !session->instance.loopback &&
        !freshet_http_proxied(pump->http)) {
        freshet_pump_event(pump, &event);
    }
}

/* ---- life ---- */

static void *pump_obtain(void *memory, size_t size_bytes)
{
    return freshet_locked_obtain(memory, size_bytes);
}

static void pump_release(void *memory, void *block, size_t size_bytes)
{
    freshet_locked_release(memory, block, size_bytes);
}

int freshet_pump_init(struct pump *pump, uv_loop_t *loop, const struct pump_options *options)
{
    struct http_options http = {.user_agent = options->user_agent, .ca_file = options->ca_file};
    int status = 0;
    int shared = 0;

    *pump = (struct pump){.loop = loop, .options = *options};
    pump->memory = freshet_locked_new();
    pump->options.engine.memory = (struct cell_memory){
        .obtain = pump_obtain, .release = pump_release, .context = pump->memory};
    pump->engine = pump->memory != NULL
                       ? freshet_engine_new(&pump->options.engine, freshet_clock_sample())
                       : NULL;
    pump->sessions = calloc(options->engine.max_sessions, sizeof(struct pump_session *));
    pump->http = freshet_http_new(loop, &http);
    pump->exchanges =
        (struct exchanges){.http = pump->http, .answered = pump_answered, .context = pump};
    shared = freshet_sharing_init(&pump->sharing, loop, options->place, pump_news, pump);
    pump->options.place = NULL;
    if (pump->engine == NULL || pump->sessions == NULL || pump->http == NULL) {
        status = UV_ENOMEM;
    }
    status = status != 0 ? status : shared;
    uv_idle_init(loop, &pump->idle);
    uv_check_init(loop, &pump->check);
    pump->idle.data = pump;
    pump->check.data = pump;
    if (status == 0) {
        status = freshet_alarm_init(&pump->alarm, loop, pump_alarm, pump);
    }
    if (status == 0) {
        status = freshet_vigil_init(&pump->vigil, loop, pump_wake, pump);
    }
    if (status == 0) {
        status = freshet_connectivity_init(&pump->connectivity, loop, pump_connectivity, pump);
    }
    return status;
}

enum freshet_status freshet_pump_open(struct pump *pump, const struct pump_opening *opening,
                                      session_id *session)
{
    struct event event = {.kind = EVENT_OPEN, .session = freshet_engine_session(pump->engine)};
    struct remembered remembered;
    struct pump_session *own = NULL;

    if (event.session == FRESHET_NO_SESSION) {
        return FRESHET_LIMIT;
    }
    own = freshet_pump_session_new(&pump->accounts, pump->options.store, opening);
    if (own == NULL) {
        return FRESHET_NO_MEMORY;
    }
    own->id = event.session;
    pump->sessions[own->id] = own;
    pump->session_count = own->id < pump->session_count ? pump->session_count : own->id + 1;
    freshet_account_settle(own->account, freshet_clock_sample());
    freshet_remembered_read(own, pump->sharing.share, freshet_clock_sample(), &remembered);
    event.u.open.issuer = own->instance.base_url;
    event.u.open.sid = opening->sid;
    event.u.open.ended = remembered.ended;
    event.u.open.ended_sid = remembered.ended_sid;
    event.u.open.ended_scope = remembered.ended_scope;
    event.u.open.session_minter = remembered.session_minter;
    event.u.open.has_last_token = remembered.has_token;
    event.u.open.last_token = remembered.token;
    event.u.open.has_offset = remembered.has_offset;
    event.u.open.offset_ms = remembered.offset_ms;
    *session = own->id;
    freshet_pump_event(pump, &event);
    freshet_remembered_free(&remembered);
    pump_tell_connectivity(pump, own);
    return FRESHET_OK;
}

void freshet_pump_end(struct pump *pump, session_id session)
{
    struct event event = {.kind = EVENT_CLOSE, .session = session};

    freshet_pump_event(pump, &event);
    freshet_exchange_drop(&pump->exchanges, pump->sessions[session]);
    freshet_pump_session_free(&pump->accounts, pump->sessions[session]);
    pump->sessions[session] = NULL;
}

void freshet_pump_close(struct pump *pump)
{
    (void)pump_save_standings(pump);
    freshet_exchange_drop(&pump->exchanges, NULL);
    freshet_http_close(pump->http);
    freshet_sharing_close(&pump->sharing);
    freshet_alarm_close(&pump->alarm);
    freshet_vigil_close(&pump->vigil);
    freshet_connectivity_close(&pump->connectivity);
    uv_close((uv_handle_t *)&pump->idle, NULL);
    uv_close((uv_handle_t *)&pump->check, NULL);
}

void freshet_pump_free(struct pump *pump)
{
    for (uint32_t i = 0; i < pump->session_count; i++) {
        freshet_pump_session_free(&pump->accounts, pump->sessions[i]);
    }
    free(pump->sessions);
    freshet_sharing_free(&pump->sharing);
    freshet_engine_free(pump->engine);
    freshet_locked_close(pump->memory);
}
