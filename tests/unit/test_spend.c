/*
 * Spending: one holder at a time where the credential may change, successors kept in order, seeds.
 */
#include "cmocka_all.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_place.h"

#define SEED      "credential-0"
#define SUCCESSOR "credential-1"

static int spend_setup(void **state)
{
    if (freshet_place_setup(state) != 0) {
        return -1;
    }
    freshet_place_open(*state, NULL);
    freshet_place_seed(*state, SEED);
    return 0;
}

static struct spend *spend_begin(struct place *place, enum lock_mode mode)
{
    struct spend *spend = NULL;
    struct store_error error = {{0}};

    if (freshet_spend_begin(place->vault, mode, "client", PLACE_NOW, &spend, &error) !=
        FRESHET_OK) {
        fail_msg("no spend: %s", error.text);
    }
    return spend;
}

static enum freshet_status spend_tries(struct place *place, enum lock_mode mode)
{
    struct spend *spend = NULL;
    enum freshet_status status =
        freshet_spend_begin(place->vault, mode, "client", PLACE_NOW, &spend, NULL);

    freshet_spend_end(spend, SPEND_UNSENT);
    return status;
}

static bool spend_saves(struct spend *spend, const char *text)
{
    struct store_error error = {{0}};
    bool saved = false;

    if (freshet_spend_save(spend, text, strlen(text), PLACE_NOW, &saved, &error) != FRESHET_OK) {
        fail_msg("not saved: %s", error.text);
    }
    return saved;
}

static bool spend_seeds(struct place *place, const char *text)
{
    bool changed = false;

    assert_int_equal(
        freshet_vault_seed(place->vault, text, strlen(text), PLACE_NOW, &changed, NULL),
        FRESHET_OK);
    return changed;
}

static void a_successor_takes_the_place_and_settles_the_journal(void **state)
{
    struct place *place = *state;
    struct spend *spend = spend_begin(place, LOCK_EXCLUSIVE);

    assert_string_equal(freshet_spend_credential(spend)->text, SEED);
    assert_false(freshet_spend_history(spend)->unsure);
    assert_true(freshet_place_has(place, VAULT_JOURNAL));
    assert_true(spend_saves(spend, "Bearer " SUCCESSOR));
    assert_string_equal(freshet_spend_credential(spend)->text, SUCCESSOR);
    assert_false(freshet_place_has(place, VAULT_JOURNAL));
    freshet_spend_end(spend, SPEND_ANSWERED);
    freshet_place_holds(place, SUCCESSOR);
    assert_false(freshet_place_has(place, VAULT_NEXT));
}

static void the_outcome_decides_about_the_journal(void **state)
{
    struct place *place = *state;
    struct spend *spend = spend_begin(place, LOCK_EXCLUSIVE);

    freshet_spend_end(spend, SPEND_UNSENT);
    assert_false(freshet_place_has(place, VAULT_JOURNAL));

    freshet_spend_end(spend_begin(place, LOCK_EXCLUSIVE), SPEND_UNANSWERED);
    assert_true(freshet_place_has(place, VAULT_JOURNAL));

    spend = spend_begin(place, LOCK_EXCLUSIVE);
    assert_true(freshet_spend_history(spend)->unsure);
    assert_string_equal(freshet_spend_history(spend)->intent.kind, "client");
    assert_int_equal(freshet_spend_history(spend)->intent.wall_ms, PLACE_NOW.wall_ms);
    assert_int_equal(freshet_spend_history(spend)->intent.pid, getpid());
    freshet_spend_end(spend, SPEND_UNSENT);
    assert_true(freshet_place_has(place, VAULT_JOURNAL));

    spend = spend_begin(place, LOCK_SHARED);
    assert_true(freshet_spend_history(spend)->unsure);
    freshet_spend_end(spend, SPEND_ANSWERED);
    assert_false(freshet_place_has(place, VAULT_JOURNAL));
    freshet_place_holds(place, SEED);
}

static void of_unanswered_requests_the_first_is_told(void **state)
{
    struct place *place = *state;
    const struct now later = {.boot_ms = 9000, .wall_ms = PLACE_NOW.wall_ms + 4000};
    struct spend *spend = NULL;

    freshet_spend_end(spend_begin(place, LOCK_EXCLUSIVE), SPEND_UNANSWERED);
    assert_int_equal(
        freshet_spend_begin(place->vault, LOCK_EXCLUSIVE, "touch", later, &spend, NULL),
        FRESHET_OK);
    freshet_spend_end(spend, SPEND_UNANSWERED);
    spend = spend_begin(place, LOCK_SHARED);
    assert_true(freshet_spend_history(spend)->unsure);
    assert_string_equal(freshet_spend_history(spend)->intent.kind, "client");
    assert_int_equal(freshet_spend_history(spend)->intent.wall_ms, PLACE_NOW.wall_ms);
    freshet_spend_end(spend, SPEND_ANSWERED);
}

