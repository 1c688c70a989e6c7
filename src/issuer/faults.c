/*
 * Fault lists are kept as the JSON they came in, checked once when they are set; taking a rule reads
 * its members through one table. A specification from the command line is turned into the same JSON.
 * Called by options.c, admin.c and, for each request, server.c.
 */
#include "issuer/faults.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTS_MOST = 64, RULES_MOST = 256, ON_MOST = 136 };

enum kind {
    KIND_NUMBER,
    KIND_STATUS,
    KIND_FLAG,
    KIND_TEXT,
    KIND_RETRY_AFTER,
    KIND_BODY,
    KIND_COUNT
};

struct member {
    const char *name;
    enum kind kind;
    size_t offset;
    int64_t least;
    int64_t most;
};

static const struct member fault_members[] = {
    {"status", KIND_STATUS, offsetof(struct fault, status), 200, 599},
    {"code", KIND_TEXT, offsetof(struct fault, code), 0, 0},
    {"retry_after", KIND_RETRY_AFTER, offsetof(struct fault, retry_after), 0, 1000000000},
    {"drop", KIND_FLAG, offsetof(struct fault, drop), 0, 0},
    {"hang", KIND_FLAG, offsetof(struct fault, hang), 0, 0},
    {"empty", KIND_FLAG, offsetof(struct fault, empty), 0, 0},
    {"truncate", KIND_FLAG, offsetof(struct fault, truncate), 0, 0},
    {"malformed", KIND_FLAG, offsetof(struct fault, malformed), 0, 0},
    {"body", KIND_BODY, offsetof(struct fault, body), 0, 0},
    {"latency_ms", KIND_NUMBER, offsetof(struct fault, latency_ms), 0, 86400000},
    {"body_bytes", KIND_NUMBER, offsetof(struct fault, body_bytes), 1, INT64_C(4294967296)},
    {"count", KIND_COUNT, 0, -1, 1000000000},
};

/* An object of arrays of rules, by `on`. */
struct faults {
    json_t *lists;
};

static int fault_check(json_t *rule, struct problem *problem);
static int fault_check_on(const char *on, struct problem *problem);
static int fault_store(struct faults *faults, const char *on, json_t *rules,
                       struct problem *problem);
static json_t *fault_parse_rule(const char *text, size_t length, struct problem *problem);
static json_t *fault_use(struct faults *faults, const char *on);
static void fault_read(const json_t *rule, struct fault *fault);

struct faults *freshet_faults_open(void)
{
    struct faults *faults = calloc(1, sizeof *faults);

    if (faults == NULL)
        return NULL;
    faults->lists = json_object();
    if (faults->lists == NULL) {
        free(faults);
        return NULL;
    }
    return faults;
}

void freshet_faults_close(struct faults *faults)
{
    if (faults == NULL)
        return;
    json_decref(faults->lists);
    free(faults);
}

int freshet_faults_set(struct faults *faults, json_t *object, struct problem *problem)
{
    const char *on = json_string_value(json_object_get(object, "on"));
    const json_t *rules = json_object_get(object, "rules");
    const char *name;
    char clean[64];
    json_t *value, *copy;

    json_object_foreach(object, name, value)
    {
        if (strcmp(name, "on") != 0 && strcmp(name, "rules") != 0)
            return freshet_problem(problem, "%s is no member of a fault list; known are on, rules",
                                   freshet_problem_name(name, clean, sizeof clean));
    }
    if (on == NULL || !json_is_array(rules))
        return freshet_problem(problem, "a fault list is {\"on\": NAME, \"rules\": [...]}");
    copy = json_deep_copy(rules);
    return fault_store(faults, on, copy, problem);
}

/* Takes the rules over. */
static int fault_store(struct faults *faults, const char *on, json_t *rules,
                       struct problem *problem)
{
    size_t index;
    json_t *rule;

    if (fault_check_on(on, problem) != 0)
        goto refused;
    if (json_array_size(rules) > RULES_MOST) {
        freshet_problem(problem, "more than %d rules on %s", RULES_MOST, on);
        goto refused;
    }
    json_array_foreach(rules, index, rule)
    {
        if (fault_check(rule, problem) != 0)
            goto refused;
    }
    if (json_array_size(rules) == 0) {
        (void)json_object_del(faults->lists, on);
        json_decref(rules);
        return 0;
    }
    if (json_object_get(faults->lists, on) == NULL &&
        json_object_size(faults->lists) >= LISTS_MOST) {
        freshet_problem(problem, "faults on more than %d things", LISTS_MOST);
        goto refused;
    }
    if (json_object_set_new(faults->lists, on, rules) != 0)
        return freshet_problem(problem, "no memory for the rules");
    return 0;

refused:
    json_decref(rules);
    return -1;
}

