/*
 * The `freshet` command: one table of commands, one of flags. Both give parsing, help and completion.
 * Private to cli/.
 */
#ifndef FRESHET_CLI_CLI_H
#define FRESHET_CLI_CLI_H

#include <freshet/sink.h>
#include <jansson.h>
#include <poll.h>
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
    const char *name;  /* the session's, in the configuration; NULL: not given */
    char *first_title; /* of a session that was taken although none was named */
    char *url;
    char *publishable_key;
    char *client_token_file;
    char *session;
    char *template_name;
    char *organization; /* NULL: not given; "": the personal workspace */
    char *cookie_jar;
    char *cookie_domain;
    char *token_file;
    char *runtime_dir; /* what the configuration says of all sessions; NULL: nothing, or the */
    char *state_dir;   /* environment says it */
    char *key_file;
    char *key_command;
    bool focused;
    bool agent; /* nothing was named but the socket of an agent */
    bool all;   /* none was named by any means: every session of the configuration */
    bool skip_cache;
    bool refresh_if_stale;
    bool no_proactive;
    bool json;
    bool help;
    enum freshet_allow_stale allow_stale;
    int64_t min_remaining_ms;     /* 0: not given; -1: any life will do */
    int64_t refresh_threshold_ms; /* the same */
    int64_t timeout_ms;           /* 0: not given */
};

/* ---- commands ---- */

enum flag_set {
    FLAGS_SESSION = 1,      /* which session, and how to say what comes out */
    FLAGS_KEY = 2,          /* which of its tokens */
    FLAGS_ORGANIZATION = 4, /* part of the key, or what to switch to */
    FLAGS_SINK = 8,         /* where else its token goes */
    FLAGS_FOLLOW = 16,      /* how it is followed */
    FLAGS_HELP = 32,
    FLAGS_ALL = 64,   /* none of its own: no name means all sessions */
    FLAGS_AGENT = 128 /* the same: no session but FRESHET_SOCKET means the agent's */
};

struct command {
    const char *name;
    const char *arguments;
    const char *summary;
    const char *help;
    unsigned flags;      /* enum flag_set */
    bool must_say_which; /* no session is taken just because it stands first */
    enum exit_code (*work)(const struct settings *settings);
    int (*program)(int argc, char **argv); /* instead of work: reads its own arguments */
};

/* main.c: the table, which ends with a NULL name. */
extern const struct command freshet_commands[];

enum exit_code freshet_command_token(const struct settings *settings);
enum exit_code freshet_command_status(const struct settings *settings);
enum exit_code freshet_command_watch(const struct settings *settings);
enum exit_code freshet_command_logout(const struct settings *settings);
enum exit_code freshet_command_switch(const struct settings *settings);
int freshet_command_agent(int argc, char **argv);
int freshet_command_run(int argc, char **argv);
int freshet_command_issuer(int argc, char **argv);
int freshet_command_simulate(int argc, char **argv);
int freshet_command_completion(int argc, char **argv);

/* ---- flags ---- */

enum flag_kind { FLAG_TEXT, FLAG_FILE, FLAG_SWITCH, FLAG_DURATION, FLAG_LIFE, FLAG_STALE };

struct flag {
    const char *name;
    const char *environment; /* NULL: none */
    enum flag_kind kind;
    unsigned sets; /* enum flag_set: whoever has one of these takes the flag */
    size_t offset; /* in struct settings */
    const char *value;
    const char *help;
};

/* settings.c: the table, which ends with a NULL name. */
extern const struct flag freshet_flags[];

/* Reads flags into settings, then environment and configuration for what is missing. Prints the
 * reason and returns EXIT_USAGE if something is wrong, else EXIT_DONE. */
enum exit_code freshet_settings_read(struct settings *settings, const struct command *command,
                                     int argc, char **argv);
void freshet_settings_free(struct settings *settings);

/* How every client is opened; its strings are the settings'. */
struct freshet_client_options freshet_settings_client(const struct settings *settings);

/* config.c: fills in what is not set yet, from the section of that name and from what stands before
 * all sections. */
enum exit_code freshet_config_read(struct settings *settings);

/* Every session there is, each with what was given; the caller frees the array and what is in it,
 * also after a failure. */
enum exit_code freshet_config_read_all(const struct settings *given, struct settings **all,
                                       size_t *count);

/* help.c */
void freshet_help(FILE *out);
void freshet_help_command(const struct command *command, FILE *out);

/* ---- sessions ---- */

/* Everything happens on the command's own thread: callbacks are made inside freshet_turn() and
 * inside calls that wait. */
struct connection {
    struct freshet_client *client;
    struct freshet_session *session;
    struct freshet_sink *sink; /* NULL: its token goes nowhere else */
};

/* Opens a client, a session and what its token goes to; the subscriber (may be NULL) hears of
 * everything from the start. Prints the reason if that fails. */
enum exit_code freshet_connect(const struct settings *settings, freshet_event_callback *callback,
                               void *context, struct connection *connection);

/* One more session of the same client. */
enum exit_code freshet_connect_also(const struct settings *settings, struct connection *connection);

/* Closes the client too, so the last of its connections, and the sinks of the others. */
void freshet_disconnect(struct connection *connection);

/* Waits until the client has something to do, and does it, or until one of the caller's own
 * descriptors is readable: their revents say. At most TURN_OWN_MAX of them; -1 is left out. */
#define TURN_OWN_MAX 3
void freshet_turn(const struct connection *connection, struct pollfd *own, size_t count);

/* A descriptor that becomes readable after that time, and again and again if it repeats; -1 if none
 * could be had. */
int freshet_timer(int64_t after_ms, bool repeats);

/* What the client knows of itself; NULL without memory. The caller drops it. */
json_t *freshet_status_object(const struct connection *connection);

/* How long to wait at most. */
int64_t freshet_settings_timeout_ms(const struct settings *settings);
/* The get that the flags ask for; its strings are the settings'. */
struct freshet_session_options freshet_settings_session(const struct settings *settings);
struct freshet_request freshet_settings_request(const struct settings *settings);
/* A status as an exit code, and as a sentence on standard error. */
enum exit_code freshet_exit_code(enum freshet_status status);
enum exit_code freshet_explain(enum freshet_status status, const char *message);

/* line.c: a line of a trace for people. */
void freshet_line_print(const json_t *line, bool colour);
/* Standard output is a terminal that can move its cursor; and one that may be coloured. */
bool freshet_on_terminal(void);
bool freshet_has_colour(void);
/* Takes from all texts what a terminal would obey: ids come from the issuer. */
void freshet_make_printable(json_t *value);
/* The members of a status or a trace; "" and 0 where there is none. */
const char *freshet_text_of(const json_t *object, const char *name);
int64_t freshet_number_of(const json_t *object, const char *name);

#endif
