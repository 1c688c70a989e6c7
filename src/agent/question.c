/*
 * Everything a client may say is bounded and checked here, before anything is done about it.
 */
#include "agent/question.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUESTION_MS_MOST    86400000
#define QUESTION_DEPTH_MOST 4
#define QUESTION_SHOWN      40

static int question_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool question_escapes_decode(const char *text)
{
    for (const char *c = strchr(text, '%'); c != NULL; c = strchr(c + 1, '%')) {
        if (question_digit(c[1]) < 0 || question_digit(c[2]) < 0 || (c[1] == '0' && c[2] == '0')) {
            return false;
        }
    }
    return true;
}

size_t freshet_agent_unescape(char *text)
{
    char *to = text;

    if (!question_escapes_decode(text)) {
        return strlen(text);
    }
    for (const char *from = text; *from != '\0'; from++, to++) {
        *to = *from;
        if (*from == '%') {
            *to = (char)(question_digit(from[1]) * 16 + question_digit(from[2]));
            from += 2;
        }
    }
    *to = '\0';
    return (size_t)(to - text);
}

/* Refuses, and quotes as much of the text as can be shown anywhere. */
static bool question_refuse(char *reason, const char *text, const char *why)
{
    char shown[QUESTION_SHOWN + 1];
    size_t length = 0;

    while (length < QUESTION_SHOWN && text[length] != '\0') {
        shown[length] = isgraph((unsigned char)text[length]) ? text[length] : '?';
        length++;
    }
    shown[length] = '\0';
    (void)snprintf(reason, FRESHET_AGENT_REASON_BYTES, "'%s' %s", shown, why);
    return false;
}

static bool question_ms(const char *value, int64_t *ms)
{
    int64_t sum = 0;

    if (*value == '\0') {
        return false;
    }
    for (; *value != '\0'; value++) {
        if (!isdigit((unsigned char)*value)) {
            return false;
        }
        sum = sum * 10 + (*value - '0');
        if (sum > QUESTION_MS_MOST) {
            return false;
        }
    }
    *ms = sum;
    return true;
}

/* ---- a token's parameters ---- */

static bool question_template(struct freshet_request *request, const char *value)
{
    request->template_name = value;
    return true;
}

static bool question_organization(struct freshet_request *request, const char *value)
{
    request->organization = value;
    return true;
}

static bool question_switch(const char *value, int *on)
{
    *on = strcmp(value, "1") == 0;
    return *on || strcmp(value, "0") == 0;
}

static bool question_skip_cache(struct freshet_request *request, const char *value)
{
    return question_switch(value, &request->skip_cache);
}

static bool question_refresh(struct freshet_request *request, const char *value)
{
    return question_switch(value, &request->refresh_if_stale);
}

/* The library's zero is its default; here that is said by leaving the parameter out. */
static bool question_life(const char *value, int64_t *ms)
{
    if (!question_ms(value, ms)) {
        return false;
    }
    *ms -= *ms == 0 ? 1 : 0;
    return true;
}

static bool question_min_remaining(struct freshet_request *request, const char *value)
{
    return question_life(value, &request->min_remaining_ms);
}

static bool question_threshold(struct freshet_request *request, const char *value)
{
    return question_life(value, &request->refresh_threshold_ms);
}

static bool question_timeout(struct freshet_request *request, const char *value)
{
    return question_ms(value, &request->timeout_ms) && request->timeout_ms > 0;
}

static bool question_allow_stale(struct freshet_request *request, const char *value)
{
    static const char *const names[] = {[FRESHET_STALE_DEFAULT] = "usable",
                                        [FRESHET_STALE_NEVER] = "never",
                                        [FRESHET_STALE_EXPIRED] = "expired"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(value, names[i]) == 0) {
            request->allow_stale = (enum freshet_allow_stale)i;
            return true;
        }
    }
    return false;
}

bool freshet_agent_parameter(struct freshet_request *request, const char *name, const char *value,
                             char *reason)
{
    static const struct {
        const char *name;
        bool (*take)(struct freshet_request *request, const char *value);
        const char *rule;
    } parameters[] = {
        {"template", question_template, ""},
        {"organization", question_organization, ""},
        {"skip_cache", question_skip_cache, "is 1 or 0"},
        {"refresh_if_stale", question_refresh, "is 1 or 0"},
        {"min_remaining_ms", question_min_remaining, "is a number of milliseconds, 0 to 86400000"},
        {"refresh_threshold_ms", question_threshold, "is a number of milliseconds, 0 to 86400000"},
        {"timeout_ms", question_timeout, "is a number of milliseconds, 1 to 86400000"},
        {"allow_stale", question_allow_stale, "is never, usable or expired"},
    };

    if (value == NULL) {
        return question_refuse(reason, name, "needs a value");
    }
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        if (strcmp(name, parameters[i].name) == 0) {
            return parameters[i].take(request, value) ||
                   question_refuse(reason, name, parameters[i].rule);
        }
    }
    return question_refuse(reason, name, "is no parameter of a token; freshet-agent(1) lists them");
}

/* ---- what the other routes take ---- */

bool freshet_agent_events_parameter(bool *trace, const char *name, const char *value, char *reason)
{
    if (strcmp(name, "trace") != 0) {
        return question_refuse(reason, name, "is no parameter; there is trace");
    }
    *trace = value != NULL && strcmp(value, "1") == 0;
    return *trace || (value != NULL && strcmp(value, "0") == 0) ||
           question_refuse(reason, name, "is 1 or 0");
}

bool freshet_agent_sign_out_parameter(enum freshet_sign_out_scope *scope, const char *name,
                                      const char *value, char *reason)
{
    static const char *const scopes[] = {[FRESHET_SIGN_OUT_FITTING] = "fitting",
                                         [FRESHET_SIGN_OUT_SESSION] = "session",
                                         [FRESHET_SIGN_OUT_ALL] = "all"};

    if (strcmp(name, "scope") != 0) {
        return question_refuse(reason, name, "is no parameter; there is scope");
    }
    for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
        if (value != NULL && strcmp(value, scopes[i]) == 0) {
            *scope = (enum freshet_sign_out_scope)i;
            return true;
        }
    }
    return question_refuse(reason, name, "is fitting, session or all");
}

/* Depth is counted before parsing; brackets in strings count too, and no token has any. */
static bool question_shallow(const char *bytes, size_t length)
{
    int depth = 0;

    for (size_t i = 0; i < length; i++) {
        depth += bytes[i] == '{' || bytes[i] == '[' ? 1 : 0;
    }
    return depth <= QUESTION_DEPTH_MOST;
}

char *freshet_agent_rejected(const char *body, size_t length)
{
    json_t *root = NULL;
    json_t *member = NULL;
    char *token = NULL;

    if (body == NULL || !question_shallow(body, length)) {
        return NULL;
    }
    root = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL);
    member = json_object_get(root, "token");
    if (json_is_string(member) && json_string_length(member) > 0) {
        token = strdup(json_string_value(member));
        sodium_memzero((void *)(uintptr_t)json_string_value(member), json_string_length(member));
    }
    json_decref(root);
    return token;
}
