/*
 * A token out of the shared place, for who needs one and no more. Opens no client.
 */
#include "client/internal.h"
#include "runtime/clock.h"
#include "share/peek.h"

/* What is wanted has to be made anew, or nothing is shared at all. */
static bool shared_is_no_use(const struct freshet_client_options *options,
                             const struct freshet_request *request)
{
    return (options->runtime_dir != NULL && options->runtime_dir[0] == '\0') ||
           (request != NULL && (request->skip_cache || request->refresh_if_stale));
}

static int64_t shared_least_ms(const struct freshet_request *request, const struct token *found)
{
    const struct policy policy = freshet_policy_default();

    if (request != NULL && request->min_remaining_ms != 0) {
        return request->min_remaining_ms > 0 ? request->min_remaining_ms : 0;
    }
    return freshet_policy_min_remaining(&policy, (found->exp_s - found->iat_s) * 1000);
}

static enum freshet_status shared_take(const struct peeked *peeked, struct now now,
                                       struct freshet_token **token)
{
    const struct token *found = &peeked->shared.record.token;
    struct locked_memory *memory = freshet_locked_new();

    if (memory == NULL) {
        return FRESHET_NO_MEMORY;
    }
    *token = freshet_token_new(memory, peeked->shared.text, found->length);
    freshet_locked_close(memory); /* it goes with the token */
    if (*token == NULL) {
        return FRESHET_NO_MEMORY;
    }
    (*token)->remaining_ms = peeked->remaining_ms;
    (*token)->expires_at_ms = now.wall_ms + peeked->remaining_ms;
    (*token)->fingerprint = found->fingerprint;
    return FRESHET_OK;
}

static enum freshet_status shared_peek(const struct place_choice *choice, const char *record,
                                       const struct freshet_request *request,
                                       struct freshet_token **token)
{
    struct now now = freshet_clock_sample();
    struct peeked peeked;
    void *claims = NULL;
    struct peek_wish asked = {.account = record,
                              .template_name = "",
                              .audience = "",
                              .read_token = freshet_sharing_read_token,
                              .context = &claims};
    enum freshet_status status = FRESHET_NONE;

    if (request != NULL) {
        asked.organization = request->organization;
        asked.template_name = request->template_name != NULL ? request->template_name : "";
    }
    if (freshet_share_peek(choice, &asked, now, &peeked) &&
        peeked.remaining_ms > shared_least_ms(request, &peeked.shared.record.token)) {
        status = shared_take(&peeked, now, token);
    }
    freshet_peeked_wipe(&peeked);
    freshet_jwt_free(claims);
    return status;
}

/* Processes with a store and processes without one go by different names. */
static enum freshet_status shared_look(const struct freshet_client_options *options,
                                       const struct wish *wish,
                                       const struct freshet_request *request,
                                       struct freshet_token **token)
{
    const struct place_choice choice = freshet_places_choice(options);
    char record[FRESHET_ACCOUNT_MAX + 1];
    enum freshet_status status = FRESHET_NONE;

    for (int stored = 1; stored >= 0 && status == FRESHET_NONE; stored--) {
        freshet_session_record_name(record, &wish->opening, stored == 1);
        status = shared_peek(&choice, record, request, token);
    }
    return status;
}

enum freshet_status freshet_peek_shared(const struct freshet_client_options *options,
                                        const struct freshet_session_options *session,
                                        const struct freshet_request *request,
                                        struct freshet_token **token, struct freshet_error *error)
{
    static const struct freshet_client_options defaults = {.size = sizeof(defaults)};
    struct source_error reason = {.text = ""};
    struct wish wish;
    enum freshet_status status = FRESHET_INVALID;

    *token = NULL;
    options = options != NULL ? options : &defaults;
    if (freshet_request_valid(request)) {
        status = freshet_wish_read(&wish, session, &reason);
        if (status == FRESHET_OK) {
            status = shared_is_no_use(options, request)
                         ? FRESHET_NONE
                         : shared_look(options, &wish, request, token);
        }
        freshet_wish_free(&wish);
    }
    return freshet_error_set(error, status, 0,
                             reason.text[0] != '\0' ? reason.text : freshet_error_text(status));
}
