/*
 * How to ask an issuer: a wish becomes an HTTP request, an HTTP response becomes an outcome.
 *
 * No I/O here: whoever pumps sends the request and brings the response back. A source is a table of
 * functions, so that other kinds of issuer fit behind the same two.
 */
#ifndef FRESHET_SOURCE_SOURCE_H
#define FRESHET_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine.h"

#define FRESHET_ERROR_TEXT_MAX 256

/* Room for a reason, written in sentences that never quote a secret. */
struct source_error {
    char text[FRESHET_ERROR_TEXT_MAX];
};

/* Where and how an instance is reached. Made by freshet_clerk_instance_init(). */
struct clerk_instance {
    char base_url[512]; /* "https://host/v1", no trailing slash */
    char suffix[9];     /* the 8 characters that name the instance in cookies */
    bool development;
    bool loopback; /* http is allowed, proxies are not used */
};

/*
 * From a publishable key, and optionally a base URL that replaces the key's host (a proxy or a
 * loopback issuer; with or without /v1). Either may be NULL, not both. FRESHET_INVALID with a
 * reason that names what is wrong and what a right one looks like.
 */
enum freshet_status freshet_clerk_instance_init(struct clerk_instance *instance,
                                                const char *publishable_key, const char *base_url,
                                                struct source_error *error);

/* A request ready to be sent. freshet_http_request_free() wipes and frees. */
struct http_request {
    bool post;
    char *url;  /* with the query */
    char *body; /* form-encoded; NULL when not a POST; "" when empty */
    size_t body_length;
    char *authorization; /* header value; NULL: leave the header out */
    size_t answer_max;   /* bytes of body to accept */
    bool may_rotate;     /* the answer may bring a new credential */
};

/* Builds the request of an EFFECT_FETCH. `credential` may be NULL. False without memory. */
bool freshet_clerk_request(const struct clerk_instance *instance, const struct effect *fetch,
                           const char *credential, const char *version,
                           struct http_request *request);
void freshet_http_request_free(struct http_request *request);

/* What came back. Pointers are borrowed. */
struct http_response {
    enum no_answer no_answer; /* with status 0 */
    int status;               /* 0: no answer */
    const char *body;
    size_t body_length;
    bool body_too_long;
    const char *retry_after; /* header values, NULL without */
    const char *date;
    const char *authorization;
};

/* An outcome with the memory it points into. freshet_reading_free() wipes and frees. */
struct reading {
    struct outcome outcome;
    const char *credential; /* a rotated client token, bare; NULL: keep the old one */
    void *memory;           /* owns every string above; NULL: nothing to free */
};

/* Reads a response to a request on an endpoint. Never fails: what cannot be read is an outcome. */
void freshet_clerk_read(enum endpoint on, const struct http_response *response, int64_t wall_ms,
                        struct reading *reading);
void freshet_reading_free(struct reading *reading);

/* Reads a JWT's claims, bounded and strict, without judging its signature. The strings of `token`
 * point into `memory`, which the caller frees with freshet_jwt_free(). */
bool freshet_jwt_read(const char *text, size_t length, struct token *token, void **memory);
void freshet_jwt_free(void *memory);

/* A number for a token's text: equal text, equal number, and nothing can be learned from it. */
uint64_t freshet_fingerprint(const char *text, size_t length);

/* Retry-After: seconds or an HTTP date, "60, 120" is 60, a past date is 0; false if unreadable. */
bool freshet_retry_after(const char *value, int64_t wall_ms, int64_t *delay_ms);

/* An HTTP date (RFC 9110 section 5.6.7) in seconds since 1970; false if unreadable. */
bool freshet_http_date(const char *value, int64_t *seconds);

#endif
