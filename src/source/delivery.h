/*
 * Where else a fresh token goes: whether it may replace what lies there (behaviour section 5.4).
 *
 * Pure rules about texts, with no file and no clock. The sinks of the library ask them, and so does
 * the simulator. A context is "session:organization"; it says whose token a shared place holds.
 */
#ifndef FRESHET_SOURCE_DELIVERY_H
#define FRESHET_SOURCE_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/token.h"

#define FRESHET_CONTEXT_MAX 512 /* bytes, with the NUL */

/* Writes "session:organization"; both come from claims that were read, so they fit. */
void freshet_context(char context[FRESHET_CONTEXT_MAX], const char *session,
                     const char *organization);

/* What lies there now. */
struct delivery_place {
    const char *context; /* NULL: the place keeps none; it is one session's own */
    const char *text;    /* NULL: no token */
    size_t length;
};

/* What we have, and what we know about ourselves. */
struct delivery {
    const char *session;
    const struct token *token; /* NULL: signed out */
    const char *written;       /* the context that we put there last; "" if we never did */
    bool may_take;             /* told that we have the focus, or the agent of this machine */
    bool repair;               /* somebody else wrote there just now */
};

enum delivery_act {
    DELIVERY_NOTHING, /* it is there already, or there is nothing to remove */
    DELIVERY_WRITE,
    DELIVERY_REMOVE,
    DELIVERY_SKIP_CONTEXT, /* it belongs to another live session */
    DELIVERY_SKIP_STALER   /* what lies there has newer claims */
};

/*
 * A token of the same session and organization is not replaced by a strictly staler one while it is
 * usable; only tokens with `oiat` are compared. Another context keeps its place until its token has
 * expired, unless we may take it; a context without any token keeps it too. A sign-out removes what
 * its own session put there. A repair replaces nothing but a token of the same session and
 * organization that expires earlier, so that no two programs write against each other without end.
 * `again_ms` is when what was skipped is to be looked at again, by the
 * issuer's clock; FRESHET_NEVER otherwise.
 */
struct delivery_plan {
    enum delivery_act act;
    int64_t again_ms;
};

struct delivery_plan freshet_delivery_plan(const struct delivery_place *place,
                                           const struct delivery *ours, int64_t issuer_now_ms);

/* "context", "staler"; NULL for an act that skips nothing. */
const char *freshet_delivery_skipped(enum delivery_act act);

#endif
