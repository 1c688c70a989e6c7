/*
 * Requests under way: from the engine's wish to the answer that was read.
 *
 * A request waits here while somebody else spends the credential, and an answer's successor waits
 * here until it is saved. Loop thread only.
 */
#ifndef FRESHET_RUNTIME_EXCHANGE_H
#define FRESHET_RUNTIME_EXCHANGE_H

#include "core/engine.h"
#include "runtime/http.h"
#include "runtime/session.h"
#include "source/source.h"

struct exchange;

/* The answer to a request, read; borrowed for the call. A status of 0 is no answer. */
struct exchange_answer {
    request_id request;
    enum endpoint on;
    struct pump_session *session;
    const struct http_response *response;
    const struct reading *reading;
    const char *address; /* as http_callback says */
    struct now received;
};

typedef void exchange_callback(void *context, const struct exchange_answer *answer);

struct exchanges {
    struct exchange *first;
    struct http *http;
    exchange_callback *answered;
    void *context;
};

/* Begins the request of an EFFECT_FETCH. Without memory the engine's own deadline ends it. */
void freshet_exchange_begin(struct exchanges *exchanges, struct pump_session *session,
                            const struct effect *fetch);

/* Nobody wants the answer any more. A request that may bring a successor of the credential is waited for
 * all the same, for as long as it was granted, five seconds at most. */
void freshet_exchange_abandon(struct exchanges *exchanges, request_id id);

/*
 * Sends what waited for its credential, tries again to save, and tells one request that could not be
 * sent; true if it told one, and wants to be called again. Never inside a step of the engine.
 */
bool freshet_exchange_go_on(struct exchanges *exchanges, struct now now);

/* Does a request of this session on that endpoint wait for its credential? */
bool freshet_exchange_waits(const struct exchanges *exchanges, const struct pump_session *session,
                            enum endpoint on);

/* Boot time at which freshet_exchange_go_on() has something to try, or FRESHET_NEVER. */
int64_t freshet_exchange_deadline(const struct exchanges *exchanges);

/* Ends those of a session, or of all with NULL, without telling. */
void freshet_exchange_drop(struct exchanges *exchanges, const struct pump_session *session);

#endif
