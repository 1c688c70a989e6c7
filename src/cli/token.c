/*
 * freshet token: prints a valid session token.
 */
#include "cli/cli.h"

static bool token_print(const struct freshet_token *token, bool json)
{
    json_t *object = NULL;
    bool written = false;

    if (!json) {
        return puts(freshet_token_text(token)) >= 0;
    }
    object = json_pack("{s:s, s:I, s:I, s:b}", "token", freshet_token_text(token), "expires_at_ms",
                       (json_int_t)freshet_token_expires_at_ms(token), "remaining_ms",
                       (json_int_t)freshet_token_remaining_ms(token), "stale",
                       freshet_token_is_stale(token));
    written = object != NULL && json_dumpf(object, stdout, 0) == 0 && putchar('\n') != EOF;
    json_decref(object);
    return written;
}

enum exit_code freshet_command_token(const struct settings *settings)
{
    const struct freshet_request request = freshet_settings_request(settings);
    struct connection connection = {0};
    struct freshet_error error;
    struct freshet_token *token = NULL;
    enum exit_code code = freshet_connect(settings, NULL, NULL, &connection);

    if (code == EXIT_DONE) {
        enum freshet_status status = freshet_get(connection.session, &request, &token, &error);

        code = freshet_explain(status, error.message);
        if (status == FRESHET_OK && !token_print(token, settings->json)) {
            code = EXIT_OTHER;
            fputs("freshet: the token could not be written to standard output\n", stderr);
        }
        freshet_token_unref(token);
    }
    freshet_close(connection.client);
    return code;
}
