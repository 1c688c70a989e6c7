/*
 * Files of the shared place, read whole within a bound; share/draft.h writes them.
 *
 * Everything is relative to the descriptor of a folder that place.c has judged. What is not a plain
 * file of ours, readable by nobody else, is refused unread. Any thread.
 */
#ifndef FRESHET_SHARE_FILE_H
#define FRESHET_SHARE_FILE_H

#include <stddef.h>

/*
 * Reads at most `size` bytes. 0, or a negative errno: -ENOENT no such file, -ELOOP a symbolic link,
 * -EPERM not a plain file, another owner or open to others, -EFBIG more than `size` bytes.
 */
int freshet_share_file_read(int folder_fd, const char *name, char *bytes, size_t size,
                            size_t *length);

/* What a negative errno of these means for somebody who has to mend it. */
const char *freshet_share_file_error(int error);

/* Walks the names in the folder; `visit` returns nothing and may remove the file. */
typedef void share_file_visit(int folder_fd, const char *name, void *context);
void freshet_share_file_each(int folder_fd, share_file_visit *visit, void *context);

#endif
