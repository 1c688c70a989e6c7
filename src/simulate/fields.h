/*
 * Tables that say which members an object takes, of what type, between which bounds, and where the
 * value goes. What no table names is an error that names the member, its line, and what is allowed.
 */
#ifndef FRESHET_SIMULATE_FIELDS_H
#define FRESHET_SIMULATE_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "simulate/locate.h"

/* A text that is being read, and the one thing that was wrong with it. */
struct document {
    const char *name; /* of the file, for messages */
    const char *text;
    size_t length;
    char error[512]; /* "FILE:LINE: what is wrong" */
};

enum field_type {
    FIELD_INTEGER, /* int64_t */
    FIELD_SMALL,   /* int32_t */
    FIELD_SECONDS, /* int64_t in ms, written in seconds, with a fraction if need be */
    FIELD_FACTOR,  /* double */
    FIELD_FLAG,    /* bool */
    FIELD_TEXT,    /* const char *, borrowed from the parsed file */
    FIELD_NAME,    /* the same; null is the empty name */
    FIELD_CHOICE,  /* int: the index in `choices` */
    FIELD_OWN      /* `own` reads it */
};

struct field;

typedef bool (*field_reader)(struct document *document, const struct place *place,
                             const struct field *field, const json_t *value, void *base);

struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    int64_t least; /* INTEGER, SMALL; SECONDS and FACTOR: of the number as written */
    int64_t most;
    const char *const *choices; /* ends with NULL */
    field_reader own;
    bool required;
};

struct table {
    const char *what; /* "a get", "issuer": for messages */
    const struct field *fields;
    size_t count;
    const struct table *also; /* more members, or NULL */
};

/* Reads an object. False after the first error, which is then in the document. */
bool freshet_fields_read(struct document *document, const struct place *place, const json_t *object,
                         const struct table *table, void *base);

/* Writes "FILE:LINE: ..." into the document; always false. */
bool freshet_document_error(struct document *document, const struct place *place,
                            const char *format, ...) __attribute__((format(printf, 3, 4)));

/* True if the value is an array or object as wanted, else an error. */
bool freshet_document_wants(struct document *document, const struct place *place,
                            const json_t *value, json_type type, const char *name);

/* A name from the file with everything unprintable replaced, cut to fit. */
const char *freshet_document_clean(const char *name, char *clean, size_t size);

#endif
