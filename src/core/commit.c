/*
 * Commit: the one assignment to a token in the whole program.
 *
 * A fetched token, one that another process published, one that came inside a client answer and one
 * that was persisted all enter here, are checked here, and leave through one publish. Whatever is
 * refused is said so, with its reason, and touches nothing.
 */
#include "core/state.h"

#include <string.h>

void freshet_commit_ignored(struct engine *engine, const struct entry *entry, uint64_t fingerprint,
                            enum ignored_reason reason)
{
    struct effect *effect = freshet_effect_push(engine, EFFECT_IGNORED, entry->session);

    if (effect != NULL) {
        effect->u.ignored.key = freshet_entry_key(engine, entry);
        effect->u.ignored.fingerprint = fingerprint;
        effect->u.ignored.reason = reason;
    }
}

/* Claims are checked where the token carries them; only a plain token must carry its session. */
static bool commit_key_matches(const struct engine *engine, const struct entry *entry,
                               const struct token *token)
{
    const char *sid = freshet_name(engine, entry->session->sid);
    const char *organization = freshet_name(engine, entry->key.organization);

    if (token->sid[0] == '\0') {
        if (freshet_entry_is_plain(entry)) {
            return false;
        }
    } else if (strcmp(token->sid, sid) != 0) {
        return false;
    }
    return token->organization[0] == '\0' || strcmp(token->organization, organization) == 0;
}

/* Is the incoming token to replace the one held? A held token that has expired ranks below all. */
static bool commit_ranks(const struct engine *engine, const struct entry *entry,
                         const struct token *token, enum token_from from)
{
    int64_t remaining = freshet_entry_remaining(engine, entry);

    if (remaining <= 0) {
        return true;
    }
    switch (freshet_token_compare(&entry->held, token)) {
    case FRESHNESS_FRESHER:
        return true;
    case FRESHNESS_TIE:
        return from != FROM_SHARED;
    case FRESHNESS_STALER:
        break;
    }
    /* The only step back: about to run dry, a staler token that lives longer is better. */
    return token->exp_s > entry->held.exp_s && remaining <= freshet_entry_due(engine, entry);
}

/* Refreshes since the last read; the first token of all is none. */
static int commit_unread(const struct entry *entry)
{
    if (entry->held.fingerprint == 0) {
        return 0;
    }
    return atomic_load_explicit(&entry->cell.used, memory_order_relaxed) != 0 ? 1
                                                                              : entry->unread + 1;
}

/* With more life left than this a read concerns nobody: no refresh is due, none is started by reading,
 * and there is as much as is needed. */
static int64_t commit_ask_ms(const struct engine *engine, const struct entry *entry,
                             int64_t need_ms)
{
    const struct policy *policy = &engine->options.policy;
    int64_t ask_ms = freshet_max(freshet_entry_due(engine, entry), need_ms);

    return policy->proactive
               ? ask_ms
               : freshet_max(ask_ms,
                             freshet_policy_threshold(policy, entry->held.life_ms, FRESHET_UNSET));
}

/* A token that another process took has the life that it had for that one: they have the same zones. */
static int64_t commit_life(const struct engine *engine, const struct token *token,
                           const struct arrival *arrival, int64_t offset_ms)
{
    int64_t iat_ms = token->iat_s * 1000;
    int64_t received_ms = arrival->from == FROM_SHARED
                              ? freshet_max(arrival->committed_ms + offset_ms, iat_ms)
                              : engine->now.boot_ms + offset_ms;

    return freshet_policy_life(iat_ms, token->exp_s * 1000, received_ms);
}

static bool commit_store(struct engine *engine, struct entry *entry, const struct token *token,
                         const struct arrival *arrival)
{
    const struct policy *policy = &engine->options.policy;
    int64_t offset = freshet_clock_offset(&entry->session->issuer->clock, engine->now);
    struct cell_view view = {0};

    if (!freshet_cell_reserve(&entry->cell, &engine->options.memory, token->length)) {
        return false;
    }
    entry->unread = commit_unread(entry);
    entry->held = (struct held){.fingerprint = token->fingerprint,
                                .iat_s = token->iat_s,
                                .exp_s = token->exp_s,
                                .oiat_s = token->oiat_s,
                                .has_oiat = token->has_oiat,
                                .from = arrival->from,
                                .life_ms = commit_life(engine, token, arrival, offset),
                                .committed_ms = arrival->committed_ms,
                                .sent_ms = arrival->sent_ms,
                                .length = token->length};
    view.length = token->length;
    view.exp_ms = token->exp_s * 1000;
    view.offset_ms = offset;
    view.need_ms = freshet_policy_min_remaining(policy, entry->held.life_ms);
    view.ask_ms = commit_ask_ms(engine, entry, view.need_ms);
    view.fingerprint = token->fingerprint;
    freshet_cell_write(&entry->cell, token->text, &view);
    return true;
}

