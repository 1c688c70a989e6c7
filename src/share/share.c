/*
 * The share: a place, a watch on it, and what was wrong last.
 *
 * Before anything is done the place is looked at: if its folder is gone it is made anew, wherever
 * the first place is then.
 */
#include "share/share.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "share/file.h"
#include "share/internal.h"

#define SHARE_LOOK_AGAIN_MS 5000
#define SHARE_ATTEMPTS      5

/* ---- open, close, and finding the place again ---- */

static bool share_copy(const char **to, const char *from)
{
    *to = from != NULL ? strdup(from) : NULL;
    return from == NULL || *to != NULL;
}

static bool share_copy_choice(struct place_choice *to, const struct place_choice *from)
{
    *to = (struct place_choice){.only_look = from->only_look};
    return share_copy(&to->chosen, from->chosen) &&
           share_copy(&to->freshet_runtime_dir, from->freshet_runtime_dir) &&
           share_copy(&to->xdg_runtime_dir, from->xdg_runtime_dir) &&
           share_copy(&to->run_user, from->run_user) &&
           share_copy(&to->shared_memory, from->shared_memory);
}

static bool share_settle(struct share *share, struct now now)
{
    share->look_again_ms = now.boot_ms + SHARE_LOOK_AGAIN_MS;
    freshet_place_close(&share->place);
    if (!freshet_place_open(&share->place, &share->choice)) {
        return false;
    }
    freshet_drafts_sweep(share->place.folder_fd);
    freshet_watch_place(&share->watch, &share->place);
    share->settled = true;
    return true;
}

bool freshet_share_ready(struct share *share, struct now now)
{
    if (freshet_place_stands(&share->place)) {
        return true;
    }
    if (share->place.folder_fd < 0 && now.boot_ms < share->look_again_ms) {
        return false;
    }
    return share_settle(share, now);
}

struct share *freshet_share_open(const struct share_options *options, struct now now)
{
    struct share *share = calloc(1, sizeof(*share));

    if (share == NULL) {
        return NULL;
    }
    share->place.folder_fd = -1;
    share->watch.descriptor = -1;
    share->read_token = options->read_token;
    share->context = options->context;
    if (!share_copy_choice(&share->choice, &options->place)) {
        freshet_share_close(share);
        return NULL;
    }
    share->here = freshet_origin_here();
    freshet_watch_open(&share->watch);
    share_settle(share, now);
    share->settled = false; /* whoever opens a share looks at it anyway */
    return share;
}

void freshet_share_close(struct share *share)
{
    if (share == NULL) {
        return;
    }
    freshet_watch_close(&share->watch);
    freshet_place_close(&share->place);
    free((char *)share->choice.chosen);
    free((char *)share->choice.freshet_runtime_dir);
    free((char *)share->choice.xdg_runtime_dir);
    free((char *)share->choice.run_user);
    free((char *)share->choice.shared_memory);
    free(share);
}

static void share_complain(const struct share *share, struct fault *fault,
                           const struct share_name *name, const char *what, const char *why)
{
    snprintf(fault->text, sizeof(fault->text), "%.300s/%s %s: %s", share->place.path, name->text,
             what, why);
}

const char *freshet_share_path(const struct share *share)
{
    return share->place.folder_fd >= 0 ? share->place.path : "";
}

const char *freshet_share_fault(const struct share *share)
{
    const struct fault *const faults[] = {&share->place.fault, &share->written, &share->leased,
                                          &share->watch.fault, &share->refused};

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (faults[i]->text[0] != '\0') {
            return faults[i]->text;
        }
    }
    return "";
}

void freshet_share_doubt(struct share *share, const struct share_name *name, const char *why)
{
    share->whose = *name;
    share_complain(share, &share->refused, name, "is refused", why);
}

void freshet_share_trust(struct share *share, const struct share_name *name)
{
    if (strcmp(share->whose.text, name->text) == 0) {
        share->refused.text[0] = '\0';
    }
}

enum share_published freshet_share_replace(struct share *share, const struct share_name *target,
                                           share_attempt *attempt, const void *what, struct now now)
{
    enum share_published result = SHARE_FAILED;
    struct draft draft = {0};
    int error = -ESTALE;

    if (!freshet_share_ready(share, now)) {
        return SHARE_OFF;
    }
    for (int i = 0; i < SHARE_ATTEMPTS && error == -ESTALE; i++) {
        error = freshet_draft_open(&draft, share->place.folder_fd, target);
        if (error == 0) {
            error = attempt(share, &draft, what, now, &result);
        }
        freshet_draft_close(&draft);
    }
    if (error != 0) {
        share_complain(share, &share->written, target, "could not be written",
                       freshet_share_file_error(error));
        return SHARE_FAILED;
    }
    if (result == SHARE_WRITTEN) {
        share->written.text[0] = '\0';
    }
    return result;
}

