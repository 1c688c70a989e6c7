/*
 * The outcome of every call, and what to do about it.
 *
 * Few codes, each with one advice: a program can act on freshet_status_advice() alone and never
 * needs a table of its own. Codes keep their numbers for the life of the ABI.
 */
#ifndef FRESHET_STATUS_H
#define FRESHET_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

enum freshet_status {
    FRESHET_OK = 0,
    FRESHET_STALE = 1,        /* a live token with less life than was asked for */
    FRESHET_NONE = 2,         /* there is no live token (non-waiting reads only) */
    FRESHET_OFFLINE = 3,      /* no connectivity; says nothing about being signed in */
    FRESHET_TIMEOUT = 4,      /* the caller's own time-out passed */
    FRESHET_SIGNED_OUT = 5,   /* definitive: there is no session */
    FRESHET_UNAUTHORIZED = 6, /* the issuer did not accept the credential this time */
    FRESHET_REFUSED = 7,      /* the issuer refused the request itself (other 4xx) */
    FRESHET_THROTTLED = 8,    /* the issuer asked for fewer requests (429) */
    FRESHET_UPSTREAM = 9,     /* the issuer failed, or its answer made no sense */
    FRESHET_NETWORK = 10,     /* no answer: connection failed, or the request's deadline passed */
    FRESHET_INVALID = 11,     /* the call itself is wrong */
    FRESHET_CLOSED = 12,      /* the session or the client was closed */
    FRESHET_CANCELLED = 13,   /* freshet_cancel() ended the call */
    FRESHET_WOULD_BLOCK = 14, /* the call would have to wait where waiting is not allowed */
    FRESHET_FORKED = 15,      /* the handle was inherited through fork() */
    FRESHET_NO_MEMORY = 16,
    FRESHET_LIMIT = 17, /* a documented capacity is used up */
    FRESHET_STORE = 18  /* the credential store cannot be read or written */
};

/* What a program should do next. */
enum freshet_advice {
    FRESHET_ADVICE_NONE = 0, /* nothing failed */
    FRESHET_ADVICE_RETRY_LATER =
        1,                      /* the same call may succeed later; Freshet itself goes on trying */
    FRESHET_ADVICE_SIGN_IN = 2, /* only the user can help */
    FRESHET_ADVICE_FIX_CALL = 3, /* the same call will never succeed */
    FRESHET_ADVICE_GIVE_UP = 4   /* the handle is of no more use */
};

/* A short lower-case name ("signed_out"), never NULL, valid for ever. Any thread. */
const char *freshet_status_name(enum freshet_status status);

/* The one advice for a status. Any thread. */
enum freshet_advice freshet_status_advice(enum freshet_status status);

#ifdef __cplusplus
}
#endif
#endif
