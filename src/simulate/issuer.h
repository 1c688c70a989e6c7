/*
 * The virtual issuer: one user, one session, and whatever the scenario makes of them. It answers
 * with HTTP responses, as the real one would, so that they go through the real reader.
 */
#ifndef FRESHET_SIMULATE_ISSUER_H
#define FRESHET_SIMULATE_ISSUER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine.h"
#include "simulate/mint.h"
#include "simulate/scenario.h"
#include "source/source.h"

#define FRESHET_SIM_ISSUER  "https://issuer.invalid"
#define FRESHET_SIM_SESSION "sess_1"

struct fault_list;

struct issuer {
    struct issuer_settings settings;
    char organization[FRESHET_NAME_MAX + 1]; /* the session's last active one */
    int64_t epoch_ms;
    struct mint mint;
    struct fault_list *faults;
    /* Client tokens are numbered. Good are those from `accepted_from` to `generation`. */
    int64_t generation;
    int64_t accepted_from;
};

/* A request as it was sent, and what was decided about it then. */
struct order {
    enum endpoint on;
    enum touch_intent intent;
    char *sid;
    char *template_name;
    char *organization;
    int64_t credential; /* number of the client token, 0: none */
    bool has_rule;
    struct fault_rule rule;
};

/* An answer on its way. Status 0: there is none. */
struct answer {
    int status;
    char *body;
    char date[32];          /* "" without */
    char retry_after[64];   /* "" without */
    char authorization[40]; /* "" without */
};

void freshet_sim_issuer_open(struct issuer *issuer, const struct scenario *scenario, uint64_t seed);
void freshet_sim_issuer_free(struct issuer *issuer);
/* An `issuer` step. */
void freshet_sim_issuer_change(struct issuer *issuer, const struct step *step);

/* The issuer's clock, in ms since 1970, at a moment of the scenario. */
int64_t freshet_sim_issuer_now(const struct issuer *issuer, int64_t t_ms);

/* A `faults` step. False without memory. */
bool freshet_sim_issuer_faults(struct issuer *issuer, const struct step *step);
/* Is any rule left? */
bool freshet_sim_issuer_faulty(const struct issuer *issuer);

/* When the request is sent: which rule it will meet. */
void freshet_sim_issuer_take(struct issuer *issuer, struct order *order);
/* How long the answer takes, FRESHET_NEVER when there will be none. */
int64_t freshet_sim_issuer_latency(const struct issuer *issuer, const struct order *order);
/* When the issuer acts. False without memory; the answer must be freed in either case. */
bool freshet_sim_issuer_answer(struct issuer *issuer, const struct order *order, int64_t t_ms,
                               struct answer *answer);
void freshet_sim_answer_free(struct answer *answer);
struct http_response freshet_sim_answer_response(const struct answer *answer);

/* A client token as text, and its number; 0 when it is none of ours. */
void freshet_sim_credential_write(int64_t number, char *text, size_t size);
int64_t freshet_sim_credential_read(const char *text);

/* A token minted now: of the session, or of a template. NULL without memory. */
char *freshet_sim_issuer_token(struct issuer *issuer, int64_t t_ms, const char *template_name,
                               const char *organization);

#endif
