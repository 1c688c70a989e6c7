/*
 * The loop: takes what comes first (a step, an answer, a deadline), lets time pass to it, does it.
 * What lies inside a sleep, or befalls a stopped process, waits and then happens in the order of
 * its own times.
 */
#include "simulate/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool world_open(struct world *world, const struct scenario *scenario, uint64_t seed,
                       struct report *report);
static bool world_advance(struct world *world);

bool freshet_sim_world_run(struct world *world, const struct scenario *scenario, uint64_t seed,
                           struct report *report)
{
    if (!world_open(world, scenario, seed, report))
        return false;
    while (world->failure[0] == '\0' && world_advance(world))
        continue;
    if (world->failure[0] != '\0')
        return false;
    world->t_ms = scenario->until_ms;
    for (int64_t i = 0; i < scenario->processes; i++)
        freshet_sim_process_kill(&world->processes[i]);
    if (report->svg != NULL)
        freshet_sim_svg_end(report->svg, world->t_ms);
    freshet_sim_report_end(report, world->t_ms);
    return true;
}

/* ---- beginning ---- */

static void world_schedule(struct world *world, const struct step *step)
{
    struct item item = {
        .own_ms = step->at_ms,
        .class = CLASS_STEP,
        .age = step->order,
        .kind = ITEM_STEP,
        .process = -1,
        .step = step,
    };

    freshet_sim_push(world, &item);
}

static void world_track(struct world *world, const struct step *step)
{
    if (step->kind == STEP_EVERY)
        step = step->u.every.step;
    if (step->kind == STEP_REJECT)
        world->tracked[world->tracked_count++].label = step->u.reject.label;
}

static bool world_open(struct world *world, const struct scenario *scenario, uint64_t seed,
                       struct report *report)
{
    *world = (struct world){
        .scenario = scenario,
        .report = report,
        .share = {.processes = (int)scenario->processes},
        .network = NETWORK_UNKNOWN,
        .credential = 1,
        .foreground = -1,
        .seed = seed,
    };
    freshet_sim_issuer_open(&world->issuer, scenario, seed);
    world->processes = calloc((size_t)scenario->processes, sizeof *world->processes);
    world->tracked = calloc(scenario->step_count + 1, sizeof *world->tracked);
    if (world->processes == NULL || world->tracked == NULL) {
        freshet_sim_fail(world, "out of memory");
        return false;
    }
    for (int i = 0; i < (int)scenario->processes; i++)
        world->processes[i] =
            (struct process){.world = world, .number = i, .deadline_ms = FRESHET_NEVER};
    for (size_t i = 0; i < scenario->step_count; i++) {
        world_schedule(world, &scenario->steps[i]);
        world_track(world, &scenario->steps[i]);
    }
    return world->failure[0] == '\0';
}

void freshet_sim_world_free(struct world *world)
{
    for (int i = 0; world->processes != NULL && i < (int)world->scenario->processes; i++)
        freshet_sim_process_free(&world->processes[i]);
    freshet_sim_flights_free(world);
    freshet_sim_queue_free(&world->queue);
    freshet_sim_share_free(&world->share);
    freshet_sim_issuer_free(&world->issuer);
    free(world->jar.text);
    free(world->processes);
    free(world->tracked);
}

struct now freshet_sim_now(const struct world *world)
{
    return (struct now){
        .boot_ms = FRESHET_SIM_BOOT_MS + world->t_ms,
        .wall_ms = world->scenario->epoch_ms + world->t_ms + world->wall_steps_ms,
    };
}

void freshet_sim_fail(struct world *world, const char *format, ...)
{
    va_list arguments;

    if (world->failure[0] != '\0')
        return;
    va_start(arguments, format);
    (void)vsnprintf(world->failure, sizeof world->failure, format, arguments);
    va_end(arguments);
}

void freshet_sim_push(struct world *world, struct item *item)
{
    if (!freshet_sim_queue_push(&world->queue, item))
        freshet_sim_fail(world, "out of memory");
}

bool freshet_sim_runs(const struct process *process)
{
    return process->engine != NULL && !process->stopped;
}

/* ---- what comes next ---- */

/* The earliest deadline of a process that runs, as an item; false when there is none. */
static bool world_deadline(const struct world *world, struct item *first)
{
    bool found = false;

    for (int i = 0; i < (int)world->scenario->processes; i++) {
        const struct process *process = &world->processes[i];
        struct item item = {.class = CLASS_DEADLINE, .process = i, .age = process->deadline_age};

        if (!freshet_sim_runs(process) || process->deadline_ms == FRESHET_NEVER)
            continue;
        item.own_ms = freshet_max(process->deadline_ms - FRESHET_SIM_BOOT_MS, process->armed_ms);
        if (!found || freshet_sim_item_before(&item, first))
            *first = item;
        found = true;
    }
    return found;
}

