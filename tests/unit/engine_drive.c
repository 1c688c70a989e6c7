/*
 * The pump of engine_drive.h.
 */
#include "cmocka_all.h"

#include "engine_drive.h"

#include <stdio.h>
#include <string.h>

#define DRIVE_BOOT_MS 7654321
#define DRIVE_EPOCH_S 1700000000
#define DRIVE_ISSUER  "https://issuer.test"

static struct now drive_now(const struct drive *drive)
{
    return (struct now){.boot_ms = DRIVE_BOOT_MS + drive->t_ms,
                        .wall_ms = (int64_t)DRIVE_EPOCH_S * 1000 + drive->t_ms};
}

/* ---- tokens ---- */

struct drive_token freshet_drive_token_oiat(int number, int64_t iat_s, int64_t oiat_s,
                                            int64_t ttl_s)
{
    return (struct drive_token){.number = number,
                                .iat_s = iat_s,
                                .ttl_s = ttl_s,
                                .oiat_s = oiat_s,
                                .sid = DRIVE_SID,
                                .organization = ""};
}

struct drive_token freshet_drive_token(int number, int64_t iat_s, int64_t ttl_s)
{
    return freshet_drive_token_oiat(number, iat_s, DRIVE_NO_OIAT, ttl_s);
}

uint32_t freshet_drive_text(int number, char text[DRIVE_TEXT])
{
    return (uint32_t)snprintf(text, DRIVE_TEXT, "token.%d.end", number);
}

/* The text must live as long as the step that takes the token. */
struct token freshet_drive_token_in(const struct drive_token *token, char text[DRIVE_TEXT])
{
    bool has_oiat = token->oiat_s != DRIVE_NO_OIAT;

    return (struct token){.text = text,
                          .length = freshet_drive_text(token->number, text),
                          .fingerprint = (uint64_t)token->number,
                          .iat_s = DRIVE_EPOCH_S + token->iat_s,
                          .exp_s = DRIVE_EPOCH_S + token->iat_s + token->ttl_s,
                          .oiat_s = has_oiat ? DRIVE_EPOCH_S + token->oiat_s : 0,
                          .has_oiat = has_oiat,
                          .sid = token->sid,
                          .organization = token->organization};
}

/* ---- steps ---- */

static void drive_step_once(struct drive *drive, const struct event *event)
{
    struct effects effects = freshet_step(drive->engine, event, drive_now(drive));
    const char *broken = NULL;

    for (size_t i = 0; i < effects.count; i++) {
        freshet_drive_log(drive, &effects.items[i]);
    }
    if (!freshet_engine_check(drive->engine, &broken)) {
        fail_msg("at %lld ms an invariant is broken: %s", (long long)drive->t_ms, broken);
    }
}

/* One event, and the leases that it makes the engine ask for. */
static void drive_step(struct drive *drive, const struct event *event)
{
    drive_step_once(drive, event);
    while (drive->lease_count > 0) {
        struct event lease = {.kind = drive->denied ? EVENT_DENIED : EVENT_LEASED,
                              .u.lease.entry = drive->leases[0]};

        drive->lease_count--;
        memmove(drive->leases, drive->leases + 1, drive->lease_count * sizeof(drive->leases[0]));
        drive_step_once(drive, &lease);
    }
}

/* ---- life ---- */

void freshet_drive_begin(struct drive *drive, const struct policy *policy)
{
    struct engine_options options = freshet_engine_options_default();

    memset(drive, 0, sizeof(*drive));
    if (policy != NULL) {
        options.policy = *policy;
    }
    drive->engine = freshet_engine_new(&options, drive_now(drive));
    assert_non_null(drive->engine);
}

void freshet_drive_end(struct drive *drive)
{
    freshet_engine_free(drive->engine);
}

void freshet_drive_open(struct drive *drive, const char *sid)
{
    freshet_drive_open_after(drive, sid, NULL);
}

void freshet_drive_open_after(struct drive *drive, const char *sid, const char *ended_sid)
{
    static const struct outcome environment = {
        .kind = OUTCOME_GOOD, .http_status = 200, .code = "", .has_environment = true};
    struct event event = {.kind = EVENT_OPEN,
                          .u.open = {.issuer = DRIVE_ISSUER,
                                     .sid = sid,
                                     .ended = ended_sid != NULL,
                                     .ended_sid = ended_sid}};

    drive->session = freshet_engine_session(drive->engine);
    assert_int_not_equal(drive->session, FRESHET_NO_SESSION);
    event.session = drive->session;
    drive_step(drive, &event);
    freshet_drive_answer_outcome(drive, freshet_drive_waiting(drive, ON_ENVIRONMENT), &environment);
}

void freshet_drive_ready_with(struct drive *drive, const struct policy *policy,
                              const struct drive_token *token)
{
    freshet_drive_begin(drive, policy);
    freshet_drive_open(drive, DRIVE_SID);
    freshet_drive_answer_client(drive, freshet_drive_waiting(drive, ON_CLIENT), token);
}

