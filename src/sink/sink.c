/*
 * Sinks: a subscriber that puts the session's token where other programs find it.
 *
 * A delivery is a look at the token that is held; that there is one at all times is the engine's
 * business, for which a subscription is a standing want. All of it happens on the thread of the client's loop, so
 * nothing here is shared but the text of the last fault. One timer looks again when a delivery was
 * skipped, found its file locked, or failed; and the folders are watched, because a program that reads
 * a jar at its start and writes it at its end puts an older token back.
 */
#include <freshet/sink.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"
#include "core/time.h"
#include "runtime/alarm.h"
#include "runtime/clock.h"
#include "sink/outlet.h"

#define SINK_BUSY_MS   20   /* doubled while the file stays locked */
#define SINK_FAILED_MS 2000 /* also when it has been locked for so long */
#define SINK_DEAF_MS   5000 /* without news of changes */
#define SINK_AGAIN_MAX 60000

enum { SINK_JAR, SINK_FILE, SINK_OUTLETS };

struct freshet_sink {
    struct freshet_session *session;
    struct outlet outlets[SINK_OUTLETS];
    bool used[SINK_OUTLETS];
    enum delivery_act last[SINK_OUTLETS];
    bool agent;
    bool focused;
    struct alarm again;
    bool again_set;
    int64_t busy_ms; /* how long to wait for a lock the next time */
    uv_fs_event_t watches[SINK_OUTLETS];
    bool deaf;            /* not all folders can be watched */
    int handles;          /* of the loop, still open */
    pthread_mutex_t lock; /* the fault */
    struct place_fault fault;
    char text[FRESHET_TOKEN_MAX + 1]; /* of the token that is being delivered */
};

/* ---- deliveries ---- */

static void sink_set_fault(struct freshet_sink *sink, const char *text)
{
    pthread_mutex_lock(&sink->lock);
    snprintf(sink->fault.text, sizeof(sink->fault.text), "%s", text);
    pthread_mutex_unlock(&sink->lock);
}

/* What was skipped is told once. */
static void sink_tell(struct freshet_sink *sink, int which, const struct outlet_news *news,
                      enum delivery_act act)
{
    struct trace_line line = {.kind = TRACE_SINK,
                              .name = which == SINK_JAR ? "cookie" : "file",
                              .fingerprint = news->token != NULL ? news->token->fingerprint : 0,
                              .skipped = freshet_delivery_skipped(act)};
    bool again = line.skipped != NULL && act == sink->last[which];

    sink->last[which] = act;
    if (act != DELIVERY_NOTHING && !again) {
        freshet_events_line(sink->session->client, &line, sink->session->id,
                            freshet_clock_sample());
    }
}

/* How long until this outlet is to be looked at again; FRESHET_NEVER: not by time. */
static int64_t sink_deliver_one(struct freshet_sink *sink, int which,
                                const struct outlet_news *news, struct place_fault *fault)
{
    struct outlet *outlet = &sink->outlets[which];
    struct place_fault reason = {.text = ""};
    struct delivery_plan plan;

    switch (freshet_outlet_deliver(outlet, news, &plan, &reason)) {
    case PLACE_OK:
        break;
    case PLACE_BUSY:
        sink->busy_ms = freshet_min(freshet_max(2 * sink->busy_ms, SINK_BUSY_MS), SINK_FAILED_MS);
        *fault = sink->busy_ms == SINK_FAILED_MS ? reason : *fault;
        return sink->busy_ms;
    case PLACE_FAILED:
        *fault = reason;
        return SINK_FAILED_MS;
    }
    sink->busy_ms = 0;
    if (plan.act == DELIVERY_SKIP_CONTEXT && news->token != NULL) {
        snprintf(fault->text, sizeof(fault->text),
                 "%.120s: holds the token of another live session; it is replaced when that one "
                 "expires, or with focus",
                 outlet->place.path);
    }
    sink_tell(sink, which, news, plan.act);
    return plan.again_ms == FRESHET_NEVER ? FRESHET_NEVER : plan.again_ms - news->issuer_ms;
}

