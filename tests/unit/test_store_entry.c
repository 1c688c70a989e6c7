/*
 * Slots: what goes in comes out, for those with the key and under the right name; what does not open
 * is refused and kept.
 */
#include "cmocka_all.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_place.h"

#define SEED  "seed-credential-aaaa"
#define TOKEN "token-text-bbbb"

static unsigned char entry_bytes[100000];

static enum freshet_status entry_read(const struct vault *vault, enum vault_slot slot,
                                      struct store_error *error)
{
    struct secret plain;
    enum freshet_status status = freshet_vault_read(vault, slot, &plain, error);

    freshet_secret_free(&plain);
    return status;
}

static enum freshet_status entry_credential(const struct vault *vault, struct store_error *error)
{
    struct vault_credential credential;
    enum freshet_status status = freshet_vault_credential_read(vault, &credential, error);

    freshet_secret_free(&credential.text);
    return status;
}

static void slots_come_back_after_reopening(void **state)
{
    struct place *place = *state;
    struct vault_session session = {.epoch = 7, .signed_out = true, .pending_sign_out = true};
    struct vault_session again;
    struct secret plain;

    freshet_place_open(place, NULL);
    freshet_place_seed(place, SEED);
    snprintf(session.reason, sizeof(session.reason), "asked");
    snprintf(session.sid, sizeof(session.sid), "sess_1");
    assert_int_equal(freshet_vault_write(place->vault, VAULT_TOKEN, TOKEN, strlen(TOKEN), NULL), 0);
    assert_int_equal(freshet_vault_session_write(place->vault, &session, NULL), FRESHET_OK);
    memset(entry_bytes, 'e', FRESHET_VAULT_ENVIRONMENT_MAX);
    assert_int_equal(freshet_vault_write(place->vault, VAULT_ENVIRONMENT, (char *)entry_bytes,
                                         FRESHET_VAULT_ENVIRONMENT_MAX, NULL),
                     FRESHET_OK);

    freshet_place_open(place, NULL);
    freshet_place_holds(place, SEED);
    assert_int_equal(freshet_vault_read(place->vault, VAULT_TOKEN, &plain, NULL), FRESHET_OK);
    assert_string_equal(plain.text, TOKEN);
    freshet_secret_free(&plain);
    assert_int_equal(freshet_vault_session_read(place->vault, &again, NULL), FRESHET_OK);
    assert_memory_equal(&again, &session, sizeof(session));
    assert_int_equal(freshet_vault_read(place->vault, VAULT_ENVIRONMENT, &plain, NULL), FRESHET_OK);
    assert_int_equal(plain.length, FRESHET_VAULT_ENVIRONMENT_MAX);
    freshet_secret_free(&plain);
}

static void no_file_shows_a_secret(void **state)
{
    struct place *place = *state;
    struct spend *spend = NULL;

    freshet_place_open(place, NULL);
    freshet_place_seed(place, SEED);
    assert_int_equal(freshet_vault_write(place->vault, VAULT_TOKEN, TOKEN, strlen(TOKEN), NULL), 0);
    assert_int_equal(
        freshet_spend_begin(place->vault, LOCK_EXCLUSIVE, "client", PLACE_NOW, &spend, NULL),
        FRESHET_OK);
    assert_false(freshet_place_shows(place, SEED));
    assert_false(freshet_place_shows(place, TOKEN));
    assert_false(freshet_place_shows(place, "clerk.example.com"));
    assert_true(freshet_place_shows(place, "freshet-store 2\n"));
    freshet_spend_end(spend, SPEND_UNSENT);
}

static void limits_and_empty_slots_are_told_apart(void **state)
{
    struct place *place = *state;
    struct store_error error = {{0}};
    struct vault_session session;

    freshet_place_open(place, NULL);
    assert_int_equal(entry_read(place->vault, VAULT_TOKEN, &error), FRESHET_NONE);
    assert_int_equal(entry_credential(place->vault, &error), FRESHET_NONE);
    assert_int_equal(freshet_vault_session_read(place->vault, &session, &error), FRESHET_NONE);
    assert_int_equal(entry_read(place->vault, VAULT_CREDENTIAL, &error), FRESHET_INVALID);
    assert_int_equal(freshet_vault_write(place->vault, VAULT_CREDENTIAL, "x", 1, &error),
                     FRESHET_INVALID);
    assert_int_equal(freshet_vault_remove(place->vault, VAULT_CREDENTIAL, &error), FRESHET_INVALID);
    assert_int_equal(freshet_vault_write(place->vault, VAULT_TOKEN, (char *)entry_bytes,
                                         FRESHET_VAULT_TOKEN_MAX + 1, &error),
                     FRESHET_LIMIT);
    assert_int_equal(freshet_vault_write(place->vault, VAULT_TOKEN, TOKEN, 3, &error), FRESHET_OK);
    assert_int_equal(freshet_vault_remove(place->vault, VAULT_TOKEN, &error), FRESHET_OK);
    assert_int_equal(freshet_vault_remove(place->vault, VAULT_TOKEN, &error), FRESHET_OK);
    assert_int_equal(entry_read(place->vault, VAULT_TOKEN, &error), FRESHET_NONE);
}

