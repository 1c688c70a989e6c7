/*
 * Flags and environment: where a command's session comes from. Secrets come from files only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define SETTINGS_TIMEOUT_DEFAULT_MS 30000
#define SETTINGS_TIMEOUT_MAX_MS     3600000

enum flag_kind { FLAG_TEXT, FLAG_SWITCH, FLAG_DURATION };

struct flag {
    const char *name;
    const char *environment; /* NULL: none */
    enum flag_kind kind;
    size_t offset;
    const char *help;
};

#define FLAG_AT(member) offsetof(struct settings, member)

static const struct flag flags[] = {
    {"--url", "FRESHET_URL", FLAG_TEXT, FLAG_AT(url), "URL   address of the issuer"},
    {"--publishable-key", "FRESHET_PUBLISHABLE_KEY", FLAG_TEXT, FLAG_AT(publishable_key),
     "KEY   pk_test_... or pk_live_..."},
    {"--client-token-file", "FRESHET_CLIENT_TOKEN_FILE", FLAG_TEXT, FLAG_AT(client_token_file),
     "FILE  0600 file with the client token"},
    {"--session", NULL, FLAG_TEXT, FLAG_AT(session), "ID    session (default: the last active)"},
    {"--template", NULL, FLAG_TEXT, FLAG_AT(template_name), "NAME  token template"},
    {"--organization", NULL, FLAG_TEXT, FLAG_AT(organization),
     "ID    organization (empty: personal workspace)"},
    {"--config", "FRESHET_CONFIG", FLAG_TEXT, FLAG_AT(config), "FILE  configuration"},
    {"--timeout", NULL, FLAG_DURATION, FLAG_AT(timeout_ms), "30s   how long to wait at most"},
    {"--skip-cache", NULL, FLAG_SWITCH, FLAG_AT(skip_cache), "      a token asked for now"},
    {"--json", NULL, FLAG_SWITCH, FLAG_AT(json), "      for programs"},
    {"--help", NULL, FLAG_SWITCH, FLAG_AT(help), "      this text"},
};

void freshet_help_session_flags(FILE *out)
{
    fputs("\nflags:\n", out);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        fprintf(out, "  %-20s %s\n", flags[i].name, flags[i].help);
    }
    fputs("\nNAME is a session of the configuration (FRESHET_CONFIG, else\n"
          "$XDG_CONFIG_HOME/freshet/freshet.conf); flags overrule it.\n"
          "exit status: 0 ok, 1 other, 2 usage, 3 offline, 4 sign in again, 5 time-out, "
          "6 issuer failed\n",
          out);
}

/* "30s", "250ms", "5m", "1h", or seconds. */
static bool settings_duration(const char *text, int64_t *ms)
{
    char *end = NULL;
    double value = 0;
    double unit = 1000;

    errno = 0;
    value = strtod(text, &end);
    if (end == text || errno != 0 || !(value > 0)) {
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

static enum exit_code settings_usage(const char *what, const char *flag)
{
    fprintf(stderr, "freshet: %s '%s'; --help lists what there is\n", what, flag);
    return EXIT_USAGE;
}

static bool settings_set_text(struct settings *settings, const struct flag *flag, const char *text)
{
    char **slot = (char **)(void *)((char *)settings + flag->offset);
    char *copy = strdup(text);

    if (copy == NULL) {
        return false;
    }
    free(*slot);
    *slot = copy;
    settings->organization_given |= flag->offset == FLAG_AT(organization);
    return true;
}

static const struct flag *settings_find(const char *word)
{
    size_t length = strcspn(word, "=");

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strlen(flags[i].name) == length && strncmp(flags[i].name, word, length) == 0) {
            return &flags[i];
        }
    }
    return NULL;
}

/* One flag, as "--flag value" or "--flag=value". */
static enum exit_code settings_flag(struct settings *settings, int argc, char **argv, int *at)
{
    const struct flag *flag = settings_find(argv[*at]);
    const char *value = strchr(argv[*at], '=');

    if (flag == NULL) {
        return settings_usage("unknown option", argv[*at]);
    }
    if (flag->kind == FLAG_SWITCH) {
        if (value != NULL) {
            return settings_usage("takes no value:", flag->name);
        }
        *(bool *)((char *)settings + flag->offset) = true;
        return EXIT_DONE;
    }
    if (value == NULL && *at + 1 >= argc) {
        return settings_usage("needs a value:", flag->name);
    }
    value = value != NULL ? value + 1 : argv[++*at];
    if (flag->kind == FLAG_DURATION) {
        int64_t *slot = (int64_t *)(void *)((char *)settings + flag->offset);

        return settings_duration(value, slot)
                   ? EXIT_DONE
                   : settings_usage("is no duration such as 30s or 250ms:", value);
    }
    return settings_set_text(settings, flag, value) ? EXIT_DONE : EXIT_OTHER;
}

static void settings_environment(struct settings *settings)
{
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        const char *value = flags[i].environment != NULL ? getenv(flags[i].environment) : NULL;
        const char *const *slot = (const char *const *)(void *)((char *)settings + flags[i].offset);

        if (value != NULL && *value != '\0' && *slot == NULL) {
            (void)settings_set_text(settings, &flags[i], value);
        }
    }
}

enum exit_code freshet_settings_read(struct settings *settings, int argc, char **argv)
{
    *settings = (struct settings){.timeout_ms = SETTINGS_TIMEOUT_DEFAULT_MS};
    for (int i = 1; i < argc; i++) {
        enum exit_code code = EXIT_DONE;

        if (argv[i][0] == '-') {
            code = settings_flag(settings, argc, argv, &i);
        } else if (settings->name == NULL) {
            settings->name = argv[i];
        } else {
            code = settings_usage("one session name is enough; unexpected", argv[i]);
        }
        if (code != EXIT_DONE) {
            return code;
        }
    }
    if (settings->help) {
        return EXIT_DONE;
    }
    settings_environment(settings);
    return freshet_config_read(settings);
}

void freshet_settings_free(struct settings *settings)
{
    free(settings->url);
    free(settings->publishable_key);
    free(settings->client_token_file);
    free(settings->session);
    free(settings->template_name);
    free(settings->organization);
    free(settings->config);
}