static void sink_deliver_all(struct freshet_sink *sink, const struct outlet_news *news)
{
    struct place_fault fault = {.text = ""};
    int64_t again_ms = sink->deaf ? SINK_DEAF_MS : FRESHET_NEVER;

    for (int i = 0; i < SINK_OUTLETS; i++) {
        if (sink->used[i]) {
            int64_t wait_ms = sink_deliver_one(sink, i, news, &fault);

            again_ms = wait_ms < again_ms ? wait_ms : again_ms;
        }
    }
    sink_set_fault(sink, fault.text);
    sink->again_set = again_ms != FRESHET_NEVER;
    if (sink->again_set) {
        again_ms = freshet_clock_sample().boot_ms + freshet_min(again_ms, SINK_AGAIN_MAX);
    }
    freshet_alarm_set(&sink->again, again_ms);
}

/* The token that is held, if any, goes out. */
static void sink_deliver_token(struct freshet_sink *sink, const struct outlet_news *news)
{
    struct outlet_news own = *news;
    struct token token;
    void *memory = NULL;
    size_t length = 0;
    enum freshet_status status =
        freshet_peek(sink->session, sink->text, sizeof(sink->text), &length, NULL);

    if ((status == FRESHET_OK || status == FRESHET_STALE) &&
        freshet_jwt_read(sink->text, length, &token, &memory)) {
        own.token = &token;
        sink_deliver_all(sink, &own);
        freshet_jwt_free(memory);
    }
    sodium_memzero(sink->text, length < sizeof(sink->text) ? length : sizeof(sink->text));
}

static void sink_look_as(struct freshet_sink *sink, bool repair)
{
    struct now now = freshet_clock_sample();
    struct outlet_news news = {.wall_ms = now.wall_ms, .issuer_ms = now.wall_ms, .repair = repair};
    struct session_view view;

    if (!freshet_engine_view_session(sink->session->client->pump.engine, sink->session->id, now,
                                     &view) ||
        view.sid[0] == '\0') {
        return;
    }
    news.session = view.sid;
    news.may_take = !repair && (sink->focused || sink->agent);
    news.issuer_ms += view.clock_known ? view.clock_offset_ms : 0;
    if (view.status == SESSION_SIGNED_OUT) {
        sink_deliver_all(sink, &news);
    } else {
        sink_deliver_token(sink, &news);
    }
}

static void sink_look(void *context)
{
    sink_look_as(context, false);
}

/* Whoever is going to look anyway need not look now. */
static void sink_heard(uv_fs_event_t *watch, const char *name, int events, int status)
{
    struct freshet_sink *sink = watch->data;
    const struct outlet *outlet = &sink->outlets[watch - sink->watches];

    (void)events;
    if (status == 0 && name != NULL && strcmp(name, outlet->place.name) == 0 && !sink->again_set) {
        sink_look_as(sink, true);
    }
}

static void sink_event(void *context, const struct freshet_event *event)
{
    struct freshet_sink *sink = context;

    if (event->session == sink->session &&
        (event->kind == FRESHET_EVENT_TOKEN_UPDATED || event->kind == FRESHET_EVENT_SIGNED_OUT)) {
        sink_look(sink);
    }
}

/* ---- open and close ---- */

static void sink_free(void *context)
{
    struct freshet_sink *sink = context;

    for (int i = 0; i < SINK_OUTLETS; i++) {
        if (sink->used[i]) {
            freshet_outlet_close(&sink->outlets[i]);
        }
    }
    pthread_mutex_destroy(&sink->lock);
    free(sink);
}

static void sink_let_go(void *context)
{
    struct freshet_sink *sink = context;

    if (--sink->handles == 0) {
        sink_free(sink);
    }
}

static void sink_watch_closed(uv_handle_t *watch)
{
    sink_let_go(watch->data);
}

