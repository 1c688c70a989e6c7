/*
 * The faults that were asked for: for each kind of request a list of rules, used up in order.
 * The same rules and the same JSON as in a simulator scenario, with a few more for real bytes.
 */
#ifndef FRESHET_ISSUER_FAULTS_H
#define FRESHET_ISSUER_FAULTS_H

#include "issuer/problem.h"
#include "issuer/route.h"

#include <stdbool.h>
#include <stdint.h>

struct fault {
    bool struck; /* false: no rule applied, and the rest is zero */
    int status;  /* 0: the real answer */
    char code[64];
    char retry_after[64];
    bool drop;      /* close without an answer, after the latency */
    bool hang;      /* never answer */
    bool empty;     /* no body */
    bool truncate;  /* the body stops half way, the connection is cut */
    bool malformed; /* the body lacks its last byte: no JSON */
    json_t *body;   /* these bytes; holds a reference */
    int64_t latency_ms;
    int64_t body_bytes; /* that many bytes of nothing; 0: unused */
};

struct faults;

struct faults *freshet_faults_open(void);
void freshet_faults_close(struct faults *faults);

/* {"on": NAME, "rules": [...]}: replaces the list of that name; [] clears it. */
int freshet_faults_set(struct faults *faults, json_t *object, struct problem *problem);

/* "NAME:status=500,count=3;hang": appends to the list of that name. */
int freshet_faults_add(struct faults *faults, const char *spec, struct problem *problem);

/* The rule for a request that arrives now: tokens/NAME before tokens before *. */
struct fault freshet_faults_take(struct faults *faults, enum endpoint endpoint,
                                 const char *template_name);
void freshet_fault_done(struct fault *fault);

/* The request is carried out before its answer goes wrong, so that answers can be lost. */
bool freshet_fault_acts(const struct fault *fault);

/* Short words for a log: "500", "drop", "hang" ...; "" when no rule struck. */
const char *freshet_fault_name(const struct fault *fault);

/* What is left of every list, as an object of arrays. */
json_t *freshet_faults_show(const struct faults *faults);

#endif
