/*
 * freshet token: prints a valid session token. It is looked for where it costs least: in what some
 * process of the user has published, then at the user's agent, then at the issuer.
 */
#include "cli/ask.h"
#include "cli/cli.h"

static enum exit_code token_print_text(const char *text)
{
    return puts(text) >= 0 ? EXIT_DONE : EXIT_OTHER;
}

static enum exit_code token_print_object(const json_t *object)
{
    return object != NULL && json_dumpf(object, stdout, 0) == 0 && putchar('\n') != EOF
               ? EXIT_DONE
               : EXIT_OTHER;
}

static enum exit_code token_printed(enum exit_code code)
{
    if (code != EXIT_DONE) {
        fputs("freshet: the token could not be written to standard output\n", stderr);
    }
    return code;
}

static enum exit_code token_print(const struct freshet_token *token, bool json)
{
    enum exit_code code = EXIT_DONE;
    json_t *object = NULL;

    if (!json) {
        return token_printed(token_print_text(freshet_token_text(token)));
    }
    object = json_pack("{s:s, s:I, s:I, s:b}", "token", freshet_token_text(token), "expires_at_ms",
                       (json_int_t)freshet_token_expires_at_ms(token), "remaining_ms",
                       (json_int_t)freshet_token_remaining_ms(token), "stale",
                       freshet_token_is_stale(token));
    code = token_print_object(object);
    json_decref(object);
    return token_printed(code);
}

/* ---- what has been published ---- */

static bool token_is_shared(const struct settings *settings, enum exit_code *code)
{
    const struct freshet_client_options client = freshet_settings_client(settings);
    const struct freshet_session_options session = freshet_settings_session(settings);
    const struct freshet_request request = freshet_settings_request(settings);
    struct freshet_token *token = NULL;

    if (freshet_peek_shared(&client, &session, &request, &token, NULL) != FRESHET_OK) {
        return false;
    }
    *code = token_print(token, settings->json);
    freshet_token_unref(token);
    return true;
}

/* ---- the agent ---- */

/* A session that only flags speak of is none that the agent knows. */
static bool token_is_with_the_agent(const struct settings *settings, enum exit_code *code)
{
    const char *name = settings->name != NULL ? settings->name : settings->first_title;
    json_t *answer = settings->agent || name != NULL ? freshet_ask_token(settings, name) : NULL;
    enum freshet_status status = answer != NULL ? freshet_ask_status(answer) : FRESHET_NONE;
    const char *message = json_string_value(json_object_get(answer, "message"));

    if (status == FRESHET_OK && settings->json) {
        *code = token_printed(token_print_object(answer));
    } else if (status == FRESHET_OK) {
        *code =
            token_printed(token_print_text(json_string_value(json_object_get(answer, "token"))));
    } else if (status != FRESHET_NONE || settings->agent) {
        *code = freshet_explain(status != FRESHET_NONE ? status : FRESHET_NETWORK,
                                message != NULL ? message
                                                : "no agent answers at FRESHET_SOCKET; start one, "
                                                  "or name a session");
    }
    json_decref(answer);
    return status != FRESHET_NONE || settings->agent;
}

/* ---- the issuer ---- */

static enum exit_code token_get(const struct settings *settings)
{
    const struct freshet_request request = freshet_settings_request(settings);
    struct connection connection = {0};
    struct freshet_error error;
    struct freshet_token *token = NULL;
    enum exit_code code = freshet_connect(settings, NULL, NULL, &connection);

    if (code == EXIT_DONE) {
        enum freshet_status status = freshet_get(connection.session, &request, &token, &error);

        code = freshet_explain(status, error.message);
        if (status == FRESHET_OK) {
            code = token_print(token, settings->json);
        }
        freshet_token_unref(token);
    }
    freshet_disconnect(&connection);
    return code;
}

enum exit_code freshet_command_token(const struct settings *settings)
{
    enum exit_code code = EXIT_DONE;

    if ((!settings->agent && token_is_shared(settings, &code)) ||
        token_is_with_the_agent(settings, &code)) {
        return code;
    }
    return token_get(settings);
}