static void an_unreadable_journal_means_unsure(void **state)
{
    struct place *place = *state;
    struct spend *spend = NULL;

    freshet_place_write(place, VAULT_JOURNAL, "rubbish", 7);
    spend = spend_begin(place, LOCK_EXCLUSIVE);
    assert_true(freshet_spend_history(spend)->unsure);
    assert_string_equal(freshet_spend_history(spend)->intent.kind, "");
    freshet_spend_end(spend, SPEND_ANSWERED);
    assert_false(freshet_place_has(place, VAULT_JOURNAL));
}

static void exclusive_excludes_and_shared_shares(void **state)
{
    struct place *place = *state;
    struct spend *one = spend_begin(place, LOCK_EXCLUSIVE);
    struct spend *other = NULL;
    bool changed = false;

    assert_int_equal(spend_tries(place, LOCK_EXCLUSIVE), FRESHET_WOULD_BLOCK);
    assert_int_equal(spend_tries(place, LOCK_SHARED), FRESHET_WOULD_BLOCK);
    assert_int_equal(freshet_vault_seed(place->vault, "new", 3, PLACE_NOW, &changed, NULL),
                     FRESHET_WOULD_BLOCK);
    freshet_spend_end(one, SPEND_UNSENT);

    one = spend_begin(place, LOCK_SHARED);
    other = spend_begin(place, LOCK_SHARED);
    assert_int_equal(spend_tries(place, LOCK_EXCLUSIVE), FRESHET_WOULD_BLOCK);
    freshet_spend_end(one, SPEND_ANSWERED);
    assert_int_equal(spend_tries(place, LOCK_EXCLUSIVE), FRESHET_WOULD_BLOCK);
    freshet_spend_end(other, SPEND_ANSWERED);
    assert_int_equal(spend_tries(place, LOCK_EXCLUSIVE), FRESHET_OK);
}

static void a_shared_successor_is_saved_only_over_what_was_sent(void **state)
{
    struct place *place = *state;
    struct spend *one = spend_begin(place, LOCK_SHARED);
    struct spend *other = spend_begin(place, LOCK_SHARED);

    assert_true(spend_saves(one, SUCCESSOR));
    assert_false(spend_saves(other, "from-a-late-answer"));
    assert_string_equal(freshet_spend_credential(other)->text, SEED);
    freshet_place_holds(place, SUCCESSOR);
    assert_true(spend_saves(one, "credential-2"));
    freshet_spend_end(one, SPEND_ANSWERED);
    freshet_spend_end(other, SPEND_ANSWERED);
    freshet_place_holds(place, "credential-2");
}

static void two_shared_savers_meet_without_waiting(void **state)
{
    struct place *place = *state;
    struct spend *spend = spend_begin(place, LOCK_SHARED);
    bool saved = true;
    int lock = -1;

    assert_int_equal(freshet_vault_lock(place->vault, VAULT_BYTE_SAVE, LOCK_EXCLUSIVE, &lock, NULL),
                     FRESHET_OK);
    assert_int_equal(
        freshet_spend_save(spend, SUCCESSOR, strlen(SUCCESSOR), PLACE_NOW, &saved, NULL),
        FRESHET_WOULD_BLOCK);
    assert_false(saved);
    freshet_lock_release(lock, VAULT_BYTE_SAVE);
    assert_true(spend_saves(spend, SUCCESSOR));
    freshet_spend_end(spend, SPEND_ANSWERED);
}

static void what_is_no_credential_is_not_saved(void **state)
{
    struct place *place = *state;
    static char large[FRESHET_CREDENTIAL_MAX + 2];
    const char *const wrong[] = {"", "Bearer ", "a b", "a\nb", "\x7f", "\xc3\xa9", large};
    struct spend *spend = spend_begin(place, LOCK_EXCLUSIVE);
    bool saved = false;

    memset(large, 'x', FRESHET_CREDENTIAL_MAX + 1);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(
            freshet_spend_save(spend, wrong[i], strlen(wrong[i]), PLACE_NOW, &saved, NULL),
            FRESHET_INVALID);
    }
    large[FRESHET_CREDENTIAL_MAX] = '\0';
    assert_true(spend_saves(spend, large));
    freshet_spend_end(spend, SPEND_ANSWERED);
    freshet_place_holds(place, large);
}

