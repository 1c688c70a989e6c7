/*
 * Fixed fields first, little-endian, then the text.
 */
#include "store/contents.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PRINT sizeof(struct credential_print)

/* seed, from, generation, time */
#define CREDENTIAL_HEAD (2 * PRINT + 16)
/* epoch, signed out, pending (1 and its scope) */
#define SESSION_HEAD 10
/* sent, time, pid */
#define INTENT_HEAD (PRINT + 16)

static void contents_put(char *at, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        at[i] = (char)(unsigned char)(value >> (8 * i));
    }
}

static uint64_t contents_get(const char *at)
{
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--) {
        value = value << 8 | (unsigned char)at[i];
    }
    return value;
}

/* A text with its NUL, that fits, at `at`; the place behind it, or 0. */
static size_t contents_text(const struct secret *plain, size_t at, char *text, size_t size)
{
    const char *end =
        at < plain->length ? memchr(plain->text + at, '\0', plain->length - at) : NULL;
    size_t length = end != NULL ? (size_t)(end - (plain->text + at)) : size;

    if (length >= size) {
        return 0;
    }
    memcpy(text, plain->text + at, length + 1);
    return at + length + 1;
}

struct credential_print freshet_credential_print(const char *text, size_t length)
{
    static const char purpose[] = "freshet credential";
    struct credential_print print;

    crypto_generichash(print.bytes, sizeof(print.bytes), (const unsigned char *)text, length,
                       (const unsigned char *)purpose, sizeof(purpose) - 1);
    return print;
}

bool freshet_credential_print_equal(const struct credential_print *one,
                                    const struct credential_print *other)
{
    return memcmp(one->bytes, other->bytes, sizeof(one->bytes)) == 0;
}

bool freshet_credential_bare(const char **text, size_t *length)
{
    static const char bearer[] = "Bearer ";
    const size_t skipped = sizeof(bearer) - 1;

    if (*length >= skipped && memcmp(*text, bearer, skipped) == 0) {
        *text += skipped;
        *length -= skipped;
    }
    for (size_t i = 0; i < *length; i++) {
        if ((*text)[i] <= ' ' || (*text)[i] > '~') {
            return false;
        }
    }
    return *length > 0 && *length <= FRESHET_CREDENTIAL_MAX;
}

enum freshet_status freshet_vault_credential_encode(const struct vault_credential *credential,
                                                    struct secret *plain)
{
    size_t length = credential->text.length;

    if (freshet_secret_alloc(plain, CREDENTIAL_HEAD + length) != FRESHET_OK) {
        return FRESHET_NO_MEMORY;
    }
    memcpy(plain->text, credential->seed.bytes, PRINT);
    memcpy(plain->text + PRINT, credential->from.bytes, PRINT);
    contents_put(plain->text + 2 * PRINT, credential->generation);
    contents_put(plain->text + 2 * PRINT + 8, (uint64_t)credential->saved_wall_ms);
    memcpy(plain->text + CREDENTIAL_HEAD, credential->text.text, length);
    return FRESHET_OK;
}

/* Version 1 held the seed's fingerprint and the text, nothing else. */
enum freshet_status freshet_vault_credential_decode(const struct secret *plain, int version,
                                                    struct vault_credential *credential)
{
    const size_t head = version == 1 ? PRINT : CREDENTIAL_HEAD;
    const char *text = plain->text;
    size_t length = plain->length;

    *credential = (struct vault_credential){.generation = 1};
    if (length <= head) {
        return FRESHET_STORE;
    }
    text += head;
    length -= head;
    if (!freshet_credential_bare(&text, &length)) {
        return FRESHET_STORE;
    }
    memcpy(credential->seed.bytes, plain->text, PRINT);
    if (version > 1) {
        memcpy(credential->from.bytes, plain->text + PRINT, PRINT);
        credential->generation = contents_get(plain->text + 2 * PRINT);
        credential->saved_wall_ms = (int64_t)contents_get(plain->text + 2 * PRINT + 8);
    }
    return freshet_secret_copy(&credential->text, text, length);
}

enum freshet_status freshet_vault_session_encode(const struct vault_session *session,
                                                 struct secret *plain)
{
    size_t reason = strnlen(session->reason, sizeof(session->reason) - 1);
    size_t sid = strnlen(session->sid, sizeof(session->sid) - 1);

    if (freshet_secret_alloc(plain, SESSION_HEAD + reason + 1 + sid + 1) != FRESHET_OK) {
        return FRESHET_NO_MEMORY;
    }
    contents_put(plain->text, session->epoch);
    plain->text[8] = session->signed_out ? 1 : 0;
    plain->text[9] = (char)(session->pending_sign_out ? 1 + (int)session->scope : 0);
    memcpy(plain->text + SESSION_HEAD, session->reason, reason);
    memcpy(plain->text + SESSION_HEAD + reason + 1, session->sid, sid);
    return FRESHET_OK;
}

enum freshet_status freshet_vault_session_decode(const struct secret *plain,
                                                 struct vault_session *session)
{
    size_t at = 0;

    *session = (struct vault_session){0};
    if (plain->length <= SESSION_HEAD || (unsigned char)plain->text[8] > 1 ||
        (unsigned char)plain->text[9] > 1 + SIGN_OUT_ALL) {
        return FRESHET_STORE;
    }
    session->epoch = contents_get(plain->text);
    session->signed_out = plain->text[8] == 1;
    session->pending_sign_out = plain->text[9] != 0;
    session->scope = (enum sign_out_scope)(session->pending_sign_out ? plain->text[9] - 1 : 0);
    at = contents_text(plain, SESSION_HEAD, session->reason, sizeof(session->reason));
    at = at > 0 ? contents_text(plain, at, session->sid, sizeof(session->sid)) : 0;
    return at == plain->length ? FRESHET_OK : FRESHET_STORE;
}

enum freshet_status freshet_vault_intent_encode(const struct vault_intent *intent,
                                                struct secret *plain)
{
    size_t kind = strnlen(intent->kind, sizeof(intent->kind) - 1);

    if (freshet_secret_alloc(plain, INTENT_HEAD + kind + 1) != FRESHET_OK) {
        return FRESHET_NO_MEMORY;
    }
    memcpy(plain->text, intent->sent.bytes, PRINT);
    contents_put(plain->text + PRINT, (uint64_t)intent->wall_ms);
    contents_put(plain->text + PRINT + 8, (uint64_t)intent->pid);
    memcpy(plain->text + INTENT_HEAD, intent->kind, kind);
    return FRESHET_OK;
}

enum freshet_status freshet_vault_intent_decode(const struct secret *plain,
                                                struct vault_intent *intent)
{
    *intent = (struct vault_intent){0};
    if (plain->length <= INTENT_HEAD) {
        return FRESHET_STORE;
    }
    memcpy(intent->sent.bytes, plain->text, PRINT);
    intent->wall_ms = (int64_t)contents_get(plain->text + PRINT);
    intent->pid = (int64_t)contents_get(plain->text + PRINT + 8);
    return contents_text(plain, INTENT_HEAD, intent->kind, sizeof(intent->kind)) == plain->length
               ? FRESHET_OK
               : FRESHET_STORE;
}
