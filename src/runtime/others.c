/*
 * What a user's other processes have to do with the sessions here.
 *
 * Their records are read for the engine to judge, their sign-out ends a session here too, leases are
 * had or not, and a start that waits for its turn is served with what they have published.
 */
#include "runtime/others.h"

#include <string.h>

#include "runtime/clock.h"
#include "runtime/remembered.h"
#include "runtime/standing.h"

/* The shared record of a key, for the engine to judge. */
static void others_adopt(struct pump *pump, struct key_view *key, struct now now)
{
    struct pump_session *session = pump->sessions[key->session];
    struct shared_record shared;
    struct event event = {.kind = EVENT_ADOPTED, .session = key->session};

    key->issuer = session->instance.base_url;
    key->sid = session->sid;
    if (session->sid[0] == '\0' || session->ended ||
        freshet_share_read(pump->sharing.share, key, session->epoch, now, &shared) != SHARE_FOUND) {
        return;
    }
    if (shared.epoch <= session->epoch) {
        event.u.adopted.key = *key;
        event.u.adopted.record = shared.record;
        freshet_pump_step(pump, &event);
    } else {
        freshet_sharing_look(&pump->sharing, ERRAND_STAND, session->id, NULL);
    }
    freshet_shared_record_wipe(&shared);
}

/* Whether the session still stands, here and elsewhere. */
static void others_over(struct pump *pump, const struct pump_session *session)
{
    const struct event signed_out = {.kind = EVENT_SIGNED_OUT, .session = session->id};

    freshet_pump_step(pump, &signed_out);
}

static void others_stand(struct pump *pump, struct pump_session *session, struct now now)
{
    struct session_view view;
    bool over = false;

    if (session->sid[0] != '\0') {
        over = freshet_standing_look(session, pump->sharing.share, now);
    } else if (freshet_engine_view_session(pump->engine, session->id, now, &view) &&
               (view.status == SESSION_READY || view.status == SESSION_DEGRADED)) {
        over = freshet_standing_begin(session, pump->sharing.share, &view, now);
    }
    if (over) {
        others_over(pump, session);
    }
}

bool freshet_others_have_ended(struct pump *pump, struct pump_session *session)
{
    return session->sid[0] != '\0' && pump->sharing.share != NULL &&
           freshet_standing_look(session, pump->sharing.share, freshet_clock_sample());
}

/*
 * Starts take turns, for reading a client may replace the credential. Whoever waits for its turn is
 * served meanwhile with what those who had theirs have published.
 */
static void others_join(struct pump *pump, struct pump_session *session, struct now now)
{
    struct event event = {.kind = EVENT_JOINED, .session = session->id};
    struct remembered remembered;

    if (session->sid[0] != '\0' || session->ended ||
        !freshet_exchange_waits(&pump->exchanges, session, ON_CLIENT)) {
        return;
    }
    if (freshet_remembered_share(session, pump->sharing.share, now, &remembered)) {
        event.u.joined.token = remembered.token;
        event.u.joined.committed_ms = remembered.committed_ms;
        event.u.joined.sent_ms = remembered.sent_ms;
        freshet_pump_step(pump, &event);
    }
    freshet_remembered_free(&remembered);
}

void freshet_others_join(struct pump *pump)
{
    struct now now = freshet_clock_sample();
    bool waits =
        pump->sharing.share != NULL && freshet_exchange_deadline(&pump->exchanges) != FRESHET_NEVER;

    for (uint32_t i = 0; waits && i < pump->session_count; i++) {
        if (pump->sessions[i] != NULL) {
            others_join(pump, pump->sessions[i], now);
        }
    }
}

/* Every key of a session whose record has this name; "" is every key. */
static void others_look(struct pump *pump, const struct pump_session *session, const char *name,
                        struct now now)
{
    struct share_name record = freshet_share_name_account(session->standing, SHARE_SESSION);
    struct entry_view view;

    if (name[0] == '\0' || strcmp(record.text, name) == 0) {
        freshet_sharing_look(&pump->sharing, ERRAND_STAND, session->id, NULL);
    }
    for (uint32_t i = 0; freshet_engine_view_entry(pump->engine, session->id, i, now, &view); i++) {
        view.key.issuer = session->instance.base_url;
        view.key.sid = session->sid;
        view.key.session = session->id;
        record = freshet_share_name_key(&view.key, SHARE_RECORD);
        if (name[0] == '\0' || strcmp(record.text, name) == 0) {
            freshet_sharing_look(&pump->sharing, ERRAND_READ, session->id, &view.key);
        }
    }
}

static void others_look_everywhere(struct pump *pump, const char *name, struct now now)
{
    for (uint32_t i = 0; i < pump->session_count; i++) {
        if (pump->sessions[i] != NULL && !pump->sessions[i]->ended) {
            others_look(pump, pump->sessions[i], name, now);
        }
    }
}

static void others_lease(struct pump *pump, enum event_kind kind, const struct errand *errand)
{
    struct event event = {.kind = kind, .session = errand->session};

    event.u.lease.entry = errand->entry;
    freshet_pump_step(pump, &event);
}

void freshet_others_run(struct pump *pump, struct errand *errand)
{
    struct pump_session *session = pump->sessions[errand->session];
    struct now now = freshet_clock_sample();

    switch (errand->kind) {
    case ERRAND_LEASED:
        others_lease(pump, EVENT_LEASED, errand);
        break;
    case ERRAND_DENIED:
        others_lease(pump, EVENT_DENIED, errand);
        break;
    case ERRAND_READ:
        if (session != NULL) {
            others_adopt(pump, &errand->key, now);
        }
        break;
    case ERRAND_STAND:
        if (session != NULL) {
            others_stand(pump, session, now);
        }
        break;
    case ERRAND_OVER:
        if (session != NULL) {
            others_over(pump, session);
        }
        break;
    case ERRAND_NAME:
        others_look_everywhere(pump, errand->name.text, now);
        break;
    case ERRAND_ALL:
        others_look_everywhere(pump, "", now);
        break;
    }
}