static void an_epoch_never_falls(void **state)
{
    struct place *place = *state;
    struct vault_session session = {.epoch = 3};

    freshet_place_open(place, NULL);
    assert_int_equal(freshet_vault_session_write(place->vault, &session, NULL), FRESHET_OK);
    session.epoch = 2;
    assert_int_equal(freshet_vault_session_write(place->vault, &session, NULL), FRESHET_INVALID);
}

static void every_changed_byte_is_refused_and_kept(void **state)
{
    struct place *place = *state;
    static unsigned char kept[4096];
    size_t length = 0;

    freshet_place_open(place, NULL);
    freshet_place_seed(place, SEED);
    length = freshet_place_read(place, VAULT_CREDENTIAL, entry_bytes, sizeof(entry_bytes));
    for (size_t i = 0; i < length; i++) {
        for (int bit = 0; bit < 8; bit += 3) {
            struct store_error error = {{0}};

            entry_bytes[i] ^= (unsigned char)(1 << bit);
            freshet_place_write(place, VAULT_CREDENTIAL, entry_bytes, length);
            assert_int_equal(entry_credential(place->vault, &error), FRESHET_STORE);
            assert_non_null(strstr(error.text, "kept"));
            assert_int_equal(freshet_place_read(place, VAULT_CREDENTIAL, kept, sizeof(kept)),
                             length);
            assert_memory_equal(kept, entry_bytes, length);
            entry_bytes[i] ^= (unsigned char)(1 << bit);
        }
    }
    freshet_place_write(place, VAULT_CREDENTIAL, entry_bytes, length);
    freshet_place_holds(place, SEED);
}

static void every_other_length_is_refused(void **state)
{
    struct place *place = *state;
    size_t length = 0;

    freshet_place_open(place, NULL);
    freshet_place_seed(place, SEED);
    length = freshet_place_read(place, VAULT_CREDENTIAL, entry_bytes, sizeof(entry_bytes));
    for (size_t cut = 0; cut < length; cut++) {
        freshet_place_write(place, VAULT_CREDENTIAL, entry_bytes, cut);
        assert_int_equal(entry_credential(place->vault, NULL), FRESHET_STORE);
    }
    entry_bytes[length] = 0;
    freshet_place_write(place, VAULT_CREDENTIAL, entry_bytes, length + 1);
    assert_int_equal(entry_credential(place->vault, NULL), FRESHET_STORE);
    freshet_place_write(place, VAULT_CREDENTIAL, entry_bytes, sizeof(entry_bytes));
    assert_int_equal(entry_credential(place->vault, NULL), FRESHET_STORE);
}

static void what_does_not_open_is_not_written_over(void **state)
{
    struct place *place = *state;
    struct spend *spend = NULL;
    struct store_error error = {{0}};
    struct vault_session session = {.epoch = 1};
    bool changed = true;
    unsigned char kept[64];

    freshet_place_open(place, NULL);
    for (enum vault_slot slot = VAULT_TOKEN; slot <= VAULT_CREDENTIAL; slot++) {
        freshet_place_write(place, slot, "no such format", 14);
    }
    assert_int_equal(
        freshet_spend_begin(place->vault, LOCK_EXCLUSIVE, "touch", PLACE_NOW, &spend, &error),
        FRESHET_STORE);
    assert_null(spend);
    assert_int_equal(
        freshet_vault_seed(place->vault, SEED, strlen(SEED), PLACE_NOW, &changed, &error),
        FRESHET_STORE);
    assert_false(changed);
    assert_int_equal(freshet_vault_write(place->vault, VAULT_TOKEN, TOKEN, 5, &error),
                     FRESHET_STORE);
    assert_int_equal(freshet_vault_session_write(place->vault, &session, &error), FRESHET_STORE);
    for (enum vault_slot slot = VAULT_TOKEN; slot <= VAULT_CREDENTIAL; slot++) {
        assert_int_equal(freshet_place_read(place, slot, kept, sizeof(kept)), 14);
        assert_memory_equal(kept, "no such format", 14);
    }
}

