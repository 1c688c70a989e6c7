/*
 * What the issuer believes: one device ("client") with its sessions, and which of the client tokens
 * it has handed out are still good. It mints every token. Nothing here knows HTTP.
 */
#ifndef FRESHET_ISSUER_WORLD_H
#define FRESHET_ISSUER_WORLD_H

#include "issuer/mint.h"
#include "issuer/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All clients without a session are the same one. */
#define FRESHET_GUEST_ID "client_guest"

enum { NAME_MOST = 64, NAMES_MOST = 32, SESSIONS_MOST = 64, IDENTIFIER_SIZE = 48 };

struct names {
    char name[NAMES_MOST][NAME_MOST];
    size_t count;
};

enum session_status { SESSION_ACTIVE, SESSION_ENDED, SESSION_REMOVED };

struct session {
    char id[IDENTIFIER_SIZE];
    char user_id[IDENTIFIER_SIZE];
    char organization[NAME_MOST]; /* "": the personal account */
    enum session_status status;
    int64_t created_ms;
    int64_t active_ms;
    int64_t updated_ms;
};

struct world {
    const struct mint *mint;
    struct settings settings;
    struct names organizations;
    struct names templates; /* none: every name is a template */
    char issuer[64];        /* the URL, and the `iss` claim */
    char client_id[IDENTIFIER_SIZE];
    struct session sessions[SESSIONS_MOST];
    size_t session_count;
    int64_t created_ms;
    int64_t updated_ms;
    /* Client tokens are numbered. Good are those from `accepted_from` to `generation`. */
    int64_t generation;
    int64_t accepted_from;
    int64_t minted; /* session and template tokens */
};

/* Who stands behind a client token. */
enum bearer {
    BEARER_NONE,  /* nothing was presented */
    BEARER_BAD,   /* not ours, altered, or replaced by a successor */
    BEARER_GUEST, /* a client that PUT /client made: it has no session */
    BEARER_OWNER, /* the client with the sessions */
};

void freshet_world_open(struct world *world, const struct mint *mint,
                        const struct settings *settings, size_t sessions, int64_t wall_ms);

/* The issuer's clock. */
int64_t freshet_world_now(const struct world *world, int64_t wall_ms);

/* Judges a client token; presenting a successor ends the grace of its predecessors. */
enum bearer freshet_world_present(struct world *world, const char *client_token);

/* The client token that is to replace the one presented, or NULL when it stays. To be freed. */
char *freshet_world_rotate(struct world *world, int64_t now_ms);

/* A new client token: of the owner, and of a client without a session. To be freed. */
char *freshet_world_client_token(struct world *world, int64_t now_ms);
char *freshet_world_guest_token(struct world *world, int64_t now_ms);

struct session *freshet_world_session(struct world *world, const char *id);
struct session *freshet_world_active(struct world *world);

/* A session token for the organization ("": personal), or one of a template. To be freed. */
char *freshet_world_session_token(struct world *world, const struct session *session,
                                  const char *organization, const char *azp, int64_t now_ms);
char *freshet_world_template_token(struct world *world, const struct session *session,
                                   const char *template_name, const char *azp, int64_t now_ms);

void freshet_world_sign_in(struct world *world, int64_t now_ms);
void freshet_world_sign_out(struct world *world, int64_t now_ms);

/* Signs everybody out and lets no client token live. */
void freshet_world_forget(struct world *world, int64_t now_ms);

/* New settings, with what follows from them: signing in and out. */
void freshet_world_settle(struct world *world, const struct settings *settings, int64_t now_ms);

bool freshet_names_have(const struct names *names, const char *name);
const char *freshet_world_slug(const char *organization);

#endif
