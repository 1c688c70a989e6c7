/*
 * The client token of a session: where it comes from, and where a successor goes.
 *
 * Held in memory and, if it came from a file, written back whole (temp, fsync, rename, 0600) when
 * the issuer rotates it. Successors are taken in the order in which their requests were sent.
 */
#ifndef FRESHET_RUNTIME_CREDENTIAL_H
#define FRESHET_RUNTIME_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include <freshet/status.h>

#include "core/engine.h"
#include "source/source.h"

struct credential {
    char *text;      /* NULL: none */
    char *path;      /* NULL: memory only */
    request_id from; /* the request whose answer brought it */
    bool unsaved;    /* the file could not be written; memory is ahead of it */
};

/* Either may be NULL. FRESHET_INVALID or FRESHET_STORE with a reason. */
enum freshet_status freshet_credential_load(struct credential *credential, const char *text,
                                            const char *path, struct source_error *error);

/* Takes a successor, unless an answer to a later request has brought a newer one. */
void freshet_credential_rotate(struct credential *credential, const char *text, request_id from);

/* Takes what another process has written into the file since. */
void freshet_credential_look(struct credential *credential);

void freshet_credential_free(struct credential *credential);

#endif
