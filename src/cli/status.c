/*
 * freshet status: what is known about a session, and why.
 */
#include <jansson.h>
#include <stdlib.h>

#include "cli/cli.h"

static void status_help(void)
{
    puts("usage: freshet status [NAME] [FLAG...]\n\n"
         "Shows zone, age and next attempt of each token, the issuer's clock, the last events.");
    freshet_help_session_flags(stdout);
}

static long long status_number(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

static const char *status_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static bool status_has(const json_t *object, const char *name)
{
    return json_is_integer(json_object_get(object, name));
}

static void status_print_attempt(const json_t *token)
{
    if (status_has(token, "age_ms")) {
        printf("    taken %.1f s ago\n", (double)status_number(token, "age_ms") / 1000);
    }
    if (status_has(token, "last_attempt_ago_ms")) {
        printf("    last request %.1f s ago: %s\n",
               (double)status_number(token, "last_attempt_ago_ms") / 1000,
               status_text(token, "last_result"));
    }
    if (status_has(token, "next_in_ms")) {
        printf("    next in %.1f s\n", (double)status_number(token, "next_in_ms") / 1000);
    }
}

static void status_print_token(const json_t *token)
{
    printf("  token %s%s%s: %s, %.1f s left, %s\n", status_text(token, "template"),
           status_text(token, "organization")[0] != '\0' ? " of " : "",
           status_text(token, "organization"), status_text(token, "zone"),
           (double)status_number(token, "remaining_ms") / 1000, status_text(token, "flight"));
    status_print_attempt(token);
}

static void status_print(const json_t *root)
{
    const json_t *session = NULL;
    const json_t *item = NULL;
    size_t i = 0;
    size_t j = 0;

    json_array_foreach(json_object_get(root, "sessions"), i, session)
    {
        printf("session %s (%s): %s\n", status_text(session, "name"),
               status_text(session, "session"), status_text(session, "status"));
        printf("  issuer's clock %+lld ms from ours, at most %lld ms uncertain; sharing %s\n",
               status_number(session, "clock_offset_ms"), status_number(session, "clock_error_ms"),
               status_text(session, "sharing"));
        json_array_foreach(json_object_get(session, "tokens"), j, item)
        {
            status_print_token(item);
        }
    }
    puts("last events:");
    json_array_foreach(json_object_get(root, "events"), i, item)
    {
        char *line = json_dumps(item, JSON_COMPACT);

        printf("  %s\n", line != NULL ? line : "");
        free(line);
    }
}

/* Waits for a first token or its failure, so that there is something to tell. */
static void status_settle(const struct settings *settings, const struct connection *connection)
{
    const struct freshet_request request = freshet_settings_request(settings);
    struct freshet_token *token = NULL;

    if (freshet_get(connection->session, &request, &token, NULL) == FRESHET_OK) {
        freshet_token_unref(token);
    }
}

static enum exit_code status_show(const struct settings *settings,
                                  const struct connection *connection)
{
    char *text = NULL;
    json_t *root = NULL;

    status_settle(settings, connection);
    if (freshet_status_json(connection->client, &text) != FRESHET_OK) {
        fprintf(stderr, "freshet: the status could not be made: out of memory\n");
        return EXIT_OTHER;
    }
    if (settings->json) {
        puts(text);
    } else {
        root = json_loads(text, 0, NULL);
        status_print(root);
        json_decref(root);
    }
    free(text);
    return EXIT_DONE;
}

int freshet_command_status(int argc, char **argv)
{
    struct settings settings;
    struct connection connection = {0};
    enum exit_code code = freshet_settings_read(&settings, argc, argv);

    if (code == EXIT_DONE && settings.help) {
        status_help();
    } else if (code == EXIT_DONE) {
        code = freshet_connect(&settings, NULL, NULL, &connection);
        if (code == EXIT_DONE) {
            code = status_show(&settings, &connection);
        }
        freshet_close(connection.client);
    }
    freshet_settings_free(&settings);
    return (int)code;
}
