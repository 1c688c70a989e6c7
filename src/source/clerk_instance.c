/*
 * From a publishable key to an instance: its Frontend API address and the name of its cookies.
 *
 * Behaviour row 3.1. Plain http is for loopback addresses alone, and those are recognised by their
 * exact form, never by how they begin. Reasons quote no part of a key: somebody may have pasted the
 * wrong one. The runtime calls this when a session is opened, the commands to check a configuration.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "source/sha1.h"
#include "source/source.h"

#define INSTANCE_KEY_MAX       480
#define INSTANCE_URL_MAX       480
#define INSTANCE_HOST_MAX      255
#define INSTANCE_PORT_MAX      65535
#define INSTANCE_PREFIX_LENGTH 8

#define INSTANCE_SPACE      " \t\r\n"
#define INSTANCE_DIGITS     "0123456789"
#define INSTANCE_LETTERS    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define INSTANCE_HOST_BYTES INSTANCE_LETTERS INSTANCE_DIGITS ".-"
#define INSTANCE_PATH_BYTES INSTANCE_LETTERS INSTANCE_DIGITS "/.-_~"

static const char instance_key_form[] = "it looks like pk_test_Y2xlcmsuZXhhbXBsZS5jb20k";
static const char instance_url_form[] =
    "it looks like https://clerk.example.com or, for a loopback issuer, http://127.0.0.1:4747";

static enum freshet_status instance_fail(struct source_error *error, const char *what,
                                         const char *next)
{
    if (error != NULL) {
        snprintf(error->text, sizeof(error->text), "%s; %s", what, next);
    }
    return FRESHET_INVALID;
}

/* Text with the white space around it cut off; the rest must fit. */
static bool instance_trim(const char *text, char *trimmed, size_t size)
{
    size_t length = 0;

    text += strspn(text, INSTANCE_SPACE);
    length = strlen(text);
    while (length > 0 && strchr(INSTANCE_SPACE, text[length - 1]) != NULL) {
        length--;
    }
    if (length >= size) {
        return false;
    }
    memcpy(trimmed, text, length);
    trimmed[length] = '\0';
    return true;
}

/* ---- addresses ---- */

/* The number that the digits at the start of `text` make, -1 without any or beyond `max`. */
static int instance_number(const char *text, size_t digits, int max)
{
    int number = 0;

    if (digits == 0 || strspn(text, INSTANCE_DIGITS) < digits) {
        return -1;
    }
    for (size_t i = 0; i < digits; i++) {
        number = number * 10 + (text[i] - '0');
        if (number > max) {
            return -1;
        }
    }
    return number;
}

/* 127.0.0.0/8 in four full decimal parts. */
static bool instance_is_loopback_ipv4(const char *host, size_t length)
{
    const char *end = host + length;

    for (int part = 0; part < 4; part++) {
        size_t digits = strspn(host, INSTANCE_DIGITS);
        int number = digits <= 3 ? instance_number(host, digits, 255) : -1;

        if (number < 0 || (part == 0 && number != 127)) {
            return false;
        }
        host += digits;
        if (part < 3 && *host++ != '.') {
            return false;
        }
    }
    return host == end;
}

static bool instance_is_loopback(const char *host, size_t length)
{
    static const char name[] = "localhost";
    static const char ipv6[] = "[::1]";

    return (length == sizeof(name) - 1 && memcmp(host, name, length) == 0) ||
           (length == sizeof(ipv6) - 1 && memcmp(host, ipv6, length) == 0) ||
           instance_is_loopback_ipv4(host, length);
}

/* A host, perhaps with a port: nothing that a URL would read as something else. */
static bool instance_read_authority(const char *authority, bool *loopback)
{
    size_t host = strcspn(authority, ":");
    const char *port = NULL;

    if (authority[0] == '[') {
        host = 1 + strspn(authority + 1, INSTANCE_DIGITS "abcdefABCDEF:.");
        host += authority[host] == ']' ? 1 : 0;
        if (host < 4 || authority[host - 1] != ']') {
            return false;
        }
    } else if (host == 0 || authority[0] == '.' || authority[0] == '-' ||
               strspn(authority, INSTANCE_HOST_BYTES) != host) {
        return false;
    }
    if (host > INSTANCE_HOST_MAX) {
        return false;
    }
    port = authority + host;
    if (*port != '\0' &&
        (*port != ':' || instance_number(port + 1, strlen(port + 1), INSTANCE_PORT_MAX) <= 0)) {
        return false;
    }
    *loopback = instance_is_loopback(authority, host);
    return true;
}

/* ---- keys ---- */

/* Standard base64, padded or not, of "host$" with no other dollar sign and a dot in the host. */
static bool instance_decode_host(const char *encoded, char *host, size_t size)
{
    size_t length = strlen(encoded);
    size_t decoded = 0;
    int variant = strchr(encoded, '=') != NULL ? sodium_base64_VARIANT_ORIGINAL
                                               : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;

    if (sodium_base642bin((unsigned char *)host, size - 1, encoded, length, NULL, &decoded, NULL,
                          variant) != 0 ||
        decoded == 0) {
        return false;
    }
    host[decoded] = '\0';
    if (strcspn(host, "$") != decoded - 1 || host[decoded - 1] != '$') {
        return false;
    }
    host[decoded - 1] = '\0';
    return strchr(host, '.') != NULL;
}

