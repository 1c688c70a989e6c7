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
#define EXCHANGE_PAUSE_MAX_MS 200
#define EXCHANGE_SAVE_MS      5000 /* so long an unsaved successor keeps others out */

enum exchange_state {
    EXCHANGE_WAITING, /* for the credential */
    EXCHANGE_SENT,
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
    int64_t again_ms;
    int64_t pause_ms;
    int64_t give_up_ms;
    char *successor;
};

/* ---- the list ---- */

static struct exchange *exchange_take(struct exchanges *exchanges, request_id id)
{
    struct exchange **link = &exchanges->first;
    struct exchange *exchange = NULL;

    while (*link != NULL && ((*link)->id != id || (*link)->state == EXCHANGE_SAVING)) {
        link = &(*link)->next;
    }
    exchange = *link;
    if (exchange != NULL) {
        *link = exchange->next;
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

static void exchange_pause(struct exchange *exchange, struct now now)
{
    exchange->again_ms = now.boot_ms + exchange->pause_ms;
    exchange->pause_ms = freshet_min(exchange->pause_ms * 2, EXCHANGE_PAUSE_MAX_MS);
}

/* ---- answers ---- */

static void exchange_save(struct exchanges *exchanges, struct exchange *exchange, struct now now)
{
    enum freshet_status status =
        freshet_account_save(&exchange->presentation, exchange->successor, now);
    bool again = status == FRESHET_WOULD_BLOCK || status == FRESHET_STORE;

    if (again && now.boot_ms < exchange->give_up_ms) {
        exchange_pause(exchange, now);
        exchange_list(exchanges, exchange);
        return;
    }
    exchange_end(exchanges, exchange, again ? SPEND_UNANSWERED : SPEND_ANSWERED);
}

/* A gateway's 5xx does not prove that the issuer behind it kept the credential. */
static enum spend_outcome exchange_outcome(const struct http_response *response)
{
    return response->status >= 200 && response->status < 500 ? SPEND_ANSWERED : SPEND_UNANSWERED;
}

/* The successor is saved before the answer is used for anything else. */
static void exchange_finish(struct exchanges *exchanges, struct exchange *exchange,
                            const struct http_response *response, const struct reading *reading,
                            struct now now)
{
    exchange->successor = reading->credential != NULL ? strdup(reading->credential) : NULL;
    if (exchange->successor == NULL) {
        exchange_end(exchanges, exchange, exchange_outcome(response));
        return;
    }
    exchange->state = EXCHANGE_SAVING;
    exchange->pause_ms = EXCHANGE_PAUSE_MIN_MS;
    exchange->give_up_ms = now.boot_ms + EXCHANGE_SAVE_MS;
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

    if (exchange == NULL) {
        return;
    }
    answer.on = exchange->on;
    answer.session = exchange->session;
    freshet_clerk_read(exchange->on, response, received.wall_ms, &reading);
    if (exchange->state == EXCHANGE_UNSENT) {
        freshet_account_end(&exchange->presentation, SPEND_UNSENT);
        exchange_free(exchange);
    } else {
        exchange_finish(exchanges, exchange, response, &reading, received);
    }
    exchanges->answered(exchanges->context, &answer);
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
        exchange_pause(exchange, now);
    } else {
        exchange_fail(exchange, NO_ANSWER_STORE);
    }
}

void freshet_exchange_begin(struct exchanges *exchanges, struct pump_session *session,
                            const struct effect *fetch)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));

    if (exchange == NULL) {
        return;
    }
    exchange->session = session;
    exchange->id = fetch->u.fetch.request;
    exchange->on = fetch->u.fetch.on;
    exchange->pause_ms = EXCHANGE_PAUSE_MIN_MS;
    exchange_list(exchanges, exchange);
    if (freshet_clerk_request(&session->instance, fetch, NULL, FRESHET_VERSION,
                              &exchange->request)) {
        exchange_try(exchanges, exchange, freshet_clock_sample());
    } else {
        exchange_fail(exchange, NO_ANSWER_DROPPED);
    }
}

void freshet_exchange_abandon(struct exchanges *exchanges, request_id id)
{
    struct exchange *exchange = exchange_take(exchanges, id);

    if (exchange != NULL) {
        bool sent = exchange->state == EXCHANGE_SENT;

        if (sent) {
            freshet_http_abandon(exchanges->http, id);
        }
        exchange_end(exchanges, exchange, sent ? SPEND_UNANSWERED : SPEND_UNSENT);
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

static void exchange_save_again(struct exchanges *exchanges, struct exchange *exchange,
                                struct now now)
{
    struct exchange **link = &exchanges->first;

    while (*link != exchange) {
        link = &(*link)->next;
    }
    *link = exchange->next;
    exchange_save(exchanges, exchange, now);
}

bool freshet_exchange_go_on(struct exchanges *exchanges, struct now now)
{
    struct exchange *exchange = NULL;

    while ((exchange = exchange_in(exchanges, EXCHANGE_SAVING, now.boot_ms)) != NULL) {
        exchange_save_again(exchanges, exchange, now);
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

int64_t freshet_exchange_deadline(const struct exchanges *exchanges)
{
    int64_t deadline = FRESHET_NEVER;

    for (const struct exchange *exchange = exchanges->first; exchange != NULL;
         exchange = exchange->next) {
        if (exchange->state == EXCHANGE_WAITING || exchange->state == EXCHANGE_SAVING) {
            deadline = freshet_min(deadline, exchange->again_ms);
        }
    }
    return deadline;
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
        if (exchange->state == EXCHANGE_SENT) {
            freshet_http_abandon(exchanges->http, exchange->id);
        }
        freshet_account_end(&exchange->presentation, exchange->state == EXCHANGE_WAITING ||
                                                             exchange->state == EXCHANGE_UNSENT
                                                         ? SPEND_UNSENT
                                                         : SPEND_UNANSWERED);
        exchange_free(exchange);
    }
}
