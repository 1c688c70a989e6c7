/*
 * How a request is put to libcurl, and how its answer is collected within bounds.
 */
#include "runtime/transfer.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TRANSFER_BACKSTOP_MS 150000L
#define TRANSFER_HEADER_MAX  16384
#define TRANSFER_BODY_FIRST  4096

static void transfer_wipe(char *text, size_t length)
{
    if (text != NULL) {
        sodium_memzero(text, length);
        free(text);
    }
}

static bool transfer_grow(struct transfer *transfer, size_t length)
{
    size_t capacity = transfer->body_capacity != 0 ? transfer->body_capacity : TRANSFER_BODY_FIRST;
    char *body = NULL;

    if (transfer->body_length + length <= transfer->body_capacity) {
        return true;
    }
    while (capacity < transfer->body_length + length) {
        capacity *= 2;
    }
    body = malloc(capacity);
    if (body == NULL) {
        return false;
    }
    if (transfer->body != NULL) {
        memcpy(body, transfer->body, transfer->body_length);
    }
    transfer_wipe(transfer->body, transfer->body_capacity);
    transfer->body = body;
    transfer->body_capacity = capacity;
    return true;
}

static size_t transfer_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count;

    if (length > transfer->request.answer_max - transfer->body_length ||
        !transfer_grow(transfer, length)) {
        transfer->body_too_long = true;
        return 0;
    }
    memcpy(transfer->body + transfer->body_length, bytes, length);
    transfer->body_length += length;
    return length;
}

/* Keeps the value of a header line if it has that name. */
static void transfer_keep(const char *line, size_t length, const char *name, char **value)
{
    size_t name_length = strlen(name);

    if (length <= name_length || length > TRANSFER_HEADER_MAX ||
        strncasecmp(line, name, name_length) != 0 || line[name_length] != ':') {
        return;
    }
    line += name_length + 1;
    length -= name_length + 1;
    while (length > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        length--;
    }
    while (length > 0 && strchr(" \t\r\n", line[length - 1]) != NULL) {
        length--;
    }
    if (*value != NULL) {
        transfer_wipe(*value, strlen(*value));
    }
    *value = strndup(line, length);
}

static size_t transfer_header(char *line, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count;

    transfer_keep(line, length, "retry-after", &transfer->retry_after);
    transfer_keep(line, length, "date", &transfer->date);
    transfer_keep(line, length, "authorization", &transfer->authorization);
    return length;
}

/* On a kept connection that dies without an answer libcurl would send again: never a POST. */
static int transfer_about_to_send(void *context, char *primary, char *local, int primary_port,
                                  int local_port)
{
    struct transfer *transfer = context;

    (void)primary;
    (void)local;
    (void)primary_port;
    (void)local_port;
    transfer->sends++;
    return transfer->request.post && transfer->sends > 1 ? CURL_PREREQFUNC_ABORT
                                                         : CURL_PREREQFUNC_OK;
}

static bool transfer_add_header(struct transfer *transfer, const struct curl_api *api,
                                const char *line)
{
    struct curl_slist *longer = api->slist_append(transfer->headers, line);

    if (longer == NULL) {
        return false;
    }
    transfer->headers = longer;
    return true;
}

static bool transfer_headers(struct transfer *transfer, const struct curl_api *api)
{
    const char *credential = transfer->request.authorization;
    char *line = NULL;
    bool added = false;
    int length = 0;

    if (!transfer_add_header(transfer, api, "accept: application/json")) {
        return false;
    }
    if (transfer->request.post &&
        (!transfer_add_header(transfer, api, "content-type: application/x-www-form-urlencoded") ||
         !transfer_add_header(transfer, api, "expect:"))) {
        return false;
    }
    if (credential == NULL) {
        return true;
    }
    length = asprintf(&line, "authorization: %s", credential);
    if (length < 0) {
        return false;
    }
    added = transfer_add_header(transfer, api, line);
    transfer_wipe(line, (size_t)length);
    return added;
}

bool freshet_transfer_prepare(struct transfer *transfer, const struct curl_api *api,
                              const struct http_options *options, bool loopback)
{
    CURL *easy = api->easy_init();
    bool good = easy != NULL;

    transfer->easy = easy;
    good = good && transfer_headers(transfer, api);
    if (!good) {
        return false;
    }
    good = api->easy_setopt(easy, CURLOPT_URL, transfer->request.url) == CURLE_OK;
    api->easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    api->easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    api->easy_setopt(easy, CURLOPT_WRITEFUNCTION, transfer_body);
    api->easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    api->easy_setopt(easy, CURLOPT_HEADERFUNCTION, transfer_header);
    api->easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    api->easy_setopt(easy, CURLOPT_PREREQFUNCTION, transfer_about_to_send);
    api->easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    api->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    api->easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    api->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    api->easy_setopt(easy, CURLOPT_TIMEOUT_MS, TRANSFER_BACKSTOP_MS);
    api->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, loopback ? "http,https" : "https");
    api->easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    api->easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    api->easy_setopt(easy, CURLOPT_USERAGENT, options->user_agent);
    if (loopback) {
        api->easy_setopt(easy, CURLOPT_PROXY, "");
    }
    if (options->ca_file != NULL) {
        good = good && api->easy_setopt(easy, CURLOPT_CAINFO, options->ca_file) == CURLE_OK;
    }
    if (transfer->request.post) {
        api->easy_setopt(easy, CURLOPT_POST, 1L);
        api->easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)transfer->request.body_length);
        api->easy_setopt(easy, CURLOPT_POSTFIELDS,
                         transfer->request.body != NULL ? transfer->request.body : "");
    }
    return good;
}

struct http_response freshet_transfer_response(const struct transfer *transfer,
                                               const struct curl_api *api, bool answered)
{
    struct http_response response = {.no_answer = NO_ANSWER_DROPPED};
    long status = 0;

    if (!answered) {
        return response;
    }
    api->easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    response.status = (int)status;
    response.body = transfer->body != NULL ? transfer->body : "";
    response.body_length = transfer->body_length;
    response.body_too_long = transfer->body_too_long;
    response.retry_after = transfer->retry_after;
    response.date = transfer->date;
    response.authorization = transfer->authorization;
    return response;
}

void freshet_transfer_free(struct transfer *transfer, const struct curl_api *api)
{
    if (transfer->easy != NULL) {
        api->easy_cleanup(transfer->easy);
    }
    for (struct curl_slist *line = transfer->headers; line != NULL; line = line->next) {
        sodium_memzero(line->data, strlen(line->data));
    }
    if (transfer->headers != NULL) {
        api->slist_free_all(transfer->headers);
    }
    freshet_http_request_free(&transfer->request);
    transfer_wipe(transfer->body, transfer->body_capacity);
    transfer_wipe(transfer->authorization,
                  transfer->authorization != NULL ? strlen(transfer->authorization) : 0);
    free(transfer->retry_after);
    free(transfer->date);
    free(transfer);
}
