/*
 * A million sessions in one engine: what each takes of memory, and what the moment costs in which
 * every one of them is due. As in engine.c, time and answers are made here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

#define SESSIONS     1000000
#define CALLS        1000000
#define MEMORY_BYTES ((size_t)6 << 30) /* what it needs to be measured at ease */
#define SID_SIZE     33

struct lease_wish {
    session_id session;
    uint32_t entry;
};

struct scale {
    struct engine *engine;
    struct now now;
    struct token token;
    session_id *sessions;
    struct lease_wish *leases;
    size_t lease_count;
    size_t fetched; /* tokens that were taken */
    request_id request;
    enum endpoint on;
    char sid[SID_SIZE];
    bool asked; /* for the three above */
};

static void scale_step(struct scale *scale, const struct event *event)
{
    struct effects effects = freshet_step(scale->engine, event, scale->now);

    scale->asked = false;
    for (size_t i = 0; i < effects.count; i++) {
        const struct effect *effect = &effects.items[i];

        if (effect->kind == EFFECT_LEASE && scale->lease_count < SESSIONS) {
            scale->leases[scale->lease_count++] =
                (struct lease_wish){effect->session, effect->u.lease.entry};
        } else if (effect->kind == EFFECT_FETCH && !scale->asked) {
            scale->request = effect->u.fetch.request;
            scale->on = effect->u.fetch.on;
            (void)snprintf(scale->sid, sizeof(scale->sid), "%s", effect->u.fetch.key.sid);
            scale->asked = true;
        } else if (effect->kind == EFFECT_COMMIT) {
            scale->fetched++;
        }
    }
}

static void scale_answer(struct scale *scale, session_id session)
{
    struct client_session view = {
        .id = scale->sid, .signed_in = true, .organization = "", .has_token = true};
    struct event event = {.kind = EVENT_FETCHED, .session = session};
    struct outcome *outcome = &event.u.fetched.outcome;

    scale->token.sid = scale->sid;
    view.token = scale->token;
    event.u.fetched.request = scale->request;
    event.u.fetched.received_boot_ms = scale->now.boot_ms;
    *outcome = (struct outcome){.kind = OUTCOME_GOOD, .http_status = 200, .code = ""};
    outcome->has_environment = scale->on == ON_ENVIRONMENT;
    outcome->has_client = scale->on == ON_CLIENT;
    outcome->has_token = scale->on == ON_TOKENS;
    outcome->token = scale->token;
    if (outcome->has_client) {
        outcome->client = (struct client_answer){
            .last_active_session = scale->sid, .sessions = &view, .session_count = 1};
    }
    scale_step(scale, &event);
}

/* Environment and client are asked for in one step, and answered in this order. */
static void scale_open_one(struct scale *scale, size_t index)
{
    struct event open = {.kind = EVENT_OPEN};
    struct effects effects;
    request_id requests[2] = {0, 0};
    enum endpoint on[2] = {ON_ENVIRONMENT, ON_CLIENT};
    size_t count = 0;

    (void)snprintf(scale->sid, sizeof(scale->sid), "sess_%027zu", index);
    scale->sessions[index] = freshet_engine_session(scale->engine);
    open.session = scale->sessions[index];
    open.u.open.issuer = "https://issuer.example";
    open.u.open.sid = scale->sid;
    effects = freshet_step(scale->engine, &open, scale->now);
    for (size_t i = 0; i < effects.count && count < 2; i++) {
        if (effects.items[i].kind == EFFECT_FETCH) {
            requests[count] = effects.items[i].u.fetch.request;
            on[count++] = effects.items[i].u.fetch.on;
        }
    }
    for (size_t i = 0; i < count; i++) {
        scale->request = requests[i];
        scale->on = on[i];
        scale_answer(scale, open.session);
    }
}

