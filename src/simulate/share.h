/*
 * The shared place of one user, in memory: a record and a lease of two bytes for each key. It knows
 * which process has seen which version of a record, so that nothing is told twice.
 */
#ifndef FRESHET_SIMULATE_SHARE_H
#define FRESHET_SIMULATE_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine.h"

#define FRESHET_SIM_LEASE_BYTES 2

/* What the user's processes share about one key. */
struct shared {
    struct shared *next;
    struct key_view key; /* its texts are owned; the session number is not used */
    char *bytes;         /* NULL: no record */
    size_t length;
    uint64_t version;                    /* counts what was put here, from 1 */
    uint64_t *seen;                      /* by process */
    int holder[FRESHET_SIM_LEASE_BYTES]; /* a process, or -1 */
};

struct share {
    struct shared *first;
    int processes;
};

void freshet_sim_share_free(struct share *share);

/* The place of a key, made when it is first named; NULL without memory. */
struct shared *freshet_sim_share_at(struct share *share, const struct key_view *key);

/* Puts bytes there and takes them over; whoever wrote them has seen them (-1: nobody of ours). */
void freshet_sim_share_put(struct shared *shared, char *bytes, size_t length, int writer);
void freshet_sim_share_remove(struct shared *shared);

/* True once for each version that a process has not seen. */
bool freshet_sim_share_news(struct shared *shared, int process);

bool freshet_sim_share_lease(struct shared *shared, int byte, int process);
void freshet_sim_share_release(struct shared *shared, int byte, int process);

/* A process died: its leases are free, and what comes after it has seen nothing. */
void freshet_sim_share_forget(struct share *share, int process);

#endif
