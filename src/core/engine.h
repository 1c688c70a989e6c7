/*
 * The engine: step(event, now) -> effects. Its whole interface.
 *
 * A pump (runtime, simulator, fuzzer) turns what happens in its world into events and does what the
 * effects say. The engine has no clock, no thread and no I/O; the same events in the same order
 * give the same effects. The path of a token: want -> lease -> fetch -> read -> commit -> resolve ->
 * publish.
 */
#ifndef FRESHET_CORE_ENGINE_H
#define FRESHET_CORE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <freshet/status.h>

#include "core/cell.h"
#include "core/policy.h"
#include "core/time.h"
#include "core/token.h"

struct engine;

/* Handles are numbers, valid from their event to their close. */
typedef uint32_t session_id;
typedef uint64_t request_id; /* never reused */
typedef uint64_t ticket_id;  /* chosen by the pump for each get; must be unique while it waits */

#define FRESHET_NO_SESSION UINT32_MAX

/* ---- requests ---- */

enum endpoint {
    ON_ENVIRONMENT,
    ON_CLIENT,
    ON_TOKENS,
    ON_TOUCH,
    ON_END,
    ON_REMOVE,
    ON_SESSIONS, /* sign-out of all */
    ON_COUNT
};

/* Why a request is sent. */
enum cause {
    CAUSE_GET,
    CAUSE_REFRESH,
    CAUSE_RETRY,
    CAUSE_SKIP_CACHE,
    CAUSE_THRESHOLD,
    CAUSE_OPEN,
    CAUSE_UNAUTHENTICATED,
    CAUSE_WAKE,
    CAUSE_ONLINE,
    CAUSE_REJECT,
    CAUSE_ORGANIZATION,
    CAUSE_SIGN_OUT
};

/* How much a sign-out ends: the session alone where others are signed in beside it, else all. */
enum sign_out_scope { SIGN_OUT_FITTING, SIGN_OUT_END, SIGN_OUT_ALL };

enum touch_intent { INTENT_NONE, INTENT_FOCUS, INTENT_SELECT_SESSION, INTENT_SELECT_ORG };

/* ---- outcomes of a request, as a source reads them ---- */

enum outcome_kind {
    OUTCOME_GOOD,            /* the answer makes sense: token or client below */
    OUTCOME_TRY_LATER,       /* 5xx, 429, unreadable, empty, malformed */
    OUTCOME_NO_ANSWER,       /* network, deadline */
    OUTCOME_REFUSED,         /* other 4xx: a definite answer to this request */
    OUTCOME_UNAUTHENTICATED, /* 401, 422, terminal 403: ask /client before believing it */
    OUTCOME_MISSING_EXPIRED  /* 422 missing_expired_token: once more, with the expired token */
};

enum no_answer {
    NO_ANSWER_DROPPED,
    NO_ANSWER_TIMEOUT,
    NO_ANSWER_ABANDONED,
    NO_ANSWER_STORE /* it was not sent: the credential could not be taken out of its store */
};

enum unreadable { READ_WELL, READ_EMPTY, READ_MALFORMED };

/* One session inside a client answer. */
struct client_session {
    const char *id;
    bool signed_in;           /* active or pending */
    const char *organization; /* last active one, "" for the personal workspace */
    bool has_token;
    struct token token;
};

struct client_answer {
    const char *last_active_session; /* "" when there is none */
    const struct client_session *sessions;
    size_t session_count;
};

struct outcome {
    enum outcome_kind kind;
    enum no_answer no_answer;
    enum unreadable unreadable;
    int http_status;  /* 0: none */
    const char *code; /* the issuer's error code, "" without; cleaned, bounded */
    bool has_retry_after;
    int64_t retry_after_ms; /* not yet clamped */
    int64_t date_s;         /* the Date header, 0 without */
    bool has_token;         /* bare token answers */
    struct token token;
    bool has_client; /* /client itself, or a client inside any other answer */
    struct client_answer client;
    bool has_environment;
    bool session_minter;
};

