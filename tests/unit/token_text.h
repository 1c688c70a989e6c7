/*
 * Tokens for tests: any header and claims, encoded and joined, with a signature of noise.
 */
#ifndef FRESHET_TESTS_TOKEN_TEXT_H
#define FRESHET_TESTS_TOKEN_TEXT_H

/* The caller frees it. */
char *freshet_token_text(const char *header, const char *claims);

#endif
