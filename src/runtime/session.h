/*
 * A session as the pump needs it: whom to ask, with what credential, and by what names it is known.
 */
#ifndef FRESHET_RUNTIME_SESSION_H
#define FRESHET_RUNTIME_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/engine.h"
#include "runtime/account.h"
#include "share/session_record.h"
#include "source/source.h"

struct pump_session {
    session_id id;
    struct clerk_instance instance;
    struct account *account;

    /* For its last token and its end: the account's, unless a session was wished; NULL: no store. */
    struct vault *vault;
    int64_t saved_ms; /* boot time of the last token's last saving; 0 never */

    /* Names of records: of which session is meant, and of that very session ("" until it is known). */
    char wished[FRESHET_ACCOUNT_MAX + 1];
    char standing[FRESHET_ACCOUNT_MAX + 1];
    char sid[256];          /* of that very session */
    char organization[256]; /* active */

    uint64_t epoch;
    bool ended;
    bool left;          /* over in this process alone: what is shared stays */
    const char *reason; /* of the end */
    bool pending;       /* the issuer is to be told of it */
    enum sign_out_scope scope;
    bool unsaved;     /* the store is to be told of it */
    char refused[64]; /* the issuer's code of the last refusal; "" none */
};

/* What is wished: `sid` is "" for the last active session of the client. */
struct pump_opening {
    const struct clerk_instance *instance;
    const char *account;           /* sessions and processes that give the same one share it */
    struct credential *credential; /* taken over */
    const char *sid;
};

/* The name of a record: instance, what kind of name follows, the name, and a number for what was given
 * (0: none). What is too long becomes a number. */
void freshet_record_name(char record[FRESHET_ACCOUNT_MAX + 1],
                         const struct clerk_instance *instance, const char *kind, const char *name,
                         uint64_t given);

/*
 * The text under which all processes find which session is meant. What was given is part of it where
 * there is a store: whoever signed in anew does not meet those who have not.
 */
void freshet_session_record_name(char record[FRESHET_ACCOUNT_MAX + 1],
                                 const struct pump_opening *opening, bool stored);

/* NULL without memory. freshet_pump_session_free(). */
struct pump_session *freshet_pump_session_new(struct account **accounts, struct store *store,
                                              const struct pump_opening *opening);
void freshet_pump_session_free(struct account **accounts, struct pump_session *session);

#endif
