/*
 * Small files in a folder of ours, read with suspicion and replaced whole.
 *
 * Everything is relative to the folder's descriptor. Links, pipes, files of other users and files
 * that others may read are refused. Nothing here knows what a file holds.
 */
#ifndef FRESHET_STORE_FILE_H
#define FRESHET_STORE_FILE_H

#include <stddef.h>

#include "store/error.h"

/* The caller's; freshet_store_file_free(). */
struct file_bytes {
    unsigned char *data;
    size_t length;
};

/* Opens an existing folder that is ours alone, not through a link. The descriptor is the caller's. */
enum freshet_status freshet_folder_open(const char *path, int *descriptor,
                                        struct store_error *error);

/* The same, made first (0700, with its parents) where it is missing. */
enum freshet_status freshet_folder_make(const char *path, int *descriptor,
                                        struct store_error *error);

/* Makes a folder of any owner and mode where it is missing, and opens it. */
enum freshet_status freshet_parent_make(const char *path, int *descriptor,
                                        struct store_error *error);

/* All of a file of at most limit bytes. FRESHET_NONE: there is none. FRESHET_STORE: refused. The
 * error says what is wrong without naming the file: the caller knows what it is to people. */
enum freshet_status freshet_store_file_read(int folder, const char *name, size_t limit,
                                            struct file_bytes *bytes, struct store_error *error);

/* Renames and makes that durable. 0 or -errno. */
int freshet_store_file_rename(int folder, const char *from, const char *to);

/* Replaces a file through a temporary one, durably. 0 or -errno; the old one stays on failure. */
int freshet_store_file_put(int folder, const char *temporary, const char *name,
                           const struct file_bytes *bytes);

/* Unlinks, durably. A missing file is fine. 0 or -errno. */
int freshet_store_file_remove(int folder, const char *name);

void freshet_store_file_free(struct file_bytes *bytes);

#endif
