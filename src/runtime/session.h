/*
 * A session as the pump needs it: whom to ask, with what credential, and under which epoch.
 *
 * The epoch counts the sign-outs of an account. A sign-out is written down, in the store and in the
 * shared place, before the issuer is told; whoever reads that ends the session too, and what was
 * published before it is nothing. Loop thread only.
 */
#ifndef FRESHET_RUNTIME_SESSION_H
#define FRESHET_RUNTIME_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/engine.h"
#include "runtime/account.h"
#include "share/share.h"
#include "source/source.h"

struct pump_session {
    session_id id;
    struct clerk_instance instance;
    struct account *account;
    struct vault
        *vault; /* of its last token and its end; the account's unless a session was wished;
                            NULL: there is no store */
    char wished[FRESHET_ACCOUNT_MAX + 1]; /* the record that says which session was meant */
    char standing[FRESHET_ACCOUNT_MAX +
                  1];       /* the record of that very session; "" until it is known */
    char sid[256];          /* the same */
    char organization[256]; /* active */
    int64_t saved_ms;       /* boot time of the last token\'s last saving; 0 never */
    char refused[64];       /* the issuer's code of the last refusal; "" none */
    uint64_t epoch;
    bool ended;
    bool left;          /* over in this process alone: what is shared stays */
    const char *reason; /* of the end */
    bool pending;       /* the issuer is to be told of it */
    bool unsaved;       /* the store is to be told */
};

/* What is wished: `sid` is "" for the last active session of the client. */
struct pump_opening {
    const struct clerk_instance *instance;
    const char *account;           /* sessions and processes that give the same one share it */
    struct credential *credential; /* taken over */
    const char *sid;
};

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

/* What other processes and earlier runs left, for an EVENT_OPEN. Free it with freshet_remembered_free(). */
struct remembered {
    struct secret text; /* of the last token */
    struct token token;
    void *claims;
    bool has_token;
    bool session_minter;
    char ended_sid[256]; /* signed out by the user, and the issuer not told; "" none */
};

/* The epoch is learned by the way. */
void freshet_remembered_read(struct pump_session *session, struct share *share, struct now now,
                             struct remembered *remembered);
void freshet_remembered_free(struct remembered *remembered);

/* The environment was read: a later start may use it for 24 hours. */
void freshet_environment_save(const struct pump_session *session, const struct outcome *outcome,
                              struct now now);

/* The session's last token, or NULL to forget it. Where others share it, now and then is enough. */
void freshet_last_token_save(struct pump_session *session, const struct share *share,
                             const char *text, size_t length);

/* The session is known now: its record is read and, unless it has ended, written. True: it has been
 * signed out elsewhere. */
bool freshet_standing_begin(struct pump_session *session, struct share *share,
                            const struct session_view *view, struct now now);

/* The record may have changed. True: the session has been signed out elsewhere. */
bool freshet_standing_look(struct pump_session *session, struct share *share, struct now now);

/* Another organization is active: a one-shot read takes it from the record. */
void freshet_standing_tell(struct pump_session *session, struct share *share,
                           const char *organization, struct now now);

/* The session is over, for every process: written down before the issuer is told. */
void freshet_standing_end(struct pump_session *session, struct share *share,
                          const struct session_view *view, enum session_end end, struct now now);

/* The issuer knows. */
void freshet_standing_told(struct pump_session *session);

/* Tries to save what is unsaved; false: not yet. */
bool freshet_standing_save(struct pump_session *session);

#endif
