/*
 * Names of files in the shared place. A key becomes two hashes: one of the session, so that all of a
 * session's files can be found without being opened, and one of the whole key. Pure; any thread.
 */
#ifndef FRESHET_SHARE_NAME_H
#define FRESHET_SHARE_NAME_H

#include <stdbool.h>

#include "core/engine.h"

#define FRESHET_SHARE_NAME_MAX 80 /* with the terminator */
#define FRESHET_DRAFTS         6  /* of one file, at a time */

enum share_kind { SHARE_RECORD, SHARE_LOCK, SHARE_SESSION, SHARE_SESSION_LOCK, SHARE_OTHER };

struct share_name {
    char text[FRESHET_SHARE_NAME_MAX];
};

/* The record or lock file of a key. */
struct share_name freshet_share_name_key(const struct key_view *key, enum share_kind kind);

/* The session record or lock file of an account, whatever text names it. */
struct share_name freshet_share_name_account(const char *account, enum share_kind kind);

/* The draft of a record or session record; which one of them a name found in the folder is. */
struct share_name freshet_share_name_draft(const struct share_name *target, int number);
bool freshet_share_name_is_draft(const char *name, int *number);

/* The lock file that goes with a record, a session record, or a draft of one. */
struct share_name freshet_share_name_lock_of(const char *name);

/* The record that goes with a key's lock file. */
struct share_name freshet_share_name_record_of(const char *lock);

/* What a name found in the folder is. */
enum share_kind freshet_share_name_kind(const char *name);

/* Is it the record or lock file of some key of this session? */
bool freshet_share_name_is_of(const char *name, const char *issuer, const char *sid);

#endif