/* The second number in statm is what is resident, in pages. */
static size_t scale_memory(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    char line[128] = "";
    char *end = line;
    size_t pages = 0;

    if (file != NULL) {
        if (fgets(line, sizeof(line), file) != NULL) {
            (void)strtoul(line, &end, 10);
            pages = strtoul(end, NULL, 10);
        }
        fclose(file);
    }
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Calls for the tokens of sessions here and there. */
static double scale_calls(struct scale *scale)
{
    double start_ns = freshet_bench_now_ns();
    struct event get = {.kind = EVENT_GET};

    get.u.get.options.min_remaining_ms = FRESHET_UNSET;
    get.u.get.options.refresh_threshold_ms = FRESHET_UNSET;
    for (uint64_t i = 1; i <= CALLS; i++) {
        get.session = scale->sessions[i * 2654435761u % SESSIONS];
        get.u.get.ticket = i;
        scale_step(scale, &get);
    }
    return (freshet_bench_now_ns() - start_ns) / CALLS;
}

/* The deadline that all sessions have in common; how long the engine took for it. */
static double scale_tick(struct scale *scale)
{
    const struct event tick = {.kind = EVENT_TICK};
    double start_ns = 0;

    scale->lease_count = 0;
    while (scale->lease_count == 0) {
        int64_t deadline_ms = freshet_engine_deadline(scale->engine);

        if (deadline_ms == FRESHET_NEVER) {
            return 0;
        }
        scale->now.wall_ms += deadline_ms - scale->now.boot_ms;
        scale->now.boot_ms = deadline_ms;
        start_ns = freshet_bench_now_ns();
        scale_step(scale, &tick);
    }
    return freshet_bench_now_ns() - start_ns;
}

/* Every lease is given, every request answered. */
static double scale_refresh(struct scale *scale)
{
    double start_ns = freshet_bench_now_ns();

    scale->token.iat_s = scale->token.oiat_s = scale->now.wall_ms / 1000;
    scale->token.exp_s = scale->token.iat_s + 60;
    scale->token.fingerprint++;
    scale->fetched = 0;
    for (size_t i = 0; i < scale->lease_count; i++) {
        const struct lease_wish wish = scale->leases[i];
        const struct event leased = {
            .kind = EVENT_LEASED, .session = wish.session, .u.lease = {.entry = wish.entry}};

        scale_step(scale, &leased);
        if (scale->asked) {
            scale_answer(scale, wish.session);
        }
    }
    return freshet_bench_now_ns() - start_ns;
}

static void scale_measure(struct scale *scale, struct bench_report *report)
{
    size_t before = scale_memory();
    double start_ns = freshet_bench_now_ns();
    double tick_ns = 0;
    double refresh_ns = 0;

    for (size_t i = 0; i < SESSIONS; i++) {
        scale_open_one(scale, i);
    }
    freshet_bench_report_figure(report, "scale-open", "a million sessions: opening one",
                                (freshet_bench_now_ns() - start_ns) / SESSIONS, "ns");
    freshet_bench_report_figure(report, "scale-memory", "each of them, with its token",
                                (double)(scale_memory() - before) / SESSIONS, "bytes");
    freshet_bench_report_figure(report, "scale-call", "a call for the token of any of them",
                                scale_calls(scale), "ns");
    tick_ns = scale_tick(scale);
    refresh_ns = scale_refresh(scale);
    if (scale->fetched != SESSIONS) {
        freshet_bench_report_skip(report, "scale-tick", "not every session was due, or refreshed");
        return;
    }
    freshet_bench_report_figure(report, "scale-tick", "the step in which all are due",
                                tick_ns / 1e6, "ms");
    freshet_bench_report_figure(report, "scale-refresh", "lease, answer and commit, each",
                                refresh_ns / SESSIONS, "ns");
}

void freshet_bench_scale(struct bench_report *report, const struct token *token)
{
    struct engine_options options = freshet_engine_options_default();
    struct scale scale = {.token = *token, .now = {.boot_ms = 1000000}};

    if ((size_t)sysconf(_SC_AVPHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE) < MEMORY_BYTES) {
        freshet_bench_report_skip(report, "scale", "less than 6 GiB of memory is free");
        return;
    }
    options.max_sessions = SESSIONS;
    options.max_entries = SESSIONS;
    options.max_names = SESSIONS + 8;
    scale.now.wall_ms = token->iat_s * 1000;
    scale.token.exp_s = token->iat_s + 60;
    scale.token.organization = "";
    scale.engine = freshet_engine_new(&options, scale.now);
    scale.sessions = calloc(SESSIONS, sizeof(*scale.sessions));
    scale.leases = calloc(SESSIONS, sizeof(*scale.leases));
    if (scale.engine != NULL && scale.sessions != NULL && scale.leases != NULL) {
        scale_measure(&scale, report);
    } else {
        freshet_bench_report_skip(report, "scale", "there is not enough memory");
    }
    free(scale.leases);
    free(scale.sessions);
    freshet_engine_free(scale.engine);
}
