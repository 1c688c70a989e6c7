/*
 * Percent-encoding: the segments of a path and the fields of a form body. Strict: a broken escape or
 * a NUL refuses the whole text.
 */
#ifndef FRESHET_ISSUER_FORM_H
#define FRESHET_ISSUER_FORM_H

#include <stdbool.h>
#include <stddef.h>

enum form { FORM_ABSENT, FORM_PRESENT, FORM_BROKEN };

/* Decodes `length` bytes into `text` (`size` with its NUL); `plus` is a space in forms. */
bool freshet_form_decode(const char *bytes, size_t length, bool plus, char *text, size_t size);

/* The first field of that name in an application/x-www-form-urlencoded body. */
enum form freshet_form_field(const char *body, size_t length, const char *name, char *text,
                             size_t size);

#endif
