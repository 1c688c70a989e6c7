/*
 * libfreshet: session tokens that are always fresh.
 *
 *     struct freshet_client *client = NULL;
 *     struct freshet_session *session = NULL;
 *     struct freshet_token *token = NULL;
 *     struct freshet_session_options options = {.size = sizeof(options),
 *                                               .publishable_key = key,
 *                                               .client_token_file = "client-token"};
 *
 *     freshet_open(NULL, &client, NULL);
 *     freshet_session_open(client, &options, &session, NULL);
 *     if (freshet_get(session, NULL, &token, NULL) == FRESHET_OK) {
 *         use(freshet_token_text(token));
 *         freshet_token_unref(token);
 *     }
 *     freshet_close(client);
 *
 * Threads: every function may be called from any thread, unless it says otherwise. With
 * `host_loop`, freshet_dispatch(), blocking gets, freshet_session_open() and freshet_status_json()
 * must not run in two threads at once.
 *
 * Ownership: open gives, close takes back; a token is given with one reference, unref takes it; a
 * pointer behind two stars is the caller's. Strings passed in are copied.
 *
 * Callbacks run on Freshet's thread (or inside freshet_dispatch()), with no lock held, after the
 * commit they speak of, in order, and never inside the call that registered them. They may call
 * back in; a call that would have to wait there returns FRESHET_WOULD_BLOCK.
 *
 * fork(): in the child every inherited handle returns FRESHET_FORKED; closing it frees memory, as
 * far as the parent's threads cannot have been changing it, and does nothing else.
 *
 * Option structs begin with their own size; a zero means the default.
 */
#ifndef FRESHET_FRESHET_H
#define FRESHET_FRESHET_H

#include <stddef.h>
#include <stdint.h>

#include <freshet/status.h>
#include <freshet/version.h>

#if defined(__GNUC__)
#define FRESHET_MUST_USE __attribute__((warn_unused_result))
#else
#define FRESHET_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct freshet_client;
struct freshet_session;
struct freshet_token;

/* Room for the reason of a failure; the caller owns it. Never holds a secret. */
struct freshet_error {
    enum freshet_status status;
    int http_status;   /* of the last answer, 0 without one */
    char message[256]; /* what happened, to what, and what to do next */
};

/* ---- client ---- */

/* Times in milliseconds. A zero means the default; see docs/policy.md for what each does. */
struct freshet_client_options {
    size_t size;
    int host_loop;            /* 1: no thread; the host polls freshet_poll_fd() and dispatches */
    const char *ca_file;      /* PEM; NULL: the system's */
    const char *user_agent;   /* NULL: "freshet/VERSION" */
    int64_t leeway_ms;        /* 0: 15 s, at most a quarter of a token's life */
    int64_t lead_ms;          /* 0: 2 s, at most a thirtieth */
    int64_t min_remaining_ms; /* 0: 5 s, at most a twelfth */
    int64_t refresh_threshold_ms; /* 0: 15 s, at most a quarter */
    int reactive;                 /* 1: no refresh by time; reads below the threshold refresh */
    int idle_cycles;              /* 0: 5; negative: never sleep */
    int64_t request_timeout_ms;   /* 0: 10 s; 100 ms to 120 s */
    double jitter;                /* 0: none; up to 1 */
    const char *runtime_dir;      /* where the user's processes meet; NULL: see docs/sharing.md;
                                     "": this client shares nothing */
    const char *state_dir;        /* where credentials are kept; NULL: see docs/credentials.md;
                                     "": nowhere, a client token file is written back instead */
    const char *key_file;    /* the store's key; NULL: FRESHET_KEY_FILE, or beside the settings */
    const char *key_command; /* prints the store's key; instead of a file */
};

/*
 * Makes a client. `options` may be NULL. FRESHET_INVALID: an option is out of range;
 * FRESHET_NO_MEMORY; FRESHET_LIMIT: no descriptor or thread could be had; FRESHET_STORE: the store
 * that the options name, or that holds credentials already, cannot be used (a client that has no
 * place for one does without, and its status says why). A key command may take up to 30 s. `error` may be NULL.
 */
FRESHET_MUST_USE enum freshet_status freshet_open(const struct freshet_client_options *options,
                                                  struct freshet_client **client,
                                                  struct freshet_error *error);

/*
 * Closes the client and its sessions; waiting calls end with FRESHET_CLOSED first. Inside a callback
 * it takes effect when the callback returns. No other call may be made with the handle afterwards.
 */
void freshet_close(struct freshet_client *client);

/* ---- sessions ---- */

