/*
 * The server of http_peer.h.
 */
#include "http_peer.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct saying {
    uv_write_t write;
    struct visit *visit;
    char text[];
};

static void peer_visit_closed(uv_handle_t *handle)
{
    struct visit *visit = handle->data;
    struct visit **link = &visit->peer->visits;

    while (*link != visit) {
        link = &(*link)->next;
    }
    *link = visit->next;
    free(visit);
}

void freshet_peer_hang_up(struct visit *visit)
{
    if (!uv_is_closing((uv_handle_t *)&visit->tcp)) {
        uv_close((uv_handle_t *)&visit->tcp, peer_visit_closed);
    }
}

static void peer_said(uv_write_t *write, int status)
{
    struct saying *saying = write->data;
    struct visit *visit = saying->visit;

    free(saying);
    if (status == 0 && visit->peer->drained != NULL) {
        visit->peer->drained(visit);
    }
}

void freshet_peer_say(struct visit *visit, const char *text, size_t length)
{
    struct saying *saying = malloc(sizeof(*saying) + length);
    uv_buf_t buffer;

    if (saying == NULL) {
        abort();
    }
    memcpy(saying->text, text, length);
    saying->visit = visit;
    saying->write.data = saying;
    visit->peer->written += length;
    buffer = uv_buf_init(saying->text, (unsigned)length);
    if (uv_write(&saying->write, (uv_stream_t *)&visit->tcp, &buffer, 1, peer_said) != 0) {
        free(saying);
    }
}

/* The length of the first whole request, 0 while there is none. */
static size_t peer_whole(const struct visit *visit)
{
    const char *head = strstr(visit->request, "\r\n\r\n");
    const char *length = strcasestr(visit->request, "content-length: ");
    size_t whole = 0;

    if (head == NULL) {
        return 0;
    }
    whole = (size_t)(head + 4 - visit->request);
    if (length != NULL && length < head) {
        whole += strtoul(length + strlen("content-length: "), NULL, 10);
    }
    return whole <= visit->length ? whole : 0;
}

static void peer_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct visit *visit = handle->data;

    (void)suggested;
    *buffer =
        uv_buf_init(visit->request + visit->length, (unsigned)(PEER_REQUEST_MAX - visit->length));
}

static void peer_heard(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct visit *visit = stream->data;
    struct peer *peer = visit->peer;
    size_t whole = 0;

    (void)buffer;
    if (size < 0) {
        peer->left++;
        if (peer->gone != NULL) {
            peer->gone(visit);
        }
        freshet_peer_hang_up(visit);
        return;
    }
    visit->length += (size_t)size;
    visit->request[visit->length] = '\0';
    whole = peer_whole(visit);
    if (whole > 0) {
        peer->requests++;
        peer->answer(visit);
        visit->length -= whole;
        memmove(visit->request, visit->request + whole, visit->length + 1);
    }
}

static void peer_visited(uv_stream_t *listener, int status)
{
    struct peer *peer = listener->data;
    struct visit *visit = calloc(1, sizeof(*visit));

    if (status != 0 || visit == NULL) {
        abort();
    }
    visit->peer = peer;
    visit->tcp.data = visit;
    visit->next = peer->visits;
    peer->visits = visit;
    peer->connections++;
    uv_tcp_init(listener->loop, &visit->tcp);
    if (uv_accept(listener, (uv_stream_t *)&visit->tcp) != 0 ||
        uv_read_start((uv_stream_t *)&visit->tcp, peer_room, peer_heard) != 0) {
        freshet_peer_hang_up(visit);
    }
}

int freshet_peer_open(struct peer *peer, uv_loop_t *loop, peer_callback *answer, void *context)
{
    struct sockaddr_in address;
    struct sockaddr_storage bound;
    int size = sizeof(bound);
    int status = uv_ip4_addr("127.0.0.1", 0, &address);

    *peer = (struct peer){.answer = answer, .context = context};
    uv_tcp_init(loop, &peer->listener);
    peer->listener.data = peer;
    if (status == 0) {
        status = uv_tcp_bind(&peer->listener, (const struct sockaddr *)&address, 0);
    }
    if (status == 0) {
        status = uv_listen((uv_stream_t *)&peer->listener, 128, peer_visited);
    }
    if (status == 0) {
        status = uv_tcp_getsockname(&peer->listener, (struct sockaddr *)&bound, &size);
    }
    if (status == 0) {
        memcpy(&address, &bound, sizeof(address));
        peer->port = ntohs(address.sin_port);
    }
    return status;
}

void freshet_peer_close(struct peer *peer)
{
    for (struct visit *visit = peer->visits; visit != NULL; visit = visit->next) {
        freshet_peer_hang_up(visit);
    }
    uv_close((uv_handle_t *)&peer->listener, NULL);
}
