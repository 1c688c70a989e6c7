/*
 * What stands behind the public handles. Private to client/.
 *
 * The pump and its engine belong to one thread: the client's own, or the host's. Other threads put
 * commands into the inbox and wake it. A call that waits is found again by its ticket.
 */
#ifndef FRESHET_CLIENT_INTERNAL_H
#define FRESHET_CLIENT_INTERNAL_H

#include <freshet/freshet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include "core/key.h"
#include "core/trace.h"
#include "runtime/pump.h"

#define FRESHET_EVENTS_KEPT    32
#define FRESHET_REASON_MAX     256 /* as in struct freshet_error */
#define FRESHET_EVENT_TEXT_MAX 512

struct freshet_token {
    _Atomic int references;
    struct locked_memory *memory;
    size_t length;
    int64_t expires_at_ms;
    int64_t remaining_ms;
    uint64_t fingerprint;
    bool stale;
    char text[];
};

struct freshet_session {
    struct freshet_session *next;
    struct freshet_client *client;
    char *name;
    session_id id;
    bool over; /* the pump has closed it; its id may be another's. The pump's thread only */
    _Atomic(struct cell *) plain; /* the active token's cell; readers take it without a lock */
    _Atomic int changes; /* told by the host, and not yet made: until then nothing is read */
    enum session_status status;
    _Atomic bool closed;
};

/* A get on its way: waiting in a thread, or to be answered through a callback. Never on a stack,
 * which a child after fork() may not find. */
struct call {
    struct call *next;
    ticket_id ticket;
    struct freshet_session *session;
    freshet_get_callback *callback; /* NULL: a thread waits */
    void *context;
    pthread_cond_t done;
    bool ended;
    enum freshet_status status;
    int http_status;
    char reason[FRESHET_REASON_MAX];
    struct freshet_token *token;
};

/* Work for the pump's thread that is not an event; whoever put it there waits for it. */
typedef void client_task(void *context);
struct task {
    client_task *run;
    void *context;
    pthread_cond_t done;
    bool ended;
};

/* Something for the pump to do, with its strings: an event, or a task. */
struct command {
    struct command *next;
    struct task *task;
    struct freshet_session *changes; /* whose reads wait for it; NULL: nobody's */
    struct event event;
    char *template_name;
    char *organization;
};

/* Who is told of events. It stays listed while somebody is in it, or waits for that. */
struct subscriber {
    struct subscriber *next;
    freshet_event_callback *callback;
    void *context;
    int running;
    int awaited;
    bool ended;
};

struct kept_event {
    char text[FRESHET_EVENT_TEXT_MAX];
};

struct freshet_client {
    uv_loop_t loop;
    struct pump pump;
    struct store *store; /* NULL: credentials stay in memory, or in their file */
    char store_fault[FRESHET_STORE_ERROR_MAX]; /* why */
    uv_async_t wake;
    bool loop_ready;
    bool pump_ready;
    bool host_loop;
    bool thread_running;
    pthread_t thread;
    _Atomic(uintptr_t) loop_thread; /* whose turn it is; 0: nobody's */
    pthread_mutex_t lock;           /* inbox, calls, sessions, subscribers, kept events */
    struct command *inbox;
    struct command **inbox_end;
    size_t inbox_count;
    struct call *calls; /* the oldest first */
    struct call **calls_end;
    size_t waiting;      /* threads in freshet_client_wait(), or on their way there */
    pthread_cond_t left; /* the last of them has left */
    struct freshet_session *sessions;
    int wants; /* standing, of subscribers, for each session */
    ticket_id last_ticket;
    struct subscriber *subscribers;
    int telling;         /* events that are being told right now */
    pthread_cond_t told; /* a subscriber has heard one */
    struct kept_event *kept;
    size_t kept_next;
    size_t kept_count;
    bool closing;                     /* nothing is taken into the inbox any more */
    bool close_later;                 /* freshet_close() was called in a callback */
    unsigned char *born;              /* a page that fork() wipes: zero in a child */
    struct freshet_client *inherited; /* in a child: the one closed before this one */
};

