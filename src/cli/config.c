/*
 * The configuration file: sessions by name. A mistake is named with its file and line.
 */
#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

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
    fprintf(stderr, "freshet: %s:%d: %s\n", cfg->filename != NULL ? cfg->filename : "config",
            cfg->line, text);
}

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

/* A file that ends inside a section is accepted by the parser; braces outside of strings tell. */
static bool config_sections_closed(const char *path)
{
    FILE *file = fopen(path, "re");
    int depth = 0;
    int quote = 0;
    bool comment = false;
    int c = 0;

    if (file == NULL) {
        return true;
    }
    while ((c = getc(file)) != EOF) {
        if (comment) {
            comment = c != '\n';
        } else if (quote != 0) {
            if (c == '\\') {
                (void)getc(file);
            }
            quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '#') {
            comment = true;
        } else {
            depth += c == '{' ? 1 : 0;
            depth -= c == '}' ? 1 : 0;
        }
    }
    fclose(file);
    return depth == 0;
}

static bool config_take(char **slot, const char *value)
{
    if (*slot == NULL && value != NULL) {
        *slot = strdup(value);
        return *slot != NULL;
    }
    return true;
}

static enum exit_code config_take_section(struct settings *settings, cfg_t *cfg, const char *path)
{
    const char *name = settings->name;
    cfg_t *section = NULL;

    if (name == NULL && cfg_size(cfg, "session") > 0) {
        section = cfg_getnsec(cfg, "session", 0);
    } else if (name != NULL) {
        section = cfg_gettsec(cfg, "session", name);
    }
    if (section == NULL) {
        if (name == NULL) {
            return EXIT_DONE;
        }
        fprintf(stderr, "freshet: %s has no session '%s'; add one, or use --url and its like\n",
                path, name);
        return EXIT_USAGE;
    }
    return config_take(&settings->url, cfg_getstr(section, "url")) &&
                   config_take(&settings->publishable_key,
                               cfg_getstr(section, "publishable_key")) &&
                   config_take(&settings->client_token_file,
                               cfg_getstr(section, "client_token_file")) &&
                   config_take(&settings->session, cfg_getstr(section, "session")) &&
                   config_take(&settings->template_name, cfg_getstr(section, "template"))
               ? EXIT_DONE
               : EXIT_OTHER;
}

static enum exit_code config_parse(struct settings *settings, const char *path)
{
    cfg_opt_t session[] = {CFG_STR("url", NULL, CFGF_NONE),
                           CFG_STR("publishable_key", NULL, CFGF_NONE),
                           CFG_STR("client_token_file", NULL, CFGF_NONE),
                           CFG_STR("session", NULL, CFGF_NONE),
                           CFG_STR("template", NULL, CFGF_NONE),
                           CFG_END()};
    cfg_opt_t root[] = {CFG_SEC("session", session, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
                        CFG_END()};
    cfg_t *cfg = cfg_init(root, CFGF_NONE);
    enum exit_code code = EXIT_USAGE;
    int result = 0;

    if (cfg == NULL) {
        return EXIT_OTHER;
    }
    cfg_set_error_function(cfg, config_error);
    errno = 0;
    result = cfg_parse(cfg, path);
    if (result == CFG_FILE_ERROR) {
        fprintf(stderr, "freshet: cannot read the configuration %s: %s\n", path, strerror(errno));
    } else if (result == CFG_SUCCESS && !config_sections_closed(path)) {
        fprintf(stderr, "freshet: %s ends inside a section; close it with }\n", path);
    } else if (result == CFG_SUCCESS) {
        code = config_take_section(settings, cfg, path);
    }
    cfg_free(cfg);
    return code;
}

enum exit_code freshet_config_read(struct settings *settings)
{
    char *found = settings->config == NULL ? config_default_path() : NULL;
    const char *path = settings->config != NULL ? settings->config : found;
    enum exit_code code = EXIT_DONE;

    if (path != NULL) {
        code = config_parse(settings, path);
    } else if (settings->name != NULL) {
        fprintf(stderr, "freshet: there is no configuration to look '%s' up in; give --config\n",
                settings->name);
        code = EXIT_USAGE;
    }
    free(found);
    return code;
}