/* ---- shared records ---- */

/* The schedule of a flight: what one process's failures tell the others. */
struct failure {
    int attempt;       /* 0: no failure to report */
    bool waited;       /* the schedule belongs to a waiting call */
    int64_t failed_ms; /* boot time of the last failure */
    int64_t first_ms;  /* its first delay */
    int64_t not_before_ms;
    bool for_issuer; /* not_before_ms is a Retry-After, which holds for every key of the issuer */
    enum freshet_status status; /* REFUSED: a definite answer, which has ended the schedule */
    int http_status;
};

/* What one process publishes for a key, and another adopts. */
struct record {
    bool has_token;
    struct token token;
    int64_t committed_ms; /* boot time of receipt */
    int64_t sent_ms;      /* boot time of the request */
    int64_t offset_ms;    /* the publisher's belief: issuer's clock - boot time */
    bool has_offset;
    struct failure failure;
};

/* The parts of a key, spelled out; borrowed. */
struct key_view {
    session_id session;
    const char *issuer;
    const char *sid;
    const char *template_name; /* "" none */
    const char *organization;  /* "" personal */
    const char *audience;      /* "" none */
};

/* ---- events ---- */

enum event_kind {
    EVENT_OPEN,         /* a session: read environment and client */
    EVENT_CLOSE,        /* forget it; its waiters get CLOSED */
    EVENT_GET,          /* want */
    EVENT_CANCEL,       /* a waiting call leaves */
    EVENT_TICK,         /* time: whatever is due by now */
    EVENT_LEASED,       /* the lease is ours */
    EVENT_DENIED,       /* somebody else has it */
    EVENT_FETCHED,      /* an answer, or none */
    EVENT_ADOPTED,      /* another process published */
    EVENT_JOINED,       /* a start has to wait for others, who have a token of the session meant */
    EVENT_REJECTED,     /* a server answered 401 to this token */
    EVENT_ONLINE,       /* connectivity announced */
    EVENT_OFFLINE,      /* and lost; the pump fails the requests under way first */
    EVENT_WAKE,         /* look again: resume, clock step, foreground */
    EVENT_FOCUS,        /* foreground: WAKE, and a touch if the last is old enough */
    EVENT_ORGANIZATION, /* switch the session's active organization */
    EVENT_SIGN_OUT,
    EVENT_SIGNED_OUT, /* elsewhere: by another process or session of the same user */
    EVENT_CLEAR,      /* drop the tokens of this session */
    EVENT_WANT        /* a standing want begins (+1) or ends (-1) */
};

enum allow_stale { STALE_DEFAULT, STALE_NEVER, STALE_EXPIRED };

struct get_options {
    const char *template_name; /* NULL or "": none */
    const char *organization;  /* NULL: the session's active one; "": personal */
    const char *audience;      /* NULL or "": none */
    bool skip_cache;
    bool refresh_if_stale;
    enum allow_stale allow_stale;
    int64_t min_remaining_ms;     /* FRESHET_UNSET: the policy's */
    int64_t refresh_threshold_ms; /* FRESHET_UNSET: the policy's */
    int64_t timeout_ms;           /* <= 0: none */
};

