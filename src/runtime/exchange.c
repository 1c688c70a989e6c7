/*
 * Requests under way.
 */
#include "runtime/exchange.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include <freshet/version.h>

#include "runtime/clock.h"

#define EXCHANGE_PAUSE_MIN_MS 10
#define EXCHANGE_PAUSE_MAX_MS 50
#define EXCHANGE_TOKEN_MAX_MS 10 /* a token is waited for; the others can take turns */
#define EXCHANGE_SAVE_MAX_MS  5000

/* How long after its sending, at most, an answer that nobody wants is waited for, because it may bring
 * a successor; others wait for their turn meanwhile. */
#define EXCHANGE_ORPHAN_MS 5000

enum exchange_state {
    EXCHANGE_WAITING, /* for the credential */
    EXCHANGE_SENT,
    EXCHANGE_ORPHAN, /* sent; nobody wants the answer but the account, for a successor in it */
    EXCHANGE_UNSENT, /* it cannot be sent, which is to be told */
    EXCHANGE_SAVING  /* answered; the successor is not saved yet */
};

struct exchange {
    struct exchange *next;
    struct pump_session *session;
    request_id id;
    enum endpoint on;
    enum exchange_state state;
    enum no_answer unsent; /* why */
    struct http_request request;
    struct presentation presentation;
    int64_t granted_ms; /* from its beginning to its deadline, whenever its turn comes */
    int64_t sent_ms;
    int64_t again_ms;
    int64_t pause_ms;
    char *successor;
};

/* ---- the list ---- */

static void exchange_unlist(struct exchanges *exchanges, const struct exchange *exchange)
{
    struct exchange **link = &exchanges->first;

    while (*link != exchange) {
        link = &(*link)->next;
    }
    *link = exchange->next;
}

/* What is being saved has had its answer. */
static struct exchange *exchange_take(struct exchanges *exchanges, request_id id)
{
    struct exchange *exchange = exchanges->first;

    while (exchange != NULL && (exchange->id != id || exchange->state == EXCHANGE_SAVING)) {
        exchange = exchange->next;
    }
    if (exchange != NULL) {
        exchange_unlist(exchanges, exchange);
    }
    return exchange;
}

static void exchange_list(struct exchanges *exchanges, struct exchange *exchange)
{
    exchange->next = exchanges->first;
    exchanges->first = exchange;
}

static void exchange_free(struct exchange *exchange)
{
    if (exchange->successor != NULL) {
        sodium_memzero(exchange->successor, strlen(exchange->successor));
        free(exchange->successor);
    }
    freshet_http_request_free(&exchange->request);
    free(exchange);
}

/* Whoever waits for the credential that was given back need not wait for its pause to end. */
static void exchange_end(struct exchanges *exchanges, struct exchange *exchange,
                         enum spend_outcome outcome)
{
    const struct account *account = exchange->session->account;

    freshet_account_end(&exchange->presentation, outcome);
    exchange_free(exchange);
    for (struct exchange *other = exchanges->first; other != NULL; other = other->next) {
        if (other->state == EXCHANGE_WAITING && other->session->account == account) {
            other->again_ms = 0;
        }
    }
}

/* Pauses are drawn, so that those who wait for the same credential do not meet each time. */
static void exchange_pause(struct exchange *exchange, struct now now, int64_t most_ms)
{
    uint32_t half_ms = (uint32_t)exchange->pause_ms / 2;

    exchange->again_ms = now.boot_ms + half_ms + randombytes_uniform(half_ms + 1);
    exchange->pause_ms = freshet_min(exchange->pause_ms * 2, most_ms);
}

/* ---- answers ---- */

/* Saved, or no client token at all: there is no use in trying again. */
static bool exchange_saved(struct exchange *exchange, struct now now)
{
    enum freshet_status status =
        freshet_account_save(&exchange->presentation, exchange->successor, now);

    return status == FRESHET_OK || status == FRESHET_INVALID;
}

/* As long as a successor is not saved nobody else spends: they would only present what it replaced. */
static void exchange_save(struct exchanges *exchanges, struct exchange *exchange, struct now now)
{
    if (exchange_saved(exchange, now)) {
        exchange_end(exchanges, exchange, SPEND_ANSWERED);
        return;
    }
    exchange_pause(exchange, now, EXCHANGE_SAVE_MAX_MS);
    exchange_list(exchanges, exchange);
}

/* A gateway's 5xx does not prove that the issuer behind it kept the credential. */
static enum spend_outcome exchange_outcome(const struct http_response *response)
{
    return response->status >= 200 && response->status < 500 ? SPEND_ANSWERED : SPEND_UNANSWERED;
}