struct freshet_session_options {
    size_t size;
    const char *name;              /* for status displays; NULL: "default" */
    const char *publishable_key;   /* pk_test_... or pk_live_... */
    const char *url;               /* replaces the key's host: a proxy, a loopback issuer */
    const char *client_token;      /* the client JWT itself, or */
    const char *client_token_file; /* a 0600 file that holds it */
    const char *session;           /* session id; NULL: the last active one */
};

/*
 * Opens a session: reads environment and client in the background and returns at once; gets wait
 * for that. FRESHET_INVALID: a key, a URL or a file is wrong, and `error` says which. In a callback:
 * FRESHET_WOULD_BLOCK.
 */
FRESHET_MUST_USE enum freshet_status freshet_session_open(
    struct freshet_client *client, const struct freshet_session_options *options,
    struct freshet_session **session, struct freshet_error *error);

/* Its waiting calls end with FRESHET_CLOSED. The handle's memory goes with its client. */
void freshet_session_close(struct freshet_session *session);

/* ---- tokens ---- */

enum freshet_allow_stale {
    FRESHET_STALE_DEFAULT = 0, /* a live token with too little life is better than an error */
    FRESHET_STALE_NEVER = 1,   /* the error instead */
    FRESHET_STALE_EXPIRED = 2  /* even an expired one, or an earlier run's, marked stale */
};

/* What a get asks for. A zeroed request asks for the session's own token. */
struct freshet_request {
    size_t size;
    const char *template_name; /* NULL: none */
    const char *organization;  /* NULL: the active one; "": personal */
    int skip_cache;            /* 1: a token whose request is sent at or after this call */
    int refresh_if_stale;      /* 1: wait for a new one if the token is below the threshold */
    enum freshet_allow_stale allow_stale;
    int64_t min_remaining_ms;     /* 0: the policy's; negative: any life will do */
    int64_t refresh_threshold_ms; /* 0: the policy's */
    int64_t timeout_ms;           /* 0: none */
};

/*
 * A token. Returns at once while a usable one is held; otherwise waits for the one request that is
 * under way, at most timeout_ms. FRESHET_OK gives a token, which may be marked stale. `request` may be
 * NULL, `error` may be NULL. (behaviour rows S1-S5, S36; architecture: zones)
 */
FRESHET_MUST_USE enum freshet_status freshet_get(struct freshet_session *session,
                                                 const struct freshet_request *request,
                                                 struct freshet_token **token,
                                                 struct freshet_error *error);

typedef uint64_t freshet_ticket;

/* `token` is borrowed for the call (ref it to keep it) and NULL unless status is FRESHET_OK. */
typedef void freshet_get_callback(void *context, enum freshet_status status,
                                  struct freshet_token *token, const struct freshet_error *error);

/* As freshet_get(), answered through the callback, exactly once. `ticket` may be NULL. */
FRESHET_MUST_USE enum freshet_status freshet_get_async(struct freshet_session *session,
                                                       const struct freshet_request *request,
                                                       freshet_get_callback *callback,
                                                       void *context, freshet_ticket *ticket);

/* The call ends with FRESHET_CANCELLED, unless it has ended already. The request goes on. */
void freshet_cancel(struct freshet_session *session, freshet_ticket ticket);

/*
 * Copies the session's own token, NUL-terminated, without waiting, locking, allocating or starting
 * anything. FRESHET_OK: more life than min_remaining; FRESHET_STALE: less; FRESHET_NONE: no live
 * token, or what the host has just told the session is yet to be done; FRESHET_LIMIT: `size` is too
 * small, *length says what is needed (without the NUL). `length` and `expires_at_ms`
 * (since 1970, by our wall clock) may be NULL.
 */
FRESHET_MUST_USE enum freshet_status freshet_peek(struct freshet_session *session, char *buffer,
                                                  size_t size, size_t *length,
                                                  int64_t *expires_at_ms);

/*
 * A usable token that some process of the user holds, without opening anything: no thread, no request,
 * no lock. The options are those that a client and a session would be opened with; `options` and
 * `request` may be NULL. FRESHET_NONE: there is none, so open a session; FRESHET_INVALID: an option
 * is wrong, and `error` says which. For commands that want one token and end.
 */
FRESHET_MUST_USE enum freshet_status freshet_peek_shared(
    const struct freshet_client_options *options, const struct freshet_session_options *session,
    const struct freshet_request *request, struct freshet_token **token,
    struct freshet_error *error);

