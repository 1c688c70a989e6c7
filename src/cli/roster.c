/*
 * Each session is read as for any other command, so its mistakes are told in the same words. The
 * texts stay where they were read to until the roster goes.
 */
#include "cli/roster.h"

#include <stdlib.h>
#include <string.h>

static enum exit_code roster_no_memory(void)
{
    fputs("freshet: out of memory\n", stderr);
    return EXIT_OTHER;
}

/* ---- read ---- */

/* Takes the settings over; what they hold is freed with the roster. */
static enum exit_code roster_take(struct roster *roster, struct settings *settings)
{
    struct settings *grown = reallocarray(roster->settings, roster->count + 1, sizeof(*grown));

    if (grown == NULL) {
        freshet_settings_free(settings);
        return roster_no_memory();
    }
    roster->settings = grown;
    grown[roster->count++] = *settings;
    return EXIT_DONE;
}

static enum exit_code roster_take_all(struct roster *roster, const struct settings *given)
{
    struct settings *all = NULL;
    size_t count = 0;
    enum exit_code code = freshet_config_read_all(given, &all, &count);

    for (size_t i = 0; i < count; i++) {
        enum exit_code taken = EXIT_DONE;

        all[i].timeout_ms = given->timeout_ms;
        taken = roster_take(roster, &all[i]);
        code = code == EXIT_DONE ? taken : code;
    }
    free(all);
    return code;
}

/* One session by its name; NULL: the one that flags describe, else all or the first. */
static enum exit_code roster_read(struct roster *roster, const struct arguments *arguments,
                                  const char *name)
{
    struct settings settings;
    enum exit_code code = EXIT_DONE;

    arguments->flags[arguments->flag_count] = (char *)(uintptr_t)name;
    code = freshet_settings_read(&settings, arguments->command,
                                 arguments->flag_count + (name != NULL ? 1 : 0), arguments->flags);
    if (code == EXIT_DONE && !settings.all) {
        return roster_take(roster, &settings);
    }
    if (code == EXIT_DONE) {
        code = roster_take_all(roster, &settings);
    }
    freshet_settings_free(&settings);
    return code;
}

/* ---- checked ---- */

static enum exit_code roster_check_one(const struct arguments *arguments,
                                       const struct settings *settings, const char *name)
{
    if (settings->json || settings->skip_cache || settings->refresh_if_stale) {
        return freshet_arguments_refuse(arguments->command, "it would make no difference to say",
                                        settings->json         ? "--json"
                                        : settings->skip_cache ? "--skip-cache"
                                                               : "--refresh-if-stale");
    }
    if (settings->url == NULL && settings->publishable_key == NULL) {
        fprintf(stderr,
                "freshet %s: no issuer is known for the session '%s'; give its publishable_key or "
                "url, in the configuration or as a flag\n",
                arguments->command->name, name);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static bool roster_same(const char *one, const char *other)
{
    return one != NULL && other != NULL && strcmp(one, other) == 0;
}

/* A file holds one session's token, and a name means one session. */
static enum exit_code roster_check_pair(const struct arguments *arguments,
                                        const struct agent_session_options *one,
                                        const struct agent_session_options *other)
{
    if (roster_same(one->name, other->name)) {
        return freshet_arguments_refuse(arguments->command, "named twice:", one->name);
    }
    if (roster_same(one->token_file, other->token_file)) {
        return freshet_arguments_refuse(arguments->command, "two sessions cannot share",
                                        one->token_file);
    }
    if (roster_same(one->cookie_jar, other->cookie_jar)) {
        return freshet_arguments_refuse(arguments->command, "two sessions cannot share",
                                        one->cookie_jar);
    }
    return EXIT_DONE;
}

static struct agent_session_options roster_session(const struct settings *settings)
{
    return (struct agent_session_options){
        .name = settings->name != NULL ? settings->name : "default",
        .publishable_key = settings->publishable_key,
        .url = settings->url,
        .client_token_file = settings->client_token_file,
        .session = settings->session,
        .request = {.size = sizeof(struct freshet_request),
                    .template_name = settings->template_name,
                    .organization = settings->organization,
                    .allow_stale = settings->allow_stale,
                    .min_remaining_ms = settings->min_remaining_ms,
                    .refresh_threshold_ms = settings->refresh_threshold_ms,
                    .timeout_ms = settings->timeout_ms},
        .token_file = settings->token_file,
        .cookie_jar = settings->cookie_jar,
        .cookie_domain = settings->cookie_domain};
}

static enum exit_code roster_finish(struct roster *roster, const struct arguments *arguments)
{
    enum exit_code code = EXIT_DONE;

    if (roster->count == 0) {
        fprintf(stderr,
                "freshet %s: there is no session to keep; add one to the configuration, or give "
                "--url or --publishable-key\n",
                arguments->command->name);
        return EXIT_USAGE;
    }
    roster->sessions = calloc(roster->count, sizeof(*roster->sessions));
    if (roster->sessions == NULL) {
        return roster_no_memory();
    }
    for (size_t i = 0; i < roster->count && code == EXIT_DONE; i++) {
        roster->sessions[i] = roster_session(&roster->settings[i]);
        code = roster_check_one(arguments, &roster->settings[i], roster->sessions[i].name);
        for (size_t j = 0; j < i && code == EXIT_DONE; j++) {
            code = roster_check_pair(arguments, &roster->sessions[i], &roster->sessions[j]);
        }
    }
    return code;
}

/* ---- the whole ---- */

enum exit_code freshet_roster_read(struct roster *roster, const struct arguments *arguments)
{
    enum exit_code code = EXIT_DONE;

    if (arguments->name_count == 0) {
        code = roster_read(roster, arguments, NULL);
    }
    for (size_t i = 0; code == EXIT_DONE && i < arguments->name_count; i++) {
        code = roster_read(roster, arguments, arguments->names[i]);
    }
    return code == EXIT_DONE ? roster_finish(roster, arguments) : code;
}

enum exit_code freshet_roster_read_one(struct roster *roster, const struct arguments *arguments)
{
    if (arguments->name_count > 1) {
        return freshet_arguments_refuse(arguments->command, "one session at a time, so not also",
                                        arguments->names[1]);
    }
    return freshet_roster_read(roster, arguments);
}

void freshet_roster_free(struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++) {
        freshet_settings_free(&roster->settings[i]);
    }
    free(roster->settings);
    free(roster->sessions);
}
