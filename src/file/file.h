/*
 * Small files, read within a bound and written whole.
 *
 * What every layer that keeps something in files does with the system calls. Short reads and writes,
 * signals and full disks are dealt with here; a link is never followed in place of the file itself,
 * and nothing waits. What a file holds, and what to tell people when it cannot be used, is up to the
 * caller: locks, the shared place, the store, credential files, sinks, the configuration.
 *
 * `folder` is a folder's descriptor, or AT_FDCWD with a path for a name. Unless said otherwise, a
 * function returns 0 or a negative errno. Any thread.
 */
#ifndef FRESHET_FILE_FILE_H
#define FRESHET_FILE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* A plain file that belongs to us and is closed to everybody else? */
bool freshet_file_is_ours(const struct stat *status);

/* Opens what is there for reading, whatever it is, and says what: the caller judges. A descriptor,
 * or a negative errno: -ENOENT nothing is there, -ELOOP a link. */
int freshet_file_open(int folder, const char *name, struct stat *status);

/* All that follows in the descriptor. -EFBIG: it is more than `size` bytes. The length is that of
 * what was read, also after a failure. */
int freshet_file_read(int descriptor, void *data, size_t size, size_t *length);

/* All of it, from where the descriptor stands. */
int freshet_file_write(int descriptor, const void *data, size_t length);

/* A new empty file, 0600 whatever the umask; what has the name is unlinked first. A descriptor for
 * reading and writing, or a negative errno. */
int freshet_file_create(int folder, const char *name);

/* A whole new file: created, written, synced. After a failure a part of it may be there. */
int freshet_file_make(int folder, const char *name, const void *data, size_t length);

/* Replaces `name` by a file that was made as `temporary`: a reader, and whoever comes after a crash,
 * finds the old file or the new one, whole. After a failure the old one is there, and no temporary
 * one. Which of the two a crash leaves is settled when the folder has been synced: the caller does. */
int freshet_file_replace(int folder, const char *temporary, const char *name, const void *data,
                         size_t length);

/* Syncs the folder that holds the path: what was made, renamed or removed there is durable. */
int freshet_file_sync_above(const char *path);

#endif
