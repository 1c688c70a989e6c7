/*
 * Settings: their defaults, their bounds, their JSON and their text. A change is checked whole
 * before any of it is taken. Called by options.c at start and admin.c at run time.
 */
#include "issuer/settings.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define DAY_MS     INT64_C(86400000)
#define CENTURY_MS (36525 * DAY_MS)

struct number {
    const char *name;
    size_t offset;
    int64_t least;
    int64_t most;
    int64_t unit_ms; /* what one of it is in milliseconds */
};

struct flag {
    const char *name;
    size_t offset;
};

static const struct number settings_numbers[] = {
    {"ttl_s", offsetof(struct settings, ttl_s), 2, 86400, 1000},
    {"latency_ms", offsetof(struct settings, latency_ms), 0, DAY_MS, 1},
    {"clock_ahead_ms", offsetof(struct settings, clock_ahead_ms), -CENTURY_MS, CENTURY_MS, 1},
    {"issue_age_ms", offsetof(struct settings, issue_age_ms), 0, CENTURY_MS, 1},
};

static const struct flag settings_flags[] = {
    {"session_minter", offsetof(struct settings, session_minter)},
    {"signed_in", offsetof(struct settings, signed_in)},
    {"date", offsetof(struct settings, date)},
};

static const char *const settings_rotations[] = {"grace", "strict", "keep"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int settings_rotation(struct settings *settings, const char *text, struct problem *problem);
static int settings_oiat(struct settings *settings, const json_t *value, struct problem *problem);
static int settings_member(struct settings *settings, const char *name, const json_t *value,
                           struct problem *problem);
static const struct number *settings_number(const char *name);

void freshet_settings_default(struct settings *settings)
{
    *settings = (struct settings){
        .ttl_s = 60,
        .oiat = OIAT_NOW,
        .rotation = ROTATION_GRACE,
        .signed_in = true,
        .date = true,
    };
}

int freshet_settings_change(struct settings *settings, json_t *object, struct problem *problem)
{
    struct settings changed = *settings;
    const char *name;
    json_t *value;

    if (!json_is_object(object))
        return freshet_problem(problem, "settings must be a JSON object");
    json_object_foreach(object, name, value)
    {
        if (settings_member(&changed, name, value, problem) != 0)
            return -1;
    }
    *settings = changed;
    return 0;
}

static int settings_member(struct settings *settings, const char *name, const json_t *value,
                           struct problem *problem)
{
    const struct number *number = settings_number(name);
    char clean[64];
    int flag;

    if (number != NULL) {
        int64_t *field = (int64_t *)(void *)((char *)settings + number->offset);
        return freshet_problem_integer(value, name, number->least, number->most, field, problem);
    }
    for (size_t i = 0; i < COUNT(settings_flags); i++) {
        if (strcmp(settings_flags[i].name, name) != 0)
            continue;
        if (freshet_problem_boolean(value, name, &flag, problem) != 0)
            return -1;
        *(bool *)((char *)settings + settings_flags[i].offset) = flag != 0;
        return 0;
    }
    if (strcmp(name, "rotation") == 0)
        return settings_rotation(settings, json_string_value(value), problem);
    if (strcmp(name, "oiat") == 0)
        return settings_oiat(settings, value, problem);
    return freshet_problem(problem,
                           "%s is no setting; known are ttl_s, latency_ms, clock_ahead_ms, oiat, "
                           "issue_age_ms, rotation, session_minter, signed_in, date",
                           freshet_problem_name(name, clean, sizeof clean));
}

static const struct number *settings_number(const char *name)
{
    for (size_t i = 0; i < COUNT(settings_numbers); i++) {
        if (strcmp(settings_numbers[i].name, name) == 0)
            return &settings_numbers[i];
    }
    return NULL;
}

static int settings_rotation(struct settings *settings, const char *text, struct problem *problem)
{
    for (size_t i = 0; text != NULL && i < COUNT(settings_rotations); i++) {
        if (strcmp(settings_rotations[i], text) == 0) {
            settings->rotation = (enum rotation)i;
            return 0;
        }
    }
    return freshet_problem(problem, "rotation must be grace, strict or keep");
}

static int settings_oiat(struct settings *settings, const json_t *value, struct problem *problem)
{
    const char *text = json_string_value(value);

    if (text != NULL && strcmp(text, "now") == 0) {
        settings->oiat = OIAT_NOW;
        return 0;
    }
    if (text != NULL && strcmp(text, "none") == 0) {
        settings->oiat = OIAT_NONE;
        return 0;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return freshet_problem(problem, "oiat must be now, none or seconds since 1970");
    settings->oiat = OIAT_FIXED;
    settings->oiat_s = json_integer_value(value);
    return 0;
}

json_t *freshet_settings_show(const struct settings *settings)
{
    json_t *oiat = settings->oiat == OIAT_FIXED ? json_integer(settings->oiat_s)
                   : settings->oiat == OIAT_NOW ? json_string("now")
                                                : json_string("none");

    return json_pack("{s:I, s:I, s:I, s:o, s:I, s:s, s:b, s:b, s:b}", "ttl_s",
                     (json_int_t)settings->ttl_s, "latency_ms", (json_int_t)settings->latency_ms,
                     "clock_ahead_ms", (json_int_t)settings->clock_ahead_ms, "oiat", oiat,
                     "issue_age_ms", (json_int_t)settings->issue_age_ms, "rotation",
                     settings_rotations[settings->rotation], "session_minter",
                     settings->session_minter, "signed_in", settings->signed_in, "date",
                     settings->date);
}

/* Digits with an optional fraction, in thousandths; NULL when there is no number. */
static const char *duration_number(const char *text, int64_t *thousandths)
{
    const char *at = text;
    int64_t scale = 100;

    *thousandths = 0;
    for (; isdigit((unsigned char)*at) && *thousandths < INT64_C(1000000000000); at++)
        *thousandths = *thousandths * 10 + (*at - '0');
    *thousandths *= 1000;
    if (at == text)
        return NULL;
    if (*at == '.') {
        if (!isdigit((unsigned char)at[1]))
            return NULL;
        for (at++; isdigit((unsigned char)*at); at++, scale /= 10)
            *thousandths += (*at - '0') * scale;
    }
    return at;
}

int freshet_duration_parse(const char *text, int64_t *duration_ms, struct problem *problem)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"", 1000}, {"m", 60000}, {"h", 3600000}};
    int64_t thousandths = 0;
    bool negative = text[0] == '-';
    const char *unit = duration_number(text + (negative ? 1 : 0), &thousandths);

    for (size_t i = 0; unit != NULL && i < COUNT(units); i++) {
        if (strcmp(units[i].name, unit) != 0)
            continue;
        if (thousandths > CENTURY_MS * 1000 / units[i].ms)
            return freshet_problem(problem, "is longer than a century");
        *duration_ms = thousandths * units[i].ms / 1000 * (negative ? -1 : 1);
        return 0;
    }
    return freshet_problem(problem, "must be a duration such as 250ms, 60s, 1.5m or 2h");
}

int freshet_settings_text(struct settings *settings, const char *name, const char *text,
                          struct problem *problem)
{
    const struct number *number = settings_number(name);
    json_t *value;
    int64_t amount = 0;
    int result;

    if (number != NULL) {
        if (freshet_duration_parse(text, &amount, problem) != 0)
            return -1;
        if (amount % number->unit_ms != 0)
            return freshet_problem(problem, "must be whole seconds: a token's claims are");
        if (amount / number->unit_ms < number->least || amount / number->unit_ms > number->most) {
            return freshet_problem(problem, "must be from %" PRId64 " to %" PRId64 " %s",
                                   number->least, number->most, number->unit_ms == 1 ? "ms" : "s");
        }
        value = json_integer(amount / number->unit_ms);
    } else {
        value = isdigit((unsigned char)text[0]) ? json_loads(text, JSON_DECODE_ANY, NULL)
                                                : json_string(text);
    }
    result = settings_member(settings, name, value, problem);
    json_decref(value);
    return result;
}
