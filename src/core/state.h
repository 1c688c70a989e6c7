/*
 * What the engine knows: issuers, sessions, entries, waiters, requests. Private to core/.
 *
 * The central fact is the entry: key x token x flight. The token (what readers may take) and the
 * flight (what is being done about the next one) never touch: only commit.c assigns the token, only
 * flight.c moves the flight. Nothing that time alone can change is stored.
 */
#ifndef FRESHET_CORE_STATE_H
#define FRESHET_CORE_STATE_H

#include <stddef.h>

#include "core/clock.h"
#include "core/engine.h"
#include "core/key.h"
#include "core/map.h"
#include "core/wheel.h"

struct session;
struct entry;

struct issuer {
    uint32_t name;
    struct issuer_clock clock;
    int64_t not_before_ms; /* Retry-After, for every key of this issuer */
    int64_t round_trip_ms; /* of the last answer */
    bool offline;
    int64_t offline_since_ms;
    struct session *sessions; /* those that speak to it */
};

/* A call that waits, for an entry or for its session to be loaded. */
struct waiter {
    struct map_node node; /* by ticket */
    struct waiter *next;  /* younger */
    struct waiter *previous;
    ticket_id ticket;
    uint64_t order; /* its age among all calls */
    struct session *session;
    struct entry *entry; /* NULL while the session loads */
    uint32_t template_name;
    uint32_t organization; /* FRESHET_NAME_NONE: the active one */
    uint32_t audience;
    bool skip_cache;
    bool refresh_if_stale;
    enum allow_stale allow_stale;
    int64_t min_remaining_ms; /* FRESHET_UNSET: the policy's */
    int64_t refresh_threshold_ms;
    int64_t asked_ms;           /* boot time of the call */
    int64_t ends_ms;            /* its own time-out, FRESHET_NEVER without */
    enum freshet_status status; /* of the last attempt that failed for it, FRESHET_OK: none */
    int http_status;
};

struct waiter_list {
    struct waiter *oldest;
    struct waiter *youngest;
};

enum flight_state {
    FLIGHT_IDLE,
    FLIGHT_LEASING,
    FLIGHT_FETCHING,
    FLIGHT_CONFIRMING,
    FLIGHT_BACKOFF
};

struct flight {
    enum flight_state state;
    enum cause cause;
    bool waited;  /* a call has waited for it: the schedule is the callers' */
    bool single;  /* one attempt only (reads below the threshold) */
    bool again;   /* a repeat with the expired token is under way */
    int failures; /* of this schedule */
    int64_t first_ms;
    int64_t at_ms;    /* LEASING, FETCHING, BACKOFF: when to look again */
    int64_t began_ms; /* its schedule */
    int64_t leasing_since_ms;
    int lease_byte;
    bool leased;
    request_id request;
    int64_t sent_ms;
    struct failure last; /* survives the flight; what is published */
};

/* What keeps a background refresh from starting. */
enum block { BLOCK_NONE, BLOCK_UNTIL_ASKED, BLOCK_UNTIL_WAITED };

struct entry {
    struct map_node node; /* by key */
    struct timer timer;   /* the one deadline */
    struct key key;
    uint32_t index; /* names the entry in LEASE, LEASED */
    struct session *session;
    struct entry *next; /* of the same session */
    struct cell cell;
    struct held held;
    struct flight flight;
    struct waiter_list waiters;
    int wants;  /* standing wants of this very key */
    int unread; /* refreshes since the last read */
    bool asleep;
    enum block block;
    int64_t spaced_from_ms; /* spacing counts from here */
    int64_t standing_ms;    /* a standing want starts no flight before this */
    int64_t forced_ms;      /* last forced refresh after a rejection */
};

/* Reading the client: at start, to confirm a verdict, to follow an outage. */
struct reading_state {
    request_id request; /* 0: none under way */
    enum cause cause;
    int attempt; /* since the last answer that settled it */
    int64_t sent_ms;
    int64_t deadline_ms;
    int64_t at_ms;               /* when to ask again, or FRESHET_NEVER */
    int64_t quiet_until_ms;      /* recovery asks no earlier */
    int unauthorized;            /* answers of 401 in a row */
    enum freshet_status refused; /* what the last answer was, if it was definite; else FRESHET_OK */
    int refused_http;
};

/* A request of the session that is tried until it is answered: sign-out; or once: touch. */
struct errand {
    request_id request;
    int attempt;
    int64_t deadline_ms;
    int64_t at_ms;
};

