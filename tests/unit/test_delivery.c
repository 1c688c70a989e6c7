/*
 * Whether a token may replace what lies in a jar or a file: contexts, staleness, sign-out.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/time.h"
#include "source/delivery.h"
#include "source/source.h"
#include "token_text.h"

#define NOW_S  INT64_C(1700000100)
#define NOW_MS (NOW_S * 1000)
#define NONE   (-1)

/* A token of 60 s, issued so long ago; oiat NONE: without. */
static char *token_of(const char *sid, const char *organization, int64_t age_s, int64_t oiat_s)
{
    char header[128];
    char claims[256];

    snprintf(header, sizeof(header), "{\"alg\":\"RS256\",\"typ\":\"JWT\"}");
    if (oiat_s != NONE) {
        snprintf(header, sizeof(header), "{\"alg\":\"RS256\",\"oiat\":%lld}", (long long)oiat_s);
    }
    snprintf(claims, sizeof(claims), "{\"iat\":%lld,\"exp\":%lld,\"sid\":\"%s\",\"org_id\":\"%s\"}",
             (long long)(NOW_S - age_s), (long long)(NOW_S - age_s + 60), sid, organization);
    return freshet_token_text(header, claims);
}

struct scene {
    const char *context; /* of the jar; NULL: a token file */
    char *there;         /* freed by plan_of() */
    char *ours;          /* NULL: signed out; freed too */
    const char *written;
    bool may_take;
    bool repair;
};

static struct delivery_plan plan_of(struct scene scene)
{
    struct delivery_place place = {.context = scene.context, .text = scene.there};
    struct delivery ours = {.session = "sess_a",
                            .written = scene.written != NULL ? scene.written : "",
                            .may_take = scene.may_take,
                            .repair = scene.repair};
    struct delivery_plan plan;
    struct token token;
    void *memory = NULL;

    place.length = scene.there != NULL ? strlen(scene.there) : 0;
    if (scene.ours != NULL) {
        assert_true(freshet_jwt_read(scene.ours, strlen(scene.ours), &token, &memory));
        ours.token = &token;
    }
    plan = freshet_delivery_plan(&place, &ours, NOW_MS);
    freshet_jwt_free(memory);
    free(scene.there);
    free(scene.ours);
    return plan;
}

static void expect(enum delivery_act act, struct scene scene)
{
    assert_int_equal(plan_of(scene).act, act);
}

static char *mine(void)
{
    return token_of("sess_a", "", 0, NONE);
}

static void an_empty_place_takes_a_token(void **state)
{
    (void)state;
    expect(DELIVERY_WRITE, (struct scene){.context = "", .ours = mine()});
    expect(DELIVERY_WRITE, (struct scene){.context = NULL, .ours = mine()});
}

static void the_same_token_is_not_written_again(void **state)
{
    (void)state;
    expect(DELIVERY_NOTHING, (struct scene){.context = "sess_a:", .there = mine(), .ours = mine()});
    expect(DELIVERY_NOTHING, (struct scene){.context = NULL, .there = mine(), .ours = mine()});
    /* A jar that has lost its context gets it back. */
    expect(DELIVERY_WRITE, (struct scene){.context = "", .there = mine(), .ours = mine()});
}

static void another_live_session_keeps_the_jar(void **state)
{
    (void)state;
    expect(DELIVERY_SKIP_CONTEXT, (struct scene){.context = "sess_other:", .ours = mine()});
    expect(DELIVERY_SKIP_CONTEXT, (struct scene){.context = "sess_other:",
                                                 .there = token_of("sess_other", "", 59, NONE),
                                                 .ours = mine()});
    expect(DELIVERY_SKIP_CONTEXT, (struct scene){.context = "sess_a:org_1",
                                                 .there = token_of("sess_a", "org_1", 0, NONE),
                                                 .ours = mine()});
}

static void the_focused_and_the_agent_take_the_jar(void **state)
{
    (void)state;
    expect(DELIVERY_WRITE,
           (struct scene){.context = "sess_other:", .ours = mine(), .may_take = true});
}

static void a_jar_whose_token_has_expired_is_free(void **state)
{
    (void)state;
    expect(DELIVERY_WRITE, (struct scene){.context = "sess_other:",
                                          .there = token_of("sess_other", "", 60, NONE),
                                          .ours = mine()});
    expect(DELIVERY_WRITE,
           (struct scene){.context = "sess_other:", .there = strdup("no.token"), .ours = mine()});
}

static void what_was_skipped_is_looked_at_again_when_the_other_expires(void **state)
{
    struct delivery_plan plan = plan_of((struct scene){
        .context = "sess_other:", .there = token_of("sess_other", "", 20, NONE), .ours = mine()});

    (void)state;
    assert_int_equal(plan.act, DELIVERY_SKIP_CONTEXT);
    assert_int_equal(plan.again_ms, NOW_MS + 40000);
    plan = plan_of((struct scene){.context = "sess_other:", .ours = mine()});
    assert_true(plan.again_ms == FRESHET_NEVER);
}

