/*
 * Reads a scenario's head: seed, issuer, policy. The steps are read in steps.c; what only the whole
 * file can tell (does that process exist, does any call carry that label) is checked here.
 */
#include "simulate/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TTL_MAX_S   INT64_C(315360000) /* ten years */
#define DEPTH_MAX   32
#define SECONDS_MAX 31536000

static const char *const scenario_mint_at[] = {"answer", "request", NULL};
static const char *const scenario_rotations[] = {"grace", "strict", "keep", NULL};

static bool scenario_issuer_oiat(struct document *document, const struct place *place,
                                 const struct field *field, const json_t *value, void *base)
{
    struct issuer_settings *settings = base;

    (void)field;
    return freshet_scenario_oiat(document, place, value, &settings->oiat);
}

#define AT(member) offsetof(struct issuer_settings, member)

static const struct field scenario_issuer_fields[] = {
    {.name = "ttl_s", .type = FIELD_INTEGER, .offset = AT(ttl_s), .least = 1, .most = TTL_MAX_S},
    {.name = "latency_ms", .offset = AT(latency_ms), .most = FRESHET_SIM_UNTIL_MAX_MS},
    {.name = "clock_ahead_ms",
     .offset = AT(clock_ahead_ms),
     .least = -FRESHET_SIM_UNTIL_MAX_MS,
     .most = FRESHET_SIM_UNTIL_MAX_MS},
    {.name = "oiat", .type = FIELD_OWN, .own = scenario_issuer_oiat},
    {.name = "issue_age_ms", .offset = AT(issue_age_ms), .most = FRESHET_SIM_UNTIL_MAX_MS},
    {.name = "mint_at", .type = FIELD_CHOICE, .offset = AT(mint_at), .choices = scenario_mint_at},
    {.name = "date", .type = FIELD_FLAG, .offset = AT(date)},
    {.name = "token_in_client", .type = FIELD_FLAG, .offset = AT(token_in_client)},
    {.name = "signed_in", .type = FIELD_FLAG, .offset = AT(signed_in)},
    {.name = "organization",
     .type = FIELD_NAME,
     .offset = AT(organization),
     .most = FRESHET_NAME_MAX},
    {.name = "session_minter", .type = FIELD_FLAG, .offset = AT(session_minter)},
    {.name = "rotation",
     .type = FIELD_CHOICE,
     .offset = AT(rotation),
     .choices = scenario_rotations},
};

#undef AT
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct table scenario_issuer_table = {
    .what = "issuer", .fields = scenario_issuer_fields, .count = COUNT(scenario_issuer_fields)};

#define AT(member) offsetof(struct policy, member)

static const struct field scenario_policy_fields[] = {
    {.name = "leeway_s", .type = FIELD_SECONDS, .offset = AT(leeway_ms), .most = SECONDS_MAX},
    {.name = "lead_s", .type = FIELD_SECONDS, .offset = AT(lead_ms), .most = SECONDS_MAX},
    {.name = "min_remaining_s",
     .type = FIELD_SECONDS,
     .offset = AT(min_remaining_ms),
     .most = SECONDS_MAX},
    {.name = "refresh_threshold_s",
     .type = FIELD_SECONDS,
     .offset = AT(refresh_threshold_ms),
     .most = SECONDS_MAX},
    {.name = "proactive", .type = FIELD_FLAG, .offset = AT(proactive)},
    {.name = "idle_cycles", .type = FIELD_SMALL, .offset = AT(idle_cycles), .most = 1000000},
    {.name = "request_timeout_ms",
     .offset = AT(request_timeout_ms),
     .least = 1,
     .most = FRESHET_SIM_UNTIL_MAX_MS},
    {.name = "retry_first_ms",
     .offset = AT(retry_first_ms),
     .least = 1,
     .most = FRESHET_SIM_UNTIL_MAX_MS},
    {.name = "retry_factor",
     .type = FIELD_FACTOR,
     .offset = AT(retry_factor),
     .least = 1,
     .most = 1000},
    {.name = "retry_cap_ms",
     .offset = AT(retry_cap_ms),
     .least = 1,
     .most = FRESHET_SIM_UNTIL_MAX_MS},
    {.name = "retry_attempts",
     .type = FIELD_SMALL,
     .offset = AT(retry_attempts),
     .least = 1,
     .most = 1000000},
    {.name = "offline_ms", .offset = AT(offline_ms), .most = FRESHET_SIM_UNTIL_MAX_MS},
    {.name = "jitter", .type = FIELD_FACTOR, .offset = AT(jitter), .most = 10},
};

