/*
 * The transport against a peer on loopback that can answer badly, late, twice or not at all.
 */
#include "cmocka_all.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http_peer.h"
#include "runtime/alarm.h"
#include "runtime/clock.h"
#include "runtime/curl_api.h"
#include "runtime/http.h"

#define CREDENTIAL "a-credential"
#define MANY       50

#define SAY(visit, text) freshet_peer_say((visit), (text), sizeof(text) - 1)

/* The last answer, copied while it was lent. */
struct heard {
    int count[MANY + 1]; /* by request */
    enum no_answer no_answer;
    int status;
    char body[256];
    size_t body_length;
    bool body_too_long;
    char retry_after[64];
    char date[64];
    char authorization[64];
    char address[64];
};

struct scene {
    uv_loop_t loop;
    struct http *http;
    struct peer peer;
    struct heard heard;
    int waiting;
    bool inside; /* a call of freshet_http_send() */
    bool told_inside;
    char seen[PEER_REQUEST_MAX + 1]; /* the last request */
};

static void scene_copy(char *copy, size_t size, const char *text)
{
    snprintf(copy, size, "%s", text != NULL ? text : "(none)");
}

static void scene_answered(void *context, request_id id, const struct http_response *response,
                           const char *address, struct now received)
{
    struct scene *scene = context;
    struct heard *heard = &scene->heard;

    (void)received;
    heard->count[id]++;
    heard->no_answer = response->no_answer;
    heard->status = response->status;
    heard->body_length = response->body_length;
    heard->body_too_long = response->body_too_long;
    snprintf(heard->body, sizeof(heard->body), "%.*s", (int)response->body_length,
             response->body != NULL ? response->body : "");
    scene_copy(heard->retry_after, sizeof(heard->retry_after), response->retry_after);
    scene_copy(heard->date, sizeof(heard->date), response->date);
    scene_copy(heard->authorization, sizeof(heard->authorization), response->authorization);
    scene_copy(heard->address, sizeof(heard->address), address);
    scene->told_inside = scene->told_inside || scene->inside;
    if (--scene->waiting == 0) {
        uv_stop(&scene->loop);
    }
}

static void scene_open(struct scene *scene, peer_callback *answer, const char *proxy)
{
    const struct http_options options = {.user_agent = "test/1", .proxy = proxy};

    *scene = (struct scene){0};
    assert_int_equal(uv_loop_init(&scene->loop), 0);
    scene->http = freshet_http_new(&scene->loop, &options);
    assert_non_null(scene->http);
    assert_int_equal(freshet_peer_open(&scene->peer, &scene->loop, answer, scene), 0);
}

static void scene_close(struct scene *scene)
{
    freshet_http_close(scene->http);
    freshet_peer_close(&scene->peer);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
    assert_false(scene->told_inside);
}

static struct http_request scene_request(const char *scheme, int port, bool post)
{
    struct http_request request = {.post = post, .answer_max = 100};
    char url[128];

    snprintf(url, sizeof(url), "%s://127.0.0.1:%d/path?a=b", scheme, port);
    request.url = strdup(url);
    request.body = post ? strdup("one=1&two=2") : NULL;
    request.body_length = post ? strlen(request.body) : 0;
    request.authorization = strdup(CREDENTIAL);
    return request;
}

static void scene_send_request(struct scene *scene, request_id id, struct http_request *request,
                               bool loopback)
{
    scene->waiting++;
    scene->inside = true;
    assert_true(freshet_http_send(scene->http, request, id, loopback, scene_answered, scene));
    scene->inside = false;
    assert_null(request->url);
}

static void scene_send(struct scene *scene, request_id id, bool post)
{
    struct http_request request = scene_request("http", scene->peer.port, post);

    scene_send_request(scene, id, &request, true);
}

static void scene_run(struct scene *scene)
{
    uv_run(&scene->loop, UV_RUN_DEFAULT);
}

/* ---- requests and answers ---- */

static void peer_is_well(struct visit *visit)
{
    struct scene *scene = visit->peer->context;

    snprintf(scene->seen, sizeof(scene->seen), "%s", visit->request);
    SAY(visit, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nDate: Sat, 21 Nov 2026 04:00:00 GMT\r\n"
               "Retry-After:\t7 \r\nAUTHORIZATION: fresh\r\n\r\nbody");
}

