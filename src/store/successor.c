/*
 * Prove, write, publish, recover.
 *
 * A successor names what it replaces inside its seal, so a file that is complete but has not got its
 * name yet is known for what it is without trusting anything around it.
 */
#include "store/successor.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/file.h"
#include "store/file.h"

enum freshet_status freshet_successor_prove(const struct vault *vault, int *descriptor,
                                            struct store_error *error)
{
    struct vault_file next = freshet_vault_file(vault, VAULT_NEXT, false);
    int result = freshet_file_create(vault->store->folder, next.name);

    *descriptor = -1;
    if (result < 0) {
        return freshet_vault_refused(vault, VAULT_CREDENTIAL, result, error);
    }
    *descriptor = result;
    do {
        result = -posix_fallocate(*descriptor, 0, (off_t)freshet_vault_credential_room());
    } while (result == -EINTR);
    if (result == 0 && fsync(*descriptor) != 0) {
        result = -errno;
    }
    if (result != 0) {
        freshet_successor_discard(vault, descriptor);
        return freshet_vault_refused(vault, VAULT_CREDENTIAL, result, error);
    }
    freshet_store_at(vault->store, STORE_AT_PROVED);
    return FRESHET_OK;
}

void freshet_successor_discard(const struct vault *vault, int *descriptor)
{
    if (*descriptor >= 0) {
        close(*descriptor);
        *descriptor = -1;
        unlinkat(vault->store->folder, freshet_vault_file(vault, VAULT_NEXT, false).name, 0);
    }
}

/* From a durable file under the temporary name to a durable credential. */
static int successor_publish(const struct vault *vault)
{
    int folder = vault->store->folder;
    struct vault_file next = freshet_vault_file(vault, VAULT_NEXT, false);
    struct vault_file credential = freshet_vault_file(vault, VAULT_CREDENTIAL, false);

    if (renameat(folder, next.name, folder, credential.name) != 0) {
        return -errno;
    }
    freshet_store_at(vault->store, STORE_AT_RENAMED);
    if (fsync(folder) != 0) {
        return -errno;
    }
    freshet_store_at(vault->store, STORE_AT_PUBLISHED);
    return 0;
}

/* The room that was proved is written over and the rest of it cut off. */
static int successor_fill(const struct vault *vault, int descriptor, const struct file_bytes *bytes)
{
    size_t half = bytes->length / 2;
    int result = freshet_file_write(descriptor, bytes->data, half);

    if (result == 0) {
        freshet_store_at(vault->store, STORE_AT_SUCCESSOR_HALF);
        result = freshet_file_write(descriptor, bytes->data + half, bytes->length - half);
    }
    if (result == 0 && ftruncate(descriptor, (off_t)bytes->length) != 0) {
        result = -errno;
    }
    if (result == 0) {
        freshet_store_at(vault->store, STORE_AT_SUCCESSOR_WRITTEN);
        result = fsync(descriptor) == 0 ? 0 : -errno;
    }
    if (result == 0) {
        freshet_store_at(vault->store, STORE_AT_SUCCESSOR_SYNCED);
    }
    return result;
}

enum freshet_status freshet_successor_write(const struct vault *vault, int *descriptor,
                                            const struct vault_credential *credential,
                                            struct store_error *error)
{
    struct secret plain = {0};
    struct file_bytes bytes = {0};
    int result = -ENOMEM;

    if (freshet_vault_credential_encode(credential, &plain) == FRESHET_OK &&
        freshet_vault_seal(vault, VAULT_NEXT, &plain, &bytes) == FRESHET_OK) {
        result = successor_fill(vault, *descriptor, &bytes);
    }
    freshet_secret_free(&plain);
    freshet_store_file_free(&bytes);
    if (result == 0) {
        result = successor_publish(vault);
    }
    if (result != 0) {
        freshet_successor_discard(vault, descriptor);
        return freshet_vault_refused(vault, VAULT_CREDENTIAL, result, error);
    }
    close(*descriptor);
    *descriptor = -1;
    return FRESHET_OK;
}

static int intent_put(const struct vault *vault, const struct file_bytes *bytes)
{
    int folder = vault->store->folder;
    struct vault_file temporary = freshet_vault_file(vault, VAULT_JOURNAL, true);
    struct vault_file journal = freshet_vault_file(vault, VAULT_JOURNAL, false);
    int result = freshet_file_make(folder, temporary.name, bytes->data, bytes->length);

    if (result == 0) {
        freshet_store_at(vault->store, STORE_AT_INTENT_WRITTEN);
        result = freshet_store_file_rename(folder, temporary.name, journal.name);
    }
    if (result == 0) {
        freshet_store_at(vault->store, STORE_AT_JOURNALED);
    }
    return result;
}

enum freshet_status freshet_intent_write(const struct vault *vault,
                                         const struct vault_intent *intent,
                                         struct store_error *error)
{
    struct secret plain = {0};
    struct file_bytes bytes = {0};
    enum freshet_status status = freshet_vault_intent_encode(intent, &plain);
    int result = 0;

    if (status == FRESHET_OK) {
        status = freshet_vault_seal(vault, VAULT_JOURNAL, &plain, &bytes);
    }
    if (status == FRESHET_OK) {
        result = intent_put(vault, &bytes);
        status =
            result == 0 ? FRESHET_OK : freshet_vault_refused(vault, VAULT_JOURNAL, result, error);
    }
    freshet_secret_free(&plain);
    freshet_store_file_free(&bytes);
    return status;
}

void freshet_intent_clear(const struct vault *vault)
{
    unlinkat(vault->store->folder, freshet_vault_file(vault, VAULT_JOURNAL, false).name, 0);
}

