/*
 * One credential in the place of another: the steps on disk, and what the next opener makes of them
 * when a process died between two (docs/credentials.md).
 *
 * For spend.c and seed.c. All calls want the spending lock held; those that write a successor want
 * it held exclusively, or the saving lock besides.
 */
#ifndef FRESHET_STORE_SUCCESSOR_H
#define FRESHET_STORE_SUCCESSOR_H

#include <stdbool.h>

#include "store/vault.h"

/* Makes the file that the successor will use, with room on the disk for the largest one. */
enum freshet_status freshet_successor_prove(const struct vault *vault, int *descriptor,
                                            struct store_error *error);

/* Writes it there, makes it durable, gives it its name, makes that durable. On failure the old
 * credential stays. Closes the descriptor in either case. */
enum freshet_status freshet_successor_write(const struct vault *vault, int *descriptor,
                                            const struct vault_credential *credential,
                                            struct store_error *error);

/* No successor came: closes and unlinks. -1 is fine. */
void freshet_successor_discard(const struct vault *vault, int *descriptor);

enum freshet_status freshet_intent_write(const struct vault *vault,
                                         const struct vault_intent *intent,
                                         struct store_error *error);

/* Not durably: left behind or back again, it would only say once more that an answer was lost. */
void freshet_intent_clear(const struct vault *vault);

/* What an opener finds. */
struct recovery {
    struct vault_credential credential; /* freshet_secret_free() its text */
    bool unsure;                        /* it may have been sent and replaced: no answer was kept */
    struct vault_intent intent;         /* if unsure; kind "" if the journal does not open */
    bool adopted;                       /* it is a successor that a dead process left unpublished */
    bool set_aside;                     /* a finished successor did not open; it was renamed */
};

/* FRESHET_NONE: no credential. FRESHET_WOULD_BLOCK: another process is saving. FRESHET_STORE: a file
 * cannot be used; nothing was changed. */
enum freshet_status freshet_successor_recover(const struct vault *vault, struct recovery *recovery,
                                              struct store_error *error);

#endif
