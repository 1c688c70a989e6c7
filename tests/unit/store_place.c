/*
 * Stores for tests.
 */
#include "cmocka_all.h"

#include "store_place.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int freshet_place_setup(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    if (place == NULL) {
        return -1;
    }
    snprintf(place->root, sizeof(place->root), "/tmp/freshet-store-XXXXXX");
    if (mkdtemp(place->root) == NULL) {
        free(place);
        return -1;
    }
    snprintf(place->folder, sizeof(place->folder), "%s/state/freshet", place->root);
    snprintf(place->key_file, sizeof(place->key_file), "%s/config/key", place->root);
    *state = place;
    return 0;
}

static int place_forget(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

int freshet_place_teardown(void **state)
{
    struct place *place = *state;

    freshet_place_close(place);
    nftw(place->root, place_forget, 8, FTW_DEPTH | FTW_PHYS);
    free(place);
    return 0;
}

void freshet_place_open(struct place *place, const struct store_probe *probe)
{
    struct store_options options = {.folder = place->folder, .key_file = place->key_file};
    struct store_error error = {{0}};
    enum freshet_status status = FRESHET_OK;

    freshet_place_close(place);
    if (probe != NULL) {
        options.probe = *probe;
    }
    status = freshet_store_open(&options, &place->store, &error);
    if (status != FRESHET_OK) {
        fail_msg("the store does not open: %s", error.text);
    }
    assert_int_equal(
        freshet_vault_open(place->store, PLACE_INSTANCE, PLACE_ACCOUNT, &place->vault, &error),
        FRESHET_OK);
}

void freshet_place_close(struct place *place)
{
    freshet_vault_close(place->vault);
    freshet_store_close(place->store);
    place->vault = NULL;
    place->store = NULL;
}

enum freshet_status freshet_place_try_options(const struct store_options *options,
                                              struct store_error *error)
{
    struct store *store = NULL;
    enum freshet_status status = freshet_store_open(options, &store, error);

    assert_int_equal(store != NULL, status == FRESHET_OK);
    freshet_store_close(store);
    return status;
}

enum freshet_status freshet_place_try(const struct place *place, struct store_error *error)
{
    const struct store_options options = {.folder = place->folder, .key_file = place->key_file};

    return freshet_place_try_options(&options, error);
}

void freshet_place_seed(struct place *place, const char *text)
{
    struct store_error error = {{0}};
    bool changed = false;

    assert_int_equal(
        freshet_vault_seed(place->vault, text, strlen(text), PLACE_NOW, &changed, &error),
        FRESHET_OK);
    assert_true(changed);
}

void freshet_place_holds(struct place *place, const char *text)
{
    struct vault_credential credential;
    struct store_error error = {{0}};

    assert_int_equal(freshet_vault_credential_read(place->vault, &credential, &error), FRESHET_OK);
    assert_string_equal(credential.text.text, text);
    freshet_secret_free(&credential.text);
}

static int place_file(const struct place *place, enum vault_slot slot, int flags)
{
    struct vault_file file = freshet_vault_file(place->vault, slot, false);

    return openat(place->store->folder, file.name, flags | O_CLOEXEC, 0600);
}

size_t freshet_place_read(const struct place *place, enum vault_slot slot, void *bytes, size_t size)
{
    int descriptor = place_file(place, slot, O_RDONLY);
    ssize_t length = 0;

    assert_true(descriptor >= 0);
    length = read(descriptor, bytes, size);
    close(descriptor);
    assert_true(length > 0 && (size_t)length < size);
    return (size_t)length;
}

void freshet_place_write(const struct place *place, enum vault_slot slot, const void *bytes,
                         size_t length)
{
    int descriptor = place_file(place, slot, O_WRONLY | O_CREAT | O_TRUNC);

    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes, length), length);
    close(descriptor);
}

bool freshet_place_has(const struct place *place, enum vault_slot slot)
{
    return faccessat(place->store->folder, freshet_vault_file(place->vault, slot, false).name, F_OK,
                     AT_SYMLINK_NOFOLLOW) == 0;
}

bool freshet_place_shows(const struct place *place, const char *text)
{
    static char bytes[200000];
    DIR *listing = opendir(place->folder);
    bool shown = false;
    int files = 0;

    assert_non_null(listing);
    for (struct dirent *item = readdir(listing); item != NULL; item = readdir(listing)) {
        int descriptor = openat(dirfd(listing), item->d_name, O_RDONLY | O_CLOEXEC);
        ssize_t length = read(descriptor, bytes, sizeof(bytes));

        close(descriptor);
        files += length > 0 ? 1 : 0;
        shown = shown || (length > 0 && memmem(bytes, (size_t)length, text, strlen(text)) != NULL);
    }
    closedir(listing);
    assert_true(files > 0);
    return shown;
}

void freshet_place_recovers(struct place *place, enum lock_mode mode,
                            const struct place_expected *expected)
{
    static const char third[] = "credential-third";
    struct spend *spend = NULL;
    bool saved = false;

    freshet_place_open(place, NULL);
    assert_int_equal(freshet_spend_begin(place->vault, mode, "client", PLACE_NOW, &spend, NULL),
                     FRESHET_OK);
    assert_string_equal(freshet_spend_credential(spend)->text, expected->text);
    assert_int_equal(freshet_spend_history(spend)->unsure, expected->unsure);
    assert_int_equal(freshet_spend_history(spend)->adopted, expected->adopted);
    assert_false(freshet_spend_history(spend)->set_aside);
    assert_int_equal(freshet_spend_save(spend, third, strlen(third), PLACE_NOW, &saved, NULL),
                     FRESHET_OK);
    assert_true(saved);
    freshet_spend_end(spend, SPEND_ANSWERED);
    freshet_place_holds(place, third);
    assert_false(freshet_place_has(place, VAULT_NEXT));
    assert_false(freshet_place_has(place, VAULT_JOURNAL));
}

int freshet_place_child(int (*run)(struct place *place, int argument), struct place *place,
                        int argument)
{
    int ending = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        _exit(run(place, argument));
    }
    assert_int_equal(waitpid(child, &ending, 0), child);
    return WIFEXITED(ending) ? WEXITSTATUS(ending) : -1;
}
