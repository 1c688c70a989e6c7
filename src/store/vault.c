/*
 * Slots: names, sealing, reading and whole replacement.
 */
#include "store/vault.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/file.h"

/* Fixed fields and text; rounded up, so that fields can be added. */
#define VAULT_HEAD_MAX 128

struct vault_shape {
    const char *suffix;    /* of the file */
    const char *sealed_as; /* a successor is sealed under the name it will have */
    size_t limit;          /* bytes of plain text */
};

static const struct vault_shape vault_shapes[VAULT_SLOTS] = {
    [VAULT_TOKEN] = {"token", "token", FRESHET_VAULT_TOKEN_MAX},
    [VAULT_ENVIRONMENT] = {"environment", "environment", FRESHET_VAULT_ENVIRONMENT_MAX},
    [VAULT_SESSION] = {"session", "session", 1024},
    [VAULT_CREDENTIAL] = {"credential", "credential", FRESHET_CREDENTIAL_MAX + VAULT_HEAD_MAX},
    [VAULT_NEXT] = {"next", "credential", FRESHET_CREDENTIAL_MAX + VAULT_HEAD_MAX},
    [VAULT_JOURNAL] = {"journal", "journal", 1024},
};

/* Not keyed: under another key the files are still found, and reported instead of overlooked. */
static void vault_stem(struct vault *vault)
{
    unsigned char hash[(sizeof(vault->stem) - 1) / 2];
    crypto_generichash_state state;

    crypto_generichash_init(&state, NULL, 0, sizeof(hash));
    crypto_generichash_update(&state, (const unsigned char *)vault->instance,
                              strlen(vault->instance) + 1);
    crypto_generichash_update(&state, (const unsigned char *)vault->account,
                              strlen(vault->account) + 1);
    crypto_generichash_final(&state, hash, sizeof(hash));
    sodium_bin2hex(vault->stem, sizeof(vault->stem), hash, sizeof(hash));
}

enum freshet_status freshet_vault_open(struct store *store, const char *instance,
                                       const char *account, struct vault **vault,
                                       struct store_error *error)
{
    struct vault *opened = NULL;

    *vault = NULL;
    if (instance[0] == '\0' || strlen(instance) > FRESHET_VAULT_NAME_MAX ||
        strlen(account) > FRESHET_VAULT_NAME_MAX) {
        return freshet_store_fail(error, FRESHET_INVALID,
                                  "instance and account need names of at most %d bytes",
                                  FRESHET_VAULT_NAME_MAX);
    }
    opened = calloc(1, sizeof(*opened));
    if (opened == NULL) {
        return FRESHET_NO_MEMORY;
    }
    opened->store = store;
    opened->instance = strdup(instance);
    opened->account = strdup(account);
    if (opened->instance == NULL || opened->account == NULL) {
        freshet_vault_close(opened);
        return FRESHET_NO_MEMORY;
    }
    vault_stem(opened);
    *vault = opened;
    return FRESHET_OK;
}

void freshet_vault_close(struct vault *vault)
{
    if (vault != NULL) {
        free(vault->instance);
        free(vault->account);
        free(vault);
    }
}

struct vault_file freshet_vault_file(const struct vault *vault, enum vault_slot slot, bool tmp)
{
    struct vault_file file;

    snprintf(file.name, sizeof(file.name), "%s.%s%s", vault->stem, vault_shapes[slot].suffix,
             tmp ? ".tmp" : "");
    return file;
}

size_t freshet_vault_credential_room(void)
{
    return vault_shapes[VAULT_NEXT].limit + FRESHET_SEAL_OVERHEAD;
}

static struct seal_name vault_name(const struct vault *vault, enum vault_slot slot)
{
    return (struct seal_name){.slot = vault_shapes[slot].sealed_as,
                              .instance = vault->instance,
                              .account = vault->account};
}

enum freshet_status freshet_vault_refused(const struct vault *vault, enum vault_slot slot,
                                          int result, struct store_error *error)
{
    return freshet_store_fail(
        error, result == -ENOMEM ? FRESHET_NO_MEMORY : FRESHET_STORE,
        "%s in the store cannot be written: %s; it was kept as it was, or is new and "
        "whole",
        freshet_vault_file(vault, slot, false).name, strerror(-result));
}

enum freshet_status freshet_vault_lock(const struct vault *vault, enum vault_byte byte,
                                       enum lock_mode mode, int *lock, struct store_error *error)
{
    struct vault_file file;

