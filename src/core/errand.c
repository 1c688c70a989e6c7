/*
 * Errands: what a session asks of its issuer beside its tokens and its client.
 *
 * A touch tells that the user is there, or which organization was chosen; it is made once. A sign-out
 * is final here before it is sent, and is repeated until the issuer has answered.
 */
#include "core/state.h"

/* ---- touch ---- */

void freshet_errand_touch(struct engine *engine, struct session *session, enum cause cause)
{
    struct errand *errand = &session->touch;

    if (session->client.unauthorized > 0) {
        /* Nothing but /client is asked with a refused credential; a choice is told afterwards. */
        session->organization_given = session->organization_given || cause == CAUSE_ORGANIZATION;
        return;
    }
    freshet_request_abandon(engine, errand->request, false);
    session->touched_ms = engine->now.boot_ms;
    errand->deadline_ms = engine->now.boot_ms + engine->options.policy.request_timeout_ms;
    errand->request =
        freshet_session_send(engine, session, ON_TOUCH, cause, 1, errand->deadline_ms);
    freshet_session_update(engine, session);
}

void freshet_errand_touched(struct engine *engine, struct session *session,
                            const struct outcome *out)
{
    session->touch.request = 0;
    if (out->kind == OUTCOME_UNAUTHENTICATED) {
        (void)freshet_session_confirm(engine, session);
    }
}

/* ---- sign-out ---- */

/* Who else is signed in beside it is not known before the client has been read. */
static enum endpoint errand_sign_out_on(const struct session *session)
{
    bool alone = session->scope == SIGN_OUT_END ||
                 (session->scope == SIGN_OUT_FITTING && session->signed_in_count == 0);

    if (alone && session->sid != 0) {
        return ON_END;
    }
    return session->scope == SIGN_OUT_FITTING && session->signed_in_count > 1 ? ON_REMOVE
                                                                              : ON_SESSIONS;
}

void freshet_errand_sign_out(struct engine *engine, struct session *session)
{
    struct errand *errand = &session->sign_out;

    if (session->issuer->offline) {
        errand->at_ms = engine->now.boot_ms; /* sent on return */
        return;
    }
    errand->attempt++;
    errand->at_ms = FRESHET_NEVER;
    errand->deadline_ms = engine->now.boot_ms + engine->options.policy.request_timeout_ms;
    errand->request = freshet_session_send(engine, session, errand_sign_out_on(session),
                                           errand->attempt == 1 ? CAUSE_SIGN_OUT : CAUSE_RETRY,
                                           errand->attempt, errand->deadline_ms);
}

void freshet_errand_signed_out(struct engine *engine, struct session *session,
                               const struct outcome *out)
{
    struct errand *errand = &session->sign_out;

    errand->request = 0;
    if (out->kind == OUTCOME_TRY_LATER || out->kind == OUTCOME_NO_ANSWER) {
        errand->at_ms =
            engine->now.boot_ms + freshet_policy_delay(&engine->options.policy,
                                                       engine->options.policy.retry_first_ms,
                                                       errand->attempt);
    }
    if (errand->at_ms != FRESHET_NEVER && out->has_retry_after) {
        errand->at_ms = session->issuer->not_before_ms;
    }
}

/* ---- time ---- */

static void errand_tick_touch(struct engine *engine, struct session *session)
{
    if (session->touch.request != 0 && session->touch.deadline_ms <= engine->now.boot_ms) {
        freshet_request_abandon(engine, session->touch.request, true);
        session->touch.request = 0;
    }
}

static void errand_tick_sign_out(struct engine *engine, struct session *session)
{
    static const struct outcome timeout = {.kind = OUTCOME_NO_ANSWER,
                                           .no_answer = NO_ANSWER_TIMEOUT};
    struct errand *errand = &session->sign_out;

    if (errand->request != 0 && errand->deadline_ms <= engine->now.boot_ms) {
        freshet_request_abandon(engine, errand->request, true);
        freshet_errand_signed_out(engine, session, &timeout);
    } else if (errand->request == 0 && errand->at_ms <= engine->now.boot_ms &&
               !session->issuer->offline) {
        freshet_errand_sign_out(engine, session);
    }
}

void freshet_errand_tick(struct engine *engine, struct session *session)
{
    errand_tick_touch(engine, session);
    errand_tick_sign_out(engine, session);
}

/* What is not under way waits for connectivity. */
static int64_t errand_next(const struct session *session, const struct errand *errand)
{
    if (errand->request != 0) {
        return errand->deadline_ms;
    }
    return session->issuer->offline ? FRESHET_NEVER : errand->at_ms;
}

int64_t freshet_errand_next(const struct session *session)
{
    int64_t next = errand_next(session, &session->environment);

    next = freshet_min(next, errand_next(session, &session->touch));
    return freshet_min(next, errand_next(session, &session->sign_out));
}
