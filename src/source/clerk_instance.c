/*
 * From a publishable key to an instance: its Frontend API address and the name of its cookies.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "source/sha1.h"
#include "source/source.h"

#define INSTANCE_KEY_MAX 480
#define INSTANCE_HOST_MAX 255

static enum freshet_status instance_fail(struct source_error *error, const char *text)
{
    if (error != NULL) {
        snprintf(error->text, sizeof(error->text), "%s", text);
    }
    return FRESHET_INVALID;
}

/* Only what can stand in a host and port. */
static bool instance_host_valid(const char *host)
{
    size_t length = strlen(host);

    if (length == 0 || length > INSTANCE_HOST_MAX || strchr(host, '.') == NULL) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        char c = host[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-' || c == ':' || c == '[' || c == ']')) {
            return false;
        }
    }
    return true;
}

/* Standard base64, padded or not, of "host$" with no other dollar sign. */
static bool instance_decode_host(const char *encoded, char *host, size_t size)
{
    size_t length = strlen(encoded);
    size_t decoded = 0;
    char *dollar = NULL;

    while (length > 0 && encoded[length - 1] == '=') {
        length--;
    }
    if (sodium_base642bin((unsigned char *)host, size - 1, encoded, length, NULL, &decoded, NULL,
                          sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0) {
        return false;
    }
    host[decoded] = '\0';
    if (decoded == 0 || strlen(host) != decoded) {
        return false;
    }
    dollar = strchr(host, '$');
    if (dollar == NULL || dollar[1] != '\0') {
        return false;
    }
    *dollar = '\0';
    return instance_host_valid(host);
}

static bool instance_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The key without the white space around it. */
static bool instance_trim(const char *key, char *trimmed, size_t size)
{
    size_t length = 0;

    while (instance_is_space(*key)) {
        key++;
    }
    length = strlen(key);
    while (length > 0 && instance_is_space(key[length - 1])) {
        length--;
    }
    if (length >= size) {
        return false;
    }
    memcpy(trimmed, key, length);
    trimmed[length] = '\0';
    return true;
}

static void instance_suffix(const char *key, char suffix[9])
{
    unsigned char digest[FRESHET_SHA1_BYTES];
    char text[sodium_base64_ENCODED_LEN(FRESHET_SHA1_BYTES, sodium_base64_VARIANT_URLSAFE)];

    freshet_sha1(key, strlen(key), digest);
    sodium_bin2base64(text, sizeof(text), digest, sizeof(digest), sodium_base64_VARIANT_URLSAFE);
    memcpy(suffix, text, 8);
    suffix[8] = '\0';
}

static bool instance_host_is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 ||
           strcmp(host, "localhost") == 0 || strncmp(host, "localhost:", 10) == 0;
}

static enum freshet_status instance_read_key(struct clerk_instance *instance, const char *key,
                                             struct source_error *error)
{
    char trimmed[INSTANCE_KEY_MAX];
    char host[INSTANCE_KEY_MAX];
    bool live = false;

    if (!instance_trim(key, trimmed, sizeof(trimmed))) {
        return instance_fail(error, "the publishable key is too long; copy it again from the "
                                    "dashboard: it looks like pk_test_... or pk_live_...");
    }
    live = strncmp(trimmed, "pk_live_", 8) == 0;
    if (!live && strncmp(trimmed, "pk_test_", 8) != 0) {
        return instance_fail(error, "the publishable key does not begin with pk_test_ or pk_live_; "
                                    "copy it again from the dashboard");
    }
    if (strchr(trimmed + 8, '_') != NULL || !instance_decode_host(trimmed + 8, host, sizeof(host))) {
        return instance_fail(error, "the publishable key does not name a host after its prefix; "
                                    "copy it again, whole, from the dashboard");
    }
    instance->development = !live;
    instance->loopback = instance_host_is_loopback(host);
    instance_suffix(trimmed, instance->suffix);
    snprintf(instance->base_url, sizeof(instance->base_url), "%s://%s/v1",
             instance->loopback ? "http" : "https", host);
    return FRESHET_OK;
}

/* The scheme of a URL, with the text after it; plain http is for loopback hosts only. */
static const char *instance_after_scheme(const char *url, bool *plain)
{
    *plain = strncmp(url, "http://", 7) == 0;
    if (*plain) {
        return url + 7;
    }
    return strncmp(url, "https://", 8) == 0 ? url + 8 : NULL;
}

static enum freshet_status instance_read_url(struct clerk_instance *instance, const char *url,
                                             struct source_error *error)
{
    bool plain = false;
    const char *rest = instance_after_scheme(url, &plain);
    size_t length = strlen(url);
    char host[INSTANCE_HOST_MAX + 1];
    size_t host_length = rest != NULL ? strcspn(rest, "/?#") : 0;

    if (rest == NULL || host_length == 0 || host_length >= sizeof(host) ||
        strpbrk(rest, "?#@ \t\r\n") != NULL || length > sizeof(instance->base_url) - 8) {
        return instance_fail(error, "the URL must look like https://host, https://host/path or, "
                                    "for a loopback issuer, http://127.0.0.1:PORT");
    }
    memcpy(host, rest, host_length);
    host[host_length] = '\0';
    instance->loopback = instance_host_is_loopback(host);
    if (plain && !instance->loopback) {
        return instance_fail(error, "plain http is for loopback issuers only; use https://");
    }
    while (length > 0 && url[length - 1] == '/') {
        length--;
    }
    if (length >= 3 && strncmp(url + length - 3, "/v1", 3) == 0) {
        length -= 3;
    }
    snprintf(instance->base_url, sizeof(instance->base_url), "%.*s/v1", (int)length, url);
    return FRESHET_OK;
}

enum freshet_status freshet_clerk_instance_init(struct clerk_instance *instance,
                                                const char *publishable_key, const char *base_url,
                                                struct source_error *error)
{
    enum freshet_status status = FRESHET_OK;

    *instance = (struct clerk_instance){.development = true};
    if (publishable_key == NULL && base_url == NULL) {
        return instance_fail(error, "neither a publishable key nor a URL is given; give one");
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
