/*
 * A process is stopped while its request is under way, the answer comes, the deadline passes, the
 * process goes on: the answer is read before the deadline is applied, if the loop gets one full turn.
 * Without an answer the request is given up.
 */
#include "cmocka_all.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/alarm.h"
#include "runtime/clock.h"
#include "runtime/http.h"
#include "stopped_child.h"

#define DEADLINE_MS 20

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nAuthorization: fresh\r\n\r\nbody";

/* What parent and child both see. */
struct shared {
    int64_t deadline_ms;
    int answers;
    int status;
    bool abandoned;
};

/* The child's world. */
struct caller {
    uv_loop_t loop;
    struct http *http;
    struct alarm alarm;
    uv_poll_t heard; /* readable: the request has arrived at the peer */
    uv_idle_t idle;
    uv_check_t check;
    bool turned;
    struct shared *shared;
};

/* ---- the child ---- */

static void caller_answered(void *context, request_id id, const struct http_response *response,
                            const char *address, struct now received)
{
    struct caller *caller = context;

    (void)id;
    (void)address;
    (void)received;
    caller->shared->answers++;
    caller->shared->status = response->status;
}

static void caller_idle(uv_idle_t *idle)
{
    ((struct caller *)idle->data)->turned = true;
}

static void caller_check(uv_check_t *check)
{
    struct caller *caller = check->data;

    if (caller->turned) {
        uv_idle_stop(&caller->idle);
        uv_check_stop(&caller->check);
        caller->shared->abandoned = caller->shared->answers == 0;
        freshet_http_abandon(caller->http, 1);
        uv_stop(&caller->loop);
    }
}

static void caller_deadline(void *context)
{
    struct caller *caller = context;

    uv_idle_start(&caller->idle, caller_idle);
    uv_check_start(&caller->check, caller_check);
}

/* The request is under way: the process stops before its loop can see anything else. */
static void caller_stops(uv_poll_t *poll, int status, int events)
{
    struct caller *caller = poll->data;

    (void)status;
    (void)events;
    uv_poll_stop(poll);
    caller->shared->deadline_ms = freshet_clock_sample().boot_ms + DEADLINE_MS;
    freshet_alarm_set(&caller->alarm, caller->shared->deadline_ms);
    raise(SIGSTOP);
}

static void caller_close(struct caller *caller)
{
    freshet_http_close(caller->http);
    freshet_alarm_close(&caller->alarm);
    uv_close((uv_handle_t *)&caller->heard, NULL);
    uv_close((uv_handle_t *)&caller->idle, NULL);
    uv_close((uv_handle_t *)&caller->check, NULL);
    uv_run(&caller->loop, UV_RUN_DEFAULT);
}

static void caller_run(struct shared *shared, int port, int heard)
{
    struct caller caller = {.shared = shared};
    struct http_request request = {.post = true, .answer_max = 100, .may_rotate = true};
    char url[64];

    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
    request.url = strdup(url);
    request.body = strdup("");
    if (uv_loop_init(&caller.loop) != 0 ||
        freshet_alarm_init(&caller.alarm, &caller.loop, caller_deadline, &caller) != 0 ||
        uv_poll_init(&caller.loop, &caller.heard, heard) != 0 ||
        uv_poll_start(&caller.heard, UV_READABLE, caller_stops) != 0) {
        _exit(1);
    }
    uv_idle_init(&caller.loop, &caller.idle);
    uv_check_init(&caller.loop, &caller.check);
    caller.heard.data = &caller;
    caller.idle.data = &caller;
    caller.check.data = &caller;
    caller.http = freshet_http_new(&caller.loop, &(struct http_options){.user_agent = "test/1"});
    if (!freshet_http_send(caller.http, &request, 1, true, caller_answered, &caller)) {
        _exit(1);
    }
    uv_run(&caller.loop, UV_RUN_DEFAULT);
    caller_close(&caller);
    _exit(uv_loop_close(&caller.loop) == 0 ? 0 : 1);
}

/* ---- the parent ---- */

static int peer_listen(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return listener;
}

/* Runs the caller up to its stop, answers or not, and lets it go on after its deadline. */
static void peer_play(struct shared *shared, bool answers)
{
    char request[1024];
    int heard[2];
    int port = 0;
    int listener = peer_listen(&port);
    int connection = -1;
    pid_t child = -1;

    assert_int_equal(pipe(heard), 0);
    child = fork();
    if (child == 0) {
        close(listener);
        caller_run(shared, port, heard[0]);
    }
    assert_true(child > 0);
    connection = accept(listener, NULL, NULL);
    assert_true(connection >= 0);
    assert_true(recv(connection, request, sizeof(request), 0) > 0);
    assert_int_equal(write(heard[1], "", 1), 1);
    assert_int_equal(freshet_child_wait_stopped(child), 0);
    if (answers) {
        assert_int_equal(send(connection, answer, strlen(answer), MSG_NOSIGNAL), strlen(answer));
    }
    assert_int_equal(freshet_child_wait_until(shared->deadline_ms + 1), 0);
    assert_int_equal(freshet_child_continue(child), 0);
    close(connection);
    close(listener);
    close(heard[0]);
    close(heard[1]);
}

static struct shared *shared_new(void)
{
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(shared, MAP_FAILED);
    return shared;
}

static void an_answer_that_came_during_a_stop_is_read(void **state)
{
    struct shared *shared = shared_new();

    (void)state;
    peer_play(shared, true);
    assert_int_equal(shared->answers, 1);
    assert_int_equal(shared->status, 200);
    assert_false(shared->abandoned);
    munmap(shared, sizeof(*shared));
}

static void a_request_without_an_answer_is_given_up_then(void **state)
{
    struct shared *shared = shared_new();

    (void)state;
    peer_play(shared, false);
    assert_int_equal(shared->answers, 0);
    assert_true(shared->abandoned);
    munmap(shared, sizeof(*shared));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_that_came_during_a_stop_is_read),
        cmocka_unit_test(a_request_without_an_answer_is_given_up_then),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