void freshet_sim_keep(struct process *process, const struct item *item)
{
    if (process->kept_count == process->kept_capacity) {
        size_t capacity = process->kept_capacity == 0 ? 16 : process->kept_capacity * 2;
        struct item *kept = reallocarray(process->kept, capacity, sizeof *kept);

        if (kept == NULL) {
            freshet_sim_fail(process->world, "out of memory");
            return;
        }
        process->kept = kept;
        process->kept_capacity = capacity;
    }
    process->kept[process->kept_count++] = *item;
}

/* Steps that happen to a process whether it runs or not, or to none in particular. */
static bool world_step_is_outside(const struct step *step)
{
    switch (step->kind) {
    case STEP_FAULTS:
    case STEP_ISSUER:
    case STEP_NETWORK:
    case STEP_SLEEP:
    case STEP_STOP:
    case STEP_CONTINUE:
    case STEP_CLOCK:
    case STEP_KILL:
    case STEP_RECORD:
        return true;
    case STEP_OPEN:
    case STEP_GET:
    case STEP_EVERY:
    case STEP_WAKE:
    case STEP_ORGANIZATION:
    case STEP_CLEAR:
    case STEP_REJECT:
    case STEP_SIGN_OUT:
    case STEP_COUNT:
        break;
    }
    return false;
}

/* The next round of an `every`, and the step that this round is. */
static const struct step *world_repeat(struct world *world, struct item *item)
{
    const struct step *every = item->step;
    const struct step *inner = every->u.every.step;
    int64_t until_ms = freshet_min(every->u.every.until_ms, world->scenario->until_ms);
    struct item next = *item;

    item->process = freshet_step_process(inner->process < 0 ? every : inner);
    next.own_ms += every->u.every.every_ms;
    if (next.own_ms <= until_ms)
        freshet_sim_push(world, &next);
    return item->own_ms <= until_ms ? inner : NULL;
}

static void world_step(struct world *world, struct item item)
{
    if (item.step->kind == STEP_EVERY) {
        item.step = world_repeat(world, &item);
        if (item.step == NULL)
            return;
    } else if (item.process < 0) {
        item.process = freshet_step_process(item.step);
    }
    if (!world_step_is_outside(item.step) && world->processes[item.process].stopped)
        freshet_sim_keep(&world->processes[item.process], &item);
    else
        freshet_sim_perform(world, item.step, item.process, item.age);
}

/* What happens to one process, in the life it was meant for. */
static void world_befall(struct process *process, const struct item *item)
{
    if (process->engine == NULL || process->life != item->life) {
        return;
    } else if (process->stopped) {
        freshet_sim_keep(process, item);
    } else if (item->kind == ITEM_NETWORK) {
        freshet_sim_network(process, item->network);
    } else if (item->kind == ITEM_SIGNED_OUT) {
        freshet_sim_process_signed_out(process);
    } else if (item->kind == ITEM_DELIVER) {
        freshet_sim_sink_again(process);
    } else {
        freshet_sim_process_join(process);
        freshet_sim_look(process, item->shared);
        freshet_sim_process_settle(process);
    }
}

static void world_item(struct world *world, const struct item *item)
{
    if (item->kind == ITEM_STEP)
        world_step(world, *item);
    else if (item->kind == ITEM_ANSWER)
        freshet_sim_flight_arrive(world, item);
    else
        world_befall(&world->processes[item->process], item);
}

/* Outages are drawn as they come and go. */
static void world_draw_faults(struct world *world)
{
    bool faulty = freshet_sim_issuer_faulty(&world->issuer);

    if (world->report->svg != NULL && faulty != world->faulty)
        freshet_sim_svg_shade(world->report->svg, SHADE_FAULTS, -1, world->t_ms, faulty);
    world->faulty = faulty;
}

/* Does the next thing; false when there is none before the end. */
static bool world_advance(struct world *world)
{
    const struct item *first = freshet_sim_queue_first(&world->queue);
    struct item deadline = {.own_ms = FRESHET_NEVER};
    bool ticks = world_deadline(world, &deadline);
    struct item item;

    if (first == NULL && !ticks)
        return false;
    ticks = ticks && (first == NULL || freshet_sim_item_before(&deadline, first));
    world->t_ms = freshet_max(world->t_ms, ticks ? deadline.own_ms : first->own_ms);
    if (world->t_ms > world->scenario->until_ms)
        return false;
    if (ticks) {
        freshet_sim_process_tick(&world->processes[deadline.process]);
    } else {
        item = freshet_sim_queue_pop(&world->queue);
        world_item(world, &item);
    }
    freshet_sim_turns_go_on(world);
    world_draw_faults(world);
    return true;
}
