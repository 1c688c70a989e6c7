/*
 * Publishing, reading and retracting records.
 *
 * Each write compares first and cannot be overtaken unseen (share/draft.h), so that of two
 * publishers the fresher record stays. A record that cannot be believed counts as none: the next
 * publisher writes over it.
 */
#include <errno.h>
#include <sodium.h>
#include <unistd.h>

#include "share/file.h"
#include "share/internal.h"
#include "share/merge.h"

static void share_leave_expired_out(struct shared_record *found, struct now now)
{
    if (found->record.has_token && freshet_shared_record_remaining(found, now) <= 0) {
        sodium_memzero(found->text, sizeof(found->text));
        found->record.token = (struct token){.text = "", .sid = "", .organization = ""};
        found->record.has_token = false;
        found->exp_s = 0;
    }
}

static const char *share_decode(const struct share *share, const char *bytes, size_t length,
                                const struct key_view *key, struct now now,
                                struct shared_record *out)
{
    const enum record_verdict verdict =
        freshet_record_decode(bytes, length, key, &share->here, now, out);

    if (verdict != RECORD_GOOD) {
        return freshet_record_verdict_text(verdict);
    }
    if (!freshet_shared_record_read_claims(out, share->read_token, share->context)) {
        freshet_shared_record_wipe(out);
        return "the token in it cannot be read, or says something else than the record";
    }
    share_leave_expired_out(out, now);
    return NULL;
}

/* What lies there for a key, of whatever epoch. */
static enum share_found share_load(struct share *share, const struct key_view *key, struct now now,
                                   struct shared_record *out)
{
    const struct share_name name = freshet_share_name_key(key, SHARE_RECORD);
    char bytes[FRESHET_RECORD_MAX];
    const char *why = NULL;
    size_t length = 0;
    const int error =
        freshet_share_file_read(share->place.folder_fd, name.text, bytes, sizeof(bytes), &length);

    if (error == -ENOENT) {
        freshet_shared_record_wipe(out);
        freshet_share_trust(share, &name);
        return SHARE_NOTHING;
    }
    if (error != 0) {
        freshet_shared_record_wipe(out);
        why = freshet_share_file_error(error);
    } else {
        why = share_decode(share, bytes, length, key, now, out);
    }
    sodium_memzero(bytes, length);
    if (why != NULL) {
        freshet_share_doubt(share, &name, why);
        return SHARE_REFUSED;
    }
    freshet_share_trust(share, &name);
    return SHARE_FOUND;
}

enum share_found freshet_share_read(struct share *share, const struct key_view *key, uint64_t epoch,
                                    struct now now, struct shared_record *out)
{
    enum share_found found = SHARE_NOTHING;

    *out = (struct shared_record){0};
    if (freshet_share_ready(share, now)) {
        found = share_load(share, key, now, out);
    }
    if (found == SHARE_FOUND &&
        (out->epoch < epoch ||
         (out->epoch == epoch && !out->record.has_token && out->record.failure.attempt == 0))) {
        freshet_shared_record_wipe(out);
        found = SHARE_NOTHING;
    }
    return found;
}

static int share_finish(const struct share *share, struct draft *draft, const struct key_view *key,
                        uint64_t epoch, const struct record *record)
{
    char bytes[FRESHET_RECORD_MAX];
    const size_t length =
        freshet_record_encode(key, record, epoch, &share->here, bytes, sizeof(bytes));
    int error = -EMSGSIZE;

    if (length > 0) {
        error = freshet_draft_finish(draft, bytes, length);
        sodium_memzero(bytes, length);
    }
    return error;
}

/* What the session record says of the epoch in which something began. */
enum epoch_standing { EPOCH_UNKNOWN, EPOCH_STANDS, EPOCH_OVER };

static enum epoch_standing share_epoch_standing(struct share *share, const struct publication *what,
                                                struct now now)
{
    struct session_record session = {0};

    if (what->account == NULL ||
        freshet_share_session_read(share, what->account, now, &session) != SHARE_FOUND) {
        return EPOCH_UNKNOWN;
    }
    return session.epoch > what->epoch ||
                   (session.epoch == what->epoch && session.standing == SESSION_ENDED)
               ? EPOCH_OVER
               : EPOCH_STANDS;
}