#undef AT

static const struct table scenario_policy_table = {
    .what = "policy", .fields = scenario_policy_fields, .count = COUNT(scenario_policy_fields)};

static bool scenario_head_issuer(struct document *document, const struct place *place,
                                 const struct field *field, const json_t *value, void *base)
{
    struct scenario *scenario = base;

    (void)field;
    return freshet_scenario_issuer(document, place, value, &scenario->issuer);
}

static bool scenario_head_policy(struct document *document, const struct place *place,
                                 const struct field *field, const json_t *value, void *base)
{
    struct scenario *scenario = base;

    (void)field;
    return freshet_fields_read(document, place, value, &scenario_policy_table, &scenario->policy);
}

static bool scenario_head_steps(struct document *document, const struct place *place,
                                const struct field *field, const json_t *value, void *base)
{
    struct scenario *scenario = base;
    size_t count = json_array_size(value);

    (void)field;
    if (!freshet_document_wants(document, place, value, JSON_ARRAY, "\"steps\""))
        return false;
    scenario->steps = calloc(count + 1, sizeof *scenario->steps);
    if (scenario->steps == NULL)
        return freshet_document_error(document, place, "no memory for %zu steps", count);
    for (size_t i = 0; i < count; i++) {
        struct place element = {place, NULL, i};
        struct step *step = &scenario->steps[scenario->step_count++];

        step->order = i;
        if (!freshet_step_read(document, &element, json_array_get(value, i), false, step))
            return false;
    }
    return true;
}

#define AT(member) offsetof(struct scenario, member)

static const struct field scenario_fields[] = {
    {.name = "about", .type = FIELD_TEXT, .offset = AT(about), .most = 100000},
    {.name = "seed", .offset = AT(seed), .least = INT64_MIN, .most = INT64_MAX},
    {.name = "epoch_ms", .offset = AT(epoch_ms), .most = INT64_C(253402300799999)},
    {.name = "until_ms", .offset = AT(until_ms), .most = FRESHET_SIM_UNTIL_MAX_MS},
    {.name = "processes", .offset = AT(processes), .least = 1, .most = FRESHET_SIM_PROCESSES_MAX},
    {.name = "issuer", .type = FIELD_OWN, .own = scenario_head_issuer},
    {.name = "policy", .type = FIELD_OWN, .own = scenario_head_policy},
    {.name = "steps", .type = FIELD_OWN, .own = scenario_head_steps, .required = true},
};

#undef AT

static const struct table scenario_table = {
    .what = "a scenario", .fields = scenario_fields, .count = COUNT(scenario_fields)};

static bool scenario_parse(struct scenario *scenario, struct document *document);
static bool scenario_check(struct scenario *scenario, struct document *document);

bool freshet_scenario_read(struct scenario *scenario, struct document *document)
{
    *scenario = (struct scenario){
        .about = "",
        .seed = 1,
        .epoch_ms = INT64_C(1700000000000),
        .until_ms = -1,
        .processes = 1,
        .issuer = {.ttl_s = 60,
                   .latency_ms = 10,
                   .date = true,
                   .token_in_client = true,
                   .signed_in = true,
                   .organization = ""},
        .policy = freshet_policy_default(),
    };
    return scenario_parse(scenario, document) &&
           freshet_fields_read(document, NULL, scenario->root, &scenario_table, scenario) &&
           scenario_check(scenario, document);
}

/* The line on which brackets are nested deeper than any scenario needs, or 0. */
static int scenario_too_deep(const struct document *document)
{
    int depth = 0;
    int line = 1;
    bool quoted = false;

    for (size_t i = 0; i < document->length; i++) {
        char byte = document->text[i];

        line += byte == '\n';
        if (quoted && byte == '\\')
            i++;
        else if (byte == '"')
            quoted = !quoted;
        else if (!quoted && (byte == '{' || byte == '['))
            depth++;
        else if (!quoted && (byte == '}' || byte == ']'))
            depth--;
        if (depth > DEPTH_MAX)
            return line;
    }
    return 0;
}

