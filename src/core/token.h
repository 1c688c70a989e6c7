/*
 * A token as the engine sees it: claims that were read by a source, and text it never looks into.
 *
 * The order of freshness lives here. `oiat` (when the origin assembled the claims) decides before
 * `iat` (when an edge minted the text), because an edge can mint stale claims anew.
 */
#ifndef FRESHET_CORE_TOKEN_H
#define FRESHET_CORE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRESHET_TOKEN_MAX 16384 /* bytes of text */

/* Where a token came from. */
enum token_from { FROM_ISSUER, FROM_CLIENT, FROM_SHARED, FROM_STORE };

/* A token on its way in. All pointers are borrowed for the duration of a step. */
struct token {
    const char *text; /* length bytes, not terminated */
    uint32_t length;
    uint64_t fingerprint; /* of the text: equal text, equal number; never 0; no secret */
    int64_t iat_s;
    int64_t exp_s;
    int64_t oiat_s;
    bool has_oiat;
    const char *sid;          /* "" when the token carries none */
    const char *organization; /* "" when the token carries none */
};

/* What an entry keeps of a token beside its text. */
struct held {
    uint64_t fingerprint; /* 0: nothing is held */
    int64_t iat_s;
    int64_t exp_s;
    int64_t oiat_s;
    bool has_oiat;
    enum token_from from;
    int64_t life_ms;      /* as reckoned at receipt */
    int64_t committed_ms; /* boot time of receipt from the issuer, by whichever process */
    int64_t sent_ms;      /* boot time at which the request for it was sent */
    uint32_t length;
};

enum freshness { FRESHNESS_STALER = -1, FRESHNESS_TIE = 0, FRESHNESS_FRESHER = 1 };

/* How fresh an incoming token is beside the one held. Expiry is the caller's business. */
enum freshness freshet_token_compare(const struct held *held, const struct token *incoming);

#endif
