/*
 * The Netscape format: seven fields between tabs (domain, whether subdomains count, path, secure,
 * expiry, name, value). curl, wget and Python's cookiejar read and write it.
 */
#include "sink/cookie_jar.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define JAR_SESSION   "__session"
#define JAR_UAT       "__client_uat"
#define JAR_CONTEXT   "clerk_active_context"
#define JAR_HTTP_ONLY "#HttpOnly_"
#define JAR_HEADER    "# Netscape HTTP Cookie File\n"

enum jar_field { JAR_DOMAIN, JAR_TAIL, JAR_PATH, JAR_SECURE, JAR_EXPIRES, JAR_NAME, JAR_VALUE };
enum { JAR_FIELDS = JAR_VALUE + 1 };

struct jar_slice {
    const char *text;
    size_t length;
};

struct jar_line {
    struct jar_slice whole; /* with its end */
    struct jar_slice fields[JAR_FIELDS];
    bool cookie;
};

static bool jar_is(const struct jar_slice *slice, const char *text)
{
    return slice->length == strlen(text) && memcmp(slice->text, text, slice->length) == 0;
}

/* "name", or "name_suffix". */
static bool jar_is_name(const struct jar_slice *slice, const char *name, const char *suffix)
{
    size_t length = strlen(name);

    return jar_is(slice, name) ||
           (suffix[0] != '\0' && slice->length == length + 1 + strlen(suffix) &&
            memcmp(slice->text, name, length) == 0 && slice->text[length] == '_' &&
            memcmp(slice->text + length + 1, suffix, strlen(suffix)) == 0);
}

/* ---- lines ---- */

static void jar_split(struct jar_line *line)
{
    const char *at = line->whole.text;
    const char *end = at + line->whole.length;
    size_t prefix = sizeof(JAR_HTTP_ONLY) - 1;
    int field = 0;

    line->cookie = false;
    while (end > at && (end[-1] == '\n' || end[-1] == '\r')) {
        end--;
    }
    if ((size_t)(end - at) > prefix && memcmp(at, JAR_HTTP_ONLY, prefix) == 0) {
        at += prefix;
    } else if (at < end && *at == '#') {
        return;
    }
    for (; field < JAR_FIELDS; field++) {
        const char *tab = memchr(at, '\t', (size_t)(end - at));
        const char *stop = tab != NULL && field < JAR_VALUE ? tab : end;

        line->fields[field] = (struct jar_slice){.text = at, .length = (size_t)(stop - at)};
        if (stop == end) {
            break;
        }
        at = stop + 1;
    }
    line->cookie = field == JAR_VALUE;
}

static bool jar_next(const char **text, const char *end, struct jar_line *line)
{
    const char *newline = NULL;
    const char *stop = end;

    if (*text == end) {
        return false;
    }
    newline = memchr(*text, '\n', (size_t)(end - *text));
    stop = newline != NULL ? newline + 1 : end;
    line->whole = (struct jar_slice){.text = *text, .length = (size_t)(stop - *text)};
    *text = stop;
    jar_split(line);
    return true;
}

static bool jar_is_domain(const struct jar_slice *slice, const char *domain)
{
    size_t dot = slice->length > 0 && slice->text[0] == '.' ? 1 : 0;

    return slice->length - dot == strlen(domain) &&
           strncasecmp(slice->text + dot, domain, slice->length - dot) == 0;
}

static bool jar_is_ours(const struct jar_line *line, const struct cookie_names *names)
{
    const struct jar_slice *name = &line->fields[JAR_NAME];

    return line->cookie && jar_is_domain(&line->fields[JAR_DOMAIN], names->domain) &&
           (jar_is_name(name, JAR_SESSION, names->suffix) ||
            jar_is_name(name, JAR_UAT, names->suffix) || jar_is(name, JAR_CONTEXT));
}

/* ---- finding ---- */

void freshet_cookie_jar_find(const char *text, size_t length, const struct cookie_names *names,
                             struct cookie_found *found)
{
    const char *end = text + length;
    struct jar_line line;
    bool suffixed = false;

