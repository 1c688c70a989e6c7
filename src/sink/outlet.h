/*
 * One file that a fresh token goes to: a cookie jar, or a plain token file (the token and a line end).
 *
 * Reads what lies there, asks source/delivery.h what to do, and does it under the file's lock. Knows
 * no session and no time; the sink brings both. One thread.
 */
#ifndef FRESHET_SINK_OUTLET_H
#define FRESHET_SINK_OUTLET_H

#include <stdbool.h>
#include <stdint.h>

#include "sink/cookie_jar.h"
#include "sink/place.h"
#include "source/delivery.h"

struct outlet {
    struct outlet_place place;
    bool jar; /* else a token file */
    char domain[256];
    char suffix[FRESHET_COOKIE_SUFFIX_MAX + 1];
    struct cookie_names names; /* of a jar */
    char written[FRESHET_CONTEXT_MAX];
};

/* `names` NULL: a token file; otherwise copied. False with a reason. */
bool freshet_outlet_open(struct outlet *outlet, const char *path, const struct cookie_names *names,
                         struct place_fault *fault);
void freshet_outlet_close(struct outlet *outlet);

/* What is to be delivered, and when. The token's text is NUL-terminated. */
struct outlet_news {
    const char *session;
    const struct token *token; /* NULL: signed out */
    bool may_take;
    bool repair; /* the file changed: only an older token of ours is replaced */
    int64_t wall_ms;
    int64_t issuer_ms; /* the same moment by the issuer's clock */
};

/* `plan` says what was done, or would have been. Nothing is half done. */
enum place_result freshet_outlet_deliver(struct outlet *outlet, const struct outlet_news *news,
                                         struct delivery_plan *plan, struct place_fault *fault);

#endif
