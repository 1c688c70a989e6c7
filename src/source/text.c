/*
 * The growing text of source/text.h.
 */
#include "source/text.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_CAPACITY_MIN 256

void freshet_text_free(struct text *text)
{
    if (text->bytes != NULL) {
        sodium_memzero(text->bytes, text->capacity);
        free(text->bytes);
    }
    text->bytes = NULL;
}

/* Room for more bytes and a terminator. Not realloc: that would leave a copy behind. */
static bool text_room(struct text *text, size_t more)
{
    size_t capacity = text->capacity != 0 ? text->capacity : TEXT_CAPACITY_MIN;
    char *bytes = NULL;

    if (text->failed || text->length + more < text->capacity) {
        return !text->failed;
    }
    while (capacity <= text->length + more) {
        capacity *= 2;
    }
    bytes = calloc(1, capacity);
    if (bytes == NULL) {
        text->failed = true;
        return false;
    }
    if (text->bytes != NULL) {
        memcpy(bytes, text->bytes, text->length);
    }
    freshet_text_free(text);
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void freshet_text_add(struct text *text, const char *bytes, size_t length)
{
    if (text_room(text, length)) {
        memcpy(text->bytes + text->length, bytes, length);
        text->length += length;
        text->bytes[text->length] = '\0';
    }
}

void freshet_text_say(struct text *text, const char *words)
{
    freshet_text_add(text, words, strlen(words));
}

static bool text_is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static void text_percent(struct text *text, char c)
{
    static const char hex[] = "0123456789ABCDEF";
    unsigned char byte = (unsigned char)c;
    char encoded[3] = {'%', hex[byte >> 4], hex[byte & 15]};

    freshet_text_add(text, encoded, sizeof(encoded));
}

/* Every byte but letters, digits and the plain ones. */
static void text_encode(struct text *text, const char *bytes, size_t length, const char *plain)
{
    for (size_t i = 0; i < length; i++) {
        if (text_is_alphanumeric(bytes[i]) ||
            (bytes[i] != '\0' && strchr(plain, bytes[i]) != NULL)) {
            freshet_text_add(text, &bytes[i], 1);
        } else {
            text_percent(text, bytes[i]);
        }
    }
}

void freshet_text_segment(struct text *text, const char *segment)
{
    /* "." and ".." would be walked, not sent. */
    bool dots = strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0;

    text_encode(text, segment, strlen(segment), dots ? "" : "-._~");
}

void freshet_text_pair(struct text *text, const char *name, const char *value, size_t length)
{
    if (text->length > 0) {
        freshet_text_say(text, "&");
    }
    freshet_text_say(text, name);
    freshet_text_say(text, "=");
    while (length > 0) {
        const char *space = memchr(value, ' ', length);
        size_t word = space != NULL ? (size_t)(space - value) : length;

        text_encode(text, value, word, "-._*");
        if (space == NULL) {
            return;
        }
        freshet_text_say(text, "+");
        value += word + 1;
        length -= word + 1;
    }
}

void freshet_text_pair_string(struct text *text, const char *name, const char *value)
{
    freshet_text_pair(text, name, value, strlen(value));
}
