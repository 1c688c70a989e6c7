/*
 * One request on its way. Shared by exchange.c (taken in, held, answered, ended), action.c (what a
 * request does) and stream.c (the events). Private to agent/.
 */
#ifndef FRESHET_AGENT_EXCHANGE_H
#define FRESHET_AGENT_EXCHANGE_H

#include "agent/reply.h"
#include "agent/route.h"
#include "agent/server.h"

enum stage {
    STAGE_ASKING, /* its body is still coming */
    STAGE_HELD,   /* suspended; our loop watches for a client that leaves */
    STAGE_DUE,    /* can be answered, or goes on */
    STAGE_LEFT    /* nobody is there any more, or nobody should be */
};

struct hold;
struct wait;

struct exchange {
    LIST_ENTRY(exchange) entry;
    struct server *server;
    struct MHD_Connection *connection;
    struct peer *peer;
    enum agent_route route;
    bool allowed;
    bool about_session;
    struct kept_session *session; /* NULL: none of that name, or none needed */
    char *body;
    size_t body_bytes;
    bool too_large;
    enum stage stage;
    struct hold *hold;
    struct wait *wait;      /* the library's answer is due */
    struct reply reply;     /* and this is it */
    struct backlog *stream; /* the events that it reads; NULL: it reads none */
    struct backlog_cursor cursor;
};

/* ---- exchange.c ---- */

/* Suspends the request; MHD_NO if that is not possible. */
enum MHD_Result freshet_exchange_hold(struct exchange *exchange);

/* Ends that; in its next turn the daemon looks at the request again. */
void freshet_exchange_release(struct exchange *exchange, enum stage stage);

/* Sends the reply and clears it. */
enum MHD_Result freshet_exchange_send(struct exchange *exchange, struct reply *reply);

/* ---- action.c ---- */

/* Carries out a whole request: answers it or holds it. */
enum MHD_Result freshet_action(struct exchange *exchange);

/* Lets go of a wait whose client has left; the library is told. */
void freshet_action_forget(struct exchange *exchange);

/* Ends a wait because the agent stops. */
void freshet_action_stop(struct exchange *exchange);

/* ---- stream.c ---- */

/* Answers with events that come from now on. `trace`: with every step. */
enum MHD_Result freshet_stream_begin(struct exchange *exchange, bool trace);

/* There may be events for the reader. */
void freshet_stream_news(struct exchange *exchange);

/* The reader is gone. */
void freshet_stream_end(struct exchange *exchange);

#endif
