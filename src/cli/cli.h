/*
 * The `freshet` command: one table of commands, one of flags. Private to cli/.
 */
#ifndef FRESHET_CLI_CLI_H
#define FRESHET_CLI_CLI_H

#include <freshet/freshet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Documented in freshet(1); scripts depend on them. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_OTHER = 1,
    EXIT_USAGE = 2,
    EXIT_OFFLINE = 3,
    EXIT_SIGN_IN = 4,
    EXIT_TIMED_OUT = 5,
    EXIT_ISSUER = 6
};

/* Everything that flags, environment and configuration can say about a session. */
struct settings {
    char *config;
    const char *name; /* the session's, in the configuration */
    char *url;
    char *publishable_key;
    char *client_token_file;
    char *session;
    char *template_name;
    char *organization;
    bool organization_given;
    bool skip_cache;
    bool json;
    bool help;
    int64_t timeout_ms;
};

/* Reads flags into settings, then environment and configuration for what is missing. Prints the
 * reason and returns EXIT_USAGE if something is wrong, else EXIT_DONE. */
enum exit_code freshet_settings_read(struct settings *settings, int argc, char **argv);
void freshet_settings_free(struct settings *settings);

/* config.c: fills in what is not set yet from the section of that name. */
enum exit_code freshet_config_read(struct settings *settings);

/* connect.c */
struct connection {
    struct freshet_client *client;
    struct freshet_session *session;
};
/* Opens a client and a session; the subscriber (may be NULL) hears of everything from the start. */
enum exit_code freshet_connect(const struct settings *settings, freshet_event_callback *callback,
                               void *context, struct connection *connection);
/* The get that the flags ask for; its strings are the settings'. */
struct freshet_request freshet_settings_request(const struct settings *settings);
enum exit_code freshet_exit_code(enum freshet_status status);

/* The commands. */
int freshet_command_token(int argc, char **argv);
int freshet_command_status(int argc, char **argv);
int freshet_command_watch(int argc, char **argv);
int freshet_command_issuer(int argc, char **argv);
int freshet_command_simulate(int argc, char **argv);

void freshet_help_session_flags(FILE *out);

#endif
