/*
 * HTTP to issuers: libcurl's multi interface under the loop. Loop thread only.
 *
 * A request has no time-out of its own here but a far backstop: the engine's deadline abandons it,
 * after the loop has had the chance to read an answer that is already there. A POST is sent once,
 * whatever the connection does. Redirects are not followed, headers and bodies are bounded while
 * they come.
 */
#ifndef FRESHET_RUNTIME_HTTP_H
#define FRESHET_RUNTIME_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "core/engine.h"
#include "source/source.h"

struct http;

/* Copied. */
struct http_options {
    const char *user_agent;
    const char *ca_file; /* NULL: the system's */
    const char *proxy;   /* for issuers that are not loopback; NULL: the environment's, "": none */
};

/* The response is borrowed for the call. `address` is the issuer's numeric address that was
 * reached, or "" where none is known, as behind a proxy. */
typedef void http_callback(void *context, request_id id, const struct http_response *response,
                           const char *address, struct now received);

/* NULL without memory or descriptors. */
struct http *freshet_http_new(uv_loop_t *loop, const struct http_options *options);

/* Sends; the request's memory moves here if it returns true. The callback is never called inside.
 * Plain http is sent only with `loopback`, and then without a proxy. */
bool freshet_http_send(struct http *http, struct http_request *request, request_id id,
                       bool loopback, http_callback *callback, void *context);

/* Why the last send returned false, in a sentence; "" while none has. */
const char *freshet_http_reason(const struct http *http);

/* A proxy stands between us and the issuers: the routes of this machine say nothing about them. */
bool freshet_http_proxied(const struct http *http);

/* Nobody wants the answer any more: no callback. For a deadline, give the loop one full turn first,
 * its poll included, so that an answer that lies in the socket is read. */
void freshet_http_abandon(struct http *http, request_id id);

/* Connectivity is gone: every request under way that depends on it (not those to loopback, nor
 * through a proxy) ends without an answer, through its callback. */
void freshet_http_fail_all(struct http *http);

/* Ends everything; memory is freed once the loop has closed the handles. */
void freshet_http_close(struct http *http);

#endif
