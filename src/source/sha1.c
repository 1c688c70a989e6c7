/*
 * SHA-1 of one short text, in one go.
 */
#include "source/sha1.h"

#include <stdint.h>
#include <string.h>

#define BLOCK 64

static uint32_t sha1_rotate(uint32_t value, int bits)
{
    return (value << bits) | (value >> (32 - bits));
}

static void sha1_block(uint32_t state[5], const unsigned char *block)
{
    uint32_t w[80];
    uint32_t s[5];

    for (int i = 0; i < 16; i++) {
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    }
    for (int i = 16; i < 80; i++) {
        w[i] = sha1_rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    }
    memcpy(s, state, sizeof(s));
    for (int i = 0; i < 80; i++) {
        static const uint32_t constants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
        uint32_t mixed = s[1] ^ s[2] ^ s[3];
        uint32_t next = 0;

        if (i < 20) {
            mixed = (s[1] & s[2]) | (~s[1] & s[3]);
        } else if (i >= 40 && i < 60) {
            mixed = (s[1] & s[2]) | (s[1] & s[3]) | (s[2] & s[3]);
        }
        next = sha1_rotate(s[0], 5) + mixed + s[4] + w[i] + constants[i / 20];
        s[4] = s[3];
        s[3] = s[2];
        s[2] = sha1_rotate(s[1], 30);
        s[1] = s[0];
        s[0] = next;
    }
    for (int i = 0; i < 5; i++) {
        state[i] += s[i];
    }
}

void freshet_sha1(const char *text, size_t length, unsigned char digest[FRESHET_SHA1_BYTES])
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    unsigned char padded[FRESHET_SHA1_INPUT_MAX + 2 * BLOCK] = {0};
    size_t size = 0;

    length = length > FRESHET_SHA1_INPUT_MAX ? FRESHET_SHA1_INPUT_MAX : length;
    memcpy(padded, text, length);
    padded[length] = 0x80;
    size = (length + 9 + BLOCK - 1) / BLOCK * BLOCK;
    for (int i = 0; i < 8; i++) {
        padded[size - 1 - (size_t)i] = (unsigned char)(((uint64_t)length * 8) >> (8 * i));
    }
    for (size_t at = 0; at < size; at += BLOCK) {
        sha1_block(state, padded + at);
    }
    for (int i = 0; i < FRESHET_SHA1_BYTES; i++) {
        digest[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
    }
}
