/*
 * Reading a session's environment and client: at start, through an outage, and to confirm a verdict.
 *
 * A start never hangs: reads are repeated quickly after network failures only, and given up after
 * seven seconds for a stand-in made of the last known token. From then on the client is asked again
 * in the background until it answers. One read of the client is under way at a time.
 */
#include "core/state.h"

#include <string.h>

#define LOAD_QUICK_ATTEMPTS        4
#define LOAD_AGAIN_NO_ANSWER_MS    2000
#define LOAD_AGAIN_OTHER_MS        10000
#define LOAD_AGAIN_CAP_MS          30000
#define LOAD_UNAUTHORIZED_FIRST_MS 5000
#define LOAD_UNAUTHORIZED_CAP_MS   60000

/* base x 2^n, capped. */
static int64_t load_double(int64_t base_ms, int n, int64_t cap_ms)
{
    while (n-- > 0 && base_ms < cap_ms) {
        base_ms *= 2;
    }
    return freshet_min(base_ms, cap_ms);
}

/* Quick repeats after a network failure: 0.1-0.2, 0.7-1.4, 1.4-2.8 s. */
static int64_t load_quick_delay(struct engine *engine, int failures)
{
    static const int64_t base_ms[] = {100, 700, 1400};
    int64_t base = base_ms[failures - 1];

    return base + (int64_t)(freshet_engine_random(engine) % (uint64_t)base);
}

static int64_t load_deadline(const struct engine *engine, const struct session *session)
{
    int64_t deadline = engine->now.boot_ms + engine->options.policy.request_timeout_ms;

    return session->status == SESSION_LOADING
               ? freshet_min(deadline, session->opened_ms + FRESHET_LOAD_LIMIT_MS)
               : deadline;
}

void freshet_load_client(struct engine *engine, struct session *session, enum cause cause)
{
    struct reading_state *client = &session->client;

    client->attempt++;
    client->cause = cause;
    client->at_ms = FRESHET_NEVER;
    client->sent_ms = engine->now.boot_ms;
    client->deadline_ms = load_deadline(engine, session);
    client->request = freshet_session_send(engine, session, ON_CLIENT, cause, client->attempt,
                                           client->deadline_ms);
    freshet_session_update(engine, session);
}

static void load_environment(struct engine *engine, struct session *session)
{
    struct errand *environment = &session->environment;

    environment->attempt++;
    environment->at_ms = FRESHET_NEVER;
    environment->deadline_ms = load_deadline(engine, session);
    environment->request = freshet_session_send(
        engine, session, ON_ENVIRONMENT, environment->attempt == 1 ? CAUSE_OPEN : CAUSE_RETRY,
        environment->attempt, environment->deadline_ms);
}

void freshet_load_start(struct engine *engine, struct session *session)
{
    session->client = (struct reading_state){.at_ms = FRESHET_NEVER};
    session->environment = (struct errand){.at_ms = FRESHET_NEVER};
    session->touch = (struct errand){.at_ms = FRESHET_NEVER};
    session->sign_out = (struct errand){.at_ms = FRESHET_NEVER};
    if (session->issuer->offline) {
        freshet_load_connectivity(engine, session, false);
    } else {
        load_environment(engine, session);
        freshet_load_client(engine, session, CAUSE_OPEN);
    }
    freshet_session_update(engine, session);
}

/* A network that failed may be well in a moment; a store that does not open will not. */
static bool load_is_network(const struct outcome *out)
{
    return out->kind == OUTCOME_NO_ANSWER && out->no_answer != NO_ANSWER_STORE;
}

/* The environment only ever adds comfort: nothing waits for it and nothing fails without it. */
void freshet_load_environment_answered(struct engine *engine, struct session *session,
                                       const struct outcome *out)
{
    struct errand *environment = &session->environment;

    environment->request = 0;
    if (out->kind == OUTCOME_GOOD && out->has_environment) {
        session->session_minter = out->session_minter;
    } else if (load_is_network(out) && environment->attempt < LOAD_QUICK_ATTEMPTS) {
        environment->at_ms = engine->now.boot_ms + load_quick_delay(engine, environment->attempt);
    }
}

