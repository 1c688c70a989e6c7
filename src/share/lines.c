/*
 * Writing and reading the lines of share/lines.h. Bounds are checked here and nowhere else.
 */
#include "share/lines.h"

#include <string.h>

#define LINES_DIGITS_MAX 20

static void lines_put(struct lines_out *out, const char *bytes, size_t length)
{
    if (out->failed || length > out->size - out->length) {
        out->failed = true;
        return;
    }
    if (length > 0) {
        memcpy(out->bytes + out->length, bytes, length);
        out->length += length;
    }
}

static void lines_put_digits(struct lines_out *out, uint64_t value)
{
    char digits[LINES_DIGITS_MAX] = "";
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    lines_put(out, digits + at, sizeof(digits) - at);
}

void freshet_lines_put_mark(struct lines_out *out, const char *mark)
{
    lines_put(out, mark, strlen(mark));
    lines_put(out, "\n", 1);
}

void freshet_lines_put_number(struct lines_out *out, const char *name, int64_t value)
{
    lines_put(out, name, strlen(name));
    lines_put(out, value < 0 ? " -" : " ", value < 0 ? 2 : 1);
    lines_put_digits(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    lines_put(out, "\n", 1);
}

void freshet_lines_put_bytes(struct lines_out *out, const char *name, const char *bytes,
                             size_t length)
{
    lines_put(out, name, strlen(name));
    lines_put(out, " ", 1);
    lines_put_digits(out, length);
    lines_put(out, " ", 1);
    lines_put(out, bytes, length);
    lines_put(out, "\n", 1);
}

void freshet_lines_put_text(struct lines_out *out, const char *name, const char *text)
{
    freshet_lines_put_bytes(out, name, text, strlen(text));
}

static void lines_expect(struct lines_in *in, const char *bytes, size_t length)
{
    if (in->failed || length > in->length - in->at ||
        memcmp(in->bytes + in->at, bytes, length) != 0) {
        in->failed = true;
        return;
    }
    in->at += length;
}

static bool lines_next_is(const struct lines_in *in, char c)
{
    return !in->failed && in->at < in->length && in->bytes[in->at] == c;
}

/* Decimal without leading zeros, at most `max`. */
static uint64_t lines_take_digits(struct lines_in *in, uint64_t max)
{
    const size_t start = in->at;
    uint64_t value = 0;

    while (!in->failed && in->at < in->length && in->bytes[in->at] >= '0' &&
           in->bytes[in->at] <= '9') {
        const uint64_t digit = (uint64_t)(in->bytes[in->at] - '0');

        if (digit > max || value > (max - digit) / 10) {
            in->failed = true;
            return 0;
        }
        value = value * 10 + digit;
        in->at++;
    }
    if (in->at == start || (in->at - start > 1 && in->bytes[start] == '0')) {
        in->failed = true;
    }
    return in->failed ? 0 : value;
}

void freshet_lines_take_mark(struct lines_in *in, const char *mark)
{
    lines_expect(in, mark, strlen(mark));
    lines_expect(in, "\n", 1);
}

int64_t freshet_lines_take_number(struct lines_in *in, const char *name, int64_t min, int64_t max)
{
    int64_t value = 0;
    bool negative = false;

    lines_expect(in, name, strlen(name));
    lines_expect(in, " ", 1);
    negative = lines_next_is(in, '-');
    if (negative) {
        in->at++;
    }
    value = (int64_t)lines_take_digits(in, INT64_MAX);
    if (negative && value == 0) {
        in->failed = true;
    }
    lines_expect(in, "\n", 1);
    value = negative ? -value : value;
    if (in->failed || value < min || value > max) {
        in->failed = true;
        return 0;
    }
    return value;
}

const char *freshet_lines_take_bytes(struct lines_in *in, const char *name, size_t max,
                                     size_t *length)
{
    const char *bytes = NULL;

    *length = 0;
    lines_expect(in, name, strlen(name));
    lines_expect(in, " ", 1);
    *length = (size_t)lines_take_digits(in, max);
    lines_expect(in, " ", 1);
    if (in->failed || *length > in->length - in->at) {
        in->failed = true;
        *length = 0;
        return "";
    }
    bytes = in->bytes + in->at;
    in->at += *length;
    lines_expect(in, "\n", 1);
    if (in->failed) {
        *length = 0;
    }
    return bytes;
}

void freshet_lines_take_text(struct lines_in *in, const char *name, char *text, size_t size)
{
    size_t length = 0;
    const char *bytes = freshet_lines_take_bytes(in, name, size - 1, &length);

    for (size_t i = 0; i < length; i++) {
        const unsigned char byte = (unsigned char)bytes[i];

        if (byte < 0x20 || byte == 0x7f) {
            in->failed = true;
            length = 0;
        }
    }
    memcpy(text, bytes, length);
    text[length] = '\0';
}

bool freshet_lines_done(const struct lines_in *in)
{
    return !in->failed && in->at == in->length;
}
