/*
 * Answers that are easily lost: one that came while nobody looked, one with a reset right behind it,
 * and those of requests that share a client with one that hangs.
 */
#include "cmocka_all.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http_peer.h"
#include "runtime/http.h"

#define GOOD "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAuthorization: next\r\n\r\nhi"

/* A client, and a peer that leaves the first request hanging and answers the others. */
struct late {
    uv_loop_t loop;
    struct peer peer;
    struct http *http;
    struct visit *hanging;
    int answered;
    int count[4]; /* of answers, by request */
    int status[4];
    char authorization[16];
};

static void late_says(struct visit *visit)
{
    freshet_peer_say(visit, GOOD, sizeof(GOOD) - 1);
}

static void late_asked(struct visit *visit)
{
    struct late *late = visit->peer->context;

    if (late->hanging == NULL) {
        late->hanging = visit;
    } else {
        late_says(visit);
    }
}

static void late_answered(void *context, request_id id, const struct http_response *response,
                          const char *address, struct now received)
{
    struct late *late = context;

    (void)address;
    (void)received;
    late->answered++;
    late->count[id]++;
    late->status[id] = response->status;
    snprintf(late->authorization, sizeof(late->authorization), "%s",
             response->authorization != NULL ? response->authorization : "");
}

static int late_open(void **state)
{
    const struct http_options options = {.user_agent = "test"};
    struct late *late = calloc(1, sizeof(*late));

    *state = late;
    if (late == NULL || signal(SIGPIPE, SIG_IGN) == SIG_ERR || uv_loop_init(&late->loop) != 0) {
        return -1;
    }
    late->http = freshet_http_new(&late->loop, &options);
    return late->http != NULL ? freshet_peer_open(&late->peer, &late->loop, late_asked, late) : -1;
}

static int late_close(void **state)
{
    struct late *late = *state;
    int left = 0;

    freshet_http_close(late->http);
    freshet_peer_close(&late->peer);
    uv_run(&late->loop, UV_RUN_DEFAULT);
    left = uv_loop_close(&late->loop);
    free(late);
    return left;
}

static void late_send(struct late *late, request_id id, bool post)
{
    char url[64];
    struct http_request request = {.post = post, .answer_max = 100};

    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", late->peer.port);
    request.url = strdup(url);
    request.body = post ? strdup("") : NULL;
    assert_true(freshet_http_send(late->http, &request, id, true, late_answered, late));
}

static void late_wait_until_asked(struct late *late)
{
    while (late->hanging == NULL) {
        uv_run(&late->loop, UV_RUN_ONCE);
    }
}

static void late_wait_for_answers(struct late *late, int count)
{
    while (late->answered < count) {
        uv_run(&late->loop, UV_RUN_ONCE);
    }
}

/* This is the turn that a deadline leaves to the loop before the request is abandoned. */
static void an_answer_in_the_socket_is_read_in_one_turn(void **state)
{
    struct late *late = *state;

    late_send(late, 1, true);
    late_wait_until_asked(late);
    late_says(late->hanging);
    assert_int_equal(late->answered, 0);
    uv_run(&late->loop, UV_RUN_NOWAIT);
    assert_int_equal(late->answered, 1);
    assert_int_equal(late->status[1], 200);
    assert_string_equal(late->authorization, "next");
}

static void one_turn_without_an_answer_ends_in_silence(void **state)
{
    struct late *late = *state;

    late_send(late, 1, true);
    late_wait_until_asked(late);
    uv_run(&late->loop, UV_RUN_NOWAIT);
    freshet_http_abandon(late->http, 1);
    late_says(late->hanging);
    late_send(late, 2, true);
    late_wait_for_answers(late, 1);
    assert_int_equal(late->count[1], 0);
    assert_int_equal(late->status[2], 200);
}

static void an_answer_before_a_reset_is_read(void **state)
{
    struct late *late = *state;
    const struct linger at_once = {.l_onoff = 1};
    uv_os_fd_t descriptor = -1;

    late_send(late, 1, true);
    late_wait_until_asked(late);
    late_says(late->hanging);
    assert_int_equal(uv_fileno((uv_handle_t *)&late->hanging->tcp, &descriptor), 0);
    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    freshet_peer_hang_up(late->hanging);
    late_wait_for_answers(late, 1);
    assert_int_equal(late->status[1], 200);
    assert_string_equal(late->authorization, "next");
}

static void a_reset_without_an_answer_is_told_of(void **state)
{
    struct late *late = *state;
    const struct linger at_once = {.l_onoff = 1};
    uv_os_fd_t descriptor = -1;

    late_send(late, 1, true);
    late_wait_until_asked(late);
    assert_int_equal(uv_fileno((uv_handle_t *)&late->hanging->tcp, &descriptor), 0);
    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    freshet_peer_hang_up(late->hanging);
    late_wait_for_answers(late, 1);
    assert_int_equal(late->count[1], 1);
    assert_int_equal(late->status[1], 0);
}

static void a_request_that_hangs_holds_no_other_up(void **state)
{
    struct late *late = *state;

    late_send(late, 1, false);
    late_send(late, 2, false);
    late_send(late, 3, false);
    late_wait_for_answers(late, 2);
    late_says(late->hanging);
    late_wait_for_answers(late, 3);
    for (int id = 1; id <= 3; id++) {
        assert_int_equal(late->count[id], 1);
        assert_int_equal(late->status[id], 200);
    }
}

#define LATE_TEST(name) cmocka_unit_test_setup_teardown(name, late_open, late_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LATE_TEST(an_answer_in_the_socket_is_read_in_one_turn),
        LATE_TEST(one_turn_without_an_answer_ends_in_silence),
        LATE_TEST(an_answer_before_a_reset_is_read),
        LATE_TEST(a_reset_without_an_answer_is_told_of),
        LATE_TEST(a_request_that_hangs_holds_no_other_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
