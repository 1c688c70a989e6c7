/*
 * Answers requests as the Frontend API would: a credential is judged first, then the session, then
 * the request is carried out and the answer written. A fault rule stands in for all of that; what
 * it replaces is not carried out.
 */
#include "simulate/issuer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "simulate/faults.h"

#define CREDENTIAL_PREFIX "client_token_"

static bool issuer_good(struct issuer *issuer, const struct order *order, int64_t t_ms,
                        struct answer *answer);
static void issuer_error(struct answer *answer, int status, const char *code, const char *message);
static void issuer_fault(const struct order *order, struct answer *answer);
static void issuer_date(const struct issuer *issuer, int64_t t_ms, struct answer *answer);

void freshet_sim_issuer_open(struct issuer *issuer, const struct scenario *scenario, uint64_t seed)
{
    *issuer = (struct issuer){
        .settings = scenario->issuer,
        .epoch_ms = scenario->epoch_ms,
        .mint = {.seed = seed},
        .generation = 1,
        .accepted_from = 1,
    };
    (void)snprintf(issuer->organization, sizeof issuer->organization, "%s",
                   scenario->issuer.organization);
}

void freshet_sim_issuer_free(struct issuer *issuer)
{
    freshet_sim_mint_free(&issuer->mint);
    freshet_sim_faults_free(issuer->faults);
}

void freshet_sim_issuer_change(struct issuer *issuer, const struct step *step)
{
    struct document checked = {.name = "", .text = ""};

    issuer->settings.organization = NULL;
    (void)freshet_scenario_issuer(&checked, NULL, step->u.issuer, &issuer->settings);
    if (issuer->settings.organization != NULL)
        (void)snprintf(issuer->organization, sizeof issuer->organization, "%s",
                       issuer->settings.organization);
}

int64_t freshet_sim_issuer_now(const struct issuer *issuer, int64_t t_ms)
{
    return issuer->epoch_ms + t_ms + issuer->settings.clock_ahead_ms;
}

bool freshet_sim_issuer_faults(struct issuer *issuer, const struct step *step)
{
    return freshet_sim_faults_set(&issuer->faults, step);
}

bool freshet_sim_issuer_faulty(const struct issuer *issuer)
{
    return freshet_sim_faults_left(issuer->faults);
}

void freshet_sim_issuer_take(struct issuer *issuer, struct order *order)
{
    order->has_rule =
        freshet_sim_faults_take(issuer->faults, order->on, order->template_name, &order->rule);
}

int64_t freshet_sim_issuer_latency(const struct issuer *issuer, const struct order *order)
{
    if (order->has_rule && order->rule.hang)
        return FRESHET_NEVER;
    if (order->has_rule && order->rule.latency_ms != FRESHET_SIM_LATENCY_UNSET)
        return order->rule.latency_ms;
    return issuer->settings.latency_ms;
}

bool freshet_sim_issuer_answer(struct issuer *issuer, const struct order *order, int64_t t_ms,
                               struct answer *answer)
{
    const struct fault_rule *rule = order->has_rule ? &order->rule : NULL;
    int64_t forced = rule == NULL ? 0 : rule->status;

    *answer = (struct answer){.status = 0};
    if (rule != NULL && (rule->drop || rule->hang))
        return true;
    issuer_date(issuer, t_ms, answer);
    if (rule != NULL &&
        (rule->empty || rule->body != NULL || (forced != 0 && (forced < 200 || forced > 299)))) {
        issuer_fault(order, answer);
    } else {
        if (!issuer_good(issuer, order, t_ms, answer))
            return false;
        if (forced != 0 && answer->status == 200)
            answer->status = (int)forced;
    }
    if (rule != NULL)
        memcpy(answer->retry_after, rule->retry_after, sizeof answer->retry_after);
    return answer->body != NULL;
}

void freshet_sim_answer_free(struct answer *answer)
{
    free(answer->body);
    answer->body = NULL;
}

struct http_response freshet_sim_answer_response(const struct answer *answer)
{
    return (struct http_response){
        .no_answer = NO_ANSWER_DROPPED,
        .status = answer->status,
        .body = answer->body == NULL ? "" : answer->body,
        .body_length = answer->body == NULL ? 0 : strlen(answer->body),
        .retry_after = answer->retry_after[0] == '\0' ? NULL : answer->retry_after,
        .date = answer->date[0] == '\0' ? NULL : answer->date,
        .authorization = answer->authorization[0] == '\0' ? NULL : answer->authorization,
    };
}