/* The handles that were opened are closed; the last of them takes the sink along. */
static void sink_close_handles(struct freshet_sink *sink)
{
    for (int i = 0; i < SINK_OUTLETS; i++) {
        if (sink->watches[i].data != NULL) {
            uv_close((uv_handle_t *)&sink->watches[i], sink_watch_closed);
        }
    }
    if (sink->again.open) {
        freshet_alarm_close_then(&sink->again, sink_let_go);
    }
}

static void sink_end(void *context)
{
    struct freshet_sink *sink = context;

    freshet_unsubscribe(sink->session->client, sink_event, sink);
    sink_close_handles(sink);
}

/* A sink that has begun is taken over by the loop's thread, also when it cannot go on. */
struct sink_opening {
    struct freshet_sink *sink;
    bool good;
};

/* Handles of a sink alone keep no loop running. */
static void sink_watch(struct freshet_sink *sink, uv_loop_t *loop)
{
    for (int i = 0; i < SINK_OUTLETS; i++) {
        uv_fs_event_t *watch = &sink->watches[i];

        if (sink->used[i] && uv_fs_event_init(loop, watch) == 0) {
            watch->data = sink;
            sink->handles++;
            sink->deaf |=
                uv_fs_event_start(watch, sink_heard, sink->outlets[i].place.folder, 0) != 0;
            uv_unref((uv_handle_t *)watch);
        }
    }
}

static void sink_begin(void *context)
{
    struct sink_opening *opening = context;
    struct freshet_sink *sink = opening->sink;
    struct freshet_client *client = sink->session->client;
    int status = freshet_alarm_init(&sink->again, &client->loop, sink_look, sink);

    if (!sink->again.open) {
        sink_free(sink);
        return;
    }
    sink->handles++;
    sink_watch(sink, &client->loop);
    if (status != 0 || freshet_subscribe(client, sink_event, sink) != FRESHET_OK) {
        sink_close_handles(sink);
        return;
    }
    uv_unref((uv_handle_t *)&sink->again.poll);
    opening->good = true;
    sink_look(sink);
}

/* The instance that the session talks to; asked for on the loop's thread. */
struct sink_instance {
    struct freshet_session *session;
    struct clerk_instance instance;
};

static void sink_read_instance(void *context)
{
    struct sink_instance *asked = context;
    const struct pump *pump = &asked->session->client->pump;

    for (uint32_t i = 0; i < pump->session_count; i++) {
        if (pump->sessions[i] != NULL && pump->sessions[i]->id == asked->session->id) {
            asked->instance = pump->sessions[i]->instance;
        }
    }
}

/* The host of "scheme://host:port/path", without brackets. */
static void sink_host(const char *url, char host[256])
{
    const char *at = strstr(url, "://");
    size_t length = 0;

    at = at != NULL ? at + 3 : url;
    if (*at == '[') {
        at++;
        length = strcspn(at, "]");
    } else {
        length = strcspn(at, ":/");
    }
    snprintf(host, 256, "%.*s", (int)length, at);
}

static bool sink_open_jar(struct freshet_sink *sink, const struct freshet_sink_options *options,
                          struct place_fault *fault)
{
    struct sink_instance asked = {.session = sink->session};
    char host[256] = "";
    struct cookie_names names = {.domain = options->cookie_domain, .secure = true};

    if (!freshet_client_run(sink->session->client, sink_read_instance, &asked)) {
        snprintf(fault->text, sizeof(fault->text), "out of memory");
        return false;
    }
    names.suffix = asked.instance.suffix;
    if (names.domain == NULL && asked.instance.loopback) {
        sink_host(asked.instance.base_url, host);
        names.domain = host;
    }
    if (names.domain == NULL || !freshet_cookie_domain_valid(names.domain)) {
        snprintf(fault->text, sizeof(fault->text),
                 "a cookie jar needs the host that its cookies are sent to; give cookie_domain");
        return false;
    }
    names.secure = !freshet_cookie_domain_loopback(names.domain);
    sink->used[SINK_JAR] = true;
    return freshet_outlet_open(&sink->outlets[SINK_JAR], options->cookie_jar, &names, fault);
}

