/*
 * Seeds.
 */
#include "store/seed.h"

#include <string.h>

#include "store/successor.h"

struct seed {
    const char *text;
    size_t length;
    struct credential_print print;
};

static bool seed_known(const struct seed *seed, const struct vault_credential *stored)
{
    struct credential_print print =
        freshet_credential_print(stored->text.text, stored->text.length);

    return freshet_credential_print_equal(&seed->print, &stored->seed) ||
           freshet_credential_print_equal(&seed->print, &print);
}

/* Before the credential: if the process dies between the two, the host gives the seed again. */
static enum freshet_status seed_reopen_session(const struct vault *vault, struct store_error *error)
{
    struct vault_session session;
    enum freshet_status status = freshet_vault_session_read(vault, &session, error);

    if (status == FRESHET_NONE) {
        return FRESHET_OK;
    }
    if (status == FRESHET_OK) {
        session = (struct vault_session){.epoch = session.epoch + 1};
        status = freshet_vault_session_write(vault, &session, error);
    }
    return status;
}

static enum freshet_status seed_write(const struct vault *vault, const struct seed *seed,
                                      const struct vault_credential *stored, struct now now,
                                      struct store_error *error)
{
    struct vault_credential fresh = {
        .seed = seed->print, .generation = stored->generation + 1, .saved_wall_ms = now.wall_ms};
    int next = -1;
    enum freshet_status status = freshet_secret_copy(&fresh.text, seed->text, seed->length);

    if (stored->text.text != NULL) {
        fresh.from = freshet_credential_print(stored->text.text, stored->text.length);
    }
    if (status == FRESHET_OK) {
        status = freshet_successor_prove(vault, &next, error);
    }
    if (status == FRESHET_OK) {
        status = seed_reopen_session(vault, error);
    }
    if (status == FRESHET_OK) {
        status = freshet_successor_write(vault, &next, &fresh, error);
    }
    if (status == FRESHET_OK) {
        freshet_intent_clear(vault);
        freshet_store_at(vault->store, STORE_AT_SETTLED);
    }
    freshet_successor_discard(vault, &next);
    freshet_secret_free(&fresh.text);
    return status;
}

/* Under the spending lock, exclusively. */
static enum freshet_status seed_replace(const struct vault *vault, const struct seed *seed,
                                        struct now now, bool *changed, struct store_error *error)
{
    struct recovery recovery;
    enum freshet_status status = FRESHET_OK;

    freshet_store_at(vault->store, STORE_AT_LOCKED);
    status = freshet_successor_recover(vault, &recovery, error);
    if (status == FRESHET_NONE ||
        (status == FRESHET_OK && !seed_known(seed, &recovery.credential))) {
        status = seed_write(vault, seed, &recovery.credential, now, error);
        *changed = status == FRESHET_OK;
    }
    freshet_secret_free(&recovery.credential.text);
    return status;
}

enum freshet_status freshet_vault_seed(const struct vault *vault, const char *text, size_t length,
                                       struct now now, bool *changed, struct store_error *error)
{
    struct seed seed = {.text = text, .length = length};
    struct vault_credential stored;
    enum freshet_status status = FRESHET_OK;
    bool known = false;
    int lock = -1;

    *changed = false;
    if (!freshet_credential_bare(&seed.text, &seed.length)) {
        return freshet_store_fail(error, FRESHET_INVALID, "the client token given is not one");
    }
    seed.print = freshet_credential_print(seed.text, seed.length);
    status = freshet_vault_credential_read(vault, &stored, error);
    known = status == FRESHET_OK && seed_known(&seed, &stored);
    freshet_secret_free(&stored.text);
    if (known || (status != FRESHET_OK && status != FRESHET_NONE)) {
        return status;
    }
    status = freshet_vault_lock(vault, VAULT_BYTE_SPEND, LOCK_EXCLUSIVE, &lock, error);
    if (status == FRESHET_OK) {
        status = seed_replace(vault, &seed, now, changed, error);
        freshet_lock_release(lock, VAULT_BYTE_SPEND);
    }
    return status;
}
