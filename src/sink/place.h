/*
 * A file that other programs read: locked against other writers, read, and replaced whole.
 *
 * A reader sees the old file or the new one, never a part: the new text is written beside it (0600),
 * made durable and renamed. What is not a plain file of ours is refused, also a symbolic link, and a
 * folder in which others could put one. Whoever finds the lock taken comes back later: nothing here
 * waits. Used by the sink, on Freshet's thread.
 */
#ifndef FRESHET_SINK_PLACE_H
#define FRESHET_SINK_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#define FRESHET_PLACE_MAX       1048576 /* bytes of the file */
#define FRESHET_PLACE_FAULT_MAX 256

/* Why it cannot be read or written: what happened, to what, and what to do. "": nothing. */
struct place_fault {
    char text[FRESHET_PLACE_FAULT_MAX];
};

struct outlet_place {
    char *path; /* as given, for messages */
    char *folder;
    char *name;
    char *beside; /* the new text, before it is renamed */
    char *lock_name;
    int folder_fd;
    int lock_fd;
};

/* Remembers where it is, from now on independent of the working folder. */
bool freshet_place_init(struct outlet_place *place, const char *path, struct place_fault *fault);
void freshet_place_free(struct outlet_place *place);

enum place_result { PLACE_OK, PLACE_BUSY, PLACE_FAILED };

/* Takes the lock; freshet_place_end() after PLACE_OK only. */
enum place_result freshet_place_begin(struct outlet_place *place, struct place_fault *fault);
void freshet_place_end(struct outlet_place *place);

/* The text, NUL-terminated, for freshet_place_release(); NULL text when there is no file. */
bool freshet_place_read(const struct outlet_place *place, char **text, size_t *length,
                        struct place_fault *fault);
bool freshet_place_write(const struct outlet_place *place, const char *text, size_t length,
                         struct place_fault *fault);
bool freshet_place_remove(const struct outlet_place *place, struct place_fault *fault);

/* Wipes and frees a text. */
void freshet_place_release(char *text, size_t length);

#endif
