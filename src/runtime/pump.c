/*
 * The pump of runtime/pump.h.
 */
#include "runtime/pump.h"

#include <stdlib.h>
#include <string.h>

#include <freshet/version.h>

#include "runtime/clock.h"

/* The safety net: the schedule is looked at this often even if nothing is due. */
#define PUMP_TICK_MS 30000
#define PUMP_LATE_MS 1000

/* A request under way. */
struct exchange {
    struct exchange *next;
    struct pump *pump;
    struct pump_session *session;
    request_id id;
    enum endpoint on;
};

static void pump_step(struct pump *pump, const struct event *event);

/* ---- exchanges ---- */

static struct exchange *pump_take_exchange(struct pump *pump, request_id id)
{
    struct exchange **link = &pump->exchanges;

    while (*link != NULL && (*link)->id != id) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        return NULL;
    }
    struct exchange *exchange = *link;

    *link = exchange->next;
    return exchange;
}

static const char *pump_no_answer_name(enum no_answer no_answer)
{
    return no_answer == NO_ANSWER_TIMEOUT ? "timeout" : "dropped";
}

static void pump_answered(void *context, request_id id, const struct http_response *response,
                          const char *address, struct now received)
{
    struct pump *pump = context;
    struct exchange *exchange = pump_take_exchange(pump, id);
    struct event event = {.kind = EVENT_FETCHED};
    struct reading reading;

    if (exchange == NULL) {
        return;
    }
    freshet_clerk_read(exchange->on, response, received.wall_ms, &reading);
    if (address[0] != '\0' && !exchange->session->instance.loopback) {
        freshet_connectivity_reached(&pump->connectivity, address);
    }
    if (reading.credential != NULL) {
        freshet_credential_rotate(&exchange->session->credential, reading.credential, id);
    }
    event.session = exchange->session->id;
    event.u.fetched.request = id;
    event.u.fetched.received_boot_ms = received.boot_ms;
    event.u.fetched.outcome = reading.outcome;
    free(exchange);
    if (pump->options.response != NULL) {
        pump->options.response(
            pump->options.context, id, event.session, response->status,
            response->status == 0 ? pump_no_answer_name(response->no_answer) : NULL, received);
    }
    freshet_pump_event(pump, &event);
    freshet_reading_free(&reading);
}

/* A request that cannot even be sent has no answer. */
static void pump_unsent(struct pump *pump, request_id id)
{
    static const struct http_response nothing = {.no_answer = NO_ANSWER_DROPPED};

    pump_answered(pump, id, &nothing, "", freshet_clock_sample());
}

static void pump_fetch(struct pump *pump, const struct effect *effect)
{
    struct pump_session *session = pump->sessions[effect->session];
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    struct http_request request;

    if (exchange == NULL) {
        return; /* the engine's own deadline ends the request */
    }
    exchange->pump = pump;
    exchange->session = session;
    exchange->id = effect->u.fetch.request;
    exchange->on = effect->u.fetch.on;
    exchange->next = pump->exchanges;
    pump->exchanges = exchange;
    if (!freshet_clerk_request(&session->instance, effect, session->credential.text,
                               FRESHET_VERSION, &request)) {
        return;
    }
    if (!freshet_http_send(pump->http, &request, exchange->id, session->instance.loopback,
                           pump_answered, pump)) {
        freshet_http_request_free(&request);
        exchange->on = ON_COUNT;
    }
}

static void pump_abandon(struct pump *pump, request_id id)
{
    struct exchange *exchange = pump_take_exchange(pump, id);

    if (exchange != NULL) {
        freshet_http_abandon(pump->http, id);
        free(exchange);
    }
}

/* ---- effects ---- */

/* Leases are ours as long as nothing is shared; they are told after the effects at hand. */
static void pump_grant(struct pump *pump, uint32_t entry)
{
    if (pump->lease_count == pump->lease_capacity) {
        size_t capacity = pump->lease_capacity != 0 ? pump->lease_capacity * 2 : 16;
        uint32_t *leases = realloc(pump->leases, capacity * sizeof(*leases));

        if (leases == NULL) {
            return; /* the engine asks again */
        }
        pump->leases = leases;
        pump->lease_capacity = capacity;
    }
    pump->leases[pump->lease_count++] = entry;
}

static void pump_do(struct pump *pump, const struct effect *effect)
{
    switch (effect->kind) {
    case EFFECT_FETCH:
        pump_fetch(pump, effect);
        break;
    case EFFECT_ABANDON:
        pump_abandon(pump, effect->u.abandon.request);
        break;
    case EFFECT_LEASE:
        pump_grant(pump, effect->u.lease.entry);
        break;
    case EFFECT_RESOLVE:
    case EFFECT_RELEASE:
    case EFFECT_PUBLISH:
    case EFFECT_RETRACT:
    case EFFECT_SAVE:
    case EFFECT_COMMIT:
    case EFFECT_IGNORED:
    case EFFECT_STATUS:
    case EFFECT_EMIT:
        break;
    }
}

