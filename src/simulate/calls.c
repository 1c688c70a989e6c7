/*
 * Calls: a `get` step becomes an event, the engine's answer a line and a count.
 */
#include "simulate/world.h"

#include <stdlib.h>
#include <string.h>

/* Does the process hold a token that this call could have at once? As the engine itself sees it. */
static bool call_usable(const struct process *process, const struct get_step *get)
{
    struct now now = freshet_sim_now(process->world);
    struct session_view session;
    struct entry_view entry;
    const char *organization = get->organization;

    if (get->skip_cache || get->refresh_if_stale ||
        !freshet_engine_view_session(process->engine, process->session, now, &session))
        return false;
    if (organization == NULL)
        organization = session.organization;
    for (uint32_t i = 0;
         freshet_engine_view_entry(process->engine, process->session, i, now, &entry); i++) {
        int64_t need_ms = get->min_remaining_ms;

        if (entry.token.fingerprint == 0 || entry.key.audience[0] != '\0' ||
            strcmp(entry.key.template_name, get->template_name) != 0 ||
            strcmp(entry.key.organization, organization) != 0)
            continue;
        if (need_ms == FRESHET_UNSET)
            need_ms = freshet_policy_min_remaining(&process->world->scenario->policy,
                                                   entry.token.life_ms);
        return entry.remaining_ms > need_ms;
    }
    return false;
}

/* A process that does not run cannot wait. */
static void call_refuse(struct process *process, const struct get_step *get)
{
    struct trace_line line = {
        .kind = TRACE_GOT, .label = get->label, .error = freshet_status_name(FRESHET_INVALID)};
    struct ending ending = {.error = true};

    freshet_sim_line(process, &line, NULL);
    freshet_sim_summary_got(&process->world->report->summary, &ending);
}

void freshet_sim_call_get(struct process *process, const struct get_step *get)
{
    struct world *world = process->world;
    struct trace_line line = {.kind = TRACE_GET, .label = get->label};
    struct event event = {.kind = EVENT_GET, .session = process->session};
    struct waiting *waiting;

    freshet_sim_line(process, &line, NULL);
    freshet_sim_summary_get(&world->report->summary);
    if (process->engine == NULL) {
        call_refuse(process, get);
        return;
    }
    waiting = calloc(1, sizeof *waiting);
    if (waiting == NULL) {
        freshet_sim_fail(world, "out of memory");
        return;
    }
    waiting->ticket = ++world->last_ticket;
    waiting->label = get->label;
    waiting->made_ms = world->t_ms;
    waiting->usable = call_usable(process, get);
    waiting->may_expire = get->allow_stale == STALE_EXPIRED;
    waiting->next = process->waiting;
    process->waiting = waiting;
    event.u.get.ticket = waiting->ticket;
    event.u.get.options = (struct get_options){
        .template_name = get->template_name,
        .organization = get->organization,
        .skip_cache = get->skip_cache,
        .refresh_if_stale = get->refresh_if_stale,
        .allow_stale = (enum allow_stale)get->allow_stale,
        .min_remaining_ms = get->min_remaining_ms,
        .refresh_threshold_ms = get->refresh_threshold_ms,
        .timeout_ms = get->timeout_ms,
    };
    freshet_sim_process_event(process, &event);
}

static void call_remember(struct world *world, const char *label, uint64_t fingerprint)
{
    for (size_t i = 0; label != NULL && i < world->tracked_count; i++) {
        if (strcmp(world->tracked[i].label, label) == 0)
            world->tracked[i].fingerprint = fingerprint;
    }
}

void freshet_sim_call_got(struct process *process, const struct effect *effect,
                          struct trace_line *line)
{
    struct world *world = process->world;
    struct waiting **at = &process->waiting;
    struct waiting *waiting;
    struct ending ending;

    while (*at != NULL && (*at)->ticket != effect->u.resolve.ticket)
        at = &(*at)->next;
    waiting = *at;
    if (waiting == NULL) {
        freshet_sim_fail(world, "the engine answered a call that nobody made");
        return;
    }
    *at = waiting->next;
    ending = freshet_sim_ending(process, waiting);
    line->label = waiting->label;
    line->waited_ms = ending.waited_ms;
    if (effect->u.resolve.text != NULL) {
        line->error = NULL;
        line->remaining_ms =
            freshet_sim_expires_ms(process, &effect->u.resolve.token) - world->t_ms;
        ending.expired = line->remaining_ms <= 0 && !waiting->may_expire;
        call_remember(world, waiting->label, effect->u.resolve.token.fingerprint);
    }
    ending.error = effect->u.resolve.text == NULL;
    freshet_sim_line(process, line, NULL);
    freshet_sim_summary_got(&world->report->summary, &ending);
    free(waiting);
}
