/*
 * What is wrong with an option, a fault or a setting, in words for the person who gave it. It never
 * quotes a token: the callers put only names and numbers in.
 */
#ifndef FRESHET_ISSUER_PROBLEM_H
#define FRESHET_ISSUER_PROBLEM_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct problem {
    char text[320];
};

/* Fills the problem and returns -1, so that a caller can say `return freshet_problem(...)`. */
int freshet_problem(struct problem *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* -1 and a problem when a value is no integer from `least` to `most`, else 0 and the value. */
int freshet_problem_integer(const json_t *value, const char *name, int64_t least, int64_t most,
                            int64_t *number, struct problem *problem);
int freshet_problem_boolean(const json_t *value, const char *name, int *flag,
                            struct problem *problem);

/* The name with every byte that is not printable ASCII replaced, cut to fit, for a message. */
const char *freshet_problem_name(const char *name, char *clean, size_t size);

#endif
