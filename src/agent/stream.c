/*
 * The events as a server-sent stream. The reader is held while there is nothing to tell; one that
 * lets more events pass than are kept, or takes too long over a part, is dropped.
 */
#include "agent/exchange.h"

#include <string.h>
#include <sys/socket.h>

enum { STREAM_BLOCK_BYTES = 1024 };

static const char stream_greeting[] = ": the agent's events\n\n";

static void stream_drop(struct exchange *exchange)
{
    exchange->server->keeper->metrics.dropped[DROP_SLOW]++;
    exchange->stage = STAGE_LEFT;
    (void)shutdown(exchange->peer->descriptor, SHUT_RDWR);
}

static ssize_t stream_read(void *context, uint64_t position, char *buffer, size_t size)
{
    struct exchange *exchange = context;
    struct server *server = exchange->server;
    ssize_t copied = 0;

    if (exchange->stage == STAGE_LEFT) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (position == 0 && size >= sizeof(stream_greeting) - 1) {
        memcpy(buffer, stream_greeting, sizeof(stream_greeting) - 1);
        return (ssize_t)sizeof(stream_greeting) - 1;
    }
    copied = freshet_backlog_read(exchange->stream, &exchange->cursor, buffer, size);
    if (copied < 0) {
        stream_drop(exchange);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (copied > 0) {
        freshet_peer_phase(server, exchange->peer, PEER_READING);
        return copied;
    }
    if (server->stopping) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    freshet_peer_phase(server, exchange->peer, PEER_WAITING);
    return freshet_exchange_hold(exchange) == MHD_YES ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
}

enum MHD_Result freshet_stream_begin(struct exchange *exchange, bool trace)
{
    struct keeper *keeper = exchange->server->keeper;
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, stream_read, exchange, NULL);
    enum MHD_Result queued = MHD_NO;

    if (response == NULL || exchange->peer == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    exchange->stream = trace ? &keeper->trace : &keeper->news;
    exchange->cursor = freshet_backlog_end(exchange->stream);
    exchange->stage = STAGE_DUE;
    keeper->metrics.readers++;
    keeper->trace_readers += trace ? 1 : 0;
    queued = MHD_queue_response(exchange->connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return queued;
}

void freshet_stream_news(struct exchange *exchange)
{
    if (exchange->stream == NULL || exchange->cursor.event == exchange->stream->next) {
        return;
    }
    if (exchange->stage == STAGE_HELD) {
        freshet_exchange_release(exchange, STAGE_DUE);
    } else if (exchange->stage == STAGE_DUE &&
               freshet_backlog_missed(exchange->stream, exchange->cursor)) {
        stream_drop(exchange);
    }
}

void freshet_stream_end(struct exchange *exchange)
{
    struct keeper *keeper = exchange->server->keeper;

    keeper->metrics.readers -= exchange->stream != NULL ? 1 : 0;
    keeper->trace_readers -= exchange->stream == &keeper->trace ? 1 : 0;
    exchange->stream = NULL;
}