/* A later epoch is in the session record before it is in any other. One that is not there is made
 * up, and its record counts as none; if there is no session record, it cannot be told. */
static enum merge share_merge(const struct shared_record *present, const struct publication *what,
                              enum epoch_standing standing, struct now now, struct record *merged)
{
    if (present->epoch > what->epoch) {
        return standing == EPOCH_STANDS ? MERGE_NEWS : MERGE_STALER;
    }
    if (present->epoch < what->epoch) {
        return MERGE_NEWS;
    }
    return freshet_merge(&present->record, freshet_shared_record_remaining(present, now),
                         what->record, merged);
}

static int share_publish_attempt(struct share *share, struct draft *draft, const void *publication,
                                 struct now now, enum share_published *result)
{
    const struct publication *what = publication;
    const enum epoch_standing standing = share_epoch_standing(share, what, now);
    struct shared_record present = {0};
    struct record merged = *what->record;
    enum merge merge = MERGE_NEWS;
    int error = 0;

    *result = SHARE_OUTRANKED;
    if (standing == EPOCH_OVER) {
        return 0;
    }
    if (share_load(share, what->key, now, &present) == SHARE_FOUND) {
        merge = share_merge(&present, what, standing, now, &merged);
    }
    if (merge == MERGE_NEWS) {
        *result = SHARE_WRITTEN;
        error = share_finish(share, draft, what->key, what->epoch, &merged);
    } else if (merge == MERGE_NO_NEWS) {
        *result = SHARE_EQUAL;
    }
    freshet_shared_record_wipe(&present);
    return error;
}

enum share_published freshet_share_publish(struct share *share, const struct publication *what,
                                           struct now now)
{
    const struct share_name name = freshet_share_name_key(what->key, SHARE_RECORD);

    return freshet_share_replace(share, &name, share_publish_attempt, what, now);
}

/* ---- taking back ---- */

struct retraction {
    const struct key_view *key;
    uint64_t epoch;
    uint64_t fingerprint;
};

/* A record without token and failure takes its place; it is removed only if there is no room even
 * for that. */
static int share_retract_attempt(struct share *share, struct draft *draft, const void *what,
                                 struct now now, enum share_published *result)
{
    const struct retraction *retraction = what;
    const struct record nothing = {0};
    struct shared_record present = {0};
    const bool holds_it = share_load(share, retraction->key, now, &present) == SHARE_FOUND &&
                          present.record.has_token && present.epoch <= retraction->epoch &&
                          present.record.token.fingerprint == retraction->fingerprint;
    int error = 0;

    freshet_shared_record_wipe(&present);
    *result = SHARE_EQUAL;
    if (holds_it) {
        *result = SHARE_WRITTEN;
        error = share_finish(share, draft, retraction->key, retraction->epoch, &nothing);
        if (error != 0 && error != -ESTALE) {
            unlinkat(share->place.folder_fd, draft->target.text, 0);
        }
    }
    return error;
}

void freshet_share_retract(struct share *share, const struct key_view *key, uint64_t epoch,
                           uint64_t fingerprint, struct now now)
{
    const struct share_name name = freshet_share_name_key(key, SHARE_RECORD);
    const struct retraction retraction = {.key = key, .epoch = epoch, .fingerprint = fingerprint};

    freshet_share_replace(share, &name, share_retract_attempt, &retraction, now);
}

struct farewell {
    const char *issuer;
    const char *sid;
};

/* A writer that looked before the sign-out loses its draft, also if it is about to write the first
 * record of its key: hence the lock files are visited, too. */
static void share_retract_one(int folder_fd, const char *name, void *context)
{
    const struct farewell *farewell = context;
    struct share_name record = {{0}};
    struct draft draft = {0};

    if (!freshet_share_name_is_of(name, farewell->issuer, farewell->sid)) {
        return;
    }
    record = freshet_share_name_record_of(name);
    (void)freshet_draft_open(&draft, folder_fd, &record);
    unlinkat(folder_fd, record.text, 0);
    freshet_draft_close(&draft);
}

void freshet_share_retract_session(struct share *share, const char *issuer, const char *sid,
                                   struct now now)
{
    struct farewell farewell = {.issuer = issuer, .sid = sid};

    if (freshet_share_ready(share, now)) {
        freshet_share_file_each(share->place.folder_fd, share_retract_one, &farewell);
    }
}
