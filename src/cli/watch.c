/*
 * freshet watch: follows sessions until it is interrupted or none of them can go on.
 *
 * One line for each thing that happens; on a terminal a bar for each token below them. It asks for
 * the token that the flags name as a program would, and asks again only when that token is gone and
 * nothing is done about it, so that watching changes nothing. Signals come from a descriptor: the
 * terminal is left as it was found.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/screen.h"

#define WATCH_FRAME_MS 250
#define WATCH_LOOK_MS  1000

/* One session, with what its gets and its sink have to say. */
struct watched {
    const struct settings *settings;
    struct connection connection;
    char fault[256];         /* of the sink, as it was told last */
    bool asked;              /* once at least */
    bool asking;             /* a get is under way */
    enum freshet_status end; /* why it cannot go on; FRESHET_OK while it can */
    bool told;               /* and that was said */
};

struct watch {
    const struct settings *given;
    struct watched *sessions;
    size_t count;
    struct screen screen;
};

/* ---- lines ---- */

/* What only repeats another line is left out: events of a commit, and this command's own gets. */
static bool watch_shows(const json_t *line)
{
    const char *event = freshet_text_of(line, "event");

    return strcmp(event, "emit") != 0 &&
           (strcmp(event, "got") != 0 || freshet_text_of(line, "error")[0] != '\0');
}

/* Where there are several, a line says whose it is. */
static void watch_line(struct watch *watch, const struct freshet_event *event)
{
    json_t *line = NULL;

    if (watch->given->json && watch->count == 1) {
        puts(event->trace);
        fflush(stdout);
        return;
    }
    line = json_loads(event->trace, 0, NULL);
    if (line != NULL && watch->count > 1) {
        (void)json_object_set_new(line, "watched", json_string(event->session_name));
    }
    if (line != NULL && watch->given->json) {
        (void)json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
    } else if (line != NULL && watch_shows(line)) {
        freshet_screen_erase(&watch->screen);
        freshet_make_printable(line);
        freshet_line_print(line, watch->screen.colour);
    }
    fflush(stdout);
    json_decref(line);
}

static void watch_event(void *context, const struct freshet_event *event)
{
    struct watch *watch = context;

    if (event->kind == FRESHET_EVENT_TRACE) {
        watch_line(watch, event);
    }
    for (size_t i = 0; event->kind == FRESHET_EVENT_SIGNED_OUT && i < watch->count; i++) {
        if (watch->sessions[i].connection.session == event->session) {
            watch->sessions[i].end = FRESHET_SIGNED_OUT;
        }
    }
}

/* A file that cannot be written is told once, and so is its end. */
static void watched_look_at_sink(struct watched *watched, struct screen *screen)
{
    char fault[sizeof(watched->fault)] = "";

    if (watched->connection.sink != NULL) {
        freshet_sink_fault(watched->connection.sink, fault, sizeof(fault));
    }
    if (strcmp(fault, watched->fault) != 0) {
        freshet_screen_erase(screen);
        fflush(stdout);
        fprintf(stderr, "freshet: %s\n", fault[0] != '\0' ? fault : "its files are written again");
        memcpy(watched->fault, fault, sizeof(fault));
    }
}

/* ---- asking ---- */

/* An outage is what one wants to watch; only a definite answer is the end. */
static void watched_got(void *context, enum freshet_status status, struct freshet_token *token,
                        const struct freshet_error *error)
{
    struct watched *watched = context;

    (void)token;
    (void)error;
    watched->asking = false;
    if (watched->end == FRESHET_OK &&
        (status == FRESHET_REFUSED || status == FRESHET_UNAUTHORIZED || status == FRESHET_INVALID ||
         status == FRESHET_LIMIT || status == FRESHET_NO_MEMORY)) {
        watched->end = status;
    }
}

static void watched_ask(struct watched *watched)
{
    struct freshet_request request = freshet_settings_request(watched->settings);
    enum freshet_status status = FRESHET_OK;

    request.timeout_ms = 0;
    request.skip_cache = request.skip_cache != 0 && !watched->asked ? 1 : 0;
    watched->asked = true;
    watched->asking = true;
    status = freshet_get_async(watched->connection.session, &request, watched_got, watched, NULL);
    watched->end = status != FRESHET_OK ? status : watched->end;
}

static const char *watched_name(const struct watched *watched)
{
    return watched->settings->name != NULL ? watched->settings->name : "default";
}

static const json_t *watched_find(const struct watched *watched, const json_t *root)
{
    const json_t *session = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(root, "sessions"), i, session)
    {
        if (strcmp(freshet_text_of(session, "name"), watched_name(watched)) == 0) {
            return session;
        }
    }
    return NULL;
}

/* The token that is asked for is gone, and nothing is done about it. */
static bool watched_is_gone(const struct watched *watched, const json_t *root)
{
    const struct settings *settings = watched->settings;
    const json_t *session = watched_find(watched, root);
    const char *template_name = settings->template_name != NULL ? settings->template_name : "";
    const char *organization = settings->organization != NULL
                                   ? settings->organization
                                   : freshet_text_of(session, "organization");
    const json_t *token = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(session, "tokens"), i, token)
    {
        if (strcmp(freshet_text_of(token, "template"), template_name) == 0 &&
            strcmp(freshet_text_of(token, "organization"), organization) == 0) {
            return strcmp(freshet_text_of(token, "zone"), "none") == 0 &&
                   strcmp(freshet_text_of(token, "flight"), "idle") == 0;
        }
    }
    return true;
}

