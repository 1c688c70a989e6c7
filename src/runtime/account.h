/*
 * One user's credential at one instance, for all sessions of a client that use it.
 *
 * With a store it lives there, and each request that carries it is a spend (store/spend.h). Without
 * one it lives in memory and, if it came from a file, is written back. Loop thread only.
 */
#ifndef FRESHET_RUNTIME_ACCOUNT_H
#define FRESHET_RUNTIME_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/engine.h"
#include "runtime/credential.h"
#include "store/spend.h"
#include "store/store.h"
#include "store/vault.h"

struct account {
    struct account *next;
    size_t users;
    char *instance;
    char *name;
    struct credential given;  /* by the host; without a store, what is presented */
    uint64_t print;           /* of what was given, as freshet_fingerprint() says */
    struct vault *vault;      /* NULL: there is no store */
    struct secret last;       /* what was presented last, should the store's folder vanish */
    bool lost;                /* it has: memory has to do */
    bool seeded;              /* the store knows what was given */
    enum lock_mode fault_of;  /* what could not be done */
    struct store_error fault; /* of the last attempt to use the store; "" if it went well */
};

/*
 * Finds or makes the account of that name at an instance; takes the credential over. The store may
 * be NULL and must outlive the account. NULL without memory. freshet_account_close().
 */
struct account *freshet_account_open(struct account **accounts, struct store *store,
                                     const char *instance, const char *name,
                                     struct credential *given);
void freshet_account_close(struct account **accounts, struct account *account);

/* Stores what was given, if that is new: what an earlier client token has left behind then is over. If
 * it cannot be stored now, it is with the first request. */
void freshet_account_settle(struct account *account, struct now now);

/* A credential on its way to the issuer. Zeroed: none. */
struct presentation {
    struct account *account;
    struct spend *spend;
    request_id request;
    const char *text; /* NULL: the request goes without */
};

/*
 * Takes the credential for one request: shared for tokens, alone for what may rotate it; the
 * environment is asked without. FRESHET_WOULD_BLOCK: another holder, try again; FRESHET_STORE: it
 * cannot be used, account->fault says why. freshet_account_end() if FRESHET_OK.
 */
enum freshet_status freshet_account_begin(struct account *account, enum endpoint on,
                                          request_id request, struct now now,
                                          struct presentation *presentation);

/* Saves a successor before its answer is used. FRESHET_WOULD_BLOCK, FRESHET_STORE: not saved, try
 * again before the end. */
enum freshet_status freshet_account_save(struct presentation *presentation, const char *text,
                                         struct now now);

/* Gives the credential back. */
void freshet_account_end(struct presentation *presentation, enum spend_outcome outcome);

#endif