static void a_request_says_what_it_has_to(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, peer_is_well, NULL);
    scene_send(&scene, 1, true);
    scene_run(&scene);
    assert_ptr_equal(strstr(scene.seen, "POST /path?a=b HTTP/1.1\r\n"), scene.seen);
    assert_non_null(strstr(scene.seen, "authorization: " CREDENTIAL "\r\n"));
    assert_non_null(strstr(scene.seen, "content-type: application/x-www-form-urlencoded\r\n"));
    assert_non_null(strstr(scene.seen, "User-Agent: test/1\r\n"));
    assert_non_null(strstr(scene.seen, "\r\n\r\none=1&two=2"));
    assert_null(strcasestr(scene.seen, "expect:"));
    scene_close(&scene);
}

static void an_answer_comes_back_whole(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, peer_is_well, NULL);
    scene_send(&scene, 1, false);
    scene_run(&scene);
    assert_int_equal(scene.heard.status, 200);
    assert_string_equal(scene.heard.body, "body");
    assert_false(scene.heard.body_too_long);
    assert_string_equal(scene.heard.date, "Sat, 21 Nov 2026 04:00:00 GMT");
    assert_string_equal(scene.heard.retry_after, "7");
    assert_string_equal(scene.heard.authorization, "fresh");
    assert_string_equal(scene.heard.address, "127.0.0.1");
    assert_string_equal(freshet_http_reason(scene.http), "");
    scene_close(&scene);
}

static void peer_redirects(struct visit *visit)
{
    SAY(visit, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
}

static void a_redirect_is_an_answer(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, peer_redirects, NULL);
    scene_send(&scene, 1, false);
    scene_run(&scene);
    assert_int_equal(scene.heard.status, 302);
    assert_int_equal(scene.peer.requests, 1);
    scene_close(&scene);
}

static void peer_hints_first(struct visit *visit)
{
    SAY(visit, "HTTP/1.1 103 Early Hints\r\nAuthorization: wrong\r\nRetry-After: 9\r\n\r\n"
               "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void an_interim_response_does_not_count(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, peer_hints_first, NULL);
    scene_send(&scene, 1, false);
    scene_run(&scene);
    assert_int_equal(scene.heard.status, 200);
    assert_string_equal(scene.heard.authorization, "(none)");
    assert_string_equal(scene.heard.retry_after, "(none)");
    scene_close(&scene);
}

static void many_at_once_are_answered_once_each(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, peer_is_well, NULL);
    for (request_id id = 1; id <= MANY; id++) {
        scene_send(&scene, id, id % 2 == 0);
    }
    scene_run(&scene);
    for (int id = 1; id <= MANY; id++) {
        assert_int_equal(scene.heard.count[id], 1);
    }
    assert_int_equal(scene.peer.requests, MANY);
    scene_close(&scene);
}

/* ---- a connection that dies ---- */

/* Answers the first request and keeps the connection; takes the next ones there and hangs up. */
static void peer_dies_when_asked_again(struct visit *visit)
{
    struct peer *peer = visit->peer;

    if (peer->requests == 2) {
        freshet_peer_hang_up(visit);
    } else {
        peer_is_well(visit);
    }
}

static void a_post_is_never_sent_twice(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, peer_dies_when_asked_again, NULL);
    scene_send(&scene, 1, false);
    scene_run(&scene);
    scene_send(&scene, 2, true);
    scene_run(&scene);
    assert_int_equal(scene.heard.count[2], 1);
    assert_int_equal(scene.heard.status, 0);
    assert_int_equal(scene.heard.no_answer, NO_ANSWER_DROPPED);
    assert_int_equal(scene.peer.requests, 2);
    scene_close(&scene);
}

/* What the test above guards against does happen. */
static void a_get_may_be_sent_again(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, peer_dies_when_asked_again, NULL);
    scene_send(&scene, 1, false);
    scene_run(&scene);
    scene_send(&scene, 2, false);
    scene_run(&scene);
    assert_int_equal(scene.heard.status, 200);
    assert_int_equal(scene.peer.requests, 3);
    assert_int_equal(scene.peer.connections, 2);
    scene_close(&scene);
}

