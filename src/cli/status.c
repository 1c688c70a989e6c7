/*
 * freshet status: what is known about a session, and why.
 */
#include <string.h>

#include "cli/cli.h"

static bool status_has(const json_t *object, const char *name)
{
    return json_is_integer(json_object_get(object, name));
}

static double status_seconds(const json_t *object, const char *name)
{
    return (double)freshet_number_of(object, name) / 1000;
}

static const char *status_or(const char *text, const char *otherwise)
{
    return text[0] != '\0' ? text : otherwise;
}

static void status_print_attempts(const json_t *token)
{
    if (status_has(token, "last_attempt_ago_ms")) {
        printf("    last attempt %.1f s ago: %s", status_seconds(token, "last_attempt_ago_ms"),
               freshet_text_of(token, "last_result"));
        if (freshet_number_of(token, "last_http_status") != 0) {
            printf(" (HTTP %d)", (int)freshet_number_of(token, "last_http_status"));
        }
        putchar('\n');
    }
    if (status_has(token, "next_in_ms")) {
        printf("    next attempt in %.1f s\n", status_seconds(token, "next_in_ms"));
    } else {
        puts("    next attempt: when somebody asks");
    }
}

static void status_print_token(const json_t *token)
{
    const char *template_name = freshet_text_of(token, "template");
    const char *organization = freshet_text_of(token, "organization");

    printf("  token %s, organization %s: %s", status_or(template_name, "of the session"),
           status_or(organization, "none"), freshet_text_of(token, "zone"));
    if (status_seconds(token, "life_ms") > 0) {
        printf(", %.1f s left of %.1f s", status_seconds(token, "remaining_ms"),
               status_seconds(token, "life_ms"));
    }
    if (status_has(token, "age_ms")) {
        printf(", taken %.1f s ago", status_seconds(token, "age_ms"));
    }
    printf("; %s\n", freshet_text_of(token, "flight"));
    status_print_attempts(token);
}

static void status_print_clock(const json_t *session)
{
    if (!status_has(session, "clock_offset_ms")) {
        puts("  issuer's clock: not known yet");
        return;
    }
    printf("  issuer's clock: %+lld ms from ours, at most %lld ms uncertain\n",
           (long long)freshet_number_of(session, "clock_offset_ms"),
           (long long)freshet_number_of(session, "clock_error_ms"));
}

static void status_print_session(const json_t *session)
{
    const json_t *token = NULL;
    size_t i = 0;

    printf("session %s (%s): %s\n", freshet_text_of(session, "name"),
           status_or(freshet_text_of(session, "session"), "not known yet"),
           freshet_text_of(session, "status"));
    printf("  active organization: %s; client token kept in %s\n",
           status_or(freshet_text_of(session, "organization"), "none"),
           freshet_text_of(session, "credential"));
    status_print_clock(session);
    if (freshet_text_of(session, "credential_fault")[0] != '\0') {
        printf("  %s\n", freshet_text_of(session, "credential_fault"));
    }
    json_array_foreach(json_object_get(session, "tokens"), i, token)
    {
        status_print_token(token);
    }
}

static void status_print(const json_t *root, bool colour)
{
    const json_t *item = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(root, "sessions"), i, item)
    {
        status_print_session(item);
    }
    printf("sharing with other processes: %s%s\n",
           status_or(freshet_text_of(root, "sharing_place"), "off"),
           freshet_text_of(root, "sharing_fault")[0] != '\0' ? ", but:" : "");
    if (freshet_text_of(root, "sharing_fault")[0] != '\0') {
        printf("  %s\n", freshet_text_of(root, "sharing_fault"));
    }
    puts("last events");
    json_array_foreach(json_object_get(root, "events"), i, item)
    {
        fputs("  ", stdout);
        freshet_line_print(item, colour);
    }
}

/* Waits for a token or its failure, so that there is something to tell. */
static void status_settle(const struct settings *settings, const struct connection *connection)
{
    const struct freshet_request request = freshet_settings_request(settings);
    struct freshet_token *token = NULL;

    if (freshet_get(connection->session, &request, &token, NULL) == FRESHET_OK) {
        freshet_token_unref(token);
    }
}

enum exit_code freshet_command_status(const struct settings *settings)
{
    struct connection connection = {0};
    json_t *root = NULL;
    enum exit_code code = freshet_connect(settings, NULL, NULL, &connection);

    if (code != EXIT_DONE) {
        return code;
    }
    status_settle(settings, &connection);
    root = freshet_status_object(&connection);
    if (root == NULL) {
        fputs("freshet: the status could not be made: out of memory\n", stderr);
        code = EXIT_OTHER;
    } else if (settings->json) {
        (void)json_dumpf(root, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        freshet_make_printable(root);
        status_print(root, freshet_has_colour());
    }
    json_decref(root);
    freshet_disconnect(&connection);
    return code;
}
