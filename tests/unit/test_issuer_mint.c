/*
 * Tokens are signed so that others can verify them: here with the published key and libcrypto, by
 * code that shares nothing with the mint.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "issuer/mint.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    unsigned char data[2048];
    size_t size;
};

static void decode(const char *text, size_t length, struct bytes *bytes)
{
    assert_int_equal(sodium_base642bin(bytes->data, sizeof bytes->data - 1, text, length, NULL,
                                       &bytes->size, NULL,
                                       sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                     0);
    bytes->data[bytes->size] = '\0';
}

static void decode_member(const json_t *key, const char *name, struct bytes *bytes)
{
    const char *text = json_string_value(json_object_get(key, name));

    assert_non_null(text);
    decode(text, strlen(text), bytes);
}

/* A public key made from its JSON form only. */
static EVP_PKEY *import_key(const json_t *key)
{
    bool rsa = strcmp(json_string_value(json_object_get(key, "kty")), "RSA") == 0;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, rsa ? "RSA" : "EC", NULL);
    EVP_PKEY *imported = NULL;
    OSSL_PARAM *parameters;
    struct bytes first, second;
    unsigned char point[65] = {4};
    BIGNUM *n = NULL, *e = NULL;

    decode_member(key, rsa ? "n" : "x", &first);
    decode_member(key, rsa ? "e" : "y", &second);
    if (rsa) {
        n = BN_bin2bn(first.data, (int)first.size, NULL);
        e = BN_bin2bn(second.data, (int)second.size, NULL);
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
    } else {
        assert_int_equal(first.size, 32);
        assert_int_equal(second.size, 32);
        memcpy(point + 1, first.data, 32);
        memcpy(point + 33, second.data, 32);
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point);
    }
    parameters = OSSL_PARAM_BLD_to_param(builder);
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &imported, EVP_PKEY_PUBLIC_KEY, parameters), 1);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(n);
    BN_free(e);
    return imported;
}

static bool verifies(EVP_PKEY *key, const char *text, size_t length, const struct bytes *signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const unsigned char *given = signature->data;
    unsigned char *der = NULL;
    int size = (int)signature->size;
    bool good;

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        ECDSA_SIG *pair = ECDSA_SIG_new();
        assert_int_equal(signature->size, 64);
        ECDSA_SIG_set0(pair, BN_bin2bn(given, 32, NULL), BN_bin2bn(given + 32, 32, NULL));
        size = i2d_ECDSA_SIG(pair, &der);
        ECDSA_SIG_free(pair);
        given = der;
    }
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
    good = EVP_DigestVerify(context, given, (size_t)size, (const unsigned char *)text, length) == 1;
    EVP_MD_CTX_free(context);
    OPENSSL_free(der);
    return good;
}

static void check_published_key(enum algorithm algorithm, const char *name)
{
    struct mint *mint = freshet_mint_open(algorithm);
    json_t *jwks = freshet_mint_jwks(mint);
    json_t *key = json_array_get(json_object_get(jwks, "keys"), 0);
    json_t *payload = json_pack("{s:s}", "sub", "user_1");
    char *token = freshet_mint_sign(mint, 1700000000, payload);
    const char *dot = strchr(token, '.'), *last = strrchr(token, '.');
    EVP_PKEY *imported = import_key(key);
    struct bytes header, signature;
    json_t *head;

    decode(token, (size_t)(dot - token), &header);
    decode(last + 1, strlen(last + 1), &signature);
    head = json_loadb((char *)header.data, header.size, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(head, "alg")), name);
    assert_string_equal(json_string_value(json_object_get(head, "typ")), "JWT");
    assert_string_equal(json_string_value(json_object_get(head, "kid")),
                        json_string_value(json_object_get(key, "kid")));
    assert_int_equal(json_integer_value(json_object_get(head, "oiat")), 1700000000);
    assert_true(verifies(imported, token, (size_t)(last - token), &signature));
    signature.data[5] ^= 1;
    assert_false(verifies(imported, token, (size_t)(last - token), &signature));

    json_decref(head);
    EVP_PKEY_free(imported);
    free(token);
    json_decref(payload);
    json_decref(jwks);
    freshet_mint_close(mint);
}

static void es256_tokens_verify_with_the_published_key(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++)
        check_published_key(ALGORITHM_ES256, "ES256");
}

static void rs256_tokens_verify_with_the_published_key(void **state)
{
    (void)state;
    check_published_key(ALGORITHM_RS256, "RS256");
}

static void mint_reads_only_what_it_signed(void **state)
{
    struct mint *mint = freshet_mint_open(ALGORITHM_ES256);
    struct mint *other = freshet_mint_open(ALGORITHM_ES256);
    json_t *payload = json_pack("{s:s}", "sub", "user_1");
    char *token = freshet_mint_sign(mint, -1, payload);
    json_t *read = freshet_mint_verify(mint, token);

    (void)state;
    assert_true(json_equal(read, payload));
    assert_null(freshet_mint_verify(other, token));
    for (size_t i = 0; i < strlen(token); i += 7) {
        char kept = token[i];
        token[i] = kept == 'A' ? 'B' : 'A';
        assert_null(freshet_mint_verify(mint, token));
        token[i] = kept;
    }
    token[strlen(token) - 1] = '\0';
    assert_null(freshet_mint_verify(mint, token));
    json_decref(read);
    json_decref(payload);
    free(token);
    freshet_mint_close(other);
    freshet_mint_close(mint);
}

static void mint_refuses_what_is_no_token(void **state)
{
    static const char *const junk[] = {
        "",         ".",          "..",
        "a.b",      "a.b.c",      "...",
        "e30.e30.", "e30.e30.AA", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."};
    struct mint *mint = freshet_mint_open(ALGORITHM_ES256);

    (void)state;
    for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++)
        assert_null(freshet_mint_verify(mint, junk[i]));
    freshet_mint_close(mint);
}

static void header_has_no_oiat_when_there_is_none(void **state)
{
    struct mint *mint = freshet_mint_open(ALGORITHM_ES256);
    json_t *payload = json_object();
    char *token = freshet_mint_sign(mint, -1, payload);
    struct bytes header;

    (void)state;
    decode(token, strcspn(token, "."), &header);
    assert_null(strstr((char *)header.data, "oiat"));
    free(token);
    json_decref(payload);
    freshet_mint_close(mint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(es256_tokens_verify_with_the_published_key),
        cmocka_unit_test(rs256_tokens_verify_with_the_published_key),
        cmocka_unit_test(mint_reads_only_what_it_signed),
        cmocka_unit_test(mint_refuses_what_is_no_token),
        cmocka_unit_test(header_has_no_oiat_when_there_is_none),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