static void watch_look(struct watch *watch)
{
    json_t *root = freshet_status_object(&watch->sessions[0].connection);

    for (size_t i = 0; i < watch->count; i++) {
        struct watched *watched = &watch->sessions[i];

        if (watched->end == FRESHET_OK && !watched->asking && watched_is_gone(watched, root)) {
            watched_ask(watched);
        }
    }
    if (watch->screen.bars) {
        freshet_make_printable(root);
        freshet_screen_draw(&watch->screen, root);
    }
    json_decref(root);
}

/* ---- ends ---- */

static enum exit_code watched_tell_end(const struct watched *watched)
{
    const char *reason = "it cannot go on";
    char text[256];

    if (watched->end == FRESHET_SIGNED_OUT) {
        reason = "the session is signed out; sign in again";
    } else if (watched->end == FRESHET_UNAUTHORIZED) {
        reason = "the issuer did not accept the client token; sign in again";
    } else if (watched->end == FRESHET_REFUSED) {
        reason = "the issuer refused; check --template and --organization";
    }
    snprintf(text, sizeof(text), "session %s: %s", watched_name(watched), reason);
    return freshet_explain(watched->end, text);
}

/* What has ended is told at once. Whether any can still go on; `code` is the last end's. */
static bool watch_goes_on(struct watch *watch, enum exit_code *code)
{
    bool any = false;

    for (size_t i = 0; i < watch->count; i++) {
        struct watched *watched = &watch->sessions[i];

        watched_look_at_sink(watched, &watch->screen);
        if (watched->end != FRESHET_OK && !watched->told) {
            freshet_screen_erase(&watch->screen);
            fflush(stdout);
            watched->told = true;
            *code = watched_tell_end(watched);
        }
        any |= watched->end == FRESHET_OK;
    }
    return any;
}

/* ---- the whole ---- */

/* Blocked before anything can be drawn, so that none is missed. */
static int watch_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static enum exit_code watch_follow(struct watch *watch, int signals, int end, int frames)
{
    struct pollfd own[] = {{.fd = signals}, {.fd = end}, {.fd = frames}};
    enum exit_code code = EXIT_DONE;
    uint64_t ticks = 0;

    for (size_t i = 0; i < watch->count; i++) {
        watched_ask(&watch->sessions[i]);
    }
    while (watch_goes_on(watch, &code)) {
        freshet_turn(&watch->sessions[0].connection, own, sizeof(own) / sizeof(own[0]));
        if (own[2].revents != 0 && read(frames, &ticks, sizeof(ticks)) > 0) {
            watch_look(watch);
        }
        if (own[0].revents != 0 || own[1].revents != 0) {
            (void)watch_goes_on(watch, &code);
            return EXIT_DONE;
        }
    }
    return code;
}

static enum exit_code watch_connect(struct watch *watch, const struct settings *settings)
{
    struct connection *first = &watch->sessions[0].connection;
    enum exit_code code = EXIT_DONE;

    for (size_t i = 0; i < watch->count && code == EXIT_DONE; i++) {
        struct watched *watched = &watch->sessions[i];

        watched->settings = &settings[i];
        watched->connection.client = first->client;
        code = i == 0 ? freshet_connect(&settings[i], watch_event, watch, first)
                      : freshet_connect_also(&settings[i], &watched->connection);
    }
    return code;
}

static void watch_disconnect(struct watch *watch)
{
    for (size_t i = 1; i < watch->count; i++) {
        freshet_sink_close(watch->sessions[i].connection.sink);
    }
    freshet_disconnect(&watch->sessions[0].connection);
}

static enum exit_code watch_run(struct watch *watch, const struct settings *settings)
{
    bool bars = freshet_on_terminal() && !watch->given->json;
    int64_t timeout_ms = watch->given->timeout_ms;
    int signals = watch_signals();
    int end = timeout_ms != 0 ? freshet_timer(timeout_ms, false) : -1;
    int frames = freshet_timer(bars ? WATCH_FRAME_MS : WATCH_LOOK_MS, true);
    enum exit_code code = watch_connect(watch, settings);

    if (code == EXIT_DONE) {
        freshet_screen_begin(&watch->screen, bars);
        code = watch_follow(watch, signals, end, frames);
        freshet_screen_end(&watch->screen);
    }
    watch_disconnect(watch);
    close(signals);
    close(frames);
    if (end >= 0) {
        close(end);
    }
    return code;
}

enum exit_code freshet_command_watch(const struct settings *settings)
{
    struct watch watch = {.given = settings, .count = 1};
    struct settings *all = NULL;
    size_t found = 0;
    enum exit_code code = EXIT_DONE;

    if (settings->all) {
        code = freshet_config_read_all(settings, &all, &found);
    }
    watch.count = found > 0 ? found : 1;
    watch.sessions = calloc(watch.count, sizeof(*watch.sessions));
    if (code == EXIT_DONE && watch.sessions == NULL) {
        fputs("freshet: out of memory\n", stderr);
        code = EXIT_OTHER;
    }
    if (code == EXIT_DONE) {
        code = watch_run(&watch, found > 0 ? all : settings);
    }
    for (size_t i = 0; i < found; i++) {
        freshet_settings_free(&all[i]);
    }
    free(all);
    free(watch.sessions);
    return code;
}
