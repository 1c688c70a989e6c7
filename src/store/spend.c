/*
 * Begin, save, end.
 */
#include "store/spend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/successor.h"

struct spend {
    const struct vault *vault;
    enum lock_mode mode;
    int lock;
    int next; /* exclusive: the room that was proved; -1: none */
    pid_t pid;
    bool unsaved; /* a successor could not be written */
    struct credential_print sent;
    struct vault_credential credential;
    struct spend_history history;
};

static void spend_free(struct spend *spend)
{
    freshet_secret_free(&spend->credential.text);
    free(spend);
}

/* Exclusive only: after this the request may go out. An intent that was never settled is carried on,
 * for the issuer's period of grace counts from the first request. */
static enum freshet_status spend_declare(struct spend *spend, const char *kind, struct now now,
                                         struct store_error *error)
{
    struct vault_intent intent = {
        .sent = spend->sent, .wall_ms = now.wall_ms, .pid = (int64_t)spend->pid};
    enum freshet_status status = freshet_successor_prove(spend->vault, &spend->next, error);

    snprintf(intent.kind, sizeof(intent.kind), "%s", kind);
    if (spend->history.unsure && spend->history.intent.kind[0] != '\0') {
        intent = spend->history.intent;
    }
    if (status == FRESHET_OK) {
        status = freshet_intent_write(spend->vault, &intent, error);
        if (status != FRESHET_OK && !spend->history.unsure) {
            freshet_intent_clear(spend->vault);
        }
    }
    if (status != FRESHET_OK) {
        freshet_successor_discard(spend->vault, &spend->next);
    }
    return status;
}

static enum freshet_status spend_enter(struct spend *spend, const char *kind, struct now now,
                                       struct store_error *error)
{
    struct recovery recovery;
    enum freshet_status status = FRESHET_OK;

    freshet_store_at(spend->vault->store, STORE_AT_LOCKED);
    status = freshet_successor_recover(spend->vault, &recovery, error);
    if (status != FRESHET_OK) {
        return status;
    }
    spend->credential = recovery.credential;
    spend->sent =
        freshet_credential_print(spend->credential.text.text, spend->credential.text.length);
    spend->history = (struct spend_history){.unsure = recovery.unsure,
                                            .adopted = recovery.adopted,
                                            .set_aside = recovery.set_aside,
                                            .intent = recovery.intent};
    return spend->mode == LOCK_EXCLUSIVE ? spend_declare(spend, kind, now, error) : FRESHET_OK;
}

enum freshet_status freshet_spend_begin(const struct vault *vault, enum lock_mode mode,
                                        const char *kind, struct now now, struct spend **spend,
                                        struct store_error *error)
{
    struct spend *begun = calloc(1, sizeof(*begun));
    enum freshet_status status = FRESHET_NO_MEMORY;

    *spend = NULL;
    if (begun == NULL) {
        return status;
    }
    begun->vault = vault;
    begun->mode = mode;
    begun->next = -1;
    begun->pid = getpid();
    status = freshet_vault_lock(vault, VAULT_BYTE_SPEND, mode, &begun->lock, error);
    if (status == FRESHET_OK) {
        status = spend_enter(begun, kind, now, error);
        if (status != FRESHET_OK) {
            freshet_lock_release(begun->lock, VAULT_BYTE_SPEND);
        }
    }
    if (status == FRESHET_OK) {
        *spend = begun;
    } else {
        spend_free(begun);
    }
    return status;
}

const struct secret *freshet_spend_credential(const struct spend *spend)
{
    return &spend->credential.text;
}

const struct spend_history *freshet_spend_history(const struct spend *spend)
{
    return &spend->history;
}

static enum freshet_status spend_write(struct spend *spend,
                                       const struct vault_credential *successor,
                                       struct store_error *error)
{
    enum freshet_status status = FRESHET_OK;