/* The successor is saved before the answer is used; where that fails, before the credential is. */
static void exchange_finish(struct exchanges *exchanges, struct exchange *exchange,
                            const struct http_response *response, const struct reading *reading,
                            struct now now)
{
    if (reading->credential == NULL) {
        exchange_end(exchanges, exchange, exchange_outcome(response));
        return;
    }
    exchange->successor = strdup(reading->credential);
    if (exchange->successor == NULL) {
        exchange_end(exchanges, exchange, SPEND_UNANSWERED);
        return;
    }
    exchange->state = EXCHANGE_SAVING;
    exchange->pause_ms = EXCHANGE_PAUSE_MIN_MS;
    exchange_save(exchanges, exchange, now);
}

static void exchange_answered(void *context, request_id id, const struct http_response *response,
                              const char *address, struct now received)
{
    struct exchanges *exchanges = context;
    struct exchange *exchange = exchange_take(exchanges, id);
    struct reading reading;
    struct exchange_answer answer = {.request = id,
                                     .response = response,
                                     .reading = &reading,
                                     .address = address,
                                     .received = received};
    bool wanted = false;

    if (exchange == NULL) {
        return;
    }
    wanted = exchange->state != EXCHANGE_ORPHAN;
    answer.on = exchange->on;
    answer.session = exchange->session;
    freshet_clerk_read(exchange->on, response, received.wall_ms, &reading);
    if (exchange->state == EXCHANGE_UNSENT) {
        freshet_account_end(&exchange->presentation, SPEND_UNSENT);
        exchange_free(exchange);
    } else {
        exchange_finish(exchanges, exchange, response, &reading, received);
    }
    if (wanted) {
        exchanges->answered(exchanges->context, &answer);
    }
    freshet_reading_free(&reading);
}

static void exchange_tell_unsent(struct exchanges *exchanges, const struct exchange *exchange)
{
    const struct http_response nothing = {.no_answer = exchange->unsent};

    exchange_answered(exchanges, exchange->id, &nothing, "", freshet_clock_sample());
}

/* ---- sending ---- */

static void exchange_fail(struct exchange *exchange, enum no_answer why)
{
    exchange->state = EXCHANGE_UNSENT;
    exchange->unsent = why;
}

static void exchange_send(struct exchanges *exchanges, struct exchange *exchange)
{
    bool sent = false;

    if (exchange->presentation.text != NULL) {
        exchange->request.authorization = strdup(exchange->presentation.text);
        if (exchange->request.authorization == NULL) {
            exchange_fail(exchange, NO_ANSWER_DROPPED);
            return;
        }
    }
    sent = freshet_http_send(exchanges->http, &exchange->request, exchange->id,
                             exchange->session->instance.loopback, exchange_answered, exchanges);
    if (sent) {
        exchange->request = (struct http_request){0};
        exchange->state = EXCHANGE_SENT;
        exchange->sent_ms = freshet_clock_sample().boot_ms;
    } else {
        exchange_fail(exchange, NO_ANSWER_DROPPED);
    }
}

static void exchange_try(struct exchanges *exchanges, struct exchange *exchange, struct now now)
{
    enum freshet_status status = freshet_account_begin(exchange->session->account, exchange->on,
                                                       exchange->id, now, &exchange->presentation);

    if (status == FRESHET_OK) {
        exchange_send(exchanges, exchange);
    } else if (status == FRESHET_WOULD_BLOCK) {
        exchange_pause(exchange, now,
                       exchange->on == ON_TOKENS ? EXCHANGE_TOKEN_MAX_MS : EXCHANGE_PAUSE_MAX_MS);
    } else {
        exchange_fail(exchange, NO_ANSWER_STORE);
    }
}

void freshet_exchange_begin(struct exchanges *exchanges, struct pump_session *session,
                            const struct effect *fetch)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    struct now now = freshet_clock_sample();

    if (exchange == NULL) {
        return;
    }
    exchange->session = session;
    exchange->id = fetch->u.fetch.request;
    exchange->on = fetch->u.fetch.on;
    exchange->pause_ms = EXCHANGE_PAUSE_MIN_MS;
    exchange->granted_ms = fetch->u.fetch.deadline_ms - now.boot_ms;
    exchange_list(exchanges, exchange);
    if (freshet_clerk_request(&session->instance, fetch, NULL, FRESHET_VERSION,
                              &exchange->request)) {
        exchange_try(exchanges, exchange, now);
    } else {
        exchange_fail(exchange, NO_ANSWER_DROPPED);
    }
}