/* An HTTP date. The C library's own writer of dates depends on the locale. */
static void issuer_date(const struct issuer *issuer, int64_t t_ms, struct answer *answer)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t now_ms = freshet_sim_issuer_now(issuer, t_ms);
    time_t now_s = (time_t)(now_ms < 0 ? 0 : now_ms / 1000);
    struct tm now;

    if (!issuer->settings.date || gmtime_r(&now_s, &now) == NULL)
        return;
    (void)snprintf(answer->date, sizeof answer->date, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                   days[now.tm_wday], now.tm_mday, months[now.tm_mon], (now.tm_year + 1900) % 10000,
                   now.tm_hour, now.tm_min, now.tm_sec);
}

static void issuer_error(struct answer *answer, int status, const char *code, const char *message)
{
    json_t *error = json_pack("{s:[{s:s, s:s, s:s}], s:s}", "errors", "code", code, "message",
                              message, "long_message", message, "clerk_trace_id", "simulated");

    answer->status = status;
    answer->body = json_dumps(error, JSON_COMPACT);
    json_decref(error);
}

static void issuer_fault(const struct order *order, struct answer *answer)
{
    const struct fault_rule *rule = &order->rule;
    int status = rule->status == 0 ? 200 : (int)rule->status;

    if (rule->empty) {
        answer->status = status;
        answer->body = strdup("");
    } else if (rule->body != NULL) {
        answer->status = status;
        answer->body = json_is_string(rule->body) ? strdup(json_string_value(rule->body))
                                                  : json_dumps(rule->body, JSON_COMPACT);
    } else {
        issuer_error(answer, status, rule->code[0] == '\0' ? "simulated_fault" : rule->code,
                     "A fault of the scenario");
    }
}

/* ---- good answers ---- */

static int64_t issuer_floor_s(int64_t ms)
{
    return ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000);
}

char *freshet_sim_issuer_token(struct issuer *issuer, int64_t t_ms, const char *template_name,
                               const char *organization)
{
    const struct issuer_settings *settings = &issuer->settings;
    int64_t now_ms = freshet_sim_issuer_now(issuer, t_ms);
    int64_t iat_s = issuer_floor_s(now_ms - settings->issue_age_ms);
    bool plain = template_name[0] == '\0';
    struct claims claims = {
        .iat_s = iat_s,
        .exp_s = iat_s + settings->ttl_s,
        .has_oiat = settings->oiat.kind != OIAT_NONE,
        .oiat_s = settings->oiat.kind == OIAT_FIXED ? settings->oiat.fixed_s : iat_s,
        .sid = plain ? FRESHET_SIM_SESSION : "",
        .organization = plain ? organization : "",
        .template_name = template_name,
    };

    return freshet_sim_mint_token(&issuer->mint, &claims);
}

/* The session as a resource; NULL without memory. */
static json_t *issuer_session(struct issuer *issuer, int64_t t_ms)
{
    const char *organization = issuer->organization;
    bool active = issuer->settings.signed_in;
    json_int_t now_ms = (json_int_t)freshet_sim_issuer_now(issuer, t_ms);
    json_t *token = json_null();

    if (active && issuer->settings.token_in_client) {
        char *jwt = freshet_sim_issuer_token(issuer, t_ms, "", organization);

        token = json_pack("{s:s, s:s}", "object", "token", "jwt", jwt);
        free(jwt);
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:s?, s:[], s:I, s:I, s:I, s:I, s:I, s:{s:s, s:s}}",
                     "object", "session", "id", FRESHET_SIM_SESSION, "status",
                     active ? "active" : "removed", "last_active_token", token,
                     "last_active_organization_id", organization[0] == '\0' ? NULL : organization,
                     "tasks", "expire_at", now_ms + 86400000, "abandon_at", now_ms + 86400000,
                     "last_active_at", now_ms, "created_at", (json_int_t)issuer->epoch_ms,
                     "updated_at", now_ms, "user", "object", "user", "id", "user_simulated");
}

/* The client with what is left in it; takes the session, which may be absent. */
static json_t *issuer_client(const struct issuer *issuer, json_t *session)
{
    json_t *sessions = json_array();
    bool active = issuer->settings.signed_in;

    if (active && session != NULL)
        (void)json_array_append(sessions, session);
    json_decref(session);
    return json_pack("{s:s, s:s, s:o, s:s?, s:I, s:I}", "object", "client", "id", "client_1",
                     "sessions", sessions, "last_active_session_id",
                     active ? FRESHET_SIM_SESSION : NULL, "created_at",
                     (json_int_t)issuer->epoch_ms, "updated_at", (json_int_t)issuer->epoch_ms);
}