static int fault_check_on(const char *on, struct problem *problem)
{
    char clean[64];

    if (strcmp(on, "*") == 0)
        return 0;
    if (strncmp(on, "tokens/", 7) == 0 && on[7] != '\0' && strlen(on) < ON_MOST)
        return 0;
    for (int i = ENDPOINT_ENVIRONMENT; i <= ENDPOINT_SESSIONS; i++) {
        if (strcmp(freshet_endpoint_name((enum endpoint)i), on) == 0)
            return 0;
    }
    return freshet_problem(problem,
                           "%s cannot fail; known are environment, client, tokens, tokens/NAME, "
                           "touch, end, remove, sessions, *",
                           freshet_problem_name(on, clean, sizeof clean));
}

static const struct member *fault_member(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof fault_members / sizeof fault_members[0]; i++) {
        if (strlen(fault_members[i].name) == length &&
            memcmp(fault_members[i].name, name, length) == 0)
            return &fault_members[i];
    }
    return NULL;
}

/* Text that goes into a header: short, printable, no line ends. */
static bool fault_printable(const json_t *value)
{
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);

    if (text == NULL || length == 0 || length >= sizeof((struct fault *)NULL)->code)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~')
            return false;
    }
    return true;
}

static int fault_check_member(const struct member *member, const json_t *value,
                              struct problem *problem)
{
    int64_t number;
    int flag;

    switch (member->kind) {
    case KIND_FLAG:
        return freshet_problem_boolean(value, member->name, &flag, problem);
    case KIND_TEXT:
        return fault_printable(value)
                   ? 0
                   : freshet_problem(problem, "%s must be a short text", member->name);
    case KIND_RETRY_AFTER:
        if (fault_printable(value))
            return 0;
        break;
    case KIND_BODY:
        return json_is_string(value) ? 0 : freshet_problem(problem, "body must be a text");
    case KIND_COUNT:
        if (json_is_integer(value) && json_integer_value(value) == 0)
            return freshet_problem(problem, "count must be at least 1, or -1 for ever");
        break;
    case KIND_NUMBER:
    case KIND_STATUS:
        break;
    }
    return freshet_problem_integer(value, member->name, member->least, member->most, &number,
                                   problem);
}

static int fault_check(json_t *rule, struct problem *problem)
{
    char clean[64];
    const char *name;
    json_t *value;

    if (!json_is_object(rule))
        return freshet_problem(problem, "a rule must be a JSON object");
    json_object_foreach(rule, name, value)
    {
        const struct member *member = fault_member(name, strlen(name));

        if (member == NULL)
            return freshet_problem(problem,
                                   "%s is no member of a rule; known are status, code, "
                                   "retry_after, drop, hang, empty, truncate, malformed, body, "
                                   "latency_ms, body_bytes, count",
                                   freshet_problem_name(name, clean, sizeof clean));
        if (fault_check_member(member, value, problem) != 0)
            return -1;
    }
    return 0;
}

int freshet_faults_add(struct faults *faults, const char *spec, struct problem *problem)
{
    const char *colon = strchr(spec, ':');
    char on[ON_MOST];
    json_t *rules;

    if (colon == NULL || (size_t)(colon - spec) >= sizeof on)
        return freshet_problem(problem, "must read NAME:RULE, as in tokens:status=500,count=3");
    memcpy(on, spec, (size_t)(colon - spec));
    on[colon - spec] = '\0';
    rules = json_deep_copy(json_object_get(faults->lists, on));
    if (rules == NULL)
        rules = json_array();

    for (const char *at = colon + 1;; at++) {
        size_t length = strcspn(at, ";");
        const char *body = strstr(at, "body=");
        json_t *rule;

        if (body != NULL && body < at + length)
            length = strlen(at);
        rule = fault_parse_rule(at, length, problem);
        if (rule == NULL || json_array_append_new(rules, rule) != 0) {
            json_decref(rules);
            return -1;
        }
        at += length;
        if (*at == '\0')
            return fault_store(faults, on, rules, problem);
    }
}

/* The JSON value that "name=text" stands for; a text that fits no kind is left to the check. */
static json_t *fault_parse_value(const struct member *member, const char *text, size_t length)
{
    char digits[24];
    char *end;
    json_int_t number;

    if (member->kind == KIND_FLAG)
        return length == 0 ? json_true() : json_stringn(text, length);
    if (member->kind == KIND_TEXT || member->kind == KIND_BODY || length == 0 ||
        length >= sizeof digits)
        return json_stringn(text, length);
    memcpy(digits, text, length);
    digits[length] = '\0';
    number = strtoll(digits, &end, 10);
    return *end == '\0' && !isspace((unsigned char)digits[0]) ? json_integer(number)
                                                              : json_stringn(text, length);
}

