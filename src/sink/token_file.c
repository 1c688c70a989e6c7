/*
 * The plain token file.
 */
#include "sink/token_file.h"

#include <stdio.h>
#include <string.h>

static bool token_file_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void freshet_token_file_find(const char *text, size_t length, const char **token,
                             size_t *token_length)
{
    while (length > 0 && token_file_is_space(text[length - 1])) {
        length--;
    }
    while (length > 0 && token_file_is_space(*text)) {
        text++;
        length--;
    }
    *token = length > 0 ? text : NULL;
    *token_length = length;
}

bool freshet_token_file_write(const struct outlet_place *place, const char *token,
                              struct place_fault *fault)
{
    char *text = NULL;
    int length = asprintf(&text, "%s\n", token);
    bool good = false;

    if (length < 0) {
        snprintf(fault->text, sizeof(fault->text), "out of memory");
        return false;
    }
    good = freshet_place_write(place, text, (size_t)length, fault);
    freshet_place_release(text, (size_t)length);
    return good;
}
