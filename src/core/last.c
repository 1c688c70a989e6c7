/*
 * The last token known of a session: persisted by an earlier run, or dropped by this one.
 *
 * No read is served from it. The issuer may ask to see it though it has expired, a start without the
 * client stands on it, and a call that accepts an expired token may have it. Its text lies where all
 * tokens' do, and is wiped when it is given back.
 */
#include "core/state.h"

#include <string.h>

void freshet_last_forget(const struct engine *engine, struct session *session)
{
    const struct cell_memory *memory = &engine->options.memory;
    volatile char *text = session->last_text;

    if (text == NULL) {
        return;
    }
    for (size_t i = 0; i < session->last_size; i++) {
        text[i] = 0;
    }
    memory->release(memory->context, session->last_text, session->last_size);
    session->last_text = NULL;
}

bool freshet_last_keep(const struct engine *engine, struct session *session,
                       const struct token *token)
{
    const struct cell_memory *memory = &engine->options.memory;
    size_t sid = strlen(token->sid) + 1;
    size_t organization = strlen(token->organization) + 1;
    size_t size = token->length + sid + organization;
    char *text = memory->obtain(memory->context, size);

    if (text == NULL) {
        return false;
    }
    memcpy(text, token->text, token->length);
    memcpy(text + token->length, token->sid, sid);
    memcpy(text + token->length + sid, token->organization, organization);
    freshet_last_forget(engine, session);
    session->last = *token;
    session->last.text = text;
    session->last.sid = text + token->length;
    session->last.organization = text + token->length + sid;
    session->last_text = text;
    session->last_size = size;
    return true;
}

static struct entry *last_entry(const struct engine *engine, const struct session *session)
{
    const struct key key = {.issuer = session->issuer->name,
                            .session = session->id,
                            .organization = session->organization};
    struct entry *entry = freshet_entry_find(engine, &key);

    return entry != NULL && entry->held.fingerprint != 0 ? entry : NULL;
}

void freshet_last_keep_held(const struct engine *engine, struct session *session)
{
    const struct entry *entry = last_entry(engine, session);

    if (entry != NULL) {
        const struct token token = {.text = freshet_entry_text(entry),
                                    .length = entry->held.length,
                                    .fingerprint = entry->held.fingerprint,
                                    .iat_s = entry->held.iat_s,
                                    .exp_s = entry->held.exp_s,
                                    .sid = freshet_name(engine, session->sid),
                                    .organization = freshet_name(engine, session->organization)};

        (void)freshet_last_keep(engine, session, &token);
    }
}

const char *freshet_last_text(const struct engine *engine, const struct session *session,
                              uint32_t *length)
{
    const struct entry *entry = last_entry(engine, session);

    *length = entry != NULL ? entry->held.length : session->last.length;
    return entry != NULL ? freshet_entry_text(entry) : session->last_text;
}

/* While the session loads it is not known which one it will be, and any of its tokens is meant. */
bool freshet_last_fits(const struct engine *engine, const struct session *session,
                       uint32_t organization)
{
    return session->last_text != NULL &&
           (session->sid == 0 ||
            strcmp(freshet_name(engine, session->sid), session->last.sid) == 0) &&
           (organization == FRESHET_NAME_NONE ||
            strcmp(freshet_name(engine, organization), session->last.organization) == 0);
}
