/*
 * The bounded JSON of source/json.h.
 */
#include "source/json.h"

#include <sodium.h>
#include <string.h>

#define JSON_DEPTH_MAX 32
#define JSON_EXACT_MAX 9007199254740991.0 /* up to here a double is as good as an integer */

/* Nesting as the raw bytes show it: brackets outside of strings. */
static bool json_depth_bounded(const char *text, size_t length)
{
    int depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < length; i++) {
        char c = text[i];

        if (quoted) {
            i += c == '\\' ? 1 : 0;
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        }
        if (depth < 0 || depth > JSON_DEPTH_MAX) {
            return false;
        }
    }
    return depth == 0;
}

json_t *freshet_json_object(const char *text, size_t length, size_t max)
{
    json_error_t error;
    json_t *root = NULL;

    if (text == NULL || length > max || !json_depth_bounded(text, length)) {
        return NULL;
    }
    root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL && json_error_code(&error) == json_error_numeric_overflow) {
        /* A number beyond 64 bits in a user's metadata must not hide the rest. */
        root = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
    }
    sodium_memzero(&error, sizeof(error));
    if (root != NULL && !json_is_object(root)) {
        freshet_json_free(root);
        return NULL;
    }
    return root;
}

/* The depth was bounded before anything was parsed, so this ends. */
static void json_wipe(json_t *value)
{
    const char *name = NULL;
    json_t *member = NULL;
    size_t index = 0;

    if (json_is_string(value)) {
        sodium_memzero((char *)json_string_value(value), json_string_length(value));
    } else if (json_is_array(value)) {
        json_array_foreach(value, index, member)
        {
            json_wipe(member);
        }
    } else if (json_is_object(value)) {
        json_object_foreach(value, name, member)
        {
            json_wipe(member);
        }
    }
}

void freshet_json_free(json_t *root)
{
    json_wipe(root);
    json_decref(root);
}

const char *freshet_json_string(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

bool freshet_json_id(const json_t *object, const char *name, const char **id)
{
    const json_t *member = json_object_get(object, name);
    size_t length = json_string_length(member);

    *id = freshet_json_string(object, name);
    if (member != NULL && !json_is_string(member) && !json_is_null(member)) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if ((*id)[i] <= ' ' || (*id)[i] > '~') {
            return false;
        }
    }
    return length <= FRESHET_ID_MAX;
}

bool freshet_json_seconds(const json_t *object, const char *name, int64_t *value)
{
    const json_t *member = json_object_get(object, name);
    double real = json_real_value(member);

    if (json_is_integer(member)) {
        *value = json_integer_value(member);
        return true;
    }
    if (!json_is_real(member) || real < 0 || real > JSON_EXACT_MAX) {
        return false;
    }
    *value = (int64_t)real;
    return true;
}
