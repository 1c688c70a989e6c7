/*
 * One process from its start to its end: an engine, its store, and the answers that reach it.
 */
#include "simulate/world.h"

#include <stdlib.h>
#include <string.h>

#include "simulate/codec.h"
#include "simulate/share.h"
#include "source/source.h"

#define IDLE_TICKS_MAX 100000

/* ---- events ---- */

void freshet_sim_process_event(struct process *process, const struct event *event)
{
    freshet_sim_process_step(process, event);
    freshet_sim_process_settle(process);
}

void freshet_sim_process_settle(struct process *process)
{
    while (process->follow_first != NULL) {
        struct follow *follow = process->follow_first;

        process->follow_first = follow->next;
        if (process->follow_first == NULL)
            process->follow_last = NULL;
        freshet_sim_follow(process, follow);
        free(follow);
    }
}

#ifdef FRESHET_CHECKS
static void process_check(struct process *process)
{
    const char *broken = "";

    if (!freshet_engine_check(process->engine, &broken))
        freshet_sim_fail(process->world, "at %lld ms process %d breaks an invariant: %s",
                         (long long)process->world->t_ms, process->number, broken);
}
#else
static void process_check(struct process *process)
{
    (void)process;
}
#endif

void freshet_sim_process_step(struct process *process, const struct event *event)
{
    struct world *world = process->world;
    struct effects effects = freshet_step(process->engine, event, freshet_sim_now(world));
    int64_t deadline_ms;

    for (size_t i = 0; i < effects.count; i++)
        freshet_sim_effect(process, &effects.items[i]);
    freshet_sim_sink_flush(process);
    process_check(process);
    deadline_ms = freshet_engine_deadline(process->engine);
    if (deadline_ms != process->deadline_ms) {
        process->deadline_ms = deadline_ms;
        process->deadline_age = ++world->age;
        process->armed_ms = world->t_ms;
    }
}

void freshet_sim_process_tick(struct process *process)
{
    struct event event = {.kind = EVENT_TICK};

    freshet_sim_process_event(process, &event);
    if (process->deadline_ms > freshet_sim_now(process->world).boot_ms)
        process->idle_ticks = 0;
    else if (++process->idle_ticks > IDLE_TICKS_MAX)
        freshet_sim_fail(process->world, "at %lld ms process %d makes no progress",
                         (long long)process->world->t_ms, process->number);
}

/* ---- life ---- */

/* What the machine knows already: that there is no connectivity, that a sign-out is unfinished. */
static void process_catch_up(struct process *process)
{
    struct event event = {.kind = EVENT_SIGN_OUT, .session = process->session};

    if (process->world->network == NETWORK_OFFLINE)
        freshet_sim_network(process, NETWORK_OFFLINE);
    process->network = process->world->network;
    if (process->world->signing_out)
        freshet_sim_process_event(process, &event);
}

/* What the user's other processes hold of the session's own token, and its record; NULL without one. */
static char *process_shared_token(const struct world *world, struct record *record)
{
    char *text = NULL;

    for (struct shared *shared = world->share.first; shared != NULL && text == NULL;
         shared = shared->next) {
        struct decoded decoded;

        if (shared->bytes == NULL || shared->key.template_name[0] != '\0' ||
            strcmp(shared->key.sid, FRESHET_SIM_SESSION) != 0)
            continue;
        if (freshet_sim_record_decode(shared->bytes, shared->length, &shared->key,
                                      freshet_sim_now(world), &decoded) &&
            decoded.shared.record.has_token) {
            *record = decoded.shared.record;
            text = strndup(record->token.text, record->token.length);
            record->token = (struct token){.text = NULL};
        }
        freshet_sim_record_free(&decoded);
    }
    return text;
}

/* The last token: from the shared place, from the store, or one that lies there as if an earlier run
 * had put it there. */
static char *process_last_token(struct process *process, enum open_from from, struct event *open)
{
    struct world *world = process->world;
    struct record record = {.has_token = false};
    char *text = NULL;

    if (from == OPEN_FROM_TOKEN)
        return freshet_sim_issuer_token(&world->issuer, world->t_ms, "",
                                        world->issuer.organization);
    if (process->saved == NULL) {
        text = process_shared_token(world, &record);
        open->u.open.has_offset = record.has_offset;
        open->u.open.offset_ms = record.offset_ms;
        return text;
    }
    open->u.open.has_offset = process->saved_has_offset;
    open->u.open.offset_ms = process->saved_offset_ms;
    return strdup(process->saved);
}

static bool process_read_token(const char *text, struct token *token, void **claims)
{
    if (text == NULL || !freshet_jwt_read(text, strlen(text), token, claims))
        return false;
    token->text = text;
    token->length = (uint32_t)strlen(text);
    token->fingerprint = freshet_fingerprint(text, strlen(text));
    return true;
}

void freshet_sim_process_join(struct process *process)
{
    struct record record = {.has_token = false};
    struct event event = {.kind = EVENT_JOINED, .session = process->session};
    void *claims = NULL;
    char *text;

    if (!freshet_sim_turns_wait(process))
        return;
    text = process_shared_token(process->world, &record);
    event.u.joined.committed_ms = record.committed_ms;
    event.u.joined.sent_ms = record.sent_ms;
    if (process_read_token(text, &event.u.joined.token, &claims))
        freshet_sim_process_event(process, &event);
    freshet_jwt_free(claims);
    free(text);
}

