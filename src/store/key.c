/*
 * The key file: read if it is there, made once if it may be, never replaced.
 */
#include "store/key.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/file.h"
#include "store/file.h"

#define KEY_HEX      (2 * FRESHET_SEAL_KEY_BYTES)
#define KEY_FILE_MAX 1024 /* more than a key takes, so that a wrong one is called that */

/* Whether the folder is the store, or lies below it. Then who copies the store copies its key.
 * What cannot be found out counts as yes. */
static bool key_below_store(int folder, int store_folder)
{
    struct stat store;
    struct stat here;
    struct stat above;
    int at = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    bool below = at < 0 || fstat(store_folder, &store) != 0 || fstat(folder, &here) != 0;

    while (!below && at >= 0) {
        int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

        below = here.st_dev == store.st_dev && here.st_ino == store.st_ino;
        close(at);
        at = up;
        if (up < 0 || fstat(up, &above) != 0 ||
            (above.st_dev == here.st_dev && above.st_ino == here.st_ino)) {
            break;
        }
        here = above;
    }
    if (at >= 0) {
        close(at);
    }
    return below;
}

static enum freshet_status key_parse(const struct file_bytes *bytes, const char *path,
                                     unsigned char *key, struct store_error *error)
{
    size_t length = bytes->length;
    size_t made = 0;

    if (length > 0 && bytes->data[length - 1] == '\n') {
        length--;
    }
    if (length != KEY_HEX || sodium_hex2bin(key, FRESHET_SEAL_KEY_BYTES, (const char *)bytes->data,
                                            length, NULL, &made, NULL) != 0) {
        return freshet_store_fail(error, FRESHET_STORE,
                                  "key file %.180s: not %d hexadecimal digits; restore it from a "
                                  "copy",
                                  path, KEY_HEX);
    }
    return FRESHET_OK;
}

static enum freshet_status key_read(int folder, const char *name, const char *path,
                                    unsigned char *key, struct store_error *error)
{
    struct store_error why = {{0}};
    struct file_bytes bytes;
    enum freshet_status status = freshet_store_file_read(folder, name, KEY_FILE_MAX, &bytes, &why);

    if (status == FRESHET_STORE) {
        return freshet_store_fail(error, status, "key file %.150s: %.150s", path, why.text);
    }
    if (status == FRESHET_OK) {
        status = key_parse(&bytes, path, key, error);
        sodium_memzero(bytes.data, bytes.length);
    }
    freshet_store_file_free(&bytes);
    return status;
}

/* A whole key under a name of its own, which link() then makes the key unless there is one. */
static int key_write(int folder, const char *temporary)
{
    unsigned char key[FRESHET_SEAL_KEY_BYTES];
    char text[KEY_HEX + 1];
    int result = 0;

    randombytes_buf(key, sizeof(key));
    sodium_bin2hex(text, sizeof(text), key, sizeof(key));
    text[KEY_HEX] = '\n';
    result = freshet_file_make(folder, temporary, text, sizeof(text));
    sodium_memzero(key, sizeof(key));
    sodium_memzero(text, sizeof(text));
    return result;
}

static enum freshet_status key_make(int folder, const char *name, const char *path,
                                    struct store_error *error)
{
    unsigned char mark[8];
    char temporary[sizeof("freshet-key.") + 2 * sizeof(mark)] = "freshet-key.";
    int result = 0;

    randombytes_buf(mark, sizeof(mark));
    sodium_bin2hex(temporary + strlen(temporary), 2 * sizeof(mark) + 1, mark, sizeof(mark));
    result = key_write(folder, temporary);
    if (result == 0 && linkat(folder, temporary, folder, name, 0) != 0 && errno != EEXIST) {
        result = -errno;
    }
    unlinkat(folder, temporary, 0);
    if (result == 0 && fsync(folder) != 0) {
        result = -errno;
    }
    return result == 0
               ? FRESHET_OK
               : freshet_store_fail(error, FRESHET_STORE, "key file %.200s cannot be made: %s",
                                    path, strerror(-result));
}

static enum freshet_status key_obtain(int folder, const char *name, const char *path,
                                      bool store_empty, unsigned char *key,
                                      struct store_error *error)
{
    enum freshet_status status = key_read(folder, name, path, key, error);

    if (status == FRESHET_NONE && store_empty) {
        status = key_make(folder, name, path, error);
        if (status == FRESHET_OK) {
            status = key_read(folder, name, path, key, error);
        }
    }
    return status == FRESHET_NONE
               ? freshet_store_fail(error, FRESHET_NONE,
                                    "key file %.140s is missing and the store holds entries sealed "
                                    "with it; restore it, or move the store away and sign in again",
                                    path)
               : status;
}

enum freshet_status freshet_key_from_file(const char *path, int store_folder, bool store_empty,
                                          unsigned char key[FRESHET_SEAL_KEY_BYTES],
                                          struct store_error *error)
{
    char *parent = strdup(path);
    char *slash = parent != NULL ? strrchr(parent, '/') : NULL;
    int folder = -1;
    enum freshet_status status = FRESHET_OK;

    if (parent == NULL) {
        return FRESHET_NO_MEMORY;
    }
    if (path[0] != '/' || slash[1] == '\0') {
        status =
            freshet_store_fail(error, FRESHET_INVALID,
                               "key file %.200s: give the path of a file that begins with /", path);
        goto out;
    }
    *slash = '\0';
    status = freshet_parent_make(parent[0] != '\0' ? parent : "/", &folder, error);
    if (status == FRESHET_OK && key_below_store(folder, store_folder)) {
        status = freshet_store_fail(error, FRESHET_INVALID,
                                    "key file %.200s lies in the store; keep it in another folder",
                                    path);
    }
    if (status == FRESHET_OK) {
        status = key_obtain(folder, slash + 1, path, store_empty, key, error);
    }
out:
    if (folder >= 0) {
        close(folder);
    }
    free(parent);
    return status;
}
