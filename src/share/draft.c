/*
 * Drafts: "<file>.new-<number>", each number guarded by a byte of the file's lock file.
 */
#include "share/draft.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "file/file.h"
#include "lock/lock.h"
#include "share/file.h"

#define DRAFT_FIRST_BYTE 2 /* those before are the lease's */
#define DRAFT_TRIES      200

static off_t draft_byte(int number)
{
    return DRAFT_FIRST_BYTE + number;
}

static int draft_lock(int folder_fd, const char *lock, int number)
{
    return freshet_lock_try(folder_fd, lock, draft_byte(number), LOCK_EXCLUSIVE);
}

/* Writers queue for the first number. Who has tried long enough goes on beside its holder. */
static int draft_take_number(struct draft *draft, const char *lock)
{
    int result = -EAGAIN;

    draft->number = 0;
    for (int i = 0; i < DRAFT_TRIES && result == -EAGAIN; i++) {
        if (i > 0) {
            sched_yield();
        }
        result = draft_lock(draft->folder_fd, lock, 0);
    }
    while (result == -EAGAIN && ++draft->number < FRESHET_DRAFTS) {
        result = draft_lock(draft->folder_fd, lock, draft->number);
    }
    return result;
}

static void draft_unlink(const struct draft *draft, int number)
{
    const struct share_name name = freshet_share_name_draft(&draft->target, number);

    unlinkat(draft->folder_fd, name.text, 0);
}

int freshet_draft_open(struct draft *draft, int folder_fd, const struct share_name *target)
{
    const struct share_name lock = freshet_share_name_lock_of(target->text);
    struct share_name name = {{0}};

    *draft =
        (struct draft){.folder_fd = folder_fd, .lock = -1, .descriptor = -1, .target = *target};
    draft->lock = draft_take_number(draft, lock.text);
    if (draft->lock < 0) {
        return draft->lock;
    }
    name = freshet_share_name_draft(target, draft->number);
    /* One that was killed may have left a file of that name. */
    draft->descriptor = freshet_file_create(folder_fd, name.text);
    if (draft->descriptor < 0) {
        return draft->descriptor;
    }
    for (int number = 0; number < FRESHET_DRAFTS; number++) {
        if (number != draft->number) {
            draft_unlink(draft, number);
        }
    }
    return 0;
}

int freshet_draft_finish(struct draft *draft, const char *bytes, size_t length)
{
    const struct share_name name = freshet_share_name_draft(&draft->target, draft->number);
    int error = freshet_file_write(draft->descriptor, bytes, length);

    if (error == 0 &&
        renameat(draft->folder_fd, name.text, draft->folder_fd, draft->target.text) != 0) {
        error = errno == ENOENT ? -ESTALE : -errno;
    }
    if (error == 0) {
        close(draft->descriptor);
        draft->descriptor = -1;
    }
    return error;
}

void freshet_draft_close(struct draft *draft)
{
    if (draft->descriptor >= 0) {
        close(draft->descriptor);
        draft_unlink(draft, draft->number);
    }
    if (draft->lock >= 0) {
        freshet_lock_release(draft->lock, draft_byte(draft->number));
    }
    draft->descriptor = -1;
    draft->lock = -1;
}

static void draft_sweep_one(int folder_fd, const char *name, void *context)
{
    struct share_name lock = {{0}};
    int number = 0;
    int held = -1;

    (void)context;
    if (!freshet_share_name_is_draft(name, &number)) {
        return;
    }
    lock = freshet_share_name_lock_of(name);
    held = draft_lock(folder_fd, lock.text, number);
    if (held >= 0) {
        unlinkat(folder_fd, name, 0);
        freshet_lock_release(held, draft_byte(number));
    }
}

void freshet_drafts_sweep(int folder_fd)
{
    freshet_share_file_each(folder_fd, draft_sweep_one, NULL);
}
