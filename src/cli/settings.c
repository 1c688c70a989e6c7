/*
 * Flags and environment: where a command's session comes from.
 *
 * Secrets come from files only: there is no flag and no variable that holds one. A flag that means
 * nothing to a command is refused, not ignored; a variable is for whoever has a use for it.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define SETTINGS_TIMEOUT_MAX_MS 3600000
#define SETTINGS_LIFE_MAX_MS    86400000

#define FLAG_AT(member) offsetof(struct settings, member)

const struct flag freshet_flags[] = {
    {"--url", "FRESHET_URL", FLAG_TEXT, FLAGS_SESSION, FLAG_AT(url), "URL",
     "address of the issuer; plain http is for loopback"},
    {"--publishable-key", "FRESHET_PUBLISHABLE_KEY", FLAG_TEXT, FLAGS_SESSION,
     FLAG_AT(publishable_key), "KEY", "pk_test_... or pk_live_...: names the issuer"},
    {"--client-token-file", "FRESHET_CLIENT_TOKEN_FILE", FLAG_FILE, FLAGS_SESSION,
     FLAG_AT(client_token_file), "FILE", "holds the client token; mode 0600"},
    {"--session", "FRESHET_SESSION", FLAG_TEXT, FLAGS_SESSION, FLAG_AT(session), "ID",
     "session of the client (default: the last active)"},
    {"--template", "FRESHET_TEMPLATE", FLAG_TEXT, FLAGS_KEY, FLAG_AT(template_name), "NAME",
     "a token of this template"},
    {"--organization", "FRESHET_ORGANIZATION", FLAG_TEXT, FLAGS_KEY | FLAGS_ORGANIZATION,
     FLAG_AT(organization), "ID", "organization; '' is the personal workspace"},
    {"--skip-cache", NULL, FLAG_SWITCH, FLAGS_KEY, FLAG_AT(skip_cache), "",
     "a token asked for now, whatever is held"},
    {"--min-remaining", "FRESHET_MIN_REMAINING", FLAG_LIFE, FLAGS_KEY, FLAG_AT(min_remaining_ms),
     "TIME", "life that it must have left; 0: any"},
    {"--refresh-threshold", "FRESHET_REFRESH_THRESHOLD", FLAG_LIFE, FLAGS_KEY,
     FLAG_AT(refresh_threshold_ms), "TIME", "with less life left a new one is got"},
    {"--refresh-if-stale", NULL, FLAG_SWITCH, FLAGS_KEY, FLAG_AT(refresh_if_stale), "",
     "wait for the new one then"},
    {"--allow-stale", "FRESHET_ALLOW_STALE", FLAG_STALE, FLAGS_KEY, FLAG_AT(allow_stale), "WHICH",
     "rather than an error: never, usable, expired"},
    {"--no-proactive", NULL, FLAG_SWITCH, FLAGS_FOLLOW, FLAG_AT(no_proactive), "",
     "no refresh by time alone"},
    {"--cookie-jar", "FRESHET_COOKIE_JAR", FLAG_FILE, FLAGS_SINK, FLAG_AT(cookie_jar), "FILE",
     "keep the session's cookies there, for curl"},
    {"--cookie-domain", "FRESHET_COOKIE_DOMAIN", FLAG_TEXT, FLAGS_SINK, FLAG_AT(cookie_domain),
     "HOST", "the host that they are sent to"},
    {"--token-file", NULL, FLAG_FILE, FLAGS_SINK, FLAG_AT(token_file), "FILE",
     "keep the token there"},
    {"--focused", NULL, FLAG_SWITCH, FLAGS_FOLLOW, FLAG_AT(focused), "",
     "also in a jar of another live session"},
    {"--timeout", "FRESHET_TIMEOUT", FLAG_DURATION, FLAGS_SESSION, FLAG_AT(timeout_ms), "TIME",
     "at most so long: 250ms, 30s, 5m, up to 1h"},
    {"--config", "FRESHET_CONFIG", FLAG_FILE, FLAGS_SESSION, FLAG_AT(config), "FILE",
     "the configuration"},
    {"--json", NULL, FLAG_SWITCH, FLAGS_SESSION, FLAG_AT(json), "", "output for programs"},
    {"--help", NULL, FLAG_SWITCH, FLAGS_HELP, FLAG_AT(help), "", "this text"},
    {NULL, NULL, FLAG_TEXT, 0, 0, NULL, NULL},
};

/* ---- values ---- */

