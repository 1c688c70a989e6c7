/*
 * The configuration file: sessions by name, and before them what holds for all. A mistake is named
 * with its file and line.
 *
 * The file is read here and its comments are blanked out before it is parsed, because the parser
 * counts the lines of comments wrong, and it is checked here that no section is left open, because
 * the parser does not mind. Refused: what is no regular file, is over 1 MiB or holds a NUL.
 */
#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "file/file.h"

#define CONFIG_SIZE_MAX 1048576

/* ---- the file ---- */

/* Where the configuration is, if nobody said; NULL when it is nowhere. */
static char *config_default_path(void)
{
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    char *path = NULL;
    int length = -1;

    if (base != NULL && base[0] == '/') {
        length = asprintf(&path, "%s/freshet/freshet.conf", base);
    } else if (home != NULL && home[0] == '/') {
        length = asprintf(&path, "%s/.config/freshet/freshet.conf", home);
    }
    if (length < 0) {
        return NULL;
    }
    if (access(path, F_OK) != 0) {
        free(path);
        return NULL;
    }
    return path;
}

/* The text of the file, NUL-terminated; NULL after the reason was printed. */
static char *config_load(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = malloc(CONFIG_SIZE_MAX + 1);
    const char *fault = NULL;
    struct stat status;
    size_t length = 0;
    int result = 0;

    if (text == NULL) {
        fault = "out of memory";
    } else if (descriptor < 0 || fstat(descriptor, &status) != 0) {
        fault = strerror(errno);
    } else if (!S_ISREG(status.st_mode)) {
        fault = "not a regular file";
    } else if ((result = freshet_file_read(descriptor, text, CONFIG_SIZE_MAX, &length)) != 0) {
        fault = result == -EFBIG ? "over 1 MiB; that is no configuration" : "it cannot be read";
    } else if (memchr(text, '\0', length) != NULL) {
        fault = "not a text file";
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
    if (fault != NULL) {
        fprintf(stderr, "freshet: cannot read the configuration %s: %s\n", path, fault);
        free(text);
        return NULL;
    }
    text[length] = '\0';
    return text;
}

/* ---- comments and sections ---- */

/* The end of the comment that begins here; the same place if none does. */
static char *config_comment_end(char *at, bool word_begins)
{
    char *end = NULL;

    if (at[0] == '#' || (word_begins && at[0] == '/' && at[1] == '/')) {
        return at + strcspn(at, "\n");
    }
    if (word_begins && at[0] == '/' && at[1] == '*') {
        end = strstr(at + 2, "*/");
        return end != NULL ? end + 2 : at + strlen(at);
    }
    return at;
}

static char *config_string_end(char *at)
{
    char quote = *at++;

    while (*at != '\0' && *at != quote) {
        at += at[0] == '\\' && at[1] != '\0' ? 2 : 1;
    }
    return *at != '\0' ? at + 1 : at;
}

/* Comments become spaces; the line where a section begins that is never closed, or 0. */
static int config_blank_comments(char *text)
{
    int line = 1;
    int depth = 0;
    int opened = 0;
    bool word_begins = true;

    for (char *at = text; *at != '\0';) {
        char *end = config_comment_end(at, word_begins);
        bool comment = end != at;

        word_begins = comment || isspace((unsigned char)*at) || strchr("={}(),\"'", *at) != NULL;
        if (*at == '{') {
            opened = depth++ == 0 ? line : opened;
        }
        depth -= *at == '}' && depth > 0 ? 1 : 0;
        if (!comment) {
            end = *at == '"' || *at == '\'' ? config_string_end(at) : at + 1;
        }
        for (; at != end; at++) {
            line += *at == '\n' ? 1 : 0;
            *at = comment && *at != '\n' ? ' ' : *at;
        }
    }
    return depth > 0 ? opened : 0;
}

/* ---- what it says ---- */

static enum exit_code config_take(char **slot, const char *value)
{
    if (*slot == NULL && value != NULL) {
        *slot = strdup(value);
        if (*slot == NULL) {
            fputs("freshet: out of memory\n", stderr);
            return EXIT_OTHER;
        }
    }
    return EXIT_DONE;
}

static enum exit_code config_take_section(struct settings *settings, cfg_t *cfg, const char *path)
{
    const struct {
        char **slot;
        const char *name;
    } members[] = {{&settings->url, "url"},
                   {&settings->publishable_key, "publishable_key"},
                   {&settings->client_token_file, "client_token_file"},
                   {&settings->session, "session"},
                   {&settings->template_name, "template"},
                   {&settings->organization, "organization"},
                   {&settings->cookie_jar, "cookie_jar"},
                   {&settings->cookie_domain, "cookie_domain"},
                   {&settings->token_file, "token_file"}};
    cfg_t *section = NULL;
    enum exit_code code = EXIT_DONE;

    if (settings->name != NULL) {
        section = cfg_gettsec(cfg, "session", settings->name);
    } else if (settings->url == NULL && settings->publishable_key == NULL &&
               cfg_size(cfg, "session") > 0) {
        section = cfg_getnsec(cfg, "session", 0);
        code = config_take(&settings->first_title, cfg_title(section));
        settings->name = settings->first_title;
    }
    if (section == NULL && settings->name != NULL) {
        fprintf(stderr, "freshet: %s has no session '%s'; add one, or use --url and its like\n",
                path, settings->name);
        return EXIT_USAGE;
    }
    for (size_t i = 0; section != NULL && i < sizeof(members) / sizeof(members[0]); i++) {
        code = code == EXIT_DONE
                   ? config_take(members[i].slot, cfg_getstr(section, members[i].name))
                   : code;
    }
    return code;
}

static bool config_is_in_environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0';
}