static void instance_suffix(const char *name, char suffix[9])
{
    unsigned char digest[FRESHET_SHA1_BYTES];
    char text[sodium_base64_ENCODED_LEN(FRESHET_SHA1_BYTES, sodium_base64_VARIANT_URLSAFE)];

    freshet_sha1(name, strlen(name), digest);
    sodium_bin2base64(text, sizeof(text), digest, sizeof(digest), sodium_base64_VARIANT_URLSAFE);
    memcpy(suffix, text, 8);
    suffix[8] = '\0';
}

static enum freshet_status instance_read_key(struct clerk_instance *instance, const char *key,
                                             struct source_error *error)
{
    char trimmed[INSTANCE_KEY_MAX];
    char host[INSTANCE_KEY_MAX];

    if (!instance_trim(key, trimmed, sizeof(trimmed))) {
        return instance_fail(error, "the publishable key is too long", instance_key_form);
    }
    if (strncmp(trimmed, "sk_", 3) == 0) {
        return instance_fail(error, "a secret key (sk_...) was given, which belongs on a server",
                             "give the publishable key, which begins with pk_test_ or pk_live_");
    }
    instance->development = strncmp(trimmed, "pk_test_", INSTANCE_PREFIX_LENGTH) == 0;
    if (!instance->development && strncmp(trimmed, "pk_live_", INSTANCE_PREFIX_LENGTH) != 0) {
        return instance_fail(error, "the publishable key does not begin with pk_test_ or pk_live_",
                             instance_key_form);
    }
    if (!instance_decode_host(trimmed + INSTANCE_PREFIX_LENGTH, host, sizeof(host)) ||
        !instance_read_authority(host, &instance->loopback)) {
        return instance_fail(error, "the publishable key does not name a host after its prefix",
                             "copy it again, whole, from the dashboard");
    }
    instance_suffix(trimmed, instance->suffix);
    snprintf(instance->base_url, sizeof(instance->base_url), "%s://%s/v1",
             instance->loopback ? "http" : "https", host);
    return FRESHET_OK;
}

/* ---- URLs ---- */

/* The length of a path without the slashes and the version at its end. */
static size_t instance_path_length(const char *path)
{
    size_t length = strlen(path);

    while (length > 0 && path[length - 1] == '/') {
        length--;
    }
    if (length >= 3 && strncmp(path + length - 3, "/v1", 3) == 0) {
        length -= 3;
    }
    while (length > 0 && path[length - 1] == '/') {
        length--;
    }
    return length;
}

static enum freshet_status instance_read_url(struct clerk_instance *instance, const char *url,
                                             struct source_error *error)
{
    char trimmed[INSTANCE_URL_MAX];
    char authority[INSTANCE_URL_MAX];
    const char *rest = NULL;
    size_t length = 0;
    bool plain = false;

    if (!instance_trim(url, trimmed, sizeof(trimmed))) {
        return instance_fail(error, "the URL is too long", instance_url_form);
    }
    plain = strncmp(trimmed, "http://", 7) == 0;
    if (!plain && strncmp(trimmed, "https://", 8) != 0) {
        return instance_fail(error, "the URL does not begin with https://", instance_url_form);
    }
    rest = trimmed + (plain ? 7 : 8);
    length = strcspn(rest, "/");
    memcpy(authority, rest, length);
    authority[length] = '\0';
    rest += length;
    if (!instance_read_authority(authority, &instance->loopback)) {
        return instance_fail(error, "the URL does not name a host and port that could be asked",
                             instance_url_form);
    }
    if (rest[strspn(rest, INSTANCE_PATH_BYTES)] != '\0' || strstr(rest, "/.") != NULL) {
        return instance_fail(error, "the URL has more than a host and a plain path",
                             instance_url_form);
    }
    if (plain && !instance->loopback) {
        return instance_fail(error, "plain http is for loopback issuers only", "use https://");
    }
    snprintf(instance->base_url, sizeof(instance->base_url), "%s://%s%.*s/v1",
             plain ? "http" : "https", authority, (int)instance_path_length(rest), rest);
    return FRESHET_OK;
}

/* ---- the whole ---- */

enum freshet_status freshet_clerk_instance_init(struct clerk_instance *instance,
                                                const char *publishable_key, const char *base_url,
                                                struct source_error *error)
{
    enum freshet_status status = FRESHET_OK;

    *instance = (struct clerk_instance){.development = true};
    if (publishable_key == NULL && base_url == NULL) {
        return instance_fail(error, "neither a publishable key nor a URL was given", "give one");
    }
    if (publishable_key != NULL) {
        status = instance_read_key(instance, publishable_key, error);
    }
    if (status == FRESHET_OK && base_url != NULL) {
        status = instance_read_url(instance, base_url, error);
    }
    if (status == FRESHET_OK && publishable_key == NULL) {
        instance_suffix(instance->base_url, instance->suffix);
    }
    return status;
}
