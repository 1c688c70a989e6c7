/*
 * One user's processes as one: what the runtime uses of the shared place.
 *
 * The verbs are those of the engine: lease, publish, adopt (read). Whatever goes wrong here, tokens
 * go on being served in the process: every function then says so, and freshet_share_fault() says why
 * in a sentence. A share belongs to one thread, the one of the loop, and one process: after fork()
 * the child may only close it. One share per process is enough, and spares inotify instances.
 */
#ifndef FRESHET_SHARE_SHARE_H
#define FRESHET_SHARE_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/engine.h"
#include "lock/lock.h"
#include "share/lease.h"
#include "share/name.h"
#include "share/place.h"
#include "share/record.h"
#include "share/session_record.h"

struct share;

struct share_options {
    struct place_choice place; /* copied */
    share_read_token *read_token;
    void *context;
};

/* NULL without memory. A share without a place is a share: it looks for one again, at most every
 * five seconds, when it is used. Close it with freshet_share_close(), which releases no lease. */
struct share *freshet_share_open(const struct share_options *options, struct now now);
void freshet_share_close(struct share *share);

/* Where the place is; "" while there is none. */
const char *freshet_share_path(const struct share *share);

/* What does not work, and what to do about it; "" if all is well. Valid until the next call. */
const char *freshet_share_fault(const struct share *share);

/* ---- publish and read ---- */

struct publication {
    const char *account; /* whose session record must not say otherwise; NULL: not asked */
    const struct key_view *key;
    const struct record *record; /* token with its claims, failure, or both */
    uint64_t epoch;              /* of the session when the request was sent */
};

enum share_published {
    SHARE_WRITTEN,
    SHARE_EQUAL,     /* the same is there: not written again */
    SHARE_OUTRANKED, /* what is there is fresher, or of a newer epoch */
    SHARE_OFF,       /* there is no place */
    SHARE_FAILED     /* not written; what was there is whole */
};

/* Joins the record with what is there (share/merge.h), and writes the result whole. */
enum share_published freshet_share_publish(struct share *share, const struct publication *what,
                                           struct now now);

enum share_found { SHARE_FOUND, SHARE_NOTHING, SHARE_REFUSED };

/*
 * The record of a key, its token's claims read anew. A token that is expired is left out; a record
 * of an epoch before `epoch` is nothing; one of a later epoch is found, and means that the session
 * record has news. SHARE_REFUSED: there is something, and the fault says why it is not believed.
 * Unless found, `out` is zero. Wipe it with freshet_shared_record_wipe().
 */
enum share_found freshet_share_read(struct share *share, const struct key_view *key, uint64_t epoch,
                                    struct now now, struct shared_record *out);

/* Takes a token back: the record forgets it, unless it holds another one by now or is of an epoch
 * after `epoch`. */
void freshet_share_retract(struct share *share, const struct key_view *key, uint64_t epoch,
                           uint64_t fingerprint, struct now now);

/* Removes all records of a session. To sign out, write the session record first. */
void freshet_share_retract_session(struct share *share, const char *issuer, const char *sid,
                                   struct now now);

/* ---- lease ---- */

/* Tries to take byte 0 or 1. Look at the record again when it is taken; give it back with
 * freshet_lease_release(). */
enum lease_result freshet_share_lease(struct share *share, const struct key_view *key, int byte,
                                      struct now now, struct lease *lease);

/* Who holds it, for a status. False: nobody. */
bool freshet_share_holder(struct share *share, const struct key_view *key, int byte, struct now now,
                          struct lock_holder *holder);

/* ---- sessions ---- */

/* Writes a session record if it replaces what is there (share/session_record.h). */
enum share_published freshet_share_session_write(struct share *share,
                                                 const struct session_record *record,
                                                 struct now now);
enum share_found freshet_share_session_read(struct share *share, const char *account,
                                            struct now now, struct session_record *out);

/* ---- watch ---- */

/* Poll it for reading, then drain; -1: nothing will be heard. The same for the share's life. */
int freshet_share_descriptor(const struct share *share);

enum share_news {
    SHARE_NEWS_RECORD,    /* freshet_share_name_key(key, SHARE_RECORD) of some key: read it */
    SHARE_NEWS_SESSION,   /* freshet_share_name_account(account, SHARE_SESSION) of some account */
    SHARE_NEWS_EVERYTHING /* read all records and session records */
};

/* Own writes are told like those of others. The callback may use the share, not close it. Drain now
 * and then without being woken, too: a folder that was unmounted is found only so. */
typedef void share_callback(enum share_news news, const char *name, void *context);
void freshet_share_drain(struct share *share, struct now now, share_callback *callback,
                         void *context);

#endif
