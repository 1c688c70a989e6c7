/*
 * Client tokens in memory and in files.
 */
#include "runtime/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/file.h"

#define CREDENTIAL_MAX 16384

static enum freshet_status credential_fail(struct source_error *error, enum freshet_status status,
                                           const char *path, const char *what)
{
    if (error != NULL) {
        snprintf(error->text, sizeof(error->text), "client token file %.120s: %s", path, what);
    }
    return status;
}

/* Header values hold no spaces and no control characters. */
static bool credential_valid(const char *text)
{
    size_t length = strlen(text);

    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f) {
            return false;
        }
    }
    return length > 0 && length <= CREDENTIAL_MAX;
}

static char *credential_copy(const char *text)
{
    return strncmp(text, "Bearer ", 7) == 0 ? strdup(text + 7) : strdup(text);
}

static void credential_wipe(char *text)
{
    if (text != NULL) {
        sodium_memzero(text, strlen(text));
        free(text);
    }
}

/* A file of ours that nobody else can read. */
static const char *credential_file_fault(int descriptor)
{
    struct stat status;

    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        return "not a regular file; give the path of a file";
    }
    if (status.st_uid != geteuid()) {
        return "belongs to another user; use a file of your own";
    }
    if ((status.st_mode & 077) != 0) {
        return "can be read by others; run chmod 600 on it";
    }
    return NULL;
}

static enum freshet_status credential_read(struct credential *credential,
                                           struct source_error *error)
{
    char buffer[CREDENTIAL_MAX + 64];
    const char *path = credential->path;
    const char *fault = NULL;
    size_t length = 0;
    enum freshet_status status = FRESHET_INVALID;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (descriptor < 0) {
        return credential_fail(error, FRESHET_INVALID, path, strerror(errno));
    }
    fault = credential_file_fault(descriptor);
    if (fault == NULL && freshet_file_read(descriptor, buffer, sizeof(buffer) - 1, &length) != 0) {
        length = 0;
    }
    close(descriptor);
    if (fault != NULL) {
        return credential_fail(error, FRESHET_INVALID, path, fault);
    }
    while (length > 0 && strchr(" \t\r\n", buffer[length - 1]) != NULL) {
        length--;
    }
    buffer[length] = '\0';
    credential->text = credential_copy(buffer);
    if (credential->text != NULL && credential_valid(credential->text)) {
        status = FRESHET_OK;
    }
    sodium_memzero(buffer, sizeof(buffer));
    return status == FRESHET_OK
               ? status
               : credential_fail(error, status, path, "holds no client token; put one there");
}

enum freshet_status freshet_credential_load(struct credential *credential, const char *text,
                                            const char *path, struct source_error *error)
{
    *credential = (struct credential){0};
    if (path != NULL) {
        credential->path = strdup(path);
        return credential->path != NULL ? credential_read(credential, error) : FRESHET_NO_MEMORY;
    }
    if (text == NULL) {
        return FRESHET_OK;
    }
    credential->text = credential_copy(text);
    if (credential->text == NULL) {
        return FRESHET_NO_MEMORY;
    }
    return credential_valid(credential->text)
               ? FRESHET_OK
               : credential_fail(error, FRESHET_INVALID, "(none)",
                                 "the client token given is not one");
}

/* Other processes may save theirs at the same time: each has a temporary name of its own. The folder
 * is synced too: a rename that is lost would bring the old token back. */
static bool credential_save(const struct credential *credential)
{
    const char *text = credential->text;
    char *temporary = NULL;
    bool saved = false;

    if (asprintf(&temporary, "%s.%08x", credential->path, randombytes_random()) < 0) {
        return false;
    }
    saved = freshet_file_replace(AT_FDCWD, temporary, credential->path, text, strlen(text)) == 0 &&
            freshet_file_sync_above(credential->path) == 0;
    free(temporary);
    return saved;
}

void freshet_credential_rotate(struct credential *credential, const char *text, request_id from)
{
    char *copy = NULL;

    if (from < credential->from || !credential_valid(text)) {
        return;
    }
    if (credential->text != NULL && strcmp(credential->text, text) == 0) {
        credential->from = from;
        return;
    }
    copy = strdup(text);
    if (copy == NULL) {
        return;
    }
    credential_wipe(credential->text);
    credential->text = copy;
    credential->from = from;
    credential->unsaved = credential->path != NULL && !credential_save(credential);
}

void freshet_credential_look(struct credential *credential)
{
    struct credential found = {.path = credential->path};

    if (credential->path == NULL || credential->unsaved) {
        return;
    }
    if (credential_read(&found, NULL) == FRESHET_OK) {
        credential_wipe(credential->text);
        credential->text = found.text;
    } else {
        credential_wipe(found.text);
    }
}

void freshet_credential_free(struct credential *credential)
{
    credential_wipe(credential->text);
    free(credential->path);
    *credential = (struct credential){0};
}
