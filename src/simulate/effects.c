/*
 * Effects: what an engine asks of the world is done, and told.
 */
#include "simulate/world.h"

#include <stdlib.h>
#include <string.h>

#include "share/merge.h"
#include "simulate/codec.h"

void freshet_sim_line(struct process *process, struct trace_line *line, const struct held *held)
{
    struct world *world = process->world;

    line->t_ms = world->t_ms;
    line->process = process->number;
    line->serial = freshet_sim_mint_serial(&world->issuer.mint, line->fingerprint);
    freshet_sim_report_line(world->report, line, held);
}

int64_t freshet_sim_expires_ms(const struct process *process, const struct held *held)
{
    return held->exp_s * 1000 - freshet_sim_issuer_now(&process->world->issuer, 0);
}

static void effect_lease(struct process *process, const struct effect *effect)
{
    struct world *world = process->world;
    struct shared *shared = freshet_sim_share_at(&world->share, &effect->u.lease.key);
    struct follow *follow = calloc(1, sizeof *follow);

    if (shared == NULL || follow == NULL) {
        free(follow);
        freshet_sim_fail(world, "out of memory");
        return;
    }
    follow->session = effect->session;
    follow->entry = effect->u.lease.entry;
    follow->byte = effect->u.lease.byte;
    follow->shared = shared;
    if (process->follow_last == NULL)
        process->follow_first = follow;
    else
        process->follow_last->next = follow;
    process->follow_last = follow;
}

/* The news first, then the lease. */
void freshet_sim_follow(struct process *process, const struct follow *follow)
{
    bool leased;
    struct event event = {.session = follow->session, .u.lease.entry = follow->entry};

    freshet_sim_look(process, follow->shared);
    leased = freshet_sim_share_lease(follow->shared, follow->byte, process->number);
    event.kind = leased ? EVENT_LEASED : EVENT_DENIED;
    freshet_sim_process_step(process, &event);
}

/* Does the process speak for the session whose key this is? */
static bool effect_is_of(const struct process *process, const struct shared *shared)
{
    struct session_view view;

    return freshet_engine_view_session(process->engine, process->session,
                                       freshet_sim_now(process->world), &view) &&
           (view.status == SESSION_READY || view.status == SESSION_DEGRADED) &&
           strcmp(view.sid, shared->key.sid) == 0;
}

/* A process looks at the record of a key it knows, once for each version. */
void freshet_sim_look(struct process *process, struct shared *shared)
{
    struct event event = {.kind = EVENT_ADOPTED, .session = process->session};
    struct trace_line malformed = {.kind = TRACE_IGNORED,
                                   .reason = freshet_ignored_name(IGNORED_MALFORMED)};
    struct decoded decoded;

    if (!effect_is_of(process, shared))
        return;
    event.u.adopted.key = shared->key;
    event.u.adopted.key.session = process->session;
    if (freshet_engine_cell(process->engine, &event.u.adopted.key) == NULL ||
        !freshet_sim_share_news(shared, process->number))
        return;
    if (freshet_sim_record_decode(shared->bytes, shared->length, &shared->key,
                                  freshet_sim_now(process->world), &decoded)) {
        event.u.adopted.record = decoded.shared.record;
        freshet_sim_process_step(process, &event);
    } else {
        freshet_sim_line(process, &malformed, NULL);
    }
    freshet_sim_record_free(&decoded);
}

static void effect_put(struct process *process, struct shared *shared, const struct record *record)
{
    size_t length = 0;
    char *bytes = freshet_sim_record_encode(&shared->key, record, &length);

    if (bytes == NULL) {
        freshet_sim_fail(process->world, "out of memory");
        return;
    }
    freshet_sim_share_put(shared, bytes, length, process->number);
    freshet_sim_announce(process->world, shared, process->number);
}