struct event {
    enum event_kind kind;
    session_id session; /* where an event speaks of one session */
    union {
        struct {
            const char *issuer;    /* names the issuer: sessions of one issuer share its clock */
            const char *sid;       /* "": choose when the client has been read */
            bool ended;            /* signed out by an earlier run, and the issuer not told */
            const char *ended_sid; /* of which session; NULL or "": whichever it will be */
            enum sign_out_scope ended_scope;
            bool session_minter; /* as an environment read earlier says */
            bool has_last_token;
            struct token last_token; /* persisted by an earlier run */
            bool has_offset;         /* and what was believed then of (issuer - boot) */
            int64_t offset_ms;
        } open;
        struct {
            ticket_id ticket;
            struct get_options options;
        } get;
        struct {
            ticket_id ticket;
        } cancel;
        struct {
            uint32_t entry;
        } lease; /* LEASED, DENIED */
        struct {
            request_id request;
            int64_t received_boot_ms;
            struct outcome outcome;
        } fetched;
        struct {
            struct key_view key; /* issuer and session as this engine knows them */
            struct record record;
        } adopted;
        struct {
            struct token token;
            int64_t committed_ms; /* as in its record */
            int64_t sent_ms;
        } joined;
        struct {
            uint64_t fingerprint;
        } rejected;
        struct {
            const char *organization;
        } organization;
        struct {
            enum sign_out_scope scope;
        } sign_out;
        struct {
            struct key_view key; /* organization NULL: the active one; without a template whichever
                                    that is, with one the one of now */
            int change;
        } want;
    } u;
};

/* ---- effects ---- */

enum effect_kind {
    EFFECT_RESOLVE, /* answer a waiting call */
    EFFECT_LEASE,   /* try the lease, answer LEASED or DENIED (after ADOPTED, if there is news) */
    EFFECT_RELEASE,
    EFFECT_FETCH,   /* send a request */
    EFFECT_ABANDON, /* forget a request */
    EFFECT_PUBLISH, /* put a record into the shared place */
    EFFECT_RETRACT, /* remove it, if it still holds the token with this fingerprint */
    EFFECT_SAVE,    /* persist the session's last token, or forget it */
    EFFECT_COMMIT,  /* a token was taken */
    EFFECT_IGNORED, /* a token was not */
    EFFECT_STATUS,  /* the session's status changed */
    EFFECT_END, /* its end concerns other processes too; again when it is known which one it was */
    EFFECT_EMIT /* for subscribers */
};

enum session_status {
    SESSION_CLOSED,
    SESSION_LOADING,
    SESSION_READY,
    SESSION_DEGRADED,
    SESSION_SIGNED_OUT
};

/* Why a session is over. Only ASKED and CONFIRMED concern other processes too. */
enum session_end {
    END_NONE,
    END_ASKED,     /* the host signed out */
    END_CONFIRMED, /* /client shows no session */
    END_STOPPED,   /* /client failed when a verdict was to be confirmed: over in this process */
    END_ELSEWHERE  /* another process said so */
};

enum ignored_reason {
    IGNORED_STALER,
    IGNORED_WRONG_KEY,
    IGNORED_EXPIRED,
    IGNORED_MALFORMED,
    IGNORED_EMPTY,
    IGNORED_OLD_EPOCH
};

enum emit_name { EMIT_TOKEN_UPDATED, EMIT_TOKEN_RESOLVED, EMIT_SESSION_STATUS, EMIT_SIGNED_OUT };

/* Pointers are valid until the next step. */
struct effect {
    enum effect_kind kind;
    session_id session;
    uint64_t order; /* among its like within one answer: as they were said, calls by their age */
    union {
        struct {
            ticket_id ticket;
            enum freshet_status status;
            int http_status;
            bool stale;
            struct held token;
            int64_t remaining_ms; /* of the token; none or less: it has expired */
            const char *text;     /* token.length bytes; NULL with an error */
        } resolve;
        struct {
            uint32_t entry;
            struct key_view key;
            int byte; /* 0, or 1 once the holder of the first seems stuck */
        } lease;      /* LEASE, RELEASE */
        struct {
            request_id request;
            enum endpoint on;
            enum cause cause;
            int attempt;
            enum touch_intent intent;
            struct key_view key;
            bool skip_cache;
            bool with_expired; /* send last_text as expired_token */
            bool session_minter;
            const char *last_text; /* last active token, for the session minter; may be NULL */
            uint32_t last_length;
            int64_t deadline_ms; /* boot time; the engine abandons then */
        } fetch;
        struct {
            request_id request;
            bool timed_out; /* false: nobody wants the answer any more */
        } abandon;
        struct {
            struct key_view key;
            struct record record;
        } publish; /* PUBLISH, RETRACT */
        struct {
            const char *text; /* NULL: forget */
            uint32_t length;
            bool has_offset; /* (issuer - boot) is known from an answer */
            int64_t offset_ms;
        } save;
        struct {
            struct key_view key;
            struct held token;
            const char *text;
        } commit;
        struct {
            struct key_view key;
            uint64_t fingerprint; /* 0: there was no token to speak of */
            enum ignored_reason reason;
        } ignored;
        struct {
            enum session_status status;
            enum session_end end; /* with SIGNED_OUT */
        } status;
        struct {
            enum session_end end; /* ASKED, CONFIRMED */
            enum sign_out_scope scope;
        } end;
        struct {
            enum emit_name name;
            uint64_t fingerprint; /* 0: none */
            enum session_status status;
        } emit;
    } u;
};

