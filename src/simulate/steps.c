/*
 * Reads the steps of a scenario. One table a kind of step says what it takes.
 */
#include "simulate/scenario.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define SECONDS_MAX    31536000
#define BODY_MAX_BYTES 1048576
#define AT(member)     offsetof(struct step, member)

#define NAME_FIELD(text, member)                                                                   \
    {                                                                                              \
        .name = (text), .type = FIELD_NAME, .offset = AT(member), .most = FRESHET_NAME_MAX         \
    }

static bool step_inner(struct document *document, const struct place *place,
                       const struct field *field, const json_t *value, void *base);
static bool step_on(struct document *document, const struct place *place, const struct field *field,
                    const json_t *value, void *base);
static bool step_rules(struct document *document, const struct place *place,
                       const struct field *field, const json_t *value, void *base);
static bool step_online(struct document *document, const struct place *place,
                        const struct field *field, const json_t *value, void *base);
static bool step_issuer(struct document *document, const struct place *place, const json_t *object,
                        const struct table *common, struct step *step);
static bool step_token(struct document *document, const struct place *place,
                       const struct field *field, const json_t *value, void *base);
static bool step_bytes(struct document *document, const struct place *place,
                       const struct field *field, const json_t *value, void *base);
static bool step_rule_retry_after(struct document *document, const struct place *place,
                                  const struct field *field, const json_t *value, void *base);
static bool step_rule_body(struct document *document, const struct place *place,
                           const struct field *field, const json_t *value, void *base);
static bool step_token_oiat(struct document *document, const struct place *place,
                            const struct field *field, const json_t *value, void *base);

static const char *const step_kinds[] = {
    [STEP_OPEN] = "open",     [STEP_GET] = "get",       [STEP_EVERY] = "every",
    [STEP_FAULTS] = "faults", [STEP_ISSUER] = "issuer", [STEP_NETWORK] = "network",
    [STEP_SLEEP] = "sleep",   [STEP_STOP] = "stop",     [STEP_CONTINUE] = "continue",
    [STEP_CLOCK] = "clock",   [STEP_WAKE] = "wake",     [STEP_ORGANIZATION] = "organization",
    [STEP_CLEAR] = "clear",   [STEP_REJECT] = "reject", [STEP_SIGN_OUT] = "sign_out",
    [STEP_KILL] = "kill",     [STEP_RECORD] = "record", [STEP_COUNT] = NULL,
};

static const char *const step_open_from[] = {"client", "token", NULL};
static const char *const step_allow_stale[] = {"default", "never", "expired", NULL};

static const struct field step_common_fields[] = {
    {.name = "do",
     .type = FIELD_CHOICE,
     .offset = AT(kind),
     .choices = step_kinds,
     .required = true},
    {.name = "process", .offset = AT(process), .most = FRESHET_SIM_PROCESSES_MAX - 1},
};

static const struct field step_time_fields[] = {
    {.name = "at_ms", .offset = AT(at_ms), .most = FRESHET_SIM_UNTIL_MAX_MS, .required = true},
};

static const struct field step_open_fields[] = {
    {.name = "from", .type = FIELD_CHOICE, .offset = AT(u.open.from), .choices = step_open_from},
};

static const struct field step_get_fields[] = {
    {.name = "label", .type = FIELD_TEXT, .offset = AT(u.get.label), .most = FRESHET_NAME_MAX},
    NAME_FIELD("template", u.get.template_name),
    NAME_FIELD("organization", u.get.organization),
    {.name = "skip_cache", .type = FIELD_FLAG, .offset = AT(u.get.skip_cache)},
    {.name = "min_remaining_s",
     .type = FIELD_SECONDS,
     .offset = AT(u.get.min_remaining_ms),
     .most = SECONDS_MAX},
    {.name = "refresh_threshold_s",
     .type = FIELD_SECONDS,
     .offset = AT(u.get.refresh_threshold_ms),
     .most = SECONDS_MAX},
    {.name = "refresh_if_stale", .type = FIELD_FLAG, .offset = AT(u.get.refresh_if_stale)},
    {.name = "allow_stale",
     .type = FIELD_CHOICE,
     .offset = AT(u.get.allow_stale),
     .choices = step_allow_stale},
    {.name = "timeout_ms", .offset = AT(u.get.timeout_ms), .most = FRESHET_SIM_UNTIL_MAX_MS},
};

