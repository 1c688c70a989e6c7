/*
 * Hashes of keys, spelled in hexadecimal. Each part of a key goes in with its terminator, so parts
 * cannot run into each other.
 */
#include "share/name.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define NAME_HASH_BYTES 16
#define NAME_HASH_TEXT  (2 * NAME_HASH_BYTES)

struct name_hash {
    char text[NAME_HASH_TEXT + 1];
};

static struct name_hash name_hash(const char *const *parts, size_t count)
{
    struct name_hash hash = {{0}};
    crypto_generichash_state state;
    unsigned char bytes[NAME_HASH_BYTES];

    crypto_generichash_init(&state, NULL, 0, sizeof(bytes));
    for (size_t i = 0; i < count; i++) {
        crypto_generichash_update(&state, (const unsigned char *)parts[i], strlen(parts[i]) + 1);
    }
    crypto_generichash_final(&state, bytes, sizeof(bytes));
    sodium_bin2hex(hash.text, sizeof(hash.text), bytes, sizeof(bytes));
    return hash;
}

static const char *name_ending(enum share_kind kind)
{
    switch (kind) {
    case SHARE_RECORD:
        return ".record";
    case SHARE_LOCK:
        return ".lock";
    case SHARE_SESSION:
        return ".session";
    case SHARE_SESSION_LOCK:
        return ".session-lock";
    case SHARE_OTHER:
        break;
    }
    return "";
}

static struct name_hash name_of_session(const char *issuer, const char *sid)
{
    const char *const parts[] = {"session", issuer, sid};

    return name_hash(parts, sizeof(parts) / sizeof(*parts));
}

struct share_name freshet_share_name_key(const struct key_view *key, enum share_kind kind)
{
    const char *const parts[] = {
        "key", key->issuer, key->sid, key->template_name, key->organization, key->audience};
    struct share_name name = {{0}};

    snprintf(name.text, sizeof(name.text), "%s-%s%s", name_of_session(key->issuer, key->sid).text,
             name_hash(parts, sizeof(parts) / sizeof(*parts)).text, name_ending(kind));
    return name;
}

struct share_name freshet_share_name_account(const char *account, enum share_kind kind)
{
    const char *const parts[] = {"account", account};
    struct share_name name = {{0}};

    snprintf(name.text, sizeof(name.text), "%s%s",
             name_hash(parts, sizeof(parts) / sizeof(*parts)).text, name_ending(kind));
    return name;
}

#define NAME_DRAFT ".new-"

struct share_name freshet_share_name_draft(const struct share_name *target, int number)
{
    struct share_name name = {{0}};

    snprintf(name.text, sizeof(name.text), "%.*s" NAME_DRAFT "%d",
             (int)(sizeof(name.text) - sizeof(NAME_DRAFT) - 1), target->text, number);
    return name;
}

static bool name_is_hash(const char *text)
{
    return strspn(text, "0123456789abcdef") == NAME_HASH_TEXT;
}

enum share_kind freshet_share_name_kind(const char *name)
{
    const char *rest = NULL;

    if (!name_is_hash(name)) {
        return SHARE_OTHER;
    }
    rest = name + NAME_HASH_TEXT;
    if (strcmp(rest, name_ending(SHARE_SESSION)) == 0) {
        return SHARE_SESSION;
    }
    if (strcmp(rest, name_ending(SHARE_SESSION_LOCK)) == 0) {
        return SHARE_SESSION_LOCK;
    }
    if (rest[0] != '-' || !name_is_hash(rest + 1)) {
        return SHARE_OTHER;
    }
    rest += 1 + NAME_HASH_TEXT;
    if (strcmp(rest, name_ending(SHARE_RECORD)) == 0) {
        return SHARE_RECORD;
    }
    return strcmp(rest, name_ending(SHARE_LOCK)) == 0 ? SHARE_LOCK : SHARE_OTHER;
}

static bool name_is_record(enum share_kind kind)
{
    return kind == SHARE_RECORD || kind == SHARE_SESSION;
}

bool freshet_share_name_is_draft(const char *name, int *number)
{
    const char *mark = strstr(name, NAME_DRAFT);
    struct share_name target = {{0}};

    if (mark == NULL || (size_t)(mark - name) >= sizeof(target.text)) {
        return false;
    }
    memcpy(target.text, name, (size_t)(mark - name));
    mark += strlen(NAME_DRAFT);
    *number = mark[0] - '0';
    return *number >= 0 && *number < FRESHET_DRAFTS && mark[1] == '\0' &&
           name_is_record(freshet_share_name_kind(target.text));
}

/* The same hashes with another ending. */
static struct share_name name_with(const char *name, const char *ending)
{
    struct share_name other = {{0}};

    snprintf(other.text, sizeof(other.text), "%.*s%s", (int)strcspn(name, "."), name, ending);
    return other;
}

struct share_name freshet_share_name_lock_of(const char *name)
{
    const bool is_session = name[strcspn(name, ".-")] == '.';

    return name_with(name, name_ending(is_session ? SHARE_SESSION_LOCK : SHARE_LOCK));
}

struct share_name freshet_share_name_record_of(const char *lock)
{
    return name_with(lock, name_ending(SHARE_RECORD));
}

bool freshet_share_name_is_of(const char *name, const char *issuer, const char *sid)
{
    const struct name_hash session = name_of_session(issuer, sid);
    const enum share_kind kind = freshet_share_name_kind(name);

    return (kind == SHARE_RECORD || kind == SHARE_LOCK) &&
           strncmp(name, session.text, NAME_HASH_TEXT) == 0;
}
