/*
 * A shared record as bytes, and back. What comes back is judged like input from outside: bounded,
 * strict, and refused without a word if anything is amiss.
 */
#ifndef FRESHET_SIMULATE_CODEC_H
#define FRESHET_SIMULATE_CODEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/engine.h"

/* JSON, for the caller to free; NULL without memory. */
char *freshet_sim_record_encode(const struct key_view *key, const struct record *record);

/* A record with the memory it points into. */
struct decoded {
    struct record record;
    json_t *root;
    void *claims;
};

/* False if these bytes are no record of that key. Free it in either case. */
bool freshet_sim_record_decode(const char *bytes, size_t length, const struct key_view *key,
                               struct decoded *decoded);
void freshet_sim_record_free(struct decoded *decoded);

#endif
