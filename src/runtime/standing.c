/*
 * Epochs and ends: read, joined, written down.
 */
#include "runtime/standing.h"

#include <stdio.h>
#include <string.h>

bool freshet_standing_read(const char *name, struct share *share, struct now now,
                           struct session_record *record)
{
    return share != NULL && name[0] != '\0' &&
           freshet_share_session_read(share, name, now, record) == SHARE_FOUND;
}

uint64_t freshet_standing_epoch_after(uint64_t epoch, const struct session_record *record)
{
    uint64_t least = record->epoch + (record->standing == SESSION_ENDED ? 1 : 0);

    return epoch > least ? epoch : least;
}

static enum share_published standing_write_one(const struct pump_session *session,
                                               struct share *share, const char *name,
                                               const char *organization, struct now now)
{
    struct session_record record = {.epoch = session->epoch,
                                    .standing = session->ended ? SESSION_ENDED : SESSION_STANDS};

    snprintf(record.account, sizeof(record.account), "%s", name);
    snprintf(record.issuer, sizeof(record.issuer), "%s", session->instance.base_url);
    snprintf(record.sid, sizeof(record.sid), "%s", session->sid);
    snprintf(record.organization, sizeof(record.organization), "%s", organization);
    snprintf(record.reason, sizeof(record.reason), "%s", session->ended ? session->reason : "");
    return freshet_share_session_write(share, &record, now);
}

/* The session's own record, and the one in which those look who know only what they wish. */
static void standing_write(const struct pump_session *session, struct share *share, struct now now)
{
    const char *organization = session->organization;

    if (share == NULL || session->sid[0] == '\0') {
        return;
    }
    if (standing_write_one(session, share, session->standing, organization, now) == SHARE_FAILED &&
        session->ended) {
        /* Removing records makes room on a full disk. */
        freshet_share_retract_session(share, session->instance.base_url, session->sid, now);
        (void)standing_write_one(session, share, session->standing, organization, now);
    }
    (void)standing_write_one(session, share, session->wished, organization, now);
}

static bool standing_name(struct pump_session *session, const struct session_view *view)
{
    if (session->sid[0] == '\0' && view->sid[0] != '\0') {
        snprintf(session->sid, sizeof(session->sid), "%s", view->sid);
        freshet_record_name(session->standing, &session->instance, "session", view->sid, 0);
    }
    return session->sid[0] != '\0';
}

bool freshet_standing_begin(struct pump_session *session, struct share *share,
                            const struct session_view *view, struct now now)
{
    struct session_record own = {0};
    struct session_record wished = {0};

    if (!standing_name(session, view)) {
        return false;
    }
    if (freshet_standing_read(session->standing, share, now, &own) &&
        own.standing == SESSION_ENDED && strcmp(own.reason, FRESHET_STANDING_ASKED) == 0) {
        session->ended = true;
        return true;
    }
    (void)freshet_standing_read(session->wished, share, now, &wished);
    session->epoch = freshet_standing_epoch_after(session->epoch, &own);
    session->epoch = freshet_standing_epoch_after(session->epoch, &wished);
    snprintf(session->organization, sizeof(session->organization), "%s", view->organization);
    standing_write(session, share, now);
    return false;
}

bool freshet_standing_look(struct pump_session *session, struct share *share, struct now now)
{
    struct session_record own;

    if (session->ended) {
        return false;
    }
    if (!freshet_standing_read(session->standing, share, now, &own)) {
        standing_write(session, share, now); /* somebody has emptied the place */
        return false;
    }
    if (own.epoch < session->epoch || strcmp(own.sid, session->sid) != 0) {
        return false;
    }
    session->epoch = own.epoch;
    session->ended = own.standing == SESSION_ENDED;
    return session->ended;
}

void freshet_standing_tell(struct pump_session *session, struct share *share,
                           const char *organization, struct now now)
{
    if (!session->ended) {
        snprintf(session->organization, sizeof(session->organization), "%s", organization);
        standing_write(session, share, now);
    }
}

bool freshet_standing_save(struct pump_session *session)
{
    struct vault_session ended = {.epoch = session->epoch,
                                  .signed_out = true,
                                  .pending_sign_out = session->pending,
                                  .scope = session->scope};
    struct vault_session stored = {0};
    enum freshet_status status = FRESHET_OK;

    if (!session->unsaved || session->vault == NULL) {
        session->unsaved = false;
        return true;
    }
    if (freshet_vault_session_read(session->vault, &stored, NULL) == FRESHET_OK &&
        stored.epoch > ended.epoch) {
        ended.epoch = stored.epoch;
    }
    snprintf(ended.reason, sizeof(ended.reason), "%s", session->reason);
    snprintf(ended.sid, sizeof(ended.sid), "%.*s", (int)sizeof(ended.sid) - 1, session->sid);
    status = freshet_vault_session_write(session->vault, &ended, &session->account->fault);
    session->unsaved = status == FRESHET_WOULD_BLOCK || status == FRESHET_STORE;
    return !session->unsaved;
}

void freshet_standing_told(struct pump_session *session)
{
    if (session->pending) {
        session->pending = false;
        session->unsaved = true;
        (void)freshet_standing_save(session);
    }
}

void freshet_standing_end(struct pump_session *session, struct share *share,
                          const struct session_view *view, enum session_end end, struct now now)
{
    bool known = !session->ended && standing_name(session, view);

    if (!known && end == END_CONFIRMED) {
        freshet_standing_told(session); /* a sign-out that found no session */
    }
    if (session->ended || (!known && end != END_ASKED)) {
        return;
    }
    session->ended = known; /* else it is told again when it is known which one it was */
    session->epoch += known ? 1 : 0;
    session->reason = end == END_ASKED ? FRESHET_STANDING_ASKED : FRESHET_STANDING_CONFIRMED;
    session->pending = end == END_ASKED;
    session->unsaved = true;
    (void)freshet_standing_save(session);
    if (!known) {
        return;
    }
    session->organization[0] = '\0';
    standing_write(session, share, now);
    if (share != NULL) {
        freshet_share_retract_session(share, session->instance.base_url, session->sid, now);
    }
}
