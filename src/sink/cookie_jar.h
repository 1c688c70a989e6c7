/*
 * A Netscape cookie jar as text: finding our cookies in it, and putting others in their place.
 *
 * Lines of other domains, other names and comments pass through untouched. Every variant of ours (any
 * path, any flags, with a leading dot or #HttpOnly_) is found, and removed before one is written, so
 * that no two can disagree. No file is touched here; the sink calls it between reading and writing.
 */
#ifndef FRESHET_SINK_COOKIE_JAR_H
#define FRESHET_SINK_COOKIE_JAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/delivery.h"

#define FRESHET_COOKIE_SUFFIX_MAX 15

/* Whose cookies: the host of the API that they are sent to, and the instance's suffix. */
struct cookie_names {
    const char *domain;
    const char *suffix; /* 8 characters; "" for names without one; at most the above */
    bool secure;        /* send them over https only */
};

/* The value points into the jar's text. */
struct cookie_found {
    char context[FRESHET_CONTEXT_MAX]; /* "" without */
    const char *token;                 /* NULL without; the suffixed one, if there is one */
    size_t length;
};

/* Cookies to be there. */
struct cookie_values {
    const char *context; /* "": none */
    const char *token;   /* NULL: none */
    int64_t client_uat_s;
    int64_t expires_s; /* when the cookies do, not the token */
};

void freshet_cookie_jar_find(const char *text, size_t length, const struct cookie_names *names,
                             struct cookie_found *found);

/* The jar with our cookies replaced, NUL-terminated, for the caller to wipe and free; NULL without
 * memory. `text` may be NULL with length 0. */
char *freshet_cookie_jar_replace(const char *text, size_t length, const struct cookie_names *names,
                                 const struct cookie_values *values, size_t *replaced_length);

/* A host name or address, as it can stand in a jar. */
bool freshet_cookie_domain_valid(const char *domain);

/* Loopback by its exact form: there, plain http may carry the cookies. */
bool freshet_cookie_domain_loopback(const char *domain);

#endif
