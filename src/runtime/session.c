/*
 * What outlives a process of a session: last token, environment, epoch and end.
 */
#include "runtime/session.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/key.h"
#include "runtime/clock.h"

#define STANDING_ASKED      "the user has signed out"
#define STANDING_CONFIRMED  "the issuer has ended it"
#define LAST_TOKEN_MS       INT64_C(300000)
#define ENVIRONMENT_LIFE_MS (INT64_C(24) * 3600 * 1000)

/* ---- life ---- */

/* Instance, what kind of name, and the name; the rest in a number when it is too long. */
static void session_name(char record[FRESHET_ACCOUNT_MAX + 1],
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
    session_name(record, opening->instance, "wish", name,
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

/* ---- the last token and the environment ---- */

static bool standing_read(const char *name, struct share *share, struct now now,
                          struct session_record *record)
{
    return share != NULL && name[0] != '\0' &&
           freshet_share_session_read(share, name, now, record) == SHARE_FOUND;
}

/* After an end that the issuer takes back, and after that of another session, a new epoch begins. */
static uint64_t standing_epoch_after(uint64_t epoch, const struct session_record *record)
{
    uint64_t least = record->epoch + (record->standing == SESSION_ENDED ? 1 : 0);

    return epoch > least ? epoch : least;
}

/* {"read_ms": 1, "session_minter": true}: what is needed of an environment. */
static bool environment_decode(const struct secret *plain, struct now now)
{
    json_t *root = json_loadb(plain->text, plain->length, 0, NULL);
    int64_t age_ms = now.wall_ms - json_integer_value(json_object_get(root, "read_ms"));
    bool minter = json_is_true(json_object_get(root, "session_minter"));

    json_decref(root);
    return age_ms >= 0 && age_ms <= ENVIRONMENT_LIFE_MS && minter;
}

void freshet_environment_save(const struct pump_session *session, const struct outcome *outcome,
                              struct now now)
{
    char text[96];
    int length = snprintf(text, sizeof(text), "{\"read_ms\":%lld,\"session_minter\":%s}",
                          (long long)now.wall_ms, outcome->session_minter ? "true" : "false");

    if (session->account->vault != NULL && outcome->has_environment && length > 0) {
        (void)freshet_vault_write(session->account->vault, VAULT_ENVIRONMENT, text, (size_t)length,
                                  NULL);
    }
}

static void remembered_take(struct remembered *remembered)
{
    remembered->has_token = freshet_jwt_read(remembered->text.text, remembered->text.length,
                                             &remembered->token, &remembered->claims);
}

/* Of the session that other processes mean, and its end if that is what they know last. */
static bool remembered_share(struct pump_session *session, struct share *share, struct now now,
                             struct remembered *remembered)
{
    struct session_record record;
    struct shared_record shared;
    struct key_view key = {.template_name = "", .audience = ""};

    if (!standing_read(session->wished, share, now, &record) || record.sid[0] == '\0') {
        return false;
    }
    session->epoch = standing_epoch_after(session->epoch, &record);
    if (record.standing == SESSION_ENDED) {
        if (strcmp(record.reason, STANDING_ASKED) == 0) {
            snprintf(remembered->ended_sid, sizeof(remembered->ended_sid), "%s", record.sid);
        }
        return false;
    }
    key.issuer = session->instance.base_url;
    key.sid = record.sid;
    key.organization = record.organization;
    if (freshet_share_read(share, &key, record.epoch, now, &shared) != SHARE_FOUND) {
        return false;
    }
    if (shared.record.has_token && shared.epoch == record.epoch &&
        freshet_secret_copy(&remembered->text, shared.text, shared.record.token.length) ==
            FRESHET_OK) {
        remembered_take(remembered);
    }
    freshet_shared_record_wipe(&shared);
    return remembered->has_token;
}

static void remembered_stored(struct pump_session *session, struct now now,
                              struct remembered *remembered, bool want_token)
{
    struct vault_session ended = {0};
    struct secret environment = {0};

    if (freshet_vault_read(session->account->vault, VAULT_ENVIRONMENT, &environment, NULL) ==
        FRESHET_OK) {
        remembered->session_minter = environment_decode(&environment, now);
        freshet_secret_free(&environment);
    }
    if (freshet_vault_session_read(session->vault, &ended, NULL) == FRESHET_OK &&
        ended.epoch > session->epoch) {
        session->epoch = ended.epoch;
    }
    if (ended.signed_out && ended.pending_sign_out) {
        snprintf(remembered->ended_sid, sizeof(remembered->ended_sid), "%s", ended.sid);
    }
    if (want_token && !ended.signed_out &&
        freshet_vault_read(session->vault, VAULT_TOKEN, &remembered->text, NULL) == FRESHET_OK) {
        remembered_take(remembered);
    }
}

void freshet_remembered_read(struct pump_session *session, struct share *share, struct now now,
                             struct remembered *remembered)
{
    bool shared = false;

    *remembered = (struct remembered){0};
    shared = remembered_share(session, share, now, remembered);
    if (session->vault != NULL) {
        remembered_stored(session, now, remembered, !shared);
    }
}

void freshet_remembered_free(struct remembered *remembered)
{
    freshet_jwt_free(remembered->claims);
    freshet_secret_free(&remembered->text);
    *remembered = (struct remembered){0};
}

void freshet_last_token_save(struct pump_session *session, const struct share *share,
                             const char *text, size_t length)
{
    const struct vault *vault = session->vault;
    bool shared = share != NULL && freshet_share_path(share)[0] != '\0';
    int64_t now_ms = freshet_clock_sample().boot_ms;

    if (vault == NULL) {
        return;
    }
    if (text == NULL) {
        (void)freshet_vault_remove(vault, VAULT_TOKEN, NULL);
    } else if (!session->ended &&
               (!shared || session->saved_ms == 0 || now_ms - session->saved_ms > LAST_TOKEN_MS)) {
        (void)freshet_vault_write(vault, VAULT_TOKEN, text, length, NULL);
        session->saved_ms = now_ms;
    }
}

/* ---- whether the session stands ---- */

static enum share_published standing_write_one(const struct pump_session *session,
                                               struct share *share, const char *name,
                                               const char *organization, struct now now)
{
    struct session_record record = {.epoch = session->epoch,
                                    .standing = session->ended ? SESSION_ENDED : SESSION_STANDS};

    snprintf(record.account, sizeof(record.account), "%s", name);
    snprintf(record.issuer, sizeof(record.issuer), "%s", session->instance.base_url);
    snprintf(record.sid, sizeof(record.sid), "%s", session->sid);
    snprintf(record.organization, sizeof(record.organization), "%s", organization);
    snprintf(record.reason, sizeof(record.reason), "%s", session->ended ? session->reason : "");
    return freshet_share_session_write(share, &record, now);
}

/* The session's own record, and the one in which those look who know only what they wish. */
static void standing_write(const struct pump_session *session, struct share *share, struct now now)
{
    const char *organization = session->organization;

    if (share == NULL || session->sid[0] == '\0') {
        return;
    }
    if (standing_write_one(session, share, session->standing, organization, now) == SHARE_FAILED &&
        session->ended) {
        /* Removing records makes room on a full disk. */
        freshet_share_retract_session(share, session->instance.base_url, session->sid, now);
        (void)standing_write_one(session, share, session->standing, organization, now);
    }
    (void)standing_write_one(session, share, session->wished, organization, now);
}

static bool standing_name(struct pump_session *session, const struct session_view *view)
{
    if (session->sid[0] == '\0' && view->sid[0] != '\0') {
        snprintf(session->sid, sizeof(session->sid), "%s", view->sid);
        session_name(session->standing, &session->instance, "session", view->sid, 0);
    }
    return session->sid[0] != '\0';
}

bool freshet_standing_begin(struct pump_session *session, struct share *share,
                            const struct session_view *view, struct now now)
{
    struct session_record own = {0};
    struct session_record wished = {0};

    if (!standing_name(session, view)) {
        return false;
    }
    if (standing_read(session->standing, share, now, &own) && own.standing == SESSION_ENDED &&
        strcmp(own.reason, STANDING_ASKED) == 0) {
        session->ended = true;
        return true;
    }
    (void)standing_read(session->wished, share, now, &wished);
    session->epoch = standing_epoch_after(session->epoch, &own);
    session->epoch = standing_epoch_after(session->epoch, &wished);
    snprintf(session->organization, sizeof(session->organization), "%s", view->organization);
    standing_write(session, share, now);
    return false;
}

bool freshet_standing_look(struct pump_session *session, struct share *share, struct now now)
{
    struct session_record own;

    if (session->ended) {
        return false;
    }
    if (!standing_read(session->standing, share, now, &own)) {
        standing_write(session, share, now); /* somebody has emptied the place */
        return false;
    }
    if (own.epoch < session->epoch || strcmp(own.sid, session->sid) != 0) {
        return false;
    }
    session->epoch = own.epoch;
    session->ended = own.standing == SESSION_ENDED;
    return session->ended;
}

void freshet_standing_tell(struct pump_session *session, struct share *share,
                           const char *organization, struct now now)
{
    if (!session->ended) {
        snprintf(session->organization, sizeof(session->organization), "%s", organization);
        standing_write(session, share, now);
    }
}

bool freshet_standing_save(struct pump_session *session)
{
    struct vault_session ended = {
        .epoch = session->epoch, .signed_out = true, .pending_sign_out = session->pending};
    struct vault_session stored = {0};
    enum freshet_status status = FRESHET_OK;

    if (!session->unsaved || session->vault == NULL) {
        session->unsaved = false;
        return true;
    }
    if (freshet_vault_session_read(session->vault, &stored, NULL) == FRESHET_OK &&
        stored.epoch > ended.epoch) {
        ended.epoch = stored.epoch;
    }
    snprintf(ended.reason, sizeof(ended.reason), "%s", session->reason);
    snprintf(ended.sid, sizeof(ended.sid), "%.*s", (int)sizeof(ended.sid) - 1, session->sid);
    status = freshet_vault_session_write(session->vault, &ended, &session->account->fault);
    session->unsaved = status == FRESHET_WOULD_BLOCK || status == FRESHET_STORE;
    return !session->unsaved;
}

void freshet_standing_end(struct pump_session *session, struct share *share,
                          const struct session_view *view, enum session_end end, struct now now)
{
    if (session->ended || !standing_name(session, view)) {
        return;
    }
    session->ended = true;
    session->epoch++;
    session->reason = end == END_ASKED ? STANDING_ASKED : STANDING_CONFIRMED;
    session->pending = end == END_ASKED;
    session->unsaved = true;
    (void)freshet_standing_save(session);
    session->organization[0] = '\0';
    standing_write(session, share, now);
    if (share != NULL) {
        freshet_share_retract_session(share, session->instance.base_url, session->sid, now);
    }
}

void freshet_standing_told(struct pump_session *session)
{
    if (session->pending) {
        session->pending = false;
        session->unsaved = true;
        (void)freshet_standing_save(session);
    }
}
