/*
 * Secrets in guarded memory, and the store's error sentences.
 */
#include "store/secret.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/error.h"

enum freshet_status freshet_secret_alloc(struct secret *secret, size_t length)
{
    /* A secret may be read where no store was opened; a second call costs nothing. */
    char *text = sodium_init() >= 0 ? sodium_malloc(length + 1) : NULL;

    *secret = (struct secret){0};
    if (text == NULL) {
        return FRESHET_NO_MEMORY;
    }
    memset(text, 0, length + 1);
    secret->text = text;
    secret->length = length;
    return FRESHET_OK;
}

enum freshet_status freshet_secret_copy(struct secret *secret, const void *bytes, size_t length)
{
    enum freshet_status status = freshet_secret_alloc(secret, length);

    if (status == FRESHET_OK && length > 0) {
        memcpy(secret->text, bytes, length);
    }
    return status;
}

bool freshet_secret_equal(const struct secret *one, const struct secret *other)
{
    return one->length == other->length &&
           (one->length == 0 || sodium_memcmp(one->text, other->text, one->length) == 0);
}

void freshet_secret_free(struct secret *secret)
{
    sodium_free(secret->text);
    *secret = (struct secret){0};
}

enum freshet_status freshet_store_fail(struct store_error *error, enum freshet_status status,
                                       const char *format, ...)
{
    va_list arguments;

    if (error != NULL) {
        va_start(arguments, format);
        vsnprintf(error->text, sizeof(error->text), format, arguments);
        va_end(arguments);
    }
    return status;
}
