/*
 * Requests on their way: made, sent when their turn has come, answered by the issuer when its time
 * has come, read by the process if it still wants to. The issuer acts at the time of the answer (or
 * of the request, if the scenario says so), whatever has become of the process by then.
 */
#include "simulate/world.h"

#include <stdlib.h>
#include <string.h>

/* As in the runtime: so long after its sending, at most, an answer that nobody wants is waited for. */
#define FLIGHT_ORPHAN_MS 5000

static void flight_release(struct flight *flight)
{
    freshet_sim_answer_free(&flight->answer);
    free(flight->order.sid);
    free(flight->order.template_name);
    free(flight->order.organization);
    free(flight);
}

static void flight_free(struct world *world, struct flight *flight)
{
    struct flight **at = &world->flights;

    while (*at != flight)
        at = &(*at)->next;
    *at = flight->next;
    flight_release(flight);
}

static struct flight *flight_find(struct process *process, request_id id)
{
    struct flight *flight = process->world->flights;

    while (flight != NULL &&
           (flight->dead || flight->process != process->number || flight->id != id))
        flight = flight->next;
    return flight;
}

uint64_t freshet_sim_flight_number(struct process *process, request_id id)
{
    const struct flight *flight = flight_find(process, id);

    return flight == NULL ? 0 : flight->number;
}

bool freshet_sim_is_sign_out(enum endpoint on)
{
    return on == ON_END || on == ON_REMOVE || on == ON_SESSIONS;
}

static void flight_act(struct world *world, struct flight *flight, int64_t t_ms)
{
    if (flight->acted)
        return;
    flight->acted = true;
    if (!flight->cut &&
        !freshet_sim_issuer_answer(&world->issuer, &flight->order, t_ms, &flight->answer))
        freshet_sim_fail(world, "out of memory");
}

/* A flight without an arrival (a request that hangs) is not in the queue. */
static bool flight_hangs(const struct flight *flight)
{
    return flight->order.has_rule && flight->order.rule.hang;
}

/* The newest comes last. */
static void flight_list(struct world *world, struct flight *flight)
{
    struct flight **at = &world->flights;

    while (*at != NULL)
        at = &(*at)->next;
    *at = flight;
}

/* With all it needs later: names and the line of a request outlive the step that asked for it. */
static struct flight *flight_new(const struct process *process, const struct effect *effect,
                                 const struct trace_line *line)
{
    const struct key_view *key = &effect->u.fetch.key;
    struct flight *flight = calloc(1, sizeof *flight);
    struct order *order;

    if (flight == NULL)
        return NULL;
    flight->process = process->number;
    flight->id = effect->u.fetch.request;
    flight->waits = true;
    flight->granted_ms = effect->u.fetch.deadline_ms - freshet_sim_now(process->world).boot_ms;
    order = &flight->order;
    order->on = effect->u.fetch.on;
    order->intent = effect->u.fetch.intent;
    order->sid = strdup(key->sid == NULL ? "" : key->sid);
    order->template_name = strdup(key->template_name == NULL ? "" : key->template_name);
    order->organization = strdup(key->organization == NULL ? "" : key->organization);
    if (order->sid == NULL || order->template_name == NULL || order->organization == NULL) {
        flight_release(flight);
        return NULL;
    }
    flight->line = *line;
    flight->line.session = order->sid;
    flight->line.template_name = order->template_name;
    flight->line.organization = order->organization;
    return flight;
}

void freshet_sim_flight_make(struct process *process, const struct effect *effect,
                             const struct trace_line *line)
{
    struct flight *flight = flight_new(process, effect, line);

    if (flight == NULL) {
        freshet_sim_fail(process->world, "out of memory");
        return;
    }
    flight_list(process->world, flight);
    freshet_sim_turns_go_on(process->world);
}

/* What it says of itself when it leaves. */
static void flight_tell(struct process *process, struct flight *flight)
{
    struct world *world = process->world;

    flight->number = ++world->last_request;
    flight->line.request = flight->number;
    freshet_sim_line(process, &flight->line, NULL);
    if (!freshet_sim_summary_request(&world->report->summary, flight->order.on, world->t_ms))
        freshet_sim_fail(world, "out of memory");
}

void freshet_sim_flight_send(struct process *process, struct flight *flight)
{
    struct world *world = process->world;
    struct item item = {.class = CLASS_ANSWER, .kind = ITEM_ANSWER, .flight = flight};
    int64_t latency_ms;

    flight_tell(process, flight);
    flight->waits = false;
    flight->sent_ms = world->t_ms;
    flight->cut = process->network == NETWORK_OFFLINE;
    flight->order.credential = world->credential;
    if (!flight->cut)
        freshet_sim_issuer_take(&world->issuer, &flight->order);
    if (world->issuer.settings.mint_at == MINT_AT_REQUEST)
        flight_act(world, flight, world->t_ms);
    latency_ms = freshet_sim_issuer_latency(&world->issuer, &flight->order);
    if (latency_ms == FRESHET_NEVER)
        return;
    item.own_ms = world->t_ms + latency_ms;
    item.age = ++world->age;
    item.process = process->number;
    item.life = process->life;
    freshet_sim_push(world, &item);
}

void freshet_sim_flight_abandon(struct process *process, request_id id, bool timed_out)
{
    struct flight *flight = flight_find(process, id);

    if (flight == NULL)
        return;
    flight->spoken = true;
    flight->dead = timed_out && process->world->t_ms - flight->sent_ms >=
                                    freshet_min(flight->granted_ms, FLIGHT_ORPHAN_MS);
    if (flight->waits || flight_hangs(flight))
        flight_free(process->world, flight);
}

/* Nobody is left to read what is under way. */
void freshet_sim_flight_orphan(struct process *process)
{
    struct flight *next;

    for (struct flight *flight = process->world->flights; flight != NULL; flight = next) {
        next = flight->next;
        if (flight->process != process->number || flight->dead)
            continue;
        flight->dead = true;
        if (flight->waits || flight_hangs(flight))
            flight_free(process->world, flight);
    }
}

/* The connection is gone: every request under way fails, oldest first; one that still waits for its
 * turn has no line to end. */
void freshet_sim_flight_cut(struct process *process)
{
    static const struct answer none = {.status = 0};
    request_id last = 0;

    for (;;) {
        struct flight *oldest = NULL;
        struct flight lost;

        for (struct flight *flight = process->world->flights; flight != NULL;
             flight = flight->next) {
            if (flight->process == process->number && !flight->dead && !flight->cut &&
                flight->id > last && (oldest == NULL || flight->id < oldest->id))
                oldest = flight;
        }
        if (oldest == NULL)
            return;
        last = oldest->id;
        lost = *oldest;
        lost.answer = none;
        lost.spoken = lost.spoken || lost.waits;
        oldest->dead = true;
        if (oldest->waits || flight_hangs(oldest))
            flight_free(process->world, oldest);
        freshet_sim_process_answer(process, &lost);
    }
}

void freshet_sim_flight_arrive(struct world *world, const struct item *item)
{
    struct process *process = &world->processes[item->process];
    struct flight *flight = item->flight;

    flight_act(world, flight, item->own_ms);
    if (!flight->dead && process->stopped) {
        freshet_sim_keep(process, item);
        return;
    }
    if (!flight->dead) {
        flight->dead = true;
        freshet_sim_process_answer(process, flight);
    }
    flight_free(world, flight);
}

void freshet_sim_flights_free(struct world *world)
{
    while (world->flights != NULL)
        flight_free(world, world->flights);
}