static const struct field step_every_fields[] = {
    {.name = "every_ms",
     .offset = AT(u.every.every_ms),
     .least = 1,
     .most = FRESHET_SIM_UNTIL_MAX_MS,
     .required = true},
    {.name = "until_ms", .offset = AT(u.every.until_ms), .most = FRESHET_SIM_UNTIL_MAX_MS},
    {.name = "step", .type = FIELD_OWN, .own = step_inner, .required = true},
};

static const struct field step_faults_fields[] = {
    {.name = "on", .type = FIELD_OWN, .own = step_on, .required = true},
    {.name = "rules", .type = FIELD_OWN, .own = step_rules, .required = true},
};

static const struct field step_network_fields[] = {
    {.name = "online", .type = FIELD_OWN, .own = step_online, .required = true},
};

static const struct field step_sleep_fields[] = {
    {.name = "ms", .offset = AT(u.sleep.ms), .most = FRESHET_SIM_UNTIL_MAX_MS, .required = true},
};

static const struct field step_clock_fields[] = {
    {.name = "step_ms",
     .offset = AT(u.clock.step_ms),
     .least = -FRESHET_SIM_UNTIL_MAX_MS,
     .most = FRESHET_SIM_UNTIL_MAX_MS,
     .required = true},
};

static const struct field step_organization_fields[] = {
    {.name = "id",
     .type = FIELD_NAME,
     .offset = AT(u.organization.id),
     .most = FRESHET_NAME_MAX,
     .required = true},
};

static const struct field step_reject_fields[] = {
    {.name = "label",
     .type = FIELD_TEXT,
     .offset = AT(u.reject.label),
     .most = FRESHET_NAME_MAX,
     .required = true},
};

static const struct field step_record_fields[] = {
    NAME_FIELD("session", u.record.session),
    NAME_FIELD("template", u.record.template_name),
    NAME_FIELD("organization", u.record.organization),
    {.name = "token", .type = FIELD_OWN, .own = step_token},
    {.name = "bytes", .type = FIELD_OWN, .own = step_bytes},
};

#undef AT
#define AT(member) offsetof(struct fault_rule, member)

static const struct field step_rule_fields[] = {
    {.name = "status", .offset = AT(status), .least = 100, .most = 599},
    {.name = "code", .type = FIELD_TEXT, .offset = AT(code), .most = FRESHET_NAME_MAX},
    {.name = "retry_after", .type = FIELD_OWN, .own = step_rule_retry_after},
    {.name = "drop", .type = FIELD_FLAG, .offset = AT(drop)},
    {.name = "hang", .type = FIELD_FLAG, .offset = AT(hang)},
    {.name = "empty", .type = FIELD_FLAG, .offset = AT(empty)},
    {.name = "body", .type = FIELD_OWN, .own = step_rule_body},
    {.name = "latency_ms", .offset = AT(latency_ms), .most = FRESHET_SIM_UNTIL_MAX_MS},
    {.name = "count", .offset = AT(count), .least = -1, .most = INT64_MAX},
};

#undef AT
#define AT(member) offsetof(struct shared_token, member)

static const struct field step_token_fields[] = {
    {.name = "age_ms",
     .offset = AT(age_ms),
     .least = -FRESHET_SIM_UNTIL_MAX_MS,
     .most = FRESHET_SIM_UNTIL_MAX_MS},
    {.name = "ttl_s", .offset = AT(ttl_s), .least = 1, .most = INT64_C(315360000)},
    {.name = "oiat", .type = FIELD_OWN, .own = step_token_oiat},
    {.name = "session", .type = FIELD_NAME, .offset = AT(session), .most = FRESHET_NAME_MAX},
    {.name = "organization",
     .type = FIELD_NAME,
     .offset = AT(organization),
     .most = FRESHET_NAME_MAX},
};