static void issuer_send(struct answer *answer, json_t *object)
{
    answer->status = 200;
    answer->body = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
    json_decref(object);
}

/* Answers that show the client bring its next token. */
static void issuer_rotate(struct issuer *issuer, struct answer *answer)
{
    if (issuer->settings.rotation == ROTATION_KEEP)
        return;
    issuer->generation++;
    if (issuer->settings.rotation == ROTATION_STRICT)
        issuer->accepted_from = issuer->generation;
    freshet_sim_credential_write(issuer->generation, answer->authorization,
                                 sizeof answer->authorization);
}

/* A predecessor is good until its successor was used. */
static bool issuer_accepts(struct issuer *issuer, const struct order *order)
{
    if (order->credential < issuer->accepted_from || order->credential > issuer->generation)
        return false;
    if (issuer->settings.rotation == ROTATION_GRACE)
        issuer->accepted_from = order->credential;
    return true;
}

static void issuer_send_client(struct issuer *issuer, int64_t t_ms, struct answer *answer)
{
    json_t *session = issuer->settings.signed_in ? issuer_session(issuer, t_ms) : NULL;

    issuer_send(answer,
                json_pack("{s:o, s:n}", "response", issuer_client(issuer, session), "client"));
    issuer_rotate(issuer, answer);
}

static void issuer_send_session(struct issuer *issuer, int64_t t_ms, struct answer *answer)
{
    json_t *session = issuer_session(issuer, t_ms);

    issuer_send(answer, json_pack("{s:O, s:o}", "response", session, "client",
                                  issuer_client(issuer, json_incref(session))));
    json_decref(session);
    issuer_rotate(issuer, answer);
}

static void issuer_send_token(struct issuer *issuer, const struct order *order, int64_t t_ms,
                              struct answer *answer)
{
    char *jwt = freshet_sim_issuer_token(issuer, t_ms, order->template_name, order->organization);

    issuer_send(answer, json_pack("{s:s, s:s}", "object", "token", "jwt", jwt));
    free(jwt);
}

static void issuer_send_environment(const struct issuer *issuer, struct answer *answer)
{
    issuer_send(answer, json_pack("{s:{s:s, s:b, s:b}, s:{s:s}}", "auth_config", "object",
                                  "auth_config", "single_session_mode", 1, "session_minter",
                                  issuer->settings.session_minter, "display_config", "object",
                                  "display_config"));
}

/* Requests about the one session. */
static void issuer_about_session(struct issuer *issuer, const struct order *order, int64_t t_ms,
                                 struct answer *answer)
{
    bool leaving = order->on == ON_END || order->on == ON_REMOVE;

    if (strcmp(order->sid, FRESHET_SIM_SESSION) != 0 || (leaving && !issuer->settings.signed_in)) {
        issuer_error(answer, 404, "resource_not_found", "No such session");
    } else if (!issuer->settings.signed_in) {
        issuer_error(answer, 401, "signed_out", "You are signed out");
    } else if (order->on == ON_TOKENS) {
        issuer_send_token(issuer, order, t_ms, answer);
    } else {
        if (leaving)
            issuer->settings.signed_in = false;
        else
            (void)snprintf(issuer->organization, sizeof issuer->organization, "%s",
                           order->organization);
        issuer_send_session(issuer, t_ms, answer);
    }
}

static bool issuer_good(struct issuer *issuer, const struct order *order, int64_t t_ms,
                        struct answer *answer)
{
    if (order->on == ON_ENVIRONMENT) {
        issuer_send_environment(issuer, answer);
    } else if (!issuer_accepts(issuer, order)) {
        issuer_error(answer, 401, "authentication_invalid",
                     "The client token is missing, or was replaced by its successor");
    } else if (order->on == ON_CLIENT || order->on == ON_SESSIONS) {
        issuer->settings.signed_in = issuer->settings.signed_in && order->on == ON_CLIENT;
        issuer_send_client(issuer, t_ms, answer);
    } else {
        issuer_about_session(issuer, order, t_ms, answer);
    }
    return answer->body != NULL;
}

void freshet_sim_credential_write(int64_t number, char *text, size_t size)
{
    (void)snprintf(text, size, CREDENTIAL_PREFIX "%lld", (long long)number);
}

int64_t freshet_sim_credential_read(const char *text)
{
    size_t prefix = sizeof CREDENTIAL_PREFIX - 1;
    char *end;
    long long number;

    if (strncmp(text, CREDENTIAL_PREFIX, prefix) != 0)
        return 0;
    number = strtoll(text + prefix, &end, 10);
    return *end == '\0' && number > 0 ? number : 0;
}