/* ---- a start without the client ---- */

/* Unless the host has named the session it is what the last known token says. */
void freshet_load_name_last(struct engine *engine, struct session *session)
{
    if (session->last_text != NULL && session->sid == 0) {
        (void)freshet_session_name(engine, session, session->last.sid);
    }
}

static struct entry *load_stand_in(struct engine *engine, struct session *session,
                                   const struct arrival *arrival)
{
    struct entry *entry = NULL;

    freshet_load_name_last(engine, session);
    if (session->sid == 0) {
        return NULL;
    }
    if (session->last_text != NULL && !session->organization_given) {
        uint32_t organization = freshet_names_intern(&engine->names, session->last.organization);

        session->organization = organization == FRESHET_NAME_NONE ? 0 : organization;
    }
    entry = freshet_entry_obtain(engine, session, 0, session->organization, 0);
    if (entry != NULL && session->last_text != NULL) {
        (void)freshet_commit(engine, entry, &session->last, arrival);
    }
    return entry;
}

/* The user has signed this session out before; what is left to do is to tell the issuer. */
static bool load_signs_out(struct engine *engine, struct session *session)
{
    bool over = session->ended_before && session->sid != 0 &&
                (session->ended_sid == 0 || session->sid == session->ended_sid);

    if (over) {
        session->ended_before = false;
        freshet_session_sign_out(engine, session, session->ended_scope);
    }
    return over;
}

static enum freshet_status load_status(const struct outcome *out)
{
    switch (out->kind) {
    case OUTCOME_NO_ANSWER:
        return freshet_no_answer_status(out->no_answer);
    case OUTCOME_REFUSED:
    case OUTCOME_MISSING_EXPIRED:
        return FRESHET_REFUSED;
    case OUTCOME_UNAUTHENTICATED:
        return FRESHET_UNAUTHORIZED;
    case OUTCOME_GOOD:
    case OUTCOME_TRY_LATER:
        break;
    }
    return out->http_status == 429 ? FRESHET_THROTTLED : FRESHET_UPSTREAM;
}

static void load_outage(struct engine *engine, struct session *session, const struct outcome *out)
{
    const struct arrival kept = {
        .from = FROM_STORE, .committed_ms = INT64_MIN / 2, .sent_ms = INT64_MIN / 2};
    struct entry *entry = NULL;

    session->outage = true;
    entry = load_stand_in(engine, session, &kept);
    if (load_signs_out(engine, session)) {
        return;
    }
    freshet_session_set_status(engine, session, SESSION_DEGRADED);
    if (entry == NULL && session->issuer->offline) {
        return; /* the calls end as every call does that waits for connectivity */
    }
    if (entry == NULL) {
        freshet_waiters_fail(engine, &session->parked, load_status(out), out->http_status);
        return;
    }
    freshet_flight_start(engine, entry, CAUSE_OPEN, freshet_entry_remaining(engine, entry) <= 0);
    freshet_session_admit(engine, session);
}

/* The client is still to be read; until then the session is what the others' token says it is. */
void freshet_load_join(struct engine *engine, struct session *session, const struct event *event)
{
    const struct token *token = &event->u.joined.token;
    const struct arrival arrival = {.from = FROM_SHARED,
                                    .committed_ms = event->u.joined.committed_ms,
                                    .sent_ms = event->u.joined.sent_ms};
    struct entry *entry = NULL;

    if (session->status != SESSION_LOADING ||
        (session->sid != 0 && strcmp(freshet_name(engine, session->sid), token->sid) != 0) ||
        !freshet_last_keep(engine, session, token)) {
        return;
    }
    entry = load_stand_in(engine, session, &arrival);
    if (load_signs_out(engine, session) || entry == NULL ||
        freshet_entry_remaining(engine, entry) <= 0) {
        return;
    }
    session->outage = true;
    freshet_session_set_status(engine, session, SESSION_DEGRADED);
    freshet_session_admit(engine, session);
    freshet_entry_update(engine, entry);
}

/* ---- answers ---- */