static bool scenario_parse(struct scenario *scenario, struct document *document)
{
    json_error_t error;
    char clean[JSON_ERROR_TEXT_LENGTH];
    int deep = scenario_too_deep(document);

    if (deep > 0) {
        (void)snprintf(document->error, sizeof document->error, "%s:%d: nested deeper than %d",
                       document->name, deep, DEPTH_MAX);
        return false;
    }
    scenario->root = json_loadb(document->text, document->length, JSON_REJECT_DUPLICATES, &error);
    if (scenario->root != NULL)
        return true;
    (void)snprintf(document->error, sizeof document->error, "%s:%d: this is not JSON: %s",
                   document->name, error.line < 1 ? 1 : error.line,
                   freshet_document_clean(error.text, clean, sizeof clean));
    return false;
}

void freshet_scenario_free(struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->step_count; i++)
        freshet_step_free(&scenario->steps[i]);
    free(scenario->steps);
    json_decref(scenario->root);
    *scenario = (struct scenario){.steps = NULL};
}

bool freshet_scenario_issuer(struct document *document, const struct place *place,
                             const json_t *object, struct issuer_settings *settings)
{
    return freshet_fields_read(document, place, object, &scenario_issuer_table, settings);
}

bool freshet_scenario_oiat(struct document *document, const struct place *place,
                           const json_t *value, struct oiat *oiat)
{
    const char *text = json_string_value(value);
    int64_t seconds = json_integer_value(value);

    if (text != NULL && strcmp(text, "now") == 0)
        *oiat = (struct oiat){.kind = OIAT_NOW};
    else if (text != NULL && strcmp(text, "none") == 0)
        *oiat = (struct oiat){.kind = OIAT_NONE};
    else if (json_is_integer(value) && seconds >= 0 && seconds <= INT64_C(253402300799))
        *oiat = (struct oiat){.kind = OIAT_FIXED, .fixed_s = seconds};
    else
        return freshet_document_error(document, place,
                                      "\"oiat\" must be \"now\", \"none\" or an integer: seconds "
                                      "since 1970");
    return true;
}

/* Does any call of these steps carry the label? */
static bool scenario_has_label(const struct scenario *scenario, const char *label)
{
    for (size_t i = 0; i < scenario->step_count; i++) {
        const struct step *step = &scenario->steps[i];

        if (step->kind == STEP_EVERY)
            step = step->u.every.step;
        if (step->kind == STEP_GET && step->u.get.label != NULL &&
            strcmp(step->u.get.label, label) == 0)
            return true;
    }
    return false;
}

static bool scenario_check_step(const struct scenario *scenario, struct document *document,
                                const struct place *place, const struct step *step)
{
    struct place process = {place, "process", 0};
    struct place label = {place, "label", 0};
    struct place inner = {place, "step", 0};
    char clean[64];

    if (step->process >= scenario->processes)
        return freshet_document_error(document, &process,
                                      "there is no process %lld: \"processes\" is %lld, and they "
                                      "count from 0",
                                      (long long)step->process, (long long)scenario->processes);
    if (step->kind == STEP_REJECT && !scenario_has_label(scenario, step->u.reject.label))
        return freshet_document_error(
            document, &label, "no get carries the label \"%s\"",
            freshet_document_clean(step->u.reject.label, clean, sizeof clean));
    return step->kind != STEP_EVERY ||
           scenario_check_step(scenario, document, &inner, step->u.every.step);
}

static bool scenario_check(struct scenario *scenario, struct document *document)
{
    struct place steps = {NULL, "steps", 0};
    int64_t last_ms = 0;

    for (size_t i = 0; i < scenario->step_count; i++) {
        struct place place = {&steps, NULL, i};

        last_ms = freshet_max(last_ms, scenario->steps[i].at_ms);
        if (!scenario_check_step(scenario, document, &place, &scenario->steps[i]))
            return false;
    }
    if (scenario->until_ms < 0)
        scenario->until_ms = last_ms + 60000;
    return true;
}

int freshet_step_process(const struct step *step)
{
    return step->process < 0 ? 0 : (int)step->process;
}