/* NUL-terminated, valid until the last unref. Empty in a child after fork(). */
const char *freshet_token_text(const struct freshet_token *token);
size_t freshet_token_length(const struct freshet_token *token);
/* Since 1970, by our wall clock. */
int64_t freshet_token_expires_at_ms(const struct freshet_token *token);
/* Life left when the token was handed out. */
int64_t freshet_token_remaining_ms(const struct freshet_token *token);
int freshet_token_is_stale(const struct freshet_token *token);
struct freshet_token *freshet_token_ref(struct freshet_token *token);
/* The last unref wipes the text. NULL is ignored. */
void freshet_token_unref(struct freshet_token *token);

/*
 * ---- what a host tells ----
 *
 * It counts from the call on: no later read of that session is given what was true before.
 */

/* A server answered 401 to this token: only it dies; one forced refresh per spacing. */
void freshet_reject(struct freshet_session *session, const struct freshet_token *token);

/* The same for a token that only its text is left of. FRESHET_INVALID: it is no token. */
enum freshet_status freshet_reject_text(struct freshet_session *session, const char *text,
                                        size_t length);

/*
 * A standing want: the token is kept fresh although nobody reads it, until as many unwants have come.
 * Only template and organization of the request count; with no organization it is the active one's,
 * whichever that is. A subscription is one for the own token of each session.
 */
enum freshet_status freshet_want(struct freshet_session *session,
                                 const struct freshet_request *request);
enum freshet_status freshet_unwant(struct freshet_session *session,
                                   const struct freshet_request *request);

enum freshet_sign_out_scope {
    FRESHET_SIGN_OUT_FITTING = 0, /* this session, and the client too if it has no other */
    FRESHET_SIGN_OUT_SESSION = 1, /* this session alone */
    FRESHET_SIGN_OUT_ALL = 2      /* every session of the client */
};

/*
 * Signs out: final at once in every process of the user, then at the issuer, tried again in the
 * background and, if the process ends before that, at the next opening. While the session loads and no
 * earlier token says which one it is, the client is read first; that is not made up for later.
 */
enum freshet_status freshet_sign_out(struct freshet_session *session,
                                     enum freshet_sign_out_scope scope);

/* Switches the active organization ("" is the personal workspace). Keys change at once. */
enum freshet_status freshet_set_organization(struct freshet_session *session,
                                             const char *organization);

/* Foreground: looks again at everything that is due, and touches each session at most once in 5 s.
 * Never forces a refresh. A resume is noticed without it. */
void freshet_wake(struct freshet_client *client);

/* ---- events ---- */

enum freshet_event_kind {
    FRESHET_EVENT_TOKEN_UPDATED = 0,
    FRESHET_EVENT_TOKEN_RESOLVED = 1,
    FRESHET_EVENT_SESSION_STATUS = 2,
    FRESHET_EVENT_SIGNED_OUT = 3,
    FRESHET_EVENT_TRACE = 4 /* one JSON line of what happened, for logs; no secrets */
};

/* Valid during the callback only. */
struct freshet_event {
    enum freshet_event_kind kind;
    struct freshet_session *session;
    const char *session_name;
    const char *session_status; /* "loading", "ready", "degraded", "signed_out" */
    const char *trace;          /* TRACE only */
};

typedef void freshet_event_callback(void *context, const struct freshet_event *event);

/*
 * Adds a subscriber to those of the client; all are told, in the order in which they came. A pair of
 * callback and context that is there already stays single.
 */
enum freshet_status freshet_subscribe(struct freshet_client *client,
                                      freshet_event_callback *callback, void *context);

/*
 * Ends that subscription: the callback does not run any more when this returns. In a callback, only
 * later events are kept away. freshet_close() ends all.
 */
void freshet_unsubscribe(struct freshet_client *client, freshet_event_callback *callback,
                         void *context);

/* ---- the host's own loop ---- */

/*
 * Readable whenever freshet_dispatch() has something to do, deadlines included: a host that polls it
 * needs no time-out. It stays the same, and the client's: do not read, write or close it. -1 without
 * `host_loop`.
 */
int freshet_poll_fd(struct freshet_client *client);

/*
 * Does what is to be done, without waiting. FRESHET_CLOSED: a callback has closed the client, which
 * is gone; FRESHET_INVALID: without `host_loop`; FRESHET_WOULD_BLOCK: in a callback.
 */
enum freshet_status freshet_dispatch(struct freshet_client *client);

/* ---- introspection ---- */

/*
 * A JSON object that says what the client knows: per session status, tokens' zones and ages, last
 * attempt and result, next attempt, clock offset and its error, the last events. No secrets. The
 * caller frees it with free().
 */
FRESHET_MUST_USE enum freshet_status freshet_status_json(struct freshet_client *client,
                                                         char **json);

#ifdef __cplusplus
}
#endif
#endif
