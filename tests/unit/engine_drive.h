/*
 * A tiny pump round one engine in virtual time, for tests that need direct control.
 *
 * Time begins at t = 0 and moves only in freshet_drive_at(); the seconds of tokens count from there
 * too. Leases are granted as soon as they are asked for (unless `denied`), requests wait in a list
 * until the test answers them, and what the engine says is kept in lists. The engine's invariants
 * are walked after every step. It stands for one process with a right clock and an issuer that
 * agrees; it shares nothing with anybody. Used by the tests of the acceptance vectors.
 */
#ifndef FRESHET_TESTS_ENGINE_DRIVE_H
#define FRESHET_TESTS_ENGINE_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine.h"

#define DRIVE_SID     "sess_1"
#define DRIVE_MAX     512 /* things of one kind that a test may see */
#define DRIVE_NAME    32
#define DRIVE_TEXT    32 /* room for the text of a token */
#define DRIVE_NO_OIAT INT64_MIN

/* A token: its number is its identity, its text and its fingerprint. */
struct drive_token {
    int number;
    int64_t iat_s; /* from t = 0 */
    int64_t ttl_s;
    int64_t oiat_s; /* DRIVE_NO_OIAT: none */
    const char *sid;
    const char *organization;
};

struct drive_key {
    session_id session;
    char sid[DRIVE_NAME];
    char template_name[DRIVE_NAME];
    char organization[DRIVE_NAME];
    char audience[DRIVE_NAME];
};

struct drive_request {
    request_id id;
    int64_t t_ms;
    enum endpoint on;
    enum cause cause;
    int attempt;
    bool done; /* answered, or given up by the engine */
    struct drive_key key;
};

struct drive_result {
    ticket_id ticket;
    int64_t t_ms;
    enum freshet_status status;
    int http_status;
    bool stale;
    int token; /* 0: none */
};

struct drive_note {
    enum effect_kind kind; /* COMMIT, IGNORED, PUBLISH, RETRACT, SAVE, EMIT */
    int64_t t_ms;
    int token;
    enum token_from from;       /* of a COMMIT */
    enum ignored_reason reason; /* of an IGNORED */
    enum emit_name name;        /* of an EMIT */
    struct drive_key key;       /* of COMMIT, IGNORED, PUBLISH, RETRACT */
};

struct drive {
    struct engine *engine;
    session_id session; /* whom the calls below speak to */
    int64_t t_ms;
    bool denied;       /* leases are somebody else's */
    ticket_id tickets; /* the last one given */
    struct drive_request requests[DRIVE_MAX];
    size_t request_count;
    struct drive_result results[DRIVE_MAX];
    size_t result_count;
    struct drive_note notes[DRIVE_MAX * 2];
    size_t note_count;
    uint32_t leases[DRIVE_MAX]; /* asked for, not yet decided */
    size_t lease_count;
};

/* ---- life ---- */

/* An engine at t = 0 without a session. NULL: the default policy. */
void freshet_drive_begin(struct drive *drive, const struct policy *policy);
void freshet_drive_end(struct drive *drive);

/* Opens a session and answers its environment; its client stays open. Becomes the current one. */
void freshet_drive_open(struct drive *drive, const char *sid);
/* The same when a session, NULL for none, was signed out earlier and the issuer not told. */
void freshet_drive_open_after(struct drive *drive, const char *sid, const char *ended_sid);

/* Begins, opens DRIVE_SID with the default policy and answers its client, with a token or NULL. */
void freshet_drive_ready(struct drive *drive, const struct drive_token *token);

/* The same with a policy. */
void freshet_drive_ready_with(struct drive *drive, const struct policy *policy,
                              const struct drive_token *token);

/* ---- tokens ---- */

/* A plain token of DRIVE_SID, without an organization and without oiat. */
struct drive_token freshet_drive_token(int number, int64_t iat_s, int64_t ttl_s);
struct drive_token freshet_drive_token_oiat(int number, int64_t iat_s, int64_t oiat_s,
                                            int64_t ttl_s);

/* The text of a token, and its length. */
uint32_t freshet_drive_text(int number, char text[DRIVE_TEXT]);

/* The token as the engine is given it; its text is put into the buffer. */
struct token freshet_drive_token_in(const struct drive_token *token, char text[DRIVE_TEXT]);

