/*
 * Options of `freshet issuer`, in one table. Text comes from a person: every refusal names the
 * option, what it got wrong and what would be right. Called by main.c.
 */
#include "issuer/options.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char freshet_options_help[] =
    "usage: freshet issuer [option...]\n"
    "\n"
    "A development issuer of session tokens: it speaks the part of the Frontend API that keeps\n"
    "tokens fresh, on 127.0.0.1, and misbehaves on request. When it is ready it prints one line\n"
    "of JSON: url, publishable_key, client_token, session_id. It runs until SIGTERM or SIGINT.\n"
    "\n"
    "  --listen 127.0.0.1:PORT    where (any free port); loopback only\n"
    "  --ttl 60s                  life of a token, 2s to 24h\n"
    "  --latency 0ms              every answer is this late\n"
    "  --clock-ahead 0s           the issuer's clock minus ours; may be negative\n"
    "  --issue-age 0s             tokens are born this old\n"
    "  --oiat now                 header oiat: now, none, or seconds since 1970\n"
    "  --rotation grace           of the client token. grace: a predecessor is good until its\n"
    "                             successor was used; strict: at once bad; keep: no rotation\n"
    "  --alg ES256                or RS256\n"
    "  --organization ID          an organization of the user; repeat for more\n"
    "  --template NAME            a token template; repeat for more (without: any name)\n"
    "  --sessions 1               how many sessions the client has, up to 64\n"
    "  --session-minter           the environment says session_minter\n"
    "  --no-date                  answers carry no Date\n"
    "  --signed-out               start without a session\n"
    "  --fault SPEC               what goes wrong; repeat for more\n"
    "  --no-admin                 no admin endpoint (--admin, the default, serves it)\n"
    "  --patience 10s             how long a client may take to send a request\n"
    "  --log FILE                 one JSON line for each request; tokens as fingerprints\n"
    "  --quiet                    no line on stderr for each request\n"
    "  --help, --version\n"
    "\n"
    "Durations: 250ms, 60s, 1.5m, 2h.\n"
    "\n"
    "A fault is NAME:RULE;RULE... where NAME is environment, client, tokens, tokens/TEMPLATE,\n"
    "touch, end, remove, sessions or *, and RULE joins members by commas:\n"
    "  status=503  code=TEXT  retry_after=5  latency_ms=100  count=3 (-1: for ever)\n"
    "  drop  hang  empty  malformed  truncate  body_bytes=104857600  body=TEXT (comes last)\n"
    "A status of 300 or more stands instead of the real answer; all others spoil it after the\n"
    "request was carried out.\n"
    "\n"
    "Try it:\n"
    "  freshet issuer --ttl 20s --fault 'tokens:status=500,count=3'\n"
    "  curl -X PUT $URL/__freshet/faults -d '{\"on\":\"tokens\",\"rules\":[{\"hang\":true}]}'\n"
    "  curl $URL/__freshet/state\n"
    "  curl -H \"Authorization: Bearer $TOKEN\" $URL/api/whoami\n";

enum action {
    ACTION_SETTING,
    ACTION_FLAG,
    ACTION_LISTEN,
    ACTION_ALGORITHM,
    ACTION_NAMES,
    ACTION_SESSIONS,
    ACTION_FAULT,
    ACTION_LOG,
    ACTION_PATIENCE,
};

/* `setting` is the setting's name; `offset` and `value` say which field a flag sets to what. */
struct option_row {
    const char *name;
    enum action action;
    const char *setting;
    size_t offset;
    bool value;
};

static const struct option_row options_table[] = {
    {"--ttl", ACTION_SETTING, "ttl_s", 0, false},
    {"--latency", ACTION_SETTING, "latency_ms", 0, false},
    {"--clock-ahead", ACTION_SETTING, "clock_ahead_ms", 0, false},
    {"--issue-age", ACTION_SETTING, "issue_age_ms", 0, false},
    {"--oiat", ACTION_SETTING, "oiat", 0, false},
    {"--rotation", ACTION_SETTING, "rotation", 0, false},
    {"--session-minter", ACTION_FLAG, NULL, offsetof(struct options, settings.session_minter),
     true},
    {"--no-date", ACTION_FLAG, NULL, offsetof(struct options, settings.date), false},
    {"--signed-out", ACTION_FLAG, NULL, offsetof(struct options, settings.signed_in), false},
    {"--admin", ACTION_FLAG, NULL, offsetof(struct options, admin), true},
    {"--no-admin", ACTION_FLAG, NULL, offsetof(struct options, admin), false},
    {"--quiet", ACTION_FLAG, NULL, offsetof(struct options, quiet), true},
    {"--listen", ACTION_LISTEN, NULL, 0, false},
    {"--alg", ACTION_ALGORITHM, NULL, 0, false},
    {"--organization", ACTION_NAMES, NULL, offsetof(struct options, organizations), false},
    {"--template", ACTION_NAMES, NULL, offsetof(struct options, templates), false},
    {"--sessions", ACTION_SESSIONS, NULL, 0, false},
    {"--fault", ACTION_FAULT, NULL, 0, false},
    {"--log", ACTION_LOG, NULL, 0, false},
    {"--patience", ACTION_PATIENCE, NULL, 0, false},
};

static int options_apply(struct options *options, struct faults *faults,
                         const struct option_row *row, const char *text, struct problem *problem);
static const struct option_row *options_find(const char *argument, size_t length);
static enum options_result options_wrong(const char *argument, size_t length, const char *why,
                                         struct problem *problem);

