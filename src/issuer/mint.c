/*
 * ES256 and RS256 straight on libcrypto: the key is kept, so that a signature costs a signature.
 * JWS wants an ECDSA signature as two 32-byte numbers where libcrypto speaks DER, hence the two
 * conversions. A token is refused before it is decoded if it is longer than any this mint makes.
 */
#include "issuer/mint.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_MOST = 16384, SIGNATURE_MOST = 512, ES256_HALF = 32, RSA_BITS = 2048 };

struct mint {
    EVP_PKEY *key;
    enum algorithm algorithm;
    char kid[32];
};

static const char *const mint_algorithms[] = {"ES256", "RS256"};

static char *mint_encode(const void *bytes, size_t size);
static char *mint_encode_json(const json_t *object);
static size_t mint_signature(const struct mint *mint, const char *text, unsigned char *signature);
static bool mint_matches(const struct mint *mint, const char *text, size_t length,
                         const unsigned char *signature, size_t size);

struct mint *freshet_mint_open(enum algorithm algorithm)
{
    struct mint *mint = calloc(1, sizeof *mint);
    unsigned char random[8];
    char hex[2 * sizeof random + 1];

    if (mint == NULL)
        return NULL;
    mint->algorithm = algorithm;
    mint->key = algorithm == ALGORITHM_ES256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(RSA_BITS);
    if (mint->key == NULL) {
        free(mint);
        return NULL;
    }
    randombytes_buf(random, sizeof random);
    (void)snprintf(mint->kid, sizeof mint->kid, "ins_%s",
                   sodium_bin2hex(hex, sizeof hex, random, sizeof random));
    return mint;
}

void freshet_mint_close(struct mint *mint)
{
    if (mint == NULL)
        return;
    EVP_PKEY_free(mint->key);
    free(mint);
}

char *freshet_mint_sign(const struct mint *mint, int64_t oiat, const json_t *payload)
{
    json_t *header = json_pack("{s:s, s:s, s:s}", "alg", mint_algorithms[mint->algorithm], "kid",
                               mint->kid, "typ", "JWT");
    unsigned char signature[SIGNATURE_MOST];
    char *first = NULL, *second = NULL, *third = NULL, *text = NULL, *token = NULL;
    size_t size;

    if (header != NULL && oiat >= 0)
        (void)json_object_set_new(header, "oiat", json_integer(oiat));
    first = mint_encode_json(header);
    second = mint_encode_json(payload);
    if (first == NULL || second == NULL || asprintf(&text, "%s.%s", first, second) < 0)
        goto out;
    size = mint_signature(mint, text, signature);
    third = size > 0 ? mint_encode(signature, size) : NULL;
    if (third == NULL || asprintf(&token, "%s.%s", text, third) < 0)
        token = NULL;

out:
    free(text);
    free(third);
    free(second);
    free(first);
    json_decref(header);
    return token;
}

