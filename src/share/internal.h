/* What share.c and publish.c have in common. */
#ifndef FRESHET_SHARE_INTERNAL_H
#define FRESHET_SHARE_INTERNAL_H

#include "share/draft.h"
#include "share/share.h"
#include "share/watch.h"

struct share {
    struct place_choice choice; /* strings owned */
    share_read_token *read_token;
    void *context;
    struct origin here;
    struct place place;
    struct watch watch;
    bool settled;            /* in a new folder, which nobody has been told to look at */
    int64_t look_again_ms;   /* boot time before which a missing place is not looked for */
    struct fault written;    /* why the last write failed */
    struct fault leased;     /* why the last lease was none */
    struct fault refused;    /* why a record was not believed */
    struct share_name whose; /* which one, until it is read again */
};

/* Is there a place? One that has just gone is replaced at once. */
bool freshet_share_ready(struct share *share, struct now now);

/* A record or session record is not believed; or it is, or is gone. */
void freshet_share_doubt(struct share *share, const struct share_name *name, const char *why);
void freshet_share_trust(struct share *share, const struct share_name *name);

/* Looks at what is there and finishes the draft, or not. 0 with a result, or a negative errno. */
typedef int share_attempt(struct share *share, struct draft *draft, const void *what,
                          struct now now, enum share_published *result);

/* Makes attempts until none was overtaken by another writer. */
enum share_published freshet_share_replace(struct share *share, const struct share_name *target,
                                           share_attempt *attempt, const void *what,
                                           struct now now);

#endif
