/*
 * How a request is put to libcurl, and how its answer is collected within bounds.
 */
#include "runtime/transfer.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* No deadline of the engine's comes near it; libcurl reads the clock before it reads the socket. */
#define TRANSFER_BACKSTOP_MS 3600000L
#define TRANSFER_HEADERS_MAX 65536 /* of all responses to one request together */
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

    if (length == 0) {
        return 0;
    }
    if (length > transfer->request.answer_max - transfer->body_length ||
        !transfer_grow(transfer, length)) {
        transfer->body_too_long = true;
        return 0;
    }
    memcpy(transfer->body + transfer->body_length, bytes, length);
    transfer->body_length += length;
    return length;
}

static void transfer_forget(char **value)
{
    if (*value != NULL) {
        transfer_wipe(*value, strlen(*value));
        *value = NULL;
    }
}

/* Keeps the value of a header line if it has that name; false without memory. */
static bool transfer_keep(const char *line, size_t length, const char *name, char **value)
{
    size_t name_length = strlen(name);

    if (length <= name_length || strncasecmp(line, name, name_length) != 0 ||
        line[name_length] != ':') {
        return true;
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
    transfer_forget(value);
    *value = strndup(line, length);
    return *value != NULL;
}

static void transfer_forget_headers(struct transfer *transfer)
{
    transfer_forget(&transfer->retry_after);
    transfer_forget(&transfer->date);
    transfer_forget(&transfer->authorization);
}

/* A status line begins a response; what an interim one said before it does not count. */
static size_t transfer_header(char *line, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count;

    transfer->header_bytes += length;
    if (transfer->header_bytes > TRANSFER_HEADERS_MAX) {
        return 0;
    }
    if (length >= 5 && strncmp(line, "HTTP/", 5) == 0) {
        transfer_forget_headers(transfer);
    }
    return transfer_keep(line, length, "retry-after", &transfer->retry_after) &&
                   transfer_keep(line, length, "date", &transfer->date) &&
                   transfer_keep(line, length, "authorization", &transfer->authorization)
               ? length
               : 0;
}

/* A program that the host starts inherits no connection. */
static curl_socket_t transfer_socket(void *context, curlsocktype purpose,
                                     struct curl_sockaddr *address)
{
    (void)context;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
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

static bool transfer_add_credential(struct transfer *transfer, const struct curl_api *api)
{
    static const char name[] = "authorization: ";
    size_t size = sizeof(name) + strlen(transfer->request.authorization);
    char *line = malloc(size);
    bool added = false;

    if (line == NULL) {
        return false;
    }
    snprintf(line, size, "%s%s", name, transfer->request.authorization);
    added = transfer_add_header(transfer, api, line);
    transfer_wipe(line, size);
    return added;
}

static bool transfer_headers(struct transfer *transfer, const struct curl_api *api)
{
    const struct http_request *request = &transfer->request;

    return transfer_add_header(transfer, api, "accept: application/json") &&
           (!request->post ||
            (transfer_add_header(transfer, api,
                                 "content-type: application/x-www-form-urlencoded") &&
             transfer_add_header(transfer, api, "expect:"))) &&
           (request->authorization == NULL || transfer_add_credential(transfer, api));
}

/* What is sent, and where the answer goes. */
static bool transfer_set_message(struct transfer *transfer, const struct curl_api *api)
{
    const struct http_request *request = &transfer->request;
    CURL *easy = transfer->easy;
    unsigned failed = 0;

    failed |= api->easy_setopt(easy, CURLOPT_URL, request->url);
    failed |= api->easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    failed |= api->easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    failed |= api->easy_setopt(easy, CURLOPT_WRITEFUNCTION, transfer_body);
    failed |= api->easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    failed |= api->easy_setopt(easy, CURLOPT_HEADERFUNCTION, transfer_header);
    failed |= api->easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    failed |= api->easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    failed |= api->easy_setopt(easy, CURLOPT_PREREQFUNCTION, transfer_about_to_send);
    failed |= api->easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    failed |= api->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, transfer_socket);
    if (request->post) {
        failed |= api->easy_setopt(easy, CURLOPT_POST, 1L);
        failed |= api->easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)request->body_length);
        failed |=
            api->easy_setopt(easy, CURLOPT_POSTFIELDS, request->body != NULL ? request->body : "");
    }
    return failed == 0;
}

/*
 * How it travels. A libcurl without HTTP/2 refuses only that wish, and speaks HTTP/1.1. Requests
 * wait for a connection to share only where TLS tells early whether it can be shared; in plain http
 * they would wait for the first answer, which may never come.
 */
static bool transfer_set_transport(struct transfer *transfer, const struct curl_api *api,
                                   const struct http_options *options)
{
    const char *proxy = transfer->loopback ? "" : options->proxy;
    bool encrypted = strncasecmp(transfer->request.url, "https:", 6) == 0;
    CURL *easy = transfer->easy;
    unsigned failed = 0;

    failed |= api->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    failed |= api->easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    failed |= api->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    failed |= api->easy_setopt(easy, CURLOPT_TIMEOUT_MS, TRANSFER_BACKSTOP_MS);
    failed |= api->easy_setopt(easy, CURLOPT_PIPEWAIT, encrypted ? 1L : 0L);
    failed |= api->easy_setopt(easy, CURLOPT_USERAGENT, options->user_agent);
    failed |=
        api->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, transfer->loopback ? "http,https" : "https");
    (void)api->easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    if (proxy != NULL) {
        failed |= api->easy_setopt(easy, CURLOPT_PROXY, proxy);
    }
    if (options->ca_file != NULL) {
        failed |= api->easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
    }
    return failed == 0;
}

bool freshet_transfer_prepare(struct transfer *transfer, const struct curl_api *api,
                              const struct http_options *options)
{
    transfer->easy = api->easy_init();
    return transfer->easy != NULL && transfer_headers(transfer, api) &&
           transfer_set_message(transfer, api) && transfer_set_transport(transfer, api, options);
}

/* An answer whose body was cut off or is too long keeps its status, so that it can be told from no
 * answer at all; one that was merely cut off does so only if it brought a new credential. */
struct http_response freshet_transfer_response(const struct transfer *transfer,
                                               const struct curl_api *api, CURLcode result)
{
    struct http_response response = {.no_answer = NO_ANSWER_DROPPED};
    long status = 0;

    if (result == CURLE_OPERATION_TIMEDOUT) {
        response.no_answer = NO_ANSWER_TIMEOUT;
    }
    api->easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || (result != CURLE_OK && !transfer->body_too_long &&
                         (!transfer->request.may_rotate || transfer->authorization == NULL))) {
        return response;
    }
    response.status = (int)status;
    response.body = transfer->body != NULL ? transfer->body : "";
    response.body_length = transfer->body_length;
    response.body_too_long = result != CURLE_OK;
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
    api->slist_free_all(transfer->headers);
    freshet_http_request_free(&transfer->request);
    transfer_wipe(transfer->body, transfer->body_capacity);
    transfer_forget_headers(transfer);
    free(transfer);
}