    *found = (struct cookie_found){.context = ""};
    while (length > 0 && jar_next(&text, end, &line)) {
        const struct jar_slice *name = &line.fields[JAR_NAME];
        const struct jar_slice *value = &line.fields[JAR_VALUE];

        if (!jar_is_ours(&line, names)) {
            continue;
        }
        if (jar_is(name, JAR_CONTEXT) && value->length < sizeof(found->context)) {
            memcpy(found->context, value->text, value->length);
            found->context[value->length] = '\0';
        } else if (jar_is_name(name, JAR_SESSION, names->suffix) && value->length > 0 &&
                   (!suffixed || !jar_is(name, JAR_SESSION))) {
            suffixed = !jar_is(name, JAR_SESSION);
            found->token = value->text;
            found->length = value->length;
        }
    }
}

/* ---- replacing ---- */

struct jar_writer {
    char *text;
    size_t length;
    size_t size;
};

static void jar_copy(struct jar_writer *writer, const char *text, size_t length)
{
    memcpy(writer->text + writer->length, text, length);
    writer->length += length;
}

static void jar_put(struct jar_writer *writer, const struct cookie_names *names, const char *name,
                    const char *suffix, const char *value, int64_t expires_s)
{
    int written = snprintf(writer->text + writer->length, writer->size - writer->length,
                           "%s\tFALSE\t/\t%s\t%" PRId64 "\t%s%s%s\t%s\n", names->domain,
                           names->secure ? "TRUE" : "FALSE", expires_s, name,
                           suffix[0] != '\0' ? "_" : "", suffix, value);

    writer->length += written > 0 ? (size_t)written : 0;
}

/* The name as it is, and with the instance's suffix. */
static void jar_put_twice(struct jar_writer *writer, const struct cookie_names *names,
                          const char *name, const char *value, int64_t expires_s)
{
    if (names->suffix[0] != '\0') {
        jar_put(writer, names, name, names->suffix, value, expires_s);
    }
    jar_put(writer, names, name, "", value, expires_s);
}

static void jar_put_all(struct jar_writer *writer, const struct cookie_names *names,
                        const struct cookie_values *values)
{
    char uat[24];

    snprintf(uat, sizeof(uat), "%" PRId64, values->client_uat_s);
    if (values->context[0] != '\0') {
        jar_put(writer, names, JAR_CONTEXT, "", values->context, values->expires_s);
    }
    jar_put_twice(writer, names, JAR_UAT, uat, values->expires_s);
    if (values->token != NULL) {
        jar_put_twice(writer, names, JAR_SESSION, values->token, values->expires_s);
    }
}

char *freshet_cookie_jar_replace(const char *text, size_t length, const struct cookie_names *names,
                                 const struct cookie_values *values, size_t *replaced_length)
{
    size_t value = (values->token != NULL ? strlen(values->token) : 0) + FRESHET_CONTEXT_MAX;
    size_t each = value + strlen(names->domain) + 2 * sizeof(JAR_CONTEXT) + 64;
    struct jar_writer writer = {.size = sizeof(JAR_HEADER) + length + 1 + 5 * each};
    const char *end = text + length;
    struct jar_line line;

    writer.text = malloc(writer.size);
    if (writer.text == NULL) {
        return NULL;
    }
    if (length == 0) {
        jar_copy(&writer, JAR_HEADER, sizeof(JAR_HEADER) - 1);
    }
    while (length > 0 && jar_next(&text, end, &line)) {
        if (!jar_is_ours(&line, names)) {
            jar_copy(&writer, line.whole.text, line.whole.length);
        }
    }
    if (writer.length > 0 && writer.text[writer.length - 1] != '\n') {
        jar_copy(&writer, "\n", 1);
    }
    jar_put_all(&writer, names, values);
    writer.text[writer.length] = '\0';
    *replaced_length = writer.length;
    return writer.text;
}

/* ---- domains ---- */

bool freshet_cookie_domain_valid(const char *domain)
{
    static const char bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:";
    size_t length = strlen(domain);

    return length > 0 && length <= 255 && domain[0] != '.' && domain[0] != '-' &&
           strspn(domain, bytes) == length;
}

bool freshet_cookie_domain_loopback(const char *domain)
{
    size_t length = strlen(domain);

    return strcmp(domain, "localhost") == 0 || strcmp(domain, "::1") == 0 ||
           (strncmp(domain, "127.", 4) == 0 && strspn(domain, "0123456789.") == length);
}
