/*
 * Where a client's processes meet and where its credentials lie: options first, then the environment.
 *
 * Opening the store may run a command, so it is done before there is a loop. A store that holds
 * nothing yet and that nobody asked for may be missing: the client then does without, and its status
 * says why.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/internal.h"

static bool places_has(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* Defaults for what the options leave open. */
static enum freshet_status places_paths(const struct freshet_client_options *options,
                                        struct store_paths *paths, struct store_error *error)
{
    const struct store_environment environment = {
        .state_dir = places_has(options->state_dir) ? options->state_dir
                                                    : secure_getenv("FRESHET_STATE_DIR"),
        .state_home = secure_getenv("XDG_STATE_HOME"),
        .config_home = secure_getenv("XDG_CONFIG_HOME"),
        .home = secure_getenv("HOME")};
    const char *key_file =
        places_has(options->key_file) ? options->key_file : secure_getenv("FRESHET_KEY_FILE");
    enum freshet_status status = freshet_store_default_paths(&environment, paths, error);

    if (status == FRESHET_OK && places_has(key_file)) {
        free(paths->key_file);
        paths->key_file = strdup(key_file);
        status = paths->key_file != NULL ? FRESHET_OK : FRESHET_NO_MEMORY;
    }
    return status;
}

/* Without its store a credential that was kept there is as good as lost: what the host has given has
 * been replaced since, and to present it again may end the session. */
static bool places_keep_something(const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry = NULL;
    bool found = false;

    if (entries == NULL) {
        return errno != ENOENT && errno != ENOTDIR;
    }
    while (!found && (entry = readdir(entries)) != NULL) {
        found = strstr(entry->d_name, ".credential") != NULL;
    }
    closedir(entries);
    return found;
}

/* *needed: this client cannot do without the store. */
static enum freshet_status places_open_store(struct freshet_client *client,
                                             const struct freshet_client_options *options,
                                             bool *needed, struct store_error *error)
{
    struct store_paths paths = {0};
    struct store_options store = {.key_command = options->key_command};
    enum freshet_status status = places_paths(options, &paths, error);

    *needed = places_has(options->state_dir) || places_has(options->key_file) ||
              places_has(options->key_command);
    if (status == FRESHET_OK) {
        store.folder = paths.folder;
        store.key_file = places_has(options->key_command) ? NULL : paths.key_file;
        status = freshet_store_open(&store, &client->store, error);
        if (status == FRESHET_OK && access(paths.folder, W_OK) != 0 &&
            !places_keep_something(paths.folder)) {
            freshet_store_close(client->store);
            client->store = NULL;
            status = freshet_store_fail(error, FRESHET_STORE,
                                        "credentials are not kept: the folder %s cannot be written "
                                        "to; set FRESHET_STATE_DIR to one that can",
                                        paths.folder);
        }
        *needed = *needed || (status != FRESHET_OK && places_keep_something(paths.folder));
    }
    free(paths.folder);
    free(paths.key_file);
    return status;
}

struct place_choice freshet_places_choice(const struct freshet_client_options *options)
{
    return (struct place_choice){.chosen = options->runtime_dir,
                                 .freshet_runtime_dir = secure_getenv("FRESHET_RUNTIME_DIR"),
                                 .xdg_runtime_dir = secure_getenv("XDG_RUNTIME_DIR")};
}

enum freshet_status freshet_places_open(struct freshet_client *client,
                                        const struct freshet_client_options *options,
                                        struct freshet_error *error)
{
    struct store_error reason = {.text = ""};
    bool needed = false;
    enum freshet_status status = FRESHET_OK;

    if (options->state_dir != NULL && options->state_dir[0] == '\0') {
        return FRESHET_OK;
    }
    status = places_open_store(client, options, &needed, &reason);
    memcpy(client->store_fault, reason.text, sizeof(client->store_fault));
    if (status == FRESHET_OK || (!needed && status != FRESHET_NO_MEMORY)) {
        return FRESHET_OK;
    }
    return freshet_error_set(error, status == FRESHET_NO_MEMORY ? status : FRESHET_STORE, 0,
                             reason.text[0] != '\0' ? reason.text : freshet_error_text(status));
}
