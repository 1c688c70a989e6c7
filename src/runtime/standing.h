/*
 * Whether a session stands, for all processes of the user.
 *
 * The epoch counts sign-outs. A sign-out is written down, in the store and in the shared place, before
 * the issuer is told; whoever reads that ends the session too, and what was published before it is
 * nothing. Loop thread only.
 */
#ifndef FRESHET_RUNTIME_STANDING_H
#define FRESHET_RUNTIME_STANDING_H

#include "runtime/session.h"
#include "share/share.h"

#define FRESHET_STANDING_ASKED     "the user has signed out"
#define FRESHET_STANDING_CONFIRMED "the issuer has ended it"

/* The session record of that name; false without one, or without a share. */
bool freshet_standing_read(const char *name, struct share *share, struct now now,
                           struct session_record *record);

/* After an end that the issuer takes back, and after that of another session, a new epoch begins. */
uint64_t freshet_standing_epoch_after(uint64_t epoch, const struct session_record *record);

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
