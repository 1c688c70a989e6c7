/*
 * From settings to an open session, and from a status to an exit code.
 */
#include "cli/cli.h"

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

struct freshet_request freshet_settings_request(const struct settings *settings)
{
    return (struct freshet_request){
        .size = sizeof(struct freshet_request),
        .template_name = settings->template_name,
        .organization = settings->organization_given ? settings->organization : NULL,
        .skip_cache = settings->skip_cache ? 1 : 0,
        .timeout_ms = settings->timeout_ms};
}

enum exit_code freshet_connect(const struct settings *settings, freshet_event_callback *callback,
                               void *context, struct connection *connection)
{
    const struct freshet_session_options options = {.size = sizeof(options),
                                                    .name = settings->name,
                                                    .publishable_key = settings->publishable_key,
                                                    .url = settings->url,
                                                    .client_token_file =
                                                        settings->client_token_file,
                                                    .session = settings->session};
    struct freshet_error error;
    enum freshet_status status = freshet_open(NULL, &connection->client, &error);

    if (status == FRESHET_OK && callback != NULL) {
        status = freshet_subscribe(connection->client, callback, context);
    }
    if (status == FRESHET_OK) {
        status = freshet_session_open(connection->client, &options, &connection->session, &error);
    }
    if (status != FRESHET_OK) {
        fprintf(stderr, "freshet: %s\n", error.message);
        freshet_close(connection->client);
        connection->client = NULL;
    }
    return freshet_exit_code(status);
}
