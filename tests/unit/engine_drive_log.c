/*
 * What the engine said to the pump of engine_drive.h, kept in lists and found again.
 */
#include "cmocka_all.h"

#include "engine_drive.h"

#include <stdio.h>

static struct drive_key drive_key_of(const struct key_view *view)
{
    struct drive_key key = {.session = view->session};

    (void)snprintf(key.sid, DRIVE_NAME, "%s", view->sid);
    (void)snprintf(key.template_name, DRIVE_NAME, "%s", view->template_name);
    (void)snprintf(key.organization, DRIVE_NAME, "%s", view->organization);
    (void)snprintf(key.audience, DRIVE_NAME, "%s", view->audience);
    return key;
}

static void drive_log_fetch(struct drive *drive, const struct effect *effect)
{
    assert_true(drive->request_count < DRIVE_MAX);
    drive->requests[drive->request_count++] =
        (struct drive_request){.id = effect->u.fetch.request,
                               .t_ms = drive->t_ms,
                               .on = effect->u.fetch.on,
                               .cause = effect->u.fetch.cause,
                               .attempt = effect->u.fetch.attempt,
                               .key = drive_key_of(&effect->u.fetch.key)};
}

static void drive_log_abandon(struct drive *drive, request_id id)
{
    for (size_t i = 0; i < drive->request_count; i++) {
        drive->requests[i].done = drive->requests[i].done || drive->requests[i].id == id;
    }
}

static void drive_log_result(struct drive *drive, const struct effect *effect)
{
    struct drive_result result = {.ticket = effect->u.resolve.ticket,
                                  .t_ms = drive->t_ms,
                                  .status = effect->u.resolve.status,
                                  .http_status = effect->u.resolve.http_status};
    char text[DRIVE_TEXT];

    assert_true(drive->result_count < DRIVE_MAX);
    assert_null(freshet_drive_result(drive, result.ticket));
    if (result.status == FRESHET_OK) {
        result.stale = effect->u.resolve.stale;
        result.token = (int)effect->u.resolve.token.fingerprint;
        assert_int_equal(freshet_drive_text(result.token, text), effect->u.resolve.token.length);
        assert_memory_equal(effect->u.resolve.text, text, effect->u.resolve.token.length);
    }
    drive->results[drive->result_count++] = result;
}

static void drive_log_note(struct drive *drive, const struct effect *effect)
{
    struct drive_note note = {.kind = effect->kind, .t_ms = drive->t_ms};

    if (effect->kind == EFFECT_COMMIT) {
        note.token = (int)effect->u.commit.token.fingerprint;
        note.from = effect->u.commit.token.from;
        note.key = drive_key_of(&effect->u.commit.key);
    } else if (effect->kind == EFFECT_IGNORED) {
        note.token = (int)effect->u.ignored.fingerprint;
        note.reason = effect->u.ignored.reason;
        note.key = drive_key_of(&effect->u.ignored.key);
    } else if (effect->kind == EFFECT_EMIT) {
        note.token = (int)effect->u.emit.fingerprint;
        note.name = effect->u.emit.name;
    } else if (effect->kind == EFFECT_PUBLISH || effect->kind == EFFECT_RETRACT) {
        note.token = (int)effect->u.publish.record.token.fingerprint;
        note.key = drive_key_of(&effect->u.publish.key);
    }
    assert_true(drive->note_count < sizeof(drive->notes) / sizeof(drive->notes[0]));
    drive->notes[drive->note_count++] = note;
}

void freshet_drive_log(struct drive *drive, const struct effect *effect)
{
    switch (effect->kind) {
    case EFFECT_FETCH:
        drive_log_fetch(drive, effect);
        break;
    case EFFECT_ABANDON:
        drive_log_abandon(drive, effect->u.abandon.request);
        break;
    case EFFECT_RESOLVE:
        drive_log_result(drive, effect);
        break;
    case EFFECT_LEASE:
        assert_true(drive->lease_count < DRIVE_MAX);
        drive->leases[drive->lease_count++] = effect->u.lease.entry;
        break;
    case EFFECT_PUBLISH:
    case EFFECT_RETRACT:
    case EFFECT_SAVE:
    case EFFECT_COMMIT:
    case EFFECT_IGNORED:
    case EFFECT_EMIT:
        drive_log_note(drive, effect);
        break;
    case EFFECT_RELEASE:
    case EFFECT_STATUS:
    case EFFECT_END:
        break;
    }
}

/* ---- found again ---- */

const struct drive_result *freshet_drive_result(const struct drive *drive, ticket_id ticket)
{
    for (size_t i = 0; i < drive->result_count; i++) {
        if (drive->results[i].ticket == ticket) {
            return &drive->results[i];
        }
    }
    return NULL;
}

struct drive_request *freshet_drive_waiting(struct drive *drive, enum endpoint on)
{
    for (size_t i = 0; i < drive->request_count; i++) {
        if (drive->requests[i].on == on && !drive->requests[i].done) {
            return &drive->requests[i];
        }
    }
    return NULL;
}

int freshet_drive_count(const struct drive *drive, enum endpoint on)
{
    int count = 0;

    for (size_t i = 0; i < drive->request_count; i++) {
        count += drive->requests[i].on == on ? 1 : 0;
    }
    return count;
}

int64_t freshet_drive_sent_at(const struct drive *drive, enum endpoint on, int n)
{
    for (size_t i = 0; i < drive->request_count; i++) {
        if (drive->requests[i].on == on && --n == 0) {
            return drive->requests[i].t_ms;
        }
    }
    return -1;
}

int freshet_drive_notes(const struct drive *drive, enum effect_kind kind)
{
    int count = 0;

    for (size_t i = 0; i < drive->note_count; i++) {
        count += drive->notes[i].kind == kind ? 1 : 0;
    }
    return count;
}

const struct drive_note *freshet_drive_last_note(const struct drive *drive, enum effect_kind kind)
{
    for (size_t i = drive->note_count; i > 0; i--) {
        if (drive->notes[i - 1].kind == kind) {
            return &drive->notes[i - 1];
        }
    }
    return NULL;
}

void freshet_drive_ignored(const struct drive *drive, int token, enum ignored_reason reason)
{
    const struct drive_note *note = freshet_drive_last_note(drive, EFFECT_IGNORED);

    assert_non_null(note);
    assert_int_equal(note->token, token);
    assert_int_equal(note->reason, reason);
}
