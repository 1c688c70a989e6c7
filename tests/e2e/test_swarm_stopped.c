/*
 * A process that is stopped in the middle of its work (SIGSTOP, a debugger, a frozen container), and
 * one that is killed after a fork: a token lease is passed by or free, a credential is guarded.
 */
#include "cmocka_all.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "herd.h"
#include "issuer_log.h"

#define HERD       5
#define STOPPED    0 /* the member that is stopped */
#define PATIENT_MS 60000

static int stopped_open(void **state)
{
    struct herd *herd = calloc(1, sizeof(*herd));
    char ttl[16];
    char latency[16];
    const char *const options[] = {"--ttl",      ttl,      "--latency", latency,
                                   "--rotation", "strict", NULL};

    assert_non_null(herd);
    snprintf(ttl, sizeof(ttl), "%us", freshet_herd_scale(6, 10));
    snprintf(latency, sizeof(latency), "%ums", freshet_herd_scale(200, 500));
    freshet_herd_open(herd, options);
    *state = herd;
    return 0;
}

static int stopped_close(void **state)
{
    freshet_herd_close(*state);
    free(*state);
    return 0;
}

static void stopped_begin(struct herd *herd, size_t count)
{
    freshet_herd_start_all(herd, count);
    freshet_herd_await(herd, freshet_herd_all_ready, 0, 0, PATIENT_MS, "all are ready");
    freshet_herd_mark(herd);
    freshet_herd_await(herd, freshet_herd_all_have, 0, 1, PATIENT_MS, "a next token each");
    freshet_herd_await(herd, freshet_herd_all_agree, 0, 0, PATIENT_MS, "the same for all");
    freshet_herd_mark(herd);
}

/* It catches up when it goes on, and nobody was signed out or held an expired token. */
static void stopped_go_on(struct herd *herd, size_t stopped)
{
    assert_int_equal(kill(herd->members[stopped].pid, SIGCONT), 0);
    freshet_herd_mark(herd);
    freshet_herd_await(herd, freshet_herd_all_have, 0, 1, PATIENT_MS, "all have a next token");
    freshet_herd_await(herd, freshet_herd_all_agree, 0, 0, PATIENT_MS, "all have the same");
    for (size_t i = 0; i < herd->count; i++) {
        assert_int_equal(herd->members[i].expired, 0);
        assert_int_equal(herd->members[i].signed_outs, 0);
    }
}

/* While it is stopped, the others get so many tokens, and are as well kept as ever. */
static void stopped_pass_by(struct herd *herd, size_t stopped)
{
    unsigned tokens = freshet_herd_scale(2, 5);

    assert_int_equal(kill(herd->members[stopped].pid, SIGSTOP), 0);
    for (size_t i = 0; i < herd->count; i++) {
        if (i != stopped) {
            freshet_herd_await(herd, freshet_herd_has, i, tokens, PATIENT_MS,
                               "the others get tokens");
        }
    }
    freshet_herd_assert_well_kept(herd);
    stopped_go_on(herd, stopped);
}

static void a_stopped_lease_holder_keeps_nobody_waiting(void **state)
{
    struct herd *herd = *state;
    size_t holder = 0;

    stopped_begin(herd, HERD);
    freshet_herd_await(herd, freshet_herd_somebody_fetches, 0, 0, PATIENT_MS, "somebody fetches");
    while (herd->members[holder].requests == 0) {
        holder++;
    }
    assert_true(freshet_herd_locks_held(herd) > 0);
    stopped_pass_by(herd, holder);
}

static bool stopped_is_felt(const struct herd *herd, size_t stopped, unsigned tokens)
{
    bool felt = true;

    for (size_t i = 0; i < herd->count; i++) {
        felt = felt && (i == stopped || herd->members[i].lacks > 0 ||
                        herd->members[i].token_count >= tokens);
    }
    return felt;
}

/*
 * A touch may bring a successor, so the credential is kept from the others until it is saved: the
 * others may come to lack a token. Strict rotation would sign all out if one of them went ahead.
 */
static void a_stopped_touch_ends_no_session(void **state)
{
    struct herd *herd = *state;
    struct request_log log;

    stopped_begin(herd, HERD);
    freshet_herd_command(herd, STOPPED, 'w');
    freshet_herd_await(herd, freshet_herd_touched, STOPPED, 1, PATIENT_MS, "it touches");
    assert_int_equal(kill(herd->members[STOPPED].pid, SIGSTOP), 0);
    freshet_herd_await(herd, stopped_is_felt, STOPPED, 3, PATIENT_MS, "time goes by");
    stopped_go_on(herd, STOPPED);
    freshet_request_log_read(&log, herd->issuer.log_file);
    freshet_request_log_assert_no_return(&log);
    freshet_request_log_free(&log);
}

static void a_fork_with_a_lease_does_not_keep_it(void **state)
{
    struct herd *herd = *state;

    stopped_begin(herd, 1);
    freshet_herd_command(herd, 0, 'f');
    freshet_herd_await(herd, freshet_herd_forked, 0, 0, PATIENT_MS, "it forks with a lease");
    assert_true(freshet_herd_locks_held(herd) > 0);
    freshet_herd_kill(herd, 0);
    assert_int_equal(freshet_herd_locks_held(herd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stopped_lease_holder_keeps_nobody_waiting, stopped_open,
                                        stopped_close),
        cmocka_unit_test_setup_teardown(a_stopped_touch_ends_no_session, stopped_open,
                                        stopped_close),
        cmocka_unit_test_setup_teardown(a_fork_with_a_lease_does_not_keep_it, stopped_open,
                                        stopped_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
