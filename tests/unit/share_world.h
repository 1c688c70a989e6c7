/* A shared place for a test: a folder in memory of its own, tokens that say what they are, a key. */
#ifndef FRESHET_TESTS_SHARE_WORLD_H
#define FRESHET_TESTS_SHARE_WORLD_H

#include <stdbool.h>
#include <sys/types.h>

#include "share/share.h"

struct share_world {
    char above[64];   /* /dev/shm/freshet-test-... */
    char folder[128]; /* the place: above/place */
    struct share_options options;
    struct share *share;
    struct key_view key;
};

/* cmocka setup and teardown; *state is a struct share_world. */
int share_world_make(void **state);
int share_world_remove(void **state);

/* The clocks of this moment. */
struct now share_world_now(void);

/* Another participant with the same place, in this or a forked process. */
struct share *share_world_join(const struct share_world *world);

/* "token.IAT.EXP.OIAT.SALT" and a record of it, committed just now; the text lives in `text`. */
struct token_text {
    char bytes[256];
};
struct record share_world_record(struct token_text *text, int64_t iat_s, int64_t exp_s,
                                 int64_t oiat_s, const char *salt);
bool share_world_read_token(const char *text, size_t length, struct token *token, void *context);

enum share_published share_world_publish(const struct share_world *world, struct share *share,
                                         const struct record *record, uint64_t epoch);

/* Reads the key's record. */
enum share_found share_world_read(const struct share_world *world, struct share *share,
                                  uint64_t epoch, struct shared_record *out);

/* Another process of the test. What it does returns true if all was well there. */
struct other {
    pid_t pid;
    int ear;   /* bytes from the other side; an end of file when it has ended */
    int mouth; /* bytes to the other side */
};
typedef bool other_deed(const struct share_world *world, struct other *parent);
struct other share_world_start(const struct share_world *world, other_deed *deed);

/* One byte over and one byte back, to meet. False: the other side has ended. */
bool share_world_tell(const struct other *other);
bool share_world_hear(const struct other *other);

/* Waits until it has ended, by itself and well. */
void share_world_end(struct other *other);

/* Kills it and waits until it is gone. */
void share_world_kill(struct other *other);

/* Waits until it has stopped itself. */
void share_world_stopped(const struct other *other);

/* How many files of the place have this in their names. */
size_t share_world_count(const struct share_world *world, const char *part);

/* Path of the key's record. */
struct token_text share_world_path(const struct share_world *world);

/* Puts bytes where the key's record would be, as a vandal would. */
void share_world_vandalise(const struct share_world *world, const void *bytes, size_t length);

/* The bytes of the key's record; their number. */
size_t share_world_bytes(const struct share_world *world, char *bytes, size_t size);

#endif