/* Was the request sent before the session's last sign-out or clear? */
static bool load_is_old(const struct session *session, const struct request *request)
{
    return session == request->session ? request->epoch != session->epoch
                                       : request->sent_ms <= session->epoch_ms;
}

static void load_take_token(struct engine *engine, struct session *session,
                            const struct request *request, const struct token *token)
{
    const struct arrival arrival = {
        .from = FROM_CLIENT, .committed_ms = engine->now.boot_ms, .sent_ms = request->sent_ms};
    uint32_t organization = freshet_names_intern(&engine->names, token->organization);
    struct entry *entry = organization != FRESHET_NAME_NONE
                              ? freshet_entry_obtain(engine, session, 0, organization, 0)
                              : NULL;

    if (entry == NULL) {
        return;
    }
    if (load_is_old(session, request)) {
        freshet_commit_ignored(engine, entry, token->fingerprint, IGNORED_OLD_EPOCH);
    } else if (freshet_commit(engine, entry, token, &arrival) == COMMIT_TAKEN) {
        freshet_flight_landed(engine, entry, request->sent_ms);
    }
    freshet_entry_update(engine, entry);
}

/* A client speaks of each of its sessions, and so to every handle of this issuer that is one. */
void freshet_load_take_tokens(struct engine *engine, const struct request *request,
                              const struct client_answer *client)
{
    for (size_t i = 0; i < client->session_count; i++) {
        const struct client_session *one = &client->sessions[i];
        uint32_t sid = freshet_names_find(&engine->names, one->id);
        struct map_node *node = freshet_map_first(&engine->sid_map, freshet_map_mix(sid));

        if (!one->has_token || !one->signed_in) {
            continue;
        }
        for (; node != NULL; node = freshet_map_next(node)) {
            struct session *s = (struct session *)node;

            if (s->sid == sid && s->issuer == request->session->issuer &&
                (s == request->session || freshet_session_ready(s))) {
                load_take_token(engine, s, request, &one->token);
            }
        }
    }
}

static const struct client_session *load_find(const struct client_answer *client, const char *id)
{
    for (size_t i = 0; i < client->session_count; i++) {
        if (client->sessions[i].signed_in && strcmp(client->sessions[i].id, id) == 0) {
            return &client->sessions[i];
        }
    }
    return NULL;
}

/* The session this handle speaks for: its own, else the last active one, else the first. */
static const struct client_session *load_choose(const struct engine *engine,
                                                const struct session *session,
                                                const struct client_answer *client)
{
    const struct client_session *chosen = NULL;

    if (session->sid != 0) {
        return load_find(client, freshet_name(engine, session->sid));
    }
    chosen = load_find(client, client->last_active_session);
    for (size_t i = 0; chosen == NULL && i < client->session_count; i++) {
        chosen = client->sessions[i].signed_in ? &client->sessions[i] : NULL;
    }
    return chosen;
}

static int load_count_signed_in(const struct client_answer *client)
{
    int count = 0;

    for (size_t i = 0; i < client->session_count; i++) {
        count += client->sessions[i].signed_in ? 1 : 0;
    }
    return count;
}

/* ---- a sign-out before it was known of which session ---- */

void freshet_load_for_sign_out(struct engine *engine, struct session *session)
{
    if (session->issuer->offline) {
        session->client.at_ms = engine->now.boot_ms; /* read on return */
    } else {
        freshet_load_client(engine, session, CAUSE_SIGN_OUT);
    }
}

static void load_found_for_sign_out(struct engine *engine, struct session *session,
                                    const struct client_answer *client)
{
    const struct client_session *chosen = load_choose(engine, session, client);

    session->signed_in_count = load_count_signed_in(client);
    if (chosen == NULL) {
        session->end = END_CONFIRMED; /* there was none: nothing is left to tell */
        freshet_session_tell_end(engine, session);
    } else if (freshet_session_name(engine, session, chosen->id)) {
        freshet_session_tell_end(engine, session);
        freshet_errand_sign_out(engine, session);
    }
}

