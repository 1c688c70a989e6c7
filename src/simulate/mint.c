/*
 * Tokens with real claims and a signature of noise, numbered in the order they were made.
 */
#include "simulate/mint.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/source.h"

#define SIGNATURE_BYTES 64

static char *mint_part(json_t *object);
static char *mint_signature(const struct mint *mint);
static bool mint_remember(struct mint *mint, uint64_t fingerprint);

static json_t *mint_header(const struct claims *claims)
{
    json_t *header =
        json_pack("{s:s, s:s, s:s}", "alg", "RS256", "kid", "ins_simulated", "typ", "JWT");

    if (claims->has_oiat)
        (void)json_object_set_new(header, "oiat", json_integer(claims->oiat_s));
    return header;
}

static json_t *mint_claims(const struct mint *mint, const struct claims *claims)
{
    json_t *body = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "iss", "https://issuer.invalid",
                             "sub", "user_simulated", "iat", (json_int_t)claims->iat_s, "nbf",
                             (json_int_t)(claims->iat_s - 10), "exp", (json_int_t)claims->exp_s,
                             "jti", (json_int_t)mint->serial);

    if (claims->sid[0] != '\0')
        (void)json_object_set_new(body, "sid", json_string(claims->sid));
    if (claims->template_name[0] != '\0')
        (void)json_object_set_new(body, "template", json_string(claims->template_name));
    else
        (void)json_object_set_new(body, "v", json_integer(2));
    if (claims->organization[0] != '\0')
        (void)json_object_set_new(
            body, "o", json_pack("{s:s, s:s}", "id", claims->organization, "rol", "admin"));
    return body;
}

char *freshet_sim_mint_token(struct mint *mint, const struct claims *claims)
{
    char *header;
    char *body;
    char *signature;
    char *token = NULL;

    mint->serial++;
    header = mint_part(mint_header(claims));
    body = mint_part(mint_claims(mint, claims));
    signature = mint_signature(mint);
    if (header != NULL && body != NULL && signature != NULL &&
        asprintf(&token, "%s.%s.%s", header, body, signature) < 0)
        token = NULL;
    free(header);
    free(body);
    free(signature);
    if (token != NULL && !mint_remember(mint, freshet_fingerprint(token, strlen(token)))) {
        free(token);
        token = NULL;
    }
    return token;
}

static char *mint_base64(const unsigned char *bytes, size_t length)
{
    size_t size = sodium_base64_encoded_len(length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = malloc(size);

    if (text != NULL)
        (void)sodium_bin2base64(text, size, bytes, length,
                                sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return text;
}

/* One part of a token; takes the object. */
static char *mint_part(json_t *object)
{
    char *json = json_dumps(object, JSON_COMPACT);
    char *part = json == NULL ? NULL : mint_base64((unsigned char *)json, strlen(json));

    free(json);
    json_decref(object);
    return part;
}

static char *mint_signature(const struct mint *mint)
{
    unsigned char seed[randombytes_SEEDBYTES] = {0};
    unsigned char noise[SIGNATURE_BYTES];

    memcpy(seed, &mint->seed, sizeof mint->seed);
    memcpy(seed + sizeof mint->seed, &mint->serial, sizeof mint->serial);
    randombytes_buf_deterministic(noise, sizeof noise, seed);
    return mint_base64(noise, sizeof noise);
}

static struct mint_entry *mint_slot(const struct mint *mint, uint64_t fingerprint)
{
    size_t at = (size_t)fingerprint & (mint->capacity - 1);

    while (mint->entries[at].fingerprint != 0 && mint->entries[at].fingerprint != fingerprint)
        at = (at + 1) & (mint->capacity - 1);
    return &mint->entries[at];
}

/* The table is doubled while it is half full, so a slot is always found. */
static bool mint_remember(struct mint *mint, uint64_t fingerprint)
{
    if (mint->serial * 2 >= mint->capacity) {
        struct mint grown = *mint;

        grown.capacity = mint->capacity == 0 ? 256 : mint->capacity * 2;
        grown.entries = calloc(grown.capacity, sizeof *grown.entries);
        if (grown.entries == NULL)
            return false;
        for (size_t i = 0; i < mint->capacity; i++) {
            if (mint->entries[i].fingerprint != 0)
                *mint_slot(&grown, mint->entries[i].fingerprint) = mint->entries[i];
        }
        free(mint->entries);
        *mint = grown;
    }
    *mint_slot(mint, fingerprint) = (struct mint_entry){fingerprint, mint->serial};
    return true;
}

uint64_t freshet_sim_mint_serial(const struct mint *mint, uint64_t fingerprint)
{
    if (fingerprint == 0 || mint->capacity == 0)
        return 0;
    return mint_slot(mint, fingerprint)->serial;
}

void freshet_sim_mint_free(struct mint *mint)
{
    free(mint->entries);
    *mint = (struct mint){.entries = NULL};
}