/* "status=500,count=3"; the text of `body` runs to the end. */
static json_t *fault_parse_rule(const char *text, size_t length, struct problem *problem)
{
    const char *end = text + length;
    json_t *rule = json_object();

    for (const char *at = text; rule != NULL && at <= end;) {
        size_t room = (size_t)(end - at);
        const char *comma = memchr(at, ',', room);
        const char *stop = comma == NULL ? end : comma;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        size_t name_length = (size_t)((equals == NULL ? stop : equals) - at);
        const struct member *member = fault_member(at, name_length);
        char clean[64];

        if (member == NULL) {
            (void)snprintf(clean, sizeof clean, "%.*s", name_length < 40 ? (int)name_length : 40,
                           at);
            freshet_problem(problem, "'%s' is no member of a rule; see --help for them",
                            freshet_problem_name(clean, clean, sizeof clean));
            json_decref(rule);
            return NULL;
        }
        if (member->kind == KIND_BODY)
            stop = end;
        if (equals == NULL)
            equals = stop - 1;
        (void)json_object_set_new(
            rule, member->name, fault_parse_value(member, equals + 1, (size_t)(stop - equals - 1)));
        at = stop + 1;
    }
    return rule;
}

struct fault freshet_faults_take(struct faults *faults, enum endpoint endpoint,
                                 const char *template_name)
{
    struct fault fault = {0};
    char on[ON_MOST];
    json_t *rule = NULL;

    if (!freshet_endpoint_faulty(endpoint))
        return fault;
    if (endpoint == ENDPOINT_TOKENS && template_name[0] != '\0') {
        (void)snprintf(on, sizeof on, "tokens/%s", template_name);
        rule = fault_use(faults, on);
    }
    if (rule == NULL)
        rule = fault_use(faults, freshet_endpoint_name(endpoint));
    if (rule == NULL)
        rule = fault_use(faults, "*");
    if (rule == NULL)
        return fault;
    fault_read(rule, &fault);
    json_decref(rule);
    return fault;
}

/* The first rule of a list, one use less; the caller holds a reference to it. */
static json_t *fault_use(struct faults *faults, const char *on)
{
    json_t *rules = json_object_get(faults->lists, on);
    json_t *rule = json_incref(json_array_get(rules, 0));
    const json_t *count = json_object_get(rule, "count");
    json_int_t left = count == NULL ? 1 : json_integer_value(count);

    if (rule == NULL || left < 0)
        return rule;
    if (left > 1)
        (void)json_object_set_new(rule, "count", json_integer(left - 1));
    else
        (void)json_array_remove(rules, 0);
    if (json_array_size(rules) == 0)
        (void)json_object_del(faults->lists, on);
    return rule;
}

static void fault_read(const json_t *rule, struct fault *fault)
{
    fault->struck = true;
    for (size_t i = 0; i < sizeof fault_members / sizeof fault_members[0]; i++) {
        const struct member *member = &fault_members[i];
        json_t *value = json_object_get(rule, member->name);
        void *field = (char *)fault + member->offset;

        if (value == NULL || member->kind == KIND_COUNT)
            continue;
        if (member->kind == KIND_FLAG)
            *(bool *)field = json_is_true(value);
        else if (member->kind == KIND_STATUS)
            fault->status = (int)json_integer_value(value);
        else if (member->kind == KIND_BODY)
            fault->body = json_incref(value);
        else if (member->kind == KIND_NUMBER)
            *(int64_t *)field = json_integer_value(value);
        else if (json_is_integer(value))
            (void)snprintf(field, sizeof fault->code, "%lld", (long long)json_integer_value(value));
        else
            (void)snprintf(field, sizeof fault->code, "%s", json_string_value(value));
    }
}

void freshet_fault_done(struct fault *fault)
{
    json_decref(fault->body);
    fault->body = NULL;
}

bool freshet_fault_acts(const struct fault *fault)
{
    return fault->status < 300;
}

const char *freshet_fault_name(const struct fault *fault)
{
    if (!fault->struck)
        return "";
    return fault->hang         ? "hang"
           : fault->drop       ? "drop"
           : fault->truncate   ? "truncate"
           : fault->body_bytes ? "body_bytes"
           : fault->body       ? "body"
           : fault->empty      ? "empty"
           : fault->malformed  ? "malformed"
           : fault->status     ? "status"
                               : "latency";
}

json_t *freshet_faults_show(const struct faults *faults)
{
    return json_deep_copy(faults->lists);
}
