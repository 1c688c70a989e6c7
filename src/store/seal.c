/*
 * Sealing and opening.
 */
#include "store/seal.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SEAL_MAGIC  "freshet-store "
#define SEAL_HEADER SEAL_MAGIC "2\n"
#define SEAL_NONCE  crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define SEAL_TAG    crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(FRESHET_SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
               "the key serves version 2");
_Static_assert(FRESHET_SEAL_KEY_BYTES == crypto_secretbox_KEYBYTES, "and version 1");
_Static_assert(sizeof(SEAL_HEADER) + SEAL_NONCE + SEAL_TAG <= FRESHET_SEAL_OVERHEAD,
               "the overhead covers header, nonce and tag");

/* Header, slot, instance and account, each with its NUL: no two names give the same bytes. */
static bool seal_binding(const struct seal_name *name, struct file_bytes *binding)
{
    const char *part[] = {SEAL_HEADER, name->slot, name->instance, name->account};
    size_t length = 0;

    for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
        length += strlen(part[i]) + 1;
    }
    binding->data = malloc(length);
    if (binding->data == NULL) {
        return false;
    }
    binding->length = 0;
    for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
        memcpy(binding->data + binding->length, part[i], strlen(part[i]) + 1);
        binding->length += strlen(part[i]) + 1;
    }
    return true;
}

enum freshet_status freshet_seal(const unsigned char *key, const struct seal_name *name,
                                 const struct secret *plain, struct file_bytes *bytes)
{
    const size_t header = strlen(SEAL_HEADER);
    struct file_bytes binding = {0};
    unsigned char *nonce = NULL;

    *bytes = (struct file_bytes){0};
    if (!seal_binding(name, &binding)) {
        return FRESHET_NO_MEMORY;
    }
    bytes->length = header + SEAL_NONCE + plain->length + SEAL_TAG;
    bytes->data = malloc(bytes->length);
    if (bytes->data == NULL) {
        freshet_store_file_free(&binding);
        *bytes = (struct file_bytes){0};
        return FRESHET_NO_MEMORY;
    }
    memcpy(bytes->data, SEAL_HEADER, header);
    nonce = bytes->data + header;
    randombytes_buf(nonce, SEAL_NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + SEAL_NONCE, NULL,
                                               (const unsigned char *)plain->text, plain->length,
                                               binding.data, binding.length, NULL, nonce, key);
    freshet_store_file_free(&binding);
    return FRESHET_OK;
}

/* The version in the first line, and where the line ends; 0 if this is no such line. */
static int seal_version(const struct file_bytes *bytes, size_t *end)
{
    const size_t magic = strlen(SEAL_MAGIC);
    int version = 0;

    if (bytes->length < magic || memcmp(bytes->data, SEAL_MAGIC, magic) != 0) {
        return 0;
    }
    for (size_t i = magic; i < bytes->length && i < magic + 7; i++) {
        unsigned char digit = bytes->data[i];

        if (digit == '\n') {
            *end = i + 1;
            return version;
        }
        if (digit < '0' || digit > '9' || (version == 0 && digit == '0')) {
            return 0;
        }
        version = version * 10 + (digit - '0');
    }
    return 0;
}

static enum seal_result seal_open_1(const unsigned char *key, const unsigned char *nonce,
                                    size_t length, struct secret *plain)
{
    const size_t around = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;

    if (length < around) {
        return SEAL_DAMAGED;
    }
    if (freshet_secret_alloc(plain, length - around) != FRESHET_OK) {
        return SEAL_NO_MEMORY;
    }
    return crypto_secretbox_open_easy((unsigned char *)plain->text,
                                      nonce + crypto_secretbox_NONCEBYTES,
                                      length - crypto_secretbox_NONCEBYTES, nonce, key) == 0
               ? SEAL_OK
               : SEAL_DAMAGED;
}

static enum seal_result seal_open_2(const unsigned char *key, const struct seal_name *name,
                                    const unsigned char *nonce, size_t length, struct secret *plain)
{
    struct file_bytes binding = {0};
    int opened = -1;

    if (length < SEAL_NONCE + SEAL_TAG) {
        return SEAL_DAMAGED;
    }
    if (freshet_secret_alloc(plain, length - SEAL_NONCE - SEAL_TAG) != FRESHET_OK ||
        !seal_binding(name, &binding)) {
        return SEAL_NO_MEMORY;
    }
    opened = crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)plain->text, NULL, NULL,
                                                        nonce + SEAL_NONCE, length - SEAL_NONCE,
                                                        binding.data, binding.length, nonce, key);
    freshet_store_file_free(&binding);
    return opened == 0 ? SEAL_OK : SEAL_DAMAGED;
}

enum seal_result freshet_unseal(const unsigned char *key, const struct seal_name *name,
                                const struct file_bytes *bytes, struct secret *plain, int *version)
{
    size_t start = 0;
    enum seal_result result = SEAL_DAMAGED;

    *plain = (struct secret){0};
    *version = seal_version(bytes, &start);
    if (*version > FRESHET_SEAL_VERSION) {
        return SEAL_NEWER;
    }
    if (*version == 1) {
        result = seal_open_1(key, bytes->data + start, bytes->length - start, plain);
    } else if (*version == 2) {
        result = seal_open_2(key, name, bytes->data + start, bytes->length - start, plain);
    }
    if (result != SEAL_OK) {
        freshet_secret_free(plain);
    }
    return result;
}