static struct credential_print recovery_print(const struct recovery *recovery)
{
    const struct secret *text = &recovery->credential.text;

    return text->text != NULL ? freshet_credential_print(text->text, text->length)
                              : (struct credential_print){{0}};
}

/* The bytes may have been read from memory that never reached the disk. */
static int recovery_sync(const struct vault *vault)
{
    int descriptor = openat(vault->store->folder, freshet_vault_file(vault, VAULT_NEXT, false).name,
                            O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int result = descriptor >= 0 && fsync(descriptor) == 0 ? 0 : -errno;

    if (descriptor >= 0) {
        close(descriptor);
    }
    return result;
}

/* An unfinished file is empty or has all of the room that was proved. A finished one that does not
 * open may be a credential under another key: it is kept under a name of its own. */
static int recovery_put_away(const struct vault *vault, bool opened, bool *set_aside)
{
    int folder = vault->store->folder;
    struct vault_file next = freshet_vault_file(vault, VAULT_NEXT, false);
    struct vault_file aside;
    struct stat status;

    if (!opened && fstatat(folder, next.name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return -errno;
    }
    if (opened || status.st_size == 0 ||
        (size_t)status.st_size == freshet_vault_credential_room()) {
        return freshet_store_file_remove(folder, next.name);
    }
    snprintf(aside.name, sizeof(aside.name), "%s.unopened-%08x", vault->stem, randombytes_random());
    *set_aside = true;
    return freshet_store_file_rename(folder, next.name, aside.name);
}

/* A whole successor of the stored credential takes its place; half of one, or one of something else,
 * goes; one that a newer Freshet wrote stays, and stops us. */
static enum freshet_status recovery_next(const struct vault *vault, struct recovery *recovery,
                                         struct store_error *error)
{
    struct credential_print stored = recovery_print(recovery);
    struct vault_credential next;
    enum seal_result opened = SEAL_OK;
    enum freshet_status status =
        freshet_vault_credential_open(vault, VAULT_NEXT, &next, &opened, error);
    int result = 0;

    if (status == FRESHET_NONE) {
        return FRESHET_OK;
    }
    if (status != FRESHET_OK && opened != SEAL_DAMAGED) {
        return status;
    }
    if (status == FRESHET_OK && freshet_credential_print_equal(&next.from, &stored)) {
        result = recovery_sync(vault);
        result = result == 0 ? successor_publish(vault) : result;
        if (result == 0) {
            freshet_secret_free(&recovery->credential.text);
            recovery->credential = next;
            recovery->adopted = true;
            return FRESHET_OK;
        }
    } else {
        result = recovery_put_away(vault, status == FRESHET_OK, &recovery->set_aside);
    }
    freshet_secret_free(&next.text);
    return result == 0 ? FRESHET_OK : freshet_vault_refused(vault, VAULT_CREDENTIAL, result, error);
}

/* An intent about the stored credential was never settled; about another one, it was. */
static enum freshet_status recovery_journal(const struct vault *vault, struct recovery *recovery,
                                            struct store_error *error)
{
    struct credential_print stored = recovery_print(recovery);
    struct vault_opened opened;
    enum freshet_status status = freshet_vault_unseal(vault, VAULT_JOURNAL, &opened, error);

    if (status == FRESHET_NONE) {
        return FRESHET_OK;
    }
    if (status == FRESHET_OK) {
        status = freshet_vault_intent_decode(&opened.plain, &recovery->intent);
        opened.result = status == FRESHET_STORE ? SEAL_DAMAGED : SEAL_OK;
    }
    freshet_secret_free(&opened.plain);
    if (opened.result == SEAL_DAMAGED) {
        recovery->unsure = true;
        return FRESHET_OK;
    }
    if (status != FRESHET_OK) {
        return status;
    }
    recovery->unsure = freshet_credential_print_equal(&recovery->intent.sent, &stored);
    if (!recovery->unsure) {
        freshet_intent_clear(vault);
    }
    return FRESHET_OK;
}

static bool recovery_next_left(const struct vault *vault)
{
    struct stat status;

    return fstatat(vault->store->folder, freshet_vault_file(vault, VAULT_NEXT, false).name, &status,
                   AT_SYMLINK_NOFOLLOW) == 0;
}

enum freshet_status freshet_successor_recover(const struct vault *vault, struct recovery *recovery,
                                              struct store_error *error)
{
    enum freshet_status status = FRESHET_OK;
    int lock = -1;

    *recovery = (struct recovery){0};
    /* It may also belong to a living process that saves what a token answer brought. */
    if (recovery_next_left(vault)) {
        status = freshet_vault_lock(vault, VAULT_BYTE_SAVE, LOCK_EXCLUSIVE, &lock, error);
        if (status != FRESHET_OK) {
            return status;
        }
    }
    status = freshet_vault_credential_read(vault, &recovery->credential, error);
    if ((status == FRESHET_OK || status == FRESHET_NONE) && lock >= 0) {
        status = recovery_next(vault, recovery, error);
    }
    if (status == FRESHET_OK && recovery->credential.text.text == NULL) {
        status = freshet_store_fail(error, FRESHET_NONE,
                                    recovery->set_aside
                                        ? "no credential is stored, and one that does not open was "
                                          "set aside; restore the key or sign in"
                                        : "no credential is stored; sign in");
    }
    if (status == FRESHET_OK) {
        status = recovery_journal(vault, recovery, error);
    }
    if (lock >= 0) {
        freshet_lock_release(lock, VAULT_BYTE_SAVE);
    }
    if (status != FRESHET_OK) {
        freshet_secret_free(&recovery->credential.text);
    }
    return status;
}