static void peer_stops_in_the_middle(struct visit *visit)
{
    SAY(visit, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\nAuthorization: fresh\r\n\r\nhalf");
}

static void a_new_credential_survives_a_body_that_was_cut_off(void **state)
{
    struct scene scene;
    struct http_request request;

    (void)state;
    scene_open(&scene, peer_stops_in_the_middle, NULL);
    scene.peer.drained = freshet_peer_hang_up;
    request = scene_request("http", scene.peer.port, true);
    request.may_rotate = true;
    scene_send_request(&scene, 1, &request, true);
    scene_run(&scene);
    assert_int_equal(scene.heard.status, 200);
    assert_true(scene.heard.body_too_long);
    assert_string_equal(scene.heard.authorization, "fresh");
    scene_send(&scene, 2, true);
    scene_run(&scene);
    assert_int_equal(scene.heard.status, 0);
    scene_close(&scene);
}

/* ---- bounds ---- */

static void peer_fills_the_limit(struct visit *visit)
{
    char text[256];
    int length =
        snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n%0100d", 7);

    freshet_peer_say(visit, text, (size_t)length);
}

static void a_body_may_be_as_long_as_the_limit(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, peer_fills_the_limit, NULL);
    scene_send(&scene, 1, false);
    scene_run(&scene);
    assert_int_equal(scene.heard.status, 200);
    assert_int_equal(scene.heard.body_length, 100);
    assert_false(scene.heard.body_too_long);
    scene_close(&scene);
}

static void peer_adds_a_chunk(struct visit *visit)
{
    SAY(visit, "40\r\n................................................................\r\n");
}

static void peer_never_ends_its_body(struct visit *visit)
{
    SAY(visit, "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n");
    visit->peer->drained = peer_adds_a_chunk;
}

static void a_body_is_bounded_while_it_comes(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, peer_never_ends_its_body, NULL);
    scene_send(&scene, 1, false);
    scene_run(&scene);
    assert_int_equal(scene.heard.status, 403);
    assert_true(scene.heard.body_too_long);
    assert_in_range(scene.heard.body_length, 0, 100);
    scene_close(&scene);
}

static void peer_adds_a_header(struct visit *visit)
{
    SAY(visit,
        "X-More: ........................................................................"
        "................................................................................\r\n");
}

static void peer_never_ends_its_headers(struct visit *visit)
{
    SAY(visit, "HTTP/1.1 200 OK\r\n");
    visit->peer->drained = peer_adds_a_header;
}

static void headers_are_bounded_while_they_come(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, peer_never_ends_its_headers, NULL);
    scene_send(&scene, 1, false);
    scene_run(&scene);
    assert_int_equal(scene.heard.status, 0);
    assert_int_equal(scene.heard.no_answer, NO_ANSWER_DROPPED);
    assert_in_range(scene.peer.written, 60000, 200000);
    scene_close(&scene);
}

/* ---- leaving ---- */

static void peer_makes_the_caller_leave(struct visit *visit)
{
    struct scene *scene = visit->peer->context;

    freshet_http_abandon(scene->http, 1);
    freshet_http_abandon(scene->http, 1);
}

static void peer_stops_the_loop(struct visit *visit)
{
    struct scene *scene = visit->peer->context;

    uv_stop(&scene->loop);
}

static void an_abandoned_request_is_not_told_of(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, peer_makes_the_caller_leave, NULL);
    scene.peer.gone = peer_stops_the_loop;
    scene_send(&scene, 1, true);
    scene_run(&scene);
    assert_int_equal(scene.peer.left, 1);
    assert_int_equal(scene.heard.count[1], 0);
    scene.waiting = 0;
    scene.peer.gone = NULL;
    scene.peer.answer = peer_is_well;
    scene_send(&scene, 2, true);
    scene_run(&scene);
    assert_int_equal(scene.heard.status, 200);
    scene_close(&scene);
}

static void peer_is_silent(struct visit *visit)
{
    peer_stops_the_loop(visit);
}

static void closing_leaves_nothing_behind(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene, peer_is_silent, NULL);
    scene_send(&scene, 1, true);
    scene_run(&scene);
    scene_send(&scene, 2, false);
    assert_int_equal(scene.peer.requests, 1);
    scene_close(&scene);
    assert_int_equal(scene.heard.count[1] + scene.heard.count[2], 0);
}

/* The peer speaks no TLS: the request that depends on the network hangs in its handshake. */
static void lost_connectivity_ends_what_depends_on_it(void **state)
{
    struct scene scene;
    struct http_request request;

    (void)state;
    scene_open(&scene, peer_is_silent, "");
    request = scene_request("https", scene.peer.port, true);
    scene_send_request(&scene, 1, &request, false);
    scene_send(&scene, 2, false);
    scene_run(&scene);
    freshet_http_fail_all(scene.http);
    assert_int_equal(scene.heard.count[1], 1);
    assert_int_equal(scene.heard.count[2], 0);
    assert_int_equal(scene.heard.status, 0);
    assert_int_equal(scene.heard.no_answer, NO_ANSWER_DROPPED);
    scene_close(&scene);
}