static void pump_step(struct pump *pump, const struct event *event)
{
    struct now now = freshet_clock_sample();
    struct effects effects = freshet_step(pump->engine, event, now);

    for (size_t i = 0; i < effects.count; i++) {
        pump_do(pump, &effects.items[i]);
        pump->options.effect(pump->options.context, &effects.items[i], now);
    }
}

/* Requests that could not be sent are told only now, when no effects are in use. */
static bool pump_tell_unsent(struct pump *pump)
{
    for (struct exchange *exchange = pump->exchanges; exchange != NULL; exchange = exchange->next) {
        if (exchange->on == ON_COUNT) {
            pump_unsent(pump, exchange->id);
            return true;
        }
    }
    return false;
}

static void pump_arm(struct pump *pump)
{
    int64_t now_ms = freshet_clock_sample().boot_ms;
    int64_t deadline = freshet_min(freshet_engine_deadline(pump->engine), now_ms + PUMP_TICK_MS);

    pump->alarm_ms = deadline;
    freshet_alarm_set(&pump->alarm, deadline);
}

void freshet_pump_event(struct pump *pump, const struct event *event)
{
    bool outermost = !pump->busy;

    pump->busy = true;
    pump_step(pump, event);
    if (!outermost) {
        return;
    }
    do {
        while (pump->lease_count > 0) {
            struct event leased = {.kind = EVENT_LEASED};

            leased.u.lease.entry = pump->leases[--pump->lease_count];
            pump_step(pump, &leased);
        }
    } while (pump_tell_unsent(pump));
    pump->busy = false;
    pump_arm(pump);
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

    *pump = (struct pump){.loop = loop, .options = *options};
    pump->memory = freshet_locked_new();
    pump->options.engine.memory = (struct cell_memory){
        .obtain = pump_obtain, .release = pump_release, .context = pump->memory};
    pump->engine = pump->memory != NULL
                       ? freshet_engine_new(&pump->options.engine, freshet_clock_sample())
                       : NULL;
    pump->sessions = calloc(options->engine.max_sessions, sizeof(struct pump_session *));
    pump->http = freshet_http_new(loop, &http);
    if (pump->engine == NULL || pump->sessions == NULL || pump->http == NULL) {
        status = UV_ENOMEM;
    }
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

static void pump_free_session(struct pump_session *session)
{
    if (session != NULL) {
        freshet_credential_free(&session->credential);
        free(session);
    }
}

enum freshet_status freshet_pump_open(struct pump *pump, const struct clerk_instance *instance,
                                      struct credential *credential, const char *sid,
                                      session_id *session)
{
    struct event event = {.kind = EVENT_OPEN, .session = freshet_engine_session(pump->engine)};
    struct pump_session *own = NULL;

    if (event.session == FRESHET_NO_SESSION) {
        return FRESHET_LIMIT;
    }
    own = calloc(1, sizeof(*own));
    if (own == NULL) {
        return FRESHET_NO_MEMORY;
    }
    own->id = event.session;
    own->instance = *instance;
    own->credential = *credential;
    *credential = (struct credential){0};
    pump->sessions[own->id] = own;
    pump->session_count = own->id < pump->session_count ? pump->session_count : own->id + 1;
    event.u.open.issuer = own->instance.base_url;
    event.u.open.sid = sid;
    *session = own->id;
    freshet_pump_event(pump, &event);
    pump_tell_connectivity(pump, own);
    return FRESHET_OK;
}

/* What the engine has not given up itself goes with its session. */
static void pump_drop_exchanges(struct pump *pump, const struct pump_session *session)
{
    struct exchange *exchange = pump->exchanges;

    while (exchange != NULL) {
        struct exchange *next = exchange->next;

        if (exchange->session == session) {
            pump_abandon(pump, exchange->id);
        }
        exchange = next;
    }
}

void freshet_pump_end(struct pump *pump, session_id session)
{
    struct event event = {.kind = EVENT_CLOSE, .session = session};

    freshet_pump_event(pump, &event);
    pump_drop_exchanges(pump, pump->sessions[session]);
    pump_free_session(pump->sessions[session]);
    pump->sessions[session] = NULL;
}

void freshet_pump_close(struct pump *pump)
{
    freshet_http_close(pump->http);
    freshet_alarm_close(&pump->alarm);
    freshet_vigil_close(&pump->vigil);
    freshet_connectivity_close(&pump->connectivity);
    uv_close((uv_handle_t *)&pump->idle, NULL);
    uv_close((uv_handle_t *)&pump->check, NULL);
    while (pump->exchanges != NULL) {
        free(pump_take_exchange(pump, pump->exchanges->id));
    }
}

void freshet_pump_free(struct pump *pump)
{
    for (uint32_t i = 0; i < pump->session_count; i++) {
        pump_free_session(pump->sessions[i]);
    }
    free(pump->sessions);
    free(pump->leases);
    freshet_engine_free(pump->engine);
    freshet_locked_close(pump->memory);
}