/* ---- leases ---- */

enum lease_result freshet_share_lease(struct share *share, const struct key_view *key, int byte,
                                      struct now now, struct lease *lease)
{
    const struct share_name name = freshet_share_name_key(key, SHARE_LOCK);
    enum lease_result result = LEASE_ALONE;

    *lease = (struct lease){.descriptor = -1};
    if (freshet_share_ready(share, now)) {
        result =
            freshet_lease_take(lease, share->place.folder_fd, &name,
                               byte == 0 ? LEASE_FIRST : LEASE_SECOND, now.boot_ms, &share->leased);
        if (result != LEASE_ALONE) {
            share->leased.text[0] = '\0';
        }
    }
    return result;
}

bool freshet_share_holder(struct share *share, const struct key_view *key, int byte, struct now now,
                          struct lock_holder *holder)
{
    const struct share_name name = freshet_share_name_key(key, SHARE_LOCK);

    *holder = (struct lock_holder){0};
    return freshet_share_ready(share, now) &&
           freshet_lock_holder(share->place.folder_fd, name.text, byte == 0 ? 0 : 1, holder);
}

/* ---- sessions ---- */

enum share_found freshet_share_session_read(struct share *share, const char *account,
                                            struct now now, struct session_record *out)
{
    const struct share_name name = freshet_share_name_account(account, SHARE_SESSION);
    char bytes[FRESHET_SESSION_RECORD_MAX];
    const char *why = "it is damaged or the record of another account";
    size_t length = 0;
    int error = 0;

    *out = (struct session_record){0};
    if (!freshet_share_ready(share, now)) {
        return SHARE_NOTHING;
    }
    error =
        freshet_share_file_read(share->place.folder_fd, name.text, bytes, sizeof(bytes), &length);
    if (error == -ENOENT) {
        freshet_share_trust(share, &name);
        return SHARE_NOTHING;
    }
    if (error == 0 && freshet_session_record_decode(bytes, length, account, out)) {
        freshet_share_trust(share, &name);
        return SHARE_FOUND;
    }
    freshet_share_doubt(share, &name, error != 0 ? freshet_share_file_error(error) : why);
    return SHARE_REFUSED;
}

static int share_session_attempt(struct share *share, struct draft *draft, const void *what,
                                 struct now now, enum share_published *result)
{
    const struct session_record *record = what;
    struct session_record present = {0};
    char bytes[FRESHET_SESSION_RECORD_MAX];
    const size_t length = freshet_session_record_encode(record, bytes, sizeof(bytes));

    if (length == 0) {
        return -EMSGSIZE;
    }
    if (freshet_share_session_read(share, record->account, now, &present) != SHARE_FOUND ||
        freshet_session_record_replaces(&present, record)) {
        *result = SHARE_WRITTEN;
        return freshet_draft_finish(draft, bytes, length);
    }
    *result = present.epoch == record->epoch && present.standing == record->standing
                  ? SHARE_EQUAL
                  : SHARE_OUTRANKED;
    return 0;
}

enum share_published freshet_share_session_write(struct share *share,
                                                 const struct session_record *record,
                                                 struct now now)
{
    const struct share_name name = freshet_share_name_account(record->account, SHARE_SESSION);

    return freshet_share_replace(share, &name, share_session_attempt, record, now);
}

/* ---- watch ---- */

int freshet_share_descriptor(const struct share *share)
{
    return share->watch.descriptor;
}

struct draining {
    struct share *share;
    struct now now;
    share_callback *callback;
    void *context;
};

static void share_hear(enum watch_news news, const char *name, void *context)
{
    const struct draining *draining = context;
    const enum share_kind kind = freshet_share_name_kind(name);

    if (news == WATCH_GONE) {
        share_settle(draining->share, draining->now);
        draining->share->settled = false;
    }
    if (news != WATCH_CHANGED) {
        draining->callback(SHARE_NEWS_EVERYTHING, "", draining->context);
    } else if (kind == SHARE_RECORD) {
        draining->callback(SHARE_NEWS_RECORD, name, draining->context);
    } else if (kind == SHARE_SESSION) {
        draining->callback(SHARE_NEWS_SESSION, name, draining->context);
    }
}

void freshet_share_drain(struct share *share, struct now now, share_callback *callback,
                         void *context)
{
    struct draining draining = {
        .share = share, .now = now, .callback = callback, .context = context};

    freshet_share_ready(share, now); /* not every end of a folder is told: an unmounting is not */
    if (share->settled) {
        share->settled = false;
        callback(SHARE_NEWS_EVERYTHING, "", context);
    }
    freshet_watch_drain(&share->watch, share_hear, &draining);
}
