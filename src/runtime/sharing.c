/*
 * Sharing: effects out, errands in.
 */
#include "runtime/sharing.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"

struct held_lease {
    struct held_lease *next;
    uint32_t entry;
    int byte;
    struct lease lease;
};

/* ---- errands ---- */

/* The three names of a key, kept in one piece. */
static bool errand_keep_key(struct errand *errand, const struct key_view *key)
{
    const char *names[] = {key->template_name, key->organization, key->audience};
    size_t lengths[3];
    size_t total = 0;
    char *at = NULL;

    for (size_t i = 0; i < 3; i++) {
        lengths[i] = strlen(names[i]) + 1;
        total += lengths[i];
    }
    errand->strings = malloc(total);
    if (errand->strings == NULL) {
        return false;
    }
    at = errand->strings;
    for (size_t i = 0; i < 3; i++) {
        memcpy(at, names[i], lengths[i]);
        names[i] = at;
        at += lengths[i];
    }
    errand->key = (struct key_view){.session = key->session,
                                    .template_name = names[0],
                                    .organization = names[1],
                                    .audience = names[2]};
    return true;
}

/* Without memory the engine asks again, or looks at its own refresh point. */
static struct errand *errand_add(struct sharing *sharing, enum errand_kind kind,
                                 const struct key_view *key)
{
    struct errand *errand = calloc(1, sizeof(*errand));

    if (errand == NULL || (key != NULL && !errand_keep_key(errand, key))) {
        free(errand);
        return NULL;
    }
    errand->kind = kind;
    *sharing->errands_end = errand;
    sharing->errands_end = &errand->next;
    return errand;
}

void freshet_sharing_look(struct sharing *sharing, enum errand_kind kind, session_id session,
                          const struct key_view *key)
{
    struct errand *errand = NULL;

    if (sharing->share != NULL || kind == ERRAND_STAND || kind == ERRAND_OVER) {
        errand = errand_add(sharing, kind, key);
    }
    if (errand != NULL) {
        errand->session = session;
    }
}

struct errand *freshet_sharing_take(struct sharing *sharing)
{
    struct errand *errand = sharing->errands;

    if (errand != NULL) {
        sharing->errands = errand->next;
        if (sharing->errands == NULL) {
            sharing->errands_end = &sharing->errands;
        }
    }
    return errand;
}

void freshet_errand_free(struct errand *errand)
{
    free(errand->strings);
    free(errand);
}

/* ---- leases ---- */

static bool sharing_hold(struct sharing *sharing, const struct effect *effect,
                         const struct lease *lease)
{
    struct held_lease *held = calloc(1, sizeof(*held));

    if (held == NULL) {
        return false;
    }
    held->entry = effect->u.lease.entry;
    held->byte = effect->u.lease.byte;
    held->lease = *lease;
    held->next = sharing->leases;
    sharing->leases = held;
    return true;
}

/* The record is looked at again between the lease and the request. */
static void sharing_answer(struct sharing *sharing, enum errand_kind kind,
                           const struct effect *effect)
{
    struct errand *errand = NULL;

    freshet_sharing_look(sharing, ERRAND_STAND, effect->session, NULL);
    freshet_sharing_look(sharing, ERRAND_READ, effect->session, &effect->u.lease.key);
    errand = errand_add(sharing, kind, NULL);
    if (errand != NULL) {
        errand->session = effect->session;
        errand->entry = effect->u.lease.entry;
    }
}

void freshet_sharing_lease(struct sharing *sharing, const struct effect *effect, struct now now)
{
    struct lease lease = {.descriptor = -1};
    enum lease_result result = LEASE_ALONE;

    if (sharing->share != NULL) {
        result = freshet_share_lease(sharing->share, &effect->u.lease.key, effect->u.lease.byte,
                                     now, &lease);
    }
    if (result == LEASE_TAKEN && !sharing_hold(sharing, effect, &lease)) {
        freshet_lease_release(&lease);
        result = LEASE_ELSEWHERE;
    }
    sharing_answer(sharing, result == LEASE_ELSEWHERE ? ERRAND_DENIED : ERRAND_LEASED, effect);
}

