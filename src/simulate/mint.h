/*
 * Makes the tokens of the virtual issuer and remembers their numbers. The text is a real JWT in
 * everything but its signature, which is noise: no one in the simulation checks it.
 */
#ifndef FRESHET_SIMULATE_MINT_H
#define FRESHET_SIMULATE_MINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a token is to say. Empty names are left out. */
struct claims {
    int64_t iat_s;
    int64_t exp_s;
    bool has_oiat;
    int64_t oiat_s;
    const char *sid;
    const char *organization;
    const char *template_name;
};

struct mint_entry {
    uint64_t fingerprint; /* 0: free */
    uint64_t serial;
};

struct mint {
    uint64_t seed;
    uint64_t serial; /* of the last token; the first one is 1 */
    struct mint_entry *entries;
    size_t capacity;
};

void freshet_sim_mint_free(struct mint *mint);

/* The next token, for the caller to free; NULL without memory. */
char *freshet_sim_mint_token(struct mint *mint, const struct claims *claims);

/* The number of a token, 0 if this mint did not make it. */
uint64_t freshet_sim_mint_serial(const struct mint *mint, uint64_t fingerprint);

#endif
