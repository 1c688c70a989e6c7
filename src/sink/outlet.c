/*
 * One delivery: look, decide, write.
 */
#include "sink/outlet.h"

#include <stdio.h>
#include <string.h>

#include "core/time.h"
#include "sink/token_file.h"

#define OUTLET_COOKIE_LIFE_S (INT64_C(365) * 24 * 3600)

bool freshet_outlet_open(struct outlet *outlet, const char *path, const struct cookie_names *names,
                         struct place_fault *fault)
{
    *outlet = (struct outlet){.jar = names != NULL};
    if (names != NULL) {
        outlet->names = *names;
        snprintf(outlet->domain, sizeof(outlet->domain), "%s", names->domain);
        outlet->names.domain = outlet->domain;
        snprintf(outlet->suffix, sizeof(outlet->suffix), "%s", names->suffix);
        outlet->names.suffix = outlet->suffix;
    }
    return freshet_place_init(&outlet->place, path, fault);
}

void freshet_outlet_close(struct outlet *outlet)
{
    freshet_place_free(&outlet->place);
}

static void outlet_find(const struct outlet *outlet, const char *text, size_t length,
                        struct cookie_found *found)
{
    if (outlet->jar) {
        freshet_cookie_jar_find(text, length, &outlet->names, found);
        return;
    }
    *found = (struct cookie_found){.context = ""};
    freshet_token_file_find(text, length, &found->token, &found->length);
}

/* The claims were assembled then: never later than the token, or a server would ask again. */
static int64_t outlet_client_uat(const struct token *token)
{
    return token->has_oiat && token->oiat_s < token->iat_s ? token->oiat_s : token->iat_s;
}

static bool outlet_write_jar(struct outlet *outlet, const struct outlet_news *news,
                             const char *text, size_t length, struct place_fault *fault)
{
    const struct token *token = news->token;
    struct cookie_values values = {.context = outlet->written,
                                   .token = token != NULL ? token->text : NULL,
                                   .client_uat_s = token != NULL ? outlet_client_uat(token) : 0,
                                   .expires_s = news->wall_ms / 1000 + OUTLET_COOKIE_LIFE_S};
    size_t size = 0;
    char *jar = freshet_cookie_jar_replace(text, length, &outlet->names, &values, &size);
    bool good = jar != NULL && freshet_place_write(&outlet->place, jar, size, fault);

    if (jar == NULL) {
        snprintf(fault->text, sizeof(fault->text), "out of memory");
    }
    freshet_place_release(jar, size);
    return good;
}

static bool outlet_write(struct outlet *outlet, const struct outlet_news *news, const char *text,
                         size_t length, struct place_fault *fault)
{
    char before[FRESHET_CONTEXT_MAX];
    bool good = false;

    memcpy(before, outlet->written, sizeof(before));
    outlet->written[0] = '\0';
    if (news->token != NULL) {
        freshet_context(outlet->written, news->session, news->token->organization);
    }
    if (outlet->jar) {
        good = outlet_write_jar(outlet, news, text, length, fault);
    } else if (news->token == NULL) {
        good = freshet_place_remove(&outlet->place, fault);
    } else {
        good = freshet_token_file_write(&outlet->place, news->token->text, fault);
    }
    if (!good) {
        memcpy(outlet->written, before, sizeof(before));
    }
    return good;
}

/* The file under its lock. */
static bool outlet_deliver_locked(struct outlet *outlet, const struct outlet_news *news,
                                  struct delivery_plan *plan, struct place_fault *fault)
{
    struct delivery ours = {.session = news->session,
                            .token = news->token,
                            .written = outlet->written,
                            .may_take = news->may_take,
                            .repair = news->repair};
    struct cookie_found found;
    struct delivery_place there;
    char *text = NULL;
    size_t length = 0;
    bool good = freshet_place_read(&outlet->place, &text, &length, fault);

    if (!good) {
        return false;
    }
    outlet_find(outlet, text, length, &found);
    there = (struct delivery_place){
        .context = outlet->jar ? found.context : NULL, .text = found.token, .length = found.length};
    *plan = freshet_delivery_plan(&there, &ours, news->issuer_ms);
    if (plan->act == DELIVERY_WRITE || plan->act == DELIVERY_REMOVE) {
        good = outlet_write(outlet, news, text, length, fault);
    } else if (plan->act == DELIVERY_NOTHING && news->token != NULL) {
        freshet_context(outlet->written, news->session, news->token->organization);
    }
    freshet_place_release(text, length);
    return good;
}

enum place_result freshet_outlet_deliver(struct outlet *outlet, const struct outlet_news *news,
                                         struct delivery_plan *plan, struct place_fault *fault)
{
    enum place_result result = freshet_place_begin(&outlet->place, fault);

    *plan = (struct delivery_plan){.act = DELIVERY_NOTHING, .again_ms = FRESHET_NEVER};
    if (result != PLACE_OK) {
        return result;
    }
    if (!outlet_deliver_locked(outlet, news, plan, fault)) {
        result = PLACE_FAILED;
    }
    freshet_place_end(&outlet->place);
    return result;
}
