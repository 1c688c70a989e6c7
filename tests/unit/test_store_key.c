/*
 * A key file that only we can read, made once, in another folder than the store; and where both lie.
 */
#include "cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_place.h"

#define SEED "credential-0"
#define HEX  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static enum freshet_status key_opens_file(const struct place *place, const char *key_file,
                                          struct store_error *error)
{
    const struct store_options options = {.folder = place->folder, .key_file = key_file};

    return freshet_place_try_options(&options, error);
}

static void key_write(const struct place *place, const void *bytes, size_t length)
{
    int descriptor = open(place->key_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes, length), length);
    close(descriptor);
}

static void key_refused(const struct place *place, const char *why)
{
    struct store_error error = {{0}};

    assert_int_equal(freshet_place_try(place, &error), FRESHET_STORE);
    assert_non_null(strstr(error.text, place->key_file));
    if (strstr(error.text, why) == NULL) {
        fail_msg("'%s' does not say '%s'", error.text, why);
    }
}

static void a_key_is_made_once_and_for_us_alone(void **state)
{
    struct place *place = *state;
    char folder[128];
    struct stat status;
    struct stat again;

    assert_int_equal(freshet_place_try(place, NULL), FRESHET_OK);
    assert_int_equal(lstat(place->key_file, &status), 0);
    assert_true(S_ISREG(status.st_mode));
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_nlink, 1);
    assert_int_equal(status.st_size, strlen(HEX) + 1);
    snprintf(folder, sizeof(folder), "%s/config", place->root);
    assert_int_equal(stat(folder, &again), 0);
    assert_int_equal(again.st_mode & 07777, 0700);

    assert_int_equal(freshet_place_try(place, NULL), FRESHET_OK);
    assert_int_equal(lstat(place->key_file, &again), 0);
    assert_int_equal(again.st_ino, status.st_ino);
}

static void a_key_file_that_is_not_ours_alone_is_refused(void **state)
{
    struct place *place = *state;
    char aside[128];

    assert_int_equal(freshet_place_try(place, NULL), FRESHET_OK);
    assert_int_equal(chmod(place->key_file, 0640), 0);
    key_refused(place, "chmod 600");
    assert_int_equal(chmod(place->key_file, 0602), 0);
    key_refused(place, "chmod 600");
    assert_int_equal(chmod(place->key_file, 0600), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(place->key_file, 65534, 65534), 0);
        key_refused(place, "another user");
        assert_int_equal(chown(place->key_file, 0, 0), 0);
    }
    assert_int_equal(freshet_place_try(place, NULL), FRESHET_OK);

    snprintf(aside, sizeof(aside), "%s.aside", place->key_file);
    assert_int_equal(rename(place->key_file, aside), 0);
    assert_int_equal(symlink(aside, place->key_file), 0);
    key_refused(place, "a link");
    assert_int_equal(unlink(place->key_file), 0);
    assert_int_equal(mkfifo(place->key_file, 0600), 0);
    key_refused(place, "regular file");
    assert_int_equal(unlink(place->key_file), 0);
    assert_int_equal(mkdir(place->key_file, 0700), 0);
    key_refused(place, "regular file");
}

static void a_key_file_with_anything_but_a_key_is_refused_and_kept(void **state)
{
    struct place *place = *state;
    static const char *const wrong[] = {
        "", "\n", "00112233", HEX "0", HEX "\n\n", HEX " ", " " HEX, "g" HEX,
    };
    char large[2000];
    char found[128];
    int descriptor = -1;

    assert_int_equal(freshet_place_try(place, NULL), FRESHET_OK);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        key_write(place, wrong[i], strlen(wrong[i]));
        key_refused(place, "64 hexadecimal digits");
        descriptor = open(place->key_file, O_RDONLY | O_CLOEXEC);
        assert_int_equal(read(descriptor, found, sizeof(found)), strlen(wrong[i]));
        assert_memory_equal(found, wrong[i], strlen(wrong[i]));
        close(descriptor);
    }
    key_write(place, HEX, strlen(HEX) + 1);
    key_refused(place, "64 hexadecimal digits");
    memset(large, 'a', sizeof(large));
    key_write(place, large, sizeof(large));
    key_refused(place, "larger");
    key_write(place, HEX, strlen(HEX));
    assert_int_equal(freshet_place_try(place, NULL), FRESHET_OK);
    key_write(place, HEX "\n", strlen(HEX) + 1);
    assert_int_equal(freshet_place_try(place, NULL), FRESHET_OK);
}

