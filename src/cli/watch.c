/*
 * freshet watch: follows a session until it is interrupted or signed out.
 *
 * One line for each thing that happens, the same line that a log keeps and a simulation prints; on
 * a terminal a bar below them shows how much life the token has left.
 */
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli.h"

#define WATCH_FRAME_MS 250
#define WATCH_BAR      40

struct watch {
    int news[2]; /* written by Freshet's thread: one byte, the session is over */
    bool terminal;
};

static void watch_help(void)
{
    puts("usage: freshet watch [NAME] [FLAG...]\n\n"
         "Follows a session: requests, answers, tokens, status. Ends at Ctrl-C or sign-out.");
    freshet_help_session_flags(stdout);
}

static void watch_event(void *context, const struct freshet_event *event)
{
    struct watch *watch = context;

    if (event->kind == FRESHET_EVENT_TRACE) {
        printf(watch->terminal ? "\r\033[K%s\n" : "%s\n", event->trace);
        fflush(stdout);
    } else if (event->kind == FRESHET_EVENT_SIGNED_OUT) {
        (void)!write(watch->news[1], "x", 1);
    }
}

/* One token's bar: full when it is born, empty when it expires. */
static void watch_draw_token(const json_t *token)
{
    static const char full[] = "########################################";
    static const char empty[] = "........................................";
    json_int_t life = json_integer_value(json_object_get(token, "life_ms"));
    json_int_t left = json_integer_value(json_object_get(token, "remaining_ms"));
    int filled = life > 0 ? (int)(left * WATCH_BAR / life) : 0;

    filled = filled > WATCH_BAR ? WATCH_BAR : filled;
    printf("\r\033[K[%.*s%.*s] %5.1f s %-6s %-8s", filled, full, WATCH_BAR - filled, empty,
           (double)left / 1000, json_string_value(json_object_get(token, "zone")),
           json_string_value(json_object_get(token, "flight")));
    fflush(stdout);
}

static void watch_draw(const struct connection *connection)
{
    char *text = NULL;
    json_t *root = NULL;
    const json_t *session = NULL;

    if (freshet_status_json(connection->client, &text) != FRESHET_OK) {
        return;
    }
    root = json_loads(text, 0, NULL);
    session = json_array_get(json_object_get(root, "sessions"), 0);
    if (json_array_size(json_object_get(session, "tokens")) > 0) {
        watch_draw_token(json_array_get(json_object_get(session, "tokens"), 0));
    }
    json_decref(root);
    free(text);
}

static enum exit_code watch_follow(const struct connection *connection, struct watch *watch)
{
    sigset_t signals;
    struct pollfd waits[2];
    enum exit_code code = EXIT_DONE;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    waits[0] = (struct pollfd){.fd = signalfd(-1, &signals, SFD_CLOEXEC), .events = POLLIN};
    waits[1] = (struct pollfd){.fd = watch->news[0], .events = POLLIN};
    while (poll(waits, 2, watch->terminal ? WATCH_FRAME_MS : -1) == 0) {
        watch_draw(connection);
    }
    if ((waits[1].revents & POLLIN) != 0) {
        code = EXIT_SIGN_IN;
    }
    close(waits[0].fd);
    if (watch->terminal) {
        putchar('\n');
    }
    return code;
}

/* Signals are taken from a descriptor, so they are blocked before any thread begins. */
static void watch_block_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
}

static enum exit_code watch_run(const struct settings *settings)
{
    struct watch watch = {.terminal = isatty(STDOUT_FILENO) != 0};
    struct connection connection = {0};
    enum exit_code code = EXIT_OTHER;

    if (pipe(watch.news) != 0) {
        return EXIT_OTHER;
    }
    watch_block_signals();
    code = freshet_connect(settings, watch_event, &watch, &connection);
    if (code == EXIT_DONE) {
        code = watch_follow(&connection, &watch);
    }
    freshet_close(connection.client);
    close(watch.news[0]);
    close(watch.news[1]);
    return code;
}

int freshet_command_watch(int argc, char **argv)
{
    struct settings settings;
    enum exit_code code = freshet_settings_read(&settings, argc, argv);

    if (code == EXIT_DONE && settings.help) {
        watch_help();
    } else if (code == EXIT_DONE) {
        code = watch_run(&settings);
    }
    freshet_settings_free(&settings);
    return (int)code;
}