static void another_key_opens_nothing_and_deletes_nothing(void **state)
{
    struct place *place = *state;
    struct store_error error = {{0}};
    char other[128];

    freshet_place_open(place, NULL);
    freshet_place_seed(place, SEED);
    snprintf(other, sizeof(other), "%s.aside", place->key_file);
    assert_int_equal(rename(place->key_file, other), 0);
    memset(entry_bytes, 'a', 64);
    entry_bytes[64] = '\n';
    freshet_place_close(place);
    {
        int descriptor = open(place->key_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        assert_int_equal(write(descriptor, entry_bytes, 65), 65);
        close(descriptor);
    }
    freshet_place_open(place, NULL);
    assert_int_equal(entry_credential(place->vault, &error), FRESHET_STORE);
    assert_non_null(strstr(error.text, "another key"));
    assert_int_equal(rename(other, place->key_file), 0);
    freshet_place_open(place, NULL);
    freshet_place_holds(place, SEED);
}

static void files_of_other_names_are_refused(void **state)
{
    struct place *place = *state;
    struct vault *other = NULL;
    struct vault_file file;
    int descriptor = -1;
    size_t length = 0;

    freshet_place_open(place, NULL);
    assert_int_equal(freshet_vault_write(place->vault, VAULT_TOKEN, TOKEN, 5, NULL), FRESHET_OK);
    length = freshet_place_read(place, VAULT_TOKEN, entry_bytes, sizeof(entry_bytes));

    freshet_place_write(place, VAULT_ENVIRONMENT, entry_bytes, length);
    assert_int_equal(entry_read(place->vault, VAULT_ENVIRONMENT, NULL), FRESHET_STORE);
    assert_int_equal(freshet_vault_open(place->store, PLACE_INSTANCE, "home", &other, NULL), 0);
    file = freshet_vault_file(other, VAULT_TOKEN, false);
    descriptor = openat(place->store->folder, file.name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(descriptor, entry_bytes, length), length);
    close(descriptor);
    assert_int_equal(entry_read(other, VAULT_TOKEN, NULL), FRESHET_STORE);
    freshet_vault_close(other);
}

static void instances_and_accounts_do_not_share(void **state)
{
    struct place *place = *state;
    static const char *const names[][2] = {{"https://clerk.example.co", "mwork"},
                                           {"https://other.example.com", PLACE_ACCOUNT},
                                           {PLACE_INSTANCE, ""},
                                           {PLACE_INSTANCE, "../work"}};

    freshet_place_open(place, NULL);
    freshet_place_seed(place, SEED);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct vault *other = NULL;

        assert_int_equal(freshet_vault_open(place->store, names[i][0], names[i][1], &other, NULL),
                         FRESHET_OK);
        assert_int_equal(entry_credential(other, NULL), FRESHET_NONE);
        assert_null(strchr(freshet_vault_file(other, VAULT_TOKEN, false).name, '/'));
        freshet_vault_close(other);
    }
}

static void a_newer_version_is_refused_and_kept(void **state)
{
    struct place *place = *state;
    struct store_error error = {{0}};
    struct spend *spend = NULL;
    bool changed = false;
    size_t length = 0;

    freshet_place_open(place, NULL);
    freshet_place_seed(place, SEED);
    length = freshet_place_read(place, VAULT_CREDENTIAL, entry_bytes, sizeof(entry_bytes));
    entry_bytes[strlen("freshet-store ")] = '3';
    freshet_place_write(place, VAULT_CREDENTIAL, entry_bytes, length);
    assert_int_equal(entry_credential(place->vault, &error), FRESHET_STORE);
    assert_non_null(strstr(error.text, "newer Freshet"));
    assert_int_equal(
        freshet_spend_begin(place->vault, LOCK_SHARED, "token", PLACE_NOW, &spend, &error),
        FRESHET_STORE);
    assert_int_equal(freshet_vault_seed(place->vault, "new-seed", 8, PLACE_NOW, &changed, &error),
                     FRESHET_STORE);
    assert_true(freshet_place_has(place, VAULT_CREDENTIAL));
    assert_true(freshet_place_shows(place, "freshet-store 3\n"));
}