#undef AT

struct step_fields {
    const char *what;
    const struct field *fields;
    size_t count;
};

#define FIELDS(what, fields)                                                                       \
    {                                                                                              \
        what, fields, COUNT(fields)                                                                \
    }

static const struct step_fields step_members[] = {
    [STEP_OPEN] = FIELDS("open", step_open_fields),
    [STEP_GET] = FIELDS("get", step_get_fields),
    [STEP_EVERY] = FIELDS("every", step_every_fields),
    [STEP_FAULTS] = FIELDS("faults", step_faults_fields),
    [STEP_ISSUER] = {"issuer", NULL, 0},
    [STEP_NETWORK] = FIELDS("network", step_network_fields),
    [STEP_SLEEP] = FIELDS("sleep", step_sleep_fields),
    [STEP_STOP] = {"stop", NULL, 0},
    [STEP_CONTINUE] = {"continue", NULL, 0},
    [STEP_CLOCK] = FIELDS("clock", step_clock_fields),
    [STEP_WAKE] = {"wake", NULL, 0},
    [STEP_ORGANIZATION] = FIELDS("organization", step_organization_fields),
    [STEP_CLEAR] = {"clear", NULL, 0},
    [STEP_REJECT] = FIELDS("reject", step_reject_fields),
    [STEP_SIGN_OUT] = {"sign_out", NULL, 0},
    [STEP_KILL] = {"kill", NULL, 0},
    [STEP_RECORD] = FIELDS("record", step_record_fields),
};

static bool step_kind_of(struct document *document, const struct place *place, const json_t *object,
                         struct step *step);
static void step_defaults(struct step *step);
static bool step_whole(struct document *document, const struct place *place,
                       const struct step *step);

bool freshet_step_read(struct document *document, const struct place *place, const json_t *object,
                       bool inner, struct step *step)
{
    const struct table time = {"a step", step_time_fields, COUNT(step_time_fields), NULL};
    const struct table common = {"a step", step_common_fields, COUNT(step_common_fields),
                                 inner ? NULL : &time};
    struct table table = {.also = &common};

    if (!step_kind_of(document, place, object, step))
        return false;
    step_defaults(step);
    if (step->kind == STEP_ISSUER)
        return step_issuer(document, place, object, &common, step);
    table.what = step_members[step->kind].what;
    table.fields = step_members[step->kind].fields;
    table.count = step_members[step->kind].count;
    return freshet_fields_read(document, place, object, &table, step) &&
           step_whole(document, place, step);
}

/* Which table applies must be known before the members are read. */
static bool step_kind_of(struct document *document, const struct place *place, const json_t *object,
                         struct step *step)
{
    const json_t *kind = json_object_get(object, "do");
    const char *name = json_string_value(kind);
    struct place member = {place, "do", 0};
    char clean[64];

    if (!freshet_document_wants(document, place, object, JSON_OBJECT, "a step"))
        return false;
    if (kind == NULL)
        return freshet_document_error(document, place, "a step needs a member \"do\"");
    if (name == NULL)
        return freshet_document_error(document, &member, "\"do\" must be the name of a step");
    for (int i = 0; i < STEP_COUNT; i++) {
        if (strcmp(name, step_kinds[i]) == 0) {
            step->kind = (enum step_kind)i;
            return true;
        }
    }
    return freshet_document_error(document, &member,
                                  "unknown step \"%s\"; there are open, get, every, faults, "
                                  "issuer, network, sleep, stop, continue, clock, wake, "
                                  "organization, clear, reject, sign_out, kill, record",
                                  freshet_document_clean(name, clean, sizeof clean));
}

static void step_defaults(struct step *step)
{
    step->process = -1;
    if (step->kind == STEP_GET) {
        step->u.get.template_name = "";
        step->u.get.min_remaining_ms = FRESHET_UNSET;
        step->u.get.refresh_threshold_ms = FRESHET_UNSET;
    } else if (step->kind == STEP_EVERY) {
        step->u.every.until_ms = FRESHET_NEVER;
    } else if (step->kind == STEP_RECORD) {
        step->u.record.template_name = "";
    }
}

