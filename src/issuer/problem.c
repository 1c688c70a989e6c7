/*
 * Messages about bad input, and the two checks of JSON values that settings and faults share. It
 * refuses to quote bytes that are not printable: a terminal may be reading.
 */
#include "issuer/problem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

int freshet_problem(struct problem *problem, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(problem->text, sizeof problem->text, format, arguments);
    va_end(arguments);
    return -1;
}

int freshet_problem_integer(const json_t *value, const char *name, int64_t least, int64_t most,
                            int64_t *number, struct problem *problem)
{
    if (!json_is_integer(value) || json_integer_value(value) < least ||
        json_integer_value(value) > most) {
        return freshet_problem(problem, "%s must be a whole number from %" PRId64 " to %" PRId64,
                               name, least, most);
    }
    *number = json_integer_value(value);
    return 0;
}

int freshet_problem_boolean(const json_t *value, const char *name, int *flag,
                            struct problem *problem)
{
    if (!json_is_boolean(value))
        return freshet_problem(problem, "%s must be true or false", name);
    *flag = json_is_true(value);
    return 0;
}

const char *freshet_problem_name(const char *name, char *clean, size_t size)
{
    size_t i;

    for (i = 0; i + 1 < size && name[i] != '\0'; i++)
        clean[i] = name[i] < ' ' || name[i] > '~' ? '?' : name[i];
    clean[i] = '\0';
    return clean;
}