void freshet_sim_process_open(struct process *process, enum open_from from)
{
    struct world *world = process->world;
    struct engine_options options = freshet_engine_options_default();
    struct event event = {.kind = EVENT_OPEN, .u.open = {.issuer = FRESHET_SIM_ISSUER, .sid = ""}};
    char *last = process_last_token(process, from, &event);
    void *claims = NULL;

    options.policy = world->scenario->policy;
    options.seed = world->seed + (uint64_t)process->number * 1000003u + process->life;
    process->engine = freshet_engine_new(&options, freshet_sim_now(world));
    if (process->engine == NULL) {
        freshet_sim_fail(world, "out of memory");
        free(last);
        return;
    }
    process->life++;
    process->sink = (struct sink_memory){.again_ms = FRESHET_NEVER};
    process->network = NETWORK_UNKNOWN;
    process->session = freshet_engine_session(process->engine);
    event.session = process->session;
    event.u.open.has_last_token = process_read_token(last, &event.u.open.last_token, &claims);
    freshet_sim_process_event(process, &event);
    process_catch_up(process);
    freshet_sim_process_join(process);
    freshet_jwt_free(claims);
    free(last);
}

struct ending freshet_sim_ending(const struct process *process, const struct waiting *waiting)
{
    return (struct ending){
        .waited_ms = process->world->t_ms - waiting->made_ms,
        .usable = waiting->usable,
    };
}

void freshet_sim_process_kill(struct process *process)
{
    struct world *world = process->world;

    while (process->waiting != NULL) {
        struct waiting *waiting = process->waiting;
        struct ending ending = freshet_sim_ending(process, waiting);

        freshet_sim_summary_left(&world->report->summary, &ending);
        if (world->report->svg != NULL)
            freshet_sim_svg_open_call(world->report->svg, process->number, waiting->made_ms,
                                      world->t_ms);
        process->waiting = waiting->next;
        free(waiting);
    }
    process->kept_count = 0;
    if (process->stopped && world->report->svg != NULL)
        freshet_sim_svg_shade(world->report->svg, SHADE_STOPPED, process->number, world->t_ms,
                              false);
    process->stopped = false;
    if (process->engine == NULL)
        return;
    freshet_sim_flight_orphan(process);
    freshet_sim_share_forget(&world->share, process->number);
    freshet_engine_free(process->engine);
    process->ended_elsewhere = false;
    process->engine = NULL;
    process->deadline_ms = FRESHET_NEVER;
}

void freshet_sim_process_free(struct process *process)
{
    while (process->waiting != NULL) {
        struct waiting *next = process->waiting->next;

        free(process->waiting);
        process->waiting = next;
    }
    while (process->follow_first != NULL) {
        struct follow *next = process->follow_first->next;

        free(process->follow_first);
        process->follow_first = next;
    }
    freshet_engine_free(process->engine);
    free(process->kept);
    free(process->saved);
    free(process->token_file.text);
}

/* ---- sign-out ---- */

void freshet_sim_process_sign_out(struct process *process)
{
    struct event event = {.kind = EVENT_SIGN_OUT, .session = process->session};
    struct session_view view;

    if (!freshet_engine_view_session(process->engine, process->session,
                                     freshet_sim_now(process->world), &view) ||
        view.status == SESSION_SIGNED_OUT)
        return;
    process->world->signing_out = true;
    freshet_sim_process_event(process, &event);
}

/* The session is over, and known to be: its record tells the other processes. */
void freshet_sim_process_end(struct process *process)
{
    struct world *world = process->world;
    struct item item = {.own_ms = world->t_ms + 1, .class = CLASS_ANSWER, .kind = ITEM_SIGNED_OUT};

    for (int i = 0; i < (int)world->scenario->processes; i++) {
        if (i == process->number || world->processes[i].engine == NULL)
            continue;
        world->processes[i].ended_elsewhere = true;
        item.process = i;
        item.life = world->processes[i].life;
        item.age = ++world->age;
        freshet_sim_push(world, &item);
    }
}

/* Another process has signed out: the session record says so. Telling the issuer is its errand. */
void freshet_sim_process_signed_out(struct process *process)
{
    struct event event = {.kind = EVENT_SIGNED_OUT, .session = process->session};

    process->ended_elsewhere = false;
    freshet_sim_process_event(process, &event);
}

/* ---- answers ---- */

static void process_response_line(struct process *process, const struct flight *flight)
{
    struct trace_line line = {
        .kind = TRACE_RESPONSE,
        .request = flight->number,
        .on = freshet_endpoint_name(flight->order.on),
        .http_status = flight->answer.status,
        .error = flight->answer.status == 0 ? "dropped" : NULL,
    };

    if (!flight->spoken)
        freshet_sim_line(process, &line, NULL);
}

/* A response reaches its process: through the real reader into an event. */
void freshet_sim_process_answer(struct process *process, struct flight *flight)
{
    struct world *world = process->world;
    struct now now = freshet_sim_now(world);
    struct http_response response = freshet_sim_answer_response(&flight->answer);
    struct event event = {.kind = EVENT_FETCHED, .session = process->session};
    struct reading reading;

    if (process->ended_elsewhere) /* the session record is looked at before an answer is taken */
        freshet_sim_process_signed_out(process);
    process_response_line(process, flight);
    if (freshet_sim_is_sign_out(flight->order.on) && flight->answer.status != 0 &&
        flight->answer.status < 500 && flight->answer.status != 429)
        world->signing_out = false;
    freshet_clerk_read(flight->order.on, &response, now.wall_ms, &reading);
    if (reading.credential != NULL)
        world->credential =
            freshet_max(world->credential, freshet_sim_credential_read(reading.credential));
    event.u.fetched.request = flight->id;
    event.u.fetched.received_boot_ms = now.boot_ms;
    event.u.fetched.outcome = reading.outcome;
    freshet_sim_process_event(process, &event);
    freshet_reading_free(&reading);
}