/* What no single member can tell. */
static bool step_whole(struct document *document, const struct place *place,
                       const struct step *step)
{
    if (step->kind == STEP_RECORD && step->u.record.has_token == (step->u.record.bytes != NULL))
        return freshet_document_error(document, place,
                                      "a record takes either \"token\" or \"bytes\"");
    return true;
}

void freshet_step_free(struct step *step)
{
    if (step->kind == STEP_EVERY && step->u.every.step != NULL) {
        freshet_step_free(step->u.every.step);
        free(step->u.every.step);
    } else if (step->kind == STEP_FAULTS) {
        free(step->u.faults.rules);
    } else if (step->kind == STEP_ISSUER) {
        json_decref(step->u.issuer);
    } else if (step->kind == STEP_RECORD) {
        free(step->u.record.bytes);
    }
}

static bool step_inner(struct document *document, const struct place *place,
                       const struct field *field, const json_t *value, void *base)
{
    struct step *outer = base;
    struct step *inner = calloc(1, sizeof *inner);

    (void)field;
    outer->u.every.step = inner;
    if (inner == NULL)
        return freshet_document_error(document, place, "no memory for a step");
    if (!freshet_step_read(document, place, value, true, inner))
        return false;
    if (inner->kind == STEP_EVERY)
        return freshet_document_error(document, place, "an every cannot repeat an every");
    return true;
}

static bool step_on(struct document *document, const struct place *place, const struct field *field,
                    const json_t *value, void *base)
{
    struct step *step = base;
    const char *name = json_string_value(value);

    (void)field;
    step->u.faults.template_name = "";
    if (name != NULL && strncmp(name, "tokens/", 7) == 0 && name[7] != '\0' &&
        strlen(name) <= FRESHET_NAME_MAX) {
        step->u.faults.on = ON_TOKENS;
        step->u.faults.template_name = name + 7;
        return true;
    }
    for (int on = 0; name != NULL && on <= ON_COUNT; on++) {
        const char *known = on == ON_COUNT ? "*" : freshet_endpoint_name((enum endpoint)on);

        if (strcmp(name, known) == 0) {
            step->u.faults.on = on;
            return true;
        }
    }
    return freshet_document_error(document, place,
                                  "\"on\" must be one of environment, client, tokens, "
                                  "tokens/NAME, touch, end, remove, sessions, *");
}

static bool step_rules(struct document *document, const struct place *place,
                       const struct field *field, const json_t *value, void *base)
{
    const struct table table = {"a rule", step_rule_fields, COUNT(step_rule_fields), NULL};
    struct step *step = base;
    size_t count = json_array_size(value);

    (void)field;
    if (!freshet_document_wants(document, place, value, JSON_ARRAY, "\"rules\""))
        return false;
    step->u.faults.rules = calloc(count + 1, sizeof *step->u.faults.rules);
    if (step->u.faults.rules == NULL)
        return freshet_document_error(document, place, "no memory for %zu rules", count);
    step->u.faults.rule_count = count;
    for (size_t i = 0; i < count; i++) {
        struct place element = {place, NULL, i};
        struct fault_rule *rule = &step->u.faults.rules[i];

        rule->code = "";
        rule->latency_ms = FRESHET_SIM_LATENCY_UNSET;
        rule->count = 1;
        if (!freshet_fields_read(document, &element, json_array_get(value, i), &table, rule))
            return false;
        if (rule->code[0] != '\0' && rule->status == 0)
            return freshet_document_error(document, &element, "a \"code\" needs a \"status\"");
    }
    return true;
}

static bool step_rule_retry_after(struct document *document, const struct place *place,
                                  const struct field *field, const json_t *value, void *base)
{
    struct fault_rule *rule = base;
    const char *text = json_string_value(value);
    int written = -1;

    (void)field;
    if (text != NULL)
        written = snprintf(rule->retry_after, sizeof rule->retry_after, "%s", text);
    else if (json_is_integer(value))
        written = snprintf(rule->retry_after, sizeof rule->retry_after, "%lld",
                           (long long)json_integer_value(value));
    if (written > 0 && (size_t)written < sizeof rule->retry_after)
        return true;
    return freshet_document_error(document, place,
                                  "\"retry_after\" must be an integer (seconds) or the text of "
                                  "the header, at most 63 bytes");
}