void freshet_drive_ready(struct drive *drive, const struct drive_token *token)
{
    freshet_drive_ready_with(drive, NULL, token);
}

/* ---- events ---- */

void freshet_drive_at(struct drive *drive, int64_t t_ms)
{
    static const struct event tick = {.kind = EVENT_TICK};
    int64_t deadline = freshet_engine_deadline(drive->engine);

    assert_true(t_ms >= drive->t_ms);
    while (deadline <= DRIVE_BOOT_MS + t_ms) {
        if (deadline > DRIVE_BOOT_MS + drive->t_ms) {
            drive->t_ms = deadline - DRIVE_BOOT_MS;
        }
        drive_step(drive, &tick);
        deadline = freshet_engine_deadline(drive->engine);
    }
    drive->t_ms = t_ms;
}

void freshet_drive_freeze(struct drive *drive, int64_t t_ms)
{
    assert_true(t_ms >= drive->t_ms);
    drive->t_ms = t_ms;
}

void freshet_drive_event(struct drive *drive, enum event_kind kind)
{
    struct event event = {.kind = kind, .session = drive->session};

    drive_step(drive, &event);
}

void freshet_drive_organization(struct drive *drive, const char *organization)
{
    struct event event = {.kind = EVENT_ORGANIZATION,
                          .session = drive->session,
                          .u.organization.organization = organization};

    drive_step(drive, &event);
}

static struct key_view drive_key_view(const struct drive *drive, const char *template_name,
                                      const char *organization)
{
    return (struct key_view){.session = drive->session,
                             .issuer = DRIVE_ISSUER,
                             .sid = DRIVE_SID,
                             .template_name = template_name != NULL ? template_name : "",
                             .organization = organization != NULL ? organization : "",
                             .audience = ""};
}

void freshet_drive_want(struct drive *drive, int change)
{
    struct event event = {.kind = EVENT_WANT,
                          .session = drive->session,
                          .u.want = {.key = drive_key_view(drive, NULL, NULL), .change = change}};

    drive_step(drive, &event);
}

void freshet_drive_want_active(struct drive *drive, int change)
{
    struct event event = {
        .kind = EVENT_WANT, .session = drive->session, .u.want = {.change = change}};

    drive_step(drive, &event);
}

void freshet_drive_join(struct drive *drive, struct token token)
{
    struct event event = {
        .kind = EVENT_JOINED, .session = drive->session, .u.joined = {.token = token}};

    drive_step(drive, &event);
}

void freshet_drive_adopt(struct drive *drive, const char *template_name, const char *organization,
                         const struct drive_token *token)
{
    char text[DRIVE_TEXT];
    struct event event = {.kind = EVENT_ADOPTED,
                          .session = drive->session,
                          .u.adopted = {.key = drive_key_view(drive, template_name, organization)}};
    struct record *record = &event.u.adopted.record;

    record->has_token = token != NULL;
    record->committed_ms = drive_now(drive).boot_ms;
    record->sent_ms = drive_now(drive).boot_ms;
    if (token != NULL) {
        record->token = freshet_drive_token_in(token, text);
    }
    drive_step(drive, &event);
}

void freshet_drive_adopt_failure(struct drive *drive, const struct failure *failure)
{
    struct event event = {.kind = EVENT_ADOPTED,
                          .session = drive->session,
                          .u.adopted = {.key = drive_key_view(drive, NULL, NULL)}};
    struct failure *adopted = &event.u.adopted.record.failure;

    *adopted = *failure;
    adopted->failed_ms += DRIVE_BOOT_MS;
    adopted->not_before_ms += DRIVE_BOOT_MS;
    drive_step(drive, &event);
}

/* ---- calls ---- */

struct get_options freshet_drive_options(void)
{
    return (struct get_options){.min_remaining_ms = FRESHET_UNSET,
                                .refresh_threshold_ms = FRESHET_UNSET};
}

ticket_id freshet_drive_get(struct drive *drive, const struct get_options *options)
{
    struct event event = {.kind = EVENT_GET,
                          .session = drive->session,
                          .u.get = {.ticket = ++drive->tickets, .options = *options}};

    drive_step(drive, &event);
    return drive->tickets;
}

ticket_id freshet_drive_skip_cache(struct drive *drive)
{
    struct get_options options = freshet_drive_options();

    options.skip_cache = true;
    return freshet_drive_get(drive, &options);
}

void freshet_drive_cancel(struct drive *drive, ticket_id ticket)
{
    struct event event = {.kind = EVENT_CANCEL, .u.cancel.ticket = ticket};

    event.session = drive->session;
    drive_step(drive, &event);
}

