/*
 * Twenty processes of one user cost the issuer what one costs: in good times, in an outage, when they
 * wake up, and when one of them signs out.
 *
 * Beside the swarm goes one process with an issuer of its own, the measure. It is also the clock:
 * a time is over when the measure has refreshed so often. The tests are one story, in this order.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "herd.h"
#include "issuer_log.h"

#define SWARM      20
#define SIGNING    7 /* who signs out */
#define PATIENT_MS 60000

struct pair {
    struct herd swarm;
    struct herd measure;
};

/* Refusing a replaced client token at once is the hardest issuer. */
static void pair_open_herd(struct herd *herd)
{
    char ttl[16];
    const char *const options[] = {"--ttl", ttl, "--rotation", "strict", NULL};

    snprintf(ttl, sizeof(ttl), "%us", freshet_herd_scale(4, 10));
    freshet_herd_open(herd, options);
}

static int pair_open(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));

    assert_non_null(pair);
    pair_open_herd(&pair->swarm);
    pair_open_herd(&pair->measure);
    freshet_herd_start_all(&pair->swarm, SWARM);
    freshet_herd_start_all(&pair->measure, 1);
    *state = pair;
    return 0;
}

static int pair_close(void **state)
{
    struct pair *pair = *state;

    freshet_herd_close(&pair->swarm);
    freshet_herd_close(&pair->measure);
    free(pair);
    return 0;
}

/* Both begin with one token for all, a moment after it came, and with empty tallies. */
static void pair_begin(struct pair *pair)
{
    freshet_herd_mark(&pair->swarm);
    freshet_herd_mark(&pair->measure);
    freshet_herd_await(&pair->measure, freshet_herd_all_have, 0, 1, PATIENT_MS, "a next token");
    freshet_herd_await(&pair->swarm, freshet_herd_all_have, 0, 1, PATIENT_MS, "a next token each");
    freshet_herd_await(&pair->swarm, freshet_herd_all_agree, 0, 0, PATIENT_MS, "the same for all");
    freshet_herd_mark(&pair->swarm);
    freshet_herd_mark(&pair->measure);
}

static void pair_assert_same_cost(const struct pair *pair, int swarm_before, int measure_before)
{
    int swarm = freshet_issuer_requests(&pair->swarm.issuer, "tokens") - swarm_before;
    int measure = freshet_issuer_requests(&pair->measure.issuer, "tokens") - measure_before;

    print_message("token requests: %d of %d processes, %d of one\n", swarm, SWARM, measure);
    assert_in_range(swarm, measure - 1, measure + 1);
}

static void pair_assert_same_tokens(const struct herd *herd, unsigned tokens)
{
    for (size_t i = 0; i < SWARM; i++) {
        assert_memory_equal(herd->members[i].tokens, herd->members[0].tokens,
                            tokens * sizeof(herd->members[0].tokens[0]));
    }
}

static void twenty_cost_what_one_costs(void **state)
{
    struct pair *pair = *state;
    unsigned refreshes = freshet_herd_scale(4, 17);
    int swarm_before = 0;
    int measure_before = 0;

    freshet_herd_await(&pair->swarm, freshet_herd_all_ready, 0, 0, PATIENT_MS, "all are ready");
    freshet_herd_await(&pair->measure, freshet_herd_all_ready, 0, 0, PATIENT_MS, "it is ready");
    pair_begin(pair);
    swarm_before = freshet_issuer_requests(&pair->swarm.issuer, "tokens");
    measure_before = freshet_issuer_requests(&pair->measure.issuer, "tokens");
    freshet_herd_await(&pair->measure, freshet_herd_all_have, 0, refreshes,
                       PATIENT_MS + refreshes * 10000, "the measure's refreshes");
    freshet_herd_await(&pair->swarm, freshet_herd_all_have, 0, refreshes, PATIENT_MS,
                       "every process has every token");
    pair_assert_same_cost(pair, swarm_before, measure_before);
    pair_assert_same_tokens(&pair->swarm, refreshes);
    freshet_herd_assert_well_kept(&pair->swarm);
    freshet_herd_assert_well_kept(&pair->measure);
}

