/*
 * One request and what has come back of it. Private to runtime/http.
 */
#ifndef FRESHET_RUNTIME_TRANSFER_H
#define FRESHET_RUNTIME_TRANSFER_H

#include "runtime/curl_api.h"
#include "runtime/http.h"

struct transfer {
    struct transfer *next;
    request_id id;
    CURL *easy;
    struct curl_slist *headers;
    struct http_request request;
    http_callback *callback;
    void *context;
    bool loopback;
    bool doomed; /* to be ended without an answer */
    int sends;   /* how often libcurl was about to send it */
    size_t header_bytes;
    char *body;
    size_t body_length;
    size_t body_capacity;
    bool body_too_long;
    char *retry_after;
    char *date;
    char *authorization;
};

/* Makes the handle ready to be added; false without memory. The request moves in. */
bool freshet_transfer_prepare(struct transfer *transfer, const struct curl_api *api,
                              const struct http_options *options);

/* What has come back once libcurl is done with the transfer. */
struct http_response freshet_transfer_response(const struct transfer *transfer,
                                               const struct curl_api *api, CURLcode result);

void freshet_transfer_free(struct transfer *transfer, const struct curl_api *api);

#endif
