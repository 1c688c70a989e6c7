/*
 * What each step of a scenario does to the world.
 */
#include "simulate/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulate/codec.h"

static void perform_wake(struct process *process)
{
    struct event event = {.kind = EVENT_WAKE, .session = process->session};

    if (freshet_sim_runs(process))
        freshet_sim_process_event(process, &event);
}

static void perform_wake_all(struct world *world)
{
    for (int i = 0; i < (int)world->scenario->processes; i++)
        perform_wake(&world->processes[i]);
}

static void perform_shade(struct world *world, enum shade shade, int process, bool on)
{
    if (world->report->svg != NULL)
        freshet_sim_svg_shade(world->report->svg, shade, process, world->t_ms, on);
}

static void perform_drop(struct process *process, bool dies)
{
    if (process->engine != NULL && process->world->report->svg != NULL)
        freshet_sim_svg_drop(process->world->report->svg, process->number, process->world->t_ms,
                             dies);
}

/* ---- connectivity ---- */

void freshet_sim_network(struct process *process, enum network network)
{
    struct event event = {.kind = EVENT_ONLINE, .session = process->session};
    bool was_offline = process->network == NETWORK_OFFLINE;

    if (network == NETWORK_OFFLINE) {
        freshet_sim_flight_cut(process);
        event.kind = EVENT_OFFLINE;
    }
    process->network = network;
    if ((network == NETWORK_OFFLINE && !was_offline) || network == NETWORK_ONLINE ||
        (network == NETWORK_UNKNOWN && was_offline))
        freshet_sim_process_event(process, &event);
}

static void perform_network(struct world *world, const struct step *step, uint64_t order)
{
    struct item item = {
        .own_ms = world->t_ms,
        .class = CLASS_STEP,
        .age = order,
        .kind = ITEM_NETWORK,
        .network = (enum network)step->u.network.online,
    };

    if (step->process < 0) {
        bool offline = item.network == NETWORK_OFFLINE;

        if (offline != (world->network == NETWORK_OFFLINE))
            perform_shade(world, SHADE_OFFLINE, -1, offline);
        world->network = item.network;
    }
    for (int i = 0; i < (int)world->scenario->processes; i++) {
        struct process *process = &world->processes[i];

        if (process->engine == NULL || (step->process >= 0 && step->process != i))
            continue;
        item.process = i;
        item.life = process->life;
        if (process->stopped)
            freshet_sim_keep(process, &item);
        else
            freshet_sim_network(process, item.network);
    }
}

/* ---- the machine and its processes ---- */

static void perform_sleep(struct world *world, int64_t ms)
{
    perform_shade(world, SHADE_SLEEP, -1, true);
    world->t_ms += ms;
    perform_shade(world, SHADE_SLEEP, -1, false);
    if (world->t_ms <= world->scenario->until_ms)
        perform_wake_all(world);
}

static void perform_stop(struct process *process)
{
    if (!freshet_sim_runs(process))
        return;
    process->stopped = true;
    perform_shade(process->world, SHADE_STOPPED, process->number, true);
}

/* Goes on: looks again first, then meets what came meanwhile, in the order in which it came. */
static void perform_continue(struct process *process)
{
    if (!process->stopped)
        return;
    process->stopped = false;
    perform_shade(process->world, SHADE_STOPPED, process->number, false);
    perform_wake(process);
    for (size_t i = 0; i < process->kept_count; i++)
        freshet_sim_push(process->world, &process->kept[i]);
    process->kept_count = 0;
}

/* ---- the shared place ---- */

void freshet_sim_announce(struct world *world, struct shared *shared, int writer)
{
    struct item item = {
        .own_ms = world->t_ms + 1,
        .class = CLASS_ANSWER,
        .kind = ITEM_PUSH,
        .shared = shared,
    };

    for (int i = 0; i < (int)world->scenario->processes; i++) {
        if (i == writer || world->processes[i].engine == NULL)
            continue;
        item.process = i;
        item.life = world->processes[i].life;
        item.age = ++world->age;
        freshet_sim_push(world, &item);
    }
}

static int64_t perform_floor_s(int64_t ms)
{
    return ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000);
}

/* The record another process of the user would have written; NULL without memory. */
static char *perform_record_bytes(struct world *world, const struct record_step *step,
                                  const struct key_view *key, size_t *length)
{
    const struct shared_token *wanted = &step->token;
    const struct issuer_settings *settings = &world->issuer.settings;
    const struct oiat *oiat = wanted->has_oiat ? &wanted->oiat : &settings->oiat;
    int64_t boot_ms = freshet_sim_now(world).boot_ms;
    int64_t issuer_ms = freshet_sim_issuer_now(&world->issuer, world->t_ms);
    int64_t iat_s = perform_floor_s(issuer_ms - wanted->age_ms);
    bool plain = key->template_name[0] == '\0';
    struct claims claims = {
        .iat_s = iat_s,
        .exp_s = iat_s + (wanted->ttl_s == 0 ? settings->ttl_s : wanted->ttl_s),
        .has_oiat = oiat->kind != OIAT_NONE,
        .oiat_s = oiat->kind == OIAT_FIXED ? oiat->fixed_s : iat_s,
        .sid = wanted->session != NULL ? wanted->session
               : plain                 ? key->sid
                                       : "",
        .organization = wanted->organization != NULL ? wanted->organization
                        : plain                      ? key->organization
                                                     : "",
        .template_name = key->template_name,
    };
    char *text = freshet_sim_mint_token(&world->issuer.mint, &claims);
    struct record record = {
        .has_token = true,
        .committed_ms = boot_ms - freshet_max(wanted->age_ms, 0),
        .sent_ms = boot_ms - freshet_max(wanted->age_ms, 0),
        .has_offset = true,
        .offset_ms = issuer_ms - boot_ms,
    };
    char *bytes = NULL;

    if (text != NULL) {
        record.token.text = text;
        record.token.length = (uint32_t)strlen(text);
        record.token.exp_s = claims.exp_s;
        bytes = freshet_sim_record_encode(key, &record, length);
    }
    free(text);
    return bytes;
}

