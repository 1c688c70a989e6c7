/*
 * Opening: the folder first, then the key, which may be made only while the folder is empty.
 */
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/file.h"
#include "store/key.h"

/* Lock files and what a crash left half-written do not count; anything sealed does. */
static bool store_is_entry(const char *name)
{
    const char *dot = strrchr(name, '.');

    return name[0] != '.' && dot != NULL && strcmp(dot, ".lock") != 0 && strcmp(dot, ".tmp") != 0;
}

/* Unreadable counts as not empty: then no key is made. */
static bool store_is_empty(int folder)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = copy >= 0 ? fdopendir(copy) : NULL;
    bool empty = true;

    if (listing == NULL) {
        if (copy >= 0) {
            close(copy);
        }
        return false;
    }
    for (struct dirent *item = readdir(listing); item != NULL; item = readdir(listing)) {
        empty = empty && !store_is_entry(item->d_name);
    }
    closedir(listing);
    return empty;
}

static enum freshet_status store_take_key(struct store *store, const struct store_options *options,
                                          struct store_error *error)
{
    enum freshet_status status = FRESHET_OK;
    bool empty = false;

    store->key = sodium_malloc(FRESHET_SEAL_KEY_BYTES);
    if (store->key == NULL) {
        return FRESHET_NO_MEMORY;
    }
    if (options->key_command != NULL && options->key_command[0] != '\0') {
        status = freshet_key_from_command(options->key_command, options->key_timeout_ms, store->key,
                                          error);
    } else if (options->key_file == NULL || options->key_file[0] == '\0') {
        status = freshet_store_fail(error, FRESHET_INVALID,
                                    "the store needs a key file or a key command");
    } else {
        empty = store_is_empty(store->folder);
        status = freshet_key_from_file(options->key_file, store->folder, empty, store->key, error);
        /* Another process may have made the key and its first entry between the two looks. */
        if (status == FRESHET_NONE) {
            status =
                freshet_key_from_file(options->key_file, store->folder, false, store->key, error);
        }
        status = status == FRESHET_NONE ? FRESHET_STORE : status;
    }
    sodium_mprotect_readonly(store->key);
    return status;
}

enum freshet_status freshet_store_open(const struct store_options *options, struct store **store,
                                       struct store_error *error)
{
    struct store *opened = NULL;
    enum freshet_status status = FRESHET_OK;

    *store = NULL;
    if (options->folder == NULL || options->folder[0] == '\0') {
        return freshet_store_fail(error, FRESHET_INVALID, "the store needs a folder");
    }
    opened = sodium_init() >= 0 ? calloc(1, sizeof(*opened)) : NULL;
    if (opened == NULL) {
        return FRESHET_NO_MEMORY;
    }
    opened->folder = -1;
    opened->probe = options->probe;
    status = freshet_folder_make(options->folder, &opened->folder, error);
    if (status == FRESHET_OK) {
        status = store_take_key(opened, options, error);
    }
    if (status == FRESHET_OK) {
        *store = opened;
    } else {
        freshet_store_close(opened);
    }
    return status;
}

void freshet_store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    if (store->folder >= 0) {
        close(store->folder);
    }
    sodium_free(store->key);
    free(store);
}

void freshet_store_at(const struct store *store, enum store_point point)
{
    if (store->probe.at != NULL) {
        store->probe.at(store->probe.context, point);
    }
}

static bool store_absolute(const char *path)
{
    return path != NULL && path[0] == '/';
}

/* base/tail of the first base that is set, or NULL. */
static char *store_place(const char *base, const char *tail, const char *home,
                         const char *home_tail)
{
    char *place = NULL;
    const char *root = store_absolute(base) ? base : home;

    if (!store_absolute(root) ||
        asprintf(&place, "%s/%s", root, root == base ? tail : home_tail) < 0) {
        return NULL;
    }
    return place;
}

enum freshet_status freshet_store_default_paths(const struct store_environment *environment,
                                                struct store_paths *paths,
                                                struct store_error *error)
{
    const char *home = environment->home;

    paths->folder =
        store_absolute(environment->state_dir)
            ? strdup(environment->state_dir)
            : store_place(environment->state_home, "freshet", home, ".local/state/freshet");
    paths->key_file =
        store_place(environment->config_home, "freshet/key", home, ".config/freshet/key");
    if (paths->folder != NULL && paths->key_file != NULL) {
        return FRESHET_OK;
    }
    free(paths->folder);
    free(paths->key_file);
    *paths = (struct store_paths){0};
    return freshet_store_fail(error, FRESHET_INVALID,
                              "no place for credentials: HOME is not set; set HOME, or "
                              "XDG_STATE_HOME and XDG_CONFIG_HOME");
}