/* "30s", "250ms", "5m", "1h", or seconds. */
static bool settings_duration(const char *text, int64_t least_ms, int64_t most_ms, int64_t *ms)
{
    char *end = NULL;
    double value = 0;
    double unit = 1000;

    errno = 0;
    value = strtod(text, &end);
    if (strspn(text, "0123456789.") != (size_t)(end - text) || end == text || errno != 0) {
        return false;
    }
    if (strcmp(end, "ms") == 0) {
        unit = 1;
    } else if (strcmp(end, "m") == 0) {
        unit = 60000;
    } else if (strcmp(end, "h") == 0) {
        unit = 3600000;
    } else if (strcmp(end, "s") != 0 && *end != '\0') {
        return false;
    }
    if (value * unit < (double)least_ms || value * unit > (double)most_ms) {
        return false;
    }
    *ms = (int64_t)(value * unit);
    return true;
}

/* Zero is a value there: it is kept as -1. */
static bool settings_life(const char *text, int64_t *ms)
{
    bool good = settings_duration(text, 0, SETTINGS_LIFE_MAX_MS, ms);

    *ms = good && *ms == 0 ? -1 : *ms;
    return good;
}

static bool settings_stale(const char *text, enum freshet_allow_stale *which)
{
    static const char *const names[] = {[FRESHET_STALE_DEFAULT] = "usable",
                                        [FRESHET_STALE_NEVER] = "never",
                                        [FRESHET_STALE_EXPIRED] = "expired"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            *which = (enum freshet_allow_stale)i;
            return true;
        }
    }
    return false;
}

static enum exit_code settings_text(char **slot, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL) {
        fputs("freshet: out of memory\n", stderr);
        return EXIT_OTHER;
    }
    free(*slot);
    *slot = copy;
    return EXIT_DONE;
}

/* `from` names the flag or the variable, for the message. */
static enum exit_code settings_set(struct settings *settings, const struct flag *flag,
                                   const char *from, const char *value)
{
    void *slot = (char *)settings + flag->offset;
    const char *wanted = "";
    bool good = false;

    switch (flag->kind) {
    case FLAG_TEXT:
    case FLAG_FILE:
        return settings_text(slot, value);
    case FLAG_SWITCH:
        *(bool *)slot = true;
        return EXIT_DONE;
    case FLAG_DURATION:
        good = settings_duration(value, 1, SETTINGS_TIMEOUT_MAX_MS, slot);
        wanted = "no duration from 1ms to 1h, such as 250ms, 30s or 5m";
        break;
    case FLAG_LIFE:
        good = settings_life(value, slot);
        wanted = "no duration from 0 to 24h, such as 30s or 5m";
        break;
    case FLAG_STALE:
        good = settings_stale(value, slot);
        wanted = "none of never, usable and expired";
        break;
    }
    if (!good) {
        fprintf(stderr, "freshet: %s: '%s' is %s\n", from, value, wanted);
    }
    return good ? EXIT_DONE : EXIT_USAGE;
}

static bool settings_has(const struct settings *settings, const struct flag *flag)
{
    const void *slot = (const char *)settings + flag->offset;

    switch (flag->kind) {
    case FLAG_TEXT:
    case FLAG_FILE:
        return *(char *const *)slot != NULL;
    case FLAG_SWITCH:
        return *(const bool *)slot;
    case FLAG_STALE:
        return *(const enum freshet_allow_stale *)slot != FRESHET_STALE_DEFAULT;
    case FLAG_DURATION:
    case FLAG_LIFE:
        break;
    }
    return *(const int64_t *)slot != 0;
}

/* ---- flags ---- */

static enum exit_code settings_usage(const struct command *command, const char *what,
                                     const char *word)
{
    fprintf(stderr, "freshet %s: %s '%s'; freshet %s --help lists what there is\n", command->name,
            what, word, command->name);
    return EXIT_USAGE;
}

static const struct flag *settings_find(const char *word)
{
    size_t length = strcspn(word, "=");

    if (strcmp(word, "-h") == 0) {
        word = "--help";
        length = strlen(word);
    }
    for (const struct flag *flag = freshet_flags; flag->name != NULL; flag++) {
        if (strlen(flag->name) == length && strncmp(flag->name, word, length) == 0) {
            return flag;
        }
    }
    return NULL;
}

