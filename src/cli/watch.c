/*
 * freshet watch: follows a session until it is interrupted or has to be signed in again.
 *
 * One line for each thing that happens; on a terminal a bar for each token below them. It asks for
 * the token that the flags name as a program would, and asks again only when that token is gone and
 * nothing is done about it, so that watching changes nothing. Signals come from a descriptor: the
 * terminal is left as it was found.
 */
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli.h"

#define WATCH_FRAME_MS 250
#define WATCH_LOOK_MS  1000
#define WATCH_BAR      40

#define SCREEN_HIDE_CURSOR "\033[?25l"
#define SCREEN_SHOW_CURSOR "\033[?25h"
#define SCREEN_WRAP_OFF    "\033[?7l"
#define SCREEN_WRAP_ON     "\033[?7h"
#define SCREEN_ERASE_BELOW "\r\033[J"

struct watch {
    const struct settings *settings;
    struct connection connection;
    bool bars;
    bool colour;
    int drawn;               /* bars on the screen, the cursor is below them */
    bool asked;              /* once at least */
    bool asking;             /* a get is under way */
    enum freshet_status end; /* why it cannot go on; FRESHET_OK while it can */
};

/* ---- the screen ---- */

static void screen_erase(struct watch *watch)
{
    if (watch->drawn > 0) {
        printf("\033[%dA" SCREEN_ERASE_BELOW, watch->drawn);
        watch->drawn = 0;
    }
}

/* Full when the token is born, empty when it expires; the mark is where it is refreshed. */
static void screen_bar(const json_t *token)
{
    char bar[WATCH_BAR + 1];
    int64_t life = freshet_number_of(token, "life_ms");
    int64_t left = freshet_number_of(token, "remaining_ms");
    int64_t due = freshet_number_of(token, "due_at_remaining_ms");

    for (int64_t i = 0; i < WATCH_BAR; i++) {
        bar[i] = i * life < left * WATCH_BAR ? '#' : '.';
    }
    if (life > 0 && due > 0 && due < life) {
        bar[due * WATCH_BAR / life] = '|';
    }
    bar[WATCH_BAR] = '\0';
    printf("[%s] %6.1f s", bar, (double)left / 1000);
}

static const char *screen_zone_colour(const char *zone)
{
    if (strcmp(zone, "fresh") == 0) {
        return "\033[32m";
    }
    return strcmp(zone, "due") == 0 ? "\033[33m" : "\033[31m";
}

static void screen_token(const struct watch *watch, const json_t *session, const json_t *token)
{
    const char *zone = freshet_text_of(token, "zone");
    const char *template_name = freshet_text_of(token, "template");
    const char *organization = freshet_text_of(token, "organization");
    int waiters = (int)freshet_number_of(token, "waiters");

    fputs(watch->colour ? screen_zone_colour(zone) : "", stdout);
    screen_bar(token);
    printf(" %-6s%s %-8s %s", zone, watch->colour ? "\033[0m" : "",
           freshet_text_of(token, "flight"), freshet_text_of(session, "name"));
    printf("%s%s%s%s", template_name[0] != '\0' ? " template " : "", template_name,
           organization[0] != '\0' ? " organization " : "", organization);
    if (json_is_integer(json_object_get(token, "next_in_ms"))) {
        printf(", next in %.1f s", (double)freshet_number_of(token, "next_in_ms") / 1000);
    }
    if (waiters > 0) {
        printf(", %d waiting", waiters);
    }
    putchar('\n');
}

static void screen_draw(struct watch *watch, const json_t *root)
{
    const json_t *session = NULL;
    const json_t *token = NULL;
    size_t i = 0;
    size_t j = 0;

    screen_erase(watch);
    fputs(SCREEN_WRAP_OFF, stdout);
    json_array_foreach(json_object_get(root, "sessions"), i, session)
    {
        json_array_foreach(json_object_get(session, "tokens"), j, token)
        {
            screen_token(watch, session, token);
            watch->drawn++;
        }
    }
    fputs(SCREEN_WRAP_ON, stdout);
    fflush(stdout);
}

/* ---- lines ---- */

/* What only repeats another line is left out: events of a commit, and this command's own gets. */
static bool watch_shows(const json_t *line)
{
    const char *event = freshet_text_of(line, "event");

    return strcmp(event, "emit") != 0 &&
           (strcmp(event, "got") != 0 || freshet_text_of(line, "error")[0] != '\0');
}