static void load_again_for_sign_out(struct engine *engine, struct session *session,
                                    const struct outcome *out)
{
    const struct policy *policy = &engine->options.policy;

    if (out->kind == OUTCOME_TRY_LATER || out->kind == OUTCOME_NO_ANSWER) {
        session->client.at_ms =
            engine->now.boot_ms +
            freshet_policy_delay(policy, policy->retry_first_ms, session->client.attempt);
        session->client.at_ms = freshet_max(session->client.at_ms, session->issuer->not_before_ms);
    }
}

/* ---- what an answer means ---- */

/* What was given up because the credential was refused is wanted as before. */
static void load_credential_is_good_again(struct session *session)
{
    for (struct entry *entry = session->entries; entry != NULL; entry = entry->next) {
        if (entry->block == BLOCK_UNTIL_WAITED && entry->flight.last.status != FRESHET_REFUSED) {
            entry->block = BLOCK_NONE;
        }
    }
}

static void load_good(struct engine *engine, struct session *session, const struct request *request,
                      const struct client_answer *client)
{
    const struct client_session *chosen = load_choose(engine, session, client);
    bool loading = session->status == SESSION_LOADING || session->sid == 0;
    bool confirming = session->client.cause == CAUSE_UNAUTHENTICATED;

    if (session->client.unauthorized > 0) {
        load_credential_is_good_again(session);
    }
    session->client.attempt = 0;
    session->client.unauthorized = 0;
    session->client.refused = FRESHET_OK;
    session->client.quiet_until_ms = 0;
    session->signed_in_count = load_count_signed_in(client);
    session->outage = false;
    if (chosen == NULL) {
        freshet_session_end(engine, session, END_CONFIRMED);
        return;
    }
    if (session->sid == 0) {
        (void)freshet_session_name(engine, session, chosen->id);
    }
    if (load_signs_out(engine, session)) {
        return;
    }
    if (loading && !session->organization_given) {
        uint32_t organization = freshet_names_intern(&engine->names, chosen->organization);

        session->organization = organization == FRESHET_NAME_NONE ? 0 : organization;
    }
    freshet_load_take_tokens(engine, request, client);
    freshet_session_set_status(engine, session, SESSION_READY);
    freshet_session_tell_organization(engine, session);
    freshet_session_admit(engine, session);
    if (confirming) {
        freshet_session_confirmed(engine, session);
    }
}

/* A verdict was to be confirmed, and /client itself failed. */
static void load_unconfirmed(struct engine *engine, struct session *session,
                             const struct outcome *out)
{
    if (out->http_status == 403 || out->http_status == 500) {
        freshet_session_end(engine, session, END_STOPPED);
        return;
    }
    freshet_session_confirmed(engine, session);
}

/* After 5, 10, 20 ... 60 s; until /client answers, nothing but that question is asked. */
static void load_ask_about_credential(struct engine *engine, struct session *session)
{
    struct reading_state *client = &session->client;
    int64_t delay =
        load_double(LOAD_UNAUTHORIZED_FIRST_MS, client->unauthorized, LOAD_UNAUTHORIZED_CAP_MS);

    client->unauthorized++;
    client->at_ms = freshet_max(engine->now.boot_ms + delay, session->issuer->not_before_ms);
    client->quiet_until_ms = client->at_ms;
}

static void load_unauthorized(struct engine *engine, struct session *session)
{
    load_ask_about_credential(engine, session);
    freshet_session_set_status(engine, session, SESSION_DEGRADED);
    freshet_waiters_fail(engine, &session->parked, FRESHET_UNAUTHORIZED, 401);
    freshet_session_confirmed(engine, session);
}

/* A definite answer is told to whoever asks before the next one; time alone may mend the others. */
static void load_note_refusal(struct reading_state *client, const struct outcome *out)
{
    bool definite = out->kind != OUTCOME_NO_ANSWER && out->kind != OUTCOME_TRY_LATER &&
                    out->kind != OUTCOME_GOOD;

    client->refused = definite ? load_status(out) : FRESHET_OK;
    client->refused_http = definite ? out->http_status : 0;
}

