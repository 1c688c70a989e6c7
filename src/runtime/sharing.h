/*
 * The engine's leases and records, carried to the other processes of the user and back.
 *
 * What the engine asks for is done at once; what follows for the engine (a record to adopt, a lease
 * that was given or denied) waits as errands until its effects have been carried out. Loop thread
 * only.
 */
#ifndef FRESHET_RUNTIME_SHARING_H
#define FRESHET_RUNTIME_SHARING_H

#include <stdbool.h>
#include <uv.h>

#include "core/engine.h"
#include "runtime/session.h"
#include "share/share.h"

struct held_lease;

enum errand_kind {
    ERRAND_LEASED,
    ERRAND_DENIED,
    ERRAND_READ,  /* the record of a key may have news */
    ERRAND_STAND, /* the session record may have news */
    ERRAND_OVER,  /* the session is over: another one's sign-out was for all */
    ERRAND_NAME,  /* the file of this name has changed */
    ERRAND_ALL    /* any file may have changed */
};

struct errand {
    struct errand *next;
    enum errand_kind kind;
    uint32_t entry;
    session_id session;
    struct key_view key; /* READ: its strings are below */
    char *strings;
    struct share_name name;
};

struct sharing {
    struct share *share; /* NULL: this client shares nothing */
    uv_poll_t poll;
    bool polling;
    struct held_lease *leases;
    struct errand *errands;
    struct errand **errands_end;
    void *claims; /* of the token that was read last */
    void (*news)(void *context);
    void *context;
};

/* A NULL choice shares nothing. `news` is called on the loop when errands have come in. 0 or a
 * negative libuv error; freshet_sharing_close() in either case. */
int freshet_sharing_init(struct sharing *sharing, uv_loop_t *loop,
                         const struct place_choice *choice, void (*news)(void *context),
                         void *context);
/* Ends the watch, gives every lease back. Then, with the loop run, freshet_sharing_free(). */
void freshet_sharing_close(struct sharing *sharing);
void freshet_sharing_free(struct sharing *sharing);

/* A share_read_token; its context points to the claims that it read last, for freshet_jwt_free(). */
bool freshet_sharing_read_token(const char *text, size_t length, struct token *token,
                                void *context);

/* The effects of those names. */
void freshet_sharing_lease(struct sharing *sharing, const struct effect *effect, struct now now);
void freshet_sharing_release(struct sharing *sharing, const struct effect *effect);
void freshet_sharing_publish(struct sharing *sharing, const struct pump_session *session,
                             const struct effect *effect, struct now now);
void freshet_sharing_retract(struct sharing *sharing, const struct pump_session *session,
                             const struct effect *effect, struct now now);

/* Hears what the watch has to tell. The safety net calls it too: a folder that is unmounted says
 * nothing. */
void freshet_sharing_drain(struct sharing *sharing, struct now now);

/* Adds an errand about a session, or about one of its keys. */
void freshet_sharing_look(struct sharing *sharing, enum errand_kind kind, session_id session,
                          const struct key_view *key);

/* The oldest errand, for freshet_errand_free(); NULL without one. */
struct errand *freshet_sharing_take(struct sharing *sharing);
void freshet_errand_free(struct errand *errand);

#endif