static void our_own_former_context_is_ours(void **state)
{
    (void)state;
    expect(DELIVERY_WRITE, (struct scene){.context = "sess_a:org_1",
                                          .there = token_of("sess_a", "org_1", 0, NONE),
                                          .ours = mine(),
                                          .written = "sess_a:org_1"});
}

static void a_staler_token_does_not_replace_a_usable_one(void **state)
{
    struct delivery_plan plan = plan_of((struct scene){.context = "sess_a:",
                                                       .there = token_of("sess_a", "", 20, 200),
                                                       .ours = token_of("sess_a", "", 0, 100)});

    (void)state;
    assert_int_equal(plan.act, DELIVERY_SKIP_STALER);
    assert_int_equal(plan.again_ms, NOW_MS + 35000);
    expect(DELIVERY_SKIP_STALER, (struct scene){.context = NULL,
                                                .there = token_of("sess_a", "", 20, 200),
                                                .ours = token_of("sess_a", "", 0, 100)});
    /* Equal oiat: the older iat is staler. */
    expect(DELIVERY_SKIP_STALER, (struct scene){.context = "sess_a:",
                                                .there = token_of("sess_a", "", 0, 200),
                                                .ours = token_of("sess_a", "", 1, 200)});
}

static void a_staler_token_replaces_one_that_runs_out(void **state)
{
    (void)state;
    expect(DELIVERY_WRITE, (struct scene){.context = "sess_a:",
                                          .there = token_of("sess_a", "", 55, 200),
                                          .ours = token_of("sess_a", "", 0, 100)});
}

static void what_cannot_be_compared_is_written(void **state)
{
    (void)state;
    expect(DELIVERY_WRITE, (struct scene){.context = "sess_a:",
                                          .there = token_of("sess_a", "", 0, 200),
                                          .ours = token_of("sess_a", "", 1, NONE)});
    expect(DELIVERY_WRITE, (struct scene){.context = "sess_a:",
                                          .there = token_of("sess_a", "", 0, NONE),
                                          .ours = token_of("sess_a", "", 1, NONE)});
    expect(DELIVERY_WRITE, (struct scene){.context = "sess_a:",
                                          .there = strdup("no.token"),
                                          .ours = token_of("sess_a", "", 0, 100)});
    expect(DELIVERY_WRITE, (struct scene){.context = "sess_a:",
                                          .there = token_of("sess_a", "org_1", 0, 200),
                                          .ours = token_of("sess_a", "", 0, 100)});
}

static void a_sign_out_removes_what_its_session_put_there(void **state)
{
    (void)state;
    expect(DELIVERY_REMOVE, (struct scene){.context = "sess_a:", .there = mine()});
    expect(DELIVERY_REMOVE, (struct scene){.context = "sess_a:org_1",
                                           .there = token_of("sess_a", "org_1", 0, NONE)});
    expect(DELIVERY_REMOVE, (struct scene){.context = NULL, .there = mine()});
    expect(DELIVERY_NOTHING, (struct scene){.context = ""});
    expect(DELIVERY_SKIP_CONTEXT,
           (struct scene){.context = "sess_ab:", .there = token_of("sess_ab", "", 0, NONE)});
    expect(DELIVERY_SKIP_CONTEXT,
           (struct scene){.context = NULL, .there = token_of("sess_b", "", 0, NONE)});
}

static void a_repair_replaces_an_older_token_of_ours_and_nothing_else(void **state)
{
    (void)state;
    expect(DELIVERY_WRITE, (struct scene){.context = "sess_a:",
                                          .there = token_of("sess_a", "", 30, NONE),
                                          .ours = mine(),
                                          .repair = true});
    expect(DELIVERY_NOTHING, (struct scene){.context = "sess_a:",
                                            .there = token_of("sess_a", "", 0, NONE),
                                            .ours = token_of("sess_a", "", 1, NONE),
                                            .repair = true});
    expect(DELIVERY_NOTHING, (struct scene){.context = "sess_b:",
                                            .there = token_of("sess_b", "", 70, NONE),
                                            .ours = mine(),
                                            .repair = true});
    expect(DELIVERY_NOTHING, (struct scene){.context = NULL, .ours = mine(), .repair = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_place_takes_a_token),
        cmocka_unit_test(the_same_token_is_not_written_again),
        cmocka_unit_test(another_live_session_keeps_the_jar),
        cmocka_unit_test(the_focused_and_the_agent_take_the_jar),
        cmocka_unit_test(a_jar_whose_token_has_expired_is_free),
        cmocka_unit_test(what_was_skipped_is_looked_at_again_when_the_other_expires),
        cmocka_unit_test(our_own_former_context_is_ours),
        cmocka_unit_test(a_staler_token_does_not_replace_a_usable_one),
        cmocka_unit_test(a_staler_token_replaces_one_that_runs_out),
        cmocka_unit_test(what_cannot_be_compared_is_written),
        cmocka_unit_test(a_repair_replaces_an_older_token_of_ours_and_nothing_else),
        cmocka_unit_test(a_sign_out_removes_what_its_session_put_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
