/*
 * Loading libcurl and finding its functions.
 */
#include "runtime/curl_api.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#define CURL_LIBRARY "libcurl.so.4"

/* ISO C has no cast from an object pointer to a function pointer; POSIX dlsym() promises it. */
static int curl_find(void *library, const char *name, void *slot, size_t size)
{
    void *symbol = dlsym(library, name);

    memcpy(slot, &symbol, size);
    return symbol != NULL ? 0 : -1;
}

int freshet_curl_load(struct curl_api *api)
{
    const struct {
        const char *name;
        size_t offset;
    } functions[] = {
        {"curl_easy_init", offsetof(struct curl_api, easy_init)},
        {"curl_easy_cleanup", offsetof(struct curl_api, easy_cleanup)},
        {"curl_easy_setopt", offsetof(struct curl_api, easy_setopt)},
        {"curl_easy_getinfo", offsetof(struct curl_api, easy_getinfo)},
        {"curl_multi_init", offsetof(struct curl_api, multi_init)},
        {"curl_multi_cleanup", offsetof(struct curl_api, multi_cleanup)},
        {"curl_multi_setopt", offsetof(struct curl_api, multi_setopt)},
        {"curl_multi_add_handle", offsetof(struct curl_api, multi_add_handle)},
        {"curl_multi_remove_handle", offsetof(struct curl_api, multi_remove_handle)},
        {"curl_multi_socket_action", offsetof(struct curl_api, multi_socket_action)},
        {"curl_multi_assign", offsetof(struct curl_api, multi_assign)},
        {"curl_multi_info_read", offsetof(struct curl_api, multi_info_read)},
        {"curl_slist_append", offsetof(struct curl_api, slist_append)},
        {"curl_slist_free_all", offsetof(struct curl_api, slist_free_all)},
    };
    void *library = dlopen(CURL_LIBRARY, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);

    if (library == NULL) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (curl_find(library, functions[i].name, (char *)api + functions[i].offset,
                      sizeof(void *)) != 0) {
            return -1;
        }
    }
    return 0;
}
