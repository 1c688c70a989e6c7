/*
 * A store in a folder of its own for each test, and a look at its files from outside.
 */
#ifndef FRESHET_TESTS_STORE_PLACE_H
#define FRESHET_TESTS_STORE_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "store/seed.h"
#include "store/spend.h"
#include "store/successor.h"
#include "store/vault.h"

#define PLACE_INSTANCE "https://clerk.example.com"
#define PLACE_ACCOUNT  "work"
#define PLACE_NOW      ((struct now){.boot_ms = 5000, .wall_ms = 1700000000000})

struct place {
    char root[64];
    char folder[96];
    char key_file[96];
    struct store *store; /* NULL until place_open() */
    struct vault *vault;
};

/* cmocka's set-up and teardown. */
int freshet_place_setup(void **state);
int freshet_place_teardown(void **state);

/* Opens store and vault; closes those that are open. probe may be NULL. */
void freshet_place_open(struct place *place, const struct store_probe *probe);
void freshet_place_close(struct place *place);

/* Opens a store and closes it again: with these options, or with the place's own. */
enum freshet_status freshet_place_try_options(const struct store_options *options,
                                              struct store_error *error);
enum freshet_status freshet_place_try(const struct place *place, struct store_error *error);

void freshet_place_seed(struct place *place, const char *text);

/* What is stored says text. */
void freshet_place_holds(struct place *place, const char *text);

/* Bytes of a file of the store; asserts that it fits and is there. */
size_t freshet_place_read(const struct place *place, enum vault_slot slot, void *bytes,
                          size_t size);
void freshet_place_write(const struct place *place, enum vault_slot slot, const void *bytes,
                         size_t length);
bool freshet_place_has(const struct place *place, enum vault_slot slot);

/* Whether a file below the root, the key file apart, holds these bytes. */
bool freshet_place_shows(const struct place *place, const char *text);

/* A spend in this mode finds what is expected, whatever died before, and one after it works. */
struct place_expected {
    const char *text;
    bool unsure;
    bool adopted;
};

void freshet_place_recovers(struct place *place, enum lock_mode mode,
                            const struct place_expected *expected);

/* Runs it in a child and gives its exit status; -1 if a signal ended it. */
int freshet_place_child(int (*run)(struct place *place, int argument), struct place *place,
                        int argument);

#endif
