/*
 * Freshet in a host's own poll() loop: no thread, one descriptor.
 *
 * usage: poll-loop ISSUER_URL CLIENT_TOKEN_FILE COUNT
 *
 * Prints the life left of the first token and of COUNT - 1 refreshes, then ends.
 */
#include <freshet/freshet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

struct host {
    struct freshet_session *session;
    int wanted;
    int failed;
};

static void host_got(void *context, enum freshet_status status, struct freshet_token *token,
                     const struct freshet_error *error)
{
    struct host *host = context;

    if (status != FRESHET_OK) {
        fprintf(stderr, "%s\n", error->message);
        host->failed = 1;
        return;
    }
    host->wanted--;
    printf("a token with %lld ms left\n", (long long)freshet_token_remaining_ms(token));
}

/* Each new token is asked for as it comes; a get that need not wait is answered at once. */
static void host_event(void *context, const struct freshet_event *event)
{
    struct host *host = context;

    if (event->kind == FRESHET_EVENT_TOKEN_UPDATED &&
        freshet_get_async(event->session, NULL, host_got, host, NULL) != FRESHET_OK) {
        host->failed = 1;
    }
}

int main(int argc, char **argv)
{
    const struct freshet_client_options client_options = {.size = sizeof(client_options),
                                                          .host_loop = 1};
    struct freshet_client *client = NULL;
    struct freshet_error error;
    struct host host = {0};

    if (argc != 4) {
        fprintf(stderr, "usage: %s ISSUER_URL CLIENT_TOKEN_FILE COUNT\n", argv[0]);
        return 2;
    }
    const struct freshet_session_options options = {
        .size = sizeof(options), .url = argv[1], .client_token_file = argv[2]};

    host.wanted = (int)strtol(argv[3], NULL, 10);
    if (freshet_open(&client_options, &client, &error) != FRESHET_OK ||
        freshet_subscribe(client, host_event, &host) != FRESHET_OK ||
        freshet_session_open(client, &options, &host.session, &error) != FRESHET_OK) {
        fprintf(stderr, "%s\n", error.message);
        freshet_close(client);
        return 1;
    }
    while (host.wanted > 0 && !host.failed) {
        struct pollfd wait = {.fd = freshet_poll_fd(client), .events = POLLIN};

        if (freshet_dispatch(client) != FRESHET_OK) {
            break;
        }
        if (host.wanted > 0 && !host.failed) {
            (void)poll(&wait, 1, -1);
        }
    }
    freshet_close(client);
    return host.failed ? 1 : 0;
}