static void exchange_give_up(struct exchanges *exchanges, struct exchange *exchange)
{
    freshet_http_abandon(exchanges->http, exchange->id);
    exchange_end(exchanges, exchange, SPEND_UNANSWERED);
}

void freshet_exchange_abandon(struct exchanges *exchanges, request_id id)
{
    struct exchange *exchange = exchange_take(exchanges, id);

    if (exchange == NULL) {
        return;
    }
    if (exchange->state != EXCHANGE_SENT) {
        exchange_end(exchanges, exchange, SPEND_UNSENT);
        return;
    }
    exchange->again_ms = exchange->sent_ms + freshet_min(exchange->granted_ms, EXCHANGE_ORPHAN_MS);
    if (exchange->on != ON_TOKENS && exchange->presentation.spend != NULL &&
        exchange->again_ms > freshet_clock_sample().boot_ms) {
        exchange->state = EXCHANGE_ORPHAN;
        exchange_list(exchanges, exchange);
    } else {
        exchange_give_up(exchanges, exchange);
    }
}

/* ---- going on ---- */

static struct exchange *exchange_in(const struct exchanges *exchanges, enum exchange_state state,
                                    int64_t by_ms)
{
    struct exchange *exchange = exchanges->first;

    while (exchange != NULL && (exchange->state != state || exchange->again_ms > by_ms)) {
        exchange = exchange->next;
    }
    return exchange;
}

bool freshet_exchange_go_on(struct exchanges *exchanges, struct now now)
{
    struct exchange *exchange = NULL;

    while ((exchange = exchange_in(exchanges, EXCHANGE_ORPHAN, now.boot_ms)) != NULL) {
        exchange_unlist(exchanges, exchange);
        exchange_give_up(exchanges, exchange);
    }
    while ((exchange = exchange_in(exchanges, EXCHANGE_SAVING, now.boot_ms)) != NULL) {
        exchange_unlist(exchanges, exchange);
        exchange_save(exchanges, exchange, now);
    }
    while ((exchange = exchange_in(exchanges, EXCHANGE_WAITING, now.boot_ms)) != NULL) {
        exchange_try(exchanges, exchange, now);
    }
    exchange = exchange_in(exchanges, EXCHANGE_UNSENT, FRESHET_NEVER);
    if (exchange == NULL) {
        return false;
    }
    exchange_tell_unsent(exchanges, exchange);
    return true;
}

bool freshet_exchange_waits(const struct exchanges *exchanges, const struct pump_session *session,
                            enum endpoint on)
{
    const struct exchange *exchange = exchanges->first;

    while (exchange != NULL && (exchange->session != session || exchange->on != on ||
                                exchange->state != EXCHANGE_WAITING)) {
        exchange = exchange->next;
    }
    return exchange != NULL;
}

int64_t freshet_exchange_deadline(const struct exchanges *exchanges)
{
    int64_t deadline = FRESHET_NEVER;

    for (const struct exchange *exchange = exchanges->first; exchange != NULL;
         exchange = exchange->next) {
        if (exchange->state == EXCHANGE_WAITING || exchange->state == EXCHANGE_SAVING ||
            exchange->state == EXCHANGE_ORPHAN) {
            deadline = freshet_min(deadline, exchange->again_ms);
        }
    }
    return deadline;
}

static void exchange_leave(struct exchanges *exchanges, struct exchange *exchange)
{
    enum spend_outcome outcome = SPEND_UNSENT;

    switch (exchange->state) {
    case EXCHANGE_SENT:
    case EXCHANGE_ORPHAN:
        freshet_http_abandon(exchanges->http, exchange->id);
        outcome = SPEND_UNANSWERED;
        break;
    case EXCHANGE_SAVING:
        outcome =
            exchange_saved(exchange, freshet_clock_sample()) ? SPEND_ANSWERED : SPEND_UNANSWERED;
        break;
    case EXCHANGE_WAITING:
    case EXCHANGE_UNSENT:
        break;
    }
    freshet_account_end(&exchange->presentation, outcome);
    exchange_free(exchange);
}

void freshet_exchange_drop(struct exchanges *exchanges, const struct pump_session *session)
{
    struct exchange **link = &exchanges->first;

    while (*link != NULL) {
        struct exchange *exchange = *link;

        if (session != NULL && exchange->session != session) {
            link = &exchange->next;
            continue;
        }
        *link = exchange->next;
        exchange_leave(exchanges, exchange);
    }
}
