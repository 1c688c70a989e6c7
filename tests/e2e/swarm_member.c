/*
 * One process of a swarm: a user of the public library that reads its token all the time and says
 * what it sees, a line at a time, so that a test can judge it from outside.
 *
 * usage: swarm_member NUMBER URL CLIENT-TOKEN-FILE READ-EVERY-MS
 *
 * Each line begins with NUMBER: token HASH, request ENDPOINT, status NAME, signed_out; lack STATUS
 * (no usable token after the first one), late MS, failed STATUS MESSAGE, expired, revived, which a
 * well-kept swarm never says. Standard input brings commands of one letter: w(ake), s(ign out),
 * j (say what the status says), f(ork at the next token request). It ends when its input ends.
 */
#include <freshet/freshet.h>

#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 16384
#define SAY_MAX  1024 /* less than PIPE_BUF: a line is written whole or not at all */
#define LATE_MS  1000

struct member {
    int number;
    int read_every_ms;
    struct freshet_client *client;
    struct freshet_session *session;
    pthread_t reader;
    int reader_end[2]; /* its writing end is closed when reading ends */
    atomic_bool has_had;
    atomic_bool signed_out;
    atomic_bool fork_next;
    enum freshet_status last_peek;
    enum freshet_status last_get;
};

__attribute__((format(printf, 2, 3))) static void member_say(const struct member *member,
                                                             const char *format, ...)
{
    char line[SAY_MAX];
    int length = snprintf(line, sizeof(line), "%d ", member->number);
    va_list arguments;

    va_start(arguments, format);
    length += vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, arguments);
    va_end(arguments);
    length = length < (int)sizeof(line) - 1 ? length : (int)sizeof(line) - 2;
    line[length++] = '\n';
    if (write(STDOUT_FILENO, line, (size_t)length) != length) {
        _exit(3); /* nobody listens any more */
    }
}