/* Version 1: the line, a nonce, a secretbox over the seed's fingerprint and the text. */
static void entry_write_version_1(struct place *place, const char *seed, const char *text)
{
    static const char header[] = "freshet-store 1\n";
    struct credential_print print = freshet_credential_print(seed, strlen(seed));
    unsigned char plain[256];
    unsigned char *nonce = entry_bytes + strlen(header);
    size_t length = sizeof(print.bytes) + strlen(text);

    memcpy(plain, print.bytes, sizeof(print.bytes));
    memcpy(plain + sizeof(print.bytes), text, strlen(text));
    memcpy(entry_bytes, header, strlen(header));
    randombytes_buf(nonce, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(nonce + crypto_secretbox_NONCEBYTES, plain, length, nonce,
                          place->store->key);
    freshet_place_write(place, VAULT_CREDENTIAL, entry_bytes,
                        strlen(header) + crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES +
                            length);
}

static void version_1_is_read_and_migrated_by_the_next_write(void **state)
{
    struct place *place = *state;
    struct spend *spend = NULL;
    bool saved = false;
    bool changed = true;

    freshet_place_open(place, NULL);
    entry_write_version_1(place, SEED, "old-successor");
    freshet_place_holds(place, "old-successor");
    assert_int_equal(
        freshet_vault_seed(place->vault, SEED, strlen(SEED), PLACE_NOW, &changed, NULL),
        FRESHET_OK);
    assert_false(changed);
    assert_true(freshet_place_shows(place, "freshet-store 1\n"));

    assert_int_equal(
        freshet_spend_begin(place->vault, LOCK_EXCLUSIVE, "client", PLACE_NOW, &spend, NULL),
        FRESHET_OK);
    assert_string_equal(freshet_spend_credential(spend)->text, "old-successor");
    assert_int_equal(freshet_spend_save(spend, "newer", 5, PLACE_NOW, &saved, NULL), FRESHET_OK);
    freshet_spend_end(spend, SPEND_ANSWERED);
    assert_false(freshet_place_shows(place, "freshet-store 1\n"));
    assert_int_equal(
        freshet_vault_seed(place->vault, SEED, strlen(SEED), PLACE_NOW, &changed, NULL),
        FRESHET_OK);
    assert_false(changed);
    freshet_place_holds(place, "newer");
}

static void links_pipes_and_open_files_are_refused(void **state)
{
    struct place *place = *state;
    struct store_error error = {{0}};
    struct vault_file file;

    freshet_place_open(place, NULL);
    freshet_place_seed(place, SEED);
    file = freshet_vault_file(place->vault, VAULT_CREDENTIAL, false);
    assert_int_equal(fchmodat(place->store->folder, file.name, 0640, 0), 0);
    assert_int_equal(entry_credential(place->vault, &error), FRESHET_STORE);
    assert_non_null(strstr(error.text, "chmod 600"));
    assert_int_equal(fchmodat(place->store->folder, file.name, 0600, 0), 0);
    freshet_place_holds(place, SEED);

    assert_int_equal(renameat(place->store->folder, file.name, place->store->folder, "aside"), 0);
    assert_int_equal(symlinkat("aside", place->store->folder, file.name), 0);
    assert_int_equal(entry_credential(place->vault, &error), FRESHET_STORE);
    assert_non_null(strstr(error.text, "link"));
    assert_int_equal(unlinkat(place->store->folder, file.name, 0), 0);
    assert_int_equal(mkfifoat(place->store->folder, file.name, 0600), 0);
    assert_int_equal(entry_credential(place->vault, &error), FRESHET_STORE);
    assert_non_null(strstr(error.text, "regular"));
    if (geteuid() == 0) {
        assert_int_equal(unlinkat(place->store->folder, file.name, 0), 0);
        assert_int_equal(renameat(place->store->folder, "aside", place->store->folder, file.name),
                         0);
        assert_int_equal(fchownat(place->store->folder, file.name, 65534, 65534, 0), 0);
        assert_int_equal(entry_credential(place->vault, &error), FRESHET_STORE);
        assert_non_null(strstr(error.text, "another user"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(slots_come_back_after_reopening, freshet_place_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(no_file_shows_a_secret, freshet_place_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(limits_and_empty_slots_are_told_apart, freshet_place_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(an_epoch_never_falls, freshet_place_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(every_changed_byte_is_refused_and_kept, freshet_place_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(every_other_length_is_refused, freshet_place_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(what_does_not_open_is_not_written_over, freshet_place_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(another_key_opens_nothing_and_deletes_nothing,
                                        freshet_place_setup, freshet_place_teardown),
        cmocka_unit_test_setup_teardown(files_of_other_names_are_refused, freshet_place_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(instances_and_accounts_do_not_share, freshet_place_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_newer_version_is_refused_and_kept, freshet_place_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(version_1_is_read_and_migrated_by_the_next_write,
                                        freshet_place_setup, freshet_place_teardown),
        cmocka_unit_test_setup_teardown(links_pipes_and_open_files_are_refused, freshet_place_setup,
                                        freshet_place_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