    snprintf(file.name, sizeof(file.name), "%s.lock", vault->stem);
    *lock = freshet_lock_try(vault->store->folder, file.name, byte, mode);
    if (*lock >= 0) {
        return FRESHET_OK;
    }
    if (*lock == -EAGAIN) {
        return freshet_store_fail(error, FRESHET_WOULD_BLOCK,
                                  "another process is using this credential; try again");
    }
    return freshet_store_fail(error, FRESHET_STORE, "%s in the store cannot be locked: %s",
                              file.name, strerror(-*lock));
}

static enum freshet_status vault_unopened(const char *name, enum seal_result result,
                                          struct store_error *error)
{
    if (result == SEAL_NO_MEMORY) {
        return FRESHET_NO_MEMORY;
    }
    return freshet_store_fail(error, FRESHET_STORE,
                              result == SEAL_NEWER
                                  ? "%s in the store was written by a newer Freshet; update this "
                                    "one. The file was kept"
                                  : "%s in the store does not open: it was sealed with another key "
                                    "or was changed. Restore the key, or move the file away and "
                                    "sign in again. It was kept",
                              name);
}

enum freshet_status freshet_vault_unseal(const struct vault *vault, enum vault_slot slot,
                                         struct vault_opened *opened, struct store_error *error)
{
    struct vault_file file = freshet_vault_file(vault, slot, false);
    struct seal_name name = vault_name(vault, slot);
    struct store_error why = {{0}};
    struct file_bytes bytes;
    enum freshet_status status = FRESHET_OK;

    *opened = (struct vault_opened){.result = SEAL_OK};
    status =
        freshet_store_file_read(vault->store->folder, file.name,
                                vault_shapes[slot].limit + FRESHET_SEAL_OVERHEAD, &bytes, &why);
    if (status != FRESHET_OK) {
        return freshet_store_fail(error, status, "%s in the store: %s", file.name, why.text);
    }
    opened->result =
        freshet_unseal(vault->store->key, &name, &bytes, &opened->plain, &opened->version);
    freshet_store_file_free(&bytes);
    return opened->result == SEAL_OK ? FRESHET_OK
                                     : vault_unopened(file.name, opened->result, error);
}

enum freshet_status freshet_vault_seal(const struct vault *vault, enum vault_slot slot,
                                       const struct secret *plain, struct file_bytes *bytes)
{
    struct seal_name name = vault_name(vault, slot);

    return freshet_seal(vault->store->key, &name, plain, bytes);
}

/* A slot that holds something that does not open is not written over: it may be all there is. */
static enum freshet_status vault_replaceable(const struct vault *vault, enum vault_slot slot,
                                             struct store_error *error)
{
    struct vault_opened opened;
    enum freshet_status status = freshet_vault_unseal(vault, slot, &opened, error);

    freshet_secret_free(&opened.plain);
    return status == FRESHET_NONE ? FRESHET_OK : status;
}

/* Under the slots' lock. */
static enum freshet_status vault_replace(const struct vault *vault, enum vault_slot slot,
                                         const struct secret *plain, struct store_error *error)
{
    struct vault_file file = freshet_vault_file(vault, slot, false);
    struct vault_file temporary = freshet_vault_file(vault, slot, true);
    struct file_bytes bytes = {0};
    enum freshet_status status = vault_replaceable(vault, slot, error);
    int result = 0;

    if (status == FRESHET_OK) {
        status = freshet_vault_seal(vault, slot, plain, &bytes);
    }
    if (status == FRESHET_OK) {
        result = freshet_store_file_put(vault->store->folder, temporary.name, file.name, &bytes);
        status = result == 0 ? FRESHET_OK : freshet_vault_refused(vault, slot, result, error);
    }
    freshet_store_file_free(&bytes);
    return status;
}

static bool vault_slot_plain(enum vault_slot slot)
{
    return slot == VAULT_TOKEN || slot == VAULT_ENVIRONMENT;
}

static enum freshet_status vault_not_plain(struct store_error *error)
{
    return freshet_store_fail(error, FRESHET_INVALID, "this slot has calls of its own");
}

enum freshet_status freshet_vault_read(const struct vault *vault, enum vault_slot slot,
                                       struct secret *plain, struct store_error *error)
{
    struct vault_opened opened;
    enum freshet_status status = FRESHET_OK;

    *plain = (struct secret){0};
    if (!vault_slot_plain(slot)) {
        return vault_not_plain(error);
    }
    status = freshet_vault_unseal(vault, slot, &opened, error);
    *plain = opened.plain;
    return status;
}