/* One flag, as "--flag value" or "--flag=value". */
static enum exit_code settings_flag(struct settings *settings, const struct command *command,
                                    int argc, char **argv, int *at)
{
    const struct flag *flag = settings_find(argv[*at]);
    const char *value = strchr(argv[*at], '=');

    if (flag == NULL) {
        return settings_usage(command, "unknown option", argv[*at]);
    }
    if ((flag->sets & command->flags) == 0) {
        return settings_usage(command, "it would make no difference to say", flag->name);
    }
    if (flag->kind == FLAG_SWITCH && value != NULL) {
        return settings_usage(command, "no value belongs to", flag->name);
    }
    if (flag->kind != FLAG_SWITCH && value == NULL && *at + 1 >= argc) {
        return settings_usage(command, "a value is missing after", flag->name);
    }
    if (flag->kind != FLAG_SWITCH) {
        value = value != NULL ? value + 1 : argv[++*at];
    }
    return settings_set(settings, flag, flag->name, value);
}

static enum exit_code settings_flags(struct settings *settings, const struct command *command,
                                     int argc, char **argv)
{
    enum exit_code code = EXIT_DONE;

    for (int i = 1; i < argc && code == EXIT_DONE && !settings->help; i++) {
        if (argv[i][0] == '-') {
            code = settings_flag(settings, command, argc, argv, &i);
        } else if (argv[i][0] == '\0') {
            code = settings_usage(command, "a session cannot be called", argv[i]);
        } else if (settings->name == NULL) {
            settings->name = argv[i];
        } else {
            code = settings_usage(command, "one session at a time, so not also", argv[i]);
        }
    }
    return code;
}

/* An empty variable counts as not set, as it does for most programs. */
static enum exit_code settings_environment(struct settings *settings, const struct command *command)
{
    enum exit_code code = EXIT_DONE;

    for (const struct flag *flag = freshet_flags; flag->name != NULL && code == EXIT_DONE; flag++) {
        const char *value = flag->environment != NULL ? getenv(flag->environment) : NULL;

        if (value != NULL && *value != '\0' && (flag->sets & command->flags) != 0 &&
            !settings_has(settings, flag)) {
            code = settings_set(settings, flag, flag->environment, value);
        }
    }
    return code;
}

/* ---- the whole ---- */

static void settings_drop_sinks(struct settings *settings)
{
    free(settings->cookie_jar);
    free(settings->cookie_domain);
    free(settings->token_file);
    settings->cookie_jar = settings->cookie_domain = settings->token_file = NULL;
}

/* Nothing that belongs to one session only was given. */
static bool settings_name_none(const struct settings *settings)
{
    return settings->name == NULL && settings->url == NULL && settings->publishable_key == NULL &&
           settings->client_token_file == NULL && settings->session == NULL &&
           settings->cookie_jar == NULL && settings->token_file == NULL;
}

enum exit_code freshet_settings_read(struct settings *settings, const struct command *command,
                                     int argc, char **argv)
{
    enum exit_code code = EXIT_DONE;

    *settings = (struct settings){0};
    code = settings_flags(settings, command, argc, argv);
    if (code != EXIT_DONE || settings->help) {
        return code;
    }
    code = settings_environment(settings, command);
    if (code != EXIT_DONE) {
        return code;
    }
    if (command->must_say_which && settings->name == NULL && settings->url == NULL &&
        settings->publishable_key == NULL) {
        fprintf(stderr,
                "freshet %s: which session? Give its NAME in the configuration, or --url or "
                "--publishable-key\n",
                command->name);
        return EXIT_USAGE;
    }
    settings->all = (command->flags & FLAGS_ALL) != 0 && settings_name_none(settings);
    code = settings->all ? EXIT_DONE : freshet_config_read(settings);
    settings->agent = (command->flags & FLAGS_AGENT) != 0 && settings_name_none(settings) &&
                      getenv("FRESHET_SOCKET") != NULL;
    if ((command->flags & FLAGS_SINK) == 0) {
        settings_drop_sinks(settings);
    }
    return code;
}

struct freshet_client_options freshet_settings_client(const struct settings *settings)
{
    return (struct freshet_client_options){.size = sizeof(struct freshet_client_options),
                                           .host_loop = 1,
                                           .runtime_dir = settings->runtime_dir,
                                           .state_dir = settings->state_dir,
                                           .key_file = settings->key_file,
                                           .key_command = settings->key_command};
}

void freshet_settings_free(struct settings *settings)
{
    free(settings->runtime_dir);
    free(settings->state_dir);
    free(settings->key_file);
    free(settings->key_command);
    free(settings->first_title);
    free(settings->url);
    free(settings->publishable_key);
    free(settings->client_token_file);
    free(settings->session);
    free(settings->template_name);
    free(settings->organization);
    free(settings->config);
    settings_drop_sinks(settings);
}
