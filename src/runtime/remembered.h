/*
 * What outlives a process: a session's last token, its instance's environment, and a sign-out that
 * the issuer has not heard of. Loop thread only.
 */
#ifndef FRESHET_RUNTIME_REMEMBERED_H
#define FRESHET_RUNTIME_REMEMBERED_H

#include "runtime/session.h"
#include "share/share.h"

/* For an EVENT_OPEN. Free it with freshet_remembered_free(). */
struct remembered {
    struct secret text; /* of the last token */
    struct token token;
    void *claims;
    bool has_token;
    int64_t committed_ms; /* of a shared one, as in its record */
    int64_t sent_ms;
    bool has_offset; /* (issuer - boot) was known when it was kept */
    int64_t offset_ms;
    bool session_minter;
    bool ended;          /* signed out by the user, and the issuer not told */
    char ended_sid[256]; /* "": it was not known of which session */
    enum sign_out_scope ended_scope;
};

/* The epoch is learned by the way. */
void freshet_remembered_read(struct pump_session *session, struct share *share, struct now now,
                             struct remembered *remembered);
/* Only what other processes hold now. */
bool freshet_remembered_share(struct pump_session *session, struct share *share, struct now now,
                              struct remembered *remembered);
void freshet_remembered_free(struct remembered *remembered);

/* The environment was read: a later start may use it for 24 hours. */
void freshet_environment_save(const struct pump_session *session, const struct outcome *outcome,
                              struct now now);

/* What an EFFECT_SAVE says: the last token, or to forget it. Where others share it, now and then is enough. */
void freshet_last_token_save(struct pump_session *session, const struct share *share,
                             const struct effect *save, struct now now);

#endif
