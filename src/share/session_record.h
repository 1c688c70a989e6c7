/*
 * The record of an account's session: which session it is, its epoch, and whether it still stands.
 *
 * The epoch counts sign-outs. What is written with an older epoch never replaces a newer one, and at
 * the same epoch "signed out" is final. No secret is in it. Pure; any thread.
 */
#ifndef FRESHET_SHARE_SESSION_RECORD_H
#define FRESHET_SHARE_SESSION_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRESHET_SESSION_RECORD_MAX 4096 /* bytes of a whole record */
#define FRESHET_ACCOUNT_MAX        511

enum session_standing { SESSION_STANDS, SESSION_ENDED };

struct session_record {
    char account[FRESHET_ACCOUNT_MAX + 1]; /* the caller's name for it */
    char issuer[512];
    char sid[256];          /* "" before it is known */
    char organization[256]; /* last active one; "" personal */
    uint64_t epoch;         /* at most INT64_MAX */
    enum session_standing standing;
    char reason[128]; /* of the end, in words; "" while it stands */
};

/* The bytes of a record; 0 if a text is too long or has control bytes in it. */
size_t freshet_session_record_encode(const struct session_record *record, char *bytes, size_t size);

/* False, and a zeroed record, if this is not a whole record of this account. */
bool freshet_session_record_decode(const char *bytes, size_t length, const char *account,
                                   struct session_record *out);

/* May `incoming` replace `present`? Not if it is older, says the same, or undoes an end. */
bool freshet_session_record_replaces(const struct session_record *present,
                                     const struct session_record *incoming);

#endif