/* ---- where requests may go ---- */

static void plain_http_is_for_loopback_only(void **state)
{
    struct scene scene;
    struct http_request request;

    (void)state;
    scene_open(&scene, peer_is_well, "");
    request = scene_request("http", scene.peer.port, false);
    scene_send_request(&scene, 1, &request, false);
    scene_run(&scene);
    assert_int_equal(scene.heard.status, 0);
    assert_int_equal(scene.peer.connections, 0);
    scene_close(&scene);
}

static void loopback_takes_no_proxy(void **state)
{
    struct scene scene;

    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    assert_int_equal(setenv("all_proxy", "http://127.0.0.1:1", 1), 0);
    scene_open(&scene, peer_is_well, NULL);
    scene_send(&scene, 1, false);
    scene_run(&scene);
    assert_true(freshet_http_proxied(scene.http));
    assert_int_equal(scene.heard.status, 200);
    scene_close(&scene);
    scene_open(&scene, peer_is_well, "");
    assert_false(freshet_http_proxied(scene.http));
    scene_close(&scene);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
}

static void peer_is_a_proxy_that_refuses(struct visit *visit)
{
    struct scene *scene = visit->peer->context;

    snprintf(scene->seen, sizeof(scene->seen), "%s", visit->request);
    SAY(visit, "HTTP/1.1 403 Forbidden\r\nAuthorization: wrong\r\nContent-Length: 0\r\n\r\n");
}

static void a_proxy_does_not_speak_for_the_issuer(void **state)
{
    struct scene scene;
    struct http_request request;
    char proxy[64];

    (void)state;
    scene_open(&scene, peer_is_a_proxy_that_refuses, NULL);
    freshet_http_close(scene.http);
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", scene.peer.port);
    scene.http = freshet_http_new(&scene.loop,
                                  &(struct http_options){.user_agent = "test/1", .proxy = proxy});
    assert_non_null(scene.http);
    request = scene_request("https", 443, true);
    request.may_rotate = true;
    scene_send_request(&scene, 1, &request, false);
    freshet_http_fail_all(scene.http);
    scene_run(&scene);
    assert_ptr_equal(strstr(scene.seen, "CONNECT 127.0.0.1:443 "), scene.seen);
    assert_null(strstr(scene.seen, CREDENTIAL));
    assert_int_equal(scene.heard.status, 0);
    assert_string_equal(scene.heard.address, "");
    scene_close(&scene);
}

static void load_libcurl(void *reason)
{
    struct curl_api api;

    (void)freshet_curl_load(&api, reason, 256);
}

static void threads_may_load_libcurl_at_once(void **state)
{
    uv_thread_t threads[4];
    char reasons[4][256] = {""};

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(uv_thread_create(&threads[i], load_libcurl, reasons[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        uv_thread_join(&threads[i]);
        assert_string_equal(reasons[i], "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_may_load_libcurl_at_once),
        cmocka_unit_test(a_request_says_what_it_has_to),
        cmocka_unit_test(an_answer_comes_back_whole),
        cmocka_unit_test(a_redirect_is_an_answer),
        cmocka_unit_test(an_interim_response_does_not_count),
        cmocka_unit_test(many_at_once_are_answered_once_each),
        cmocka_unit_test(a_post_is_never_sent_twice),
        cmocka_unit_test(a_get_may_be_sent_again),
        cmocka_unit_test(a_new_credential_survives_a_body_that_was_cut_off),
        cmocka_unit_test(a_body_may_be_as_long_as_the_limit),
        cmocka_unit_test(a_body_is_bounded_while_it_comes),
        cmocka_unit_test(headers_are_bounded_while_they_come),
        cmocka_unit_test(an_abandoned_request_is_not_told_of),
        cmocka_unit_test(closing_leaves_nothing_behind),
        cmocka_unit_test(lost_connectivity_ends_what_depends_on_it),
        cmocka_unit_test(plain_http_is_for_loopback_only),
        cmocka_unit_test(loopback_takes_no_proxy),
        cmocka_unit_test(a_proxy_does_not_speak_for_the_issuer),
    };

    signal(SIGPIPE, SIG_IGN); /* the peer's; libcurl asks for none */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