static void load_failed(struct engine *engine, struct session *session, const struct outcome *out)
{
    struct reading_state *client = &session->client;
    int64_t now = engine->now.boot_ms;
    bool loading = session->status == SESSION_LOADING;

    if (session->status == SESSION_SIGNED_OUT) {
        load_again_for_sign_out(engine, session, out);
        return;
    }
    if (out->kind == OUTCOME_UNAUTHENTICATED && out->http_status == 401) {
        load_note_refusal(client, out);
        load_unauthorized(engine, session);
        return;
    }
    if (client->unauthorized > 0) {
        load_ask_about_credential(engine, session);
        freshet_session_confirmed(engine, session);
        return;
    }
    load_note_refusal(client, out);
    if (client->cause == CAUSE_UNAUTHENTICATED) {
        load_unconfirmed(engine, session, out);
        if (!session->outage) {
            return;
        }
    }
    if (loading && load_is_network(out) && client->attempt < LOAD_QUICK_ATTEMPTS &&
        !session->issuer->offline && now < session->opened_ms + FRESHET_LOAD_LIMIT_MS) {
        client->at_ms = now + load_quick_delay(engine, client->attempt);
        return;
    }
    if (loading) {
        client->attempt = 0;
        load_outage(engine, session, out);
    } else if (!freshet_session_ready(session) && !session->issuer->offline) {
        freshet_waiters_fail(engine, &session->parked, load_status(out), out->http_status);
    }
    client->at_ms = now + load_double(out->kind == OUTCOME_NO_ANSWER ? LOAD_AGAIN_NO_ANSWER_MS
                                                                     : LOAD_AGAIN_OTHER_MS,
                                      client->attempt, LOAD_AGAIN_CAP_MS);
    if (out->has_retry_after) {
        client->at_ms = session->issuer->not_before_ms;
    }
}

void freshet_load_client_answered(struct engine *engine, struct session *session,
                                  const struct request *request, const struct outcome *out)
{
    bool good = out->kind == OUTCOME_GOOD && out->has_client;

    session->client.request = 0;
    if (session->status == SESSION_SIGNED_OUT && good) {
        load_found_for_sign_out(engine, session, &out->client);
    } else if (good) {
        load_good(engine, session, request, &out->client);
    } else {
        load_failed(engine, session, out);
    }
}

/* ---- time ---- */

/* Offline nothing is sent: a start goes on with what is known, and the client is read on return. */
void freshet_load_connectivity(struct engine *engine, struct session *session, bool online)
{
    static const struct outcome no_answer = {.kind = OUTCOME_NO_ANSWER};
    struct reading_state *client = &session->client;

    if (!online && session->status == SESSION_LOADING) {
        client->attempt = 0;
        client->at_ms = engine->now.boot_ms;
        load_outage(engine, session, &no_answer);
    } else if (online && client->request == 0 && client->at_ms != FRESHET_NEVER &&
               client->unauthorized == 0) {
        freshet_load_client(engine, session, CAUSE_ONLINE);
    }
}

void freshet_load_tick(struct engine *engine, struct session *session)
{
    static const struct outcome timeout = {.kind = OUTCOME_NO_ANSWER,
                                           .no_answer = NO_ANSWER_TIMEOUT};
    struct reading_state *client = &session->client;
    struct errand *environment = &session->environment;
    int64_t now = engine->now.boot_ms;

    if (environment->request != 0 && environment->deadline_ms <= now) {
        freshet_request_abandon(engine, environment->request, true);
        freshet_load_environment_answered(engine, session, &timeout);
    } else if (environment->request == 0 && environment->at_ms <= now &&
               !session->issuer->offline) {
        load_environment(engine, session);
    }
    if (client->request != 0 && client->deadline_ms <= now) {
        freshet_request_abandon(engine, client->request, true);
        client->request = 0;
        load_failed(engine, session, &timeout);
    } else if (client->request == 0 && client->at_ms <= now && !session->issuer->offline) {
        freshet_load_client(engine, session,
                            client->unauthorized > 0 ? CAUSE_UNAUTHENTICATED : CAUSE_RETRY);
    }
}
