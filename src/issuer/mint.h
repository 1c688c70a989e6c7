/*
 * Signs and verifies JSON Web Tokens with one key that is made at start and never leaves the
 * process. It knows nothing of what the claims mean.
 */
#ifndef FRESHET_ISSUER_MINT_H
#define FRESHET_ISSUER_MINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum algorithm { ALGORITHM_ES256, ALGORITHM_RS256 };

struct mint;

/* NULL when there is no memory or no randomness. Making an RSA key takes a quarter of a second. */
struct mint *freshet_mint_open(enum algorithm algorithm);
void freshet_mint_close(struct mint *mint);

/*
 * The compact form of {alg, kid, typ, oiat}.payload, for the caller to free, or NULL. `oiat` is
 * left out when negative. The payload stays the caller's.
 */
char *freshet_mint_sign(const struct mint *mint, int64_t oiat, const json_t *payload);

/* The payload of a token that this mint signed, whatever its times say; else NULL. */
json_t *freshet_mint_verify(const struct mint *mint, const char *token);

/* {"keys":[the public key]} as RFC 7517 writes it. */
json_t *freshet_mint_jwks(const struct mint *mint);

#endif
