/*
 * The bounded JSON of source/json.h.
 */
#include "source/json.h"

#define JSON_DEPTH_MAX 32

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
            if (++depth > JSON_DEPTH_MAX) {
                return false;
            }
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return true;
}

json_t *freshet_json_object(const char *text, size_t length)
{
    json_t *root = NULL;

    if (text == NULL || !json_depth_bounded(text, length)) {
        return NULL;
    }
    root = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    if (root != NULL && !json_is_object(root)) {
        json_decref(root);
        return NULL;
    }
    return root;
}

const char *freshet_json_string(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

bool freshet_json_integer(const json_t *object, const char *name, int64_t *value)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_integer(member)) {
        return false;
    }
    *value = json_integer_value(member);
    return true;
}