struct session {
    struct map_node node; /* by sid, once that is known */
    struct timer timer;
    session_id id;
    struct session *next; /* of the same issuer, or of the free ones */
    bool open;
    struct issuer *issuer;
    uint32_t sid;       /* 0 until it is chosen */
    bool ended_before;  /* by an earlier run, and the issuer not told */
    uint32_t ended_sid; /* 0: whichever it will be */
    enum sign_out_scope ended_scope;
    bool sid_given;
    bool organization_given; /* by the host, before the client was read */
    uint32_t organization;
    enum session_status status;
    bool outage; /* started without the client; ready only when it answers */
    bool session_minter;
    uint32_t epoch;      /* raised by clear and sign-out: nothing older may write */
    int64_t epoch_ms;    /* when it was raised last */
    int wants;           /* standing wants of the active token, whichever that is */
    int signed_in_count; /* sessions in the last client answer */
    int64_t opened_ms;
    struct reading_state client;
    struct errand environment;
    struct errand touch;
    struct errand sign_out;
    int64_t touched_ms;    /* last focus touch, or before time */
    struct entry *entries; /* oldest first */
    struct entry *youngest;
    uint32_t entry_count;
    enum sign_out_scope scope;
    enum session_end end;
    struct waiter_list parked; /* calls that wait for the load */
    struct token last;         /* the last one known; its text and names are ours */
    char *last_text;           /* NULL: none */
    size_t last_size;
};

/* A request under way, or one whose answer nobody wants any more. */
struct request {
    struct map_node node; /* by id */
    request_id id;
    enum endpoint on;
    struct session *session;
    struct entry *entry; /* ON_TOKENS */
    int64_t sent_ms;
    uint32_t epoch;
    bool abandoned;
};

struct engine {
    struct engine_options options;
    struct names names;
    struct issuer **issuers;
    uint32_t issuer_count;
    struct session **sessions;
    struct session *free_sessions;
    uint32_t session_count;
    struct entry **entries;
    struct entry *free_entries;
    uint32_t entry_count;
    struct map entry_map;
    struct map sid_map;
    struct map waiter_map;
    struct map request_map;
    struct wheel *wheel;
    request_id last_request;
    uint64_t last_waiter;
    uint64_t random;
    struct now now;
    int64_t woken_ms; /* boot time of the last WAKE */
    struct effect *effects;
    size_t effect_count;
    size_t effect_capacity;
    size_t group; /* first effect of the current answer or deadline */
};

static inline struct entry *freshet_timer_entry(struct timer *timer)
{
    return (struct entry *)(void *)((char *)timer - offsetof(struct entry, timer));
}

static inline struct session *freshet_timer_session(struct timer *timer)
{
    return (struct session *)(void *)((char *)timer - offsetof(struct session, timer));
}

/* effect.c */
struct effect *freshet_effect_push(struct engine *engine, enum effect_kind kind,
                                   const struct session *session);
void freshet_effects_close_group(struct engine *engine);

/* request.c */
enum freshet_status freshet_no_answer_status(enum no_answer no_answer);
struct request *freshet_request_new(struct engine *engine, enum endpoint on,
                                    struct session *session, struct entry *entry);
void freshet_request_forget(struct engine *engine, struct request *request);
void freshet_requests_forget_session(struct engine *engine, const struct session *session);
struct request *freshet_request_find(const struct engine *engine, request_id id);
void freshet_request_abandon(struct engine *engine, request_id id, bool timed_out);

/* engine.c */
uint64_t freshet_engine_random(struct engine *engine);
const char *freshet_name(const struct engine *engine, uint32_t name);

/* answer.c: a request has been answered */
void freshet_answer_take(struct engine *engine, const struct event *event);

/* entry.c: what is known of a key, when something is due, and the answer to "get" */
struct entry *freshet_entry_find(const struct engine *engine, const struct key *key);
struct entry *freshet_entry_obtain(struct engine *engine, struct session *session,
                                   uint32_t template_name, uint32_t organization,
                                   uint32_t audience);
void freshet_entry_release(struct engine *engine, struct entry *entry);
struct key_view freshet_entry_key(const struct engine *engine, const struct entry *entry);
int64_t freshet_entry_remaining(const struct engine *engine, const struct entry *entry);
int64_t freshet_entry_expiry(const struct engine *engine, const struct entry *entry);
int freshet_entry_wants(const struct entry *entry);
bool freshet_entry_is_plain(const struct entry *entry);
bool freshet_entry_is_active(const struct entry *entry);
int64_t freshet_entry_due(const struct engine *engine, const struct entry *entry);
bool freshet_entry_wants_refresh(const struct engine *engine, const struct entry *entry);
void freshet_entry_get(struct engine *engine, struct waiter *waiter);
void freshet_entry_look(struct engine *engine, struct entry *entry, enum cause cause);
void freshet_entry_reject(struct engine *engine, struct entry *entry);
void freshet_entry_tick(struct engine *engine, struct entry *entry);
void freshet_entry_update(struct engine *engine, struct entry *entry);
const char *freshet_entry_text(const struct entry *entry);

