/*
 * Many threads and one client: one request for all of them, and no signal for Freshet's thread.
 */
#include "cmocka_all.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "library_world.h"

static void threads_make_one_request(size_t count)
{
    const struct freshet_request request = freshet_world_template("shared");
    struct getter getters[10];
    struct world world;

    freshet_world_open(&world, NULL, NULL);
    freshet_issuer_fault(&world.issuer, "tokens/shared", "[{\"latency_ms\": 200}]");
    freshet_getters_start(getters, count, world.session, &request);
    freshet_getters_join(getters, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(getters[i].status, FRESHET_OK);
        assert_string_equal(getters[i].text, getters[0].text);
    }
    assert_int_equal(freshet_issuer_logged(&world.issuer, "\"template\":\"shared\""), 1);
    freshet_world_close(&world);
}

static void two_threads_make_one_request(void **state)
{
    (void)state;
    threads_make_one_request(2);
}

static void ten_threads_make_one_request(void **state)
{
    (void)state;
    threads_make_one_request(10);
}

static void threads_with_different_keys_do_not_wait_for_each_other(void **state)
{
    const struct freshet_request slow = freshet_world_template("slow");
    const struct freshet_request quick = freshet_world_template("quick");
    struct getter waiting;
    struct getter served;
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    freshet_issuer_fault(&world.issuer, "tokens/slow", "[{\"hang\": true, \"count\": -1}]");
    freshet_getters_start(&waiting, 1, world.session, &slow);
    freshet_issuer_await_hanging(&world.issuer, 1);
    freshet_getters_start(&served, 1, world.session, &quick);
    freshet_getters_join(&served, 1);
    assert_int_equal(served.status, FRESHET_OK);
    freshet_session_close(world.session);
    freshet_getters_join(&waiting, 1);
    assert_int_equal(waiting.status, FRESHET_CLOSED);
    freshet_world_close(&world);
}

static void clients_in_one_process_are_apart(void **state)
{
    struct freshet_token *token = NULL;
    struct world one;
    struct world other;

    (void)state;
    freshet_world_open(&one, NULL, NULL);
    freshet_world_open(&other, NULL, NULL);
    assert_int_equal(freshet_get(one.session, NULL, &token, NULL), FRESHET_OK);
    freshet_world_close(&one);
    /* A token outlives its client. */
    assert_int_equal(strlen(freshet_token_text(token)), freshet_token_length(token));
    freshet_token_unref(token);
    assert_int_equal(freshet_get(other.session, NULL, &token, NULL), FRESHET_OK);
    freshet_token_unref(token);
    freshet_world_close(&other);
}

static void ignore(int number)
{
    (void)number;
}

/* A signal that every thread blocks stays pending for the process. */
static void the_clients_thread_takes_no_signals(void **state)
{
    const struct timespec at_once = {0};
    const struct sigaction action = {.sa_handler = ignore};
    sigset_t one;
    struct world world;

    (void)state;
    freshet_world_open(&world, NULL, NULL);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &one, NULL), 0);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    /* What Freshet's thread would have taken is gone once that thread has done something else. */
    freshet_world_await_waiting(&world, 0);
    assert_int_equal(sigtimedwait(&one, NULL, &at_once), SIGUSR1);
    freshet_world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_threads_make_one_request),
        cmocka_unit_test(ten_threads_make_one_request),
        cmocka_unit_test(threads_with_different_keys_do_not_wait_for_each_other),
        cmocka_unit_test(clients_in_one_process_are_apart),
        cmocka_unit_test(the_clients_thread_takes_no_signals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