static void commit_announce(struct engine *engine, struct entry *entry)
{
    struct effect *effect = freshet_effect_push(engine, EFFECT_COMMIT, entry->session);

    if (effect != NULL) {
        effect->u.commit.key = freshet_entry_key(engine, entry);
        effect->u.commit.token = entry->held;
        effect->u.commit.text = freshet_entry_text(entry);
    }
    if (!freshet_entry_is_active(entry)) {
        return;
    }
    freshet_session_emit(engine, entry->session, EMIT_TOKEN_UPDATED, entry->held.fingerprint);
    if (entry->held.from == FROM_ISSUER) {
        freshet_session_emit(engine, entry->session, EMIT_TOKEN_RESOLVED, entry->held.fingerprint);
    }
    effect = entry->held.from != FROM_STORE
                 ? freshet_effect_push(engine, EFFECT_SAVE, entry->session)
                 : NULL;
    if (effect != NULL) {
        effect->u.save.text = freshet_entry_text(entry);
        effect->u.save.length = entry->held.length;
        effect->u.save.has_offset = entry->session->issuer->clock.known;
        effect->u.save.offset_ms =
            freshet_clock_offset(&entry->session->issuer->clock, engine->now);
    }
}

enum commit_result freshet_commit(struct engine *engine, struct entry *entry,
                                  const struct token *token, const struct arrival *arrival)
{
    int64_t issuer_now = freshet_clock_now(&entry->session->issuer->clock, engine->now);
    bool known = token->fingerprint == entry->held.fingerprint;

    if (!commit_key_matches(engine, entry, token)) {
        freshet_commit_ignored(engine, entry, token->fingerprint, IGNORED_WRONG_KEY);
        return COMMIT_BAD;
    }
    if (token->exp_s * 1000 <= issuer_now) {
        freshet_commit_ignored(engine, entry, token->fingerprint, IGNORED_EXPIRED);
        return COMMIT_BAD;
    }
    if (known && arrival->from != FROM_ISSUER) {
        return COMMIT_STALER; /* the very same text: nothing to say, nothing to publish */
    }
    if (!commit_ranks(engine, entry, token, arrival->from)) {
        freshet_commit_ignored(engine, entry, token->fingerprint, IGNORED_STALER);
        return COMMIT_STALER;
    }
    if (!commit_store(engine, entry, token, arrival)) {
        return COMMIT_BAD;
    }
    entry->spaced_from_ms = arrival->committed_ms;
    commit_announce(engine, entry);
    if (arrival->from == FROM_ISSUER || arrival->from == FROM_CLIENT) {
        entry->flight.last = (struct failure){0};
        freshet_publish(engine, entry);
    }
    return COMMIT_TAKEN;
}

static struct effect *commit_push_record(struct engine *engine, const struct entry *entry,
                                         enum effect_kind kind)
{
    struct effect *effect = freshet_effect_push(engine, kind, entry->session);

    if (effect != NULL) {
        effect->u.publish.key = freshet_entry_key(engine, entry);
    }
    return effect;
}

void freshet_publish(struct engine *engine, struct entry *entry)
{
    const struct held *held = &entry->held;
    struct effect *effect = commit_push_record(engine, entry, EFFECT_PUBLISH);
    struct record *record = NULL;

    if (effect == NULL) {
        return;
    }
    record = &effect->u.publish.record;
    record->failure = entry->flight.last;
    record->has_offset = entry->session->issuer->clock.known;
    record->offset_ms = freshet_clock_offset(&entry->session->issuer->clock, engine->now);
    record->has_token = freshet_entry_remaining(engine, entry) > 0;
    if (!record->has_token) {
        return;
    }
    record->committed_ms = held->committed_ms;
    record->sent_ms = held->sent_ms;
    record->token = (struct token){
        .text = freshet_entry_text(entry),
        .length = held->length,
        .fingerprint = held->fingerprint,
        .iat_s = held->iat_s,
        .exp_s = held->exp_s,
        .oiat_s = held->oiat_s,
        .has_oiat = held->has_oiat,
        .sid = freshet_entry_is_plain(entry) ? effect->u.publish.key.sid : "",
        .organization = freshet_entry_is_plain(entry) ? effect->u.publish.key.organization : ""};
}

void freshet_commit_drop(struct engine *engine, struct entry *entry)
{
    struct effect *effect = commit_push_record(engine, entry, EFFECT_RETRACT);

    if (effect != NULL) {
        effect->u.publish.record.token.fingerprint = entry->held.fingerprint;
    }
    entry->held = (struct held){0};
    entry->spaced_from_ms = INT64_MIN / 2;
    entry->unread = 0;
    entry->asleep = false;
    freshet_cell_clear(&entry->cell);
}
