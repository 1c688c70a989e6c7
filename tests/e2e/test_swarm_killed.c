/*
 * Processes are killed at random instants, of which many lie between the issuer's answer and the
 * saving of the successor that it brought, and are started again. The session survives it, nothing
 * half-written is read, no lease stays held, and a kill costs one request at most.
 *
 * FRESHET_SEED in the environment repeats a run, as far as a kernel can.
 */
#include "cmocka_all.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "herd.h"
#include "issuer_log.h"

#define HERD       6
#define PATIENT_MS 60000

struct story {
    struct herd herd;
    struct herd measure;
    uint64_t random;
    FILE *log; /* the issuer's, read as it grows */
    int log_watch;
    unsigned starts;
};

static unsigned story_draw(struct story *story, unsigned below)
{
    story->random ^= story->random << 13;
    story->random ^= story->random >> 7;
    story->random ^= story->random << 17;
    return (unsigned)(story->random % below);
}

static void story_seed(struct story *story)
{
    const char *wanted = getenv("FRESHET_SEED");
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    story->random = wanted != NULL ? strtoull(wanted, NULL, 10)
                                   : (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    print_message("seed %llu\n", (unsigned long long)story->random);
}

static void story_open_herd(struct herd *herd)
{
    static const char *const options[] = {"--ttl",     "4s",   "--rotation", "grace",
                                          "--latency", "10ms", NULL};

    freshet_herd_open(herd, options);
}

static int story_open(void **state)
{
    struct story *story = calloc(1, sizeof(*story));

    assert_non_null(story);
    *state = story;
    story_seed(story);
    story_open_herd(&story->herd);
    story_open_herd(&story->measure);
    freshet_herd_start_all(&story->herd, HERD);
    freshet_herd_start_all(&story->measure, 1);
    story->starts = HERD;
    freshet_herd_await(&story->herd, freshet_herd_all_ready, 0, 0, PATIENT_MS, "all are ready");
    freshet_herd_await(&story->measure, freshet_herd_all_ready, 0, 0, PATIENT_MS, "it is ready");
    story->log = fopen(story->herd.issuer.log_file, "re");
    assert_non_null(story->log);
    story->log_watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    assert_true(story->log_watch >= 0);
    assert_true(inotify_add_watch(story->log_watch, story->herd.issuer.log_file, IN_MODIFY) >= 0);
    return 0;
}

/* A test that fails ends here, too, so that no issuer is left behind. */
static int story_close(void **state)
{
    struct story *story = *state;

    fclose(story->log);
    close(story->log_watch);
    freshet_herd_close(&story->herd);
    freshet_herd_close(&story->measure);
    free(story);
    return 0;
}

/* ---- instants ---- */

static int64_t story_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void story_listen_us(struct story *story, unsigned us)
{
    int64_t until_us = story_now_us() + us;

    freshet_herd_listen(&story->herd, freshet_herd_never, 0, 0, us / 1000);
    while (story_now_us() < until_us) {
        freshet_herd_listen(&story->herd, freshet_herd_never, 0, 0, 0);
    }
}

/* The issuer writes its line just before it answers. */
static void story_await_client_answer(struct story *story)
{
    struct pollfd watch = {.fd = story->log_watch, .events = POLLIN};
    char events[4096];
    char line[4096];
    bool answered = false;

    while (fgets(line, sizeof(line), story->log) != NULL) {
    }
    while (!answered) {
        clearerr(story->log);
        assert_int_equal(poll(&watch, 1, PATIENT_MS), 1);
        assert_true(read(story->log_watch, events, sizeof(events)) > 0);
        while (fgets(line, sizeof(line), story->log) != NULL) {
            answered = answered || strstr(line, "\"on\":\"client\"") != NULL;
        }
    }
}

static void story_start(struct story *story, size_t number)
{
    freshet_herd_start(&story->herd, number);
    story->starts++;
}

/* A member that runs, one that has just started, or one that has just been answered, is killed. */
static void story_kill(struct story *story)
{
    size_t number = story_draw(story, HERD);

    switch (story_draw(story, 3)) {
    case 0:
        story_listen_us(story, story_draw(story, 150000));
        break;
    case 1:
        freshet_herd_kill(&story->herd, number);
        story_start(story, number);
        story_listen_us(story, story_draw(story, 60000));
        break;
    default:
        freshet_herd_kill(&story->herd, number);
        story_start(story, number);
        story_await_client_answer(story);
        story_listen_us(story, story_draw(story, 600));
        break;
    }
    freshet_herd_kill(&story->herd, number);
    freshet_herd_assert_records_whole(&story->herd);
    story_start(story, number);
}

/* ---- judging ---- */

static void story_assert_alive(struct story *story)
{
    struct herd *herd = &story->herd;

    freshet_herd_await(herd, freshet_herd_all_ready, 0, 0, PATIENT_MS, "all are ready again");
    freshet_herd_assert_well_kept(herd);
    freshet_herd_mark(herd);
    freshet_herd_await(herd, freshet_herd_all_have, 0, 1, PATIENT_MS, "a next token for all");
    story_start(story, HERD);
    freshet_herd_await(herd, freshet_herd_all_ready, 0, 0, PATIENT_MS, "a fresh process, too");
    freshet_herd_assert_well_kept(herd);
    for (size_t i = 0; i < herd->count; i++) {
        freshet_herd_ask_status(herd, i);
        assert_int_equal(herd->members[i].signed_outs, 0);
        assert_string_equal(herd->members[i].sharing_fault, "");
        assert_string_equal(herd->members[i].credential_fault, "");
    }
}

static void story_assert_cost(const struct story *story, unsigned kills)
{
    struct request_log log;
    struct request_log measure;
    size_t tokens = 0;
    size_t clients = 0;
    size_t expected = 0;

    freshet_request_log_read(&log, story->herd.issuer.log_file);
    freshet_request_log_read(&measure, story->measure.issuer.log_file);
    tokens = freshet_request_log_count(&log, "tokens", 0, 999);
    clients = freshet_request_log_count(&log, "client", 0, 999);
    expected = freshet_request_log_count(&measure, "tokens", 0, 999);
    print_message("%u kills, %u starts: %zu token requests (one process: %zu), %zu of clients, "
                  "%zu rotations, %zu successors lost\n",
                  kills, story->starts, tokens, expected, clients,
                  freshet_request_log_rotations(&log), freshet_request_log_lost(&log));
    freshet_request_log_assert_no_return(&log);
    assert_int_equal(freshet_request_log_count(&log, "", 400, 499), 0);
    assert_true(tokens <= expected + 1 + kills);
    assert_true(clients <= story->starts);
    freshet_request_log_free(&log);
    freshet_request_log_free(&measure);
}

static void story_assert_nothing_is_left(struct story *story)
{
    for (size_t i = 0; i < story->herd.count; i++) {
        freshet_herd_kill(&story->herd, i);
    }
    assert_int_equal(freshet_herd_locks_held(&story->herd), 0);
    freshet_herd_start(&story->herd, 0);
    freshet_herd_await(&story->herd, freshet_herd_all_ready, 0, 0, PATIENT_MS, "the last one");
    assert_int_equal(freshet_herd_files(&story->herd, ".new-"), 0);
}

static void killed_processes_leave_the_session_whole(void **state)
{
    struct story *story = *state;
    unsigned kills = freshet_herd_scale(36, 300);

    for (unsigned i = 0; i < kills; i++) {
        story_kill(story);
    }
    kills = story->starts - HERD;
    story_assert_alive(story);
    story_assert_cost(story, kills);
    story_assert_nothing_is_left(story);
}

/* It has the lease then, and its request is on its way. */
static size_t story_await_holder(struct story *story)
{
    size_t holder = 0;

    freshet_herd_mark(&story->herd);
    freshet_herd_await(&story->herd, freshet_herd_somebody_fetches, 0, 0, PATIENT_MS, "a refresh");
    while (story->herd.members[holder].requests == 0) {
        holder++;
    }
    return holder;
}

static void killed_lease_holders_leave_their_lease(void **state)
{
    struct story *story = *state;
    unsigned kills = freshet_herd_scale(4, 40);

    for (unsigned i = 0; i < kills; i++) {
        size_t holder = story_await_holder(story);

        story_listen_us(story, story_draw(story, 15000)); /* the answer takes 10 ms */
        freshet_herd_kill(&story->herd, holder);
        freshet_herd_await(&story->herd, freshet_herd_all_have, 0, 1, PATIENT_MS,
                           "the others get the token");
        assert_true(freshet_herd_requests(&story->herd) <= 2);
        freshet_herd_assert_well_kept(&story->herd);
        story_start(story, holder);
        freshet_herd_await(&story->herd, freshet_herd_all_ready, 0, 0, PATIENT_MS, "it is back");
    }
    story_assert_alive(story);
    story_assert_cost(story, kills);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(killed_processes_leave_the_session_whole, story_open,
                                        story_close),
        cmocka_unit_test_setup_teardown(killed_lease_holders_leave_their_lease, story_open,
                                        story_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
