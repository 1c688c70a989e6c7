/*
 * A child after fork() cannot use what it inherited, may close it, may open its own, and disturbs
 * its parent in nothing. The child ends with _exit(): what the parent's thread held on its stack at
 * that moment looks like a leak there.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "library_world.h"

/* Ends the child with the number of the expectation that failed. */
static void expect(int number, int holds)
{
    if (!holds) {
        fprintf(stderr, "expectation %d of the child does not hold\n", number);
        _exit(number);
    }
}

static void fork_use_inherited(struct world *world)
{
    struct freshet_session *session = NULL;
    struct freshet_token *token = NULL;
    struct freshet_error error;
    struct answers answers = ANSWERS_NONE;
    const struct freshet_session_options options = {.size = sizeof(options),
                                                    .url = world->issuer.url,
                                                    .client_token = world->issuer.client_token};
    char text[ISSUER_TEXT_MAX];
    char *json = NULL;

    expect(1, freshet_get(world->session, NULL, &token, &error) == FRESHET_FORKED);
    expect(2, error.status == FRESHET_FORKED && strlen(error.message) > 0 && token == NULL);
    expect(3, freshet_peek(world->session, text, sizeof(text), NULL, NULL) == FRESHET_FORKED);
    expect(4, freshet_get_async(world->session, NULL, freshet_answers_take, &answers, NULL) ==
                  FRESHET_FORKED);
    expect(5, freshet_session_open(world->client, &options, &session, NULL) == FRESHET_FORKED);
    expect(6, freshet_sign_out(world->session, FRESHET_SIGN_OUT_FITTING) == FRESHET_FORKED);
    expect(7, freshet_set_organization(world->session, "") == FRESHET_FORKED);
    expect(8, freshet_subscribe(world->client, NULL, NULL) == FRESHET_FORKED);
    expect(9, freshet_status_json(world->client, &json) == FRESHET_FORKED && json == NULL);
    expect(10, freshet_dispatch(world->client) == FRESHET_FORKED);
    expect(11, freshet_poll_fd(world->client) == -1);
    freshet_cancel(world->session, 1);
    freshet_wake(world->client);
    freshet_session_close(world->session);
    freshet_close(world->client);
    expect(12, freshet_answers_count(&answers) == 0);
}

/* Without a thread: the thread sanitizer does not let a forked child start one. */
static void fork_use_own(struct world *world)
{
    const struct freshet_client_options client_options = {.size = sizeof(client_options),
                                                          .host_loop = 1};
    const struct freshet_session_options options = {.size = sizeof(options),
                                                    .url = world->issuer.url,
                                                    .client_token = world->issuer.client_token};
    struct freshet_client *client = NULL;
    struct freshet_session *session = NULL;
    struct freshet_token *token = NULL;

    expect(20, freshet_open(&client_options, &client, NULL) == FRESHET_OK);
    expect(21, freshet_session_open(client, &options, &session, NULL) == FRESHET_OK);
    expect(22, freshet_get(session, NULL, &token, NULL) == FRESHET_OK);
    freshet_token_unref(token);
    freshet_close(client);
}

static void fork_child(struct world *world, void (*child)(struct world *world))
{
    int status = 0;
    pid_t pid = 0;

    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child(world);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void child_closes(struct world *world)
{
    fork_use_inherited(world);
    world->client = NULL;
    world->session = NULL;
}

static void child_closes_and_opens(struct world *world)
{
    fork_use_inherited(world);
    fork_use_own(world);
}

static void child_of_a_child(struct world *world)
{
    freshet_close(world->client);
    fork_child(world, fork_use_own);
}

static void fork_parent_goes_on(const struct world *world)
{
    const struct freshet_request fresh = {.size = sizeof(fresh), .skip_cache = 1};
    struct freshet_token *token = NULL;
    char text[ISSUER_TEXT_MAX];

    assert_int_equal(freshet_get(world->session, &fresh, &token, NULL), FRESHET_OK);
    freshet_token_unref(token);
    assert_int_equal(freshet_peek(world->session, text, sizeof(text), NULL, NULL), FRESHET_OK);
}

static void fork_open(struct world *world)
{
    static const char *const options[] = {"--rotation", "keep", NULL};
    struct freshet_token *token = NULL;

    freshet_world_open(world, NULL, options);
    assert_int_equal(freshet_get(world->session, NULL, &token, NULL), FRESHET_OK);
    freshet_token_unref(token);
}

static void a_child_is_refused_and_closes_without_a_trace(void **state)
{
    struct world world;

    (void)state;
    fork_open(&world);
    fork_child(&world, child_closes);
    fork_parent_goes_on(&world);
    freshet_world_close(&world);
}

static void a_child_may_open_its_own(void **state)
{
    struct world world;

    (void)state;
    fork_open(&world);
    fork_child(&world, child_closes_and_opens);
    fork_parent_goes_on(&world);
    freshet_world_close(&world);
}

static void a_child_of_a_child_may_too(void **state)
{
    struct world world;

    (void)state;
    fork_open(&world);
    fork_child(&world, child_of_a_child);
    fork_parent_goes_on(&world);
    freshet_world_close(&world);
}

/* The calls of other threads are copied into the child too. */
static void a_fork_while_calls_wait_ends_none_of_them(void **state)
{
    const struct freshet_request request = freshet_world_template("never");
    struct answers answers = ANSWERS_NONE;
    struct getter getters[4];
    struct world world;

    (void)state;
    fork_open(&world);
    freshet_issuer_fault(&world.issuer, "tokens/never", "[{\"hang\": true, \"count\": -1}]");
    freshet_getters_start(getters, 4, world.session, &request);
    assert_int_equal(
        freshet_get_async(world.session, &request, freshet_answers_take, &answers, NULL),
        FRESHET_OK);
    freshet_world_await_waiting(&world, 5);
    freshet_issuer_await_hanging(&world.issuer, 1);
    fork_child(&world, child_closes);
    fork_parent_goes_on(&world);
    freshet_world_await_waiting(&world, 5);
    assert_int_equal(freshet_answers_count(&answers), 0);
    freshet_session_close(world.session);
    freshet_getters_join(getters, 4);
    assert_int_equal(getters[0].status, FRESHET_CLOSED);
    freshet_world_close(&world);
    assert_int_equal(freshet_answers_count(&answers), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_is_refused_and_closes_without_a_trace),
        cmocka_unit_test(a_child_may_open_its_own),
        cmocka_unit_test(a_child_of_a_child_may_too),
        cmocka_unit_test(a_fork_while_calls_wait_ends_none_of_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