    if (spend->next < 0) {
        status = freshet_successor_prove(spend->vault, &spend->next, error);
    }
    if (status == FRESHET_OK) {
        status = freshet_successor_write(spend->vault, &spend->next, successor, error);
    }
    if (status == FRESHET_OK && (spend->mode == LOCK_EXCLUSIVE || spend->history.unsure)) {
        freshet_intent_clear(spend->vault);
        freshet_store_at(spend->vault->store, STORE_AT_SETTLED);
    }
    return status;
}

/* Compare and set, under the saving lock: other shared holders may have saved meanwhile. The
 * successor itself may be there already, from a try that the disk did not confirm. */
static enum freshet_status spend_write_if_same(struct spend *spend,
                                               const struct vault_credential *successor,
                                               bool *saved, struct store_error *error)
{
    struct vault_credential stored;
    struct credential_print print = {{0}};
    int lock = -1;
    enum freshet_status status =
        freshet_vault_lock(spend->vault, VAULT_BYTE_SAVE, LOCK_EXCLUSIVE, &lock, error);

    if (status != FRESHET_OK) {
        return status;
    }
    status = freshet_vault_credential_read(spend->vault, &stored, error);
    if (status == FRESHET_OK) {
        print = freshet_credential_print(stored.text.text, stored.text.length);
        *saved = freshet_credential_print_equal(&print, &spend->sent) ||
                 freshet_secret_equal(&stored.text, &successor->text);
        freshet_secret_free(&stored.text);
        status = *saved ? spend_write(spend, successor, error) : FRESHET_OK;
    }
    freshet_lock_release(lock, VAULT_BYTE_SAVE);
    return status;
}

enum freshet_status freshet_spend_save(struct spend *spend, const char *text, size_t length,
                                       struct now now, bool *saved, struct store_error *error)
{
    struct vault_credential successor = {.seed = spend->credential.seed,
                                         .from = spend->sent,
                                         .generation = spend->credential.generation,
                                         .saved_wall_ms = now.wall_ms};
    enum freshet_status status = FRESHET_OK;

    *saved = false;
    if (getpid() != spend->pid) {
        return freshet_store_fail(error, FRESHET_FORKED, "this request belongs to the parent");
    }
    if (!freshet_credential_bare(&text, &length)) {
        return freshet_store_fail(error, FRESHET_INVALID, "the answer's client token is not one");
    }
    status = freshet_secret_copy(&successor.text, text, length);
    if (status != FRESHET_OK) {
        return status;
    }
    *saved = true;
    if (!freshet_secret_equal(&successor.text, &spend->credential.text)) {
        status = spend->mode == LOCK_EXCLUSIVE
                     ? spend_write(spend, &successor, error)
                     : spend_write_if_same(spend, &successor, saved, error);
        spend->unsaved = status != FRESHET_OK;
    }
    if (status == FRESHET_OK && *saved) {
        freshet_secret_free(&spend->credential.text);
        spend->credential = successor;
        spend->sent = freshet_credential_print(text, length);
    } else {
        *saved = false;
        freshet_secret_free(&successor.text);
    }
    return status;
}

/* An unsettled intent of somebody before us is not ours to forget unless the issuer has spoken. */
static bool spend_settled(const struct spend *spend, enum spend_outcome outcome)
{
    if (outcome == SPEND_ANSWERED) {
        return !spend->unsaved && (spend->mode == LOCK_EXCLUSIVE || spend->history.unsure);
    }
    return outcome == SPEND_UNSENT && spend->mode == LOCK_EXCLUSIVE && !spend->history.unsure;
}

void freshet_spend_end(struct spend *spend, enum spend_outcome outcome)
{
    if (spend == NULL) {
        return;
    }
    if (getpid() == spend->pid) {
        freshet_successor_discard(spend->vault, &spend->next);
        if (spend_settled(spend, outcome)) {
            freshet_intent_clear(spend->vault);
        }
        freshet_lock_release(spend->lock, VAULT_BYTE_SPEND);
    } else if (spend->next >= 0) {
        close(spend->next);
    }
    spend_free(spend);
}