static void twenty_in_an_outage_cost_what_one_costs(void **state)
{
    static const char outage[] = "[{\"status\": 503, \"count\": -1}]";
    struct pair *pair = *state;
    unsigned failures = freshet_herd_scale(5, 8);
    int swarm_before = 0;
    int measure_before = 0;

    pair_begin(pair);
    swarm_before = freshet_issuer_requests(&pair->swarm.issuer, "tokens");
    measure_before = freshet_issuer_requests(&pair->measure.issuer, "tokens");
    freshet_issuer_fault(&pair->swarm.issuer, "*", outage);
    freshet_issuer_fault(&pair->measure.issuer, "*", outage);
    freshet_herd_await(&pair->measure, freshet_herd_requested, 0, failures, 2 * PATIENT_MS,
                       "the measure's failures");
    pair_assert_same_cost(pair, swarm_before, measure_before);
    freshet_issuer_fault(&pair->swarm.issuer, "*", "[]");
    freshet_issuer_fault(&pair->measure.issuer, "*", "[]");
    freshet_herd_await(&pair->measure, freshet_herd_all_have, 0, 1, PATIENT_MS, "its token");
    freshet_herd_await(&pair->swarm, freshet_herd_all_have, 0, 1, PATIENT_MS, "a token for all");
    pair_assert_same_cost(pair, swarm_before, measure_before);
}

/* Touches rotate the client token, while tokens are fetched with it. */
static void no_replaced_client_token_is_used(void **state)
{
    struct pair *pair = *state;
    struct request_log log;
    size_t rotations = 0;

    pair_begin(pair);
    for (size_t i = 0; i < SWARM; i++) {
        freshet_herd_command(&pair->swarm, i, 'w');
    }
    freshet_herd_await_issuer(&pair->swarm, "touch", SWARM, PATIENT_MS);
    freshet_herd_await(&pair->swarm, freshet_herd_all_have, 0, 2, PATIENT_MS, "two tokens later");
    freshet_request_log_read(&log, pair->swarm.issuer.log_file);
    freshet_request_log_assert_strict_chain(&log);
    rotations = freshet_request_log_rotations(&log);
    print_message("%zu client answers, %zu touches, %zu rotations\n",
                  freshet_request_log_count(&log, "client", 0, 999),
                  freshet_request_log_count(&log, "touch", 0, 999), rotations);
    assert_true(rotations >= 2 * SWARM); /* each opened, each touched */
    assert_int_equal(freshet_request_log_count(&log, "", 401, 401), 0);
    freshet_request_log_free(&log);
}

static void one_signs_out_and_nobody_comes_back(void **state)
{
    struct pair *pair = *state;
    struct herd *swarm = &pair->swarm;
    int before = 0;

    pair_begin(pair);
    freshet_herd_command(swarm, SIGNING, 's');
    freshet_herd_await(swarm, freshet_herd_all_signed_out, 0, 0, PATIENT_MS, "all signed out");
    before = freshet_issuer_requests(&swarm->issuer, "tokens");
    freshet_herd_start(swarm, SWARM); /* with the same client token file */
    freshet_herd_await(&pair->measure, freshet_herd_all_have, 0, 3, PATIENT_MS, "time goes by");
    freshet_herd_await(swarm, freshet_herd_all_signed_out, 0, 0, PATIENT_MS, "the late one too");
    for (size_t i = 0; i <= SWARM; i++) {
        freshet_herd_ask_status(swarm, i); /* all that it has said before is read then */
        assert_int_equal(swarm->members[i].signed_outs, 1);
        assert_int_equal(swarm->members[i].revived, 0);
    }
    assert_int_equal(swarm->members[SWARM].token_count, 0);
    assert_int_equal(freshet_issuer_requests(&swarm->issuer, "tokens"), before);
    assert_int_equal(freshet_issuer_requests(&swarm->issuer, "end") +
                         freshet_issuer_requests(&swarm->issuer, "remove") +
                         freshet_issuer_requests(&swarm->issuer, "sessions"),
                     1);
    assert_int_equal(freshet_herd_files(swarm, ".record"), 0);
    assert_int_equal(freshet_herd_locks_held(swarm), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_cost_what_one_costs),
        cmocka_unit_test(twenty_in_an_outage_cost_what_one_costs),
        cmocka_unit_test(no_replaced_client_token_is_used),
        cmocka_unit_test(one_signs_out_and_nobody_comes_back),
    };

    return cmocka_run_group_tests(tests, pair_open, pair_close);
}
