/*
 * Deliveries to files in memory, told in the trace.
 */
#include "simulate/sink.h"

#include <stdlib.h>
#include <string.h>

#include "simulate/world.h"
#include "source/source.h"

/* The token that the process holds for its active organization, and the time as it knows it. */
struct sink_news {
    const char *session;
    char text[FRESHET_TOKEN_MAX + 1];
    struct token token;
    void *claims;
    bool signed_out;
    bool has_token;
    int64_t issuer_ms;
};

/* False when there is nothing to deliver. */
static bool sink_read(struct process *process, struct sink_news *news)
{
    struct now now = freshet_sim_now(process->world);
    struct key_view key = {.session = process->session, .template_name = "", .audience = ""};
    struct session_view session;
    struct cell_view view = {0};
    struct cell *cell;

    *news = (struct sink_news){.session = ""};
    if (!freshet_engine_view_session(process->engine, process->session, now, &session))
        return false;
    news->session = session.sid;
    news->signed_out = session.status == SESSION_SIGNED_OUT;
    if (news->signed_out)
        return news->session[0] != '\0';
    key.organization = session.organization;
    cell = freshet_engine_cell(process->engine, &key);
    if (cell == NULL || !freshet_cell_read(cell, news->text, FRESHET_TOKEN_MAX, &view))
        return false;
    news->issuer_ms = now.boot_ms + view.offset_ms;
    news->has_token = view.exp_ms > news->issuer_ms &&
                      freshet_jwt_read(news->text, view.length, &news->token, &news->claims);
    return news->has_token;
}

static void sink_tell(struct process *process, const char *name, const struct sink_news *news,
                      const struct delivery_plan *plan)
{
    struct trace_line line = {
        .kind = TRACE_SINK,
        .name = name,
        .fingerprint = news->has_token ? news->token.fingerprint : 0,
        .skipped = freshet_delivery_skipped(plan->act),
    };

    freshet_sim_line(process, &line, NULL);
}

static void sink_look_again_at(struct process *process, int64_t at_ms)
{
    struct item item = {
        .own_ms = at_ms,
        .class = CLASS_DEADLINE,
        .kind = ITEM_DELIVER,
        .process = process->number,
        .life = process->life,
        .age = ++process->world->age,
    };

    if (at_ms >= process->sink.again_ms)
        return;
    process->sink.again_ms = at_ms;
    freshet_sim_push(process->world, &item);
}

static void sink_put(struct process *process, struct sink_place *place,
                     const struct sink_news *news)
{
    free(place->text);
    place->text = NULL;
    place->context[0] = '\0';
    if (!news->has_token)
        return;
    freshet_context(place->context, news->session, news->token.organization);
    place->text = strdup(news->text);
    if (place->text == NULL)
        freshet_sim_fail(process->world, "out of memory");
}

/* One delivery. A second look tells only what it changes. */
static void sink_deliver(struct process *process, struct sink_place *place, const char *name,
                         const struct sink_news *news, bool again)
{
    bool jar = place == &process->world->jar;
    struct delivery ours = {
        .session = news->session,
        .token = news->has_token ? &news->token : NULL,
        .written = process->sink.written,
        .may_take = process->world->foreground == process->number,
    };
    struct delivery_place there = {
        .context = jar ? place->context : NULL,
        .text = place->text,
        .length = place->text == NULL ? 0 : strlen(place->text),
    };
    struct delivery_plan plan = freshet_delivery_plan(&there, &ours, news->issuer_ms);
    bool skipped = freshet_delivery_skipped(plan.act) != NULL;

    if (plan.act == DELIVERY_WRITE || plan.act == DELIVERY_REMOVE)
        sink_put(process, place, news);
    if (jar && !skipped)
        memcpy(process->sink.written, place->context, sizeof process->sink.written);
    if (plan.act != DELIVERY_NOTHING && (!skipped || (!again && news->has_token)))
        sink_tell(process, name, news, &plan);
    if (plan.again_ms != FRESHET_NEVER)
        sink_look_again_at(process, process->world->t_ms + plan.again_ms - news->issuer_ms);
}

static void sink_deliver_all(struct process *process, bool again)
{
    struct sink_news news;

    process->sink.due = false;
    process->sink.again_ms = FRESHET_NEVER;
    if (sink_read(process, &news)) {
        sink_deliver(process, &process->world->jar, "cookie", &news, again);
        sink_deliver(process, &process->token_file, "file", &news, again);
    }
    freshet_jwt_free(news.claims);
}

void freshet_sim_sink_flush(struct process *process)
{
    if (process->sink.due)
        sink_deliver_all(process, false);
}

void freshet_sim_sink_again(struct process *process)
{
    if (process->world->t_ms >= process->sink.again_ms)
        sink_deliver_all(process, true);
}