int freshet_drive_read_with(struct drive *drive, const struct get_options *options)
{
    ticket_id ticket = freshet_drive_get(drive, options);
    const struct drive_result *result = freshet_drive_result(drive, ticket);

    if (result == NULL) {
        freshet_drive_cancel(drive, ticket);
        return 0;
    }
    return result->token;
}

int freshet_drive_read(struct drive *drive)
{
    const struct get_options options = freshet_drive_options();

    return freshet_drive_read_with(drive, &options);
}

/* ---- answers ---- */

void freshet_drive_answer_outcome(struct drive *drive, struct drive_request *request,
                                  const struct outcome *outcome)
{
    struct now now = drive_now(drive);
    struct event event = {.kind = EVENT_FETCHED, .session = drive->session};

    assert_non_null(request);
    request->done = true;
    event.u.fetched.request = request->id;
    event.u.fetched.received_boot_ms = now.boot_ms;
    event.u.fetched.outcome = *outcome;
    if (outcome->http_status != 0) {
        event.u.fetched.outcome.date_s = now.wall_ms / 1000;
    }
    drive_step(drive, &event);
}

void freshet_drive_answer(struct drive *drive, struct drive_request *request,
                          const struct drive_token *token)
{
    char text[DRIVE_TEXT];
    const struct outcome outcome = {.kind = OUTCOME_GOOD,
                                    .http_status = 200,
                                    .code = "",
                                    .has_token = true,
                                    .token = freshet_drive_token_in(token, text)};

    freshet_drive_answer_outcome(drive, request, &outcome);
}

void freshet_drive_answer_client(struct drive *drive, struct drive_request *request,
                                 const struct drive_token *token)
{
    char text[DRIVE_TEXT];
    struct client_session session = {.id = token != NULL ? token->sid : DRIVE_SID,
                                     .signed_in = true,
                                     .organization = token != NULL ? token->organization : "",
                                     .has_token = token != NULL};
    struct outcome outcome = {
        .kind = OUTCOME_GOOD, .http_status = 200, .code = "", .has_client = true};

    if (token != NULL) {
        session.token = freshet_drive_token_in(token, text);
    }
    outcome.client = (struct client_answer){
        .last_active_session = session.id, .sessions = &session, .session_count = 1};
    freshet_drive_answer_outcome(drive, request, &outcome);
}

static enum outcome_kind drive_outcome_kind(int http_status)
{
    if (http_status == 0) {
        return OUTCOME_NO_ANSWER;
    }
    if (http_status == 401) {
        return OUTCOME_UNAUTHENTICATED;
    }
    return http_status >= 500 || http_status == 429 ? OUTCOME_TRY_LATER : OUTCOME_REFUSED;
}

void freshet_drive_fail(struct drive *drive, struct drive_request *request, int http_status)
{
    const struct outcome outcome = {
        .kind = drive_outcome_kind(http_status), .http_status = http_status, .code = ""};

    freshet_drive_answer_outcome(drive, request, &outcome);
}

void freshet_drive_answer_next(struct drive *drive, const struct drive_token *token)
{
    freshet_drive_answer(drive, freshet_drive_waiting(drive, ON_TOKENS), token);
}

void freshet_drive_fail_next(struct drive *drive, int http_status)
{
    freshet_drive_fail(drive, freshet_drive_waiting(drive, ON_TOKENS), http_status);
}

int freshet_drive_fetch(struct drive *drive, struct drive_token token)
{
    ticket_id ticket = freshet_drive_skip_cache(drive);

    freshet_drive_answer_next(drive, &token);
    assert_non_null(freshet_drive_result(drive, ticket));
    return freshet_drive_result(drive, ticket)->token;
}

void freshet_drive_touch(struct drive *drive, struct drive_token token)
{
    freshet_drive_event(drive, EVENT_FOCUS);
    freshet_drive_answer_client(drive, freshet_drive_waiting(drive, ON_TOUCH), &token);
}

/* ---- what is held ---- */

int freshet_drive_peek(struct drive *drive, const char *template_name, const char *organization)
{
    struct key_view key = drive_key_view(drive, template_name, organization);
    const struct cell *cell = freshet_engine_cell(drive->engine, &key);
    struct cell_view view;
    char text[DRIVE_TEXT];
    char expected[DRIVE_TEXT];

    if (cell == NULL) {
        return 0;
    }
    assert_true(freshet_cell_read(cell, text, sizeof(text), &view));
    if (view.length == 0 || view.exp_ms - view.offset_ms <= drive_now(drive).boot_ms) {
        return 0;
    }
    assert_int_equal(view.length, freshet_drive_text((int)view.fingerprint, expected));
    assert_memory_equal(text, expected, view.length);
    return (int)view.fingerprint;
}

uint32_t freshet_drive_entry_count(const struct drive *drive)
{
    struct session_view view;

    assert_true(
        freshet_engine_view_session(drive->engine, drive->session, drive_now(drive), &view));
    return view.entry_count;
}
