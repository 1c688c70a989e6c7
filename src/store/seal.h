/*
 * The format of every file in the store: a readable line with the version, then a nonce, then what
 * only the key opens.
 *
 * Version 2 (XChaCha20-Poly1305) binds the version, the slot, the instance and the account, so a
 * file that was moved to another name does not open. Version 1 (secretbox) bound nothing; it is read
 * for migration and never written by the product. A newer version is told apart from damage, because
 * the remedy differs.
 */
#ifndef FRESHET_STORE_SEAL_H
#define FRESHET_STORE_SEAL_H

#include <freshet/status.h>

#include "store/file.h"
#include "store/secret.h"

#define FRESHET_SEAL_VERSION   2
#define FRESHET_SEAL_KEY_BYTES 32
#define FRESHET_SEAL_OVERHEAD  96 /* at least what sealing adds, in any version */

/* What a file is about; the texts are the caller's and stay. */
struct seal_name {
    const char *slot;
    const char *instance;
    const char *account;
};

enum seal_result {
    SEAL_OK,
    SEAL_DAMAGED, /* another key, another name, or changed bytes: nobody can tell which */
    SEAL_NEWER,   /* written by a later Freshet */
    SEAL_NO_MEMORY
};

/* Seals plain as the current version. bytes are the caller's to free. */
enum freshet_status freshet_seal(const unsigned char *key, const struct seal_name *name,
                                 const struct secret *plain, struct file_bytes *bytes);

/* Opens any version up to the current one and says which it was. plain is the caller's to free. */
enum seal_result freshet_unseal(const unsigned char *key, const struct seal_name *name,
                                const struct file_bytes *bytes, struct secret *plain, int *version);

#endif
