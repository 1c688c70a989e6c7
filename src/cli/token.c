/*
 * freshet token: prints a valid session token.
 */
#include <jansson.h>
#include <stdlib.h>

#include "cli/cli.h"

static void token_help(void)
{
    puts("usage: freshet token [NAME] [FLAG...]\n\n"
         "Prints a session token that is valid now. For a shell:\n"
         "  curl -H \"Authorization: Bearer $(freshet token work)\" https://api.example.com/");
    freshet_help_session_flags(stdout);
}

static int token_print(const struct freshet_token *token, bool json)
{
    json_t *object = NULL;
    int written = 0;

    if (!json) {
        return puts(freshet_token_text(token)) >= 0 && fflush(stdout) == 0 ? 0 : -1;
    }
    object = json_pack("{s:s, s:I, s:I, s:b}", "token", freshet_token_text(token), "expires_at_ms",
                       (json_int_t)freshet_token_expires_at_ms(token), "remaining_ms",
                       (json_int_t)freshet_token_remaining_ms(token), "stale",
                       freshet_token_is_stale(token));
    written = object != NULL ? json_dumpf(object, stdout, 0) : -1;
    json_decref(object);
    return written == 0 && putchar('\n') != EOF && fflush(stdout) == 0 ? 0 : -1;
}

static enum exit_code token_get(const struct settings *settings,
                                const struct connection *connection)
{
    const struct freshet_request request = freshet_settings_request(settings);
    struct freshet_error error;
    struct freshet_token *token = NULL;
    enum freshet_status status = freshet_get(connection->session, &request, &token, &error);
    enum exit_code code = freshet_exit_code(status);

    if (status != FRESHET_OK) {
        fprintf(stderr, "freshet: %s: %s\n", freshet_status_name(status), error.message);
    } else if (token_print(token, settings->json) != 0) {
        fprintf(stderr, "freshet: the token could not be written to standard output\n");
        code = EXIT_OTHER;
    }
    freshet_token_unref(token);
    return code;
}

int freshet_command_token(int argc, char **argv)
{
    struct settings settings;
    struct connection connection = {0};
    enum exit_code code = freshet_settings_read(&settings, argc, argv);

    if (code == EXIT_DONE && settings.help) {
        token_help();
    } else if (code == EXIT_DONE) {
        code = freshet_connect(&settings, NULL, NULL, &connection);
        if (code == EXIT_DONE) {
            code = token_get(&settings, &connection);
        }
        freshet_close(connection.client);
    }
    freshet_settings_free(&settings);
    return (int)code;
}
