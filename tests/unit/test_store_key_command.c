/*
 * A key from a command: its output and nothing else, within limits of time and size. What is wrong
 * with it is said without a word of what it wrote.
 */
#include "cmocka_all.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "store_place.h"

#define SEED   "credential-0"
#define OUTPUT "words-of-the-key-command"

/* Whether this system has descriptors of processes. */
static bool command_has_pidfd;

int __real_pidfd_open(pid_t pid, unsigned int flags);
int __wrap_pidfd_open(pid_t pid, unsigned int flags);

int __wrap_pidfd_open(pid_t pid, unsigned int flags)
{
    if (!command_has_pidfd) {
        errno = ENOSYS;
        return -1;
    }
    return __real_pidfd_open(pid, flags);
}

static enum freshet_status command_opens(const struct place *place, const char *command,
                                         struct store_error *error)
{
    const struct store_options options = {
        .folder = place->folder, .key_file = place->key_file, .key_command = command};

    return freshet_place_try_options(&options, error);
}

static int command_descriptors(void)
{
    DIR *listing = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(listing);
    while (readdir(listing) != NULL) {
        count++;
    }
    closedir(listing);
    return count;
}

/* Seeds with the key of one command; what the next look finds under the key of another. */
static enum freshet_status command_finds(struct place *place, const char *command)
{
    const struct store_options options = {
        .folder = place->folder, .key_file = place->key_file, .key_command = command};
    struct store_error error = {{0}};
    struct vault_credential credential;
    bool changed = false;
    enum freshet_status status = freshet_store_open(&options, &place->store, &error);

    if (status != FRESHET_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(
        freshet_vault_open(place->store, PLACE_INSTANCE, PLACE_ACCOUNT, &place->vault, NULL),
        FRESHET_OK);
    status = freshet_vault_credential_read(place->vault, &credential, NULL);
    freshet_secret_free(&credential.text);
    if (status == FRESHET_NONE) {
        assert_int_equal(
            freshet_vault_seed(place->vault, SEED, strlen(SEED), PLACE_NOW, &changed, NULL),
            FRESHET_OK);
    }
    freshet_place_close(place);
    return status;
}

static void a_commands_output_is_the_key(void **state)
{
    struct place *place = *state;

    assert_int_equal(command_finds(place, "printf " OUTPUT), FRESHET_NONE);
    assert_int_equal(command_finds(place, "printf " OUTPUT), FRESHET_OK);
    assert_int_equal(command_finds(place, "cat; echo " OUTPUT), FRESHET_OK);
    assert_int_equal(command_finds(place, "printf words-; printf of-the-key-command"), FRESHET_OK);
    assert_int_equal(command_finds(place, "printf " OUTPUT "2"), FRESHET_STORE);
    assert_int_equal(command_finds(place, "printf '" OUTPUT "\\n\\n'"), FRESHET_STORE);
    assert_int_equal(access(place->key_file, F_OK), -1);
}

static void a_failing_command_is_reported_without_its_words(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *command;
        const char *why;
    } wrong[] = {
        {"printf " OUTPUT "; exit 3", "it failed"},
        {"printf " OUTPUT "; kill -9 $$", "it failed"},
        {"/nowhere/" OUTPUT " 2>&-", "it failed"},
        {"true", "fewer than 16 bytes"},
        {"printf 123456789012345", "fewer than 16 bytes"},
        {"echo 123456789012345", "fewer than 16 bytes"},
        {"printf %4097s " OUTPUT, "more than 4,096 bytes"},
        {"printf '%4097s\\n' " OUTPUT, "more than 4,096 bytes"},
        {"while echo " OUTPUT "; do :; done 2>&-", "more than 4,096 bytes"},
    };
    int before = command_descriptors();

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct store_error error = {{0}};

        assert_int_equal(command_opens(place, wrong[i].command, &error), FRESHET_STORE);
        if (strstr(error.text, wrong[i].why) == NULL) {
            fail_msg("%s: '%s'", wrong[i].command, error.text);
        }
        assert_null(strstr(error.text, OUTPUT));
        assert_null(strstr(error.text, "12345"));
    }
    assert_int_equal(command_descriptors(), before);
}

static void the_limits_of_a_commands_output_are_inclusive(void **state)
{
    static const char *const right[] = {"printf 1234567890123456", "echo 1234567890123456",
                                        "printf %4096s x", "printf '%4096s\\n' x"};

    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        assert_int_equal(command_opens(*state, right[i], NULL), FRESHET_OK);
    }
}

