/*
 * What becomes of a record when another one is published for the same key and epoch. Pure.
 */
#ifndef FRESHET_SHARE_MERGE_H
#define FRESHET_SHARE_MERGE_H

#include "core/engine.h"

enum merge {
    MERGE_NEWS,    /* write the result */
    MERGE_NO_NEWS, /* the same is there already: nobody needs to hear it twice */
    MERGE_STALER   /* what is there is fresher, and the incoming one has no news of a failure */
};

/*
 * The fresher token and the newer failure of the two, in `merged`, which borrows from both. Tokens
 * carry their claims; one that is expired must have been left out (has_token false) by the caller.
 * As in a commit, a token that is about to run dry gives way to a staler one that lives longer.
 */
enum merge freshet_merge(const struct record *present, int64_t present_remaining_ms,
                         const struct record *incoming, struct record *merged);

#endif