void freshet_sharing_release(struct sharing *sharing, const struct effect *effect)
{
    struct held_lease **link = &sharing->leases;

    while (*link != NULL &&
           ((*link)->entry != effect->u.lease.entry || (*link)->byte != effect->u.lease.byte)) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        struct held_lease *held = *link;

        *link = held->next;
        freshet_lease_release(&held->lease);
        free(held);
    }
}

/* ---- records ---- */

void freshet_sharing_publish(struct sharing *sharing, const struct pump_session *session,
                             const struct effect *effect, struct now now)
{
    const struct publication what = {.account = session->standing,
                                     .key = &effect->u.publish.key,
                                     .record = &effect->u.publish.record,
                                     .epoch = session->epoch};

    if (sharing->share != NULL && !session->ended &&
        freshet_share_publish(sharing->share, &what, now) == SHARE_OUTRANKED) {
        freshet_sharing_look(sharing, ERRAND_STAND, session->id, NULL);
        freshet_sharing_look(sharing, ERRAND_READ, session->id, &effect->u.publish.key);
    }
}

void freshet_sharing_retract(struct sharing *sharing, const struct pump_session *session,
                             const struct effect *effect, struct now now)
{
    if (sharing->share != NULL && !session->left) {
        freshet_share_retract(sharing->share, &effect->u.publish.key, session->epoch,
                              effect->u.publish.record.token.fingerprint, now);
    }
}

/* ---- the watch ---- */

static void sharing_heard(enum share_news news, const char *name, void *context)
{
    struct sharing *sharing = context;
    struct errand *errand =
        errand_add(sharing, news == SHARE_NEWS_EVERYTHING ? ERRAND_ALL : ERRAND_NAME, NULL);

    if (errand != NULL && name != NULL) {
        strncpy(errand->name.text, name, sizeof(errand->name.text) - 1);
    }
}

void freshet_sharing_drain(struct sharing *sharing, struct now now)
{
    if (sharing->share != NULL) {
        freshet_share_drain(sharing->share, now, sharing_heard, sharing);
    }
}

static void sharing_readable(uv_poll_t *poll, int status, int events)
{
    struct sharing *sharing = poll->data;

    (void)status;
    (void)events;
    freshet_sharing_drain(sharing, freshet_clock_sample());
    sharing->news(sharing->context);
}

/* ---- life ---- */

bool freshet_sharing_read_token(const char *text, size_t length, struct token *token, void *context)
{
    void **claims = context;

    freshet_jwt_free(*claims);
    *claims = NULL;
    return freshet_jwt_read(text, length, token, claims);
}

int freshet_sharing_init(struct sharing *sharing, uv_loop_t *loop,
                         const struct place_choice *choice, void (*news)(void *context),
                         void *context)
{
    struct share_options options = {.read_token = freshet_sharing_read_token};
    int descriptor = -1;
    int status = 0;

    *sharing = (struct sharing){.news = news, .context = context};
    sharing->errands_end = &sharing->errands;
    if (choice == NULL) {
        return 0;
    }
    options.place = *choice;
    options.context = &sharing->claims;
    sharing->share = freshet_share_open(&options, freshet_clock_sample());
    if (sharing->share == NULL) {
        return UV_ENOMEM;
    }
    descriptor = freshet_share_descriptor(sharing->share);
    if (descriptor >= 0) {
        status = uv_poll_init(loop, &sharing->poll, descriptor);
        sharing->poll.data = sharing;
        sharing->polling = status == 0;
    }
    return sharing->polling ? uv_poll_start(&sharing->poll, UV_READABLE, sharing_readable) : status;
}

void freshet_sharing_close(struct sharing *sharing)
{
    if (sharing->polling) {
        uv_close((uv_handle_t *)&sharing->poll, NULL);
        sharing->polling = false;
    }
    while (sharing->leases != NULL) {
        struct held_lease *held = sharing->leases;

        sharing->leases = held->next;
        freshet_lease_release(&held->lease);
        free(held);
    }
}

void freshet_sharing_free(struct sharing *sharing)
{
    struct errand *errand = NULL;

    while ((errand = freshet_sharing_take(sharing)) != NULL) {
        freshet_errand_free(errand);
    }
    freshet_share_close(sharing->share);
    freshet_jwt_free(sharing->claims);
}