/* A file that cannot be written is told at once, not at the first token. */
static bool sink_try_places(struct freshet_sink *sink, struct place_fault *fault)
{
    for (int i = 0; i < SINK_OUTLETS; i++) {
        enum place_result result = PLACE_BUSY;

        if (!sink->used[i]) {
            continue;
        }
        result = freshet_place_begin(&sink->outlets[i].place, fault);
        if (result == PLACE_OK) {
            freshet_place_end(&sink->outlets[i].place);
        } else if (result == PLACE_FAILED) {
            return false;
        }
    }
    return true;
}

static bool sink_open_outlets(struct freshet_sink *sink, const struct freshet_sink_options *options,
                              struct place_fault *fault)
{
    if (options->cookie_jar != NULL && !sink_open_jar(sink, options, fault)) {
        return false;
    }
    if (options->token_file != NULL) {
        sink->used[SINK_FILE] = true;
        if (!freshet_outlet_open(&sink->outlets[SINK_FILE], options->token_file, NULL, fault)) {
            return false;
        }
    }
    return sink_try_places(sink, fault);
}

enum freshet_status freshet_sink_open(struct freshet_session *session,
                                      const struct freshet_sink_options *options,
                                      struct freshet_sink **sink, struct freshet_error *error)
{
    struct place_fault fault = {.text = ""};
    struct sink_opening opening = {.good = false};
    struct freshet_sink *made = NULL;

    *sink = NULL;
    if (freshet_client_forked(session->client)) {
        return freshet_error_set(error, FRESHET_FORKED, 0, freshet_error_text(FRESHET_FORKED));
    }
    if (options == NULL || (options->size != 0 && options->size < sizeof(*options)) ||
        (options->cookie_jar == NULL && options->token_file == NULL)) {
        return freshet_error_set(error, FRESHET_INVALID, 0,
                                 "a sink needs a cookie_jar, a token_file or both");
    }
    made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return freshet_error_set(error, FRESHET_NO_MEMORY, 0, "out of memory");
    }
    pthread_mutex_init(&made->lock, NULL);
    made->session = session;
    made->agent = options->agent != 0;
    if (!sink_open_outlets(made, options, &fault)) {
        sink_free(made);
        return freshet_error_set(error, FRESHET_INVALID, 0, fault.text);
    }
    opening.sink = made;
    if (!freshet_client_run(session->client, sink_begin, &opening)) {
        sink_free(made);
    }
    if (!opening.good) {
        return freshet_error_set(error, FRESHET_LIMIT, 0, freshet_error_text(FRESHET_LIMIT));
    }
    *sink = made;
    return freshet_error_set(error, FRESHET_OK, 0, "");
}

void freshet_sink_close(struct freshet_sink *sink)
{
    if (sink == NULL) {
        return;
    }
    if (freshet_client_forked(sink->session->client)) {
        sink_free(sink);
        return;
    }
    (void)freshet_client_run(sink->session->client, sink_end, sink);
}

/* ---- what the host tells and asks ---- */

struct sink_focus {
    struct freshet_sink *sink;
    bool focused;
};

static void sink_take_focus(void *context)
{
    struct sink_focus *focus = context;

    focus->sink->focused = focus->focused;
    if (focus->focused) {
        sink_look(focus->sink);
    }
}

enum freshet_status freshet_sink_focus(struct freshet_sink *sink, int focused)
{
    struct sink_focus focus = {.sink = sink, .focused = focused != 0};

    if (freshet_client_forked(sink->session->client)) {
        return FRESHET_FORKED;
    }
    return freshet_client_run(sink->session->client, sink_take_focus, &focus) ? FRESHET_OK
                                                                              : FRESHET_NO_MEMORY;
}

void freshet_sink_fault(struct freshet_sink *sink, char *buffer, size_t size)
{
    pthread_mutex_lock(&sink->lock);
    snprintf(buffer, size, "%s", sink->fault.text);
    pthread_mutex_unlock(&sink->lock);
}
