/*
 * Loading libcurl and finding its functions.
 */
#include "runtime/curl_api.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define CURL_LIBRARY "libcurl.so.4"

/* The first version that knows every option we rely on; the last to come was CURLOPT_QUICK_EXIT. */
#define CURL_OLDEST      0x075700
#define CURL_OLDEST_NAME "7.87"

/* ISO C has no cast from an object pointer to a function pointer; POSIX dlsym() promises it. */
static bool curl_find(void *library, const char *name, void *slot)
{
    void *symbol = dlsym(library, name);

    memcpy(slot, &symbol, sizeof(symbol));
    return symbol != NULL;
}

/* The name of a function that is missing, NULL if none is. */
static const char *curl_find_all(void *library, struct curl_api *api)
{
    const struct {
        const char *name;
        void *slot;
    } functions[] = {
        {"curl_global_init", &api->global_init},
        {"curl_version_info", &api->version_info},
        {"curl_easy_init", &api->easy_init},
        {"curl_easy_cleanup", &api->easy_cleanup},
        {"curl_easy_setopt", &api->easy_setopt},
        {"curl_easy_getinfo", &api->easy_getinfo},
        {"curl_multi_init", &api->multi_init},
        {"curl_multi_cleanup", &api->multi_cleanup},
        {"curl_multi_setopt", &api->multi_setopt},
        {"curl_multi_add_handle", &api->multi_add_handle},
        {"curl_multi_remove_handle", &api->multi_remove_handle},
        {"curl_multi_socket_action", &api->multi_socket_action},
        {"curl_multi_assign", &api->multi_assign},
        {"curl_multi_info_read", &api->multi_info_read},
        {"curl_slist_append", &api->slist_append},
        {"curl_slist_free_all", &api->slist_free_all},
    };

    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (!curl_find(library, functions[i].name, functions[i].slot)) {
            return functions[i].name;
        }
    }
    return NULL;
}

/* Clients may open on several threads at once, and not every libcurl initializes itself safely. */
static bool curl_initialize(const struct curl_api *api)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    CURLcode result = CURLE_OK;

    pthread_mutex_lock(&one_at_a_time);
    result = api->global_init(CURL_GLOBAL_DEFAULT);
    pthread_mutex_unlock(&one_at_a_time);
    return result == CURLE_OK;
}

bool freshet_curl_load(struct curl_api *api, char *reason, size_t size)
{
    void *library = dlopen(CURL_LIBRARY, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
    const char *missing = NULL;

    if (library == NULL) {
        const char *why = dlerror();

        snprintf(reason, size, "libcurl cannot be loaded (%s); install the package libcurl4",
                 why != NULL ? why : CURL_LIBRARY);
        return false;
    }
    missing = curl_find_all(library, api);
    if (missing != NULL) {
        snprintf(reason, size, "%s has no %s; install libcurl " CURL_OLDEST_NAME " or newer",
                 CURL_LIBRARY, missing);
        return false;
    }
    if (api->version_info(CURLVERSION_NOW)->version_num < CURL_OLDEST) {
        snprintf(reason, size, "libcurl %s is too old; install " CURL_OLDEST_NAME " or newer",
                 api->version_info(CURLVERSION_NOW)->version);
        return false;
    }
    if (!curl_initialize(api)) {
        snprintf(reason, size, "libcurl cannot be initialized; is there memory left?");
        return false;
    }
    return true;
}