/* waiter.c: calls that wait */
struct waiter *freshet_waiter_new(struct engine *engine, struct session *session,
                                  const struct event *event, enum freshet_status *status);
struct waiter *freshet_waiter_find(const struct engine *engine, ticket_id ticket);
void freshet_waiter_park(struct waiter_list *list, struct waiter *waiter);
void freshet_waiter_move(struct waiter *waiter, struct entry *entry);
void freshet_waiter_resolve(struct engine *engine, struct waiter *waiter);
void freshet_waiter_settle(struct engine *engine, struct waiter *waiter);
void freshet_waiter_fail(struct engine *engine, struct waiter *waiter, enum freshet_status status,
                         int http_status);
void freshet_waiters_fail(struct engine *engine, struct waiter_list *list,
                          enum freshet_status status, int http_status);
void freshet_waiters_committed(struct engine *engine, struct entry *entry, int64_t sent_ms);
void freshet_waiters_attempt_failed(struct engine *engine, struct entry *entry,
                                    enum freshet_status status, int http_status, bool final);
void freshet_waiters_refused(struct engine *engine, struct entry *entry,
                             const struct failure *failure);
void freshet_waiters_tick(struct engine *engine, struct entry *entry, int64_t by_ms);
void freshet_waiters_offline(struct engine *engine, struct entry *entry);
int64_t freshet_waiters_next(const struct engine *engine, const struct entry *entry);
int64_t freshet_waiter_offline_end(const struct engine *engine, const struct waiter *waiter);
int64_t freshet_waiter_half(const struct engine *engine, const struct entry *entry);

/* schedule.c: when the next attempt of a flight is made */
int64_t freshet_schedule_next(struct engine *engine, const struct entry *entry);
int64_t freshet_schedule_follow(const struct engine *engine, const struct entry *entry,
                                const struct failure *failure);
void freshet_schedule_retry_after(const struct engine *engine, struct issuer *issuer,
                                  int64_t asked_ms);
/* How long the answer to a token request is waited for. */
int64_t freshet_schedule_patience(const struct engine *engine, const struct entry *entry);

/* lease.c: who of a user's processes makes the request */
#define FRESHET_LEASE_POLL_MS 100 /* how often a lease that somebody else holds is tried again */
#define FRESHET_LEASE_SLACK_MS                                                                     \
    1000 /* of a request's time-out: by then its holder has given it back */
void freshet_flight_lease(struct engine *engine, struct entry *entry);
void freshet_flight_release(struct engine *engine, struct entry *entry);
/* One that came when it was wanted no more. */
void freshet_flight_give_back(struct engine *engine, struct entry *entry);
/* How long the holder of a lease is trusted to be alive. */
int64_t freshet_flight_lease_patience(const struct engine *engine, const struct entry *entry);

/* flight.c: the request for the next token */
void freshet_flight_wait(struct engine *engine, struct entry *entry, enum cause cause);
void freshet_flight_start(struct engine *engine, struct entry *entry, enum cause cause,
                          bool single);
void freshet_flight_leased(struct engine *engine, struct entry *entry, bool granted);
void freshet_flight_due(struct engine *engine, struct entry *entry);
void freshet_flight_landed(struct engine *engine, struct entry *entry, int64_t sent_ms);
void freshet_flight_confirmed(struct engine *engine, struct entry *entry);
void freshet_flight_peer_failed(struct engine *engine, struct entry *entry,
                                const struct failure *failure);
void freshet_flight_online(struct engine *engine, struct entry *entry);
void freshet_flight_offline(struct engine *engine, struct entry *entry);
void freshet_flight_wake(struct engine *engine, struct entry *entry);
void freshet_flight_stop(struct engine *engine, struct entry *entry);
void freshet_flight_send(struct engine *engine, struct entry *entry);
void freshet_flight_back_off(struct entry *entry, int64_t at_ms);
void freshet_flight_end(struct engine *engine, struct entry *entry);
/* Somebody waits, or wants the token at all times, or there is a live one to replace. */
bool freshet_flight_is_wanted(const struct engine *engine, const struct entry *entry);

/* outcome.c: what becomes of a flight when an attempt has ended */
void freshet_outcome_take(struct engine *engine, struct entry *entry, const struct outcome *out);
void freshet_outcome_time_out(struct engine *engine, struct entry *entry);
void freshet_outcome_unauthorized(struct engine *engine, struct entry *entry);
void freshet_outcome_exhausted(struct engine *engine, struct entry *entry);

/* last.c: the last token known of a session */
bool freshet_last_keep(const struct engine *engine, struct session *session,
                       const struct token *token);