/* What holds for all sessions. The environment comes first, and a key file there is a key. */
static enum exit_code config_take_places(struct settings *settings, cfg_t *cfg, const char *path)
{
    const struct {
        char **slot;
        const char *name;
        const char *environment;
    } members[] = {{&settings->runtime_dir, "runtime_dir", "FRESHET_RUNTIME_DIR"},
                   {&settings->state_dir, "state_dir", "FRESHET_STATE_DIR"},
                   {&settings->key_file, "key_file", "FRESHET_KEY_FILE"},
                   {&settings->key_command, "key_command", "FRESHET_KEY_FILE"}};
    enum exit_code code = EXIT_DONE;

    if (cfg_getstr(cfg, "key_file") != NULL && cfg_getstr(cfg, "key_command") != NULL) {
        fprintf(stderr, "freshet: %s has a key_file and a key_command; keep one of them\n", path);
        return EXIT_USAGE;
    }
    for (size_t i = 0; code == EXIT_DONE && i < sizeof(members) / sizeof(members[0]); i++) {
        if (!config_is_in_environment(members[i].environment)) {
            code = config_take(members[i].slot, cfg_getstr(cfg, members[i].name));
        }
    }
    return code;
}

/* The text can hold bytes of the file: nothing that a terminal would obey is printed. */
static void config_error(cfg_t *cfg, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void config_error(cfg_t *cfg, const char *format, va_list arguments)
{
    char text[256];

    vsnprintf(text, sizeof(text), format, arguments);
    for (char *c = text; *c != '\0'; c++) {
        *c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
    }
    fprintf(stderr, "freshet: %s:%d: %s\n", cfg->filename, cfg->line, text);
}

/* What the text says, for cfg_free(); NULL after the reason was printed. */
static cfg_t *config_parse(const char *path, char *text)
{
    cfg_opt_t session[] = {CFG_STR("url", NULL, CFGF_NONE),
                           CFG_STR("publishable_key", NULL, CFGF_NONE),
                           CFG_STR("client_token_file", NULL, CFGF_NONE),
                           CFG_STR("session", NULL, CFGF_NONE),
                           CFG_STR("template", NULL, CFGF_NONE),
                           CFG_STR("organization", NULL, CFGF_NONE),
                           CFG_STR("cookie_jar", NULL, CFGF_NONE),
                           CFG_STR("cookie_domain", NULL, CFGF_NONE),
                           CFG_STR("token_file", NULL, CFGF_NONE),
                           CFG_END()};
    cfg_opt_t root[] = {CFG_STR("runtime_dir", NULL, CFGF_NONE),
                        CFG_STR("state_dir", NULL, CFGF_NONE),
                        CFG_STR("key_file", NULL, CFGF_NONE),
                        CFG_STR("key_command", NULL, CFGF_NONE),
                        CFG_SEC("session", session, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
                        CFG_END()};
    int open_line = config_blank_comments(text);
    FILE *file = fmemopen(text, strlen(text), "r");
    cfg_t *cfg = cfg_init(root, CFGF_NONE);
    bool good = false;

    if (file == NULL || cfg == NULL || (cfg->filename = strdup(path)) == NULL) {
        fputs("freshet: out of memory\n", stderr);
        goto out;
    }
    cfg_set_error_function(cfg, config_error);
    good = cfg_parse_fp(cfg, file) == CFG_SUCCESS;
    if (good && open_line != 0) {
        good = false;
        fprintf(stderr, "freshet: %s:%d: the section that begins here is never closed; add }\n",
                path, open_line);
    }
out:
    if (file != NULL) {
        fclose(file);
    }
    if (cfg != NULL && !good) {
        cfg_free(cfg);
        cfg = NULL;
    }
    return cfg;
}

/* ---- the whole ---- */

/* The configuration, for config_close(); its cfg is NULL when there is none. */
struct config {
    char *path;
    cfg_t *cfg;
};

static void config_close(struct config *config)
{
    if (config->cfg != NULL) {
        cfg_free(config->cfg);
    }
    free(config->path);
}

static enum exit_code config_open(struct config *config, const struct settings *settings)
{
    char *text = NULL;
    enum exit_code code = EXIT_DONE;

    *config = (struct config){.path = settings->config != NULL ? strdup(settings->config)
                                                               : config_default_path()};
    if (config->path != NULL) {
        text = config_load(config->path);
        config->cfg = text != NULL ? config_parse(config->path, text) : NULL;
        code = config->cfg != NULL ? EXIT_DONE : EXIT_USAGE;
    } else if (settings->name != NULL) {
        fprintf(stderr, "freshet: there is no configuration to look '%s' up in; give --config\n",
                settings->name);
        code = EXIT_USAGE;
    }
    free(text);
    return code;
}

enum exit_code freshet_config_read(struct settings *settings)
{
    struct config config;
    enum exit_code code = config_open(&config, settings);

    if (code == EXIT_DONE && config.cfg != NULL) {
        code = config_take_places(settings, config.cfg, config.path);
        code = code == EXIT_DONE ? config_take_section(settings, config.cfg, config.path) : code;
    }
    config_close(&config);
    return code;
}

/* Flags and environment speak of each session. */
static enum exit_code config_copy(struct settings *copy, const struct settings *given,
                                  const char *title)
{
    enum exit_code code = config_take(&copy->first_title, title);

    *copy = (struct settings){.first_title = copy->first_title,
                              .name = copy->first_title,
                              .skip_cache = given->skip_cache,
                              .refresh_if_stale = given->refresh_if_stale,
                              .allow_stale = given->allow_stale,
                              .min_remaining_ms = given->min_remaining_ms,
                              .refresh_threshold_ms = given->refresh_threshold_ms,
                              .focused = given->focused};
    code = code == EXIT_DONE ? config_take(&copy->template_name, given->template_name) : code;
    return code == EXIT_DONE ? config_take(&copy->organization, given->organization) : code;
}

enum exit_code freshet_config_read_all(const struct settings *given, struct settings **all,
                                       size_t *count)
{
    struct config config;
    enum exit_code code = config_open(&config, given);
    size_t sections = config.cfg != NULL ? cfg_size(config.cfg, "session") : 0;

    *count = 0;
    *all = calloc(sections + 1, sizeof(**all));
    for (; *all != NULL && code == EXIT_DONE && *count < sections; ++*count) {
        struct settings *one = &(*all)[*count];

        code = config_copy(one, given,
                           cfg_title(cfg_getnsec(config.cfg, "session", (unsigned)*count)));
        code = code == EXIT_DONE ? config_take_places(one, config.cfg, config.path) : code;
        code = code == EXIT_DONE ? config_take_section(one, config.cfg, config.path) : code;
    }
    if (*all == NULL) {
        fputs("freshet: out of memory\n", stderr);
        code = EXIT_OTHER;
    }
    config_close(&config);
    return code;
}
