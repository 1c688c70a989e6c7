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
static bool settings_duration(const char *text, int64_t *ms)
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
    if (value * unit < 1 || value * unit > SETTINGS_TIMEOUT_MAX_MS) {
        return false;
    }
    *ms = (int64_t)(value * unit);
    return true;
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

    switch (flag->kind) {
    case FLAG_TEXT:
    case FLAG_FILE:
        return settings_text(slot, value);
    case FLAG_SWITCH:
        *(bool *)slot = true;
        return EXIT_DONE;
    case FLAG_DURATION:
        if (settings_duration(value, slot)) {
            return EXIT_DONE;
        }
        break;
    }
    fprintf(stderr, "freshet: %s: '%s' is no duration from 1ms to 1h, such as 250ms, 30s or 5m\n",
            from, value);
    return EXIT_USAGE;
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
    case FLAG_DURATION:
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
    return freshet_config_read(settings);
}

void freshet_settings_free(struct settings *settings)
{
    free(settings->first_title);
    free(settings->url);
    free(settings->publishable_key);
    free(settings->client_token_file);
    free(settings->session);
    free(settings->template_name);
    free(settings->organization);
    free(settings->config);
}