static void a_key_in_the_store_or_below_it_is_refused(void **state)
{
    struct place *place = *state;
    static const char *const below[] = {"key", "sub/key", "sub/deeper/../key"};
    struct store_error error = {{0}};
    char path[192];
    char link[128];

    for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", place->folder, below[i]);
        assert_int_equal(key_opens_file(place, path, &error), FRESHET_INVALID);
        assert_non_null(strstr(error.text, "another folder"));
        assert_int_equal(access(path, F_OK), -1);
    }
    snprintf(link, sizeof(link), "%s/elsewhere", place->root);
    assert_int_equal(symlink(place->folder, link), 0);
    snprintf(path, sizeof(path), "%s/key", link);
    assert_int_equal(key_opens_file(place, path, &error), FRESHET_INVALID);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_lost_key_is_not_replaced_while_there_are_entries(void **state)
{
    struct place *place = *state;
    char aside[128];

    freshet_place_open(place, NULL);
    freshet_place_seed(place, SEED);
    snprintf(aside, sizeof(aside), "%s.aside", place->key_file);
    assert_int_equal(rename(place->key_file, aside), 0);
    key_refused(place, "missing");
    assert_int_equal(access(place->key_file, F_OK), -1);
    assert_true(freshet_place_has(place, VAULT_CREDENTIAL));
    assert_int_equal(rename(aside, place->key_file), 0);
    freshet_place_open(place, NULL);
    freshet_place_holds(place, SEED);
}

static void options_that_make_no_sense_are_told_apart(void **state)
{
    struct place *place = *state;
    const struct store_options wrong[] = {
        {.folder = NULL, .key_file = place->key_file},
        {.folder = "", .key_file = place->key_file},
        {.folder = "relative", .key_file = place->key_file},
        {.folder = place->folder},
        {.folder = place->folder, .key_file = "", .key_command = ""},
        {.folder = place->folder, .key_file = "relative/key"},
        {.folder = place->folder, .key_file = "/tmp/"},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct store_error error = {{0}};

        assert_int_equal(freshet_place_try_options(&wrong[i], &error), FRESHET_INVALID);
        assert_true(error.text[0] != '\0');
    }
}

static void a_store_folder_that_is_not_ours_alone_is_refused(void **state)
{
    struct place *place = *state;
    struct store_error error = {{0}};
    char link[128];

    assert_int_equal(freshet_place_try(place, NULL), FRESHET_OK);
    assert_int_equal(chmod(place->folder, 0750), 0);
    assert_int_equal(freshet_place_try(place, &error), FRESHET_STORE);
    assert_non_null(strstr(error.text, "chmod 700"));
    assert_int_equal(chmod(place->folder, 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(place->folder, 65534, 65534), 0);
        assert_int_equal(freshet_place_try(place, &error), FRESHET_STORE);
        assert_non_null(strstr(error.text, "another user"));
        assert_int_equal(chown(place->folder, 0, 0), 0);
    }
    for (int slash = 0; slash < 2; slash++) {
        const struct store_options options = {.folder = link, .key_file = place->key_file};

        snprintf(link, sizeof(link), "%s/elsewhere", place->root);
        assert_int_equal(slash == 0 ? symlink(place->folder, link) : 0, 0);
        snprintf(link, sizeof(link), "%s/elsewhere%s", place->root, slash == 1 ? "//" : "");
        assert_int_equal(freshet_place_try_options(&options, &error), FRESHET_STORE);
        assert_non_null(strstr(error.text, "link"));
    }
}

#define OPENERS 8