static int64_t member_clock_ms(clockid_t clock)
{
    struct timespec at;

    clock_gettime(clock, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

/* ---- tokens ---- */

/* The expiry that the token itself carries; what the library thinks of it is not asked. */
static int64_t member_expiry_ms(const char *text)
{
    unsigned char payload[TEXT_MAX];
    const char *from = strchr(text, '.');
    const char *to = from != NULL ? strchr(from + 1, '.') : NULL;
    size_t length = 0;
    json_t *claims = NULL;
    int64_t expiry_s = 0;

    if (to != NULL &&
        sodium_base642bin(payload, sizeof(payload), from + 1, (size_t)(to - from - 1), NULL,
                          &length, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0) {
        claims = json_loadb((const char *)payload, length, 0, NULL);
        expiry_s = json_integer_value(json_object_get(claims, "exp"));
        json_decref(claims);
    }
    return expiry_s * 1000;
}

static uint64_t member_hash(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    }
    return hash;
}

/* What was so when the call began counts, so that a call that was slow to return is not blamed. */
static void member_judge(const struct member *member, const char *text, bool signed_out,
                         int64_t before_ms)
{
    int64_t expiry_ms = member_expiry_ms(text);

    if (expiry_ms <= before_ms) {
        member_say(member, "expired %" PRId64, before_ms - expiry_ms);
    }
    if (signed_out) {
        member_say(member, "revived");
    }
}

static void member_peek(struct member *member)
{
    char text[TEXT_MAX];
    bool signed_out = member->signed_out;
    bool had = member->has_had;
    int64_t before_ms = member_clock_ms(CLOCK_REALTIME);
    enum freshet_status status = freshet_peek(member->session, text, sizeof(text), NULL, NULL);

    if (status == FRESHET_OK || status == FRESHET_STALE) {
        member_judge(member, text, signed_out, before_ms);
    }
    if (status != FRESHET_OK && status != member->last_peek && had && !member->signed_out) {
        member_say(member, "lack %s", freshet_status_name(status));
    }
    member->last_peek = status;
}

static void member_get(struct member *member)
{
    struct freshet_token *token = NULL;
    struct freshet_error error = {.message = ""};
    bool signed_out = member->signed_out;
    bool had = member->has_had;
    int64_t before_ms = member_clock_ms(CLOCK_REALTIME);
    int64_t began_ms = member_clock_ms(CLOCK_MONOTONIC);
    enum freshet_status status = freshet_get(member->session, NULL, &token, &error);
    int64_t took_ms = member_clock_ms(CLOCK_MONOTONIC) - began_ms;

    if (status == FRESHET_OK) {
        member_judge(member, freshet_token_text(token), signed_out, before_ms);
        freshet_token_unref(token);
        member->has_had = true;
    } else if (status != member->last_get && status != FRESHET_CLOSED && !member->signed_out) {
        member_say(member, "failed %s %s", freshet_status_name(status), error.message);
    }
    if (had && took_ms >= LATE_MS) {
        member_say(member, "late %" PRId64, took_ms);
    }
    member->last_get = status;
}

static void *member_read(void *context)
{
    struct member *member = context;
    struct pollfd end = {.fd = member->reader_end[0], .events = POLLIN};

    do {
        member_peek(member);
        member_get(member);
    } while (poll(&end, 1, member->read_every_ms) == 0);
    return NULL;
}

/* ---- events ---- */

/* The child lives until its input ends, and does nothing: what it inherited, it keeps. */
static void member_fork(const struct member *member)
{
    char byte = '\0';

    if (fork() == 0) {
        member_say(member, "forked");
        while (read(STDIN_FILENO, &byte, 1) > 0) {
        }
        _exit(0);
    }
}

static void member_trace(struct member *member, const char *line)
{
    json_t *trace = json_loads(line, 0, NULL);
    const char *event = json_string_value(json_object_get(trace, "event"));
    const char *on = json_string_value(json_object_get(trace, "on"));

    if (event != NULL && on != NULL && strcmp(event, "request") == 0) {
        member_say(member, "request %s", on);
        if (strcmp(on, "tokens") == 0 && atomic_exchange(&member->fork_next, false)) {
            member_fork(member);
        }
    }
    json_decref(trace);
}

static void member_updated(const struct member *member, struct freshet_session *session)
{
    char text[TEXT_MAX];
    enum freshet_status status = freshet_peek(session, text, sizeof(text), NULL, NULL);

    if (status == FRESHET_OK || status == FRESHET_STALE) {
        member_say(member, "token %016" PRIx64, member_hash(text));
    }
}

static void member_hear(void *context, const struct freshet_event *event)
{
    struct member *member = context;

    switch (event->kind) {
    case FRESHET_EVENT_TOKEN_UPDATED:
        member_updated(member, event->session);
        break;
    case FRESHET_EVENT_SESSION_STATUS:
        member_say(member, "status %s", event->session_status);
        break;
    case FRESHET_EVENT_SIGNED_OUT:
        member->signed_out = true;
        member_say(member, "signed_out");
        break;
    case FRESHET_EVENT_TRACE:
        member_trace(member, event->trace);
        break;
    case FRESHET_EVENT_TOKEN_RESOLVED:
        break;
    }
}

/* ---- commands ---- */

static const char *member_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static void member_tell_status(const struct member *member)
{
    char *text = NULL;
    json_t *status = NULL;
    const json_t *session = NULL;

    if (freshet_status_json(member->client, &text) != FRESHET_OK) {
        return;
    }
    status = json_loads(text, 0, NULL);
    session = json_array_get(json_object_get(status, "sessions"), 0);
    member_say(member, "sharing %s", member_text(status, "sharing"));
    member_say(member, "sharing_fault %s", member_text(status, "sharing_fault"));
    member_say(member, "credential_fault %s", member_text(session, "credential_fault"));
    member_say(member, "told");
    json_decref(status);
    free(text);
}

static void member_obey(struct member *member)
{
    char command = '\0';

    while (read(STDIN_FILENO, &command, 1) == 1) {
        switch (command) {
        case 'w':
            freshet_wake(member->client);
            break;
        case 's':
            (void)freshet_sign_out(member->session, FRESHET_SIGN_OUT_FITTING);
            break;
        case 'j':
            member_tell_status(member);
            break;
        default:
            member->fork_next = true;
            break;
        }
    }
}

static bool member_open(struct member *member, const char *url, const char *token_file)
{
    const struct freshet_session_options options = {
        .size = sizeof(options), .url = url, .client_token_file = token_file};
    struct freshet_error error = {.message = ""};

    if (freshet_open(NULL, &member->client, &error) != FRESHET_OK ||
        freshet_subscribe(member->client, member_hear, member) != FRESHET_OK ||
        freshet_session_open(member->client, &options, &member->session, &error) != FRESHET_OK ||
        pipe(member->reader_end) != 0 ||
        pthread_create(&member->reader, NULL, member_read, member) != 0) {
        member_say(member, "failed open %s", error.message);
        return false;
    }
    return true;
}

int main(int count, char **arguments)
{
    struct member member = {.number = 0};

    if (count != 5 || sodium_init() < 0) {
        fputs("usage: swarm_member NUMBER URL CLIENT-TOKEN-FILE READ-EVERY-MS\n", stderr);
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a stopped one would not see its input end */
    member.number = (int)strtol(arguments[1], NULL, 10);
    member.read_every_ms = (int)strtol(arguments[4], NULL, 10);
    if (!member_open(&member, arguments[2], arguments[3])) {
        return 1;
    }
    member_obey(&member);
    close(member.reader_end[1]);
    freshet_session_close(member.session);
    pthread_join(member.reader, NULL);
    close(member.reader_end[0]);
    freshet_close(member.client);
    /* Leaks are looked for elsewhere: a leak checker may hang where a child of ours is alive. */
    fflush(NULL);
    _exit(0);
}