struct effects {
    const struct effect *items;
    size_t count;
};

/* ---- the engine ---- */

struct engine_options {
    struct policy policy;
    struct cell_memory memory; /* for the text of tokens */
    uint64_t seed;             /* for jitter and start-up retries */
    uint32_t max_sessions;     /* capacities; reaching one is FRESHET_LIMIT */
    uint32_t max_entries;
    uint32_t max_waiters;
    uint32_t max_names;
};

struct engine_options freshet_engine_options_default(void);

/* NULL without memory. */
struct engine *freshet_engine_new(const struct engine_options *options, struct now now);
void freshet_engine_free(struct engine *engine);

/* The number an EVENT_OPEN must carry; FRESHET_NO_SESSION when the capacity is used up. */
session_id freshet_engine_session(struct engine *engine);

/* Effects belong to the engine and are valid until the next step. */
struct effects freshet_step(struct engine *engine, const struct event *event, struct now now);

/* Boot time at which a TICK is needed, FRESHET_NEVER without one. */
int64_t freshet_engine_deadline(const struct engine *engine);

/* The cell that reads of a key may use without the engine; NULL while the key is unknown. */
struct cell *freshet_engine_cell(struct engine *engine, const struct key_view *key);

/* Walks every invariant; false, with a sentence about the first that is broken. */
bool freshet_engine_check(const struct engine *engine, const char **broken);

/* A look at one session, for status displays. Strings live until the next step. */
struct session_view {
    enum session_status status;
    const char *sid;
    const char *organization;
    const struct policy *policy;
    bool clock_known;
    int64_t clock_offset_ms; /* issuer - wall, as believed */
    int64_t clock_error_ms;  /* FRESHET_NEVER: unbounded */
    uint32_t entry_count;
};

struct entry_view {
    struct key_view key;
    struct held token;
    int64_t remaining_ms;
    int64_t due_ms; /* remaining life at which a refresh is due */
    enum zone zone;
    const char *flight; /* "idle", "leasing", ... */
    int attempt;
    int waiters;
    int64_t last_attempt_ms; /* boot time, 0: never */
    enum freshet_status last_status;
    int last_http_status;
    int64_t next_ms; /* boot time of the next deadline, or FRESHET_NEVER */
};

bool freshet_engine_view_session(const struct engine *engine, session_id session, struct now now,
                                 struct session_view *view);
/* The index-th entry of a session, from 0; false past the last. */
bool freshet_engine_view_entry(const struct engine *engine, session_id session, uint32_t index,
                               struct now now, struct entry_view *view);

/* Names as traces and logs spell them. */
const char *freshet_endpoint_name(enum endpoint on);
const char *freshet_cause_name(enum cause cause);
const char *freshet_ignored_name(enum ignored_reason reason);
const char *freshet_session_status_name(enum session_status status);
const char *freshet_emit_name(enum emit_name name);
const char *freshet_from_name(enum token_from from);

#endif
