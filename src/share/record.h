/*
 * The record of a key: what one process publishes and the others adopt, as bytes.
 *
 * A record is input from outside, however private its folder: bounded, parsed strictly, and refused
 * as a whole if anything in it is not as it must be. Claims are not taken from it: it carries the
 * token's text, and who reads the record reads the claims in that text anew. Pure; any thread.
 */
#ifndef FRESHET_SHARE_RECORD_H
#define FRESHET_SHARE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine.h"
#include "share/origin.h"

#define FRESHET_RECORD_MAX 24576 /* bytes of a whole record */

/* A boot time before every other: stands for boot times that mean nothing here. */
#define FRESHET_LONG_AGO (INT64_MIN / 2)

/* A record out of the shared place. Large, and secret while it holds a token: wipe it. */
struct shared_record {
    struct record record; /* record.token.text points into `text`; without claims when decoded */
    uint64_t epoch;       /* of the session, at the time of publishing; at most INT64_MAX */
    int64_t exp_s;        /* what the publisher read in the token; 0 without one */
    char text[FRESHET_TOKEN_MAX];
};

/* Reads the claims in a token's text, as the source does; false if it is no token. The strings it
 * hands out must live until it is called again. */
typedef bool share_read_token(const char *text, size_t length, struct token *token, void *context);

enum record_verdict {
    RECORD_GOOD,
    RECORD_MALFORMED,   /* not a record, or not a whole one */
    RECORD_FOREIGN_KEY, /* a record of another key */
    RECORD_FROM_FUTURE  /* its times are ahead of ours */
};

/* The bytes of a record; 0 if it cannot be said in this form (a name or token too long). */
size_t freshet_record_encode(const struct key_view *key, const struct record *record,
                             uint64_t epoch, const struct origin *here, char *bytes, size_t size);

/*
 * Reads a record of this very key. Boot times from another boot or time namespace come out as
 * FRESHET_LONG_AGO, without offset and without failure; a failure's not-before is at most 60 s
 * ahead. Unless RECORD_GOOD, `out` is wiped.
 */
enum record_verdict freshet_record_decode(const char *bytes, size_t length,
                                          const struct key_view *key, const struct origin *here,
                                          struct now now, struct shared_record *out);

/* Replaces what the record says of its token by the claims in the text. False if they cannot be read
 * or say something else. NULL reads nothing. */
bool freshet_shared_record_read_claims(struct shared_record *shared, share_read_token *read_token,
                                       void *context);

/* The life left of its token, by the publisher's belief of the issuer's clock if it means something
 * here, else by the wall clock; 0 without a token. */
int64_t freshet_shared_record_remaining(const struct shared_record *shared, struct now now);

void freshet_shared_record_wipe(struct shared_record *record);

/* "its times are in the future": for messages. */
const char *freshet_record_verdict_text(enum record_verdict verdict);

#endif
