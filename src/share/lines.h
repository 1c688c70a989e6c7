/*
 * The format of everything in the shared place: lines "name number" and "name length bytes", in a
 * fixed order. A text says its length first, so nothing in it needs an escape; a reader that meets
 * anything but the line it expects stops for good. record.c and session_record.c build on it.
 */
#ifndef FRESHET_SHARE_LINES_H
#define FRESHET_SHARE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lines being written into the caller's buffer. */
struct lines_out {
    char *bytes;
    size_t size;
    size_t length;
    bool failed; /* something did not fit; nothing more is written */
};

void freshet_lines_put_mark(struct lines_out *out, const char *mark);
void freshet_lines_put_number(struct lines_out *out, const char *name, int64_t value);
void freshet_lines_put_bytes(struct lines_out *out, const char *name, const char *bytes,
                             size_t length);
void freshet_lines_put_text(struct lines_out *out, const char *name, const char *text);

/* Lines being read. */
struct lines_in {
    const char *bytes;
    size_t length;
    size_t at;
    bool failed; /* a line was not the one expected; everything read since is zero */
};

/* The very first line, whole. */
void freshet_lines_take_mark(struct lines_in *in, const char *mark);

/* A number within [min, max], in the one way to write it; 0 after a failure. */
int64_t freshet_lines_take_number(struct lines_in *in, const char *name, int64_t min, int64_t max);

/* At most `max` bytes, borrowed from the input, of whatever values. */
const char *freshet_lines_take_bytes(struct lines_in *in, const char *name, size_t max,
                                     size_t *length);

/* Printable text (no control bytes) that fits into size - 1 bytes, copied and terminated. */
void freshet_lines_take_text(struct lines_in *in, const char *name, char *text, size_t size);

/* True if every line was as expected and nothing follows the last. */
bool freshet_lines_done(const struct lines_in *in);

#endif
