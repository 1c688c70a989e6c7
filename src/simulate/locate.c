/*
 * Finds the line of a member by walking the raw text. It trusts that the text is valid JSON, but
 * never reads past its end: whatever does not fit the path stops where it is.
 */
#include "simulate/locate.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

struct text {
    const char *start;
    const char *end;
};

static const char *locate_find(const struct text *text, const struct place *place, bool name);

int freshet_locate_line(const char *text, size_t length, const struct place *place)
{
    struct text whole = {text, text + length};
    const char *found = locate_find(&whole, place, true);
    int line = 1;

    for (const char *at = text; at < found; at++)
        line += *at == '\n';
    return line;
}

static bool locate_is_one_of(char byte, const char *set)
{
    return byte != '\0' && strchr(set, byte) != NULL;
}

static const char *locate_space(const struct text *text, const char *at)
{
    while (at < text->end && locate_is_one_of(*at, " \t\r\n,:"))
        at++;
    return at;
}

/* From an opening quote to behind the closing one. */
static const char *locate_string_end(const struct text *text, const char *at)
{
    for (at++; at < text->end && *at != '"'; at++) {
        if (*at == '\\')
            at++;
    }
    return at < text->end ? at + 1 : text->end;
}

/* From the beginning of a value to behind its end. */
static const char *locate_value_end(const struct text *text, const char *at)
{
    int depth = 0;

    do {
        if (at >= text->end)
            return text->end;
        if (*at == '"') {
            at = locate_string_end(text, at);
            continue;
        }
        if (*at == '{' || *at == '[')
            depth++;
        else if (*at == '}' || *at == ']')
            depth--;
        else if (depth == 0) {
            while (at < text->end && !locate_is_one_of(*at, " \t\r\n,:]}"))
                at++;
            return at;
        }
        at++;
    } while (depth > 0);
    return at;
}

/* A name may be spelled with escapes, so it is read as JSON before it is compared. */
static bool locate_is_name(const char *start, const char *end, const char *member)
{
    json_t *name = json_loadb(start, (size_t)(end - start), JSON_DECODE_ANY, NULL);
    bool same = name != NULL && strcmp(json_string_value(name), member) == 0;

    json_decref(name);
    return same;
}

static const char *locate_in_object(const struct text *text, const char *object, const char *member,
                                    bool want_name)
{
    const char *at = locate_space(text, object + 1);

    while (at < text->end && *at == '"') {
        const char *name = at;
        const char *name_end = locate_string_end(text, at);
        const char *value = locate_space(text, name_end);

        if (locate_is_name(name, name_end, member))
            return want_name ? name : value;
        at = locate_space(text, locate_value_end(text, value));
    }
    return object;
}

static const char *locate_in_array(const struct text *text, const char *array, size_t index)
{
    const char *at = locate_space(text, array + 1);

    while (index > 0 && at < text->end && *at != ']') {
        at = locate_space(text, locate_value_end(text, at));
        index--;
    }
    return at;
}

/* Where the value of a place begins, or the name of its member. */
static const char *locate_find(const struct text *text, const struct place *place, bool name)
{
    const char *parent;

    if (place == NULL)
        return locate_space(text, text->start);
    parent = locate_find(text, place->parent, false);
    if (parent >= text->end)
        return text->end;
    if (place->member == NULL)
        return *parent == '[' ? locate_in_array(text, parent, place->index) : parent;
    return *parent == '{' ? locate_in_object(text, parent, place->member, name) : parent;
}
