/*
 * What lies inside the sealed files: a credential with its descent, a session record, an intent.
 *
 * Plain bytes in, structs out, and back; nothing is read or written here. A file that opened was
 * written by somebody with the key, but it is parsed as input from outside all the same.
 */
#ifndef FRESHET_STORE_CONTENTS_H
#define FRESHET_STORE_CONTENTS_H

#include <stdbool.h>
#include <stdint.h>

#include <freshet/status.h>

#include "core/engine.h"
#include "store/secret.h"

#define FRESHET_CREDENTIAL_MAX 16384 /* bytes of text */

/* Names a credential without being one: a hash. All zero: none. */
struct credential_print {
    unsigned char bytes[16];
};

struct credential_print freshet_credential_print(const char *text, size_t length);

bool freshet_credential_print_equal(const struct credential_print *one,
                                    const struct credential_print *other);

/* Skips "Bearer " and says whether what is left can be a client token: visible ASCII, 1 byte to
 * FRESHET_CREDENTIAL_MAX (clerk-behaviour section 3.3). */
bool freshet_credential_bare(const char **text, size_t *length);

/* The credential slot. */
struct vault_credential {
    struct secret text;           /* what a request presents */
    struct credential_print seed; /* what the host gave and this descends from */
    struct credential_print from; /* what it replaced; none for a seed in an empty slot */
    uint64_t generation;          /* counts seeds, from 1 */
    int64_t saved_wall_ms;        /* since 1970; 0 in version 1 */
};

enum freshet_status freshet_vault_credential_encode(const struct vault_credential *credential,
                                                    struct secret *plain);

/* Of a file of that version. FRESHET_STORE if it makes no sense. freshet_secret_free() the text. */
enum freshet_status freshet_vault_credential_decode(const struct secret *plain, int version,
                                                    struct vault_credential *credential);

/* The session slot: the verdict that outlives the process. */
struct vault_session {
    uint64_t epoch;        /* raised by each sign-out and each new seed; never falls */
    bool signed_out;       /* definitive */
    bool pending_sign_out; /* the issuer has not been told yet */
    enum sign_out_scope scope;
    char reason[64]; /* of a sign-out, for people */
    char sid[128];   /* the session it is about; "": not known */
};

enum freshet_status freshet_vault_session_encode(const struct vault_session *session,
                                                 struct secret *plain);
enum freshet_status freshet_vault_session_decode(const struct secret *plain,
                                                 struct vault_session *session);

/* The journal: a request that may rotate the credential is about to be sent. */
struct vault_intent {
    struct credential_print sent;
    int64_t wall_ms;
    int64_t pid;
    char kind[16]; /* client, touch, end, remove */
};

enum freshet_status freshet_vault_intent_encode(const struct vault_intent *intent,
                                                struct secret *plain);
enum freshet_status freshet_vault_intent_decode(const struct secret *plain,
                                                struct vault_intent *intent);

#endif
