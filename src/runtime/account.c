/*
 * Accounts: the store's critical section, or memory where there is no store.
 */
#include "runtime/account.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/seed.h"

static struct account *account_find(struct account *account, const char *instance, const char *name)
{
    while (account != NULL &&
           (strcmp(account->instance, instance) != 0 || strcmp(account->name, name) != 0)) {
        account = account->next;
    }
    return account;
}

static void account_free(struct account *account)
{
    freshet_vault_close(account->vault);
    freshet_credential_free(&account->given);
    freshet_secret_free(&account->last);
    free(account->instance);
    free(account->name);
    free(account);
}

static struct account *account_new(struct store *store, const char *instance, const char *name)
{
    struct account *account = calloc(1, sizeof(*account));

    if (account == NULL) {
        return NULL;
    }
    account->instance = strdup(instance);
    account->name = strdup(name);
    if (account->instance == NULL || account->name == NULL ||
        (store != NULL && freshet_vault_open(store, instance, name, &account->vault,
                                             &account->fault) == FRESHET_NO_MEMORY)) {
        account_free(account);
        return NULL;
    }
    return account;
}

/* What a second session brings counts if it is not what we hold already. */
static void account_take(struct account *account, struct credential *given)
{
    uint64_t print =
        given->text != NULL ? freshet_fingerprint(given->text, strlen(given->text)) : 0;

    if (given->text != NULL && print != account->print && !account->given.unsaved) {
        freshet_credential_free(&account->given);
        account->given = *given;
        *given = (struct credential){0};
        account->print = print;
        account->seeded = false;
    }
}

struct account *freshet_account_open(struct account **accounts, struct store *store,
                                     const char *instance, const char *name,
                                     struct credential *given)
{
    struct account *account = account_find(*accounts, instance, name);

    if (account == NULL) {
        account = account_new(store, instance, name);
        if (account == NULL) {
            return NULL;
        }
        account->next = *accounts;
        *accounts = account;
    }
    account->users++;
    account_take(account, given);
    return account;
}

void freshet_account_close(struct account **accounts, struct account *account)
{
    struct account **link = accounts;

    if (--account->users > 0) {
        return;
    }
    while (*link != account) {
        link = &(*link)->next;
    }
    *link = account->next;
    account_free(account);
}

/* ---- a credential on its way ---- */

static enum freshet_status account_seed(struct account *account, struct now now,
                                        struct store_error *error)
{
    enum freshet_status status = FRESHET_OK;
    bool changed = false;

    if (!account->seeded && account->given.text != NULL) {
        status = freshet_vault_seed(account->vault, account->given.text,
                                    strlen(account->given.text), now, &changed, error);
    }
    account->seeded = status == FRESHET_OK;
    if (account->seeded) {
        freshet_credential_free(&account->given); /* the store has it now */
    }
    return status;
}

void freshet_account_settle(struct account *account, struct now now)
{
    struct store_error error;

    if (account->vault != NULL) {
        (void)account_seed(account, now, &error);
    }
}

/* The store cannot take what was given and holds nothing either: memory has to do until it can. */
static bool account_does_without(const struct account *account)
{
    struct vault_credential stored = {.generation = 0};
    enum freshet_status status = account->given.text != NULL
                                     ? freshet_vault_credential_read(account->vault, &stored, NULL)
                                     : FRESHET_OK;

    freshet_secret_free(&stored.text);
    return status == FRESHET_NONE;
}

/* A request that writes proves more than one that only reads. */
static void account_clear_fault(struct account *account, enum lock_mode mode)
{
    if (mode == LOCK_EXCLUSIVE || account->fault_of == LOCK_SHARED) {
        account->fault.text[0] = '\0';
    }
}

/* Somebody has removed the store's folder. What was in it is still known here. */
static bool account_has_lost_the_store(struct account *account)
{
    struct stat folder;

    if (account->last.text == NULL || fstat(account->vault->store->folder, &folder) != 0 ||
        folder.st_nlink > 0) {
        return false;
    }
    account->lost =
        freshet_credential_load(&account->given, account->last.text, NULL, NULL) == FRESHET_OK;
    freshet_store_fail(&account->fault, FRESHET_STORE,
                       "the folder of the credential store was removed; the client token is in "
                       "memory alone, so sign in again after this process has ended");
    return account->lost;
}

static void account_note(struct account *account, const struct spend *spend)
{
    const struct secret *text = freshet_spend_credential(spend);

    if (account->last.text == NULL || !freshet_secret_equal(&account->last, text)) {
        freshet_secret_free(&account->last);
        (void)freshet_secret_copy(&account->last, text->text, text->length);
    }
}

static enum freshet_status account_spend(struct account *account, enum endpoint on, struct now now,
                                         struct presentation *presentation)
{
    enum lock_mode mode = on == ON_TOKENS ? LOCK_SHARED : LOCK_EXCLUSIVE;
    struct store_error error = {.text = ""};
    enum freshet_status status = account_seed(account, now, &error);

    if (status == FRESHET_STORE && account_does_without(account)) {
        account->fault = error;
        account->fault_of = LOCK_EXCLUSIVE;
        presentation->text = account->given.text;
        return FRESHET_OK;
    }
    if (status == FRESHET_OK) {
        status = freshet_spend_begin(account->vault, mode, freshet_endpoint_name(on), now,
                                     &presentation->spend, &error);
    }
    if (status == FRESHET_OK) {
        presentation->text = freshet_spend_credential(presentation->spend)->text;
        account_clear_fault(account, mode);
        account_note(account, presentation->spend);
    } else if (status == FRESHET_STORE && account_has_lost_the_store(account)) {
        presentation->text = account->given.text;
        return FRESHET_OK;
    } else if (status == FRESHET_STORE) {
        account->fault = error;
        account->fault_of = mode;
    }
    return status == FRESHET_NONE ? FRESHET_OK : status;
}

enum freshet_status freshet_account_begin(struct account *account, enum endpoint on,
                                          request_id request, struct now now,
                                          struct presentation *presentation)
{
    *presentation = (struct presentation){.account = account, .request = request};
    if (on == ON_ENVIRONMENT) {
        return FRESHET_OK;
    }
    if (account->vault != NULL && !account->lost) {
        return account_spend(account, on, now, presentation);
    }
    freshet_credential_look(&account->given);
    presentation->text = account->given.text;
    return FRESHET_OK;
}

enum freshet_status freshet_account_save(struct presentation *presentation, const char *text,
                                         struct now now)
{
    struct account *account = presentation->account;
    enum freshet_status status = FRESHET_OK;
    bool saved = false;

    if (account->vault == NULL || account->lost ||
        (presentation->spend == NULL && account->given.text != NULL)) {
        freshet_credential_rotate(&account->given, text, presentation->request);
    } else if (presentation->spend != NULL) {
        status = freshet_spend_save(presentation->spend, text, strlen(text), now, &saved,
                                    &account->fault);
        account_note(account, presentation->spend);
    } else { /* the first credential of an account that had none */
        status =
            freshet_vault_seed(account->vault, text, strlen(text), now, &saved, &account->fault);
    }
    return status;
}

void freshet_account_end(struct presentation *presentation, enum spend_outcome outcome)
{
    freshet_spend_end(presentation->spend, outcome);
    *presentation = (struct presentation){0};
}
