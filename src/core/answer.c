/*
 * An answer arrives: what it says of the issuer is noted, and whom it concerns takes it.
 */
#include "core/state.h"

/* The issuer's clock is believed to run otherwise: every cell and deadline of it follows. */
static void answer_clock_moved(struct engine *engine, const struct issuer *issuer)
{
    int64_t offset = freshet_clock_offset(&issuer->clock, engine->now);

    for (const struct session *s = issuer->sessions; s != NULL; s = s->next) {
        for (struct entry *entry = s->entries; entry != NULL; entry = entry->next) {
            freshet_cell_set_offset(&entry->cell, offset);
            freshet_entry_update(engine, entry);
        }
    }
}

static void answer_observe(struct engine *engine, const struct request *request,
                           const struct event *event)
{
    const struct outcome *out = &event->u.fetched.outcome;
    struct issuer *issuer = request->session->issuer;
    int64_t before = freshet_clock_offset(&issuer->clock, engine->now);
    struct clock_sample sample = {.sent_boot_ms = request->sent_ms,
                                  .received_boot_ms = event->u.fetched.received_boot_ms,
                                  .date_s = out->date_s};

    if (out->http_status == 0) {
        return;
    }
    if (out->has_token) {
        sample.iat_s = out->token.iat_s;
    }
    for (size_t i = 0; out->has_client && i < out->client.session_count; i++) {
        if (out->client.sessions[i].has_token) {
            sample.iat_s = freshet_max(sample.iat_s, out->client.sessions[i].token.iat_s);
        }
    }
    issuer->round_trip_ms = sample.received_boot_ms - sample.sent_boot_ms;
    freshet_clock_observe(&issuer->clock, &sample, engine->now);
    if (freshet_clock_offset(&issuer->clock, engine->now) != before) {
        answer_clock_moved(engine, issuer);
    }
}

/* An answer to a request that was given up: the token in it is named, and nothing else happens. */
static void answer_too_late(struct engine *engine, const struct request *request,
                            const struct outcome *out)
{
    if (request->entry != NULL && out->has_token) {
        freshet_commit_ignored(engine, request->entry, out->token.fingerprint, IGNORED_OLD_EPOCH);
    }
}

void freshet_answer_take(struct engine *engine, const struct event *event)
{
    const struct outcome *out = &event->u.fetched.outcome;
    struct request *found = freshet_request_find(engine, event->u.fetched.request);
    struct request request;

    if (found == NULL) {
        return;
    }
    request = *found;
    freshet_request_forget(engine, found);
    if (request.abandoned) {
        answer_too_late(engine, &request, out);
        return;
    }
    answer_observe(engine, &request, event);
    if (out->has_retry_after) {
        freshet_schedule_retry_after(engine, request.session->issuer, out->retry_after_ms);
    }
    if (out->has_client && request.on != ON_CLIENT && freshet_session_ready(request.session)) {
        freshet_load_take_tokens(engine, &request, &out->client);
    }
    if (request.on == ON_TOKENS) {
        freshet_outcome_take(engine, request.entry, out);
    } else {
        freshet_session_answered(engine, &request, out);
    }
}