static void watch_line(struct watch *watch, const char *trace)
{
    json_t *line = NULL;

    if (watch->settings->json) {
        puts(trace);
        fflush(stdout);
        return;
    }
    line = json_loads(trace, 0, NULL);
    if (line != NULL && watch_shows(line)) {
        screen_erase(watch);
        freshet_make_printable(line);
        freshet_line_print(line, watch->colour);
        fflush(stdout);
    }
    json_decref(line);
}

static void watch_event(void *context, const struct freshet_event *event)
{
    struct watch *watch = context;

    if (event->kind == FRESHET_EVENT_TRACE) {
        watch_line(watch, event->trace);
    } else if (event->kind == FRESHET_EVENT_SIGNED_OUT) {
        watch->end = FRESHET_SIGNED_OUT;
    }
}

/* ---- asking ---- */

/* An outage is what one wants to watch; only a definite answer is the end. */
static void watch_got(void *context, enum freshet_status status, struct freshet_token *token,
                      const struct freshet_error *error)
{
    struct watch *watch = context;

    (void)token;
    (void)error;
    watch->asking = false;
    if (watch->end == FRESHET_OK &&
        (status == FRESHET_REFUSED || status == FRESHET_UNAUTHORIZED || status == FRESHET_INVALID ||
         status == FRESHET_LIMIT || status == FRESHET_NO_MEMORY)) {
        watch->end = status;
    }
}

static void watch_ask(struct watch *watch)
{
    struct freshet_request request = freshet_settings_request(watch->settings);
    enum freshet_status status = FRESHET_OK;

    request.timeout_ms = 0;
    request.skip_cache = request.skip_cache != 0 && !watch->asked ? 1 : 0;
    watch->asked = true;
    watch->asking = true;
    status = freshet_get_async(watch->connection.session, &request, watch_got, watch, NULL);
    watch->end = status != FRESHET_OK ? status : watch->end;
}

/* The token that is asked for is gone, and nothing is done about it. */
static bool watch_is_gone(const struct settings *settings, const json_t *session)
{
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
    json_t *root = freshet_status_object(&watch->connection);
    const json_t *session = json_array_get(json_object_get(root, "sessions"), 0);

    if (!watch->asking && watch_is_gone(watch->settings, session)) {
        watch_ask(watch);
    }
    if (watch->bars) {
        freshet_make_printable(root);
        screen_draw(watch, root);
    }
    json_decref(root);
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

static void watch_follow(struct watch *watch, int signals, int end, int frames)
{
    struct pollfd own[] = {{.fd = signals}, {.fd = end}, {.fd = frames}};
    uint64_t ticks = 0;

    watch_ask(watch);
    while (watch->end == FRESHET_OK && own[0].revents == 0 && own[1].revents == 0) {
        freshet_turn(&watch->connection, own, sizeof(own) / sizeof(own[0]));
        if (own[2].revents != 0 && read(frames, &ticks, sizeof(ticks)) > 0) {
            watch_look(watch);
        }
    }
}

static enum exit_code watch_end(enum freshet_status end)
{
    const char *reason = "it cannot go on";

    if (end == FRESHET_SIGNED_OUT) {
        reason = "the session is signed out; sign in again";
    } else if (end == FRESHET_UNAUTHORIZED) {
        reason = "the issuer did not accept the client token; sign in again";
    } else if (end == FRESHET_REFUSED) {
        reason = "the issuer refused; check --template and --organization";
    }
    return freshet_explain(end, reason);
}

enum exit_code freshet_command_watch(const struct settings *settings)
{
    bool terminal = freshet_on_terminal() && !settings->json;
    struct watch watch = {
        .settings = settings, .bars = terminal, .colour = terminal && freshet_has_colour()};
    int signals = watch_signals();
    int end = settings->timeout_ms != 0 ? freshet_timer(settings->timeout_ms, false) : -1;
    int frames = freshet_timer(terminal ? WATCH_FRAME_MS : WATCH_LOOK_MS, true);
    enum exit_code code = freshet_connect(settings, watch_event, &watch, &watch.connection);

    if (code == EXIT_DONE) {
        fputs(terminal ? SCREEN_HIDE_CURSOR : "", stdout);
        watch_follow(&watch, signals, end, frames);
        screen_erase(&watch);
        fputs(terminal ? SCREEN_SHOW_CURSOR : "", stdout);
        fflush(stdout);
        code = watch_end(watch.end);
    }
    freshet_close(watch.connection.client);
    close(signals);
    close(frames);
    if (end >= 0) {
        close(end);
    }
    return code;
}
