/*
 * One look: place, session record, record.
 */
#include "share/peek.h"

#include <string.h>

#include <sodium.h>

#include "share/file.h"
#include "share/name.h"

static bool peek_session(const struct place *place, const char *account, struct session_record *out)
{
    const struct share_name name = freshet_share_name_account(account, SHARE_SESSION);
    char bytes[FRESHET_SESSION_RECORD_MAX];
    size_t length = 0;

    return freshet_share_file_read(place->folder_fd, name.text, bytes, sizeof(bytes), &length) ==
               0 &&
           freshet_session_record_decode(bytes, length, account, out) &&
           out->standing == SESSION_STANDS;
}

static bool peek_record(const struct place *place, const struct key_view *key, struct now now,
                        struct shared_record *out)
{
    const struct share_name name = freshet_share_name_key(key, SHARE_RECORD);
    const struct origin here = freshet_origin_here();
    char bytes[FRESHET_RECORD_MAX];
    size_t length = 0;
    const bool good =
        freshet_share_file_read(place->folder_fd, name.text, bytes, sizeof(bytes), &length) == 0 &&
        freshet_record_decode(bytes, length, key, &here, now, out) == RECORD_GOOD;

    sodium_memzero(bytes, length);
    return good && out->record.has_token;
}

/* A token of another session or organization is not taken, whatever record it lies in. */
static bool peek_claims(const struct peek_wish *wish, const struct key_view *key,
                        struct shared_record *shared)
{
    const struct token *token = &shared->record.token;

    return freshet_shared_record_read_claims(shared, wish->read_token, wish->context) &&
           (token->sid[0] == '\0' || strcmp(token->sid, key->sid) == 0) &&
           (token->organization[0] == '\0' || strcmp(token->organization, key->organization) == 0);
}

static bool peek_token(const struct place *place, const struct peek_wish *wish, struct now now,
                       struct peeked *out)
{
    const struct session_record *session = &out->session;
    const struct key_view key = {.issuer = session->issuer,
                                 .sid = session->sid,
                                 .template_name = wish->template_name,
                                 .organization = wish->organization != NULL ? wish->organization
                                                                            : session->organization,
                                 .audience = wish->audience};

    if (!peek_record(place, &key, now, &out->shared) || out->shared.epoch != session->epoch ||
        !peek_claims(wish, &key, &out->shared)) {
        return false;
    }
    out->remaining_ms = freshet_shared_record_remaining(&out->shared, now);
    return out->remaining_ms > 0;
}

bool freshet_share_peek(const struct place_choice *choice, const struct peek_wish *wish,
                        struct now now, struct peeked *out)
{
    struct place_choice looking = *choice;
    struct place place = {.folder_fd = -1};
    bool found = false;

    *out = (struct peeked){0};
    looking.only_look = true;
    if (freshet_place_open(&place, &looking)) {
        found = peek_session(&place, wish->account, &out->session) &&
                peek_token(&place, wish, now, out);
    }
    if (!found) {
        freshet_shared_record_wipe(&out->shared);
        out->remaining_ms = 0;
    }
    freshet_place_close(&place);
    return found;
}

void freshet_peeked_wipe(struct peeked *peeked)
{
    sodium_memzero(peeked, sizeof(*peeked));
}