void freshet_last_keep_held(const struct engine *engine, struct session *session);
void freshet_last_forget(const struct engine *engine, struct session *session);
/* Of the session's own token, live or expired; NULL when there is none. */
const char *freshet_last_text(const struct engine *engine, const struct session *session,
                              uint32_t *length);
bool freshet_last_fits(const struct engine *engine, const struct session *session,
                       uint32_t organization);

/* commit.c: the one assignment to the token */
enum commit_result { COMMIT_TAKEN, COMMIT_STALER, COMMIT_BAD };
struct arrival {
    enum token_from from;
    int64_t committed_ms;
    int64_t sent_ms;
};
enum commit_result freshet_commit(struct engine *engine, struct entry *entry,
                                  const struct token *token, const struct arrival *arrival);
void freshet_commit_ignored(struct engine *engine, const struct entry *entry, uint64_t fingerprint,
                            enum ignored_reason reason);
void freshet_commit_drop(struct engine *engine, struct entry *entry);
void freshet_publish(struct engine *engine, struct entry *entry);

/* session.c: load, status, organization, sign-out */
void freshet_session_start(struct engine *engine, const struct event *event);
void freshet_session_stop(struct engine *engine, struct session *session);
bool freshet_session_name(struct engine *engine, struct session *session, const char *sid);
void freshet_session_unname(struct engine *engine, struct session *session);
bool freshet_session_ready(const struct session *session);
request_id freshet_session_send(struct engine *engine, struct session *session, enum endpoint on,
                                enum cause cause, int attempt, int64_t deadline_ms);
void freshet_session_end(struct engine *engine, struct session *session, enum session_end end);
/* Says so to the pump. */
void freshet_session_tell_end(struct engine *engine, struct session *session);
void freshet_session_admit(struct engine *engine, struct session *session);
void freshet_session_get(struct engine *engine, struct session *session, const struct event *event);
void freshet_session_confirmed(struct engine *engine, struct session *session);
/* What the host chose while the session was loading is told to the issuer. */
void freshet_session_tell_organization(struct engine *engine, struct session *session);
void freshet_session_set_status(struct engine *engine, struct session *session,
                                enum session_status status);
void freshet_session_emit(struct engine *engine, struct session *session, enum emit_name name,
                          uint64_t fingerprint);
void freshet_session_good_answer(struct engine *engine, struct session *session);
bool freshet_session_confirm(struct engine *engine, struct session *session);
void freshet_session_answered(struct engine *engine, const struct request *request,
                              const struct outcome *out);
void freshet_session_tick(struct engine *engine, struct session *session);
void freshet_session_update(struct engine *engine, struct session *session);
void freshet_session_set_organization(struct engine *engine, struct session *session,
                                      const char *organization);
void freshet_session_connectivity(struct engine *engine, struct session *session, bool online);
void freshet_session_focus(struct engine *engine, struct session *session);
void freshet_session_sign_out(struct engine *engine, struct session *session,
                              enum sign_out_scope scope);
void freshet_session_want(struct engine *engine, struct session *session, int change);
void freshet_session_clear(struct engine *engine, struct session *session);

/* errand.c: touch and sign-out */
void freshet_errand_touch(struct engine *engine, struct session *session, enum cause cause);
void freshet_errand_touched(struct engine *engine, struct session *session,
                            const struct outcome *out);
void freshet_errand_sign_out(struct engine *engine, struct session *session);
void freshet_errand_signed_out(struct engine *engine, struct session *session,
                               const struct outcome *out);
void freshet_errand_tick(struct engine *engine, struct session *session);
/* When one of them, or the environment, is due. */
int64_t freshet_errand_next(const struct session *session);

/* load.c: reading environment and client, at start and again */
#define FRESHET_LOAD_LIMIT_MS 7000 /* of a start, and of a stand-in's first request */
void freshet_load_start(struct engine *engine, struct session *session);
void freshet_load_client(struct engine *engine, struct session *session, enum cause cause);
void freshet_load_environment_answered(struct engine *engine, struct session *session,
                                       const struct outcome *out);
void freshet_load_client_answered(struct engine *engine, struct session *session,
                                  const struct request *request, const struct outcome *out);
void freshet_load_connectivity(struct engine *engine, struct session *session, bool online);
void freshet_load_tick(struct engine *engine, struct session *session);
/* Which session it is that has been signed out. */
void freshet_load_name_last(struct engine *engine, struct session *session);
void freshet_load_for_sign_out(struct engine *engine, struct session *session);
void freshet_load_join(struct engine *engine, struct session *session, const struct event *event);
void freshet_load_take_tokens(struct engine *engine, const struct request *request,
                              const struct client_answer *client);

#endif
