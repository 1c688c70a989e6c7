/*
 * Replacing a file of the shared place whole, after a look at what is there.
 *
 * A writer can be stopped at any instant, also between its look and its rename, and must then
 * neither keep the others from writing nor overwrite what they wrote. So each writer puts a draft
 * beside the file, removes everybody else's drafts, looks at the file, and renames its draft: of two
 * that overlap, the one that looked too early finds its draft gone and has to look again. A locked
 * byte of the lock file says whose a draft's name is. publish.c and share.c write nothing without.
 */
#ifndef FRESHET_SHARE_DRAFT_H
#define FRESHET_SHARE_DRAFT_H

#include <stddef.h>

#include "share/name.h"

struct draft {
    int folder_fd;
    int lock;       /* -1: not open */
    int number;     /* 0 to FRESHET_DRAFTS - 1 */
    int descriptor; /* -1: there is no file (any more) */
    struct share_name target;
};

/*
 * 0, or a negative errno: -EAGAIN as many writers as there are numbers were stopped, or why the lock
 * file or the draft cannot be used. Waits some hundred microseconds for another writer, then takes
 * the next number. freshet_draft_close() in either case.
 */
int freshet_draft_open(struct draft *draft, int folder_fd, const struct share_name *target);

/* Writes it and puts it in the file's place. 0; -ESTALE: somebody else wrote since the open, look
 * again from a new draft; or another negative errno, with what was there left whole. No fsync: the
 * place lives in memory. */
int freshet_draft_finish(struct draft *draft, const char *bytes, size_t length);

/* Removes the draft if it was not finished. */
void freshet_draft_close(struct draft *draft);

/* Removes the drafts whose writers are dead. */
void freshet_drafts_sweep(int folder_fd);

#endif
