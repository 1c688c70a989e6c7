/*
 * SHA-1 (RFC 3174), for the eight characters that name an instance in cookies. A name, no security.
 */
#ifndef FRESHET_SOURCE_SHA1_H
#define FRESHET_SOURCE_SHA1_H

#include <stddef.h>

#define FRESHET_SHA1_BYTES     20
#define FRESHET_SHA1_INPUT_MAX 1024 /* longer input is cut; names are shorter */

void freshet_sha1(const char *text, size_t length, unsigned char digest[FRESHET_SHA1_BYTES]);

#endif
