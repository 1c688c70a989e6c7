/*
 * Decoding of what arrives percent-encoded. It never reads past the length it is given and never
 * writes past the size; a value that does not fit is broken, not cut. Called by route.c and api.c.
 */
#include "issuer/form.h"

#include <string.h>

static int form_hex(char digit)
{
    const char *digits = "0123456789abcdef";
    const char *at = strchr(digits, digit >= 'A' && digit <= 'F' ? digit + ('a' - 'A') : digit);

    return digit == '\0' || at == NULL ? -1 : (int)(at - digits);
}

bool freshet_form_decode(const char *bytes, size_t length, bool plus, char *text, size_t size)
{
    size_t out = 0;

    for (size_t i = 0; i < length; i++) {
        char byte = bytes[i];

        if (byte == '%') {
            int high = length - i > 2 ? form_hex(bytes[i + 1]) : -1;
            int low = high < 0 ? -1 : form_hex(bytes[i + 2]);
            if (low < 0)
                return false;
            byte = (char)(unsigned char)(high * 16 + low);
            i += 2;
        } else if (byte == '+' && plus) {
            byte = ' ';
        }
        if (byte == '\0' || out + 1 >= size)
            return false;
        text[out++] = byte;
    }
    if (size == 0)
        return false;
    text[out] = '\0';
    return true;
}

enum form freshet_form_field(const char *body, size_t length, const char *name, char *text,
                             size_t size)
{
    const char *end = body + length;
    size_t name_length = strlen(name);

    for (const char *at = body; length > 0 && at < end;) {
        const char *next = memchr(at, '&', (size_t)(end - at));
        const char *stop = next == NULL ? end : next;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        const char *name_end = equals == NULL ? stop : equals;

        if ((size_t)(name_end - at) == name_length && memcmp(at, name, name_length) == 0) {
            const char *value = equals == NULL ? stop : equals + 1;
            return freshet_form_decode(value, (size_t)(stop - value), true, text, size)
                       ? FORM_PRESENT
                       : FORM_BROKEN;
        }
        at = stop + 1;
    }
    return FORM_ABSENT;
}
