/*
 * The critical section round a request that carries the credential.
 *
 * begin: lease, read again, prove writable, journal the intent; then the caller sends; save: the
 * successor replaces what was sent, durably; end: the lease goes. A request that only presents the
 * credential (tokens) begins shared, one that may rotate it (client, touch, end, remove) exclusively;
 * the two never overlap, so no credential is presented after its successor was saved. A token answer
 * that brings a successor anyway has it saved only over the value it was sent with (behaviour row
 * D16). Never waits: who meets another holder tries again on its own schedule.
 */
#ifndef FRESHET_STORE_SPEND_H
#define FRESHET_STORE_SPEND_H

#include <stdbool.h>

#include "core/time.h"
#include "store/vault.h"

struct spend;

/*
 * Exclusive: when this returns FRESHET_OK the intent is durable and the request may be sent, once.
 * kind names the request in the journal (at most 15 bytes). The vault must outlive the spend, which
 * is for freshet_spend_end().
 *
 * FRESHET_WOULD_BLOCK: another holder; FRESHET_NONE: no credential is stored; FRESHET_STORE: it does
 * not open, or the store cannot be written: send nothing, the credential is as it was.
 */
enum freshet_status freshet_spend_begin(const struct vault *vault, enum lock_mode mode,
                                        const char *kind, struct now now, struct spend **spend,
                                        struct store_error *error);

/* What to present, and after a save its successor. The spend's own; valid until the next call. */
const struct secret *freshet_spend_credential(const struct spend *spend);

/* What an earlier process left behind. */
struct spend_history {
    bool unsure; /* it sent this credential and kept no answer: the issuer may have replaced it, and
                     its period of grace decides whether this one still counts */
    bool adopted;   /* it had received this one and died before it could publish it */
    bool set_aside; /* it left a successor that does not open; kept under another name, see
                       docs/credentials.md */
    struct vault_intent intent; /* if unsure, of the first such request: when, by whom, for what;
                                   kind "" if not readable */
};

const struct spend_history *freshet_spend_history(const struct spend *spend);

/*
 * Saves what the answer brought ("Bearer " is skipped), before the answer is used for anything else.
 * *saved is false with FRESHET_OK if another answer's successor is stored already (shared only).
 * FRESHET_WOULD_BLOCK (shared only): another holder is saving, try again before the end.
 * FRESHET_INVALID: not a client token. FRESHET_STORE: not written; the successor lives in the
 * caller's memory alone and the call may be repeated. FRESHET_FORKED: the spend is the parent's.
 */
enum freshet_status freshet_spend_save(struct spend *spend, const char *text, size_t length,
                                       struct now now, bool *saved, struct store_error *error);

enum spend_outcome {
    SPEND_UNSENT,     /* certain that nothing reached the issuer */
    SPEND_UNANSWERED, /* it may have: the journal stays and the next holder is told. A gateway's
                         answer (5xx) belongs here: the issuer behind it may have replaced it */
    SPEND_ANSWERED    /* the issuer's whole answer was read */
};

/* Releases the lease and frees. In a child of fork() it only frees. NULL is fine. */
void freshet_spend_end(struct spend *spend, enum spend_outcome outcome);

#endif