static void a_seed_yields_to_its_descendants(void **state)
{
    struct place *place = *state;
    struct spend *spend = spend_begin(place, LOCK_EXCLUSIVE);

    assert_true(spend_saves(spend, SUCCESSOR));
    assert_true(spend_saves(spend, "credential-2"));
    freshet_spend_end(spend, SPEND_ANSWERED);
    assert_false(spend_seeds(place, SEED));
    assert_false(spend_seeds(place, "Bearer " SEED));
    assert_false(spend_seeds(place, "credential-2"));
    freshet_place_holds(place, "credential-2");
}

static void a_new_seed_replaces_and_reopens_the_session(void **state)
{
    struct place *place = *state;
    struct vault_session session = {.epoch = 4, .signed_out = true, .reason = "asked"};
    struct vault_credential credential;

    assert_int_equal(freshet_vault_session_write(place->vault, &session, NULL), FRESHET_OK);
    assert_false(spend_seeds(place, SEED));
    assert_int_equal(freshet_vault_session_read(place->vault, &session, NULL), FRESHET_OK);
    assert_true(session.signed_out);

    assert_true(spend_seeds(place, "signed-in-again"));
    freshet_place_holds(place, "signed-in-again");
    assert_int_equal(freshet_vault_session_read(place->vault, &session, NULL), FRESHET_OK);
    assert_false(session.signed_out);
    assert_int_equal(session.epoch, 5);
    assert_int_equal(freshet_vault_credential_read(place->vault, &credential, NULL), FRESHET_OK);
    assert_int_equal(credential.generation, 2);
    assert_int_equal(credential.saved_wall_ms, PLACE_NOW.wall_ms);
    freshet_secret_free(&credential.text);
}

static void without_a_credential_there_is_nothing_to_spend(void **state)
{
    struct place *place = *state;

    assert_int_equal(unlinkat(place->store->folder,
                              freshet_vault_file(place->vault, VAULT_CREDENTIAL, false).name, 0),
                     0);
    assert_int_equal(spend_tries(place, LOCK_EXCLUSIVE), FRESHET_NONE);
    assert_int_equal(spend_tries(place, LOCK_SHARED), FRESHET_NONE);
    assert_int_equal(spend_tries(place, LOCK_EXCLUSIVE), FRESHET_NONE);
    assert_true(spend_seeds(place, SEED));
}

static int spend_in_child(struct place *place, int mode)
{
    return (int)spend_tries(place, (enum lock_mode)mode);
}

static void another_process_is_kept_out_until_the_end(void **state)
{
    struct place *place = *state;
    struct spend *spend = spend_begin(place, LOCK_EXCLUSIVE);

    assert_int_equal(freshet_place_child(spend_in_child, place, LOCK_SHARED), FRESHET_WOULD_BLOCK);
    assert_int_equal(freshet_place_child(spend_in_child, place, LOCK_EXCLUSIVE),
                     FRESHET_WOULD_BLOCK);
    freshet_spend_end(spend, SPEND_UNSENT);
    assert_int_equal(freshet_place_child(spend_in_child, place, LOCK_EXCLUSIVE), FRESHET_OK);
}

static struct spend *spend_inherited;

static int spend_inherits(struct place *place, int argument)
{
    bool saved = false;
    enum freshet_status status =
        freshet_spend_save(spend_inherited, "childs", 6, PLACE_NOW, &saved, NULL);

    (void)place;
    (void)argument;
    freshet_spend_end(spend_inherited, SPEND_ANSWERED);
    return (int)status;
}

static void a_forked_child_neither_saves_nor_releases(void **state)
{
    struct place *place = *state;

    spend_inherited = spend_begin(place, LOCK_EXCLUSIVE);
    assert_int_equal(freshet_place_child(spend_inherits, place, 0), FRESHET_FORKED);
    assert_int_equal(spend_tries(place, LOCK_SHARED), FRESHET_WOULD_BLOCK);
    assert_true(freshet_place_has(place, VAULT_JOURNAL));
    assert_true(freshet_place_has(place, VAULT_NEXT));
    assert_true(spend_saves(spend_inherited, SUCCESSOR));
    freshet_spend_end(spend_inherited, SPEND_ANSWERED);
    freshet_place_holds(place, SUCCESSOR);
}