static bool step_rule_body(struct document *document, const struct place *place,
                           const struct field *field, const json_t *value, void *base)
{
    struct fault_rule *rule = base;

    (void)field;
    rule->body = value;
    if (json_is_object(value) || json_is_array(value) ||
        (json_is_string(value) && json_string_length(value) <= BODY_MAX_BYTES))
        return true;
    return freshet_document_error(document, place,
                                  "\"body\" must be a text of at most %d bytes, or JSON to send",
                                  BODY_MAX_BYTES);
}

static bool step_online(struct document *document, const struct place *place,
                        const struct field *field, const json_t *value, void *base)
{
    struct step *step = base;
    const char *text = json_string_value(value);

    (void)field;
    if (json_is_boolean(value))
        step->u.network.online = json_is_true(value) ? NETWORK_ONLINE : NETWORK_OFFLINE;
    else if (text != NULL && strcmp(text, "unknown") == 0)
        step->u.network.online = NETWORK_UNKNOWN;
    else
        return freshet_document_error(document, place,
                                      "\"online\" must be true, false or \"unknown\"");
    return true;
}

/* An issuer step is a step and an issuer object in one: each is read by its own table. */
static bool step_issuer(struct document *document, const struct place *place, const json_t *object,
                        const struct table *common, struct step *step)
{
    static const char *const names[] = {"at_ms", "do", "process"};
    struct issuer_settings scratch;
    json_t *head = json_object();
    bool good;

    step->u.issuer = json_copy((json_t *)object);
    if (head == NULL || step->u.issuer == NULL) {
        json_decref(head);
        return freshet_document_error(document, place, "no memory for a step");
    }
    for (size_t i = 0; i < COUNT(names); i++) {
        json_t *value = json_object_get(object, names[i]);

        if (value != NULL)
            (void)json_object_set(head, names[i], value);
        (void)json_object_del(step->u.issuer, names[i]);
    }
    good = freshet_fields_read(document, place, head, common, step) &&
           freshet_scenario_issuer(document, place, step->u.issuer, &scratch);
    json_decref(head);
    return good;
}

static bool step_token(struct document *document, const struct place *place,
                       const struct field *field, const json_t *value, void *base)
{
    const struct table table = {"\"token\"", step_token_fields, COUNT(step_token_fields), NULL};
    struct step *step = base;

    (void)field;
    step->u.record.has_token = true;
    return freshet_fields_read(document, place, value, &table, &step->u.record.token);
}

static bool step_token_oiat(struct document *document, const struct place *place,
                            const struct field *field, const json_t *value, void *base)
{
    struct shared_token *token = base;

    (void)field;
    token->has_oiat = true;
    return freshet_scenario_oiat(document, place, value, &token->oiat);
}

/* Base64 as people write it: either alphabet, with or without padding. */
static bool step_bytes(struct document *document, const struct place *place,
                       const struct field *field, const json_t *value, void *base)
{
    static const int variants[] = {
        sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
        sodium_base64_VARIANT_URLSAFE, sodium_base64_VARIANT_URLSAFE_NO_PADDING};
    struct step *step = base;
    struct record_step *record = &step->u.record;
    size_t length = json_string_length(value);

    (void)field;
    record->bytes = malloc(length + 1);
    if (record->bytes == NULL)
        return freshet_document_error(document, place, "no memory for %zu bytes", length);
    for (size_t i = 0; json_is_string(value) && i < COUNT(variants); i++) {
        if (sodium_base642bin(record->bytes, length + 1, json_string_value(value), length, NULL,
                              &record->bytes_length, NULL, variants[i]) == 0)
            return true;
    }
    return freshet_document_error(document, place, "\"bytes\" must be base64");
}