static char *mint_encode(const void *bytes, size_t size)
{
    size_t room = sodium_base64_encoded_len(size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = malloc(room);

    if (text != NULL)
        sodium_bin2base64(text, room, bytes, size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return text;
}

static char *mint_encode_json(const json_t *object)
{
    char *bytes = json_dumps(object, JSON_COMPACT);
    char *text = bytes == NULL ? NULL : mint_encode(bytes, strlen(bytes));

    free(bytes);
    return text;
}

/* DER to the two numbers of JWS; 0 when it cannot be done. */
static size_t mint_unpack(const unsigned char *der, size_t size, unsigned char *pair)
{
    ECDSA_SIG *numbers = d2i_ECDSA_SIG(NULL, &der, (long)size);
    size_t length = 0;

    if (numbers == NULL)
        return 0;
    if (BN_bn2binpad(ECDSA_SIG_get0_r(numbers), pair, ES256_HALF) == ES256_HALF &&
        BN_bn2binpad(ECDSA_SIG_get0_s(numbers), pair + ES256_HALF, ES256_HALF) == ES256_HALF)
        length = (size_t)2 * ES256_HALF;
    ECDSA_SIG_free(numbers);
    return length;
}

static size_t mint_signature(const struct mint *mint, const char *text, unsigned char *signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char made[SIGNATURE_MOST];
    size_t size = sizeof made, length = 0;

    if (context == NULL || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, mint->key) != 1 ||
        EVP_DigestSign(context, made, &size, (const unsigned char *)text, strlen(text)) != 1)
        goto out;
    if (mint->algorithm == ALGORITHM_ES256) {
        length = mint_unpack(made, size, signature);
    } else {
        memcpy(signature, made, size);
        length = size;
    }

out:
    EVP_MD_CTX_free(context);
    return length;
}

/* Strict base64url of one part of a token; NULL when it is not, else for the caller to free. */
static unsigned char *mint_decode(const char *text, size_t length, size_t *size)
{
    unsigned char *bytes = malloc(length + 1);

    if (bytes == NULL)
        return NULL;
    if (sodium_base642bin(bytes, length + 1, text, length, NULL, size, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

static json_t *mint_decode_json(const char *text, size_t length)
{
    size_t size;
    unsigned char *bytes = mint_decode(text, length, &size);
    json_t *object =
        bytes == NULL ? NULL : json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);

    free(bytes);
    return object;
}

json_t *freshet_mint_verify(const struct mint *mint, const char *token)
{
    const char *first = strchr(token, '.');
    const char *second = first == NULL ? NULL : strchr(first + 1, '.');
    unsigned char *signature = NULL;
    json_t *header = NULL, *payload = NULL;
    const char *algorithm;
    size_t size;

    if (second == NULL || strlen(token) > TOKEN_MOST)
        return NULL;
    header = mint_decode_json(token, (size_t)(first - token));
    algorithm = json_string_value(json_object_get(header, "alg"));
    signature = mint_decode(second + 1, strlen(second + 1), &size);
    if (algorithm == NULL || signature == NULL ||
        strcmp(algorithm, mint_algorithms[mint->algorithm]) != 0 ||
        !mint_matches(mint, token, (size_t)(second - token), signature, size))
        goto out;
    payload = mint_decode_json(first + 1, (size_t)(second - first - 1));

out:
    free(signature);
    json_decref(header);
    return payload;
}

/* The two numbers of JWS to DER, for the caller to OPENSSL_free; 0 when it cannot be done. */
static size_t mint_pack(const unsigned char *pair, unsigned char **der)
{
    ECDSA_SIG *numbers = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(pair, ES256_HALF, NULL);
    BIGNUM *s = BN_bin2bn(pair + ES256_HALF, ES256_HALF, NULL);
    int length = 0;

    *der = NULL;
    if (numbers != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(numbers, r, s) == 1) {
        r = s = NULL;
        length = i2d_ECDSA_SIG(numbers, der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(numbers);
    return length > 0 ? (size_t)length : 0;
}

static bool mint_matches(const struct mint *mint, const char *text, size_t length,
                         const unsigned char *signature, size_t size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char *der = NULL;
    bool matches = false;

    if (mint->algorithm == ALGORITHM_ES256) {
        size = size == (size_t)2 * ES256_HALF ? mint_pack(signature, &der) : 0;
        signature = der;
    }
    if (context != NULL && size > 0 &&
        EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, mint->key) == 1)
        matches =
            EVP_DigestVerify(context, signature, size, (const unsigned char *)text, length) == 1;
    OPENSSL_free(der);
    EVP_MD_CTX_free(context);
    return matches;
}

/* A number of the public key, at least `least` bytes wide, as a new JSON string. */
static json_t *mint_number(const struct mint *mint, const char *name, int least)
{
    BIGNUM *number = NULL;
    unsigned char bytes[SIGNATURE_MOST];
    char *text = NULL;
    json_t *string = NULL;
    int size;

    if (EVP_PKEY_get_bn_param(mint->key, name, &number) != 1)
        return NULL;
    size = BN_num_bytes(number) > least ? BN_num_bytes(number) : least;
    if (size <= (int)sizeof bytes && BN_bn2binpad(number, bytes, size) == size)
        text = mint_encode(bytes, (size_t)size);
    if (text != NULL)
        string = json_string(text);
    free(text);
    BN_free(number);
    return string;
}

json_t *freshet_mint_jwks(const struct mint *mint)
{
    json_t *key;

    if (mint->algorithm == ALGORITHM_ES256) {
        key = json_pack("{s:s, s:s, s:o, s:o}", "kty", "EC", "crv", "P-256", "x",
                        mint_number(mint, OSSL_PKEY_PARAM_EC_PUB_X, ES256_HALF), "y",
                        mint_number(mint, OSSL_PKEY_PARAM_EC_PUB_Y, ES256_HALF));
    } else {
        key = json_pack("{s:s, s:o, s:o}", "kty", "RSA", "n",
                        mint_number(mint, OSSL_PKEY_PARAM_RSA_N, 1), "e",
                        mint_number(mint, OSSL_PKEY_PARAM_RSA_E, 1));
    }
    (void)json_object_set_new(key, "use", json_string("sig"));
    (void)json_object_set_new(key, "kid", json_string(mint->kid));
    (void)json_object_set_new(key, "alg", json_string(mint_algorithms[mint->algorithm]));
    return json_pack("{s:[o]}", "keys", key);
}
