/*
 * libcurl, loaded when the first request is sent.
 *
 * Loading it costs milliseconds and megabytes, which a program that finds a usable token never
 * pays. Once loaded it stays: a resolver thread may outlive its request.
 */
#ifndef FRESHET_RUNTIME_CURL_API_H
#define FRESHET_RUNTIME_CURL_API_H

#include <stdbool.h>
#include <stddef.h>

#include <curl/curl.h>

struct curl_api {
    CURLcode (*global_init)(long);
    curl_version_info_data *(*version_info)(CURLversion);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *);
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_cleanup)(CURLM *);
    CURLMcode (*multi_setopt)(CURLM *, CURLMoption, ...);
    CURLMcode (*multi_add_handle)(CURLM *, CURL *);
    CURLMcode (*multi_remove_handle)(CURLM *, CURL *);
    CURLMcode (*multi_socket_action)(CURLM *, curl_socket_t, int, int *);
    CURLMcode (*multi_assign)(CURLM *, curl_socket_t, void *);
    CURLMsg *(*multi_info_read)(CURLM *, int *);
    struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
    void (*slist_free_all)(struct curl_slist *);
};

/* Fills the table, from any thread; false with a sentence in `reason` if no usable libcurl is there. */
bool freshet_curl_load(struct curl_api *api, char *reason, size_t size);

#endif