/* client.c */
bool freshet_client_forked(const struct freshet_client *client);
bool freshet_client_in_loop(struct freshet_client *client);
/* One turn of a host's loop; false if a callback closed the client, which is gone then. */
bool freshet_client_turn(struct freshet_client *client, bool wait);
/* Waits for what the inbox took, until the pump's thread sets `ended` under the lock. */
void freshet_client_wait(struct freshet_client *client, pthread_cond_t *done, const bool *ended);
/* Runs a task on the pump's thread and waits for it; false without memory, or when closing. */
bool freshet_client_run(struct freshet_client *client, client_task *run, void *context);

/* error.c */
enum freshet_status freshet_error_set(struct freshet_error *error, enum freshet_status status,
                                      int http_status, const char *message);
const char *freshet_error_text(enum freshet_status status);
/* Why a call of this session ended so, as exactly as is known. On the pump's thread. */
void freshet_client_reason(const struct freshet_client *client, session_id session,
                           enum freshet_status status, char reason[FRESHET_REASON_MAX]);

/* inbox.c: whatever is put there before freshet_close() is done before the client ends. */
bool freshet_inbox_put(struct freshet_client *client, const struct event *event);
/* The same for what changes the token that reads may take: from now on they wait for it. */
bool freshet_inbox_put_change(struct freshet_session *session, const struct event *event);
bool freshet_inbox_put_task(struct freshet_client *client, struct task *task);
/* Lists the call and gives it its ticket. FRESHET_CLOSED, FRESHET_NO_MEMORY: it is not listed. */
enum freshet_status freshet_inbox_put_call(struct freshet_client *client, struct call *call,
                                           const struct event *event, freshet_ticket *ticket);
/* Does what was there at the start; what callbacks add has the next turn. */
void freshet_inbox_drain(struct freshet_client *client);
void freshet_inbox_free(struct freshet_client *client);

/* get.c */
void freshet_calls_add(struct freshet_client *client, struct call *call); /* the lock is held */
void freshet_calls_resolve(struct freshet_client *client, const struct effect *effect,
                           struct now now);
void freshet_calls_close(struct freshet_client *client);
void freshet_calls_free(struct freshet_client *client); /* unanswered: in a child after fork() */

bool freshet_request_valid(const struct freshet_request *request);

/* token.c */
/* Without a text it is left zeroed. NULL without memory. */
struct freshet_token *freshet_token_new(struct locked_memory *memory, const char *text,
                                        size_t length);

/* events.c */
void freshet_events_end(struct freshet_client *client); /* nobody is told any more; lock held */
void freshet_events_free(struct freshet_client *client);
/* One line of the trace: kept, and told. */
void freshet_events_line(struct freshet_client *client, struct trace_line *line, session_id session,
                         struct now now);
void freshet_events_effect(struct freshet_client *client, const struct effect *effect,
                           struct now now);
void freshet_events_response(struct freshet_client *client, request_id request, session_id session,
                             int http_status, const char *error, struct now now);

/* wish.c */
/* What a host asks for, as the pump takes it. */
struct wish {
    struct clerk_instance instance;
    struct credential credential;
    const char *name; /* for people */
    char account[FRESHET_VAULT_NAME_MAX];
    struct pump_opening opening; /* points into this */
};
enum freshet_status freshet_wish_read(struct wish *wish,
                                      const struct freshet_session_options *options,
                                      struct source_error *error);
void freshet_wish_free(struct wish *wish);

/* session.c */
struct freshet_session *freshet_session_find(struct freshet_client *client, session_id id);
bool freshet_session_closed(const struct freshet_session *session);
void freshet_session_refresh_cell(struct freshet_session *session);
/* The cell that a read may take at once; NULL without one. */
struct cell *freshet_session_cell(struct freshet_session *session);
void freshet_session_over(struct freshet_client *client, session_id id);
/* An event for every session: EVENT_FOCUS, or EVENT_WANT, which later ones hear of too. */
void freshet_sessions_tell(struct freshet_client *client, const struct event *event);

/* places.c */
enum freshet_status freshet_places_open(struct freshet_client *client,
                                        const struct freshet_client_options *options,
                                        struct freshet_error *error);
struct place_choice freshet_places_choice(const struct freshet_client_options *options);

#endif
