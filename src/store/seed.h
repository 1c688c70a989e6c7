/*
 * What the host gives as the client token, against what the store has made of it.
 *
 * A host knows the token it was given once; the issuer replaces it with every rotation. So a given
 * token is a seed: while the stored credential descends from it, the stored one counts. A seed that
 * the store does not know means that the user signed in again.
 */
#ifndef FRESHET_STORE_SEED_H
#define FRESHET_STORE_SEED_H

#include <stdbool.h>

#include "core/time.h"
#include "store/vault.h"

/*
 * Stores a new seed ("Bearer " is skipped), raises the generation, and ends a signed-out session
 * record by beginning a new epoch; *changed says so. A seed that is known changes nothing, takes no
 * lock and writes nothing.
 *
 * FRESHET_WOULD_BLOCK: somebody spends the old one, try again. FRESHET_INVALID: not a client token.
 * FRESHET_STORE: what is stored does not open, or cannot be written; it was kept.
 */
enum freshet_status freshet_vault_seed(const struct vault *vault, const char *text, size_t length,
                                       struct now now, bool *changed, struct store_error *error);

#endif
