/*
 * The engine alone: its requests are answered from here, at once and in made-up time, so that a
 * step is measured and nothing else.
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"

static bool engine_fail(const char *what)
{
    fprintf(stderr, "freshet-bench: the engine %s; the benchmark no longer fits it\n", what);
    return false;
}

/* Takes a step, and each lease that it wants; keeps the requests that are sent. */
static void engine_step(struct bench_engine *bench, const struct event *event)
{
    uint32_t leases[4];
    size_t lease_count = 0;
    struct effects effects = freshet_step(bench->engine, event, bench->now);

    for (size_t i = 0; i < effects.count; i++) {
        const struct effect *effect = &effects.items[i];

        if (effect->kind == EFFECT_FETCH && bench->request_count < BENCH_COMMITS) {
            bench->requests[bench->request_count++] = effect->u.fetch.request;
        } else if (effect->kind == EFFECT_LEASE && lease_count < 4) {
            leases[lease_count++] = effect->u.lease.entry;
        }
    }
    for (size_t i = 0; i < lease_count; i++) {
        const struct event leased = {
            .kind = EVENT_LEASED, .session = bench->session, .u.lease = {.entry = leases[i]}};

        engine_step(bench, &leased);
    }
}

static struct event engine_answer(const struct bench_engine *bench, size_t index)
{
    struct event event = {.kind = EVENT_FETCHED, .session = bench->session};

    event.u.fetched.request = bench->requests[index];
    event.u.fetched.received_boot_ms = bench->now.boot_ms;
    event.u.fetched.outcome.kind = OUTCOME_GOOD;
    event.u.fetched.outcome.http_status = 200;
    event.u.fetched.outcome.code = "";
    return event;
}

/* The session opens: environment and client are asked for, in this order, and answered. */
static void engine_load(struct bench_engine *bench)
{
    const struct client_session session = {.id = bench->token.sid,
                                           .signed_in = true,
                                           .organization = bench->token.organization,
                                           .has_token = true,
                                           .token = bench->token};
    struct event open = {.kind = EVENT_OPEN, .session = bench->session};
    struct event answer;

    open.u.open.issuer = "https://issuer.example";
    open.u.open.sid = bench->token.sid;
    engine_step(bench, &open);
    answer = engine_answer(bench, 0);
    answer.u.fetched.outcome.has_environment = true;
    engine_step(bench, &answer);
    answer = engine_answer(bench, 1);
    answer.u.fetched.outcome.has_client = true;
    answer.u.fetched.outcome.client = (struct client_answer){
        .last_active_session = session.id, .sessions = &session, .session_count = 1};
    engine_step(bench, &answer);
    bench->request_count = 0;
}

bool freshet_bench_engine_open(struct bench_engine *bench, const struct token *token)
{
    const struct engine_options options = freshet_engine_options_default();

    *bench = (struct bench_engine){.token = *token, .sid = token->sid};
    bench->now = (struct now){.boot_ms = 1000000, .wall_ms = token->iat_s * 1000};
    bench->engine = freshet_engine_new(&options, bench->now);
    if (bench->engine == NULL) {
        return engine_fail("could not be made");
    }
    bench->session = freshet_engine_session(bench->engine);
    engine_load(bench);
    return freshet_bench_engine_get(bench) || engine_fail("did not open its session");
}

void freshet_bench_engine_close(struct bench_engine *bench)
{
    freshet_engine_free(bench->engine);
    bench->engine = NULL;
}

static bool engine_resolved(struct effects effects)
{
    for (size_t i = 0; i < effects.count; i++) {
        if (effects.items[i].kind == EFFECT_RESOLVE) {
            return effects.items[i].u.resolve.status == FRESHET_OK;
        }
    }
    return false;
}

static struct event engine_get_event(struct bench_engine *bench)
{
    struct event event = {.kind = EVENT_GET, .session = bench->session};

    event.u.get.ticket = ++bench->ticket;
    event.u.get.options.min_remaining_ms = FRESHET_UNSET;
    event.u.get.options.refresh_threshold_ms = FRESHET_UNSET;
    return event;
}

bool freshet_bench_engine_get(struct bench_engine *bench)
{
    const struct event event = engine_get_event(bench);

    return engine_resolved(freshet_step(bench->engine, &event, bench->now));
}

void freshet_bench_engine_pass(struct bench_engine *bench)
{
    bench->now.boot_ms += 1000;
    bench->now.wall_ms += 1000;
    bench->token.iat_s += 1;
    bench->token.oiat_s += 1;
    bench->token.exp_s += 1;
}

bool freshet_bench_engine_prepare(struct bench_engine *bench)
{
    freshet_bench_engine_pass(bench);
    bench->request_count = 0;
    for (size_t i = 0; i < BENCH_COMMITS; i++) {
        struct event event = engine_get_event(bench);
        char name[16];

        (void)snprintf(name, sizeof(name), "bench-%zu", i);
        event.u.get.options.template_name = name;
        event.u.get.options.skip_cache = true;
        engine_step(bench, &event);
    }
    return bench->request_count == BENCH_COMMITS || engine_fail("did not ask for its tokens");
}

bool freshet_bench_engine_commit(struct bench_engine *bench, size_t index)
{
    struct event event = engine_answer(bench, index);

    bench->token.fingerprint++;
    event.u.fetched.outcome.has_token = true;
    event.u.fetched.outcome.token = bench->token;
    return engine_resolved(freshet_step(bench->engine, &event, bench->now));
}