static void options_default(struct options *options)
{
    *options = (struct options){.sessions = 1, .patience_ms = 10000, .admin = true};
    options->listen.sin_family = AF_INET;
    options->listen.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    freshet_settings_default(&options->settings);
}

enum options_result freshet_options_parse(int count, char *const *arguments,
                                          struct options *options, struct faults *faults,
                                          struct problem *problem)
{
    options_default(options);
    for (int i = 1; i < count; i++) {
        const char *argument = arguments[i];
        size_t length = strcspn(argument, "=");
        const char *text = argument[length] == '=' ? argument + length + 1 : NULL;
        const struct option_row *row = options_find(argument, length);
        struct problem inner = {""};

        if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
            return OPTIONS_HELP;
        if (strcmp(argument, "--version") == 0)
            return OPTIONS_VERSION;
        if (row == NULL)
            return options_wrong(argument, length, "is no option; see --help", problem);
        if (row->action == ACTION_FLAG && text != NULL)
            return options_wrong(argument, length, "takes no value", problem);
        if (row->action != ACTION_FLAG && text == NULL && ++i == count)
            return options_wrong(argument, length, "needs a value", problem);
        if (row->action != ACTION_FLAG && text == NULL)
            text = arguments[i];
        if (options_apply(options, faults, row, text, &inner) != 0)
            return options_wrong(argument, length, inner.text, problem);
    }
    return OPTIONS_RUN;
}

static enum options_result options_wrong(const char *argument, size_t length, const char *why,
                                         struct problem *problem)
{
    char name[64];

    (void)freshet_problem_name(argument, name, length + 1 < sizeof name ? length + 1 : sizeof name);
    freshet_problem(problem, "%s: %s", name, why);
    return OPTIONS_WRONG;
}

static const struct option_row *options_find(const char *argument, size_t length)
{
    for (size_t i = 0; i < sizeof options_table / sizeof options_table[0]; i++) {
        if (strlen(options_table[i].name) == length &&
            memcmp(options_table[i].name, argument, length) == 0)
            return &options_table[i];
    }
    return NULL;
}

/* A whole decimal number, with nothing after it. */
static bool options_number(const char *text, int64_t least, int64_t most, int64_t *number)
{
    char *end;

    *number = strtoll(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && *number >= least && *number <= most;
}

static int options_listen(struct options *options, const char *text, struct problem *problem)
{
    const char *colon = strrchr(text, ':');
    char host[64];
    int64_t port = 0;
    struct in_addr address;

    if (colon == NULL || (size_t)(colon - text) >= sizeof host ||
        !options_number(colon + 1, 0, 65535, &port))
        return freshet_problem(problem, "must read 127.0.0.1:PORT");
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &address) != 1)
        return freshet_problem(problem, "must read 127.0.0.1:PORT");
    if (ntohl(address.s_addr) >> 24 != IN_LOOPBACKNET)
        return freshet_problem(problem, "must be a loopback address (127.x.x.x): this issuer "
                                        "hands tokens to whoever asks");
    options->listen.sin_addr = address;
    options->listen.sin_port = htons((uint16_t)port);
    return 0;
}

static int options_name(struct names *names, const char *text, struct problem *problem)
{
    size_t length = strlen(text);

    if (length == 0 || length >= NAME_MOST)
        return freshet_problem(problem, "must be a name of 1 to %d bytes", NAME_MOST - 1);
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return freshet_problem(problem, "must be a name of printable ASCII without spaces");
    }
    if (names->count == NAMES_MOST)
        return freshet_problem(problem, "may be given %d times", NAMES_MOST);
    memcpy(names->name[names->count++], text, length + 1);
    return 0;
}

static int options_algorithm(struct options *options, const char *text, struct problem *problem)
{
    options->algorithm = strcmp(text, "RS256") == 0 ? ALGORITHM_RS256 : ALGORITHM_ES256;
    if (options->algorithm == ALGORITHM_RS256 || strcmp(text, "ES256") == 0)
        return 0;
    return freshet_problem(problem, "must be ES256 or RS256");
}

static int options_patience(struct options *options, const char *text, struct problem *problem)
{
    if (freshet_duration_parse(text, &options->patience_ms, problem) != 0)
        return -1;
    if (options->patience_ms < 50 || options->patience_ms > 3600000)
        return freshet_problem(problem, "must be from 50ms to 1h");
    return 0;
}

static int options_apply(struct options *options, struct faults *faults,
                         const struct option_row *row, const char *text, struct problem *problem)
{
    char *field = (char *)options + row->offset;

    switch (row->action) {
    case ACTION_SETTING:
        return freshet_settings_text(&options->settings, row->setting, text, problem);
    case ACTION_FLAG:
        *(bool *)field = row->value;
        return 0;
    case ACTION_LISTEN:
        return options_listen(options, text, problem);
    case ACTION_ALGORITHM:
        return options_algorithm(options, text, problem);
    case ACTION_NAMES:
        return options_name((struct names *)(void *)field, text, problem);
    case ACTION_SESSIONS:
        if (options_number(text, 1, SESSIONS_MOST, &options->sessions))
            return 0;
        return freshet_problem(problem, "must be a number from 1 to %d", SESSIONS_MOST);
    case ACTION_FAULT:
        return freshet_faults_add(faults, text, problem);
    case ACTION_LOG:
        options->log_path = text;
        return 0;
    case ACTION_PATIENCE:
        return options_patience(options, text, problem);
    }
    return -1;
}