/* ---- events ---- */

/* Moves time forward and lets everything happen that is due by then. */
void freshet_drive_at(struct drive *drive, int64_t t_ms);

/* Time passes while nothing runs (a suspend, SIGSTOP): no deadline is looked at. */
void freshet_drive_freeze(struct drive *drive, int64_t t_ms);

/* An event without members: CLOSE, TICK, ONLINE, OFFLINE, WAKE, FOCUS, SIGN_OUT, CLEAR. */
void freshet_drive_event(struct drive *drive, enum event_kind kind);
void freshet_drive_organization(struct drive *drive, const char *organization);
/* For the plain token of no organization; for the one of whichever organization is active. */
void freshet_drive_want(struct drive *drive, int change);
void freshet_drive_want_active(struct drive *drive, int change);

/* What others hold, while the session's start waits for its turn. */
void freshet_drive_join(struct drive *drive, struct token token);

/* A record that another process published, for a key of the current session. NULL: "" each. */
void freshet_drive_adopt(struct drive *drive, const char *template_name, const char *organization,
                         const struct drive_token *token);

/* One that says how another process fares with the plain token; its times are from t = 0. */
void freshet_drive_adopt_failure(struct drive *drive, const struct failure *failure);

/* ---- calls ---- */

struct get_options freshet_drive_options(void);
ticket_id freshet_drive_get(struct drive *drive, const struct get_options *options);
ticket_id freshet_drive_skip_cache(struct drive *drive);
void freshet_drive_cancel(struct drive *drive, ticket_id ticket);

/* How a call ended; NULL while it waits. */
const struct drive_result *freshet_drive_result(const struct drive *drive, ticket_id ticket);

/* A plain call: the number of the token it got at once, 0 if it has to wait. It then leaves. */
int freshet_drive_read(struct drive *drive);
int freshet_drive_read_with(struct drive *drive, const struct get_options *options);

/* ---- requests ---- */

/* The oldest request on an endpoint that nobody has answered; NULL without one. */
struct drive_request *freshet_drive_waiting(struct drive *drive, enum endpoint on);

/* How many requests have ever been sent on an endpoint. */
int freshet_drive_count(const struct drive *drive, enum endpoint on);

/* When the n-th request (from 1) on an endpoint was sent; -1 if there was none. */
int64_t freshet_drive_sent_at(const struct drive *drive, enum endpoint on, int n);

/* Answers a request, open or abandoned: a token, a client with one or without, a status. */
void freshet_drive_answer(struct drive *drive, struct drive_request *request,
                          const struct drive_token *token);
void freshet_drive_answer_client(struct drive *drive, struct drive_request *request,
                                 const struct drive_token *token);
void freshet_drive_answer_outcome(struct drive *drive, struct drive_request *request,
                                  const struct outcome *outcome);
/* 5xx, 429: try later; 401: unauthenticated; other 4xx: refused; 0: no answer. */
void freshet_drive_fail(struct drive *drive, struct drive_request *request, int http_status);

/* Fetches a token past the cache; the number of the token that the call got. */
int freshet_drive_fetch(struct drive *drive, struct drive_token token);

/* A touch by focus, whose client brings a token: one that no flight asked for. */
void freshet_drive_touch(struct drive *drive, struct drive_token token);

/* Answers the oldest open token request. */
void freshet_drive_answer_next(struct drive *drive, const struct drive_token *token);
void freshet_drive_fail_next(struct drive *drive, int http_status);

/* ---- what is held ---- */

/* The token of a key of the current session as readers of memory see it; 0: none that lives. */
int freshet_drive_peek(struct drive *drive, const char *template_name, const char *organization);
uint32_t freshet_drive_entry_count(const struct drive *drive);

/* Notes of a kind since the beginning, and the last of them (NULL: none). */
int freshet_drive_notes(const struct drive *drive, enum effect_kind kind);
const struct drive_note *freshet_drive_last_note(const struct drive *drive, enum effect_kind kind);

/* Asserts that the last token that was not taken is this one (0: none to speak of), and why. */
void freshet_drive_ignored(const struct drive *drive, int token, enum ignored_reason reason);

/* Keeps an effect; how the pump fills the lists above. */
void freshet_drive_log(struct drive *drive, const struct effect *effect);

#endif
