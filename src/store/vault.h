/*
 * What the store holds of one account of one instance: its slots, each a sealed file.
 *
 * The files' names are a hash of instance and account (behaviour row D27: never one name for two
 * instances). A slot that does not open is kept and reported, never deleted or written over. The
 * credential is written by spend.h and seed.h alone; here it can only be looked at.
 */
#ifndef FRESHET_STORE_VAULT_H
#define FRESHET_STORE_VAULT_H

#include <stddef.h>
#include <sys/types.h>

#include <freshet/status.h>

#include "lock/lock.h"
#include "store/contents.h"
#include "store/error.h"
#include "store/seal.h"
#include "store/secret.h"
#include "store/store.h"

#define FRESHET_VAULT_NAME_MAX        512 /* bytes of an instance, and of an account */
#define FRESHET_VAULT_TOKEN_MAX       16384
#define FRESHET_VAULT_ENVIRONMENT_MAX 65536

enum vault_slot {
    VAULT_TOKEN,       /* the last token, for a start without the issuer */
    VAULT_ENVIRONMENT, /* a snapshot of the instance's settings */
    VAULT_SESSION,     /* see freshet_vault_session_read() */
    VAULT_CREDENTIAL,  /* see freshet_vault_credential_read() */
    VAULT_NEXT,        /* a successor on its way to VAULT_CREDENTIAL */
    VAULT_JOURNAL,     /* a request that may rotate the credential */
    VAULT_SLOTS
};

struct vault {
    struct store *store;
    char *instance;
    char *account;
    char stem[2 * 16 + 1]; /* the hash */
};

/* The store must outlive it. instance must not be "". freshet_vault_close(). */
enum freshet_status freshet_vault_open(struct store *store, const char *instance,
                                       const char *account, struct vault **vault,
                                       struct store_error *error);

/* NULL is fine. */
void freshet_vault_close(struct vault *vault);

/* VAULT_TOKEN or VAULT_ENVIRONMENT. FRESHET_NONE: empty; FRESHET_STORE: there is one that cannot be
 * used. plain is the caller's, freshet_secret_free(). */
enum freshet_status freshet_vault_read(const struct vault *vault, enum vault_slot slot,
                                       struct secret *plain, struct store_error *error);

/* VAULT_TOKEN or VAULT_ENVIRONMENT, durably. FRESHET_WOULD_BLOCK: another process is writing a slot
 * of this vault; try again. FRESHET_LIMIT: too long. The old text stays on every failure. */
enum freshet_status freshet_vault_write(const struct vault *vault, enum vault_slot slot,
                                        const char *text, size_t length, struct store_error *error);

/* VAULT_TOKEN or VAULT_ENVIRONMENT, readable or not; empty is fine. */
enum freshet_status freshet_vault_remove(const struct vault *vault, enum vault_slot slot,
                                         struct store_error *error);

/* FRESHET_NONE: nothing was ever said about the session. */
enum freshet_status freshet_vault_session_read(const struct vault *vault,
                                               struct vault_session *session,
                                               struct store_error *error);

/* As freshet_vault_write(). FRESHET_INVALID if its epoch is below the stored one. */
enum freshet_status freshet_vault_session_write(const struct vault *vault,
                                                const struct vault_session *session,
                                                struct store_error *error);

/* The credential as it is now, without a lock: for a status, not for a request. */
enum freshet_status freshet_vault_credential_read(const struct vault *vault,
                                                  struct vault_credential *credential,
                                                  struct store_error *error);

/* What follows is for spend.c, seed.c and successor.c. */

enum vault_byte { VAULT_BYTE_SPEND, VAULT_BYTE_SAVE, VAULT_BYTE_SLOTS };

/* FRESHET_WOULD_BLOCK: somebody holds it. *lock is for freshet_lock_release() with the same byte. */
enum freshet_status freshet_vault_lock(const struct vault *vault, enum vault_byte byte,
                                       enum lock_mode mode, int *lock, struct store_error *error);

struct vault_file {
    char name[64];
};

/* The name of a slot's file; with tmp, of the one that will replace it. */
struct vault_file freshet_vault_file(const struct vault *vault, enum vault_slot slot, bool tmp);

/* Any slot, with what went wrong: result is SEAL_OK unless the file was there and did not open. */
struct vault_opened {
    struct secret plain;
    int version;
    enum seal_result result;
};

enum freshet_status freshet_vault_unseal(const struct vault *vault, enum vault_slot slot,
                                         struct vault_opened *opened, struct store_error *error);

enum freshet_status freshet_vault_seal(const struct vault *vault, enum vault_slot slot,
                                       const struct secret *plain, struct file_bytes *bytes);

/* What a credential file takes at most, sealed. */
size_t freshet_vault_credential_room(void);

enum freshet_status freshet_vault_credential_open(const struct vault *vault, enum vault_slot slot,
                                                  struct vault_credential *credential,
                                                  enum seal_result *result,
                                                  struct store_error *error);

/* An errno of a write as a status, with the file's name and what to do. */
enum freshet_status freshet_vault_refused(const struct vault *vault, enum vault_slot slot,
                                          int result, struct store_error *error);

#endif