static void perform_record(struct world *world, const struct record_step *step)
{
    struct key_view key = {
        .issuer = FRESHET_SIM_ISSUER,
        .sid = step->session == NULL ? FRESHET_SIM_SESSION : step->session,
        .template_name = step->template_name,
        .organization =
            step->organization == NULL ? world->issuer.organization : step->organization,
        .audience = "",
    };
    struct shared *shared = freshet_sim_share_at(&world->share, &key);
    size_t length = step->bytes_length;
    char *bytes =
        step->has_token ? perform_record_bytes(world, step, &key, &length) : malloc(length + 1);

    if (shared == NULL || bytes == NULL) {
        free(bytes);
        freshet_sim_fail(world, "out of memory");
        return;
    }
    if (!step->has_token)
        memcpy(bytes, step->bytes, length);
    freshet_sim_share_put(shared, bytes, length, -1);
    freshet_sim_announce(world, shared, -1);
}

/* ---- steps that are an event for one engine ---- */

static uint64_t perform_tracked(const struct world *world, const char *label)
{
    for (size_t i = 0; i < world->tracked_count; i++) {
        if (strcmp(world->tracked[i].label, label) == 0)
            return world->tracked[i].fingerprint;
    }
    return 0;
}

static void perform_event(struct process *process, enum event_kind kind, const struct step *step)
{
    struct event event = {.kind = kind, .session = process->session};

    if (!freshet_sim_runs(process))
        return;
    if (kind == EVENT_ORGANIZATION)
        event.u.organization.organization = step->u.organization.id;
    else if (kind == EVENT_REJECTED)
        event.u.rejected.fingerprint = perform_tracked(process->world, step->u.reject.label);
    if (kind != EVENT_REJECTED || event.u.rejected.fingerprint != 0)
        freshet_sim_process_event(process, &event);
}

/* A session that is over is opened anew, as a program does that starts again. */
static bool perform_is_signed_out(const struct process *process)
{
    struct session_view view;

    return freshet_engine_view_session(process->engine, process->session,
                                       freshet_sim_now(process->world), &view) &&
           view.status == SESSION_SIGNED_OUT;
}

static void perform_in_process(struct process *process, const struct step *step)
{
    switch (step->kind) {
    case STEP_OPEN:
        if (process->engine != NULL && perform_is_signed_out(process))
            freshet_sim_process_kill(process);
        if (process->engine == NULL)
            freshet_sim_process_open(process, (enum open_from)step->u.open.from);
        break;
    case STEP_GET:
        freshet_sim_call_get(process, &step->u.get);
        break;
    case STEP_WAKE:
        process->sink.due = freshet_sim_runs(process);
        process->world->foreground = process->number;
        perform_event(process, EVENT_FOCUS, step);
        break;
    case STEP_ORGANIZATION:
        process->sink.due = freshet_sim_runs(process);
        perform_event(process, EVENT_ORGANIZATION, step);
        break;
    case STEP_CLEAR:
        perform_drop(process, false);
        perform_event(process, EVENT_CLEAR, step);
        break;
    case STEP_REJECT:
        perform_event(process, EVENT_REJECTED, step);
        break;
    case STEP_SIGN_OUT:
        if (freshet_sim_runs(process))
            freshet_sim_process_sign_out(process);
        break;
    case STEP_KILL:
        perform_drop(process, true);
        freshet_sim_process_kill(process);
        break;
    case STEP_STOP:
        perform_stop(process);
        break;
    case STEP_CONTINUE:
        perform_continue(process);
        break;
    case STEP_EVERY:
    case STEP_FAULTS:
    case STEP_ISSUER:
    case STEP_NETWORK:
    case STEP_SLEEP:
    case STEP_CLOCK:
    case STEP_RECORD:
    case STEP_COUNT:
        break;
    }
}

void freshet_sim_perform(struct world *world, const struct step *step, int process, uint64_t order)
{
    if (step->kind == STEP_FAULTS) {
        if (!freshet_sim_issuer_faults(&world->issuer, step))
            freshet_sim_fail(world, "out of memory");
    } else if (step->kind == STEP_ISSUER) {
        freshet_sim_issuer_change(&world->issuer, step);
        world->signing_out =
            world->signing_out && !json_is_true(json_object_get(step->u.issuer, "signed_in"));
    } else if (step->kind == STEP_NETWORK) {
        perform_network(world, step, order);
    } else if (step->kind == STEP_SLEEP) {
        perform_sleep(world, step->u.sleep.ms);
    } else if (step->kind == STEP_CLOCK) {
        world->wall_steps_ms += step->u.clock.step_ms;
        perform_wake_all(world);
    } else if (step->kind == STEP_RECORD) {
        perform_record(world, &step->u.record);
    } else {
        perform_in_process(&world->processes[process], step);
    }
}
