/*
 * A shared record as bytes, and back: the very form, checks and rules of the runtime's (src/share).
 */
#ifndef FRESHET_SIMULATE_CODEC_H
#define FRESHET_SIMULATE_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include "share/record.h"

/* For the caller to free; NULL without memory, or if it cannot be said in that form. */
char *freshet_sim_record_encode(const struct key_view *key, const struct record *record,
                                size_t *length);

/* A record with its claims, and the memory they point into. */
struct decoded {
    struct shared_record shared;
    void *claims;
};

/* False if these bytes are no record of that key. Free it in either case. */
bool freshet_sim_record_decode(const char *bytes, size_t length, const struct key_view *key,
                               struct now now, struct decoded *decoded);
void freshet_sim_record_free(struct decoded *decoded);

#endif
