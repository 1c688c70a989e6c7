/*
 * What a one-shot command may take out of the shared place: a live token that some process has
 * published, in a few system calls. Makes no folder, takes no lock, asks no issuer.
 */
#ifndef FRESHET_SHARE_PEEK_H
#define FRESHET_SHARE_PEEK_H

#include "share/place.h"
#include "share/record.h"
#include "share/session_record.h"

struct peek_wish {
    const char *account;
    const char *template_name;    /* "" none */
    const char *organization;     /* NULL: the session's last active one; "" personal */
    const char *audience;         /* "" none */
    share_read_token *read_token; /* NULL: claims are not looked at */
    void *context;
};

struct peeked {
    struct session_record session; /* zero if there is none that can be believed */
    struct shared_record shared;   /* with the claims that read_token found in the text */
    int64_t remaining_ms;          /* by the publisher's belief of the issuer's clock; above 0 */
};

/* False if there is no session that stands, or no live token of its epoch. A session that has ended
 * is still told in `session`. Wipe the result with freshet_peeked_wipe() either way. */
bool freshet_share_peek(const struct place_choice *choice, const struct peek_wish *wish,
                        struct now now, struct peeked *out);
void freshet_peeked_wipe(struct peeked *peeked);

#endif
