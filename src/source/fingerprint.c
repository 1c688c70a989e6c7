/*
 * A token's fingerprint: eight bytes of BLAKE2b, enough to tell tokens apart and to learn nothing.
 */
#include <sodium.h>

#include "source/source.h"

uint64_t freshet_fingerprint(const char *text, size_t length)
{
    unsigned char digest[crypto_generichash_BYTES_MIN];
    uint64_t fingerprint = 0;

    crypto_generichash(digest, sizeof(digest), (const unsigned char *)text, length, NULL, 0);
    for (size_t i = 0; i < sizeof(fingerprint); i++) {
        fingerprint = fingerprint << 8 | digest[i];
    }
    return fingerprint != 0 ? fingerprint : 1;
}
