/*
 * Sessions of the pump: their names in the shared place and their slots in the store.
 */
#include "runtime/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/key.h"

void freshet_record_name(char record[FRESHET_ACCOUNT_MAX + 1],
                         const struct clerk_instance *instance, const char *kind, const char *name,
                         uint64_t given)
{
    char whole[2048];
    int length = snprintf(whole, sizeof(whole), "%s %s %s %016" PRIx64, instance->base_url, kind,
                          name, given);

    if (length >= 0 && length <= FRESHET_ACCOUNT_MAX) {
        memcpy(record, whole, (size_t)length + 1);
    } else {
        snprintf(record, FRESHET_ACCOUNT_MAX + 1, "%.400s %016" PRIx64, instance->base_url,
                 freshet_fingerprint(whole, strlen(whole)));
    }
}

void freshet_session_record_name(char record[FRESHET_ACCOUNT_MAX + 1],
                                 const struct pump_opening *opening, bool stored)
{
    const char *given = stored ? opening->credential->text : NULL;
    char name[FRESHET_VAULT_NAME_MAX + FRESHET_NAME_MAX + 2];

    snprintf(name, sizeof(name), "%s %s", opening->account, opening->sid);
    freshet_record_name(record, opening->instance, "wish", name,
                        given != NULL ? freshet_fingerprint(given, strlen(given)) : 0);
}

/* A session that was wished by its id has slots of its own. */
static struct vault *session_vault(const struct pump_session *session, struct store *store,
                                   const char *sid)
{
    char name[FRESHET_VAULT_NAME_MAX + 1];
    struct vault *vault = NULL;
    int length = snprintf(name, sizeof(name), "%s %s", session->account->name, sid);

    if (sid[0] == '\0' || session->account->vault == NULL) {
        return session->account->vault;
    }
    if (length >= 0 && (size_t)length < sizeof(name)) {
        (void)freshet_vault_open(store, session->instance.base_url, name, &vault, NULL);
    }
    return vault;
}

struct pump_session *freshet_pump_session_new(struct account **accounts, struct store *store,
                                              const struct pump_opening *opening)
{
    struct pump_session *session = calloc(1, sizeof(*session));

    if (session == NULL) {
        return NULL;
    }
    session->instance = *opening->instance;
    freshet_session_record_name(session->wished, opening, store != NULL);
    session->account = freshet_account_open(accounts, store, session->instance.base_url,
                                            opening->account, opening->credential);
    if (session->account == NULL) {
        free(session);
        return NULL;
    }
    session->vault = session_vault(session, store, opening->sid);
    return session;
}

void freshet_pump_session_free(struct account **accounts, struct pump_session *session)
{
    if (session == NULL) {
        return;
    }
    if (session->vault != session->account->vault) {
        freshet_vault_close(session->vault);
    }
    freshet_account_close(accounts, session->account);
    free(session);
}