/* Opens when told to and writes under an account of its own. */
static int key_race(struct place *place, int number)
{
    char account[16];
    char byte = 0;
    struct vault *vault = NULL;

    snprintf(account, sizeof(account), "a%d", number);
    if (read(STDIN_FILENO, &byte, 1) != 0) {
        return 1;
    }
    freshet_place_open(place, NULL);
    return freshet_vault_open(place->store, PLACE_INSTANCE, account, &vault, NULL) != FRESHET_OK ||
           freshet_vault_write(vault, VAULT_TOKEN, account, strlen(account), NULL) != FRESHET_OK;
}

static void openers_at_once_end_with_one_key(void **state)
{
    struct place *place = *state;
    pid_t children[OPENERS];
    int start[2];

    assert_int_equal(pipe2(start, O_CLOEXEC), 0);
    for (int i = 0; i < OPENERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            close(start[1]);
            _exit(dup2(start[0], STDIN_FILENO) < 0 || key_race(place, i));
        }
    }
    close(start[0]);
    close(start[1]);
    for (int i = 0; i < OPENERS; i++) {
        int ending = -1;

        assert_int_equal(waitpid(children[i], &ending, 0), children[i]);
        assert_int_equal(ending, 0);
    }
    freshet_place_open(place, NULL);
    for (int i = 0; i < OPENERS; i++) {
        char account[16];
        struct vault *vault = NULL;
        struct secret plain;

        snprintf(account, sizeof(account), "a%d", i);
        assert_int_equal(freshet_vault_open(place->store, PLACE_INSTANCE, account, &vault, NULL),
                         FRESHET_OK);
        assert_int_equal(freshet_vault_read(vault, VAULT_TOKEN, &plain, NULL), FRESHET_OK);
        assert_string_equal(plain.text, account);
        freshet_secret_free(&plain);
        freshet_vault_close(vault);
    }
}

static void default_places_follow_the_environment(void **state)
{
    static const struct {
        struct store_environment environment;
        const char *folder; /* NULL: refused */
        const char *key_file;
    } cases[] = {
        {{.home = "/h"}, "/h/.local/state/freshet", "/h/.config/freshet/key"},
        {{.home = "/h", .state_home = "/s", .config_home = "/c"}, "/s/freshet", "/c/freshet/key"},
        {{.home = "/h", .state_dir = "/d", .state_home = "/s"}, "/d", "/h/.config/freshet/key"},
        {{.home = "/h", .state_dir = "d", .state_home = "s", .config_home = ""},
         "/h/.local/state/freshet",
         "/h/.config/freshet/key"},
        {{.state_home = "/s", .config_home = "/c"}, "/s/freshet", "/c/freshet/key"},
        {{.state_dir = "/d"}, NULL, NULL},
        {{.home = "relative"}, NULL, NULL},
        {{.home = ""}, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct store_paths paths = {0};
        struct store_error error = {{0}};
        enum freshet_status status =
            freshet_store_default_paths(&cases[i].environment, &paths, &error);

        if (cases[i].folder == NULL) {
            assert_int_equal(status, FRESHET_INVALID);
            assert_null(paths.folder);
            assert_null(paths.key_file);
            assert_non_null(strstr(error.text, "set HOME"));
        } else {
            assert_int_equal(status, FRESHET_OK);
            assert_string_equal(paths.folder, cases[i].folder);
            assert_string_equal(paths.key_file, cases[i].key_file);
        }
        free(paths.folder);
        free(paths.key_file);
    }
}

#define KEY_TEST(name)                                                                             \
    cmocka_unit_test_setup_teardown(name, freshet_place_setup, freshet_place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEY_TEST(a_key_is_made_once_and_for_us_alone),
        KEY_TEST(a_key_file_that_is_not_ours_alone_is_refused),
        KEY_TEST(a_key_file_with_anything_but_a_key_is_refused_and_kept),
        KEY_TEST(a_key_in_the_store_or_below_it_is_refused),
        KEY_TEST(a_lost_key_is_not_replaced_while_there_are_entries),
        KEY_TEST(options_that_make_no_sense_are_told_apart),
        KEY_TEST(a_store_folder_that_is_not_ours_alone_is_refused),
        KEY_TEST(openers_at_once_end_with_one_key),
        KEY_TEST(default_places_follow_the_environment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
