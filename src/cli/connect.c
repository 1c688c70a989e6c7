/*
 * From settings to an open session, its turns, and from a status to an exit code.
 *
 * The command has no thread beside its own: it is the host of the client's loop, so what a callback
 * prints never meets what the command prints.
 */
#include <stdlib.h>
#include <sys/timerfd.h>

#include "cli/cli.h"

#define CONNECT_TIMEOUT_DEFAULT_MS 30000

enum exit_code freshet_exit_code(enum freshet_status status)
{
    switch (status) {
    case FRESHET_OK:
    case FRESHET_STALE:
        return EXIT_DONE;
    case FRESHET_OFFLINE:
        return EXIT_OFFLINE;
    case FRESHET_SIGNED_OUT:
    case FRESHET_UNAUTHORIZED:
        return EXIT_SIGN_IN;
    case FRESHET_TIMEOUT:
        return EXIT_TIMED_OUT;
    case FRESHET_REFUSED:
    case FRESHET_THROTTLED:
    case FRESHET_UPSTREAM:
    case FRESHET_NETWORK:
        return EXIT_ISSUER;
    case FRESHET_INVALID:
        return EXIT_USAGE;
    case FRESHET_NONE:
    case FRESHET_CLOSED:
    case FRESHET_CANCELLED:
    case FRESHET_WOULD_BLOCK:
    case FRESHET_FORKED:
    case FRESHET_NO_MEMORY:
    case FRESHET_LIMIT:
    case FRESHET_STORE:
        break;
    }
    return EXIT_OTHER;
}

enum exit_code freshet_explain(enum freshet_status status, const char *message)
{
    if (status != FRESHET_OK) {
        fprintf(stderr, "freshet: %s: %s\n", freshet_status_name(status), message);
    }
    return freshet_exit_code(status);
}

int64_t freshet_settings_timeout_ms(const struct settings *settings)
{
    return settings->timeout_ms != 0 ? settings->timeout_ms : CONNECT_TIMEOUT_DEFAULT_MS;
}

struct freshet_session_options freshet_settings_session(const struct settings *settings)
{
    return (struct freshet_session_options){.size = sizeof(struct freshet_session_options),
                                            .name = settings->name,
                                            .publishable_key = settings->publishable_key,
                                            .url = settings->url,
                                            .client_token_file = settings->client_token_file,
                                            .session = settings->session};
}

struct freshet_request freshet_settings_request(const struct settings *settings)
{
    return (struct freshet_request){.size = sizeof(struct freshet_request),
                                    .template_name = settings->template_name,
                                    .organization = settings->organization,
                                    .skip_cache = settings->skip_cache ? 1 : 0,
                                    .refresh_if_stale = settings->refresh_if_stale ? 1 : 0,
                                    .allow_stale = settings->allow_stale,
                                    .min_remaining_ms = settings->min_remaining_ms,
                                    .refresh_threshold_ms = settings->refresh_threshold_ms,
                                    .timeout_ms = freshet_settings_timeout_ms(settings)};
}

static enum freshet_status connect_sink(const struct settings *settings,
                                        struct connection *connection, struct freshet_error *error)
{
    const struct freshet_sink_options options = {.size = sizeof(options),
                                                 .token_file = settings->token_file,
                                                 .cookie_jar = settings->cookie_jar,
                                                 .cookie_domain = settings->cookie_domain};
    enum freshet_status status = FRESHET_OK;

    if (options.token_file == NULL && options.cookie_jar == NULL) {
        return FRESHET_OK;
    }
    status = freshet_sink_open(connection->session, &options, &connection->sink, error);
    if (status == FRESHET_OK && settings->focused) {
        status = freshet_sink_focus(connection->sink, 1);
    }
    return status;
}

static enum freshet_status connect_session(const struct settings *settings,
                                           struct connection *connection,
                                           struct freshet_error *error)
{
    const struct freshet_session_options options = freshet_settings_session(settings);
    enum freshet_status status =
        freshet_session_open(connection->client, &options, &connection->session, error);

    return status == FRESHET_OK ? connect_sink(settings, connection, error) : status;
}

static enum exit_code connect_explain(const struct settings *settings, enum freshet_status status,
                                      const struct freshet_error *error)
{
    if (status != FRESHET_OK && settings->name != NULL) {
        fprintf(stderr, "freshet: session %s: %s\n", settings->name, error->message);
    } else if (status != FRESHET_OK) {
        fprintf(stderr, "freshet: %s\n", error->message);
    }
    return freshet_exit_code(status);
}

enum exit_code freshet_connect(const struct settings *settings, freshet_event_callback *callback,
                               void *context, struct connection *connection)
{
    /* Who follows a token reads it, if only with the eyes: it never sleeps. */
    struct freshet_client_options how = freshet_settings_client(settings);
    struct freshet_error error;
    enum freshet_status status = FRESHET_OK;

    how.idle_cycles = -1;
    how.reactive = settings->no_proactive ? 1 : 0;
    status = freshet_open(&how, &connection->client, &error);
    if (status == FRESHET_OK && callback != NULL) {
        status = freshet_subscribe(connection->client, callback, context);
    }
    if (status == FRESHET_OK) {
        status = connect_session(settings, connection, &error);
    }
    if (status != FRESHET_OK) {
        freshet_disconnect(connection);
    }
    return connect_explain(settings, status, &error);
}

enum exit_code freshet_connect_also(const struct settings *settings, struct connection *connection)
{
    struct freshet_error error;

    return connect_explain(settings, connect_session(settings, connection, &error), &error);
}

void freshet_disconnect(struct connection *connection)
{
    freshet_sink_close(connection->sink);
    freshet_close(connection->client);
    *connection = (struct connection){0};
}

void freshet_turn(const struct connection *connection, struct pollfd *own, size_t count)
{
    struct pollfd waits[TURN_OWN_MAX + 1] = {
        {.fd = freshet_poll_fd(connection->client), .events = POLLIN}};

    for (size_t i = 0; i < count; i++) {
        waits[i + 1] = (struct pollfd){.fd = own[i].fd, .events = POLLIN};
    }
    /* A signal that ends the wait early only makes a turn without work. */
    (void)poll(waits, (nfds_t)count + 1, -1);
    (void)freshet_dispatch(connection->client);
    for (size_t i = 0; i < count; i++) {
        own[i].revents = waits[i + 1].revents;
    }
}

int freshet_timer(int64_t after_ms, bool repeats)
{
    int timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    const struct timespec after = {.tv_sec = after_ms / 1000, .tv_nsec = after_ms % 1000 * 1000000};
    const struct itimerspec spec = {.it_value = after,
                                    .it_interval = repeats ? after : (struct timespec){0}};

    if (timer >= 0) {
        (void)timerfd_settime(timer, 0, &spec, NULL);
    }
    return timer;
}

json_t *freshet_status_object(const struct connection *connection)
{
    char *text = NULL;
    json_t *root = NULL;

    if (freshet_status_json(connection->client, &text) == FRESHET_OK) {
        root = json_loads(text, 0, NULL);
    }
    free(text);
    return root;
}
