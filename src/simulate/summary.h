/*
 * The last line of a trace: what a scenario cost and whether anybody was let down.
 */
#ifndef FRESHET_SIMULATE_SUMMARY_H
#define FRESHET_SIMULATE_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine.h"

struct summary {
    uint64_t requests[ON_COUNT];
    uint64_t gets;
    uint64_t answered; /* calls that got something */
    uint64_t waited;
    uint64_t waited_while_usable;
    uint64_t errors;
    uint64_t served_expired;
    int64_t max_wait_ms;
    uint64_t per_minute_max;
    /* Token requests of the last minute: a ring of their times. */
    int64_t *minute;
    size_t minute_first;
    size_t minute_count;
    size_t minute_capacity;
};

/* How one call ended. */
struct ending {
    int64_t waited_ms;
    bool usable; /* a usable token was there when the call was made */
    bool error;
    bool expired; /* it was handed an expired token and had not asked for one */
};

/* False without memory. */
bool freshet_sim_summary_request(struct summary *summary, enum endpoint on, int64_t t_ms);
void freshet_sim_summary_get(struct summary *summary);
void freshet_sim_summary_got(struct summary *summary, const struct ending *ending);
/* A call that will never get anything: the scenario ends, or its process dies. */
void freshet_sim_summary_left(struct summary *summary, const struct ending *ending);
uint64_t freshet_sim_summary_open(const struct summary *summary);

/* The line without a line end; its length. */
size_t freshet_sim_summary_json(const struct summary *summary, int64_t t_ms, char *buffer,
                                size_t size);
void freshet_sim_summary_free(struct summary *summary);

#endif