static void a_killed_holder_leaves_the_lock_and_a_journal(void **state)
{
    struct place *place = *state;
    struct spend *spend = NULL;
    int ready[2];
    char byte = 0;
    pid_t child = 0;

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        enum freshet_status status =
            freshet_spend_begin(place->vault, LOCK_EXCLUSIVE, "touch", PLACE_NOW, &spend, NULL);

        _exit(status != FRESHET_OK || write(ready[1], "r", 1) != 1 || pause());
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(spend_tries(place, LOCK_SHARED), FRESHET_WOULD_BLOCK);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    spend = spend_begin(place, LOCK_EXCLUSIVE);
    assert_true(freshet_spend_history(spend)->unsure);
    assert_string_equal(freshet_spend_history(spend)->intent.kind, "touch");
    assert_int_equal(freshet_spend_history(spend)->intent.pid, child);
    freshet_spend_end(spend, SPEND_ANSWERED);
    close(ready[0]);
    close(ready[1]);
}

#define SPENDERS 6
#define ROUNDS   15

/* Presents what is stored to an issuer that writes down the order, and saves what follows it. */
static int spend_many(struct place *place, int log)
{
    for (int round = 0; round < ROUNDS;) {
        struct spend *spend = NULL;
        char line[64];
        char successor[64];
        bool saved = false;
        int number = 0;
        enum freshet_status status =
            freshet_spend_begin(place->vault, LOCK_EXCLUSIVE, "client", PLACE_NOW, &spend, NULL);

        if (status == FRESHET_WOULD_BLOCK) {
            sched_yield();
            continue;
        }
        if (status != FRESHET_OK ||
            sscanf(freshet_spend_credential(spend)->text, "credential-%d", &number) != 1) {
            return 1;
        }
        snprintf(line, sizeof(line), "%d\n", number);
        snprintf(successor, sizeof(successor), "credential-%d", number + 1);
        if (write(log, line, strlen(line)) != (ssize_t)strlen(line) ||
            freshet_spend_save(spend, successor, strlen(successor), PLACE_NOW, &saved, NULL) !=
                FRESHET_OK) {
            return 2;
        }
        freshet_spend_end(spend, SPEND_ANSWERED);
        round++;
    }
    return 0;
}

static void many_processes_present_each_credential_once_and_in_order(void **state)
{
    struct place *place = *state;
    pid_t children[SPENDERS];
    char path[128];
    FILE *log = NULL;
    int descriptor = -1;
    int number = -1;

    snprintf(path, sizeof(path), "%s/issuer.log", place->root);
    descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(descriptor >= 0);
    for (int i = 0; i < SPENDERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            _exit(spend_many(place, descriptor));
        }
    }
    for (int i = 0; i < SPENDERS; i++) {
        int ending = -1;

        assert_int_equal(waitpid(children[i], &ending, 0), children[i]);
        assert_int_equal(ending, 0);
    }
    log = fdopen(descriptor, "r");
    assert_non_null(log);
    rewind(log);
    for (int i = 0; i < SPENDERS * ROUNDS; i++) {
        assert_int_equal(fscanf(log, "%d", &number), 1);
        assert_int_equal(number, i);
    }
    assert_int_equal(fscanf(log, "%d", &number), EOF);
    fclose(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_successor_takes_the_place_and_settles_the_journal,
                                        spend_setup, freshet_place_teardown),
        cmocka_unit_test_setup_teardown(the_outcome_decides_about_the_journal, spend_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(of_unanswered_requests_the_first_is_told, spend_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(an_unreadable_journal_means_unsure, spend_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(exclusive_excludes_and_shared_shares, spend_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_shared_successor_is_saved_only_over_what_was_sent,
                                        spend_setup, freshet_place_teardown),
        cmocka_unit_test_setup_teardown(two_shared_savers_meet_without_waiting, spend_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_credential_is_not_saved, spend_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_seed_yields_to_its_descendants, spend_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_new_seed_replaces_and_reopens_the_session, spend_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(without_a_credential_there_is_nothing_to_spend, spend_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(another_process_is_kept_out_until_the_end, spend_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_forked_child_neither_saves_nor_releases, spend_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(a_killed_holder_leaves_the_lock_and_a_journal, spend_setup,
                                        freshet_place_teardown),
        cmocka_unit_test_setup_teardown(many_processes_present_each_credential_once_and_in_order,
                                        spend_setup, freshet_place_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