/* Descriptor 9 is handed down: it reads as ended when every process of the command has gone. */
static void command_hand_down(int descriptor)
{
    assert_int_equal(dup2(descriptor, 9), 9);
    close(descriptor);
}

static void a_hanging_command_is_ended_with_all_it_started(void **state)
{
    struct place *place = *state;
    static const char *const hanging[] = {"echo " OUTPUT "; read x <&8",
                                          "echo " OUTPUT "; (read x <&8) | cat",
                                          "exec >&-; read x <&8"};

    for (size_t i = 0; i < sizeof(hanging) / sizeof(hanging[0]); i++) {
        const struct store_options options = {
            .folder = place->folder, .key_command = hanging[i], .key_timeout_ms = 50};
        struct store_error error = {{0}};
        int never[2];
        int gone[2];
        char byte = 0;

        assert_int_equal(pipe2(never, O_CLOEXEC), 0);
        assert_int_equal(dup2(never[0], 8), 8);
        assert_int_equal(pipe2(gone, O_CLOEXEC), 0);
        command_hand_down(gone[1]);
        assert_int_equal(freshet_place_try_options(&options, &error), FRESHET_STORE);
        close(9);
        assert_non_null(strstr(error.text, "did not end in time"));
        assert_null(strstr(error.text, OUTPUT));
        assert_int_equal(read(gone[0], &byte, 1), 0);
        close(gone[0]);
        close(8);
        close(never[0]);
        close(never[1]);
    }
}

static void what_a_command_leaves_behind_is_not_waited_for(void **state)
{
    int hold[2];
    struct store_error error = {{0}};

    assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
    command_hand_down(hold[0]);
    if (command_opens(*state, "cat <&9 & printf " OUTPUT, &error) != FRESHET_OK) {
        fail_msg("%s", error.text);
    }
    close(9);
    close(hold[1]);
}

static void a_host_that_ignores_its_children_is_told_so(void **state)
{
    struct store_error error = {{0}};

    signal(SIGCHLD, SIG_IGN);
    assert_int_equal(command_opens(*state, "printf " OUTPUT, &error), FRESHET_STORE);
    signal(SIGCHLD, SIG_DFL);
    assert_non_null(strstr(error.text, "SIGCHLD"));
}

static int command_without_standard_streams(struct place *place, int argument)
{
    (void)argument;
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    return (int)command_opens(place, "printf " OUTPUT, NULL);
}

static void a_host_without_standard_streams_can_run_one(void **state)
{
    assert_int_equal(freshet_place_child(command_without_standard_streams, *state, 0), FRESHET_OK);
}

/* A command that ends itself by a signal is only ended if the signal is neither blocked nor ignored. */
static int command_without_signals(struct place *place, int argument)
{
    sigset_t all;

    (void)argument;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    signal(SIGPIPE, SIG_IGN);
    return command_opens(place, "kill -TERM $$; printf " OUTPUT, NULL) != FRESHET_STORE ||
           command_opens(place, "kill -PIPE $$; printf " OUTPUT, NULL) != FRESHET_STORE ||
           command_opens(place, "printf " OUTPUT, NULL) != FRESHET_OK;
}

static void a_command_does_not_inherit_the_hosts_signals(void **state)
{
    assert_int_equal(freshet_place_child(command_without_signals, *state, 0), 0);
}

#define COMMAND_TEST(name)                                                                         \
    cmocka_unit_test_setup_teardown(name, freshet_place_setup, freshet_place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMAND_TEST(a_commands_output_is_the_key),
        COMMAND_TEST(a_failing_command_is_reported_without_its_words),
        COMMAND_TEST(the_limits_of_a_commands_output_are_inclusive),
        COMMAND_TEST(a_hanging_command_is_ended_with_all_it_started),
        COMMAND_TEST(what_a_command_leaves_behind_is_not_waited_for),
        COMMAND_TEST(a_host_that_ignores_its_children_is_told_so),
        COMMAND_TEST(a_host_without_standard_streams_can_run_one),
        COMMAND_TEST(a_command_does_not_inherit_the_hosts_signals),
    };
    int failed = 0;

    command_has_pidfd = true;
    failed = cmocka_run_group_tests_name("with process descriptors", tests, NULL, NULL);
    command_has_pidfd = false;
    return failed + cmocka_run_group_tests_name("without process descriptors", tests, NULL, NULL);
}