/* What lies there already may be fresher: a process that was stopped publishes late. */
static void effect_publish(struct process *process, const struct effect *effect)
{
    struct world *world = process->world;
    struct now now = freshet_sim_now(world);
    struct shared *shared = freshet_sim_share_at(&world->share, &effect->u.publish.key);
    struct record merged = effect->u.publish.record;
    enum merge merge = MERGE_NEWS;
    struct decoded present;

    if (shared == NULL) {
        freshet_sim_fail(world, "out of memory");
        return;
    }
    if (shared->bytes == NULL) {
        effect_put(process, shared, &merged);
        return;
    }
    if (freshet_sim_record_decode(shared->bytes, shared->length, &shared->key, now, &present)) {
        int64_t remaining_ms = freshet_shared_record_remaining(&present.shared, now);

        present.shared.record.has_token = remaining_ms > 0;
        merge =
            freshet_merge(&present.shared.record, remaining_ms, &effect->u.publish.record, &merged);
    }
    if (merge == MERGE_NEWS)
        effect_put(process, shared, &merged);
    else if (merge == MERGE_STALER)
        freshet_sim_announce(world, shared, -1);
    freshet_sim_record_free(&present);
}

static void effect_save(struct process *process, const struct effect *effect)
{
    free(process->saved);
    process->saved =
        effect->u.save.text == NULL ? NULL : strndup(effect->u.save.text, effect->u.save.length);
    process->saved_has_offset = effect->u.save.text != NULL && effect->u.save.has_offset;
    process->saved_offset_ms = effect->u.save.offset_ms;
}

/* One for all processes, once it is known of which session. */
static void effect_end(struct process *process)
{
    struct session_view view;

    if (freshet_engine_view_session(process->engine, process->session,
                                    freshet_sim_now(process->world), &view) &&
        view.sid[0] != '\0')
        freshet_sim_process_end(process);
}

/* Does what an effect asks of the world. */
static void effect_do(struct process *process, const struct effect *effect)
{
    struct share *share = &process->world->share;
    struct shared *shared;

    switch (effect->kind) {
    case EFFECT_LEASE:
        effect_lease(process, effect);
        break;
    case EFFECT_RELEASE:
        shared = freshet_sim_share_at(share, &effect->u.lease.key);
        if (shared != NULL)
            freshet_sim_share_release(shared, effect->u.lease.byte, process->number);
        break;
    case EFFECT_ABANDON:
        freshet_sim_flight_abandon(process, effect->u.abandon.request, effect->u.abandon.timed_out);
        break;
    case EFFECT_PUBLISH:
        effect_publish(process, effect);
        break;
    case EFFECT_RETRACT:
        shared = freshet_sim_share_at(share, &effect->u.publish.key);
        if (shared != NULL)
            freshet_sim_share_remove(shared);
        break;
    case EFFECT_SAVE:
        effect_save(process, effect);
        break;
    case EFFECT_END:
        effect_end(process);
        break;
    case EFFECT_RESOLVE:
    case EFFECT_FETCH:
    case EFFECT_COMMIT:
    case EFFECT_IGNORED:
    case EFFECT_STATUS:
    case EFFECT_EMIT:
        break;
    }
}

void freshet_sim_effect(struct process *process, const struct effect *effect)
{
    struct trace_line line = {.label = NULL};
    const struct held *held = NULL;

    if (effect->kind != EFFECT_EMIT)
        freshet_sim_sink_flush(process);
    else if (effect->u.emit.name == EMIT_TOKEN_UPDATED || effect->u.emit.name == EMIT_SIGNED_OUT)
        process->sink.due = true;
    if (!freshet_trace_effect(effect, &line)) {
        effect_do(process, effect);
        return;
    }
    if (effect->kind == EFFECT_RESOLVE) {
        freshet_sim_call_got(process, effect, &line);
        return;
    }
    if (effect->kind == EFFECT_FETCH) {
        freshet_sim_flight_make(process, effect, &line);
        return;
    }
    if (effect->kind == EFFECT_COMMIT) {
        held = &effect->u.commit.token;
        line.expires_ms = freshet_sim_expires_ms(process, held);
    } else if (effect->kind == EFFECT_ABANDON) {
        line.request = freshet_sim_flight_number(process, effect->u.abandon.request);
    }
    if (effect->kind != EFFECT_ABANDON || line.request != 0)
        freshet_sim_line(process, &line, held);
    effect_do(process, effect);
}
