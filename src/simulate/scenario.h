/*
 * A scenario: a virtual world and what happens in it, read from a JSON file that is checked whole
 * before anything runs. Texts are borrowed from the parsed file, which the scenario keeps.
 */
#ifndef FRESHET_SIMULATE_SCENARIO_H
#define FRESHET_SIMULATE_SCENARIO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine.h"
#include "core/key.h"
#include "core/policy.h"
#include "simulate/fields.h"

#define FRESHET_SIM_UNTIL_MAX_MS  INT64_C(31536000000) /* a year */
#define FRESHET_SIM_PROCESSES_MAX 1024

enum oiat_kind { OIAT_NOW, OIAT_NONE, OIAT_FIXED };

struct oiat {
    enum oiat_kind kind;
    int64_t fixed_s;
};

enum mint_at { MINT_AT_ANSWER, MINT_AT_REQUEST };
enum rotation { ROTATION_GRACE, ROTATION_STRICT, ROTATION_KEEP };

/* How the issuer behaves while nothing is wrong. */
struct issuer_settings {
    int64_t ttl_s;
    int64_t latency_ms;
    int64_t clock_ahead_ms;
    int64_t issue_age_ms;
    struct oiat oiat;
    int mint_at;  /* enum mint_at */
    int rotation; /* enum rotation */
    bool date;
    bool token_in_client;
    bool signed_in;
    bool session_minter;
    const char *organization;
};

#define FRESHET_SIM_LATENCY_UNSET INT64_C(-1)

/* One rule of a fault list: what happens instead of a good answer. */
struct fault_rule {
    int64_t status; /* 0: the answer keeps its own */
    const char *code;
    char retry_after[64]; /* "" without */
    bool drop;
    bool hang;
    bool empty;
    const json_t *body; /* NULL: the real one */
    int64_t latency_ms; /* FRESHET_SIM_LATENCY_UNSET: the issuer's */
    int64_t count;      /* -1: for ever */
};

enum step_kind {
    STEP_OPEN,
    STEP_GET,
    STEP_EVERY,
    STEP_FAULTS,
    STEP_ISSUER,
    STEP_NETWORK,
    STEP_SLEEP,
    STEP_STOP,
    STEP_CONTINUE,
    STEP_CLOCK,
    STEP_WAKE,
    STEP_ORGANIZATION,
    STEP_CLEAR,
    STEP_REJECT,
    STEP_SIGN_OUT,
    STEP_KILL,
    STEP_RECORD,
    STEP_COUNT
};

enum open_from { OPEN_FROM_CLIENT, OPEN_FROM_TOKEN };
enum network { NETWORK_OFFLINE, NETWORK_ONLINE, NETWORK_UNKNOWN };

struct get_step {
    const char *label; /* NULL without */
    const char *template_name;
    const char *organization; /* NULL: the active one */
    bool skip_cache;
    bool refresh_if_stale;
    int allow_stale; /* enum allow_stale */
    int64_t min_remaining_ms;
    int64_t refresh_threshold_ms;
    int64_t timeout_ms;
};

/* The token of a `record` step. */
struct shared_token {
    int64_t age_ms;
    int64_t ttl_s; /* 0: the issuer's */
    bool has_oiat; /* else the issuer's */
    struct oiat oiat;
    const char *session;      /* NULL: the record's */
    const char *organization; /* NULL: the record's */
};

struct record_step {
    const char *session; /* NULL: the one there is */
    const char *template_name;
    const char *organization; /* NULL: the issuer's */
    bool has_token;
    struct shared_token token;
    unsigned char *bytes; /* owned; NULL without */
    size_t bytes_length;
};

struct step {
    enum step_kind kind;
    int64_t at_ms;
    int64_t process; /* -1: not said */
    size_t order;    /* in the file */
    union {
        struct {
            int from; /* enum open_from */
        } open;
        struct get_step get;
        struct {
            int64_t every_ms;
            int64_t until_ms; /* FRESHET_NEVER: the scenario's */
            struct step *step;
        } every;
        struct {
            int on; /* enum endpoint; ON_COUNT: all */
            const char *template_name;
            struct fault_rule *rules;
            size_t rule_count;
        } faults;
        json_t *issuer; /* owned: the members to change */
        struct {
            int online; /* enum network */
        } network;
        struct {
            int64_t ms;
        } sleep;
        struct {
            int64_t step_ms;
        } clock;
        struct {
            const char *id;
        } organization;
        struct {
            const char *label;
        } reject;
        struct record_step record;
    } u;
};

struct scenario {
    json_t *root;
    const char *about;
    int64_t seed;
    int64_t epoch_ms;
    int64_t until_ms;
    int64_t processes;
    struct issuer_settings issuer;
    struct policy policy;
    struct step *steps; /* in file order */
    size_t step_count;
};

/* False with a reason in document->error; the scenario must be freed in either case. */
bool freshet_scenario_read(struct scenario *scenario, struct document *document);
void freshet_scenario_free(struct scenario *scenario);

/* Applies the members of an `issuer` object that has been checked before. */
bool freshet_scenario_issuer(struct document *document, const struct place *place,
                             const json_t *object, struct issuer_settings *settings);

/* "now", "none" or seconds since 1970. */
bool freshet_scenario_oiat(struct document *document, const struct place *place,
                           const json_t *value, struct oiat *oiat);

/* steps.c: reads one element of "steps", or the inner step of an `every`. */
bool freshet_step_read(struct document *document, const struct place *place, const json_t *object,
                       bool inner, struct step *step);
void freshet_step_free(struct step *step);

/* The process a step is about. */
int freshet_step_process(const struct step *step);

#endif