enum freshet_status freshet_vault_write(const struct vault *vault, enum vault_slot slot,
                                        const char *text, size_t length, struct store_error *error)
{
    struct secret plain = {0};
    enum freshet_status status = FRESHET_OK;
    int lock = -1;

    if (!vault_slot_plain(slot)) {
        return vault_not_plain(error);
    }
    if (length > vault_shapes[slot].limit) {
        return freshet_store_fail(error, FRESHET_LIMIT, "a %s may have at most %zu bytes",
                                  vault_shapes[slot].suffix, vault_shapes[slot].limit);
    }
    status = freshet_secret_copy(&plain, text, length);
    if (status == FRESHET_OK) {
        status = freshet_vault_lock(vault, VAULT_BYTE_SLOTS, LOCK_EXCLUSIVE, &lock, error);
    }
    if (status == FRESHET_OK) {
        status = vault_replace(vault, slot, &plain, error);
        freshet_lock_release(lock, VAULT_BYTE_SLOTS);
    }
    freshet_secret_free(&plain);
    return status;
}

enum freshet_status freshet_vault_remove(const struct vault *vault, enum vault_slot slot,
                                         struct store_error *error)
{
    struct vault_file file = freshet_vault_file(vault, slot, false);
    int result = 0;

    if (!vault_slot_plain(slot)) {
        return vault_not_plain(error);
    }
    result = freshet_store_file_remove(vault->store->folder, file.name);
    return result == 0
               ? FRESHET_OK
               : freshet_store_fail(error, FRESHET_STORE, "%s in the store cannot be removed: %s",
                                    file.name, strerror(-result));
}

enum freshet_status freshet_vault_session_read(const struct vault *vault,
                                               struct vault_session *session,
                                               struct store_error *error)
{
    struct vault_opened opened;
    enum freshet_status status = freshet_vault_unseal(vault, VAULT_SESSION, &opened, error);

    *session = (struct vault_session){0};
    if (status == FRESHET_OK &&
        freshet_vault_session_decode(&opened.plain, session) != FRESHET_OK) {
        status = vault_unopened(freshet_vault_file(vault, VAULT_SESSION, false).name, SEAL_DAMAGED,
                                error);
    }
    freshet_secret_free(&opened.plain);
    return status;
}

enum freshet_status freshet_vault_session_write(const struct vault *vault,
                                                const struct vault_session *session,
                                                struct store_error *error)
{
    struct vault_session stored;
    struct secret plain = {0};
    int lock = -1;
    enum freshet_status status =
        freshet_vault_lock(vault, VAULT_BYTE_SLOTS, LOCK_EXCLUSIVE, &lock, error);

    if (status != FRESHET_OK) {
        return status;
    }
    status = freshet_vault_session_read(vault, &stored, error);
    if (status == FRESHET_OK && session->epoch < stored.epoch) {
        status = freshet_store_fail(error, FRESHET_INVALID,
                                    "the session has begun a newer epoch; read it again");
    } else if (status == FRESHET_OK || status == FRESHET_NONE) {
        status = freshet_vault_session_encode(session, &plain);
        status = status == FRESHET_OK ? vault_replace(vault, VAULT_SESSION, &plain, error) : status;
    }
    freshet_secret_free(&plain);
    freshet_lock_release(lock, VAULT_BYTE_SLOTS);
    return status;
}

enum freshet_status freshet_vault_credential_open(const struct vault *vault, enum vault_slot slot,
                                                  struct vault_credential *credential,
                                                  enum seal_result *result,
                                                  struct store_error *error)
{
    struct vault_opened opened;
    enum freshet_status status = freshet_vault_unseal(vault, slot, &opened, error);

    *credential = (struct vault_credential){0};
    *result = opened.result;
    if (status == FRESHET_OK) {
        status = freshet_vault_credential_decode(&opened.plain, opened.version, credential);
        if (status == FRESHET_STORE) {
            *result = SEAL_DAMAGED;
            status =
                vault_unopened(freshet_vault_file(vault, slot, false).name, SEAL_DAMAGED, error);
        }
    }
    freshet_secret_free(&opened.plain);
    return status;
}

enum freshet_status freshet_vault_credential_read(const struct vault *vault,
                                                  struct vault_credential *credential,
                                                  struct store_error *error)
{
    enum seal_result result;

    return freshet_vault_credential_open(vault, VAULT_CREDENTIAL, credential, &result, error);
}
