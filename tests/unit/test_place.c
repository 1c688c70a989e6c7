/* Where the shared place is, and what is refused as one. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "share/file.h"
#include "share/place.h"
#include "share_world.h"

struct scene {
    char root[64];
    char xdg[96];
    char run_user[96];
    char memory[96];
    char path[128]; /* for the test's use */
    struct place place;
    struct place_choice choice;
};

static int scene_make(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    if (scene == NULL) {
        return -1;
    }
    *state = scene;
    snprintf(scene->root, sizeof(scene->root), "/dev/shm/freshet-test-XXXXXX");
    if (mkdtemp(scene->root) == NULL) {
        return -1;
    }
    snprintf(scene->xdg, sizeof(scene->xdg), "%s/xdg", scene->root);
    snprintf(scene->run_user, sizeof(scene->run_user), "%s/user", scene->root);
    snprintf(scene->memory, sizeof(scene->memory), "%s/shm", scene->root);
    scene->place.folder_fd = -1;
    scene->choice = (struct place_choice){
        .xdg_runtime_dir = scene->xdg, .run_user = scene->run_user, .shared_memory = scene->memory};
    return 0;
}

/* The scenes hold at most three levels of folders, and nothing to keep. */
static int scene_remove(void **state)
{
    struct scene *scene = *state;
    char command[160] = "";

    freshet_place_close(&scene->place);
    snprintf(command, sizeof(command), "rm -rf '%s'", scene->root);
    if (system(command) != 0) {
        return -1;
    }
    free(scene);
    return 0;
}

static void scene_folder(const char *path, mode_t mode)
{
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void assert_place(struct scene *scene, const char *expected)
{
    assert_true(freshet_place_open(&scene->place, &scene->choice));
    assert_string_equal(scene->place.path, expected);
    assert_string_equal(scene->place.fault.text, "");
    assert_true(freshet_place_stands(&scene->place));
}

static void assert_no_place(struct scene *scene, const char *because)
{
    assert_false(freshet_place_open(&scene->place, &scene->choice));
    assert_int_equal(scene->place.folder_fd, -1);
    if (strstr(scene->place.fault.text, because) == NULL) {
        fail_msg("the reason \"%s\" does not say \"%s\"", scene->place.fault.text, because);
    }
}

static void the_first_that_works_is_taken(void **state)
{
    struct scene *scene = *state;
    char expected[160] = "";

    scene_folder(scene->memory, 01777);
    snprintf(expected, sizeof(expected), "%s/freshet-%u", scene->memory, geteuid());
    assert_place(scene, expected);
    freshet_place_close(&scene->place);

    scene_folder(scene->run_user, 0755);
    snprintf(expected, sizeof(expected), "%s/%u", scene->run_user, geteuid());
    scene_folder(expected, 0700);
    snprintf(expected, sizeof(expected), "%s/%u/freshet", scene->run_user, geteuid());
    assert_place(scene, expected);
    freshet_place_close(&scene->place);

    scene_folder(scene->xdg, 0700);
    snprintf(expected, sizeof(expected), "%s/freshet", scene->xdg);
    assert_place(scene, expected);
    freshet_place_close(&scene->place);

    snprintf(scene->path, sizeof(scene->path), "%s/mine", scene->root);
    scene->choice.freshet_runtime_dir = scene->path;
    assert_place(scene, scene->path);
}

static void all_reasons_are_told(void **state)
{
    struct scene *scene = *state;

    assert_no_place(scene, "/xdg/freshet: No such file");
    assert_non_null(strstr(scene->place.fault.text, "/shm/freshet-"));
}

static void what_the_user_chose_is_not_passed_by(void **state)
{
    struct scene *scene = *state;

    scene_folder(scene->xdg, 0700);
    scene->choice.chosen = "/nowhere/at/all";
    assert_no_place(scene, "/nowhere/at/all: No such file");
    scene->choice.chosen = "relative/folder";
    assert_no_place(scene, "not an absolute path");
    scene->choice.chosen = "/";
    assert_no_place(scene, "does not name a folder");
    scene->choice.chosen = "/dev/shm/..";
    assert_no_place(scene, "does not name a folder");
    scene->choice.chosen = NULL;
    scene->choice.freshet_runtime_dir = "/nowhere/at/all";
    assert_no_place(scene, "/nowhere/at/all: No such file");
}

static void slashes_at_the_end_do_not_matter(void **state)
{
    struct scene *scene = *state;

    snprintf(scene->path, sizeof(scene->path), "%s/mine//", scene->root);
    scene->choice.chosen = scene->path;
    assert_true(freshet_place_open(&scene->place, &scene->choice));
    assert_true(freshet_place_stands(&scene->place));
}

static void a_look_makes_nothing(void **state)
{
    struct scene *scene = *state;

    snprintf(scene->path, sizeof(scene->path), "%s/mine", scene->root);
    scene->choice.chosen = scene->path;
    scene->choice.only_look = true;
    assert_no_place(scene, "No such file");
    assert_int_equal(access(scene->path, F_OK), -1);
}

static void an_open_folder_is_refused(void **state)
{
    struct scene *scene = *state;

    snprintf(scene->path, sizeof(scene->path), "%s/mine", scene->root);
    scene->choice.chosen = scene->path;
    scene_folder(scene->path, 0750);
    assert_no_place(scene, "not closed to others");
    assert_int_equal(chmod(scene->path, 0700), 0);
    assert_place(scene, scene->path);
}

static void a_link_or_file_is_refused(void **state)
{
    struct scene *scene = *state;
    int made = -1;

    snprintf(scene->path, sizeof(scene->path), "%s/mine", scene->root);
    scene->choice.chosen = scene->path;
    scene_folder(scene->xdg, 0700);
    assert_int_equal(symlink(scene->xdg, scene->path), 0);
    assert_no_place(scene, "is a link or not a folder");
    unlink(scene->path);
    made = open(scene->path, O_CREAT | O_RDWR | O_CLOEXEC, 0700);
    assert_true(made >= 0);
    close(made);
    assert_no_place(scene, "is a link or not a folder");
}

static void a_disk_is_refused(void **state)
{
    struct scene *scene = *state;
    char path[64] = "/proc/self/freshet";

    scene->choice.chosen = path;
    scene->choice.only_look = true;
    snprintf(path, sizeof(path), "/proc/self");
    assert_no_place(scene, "is a link or not a folder");
    /* The only folder of another kind that is sure to be ours and 0700 wherever this runs. */
    snprintf(path, sizeof(path), "/var/tmp/freshet-test-XXXXXX");
    if (mkdtemp(path) == NULL) {
        skip();
    }
    assert_no_place(scene, "not on a file system in memory");
    rmdir(path);
}

static void anothers_folder_is_refused(void **state)
{
    struct scene *scene = *state;

    if (geteuid() != 0) {
        skip();
    }
    snprintf(scene->path, sizeof(scene->path), "%s/mine", scene->root);
    scene->choice.chosen = scene->path;
    scene_folder(scene->path, 0700);
    assert_int_equal(chown(scene->path, 12345, 12345), 0);
    assert_no_place(scene, "belongs to another user");
}

static void root_does_not_settle_with_anothers_environment(void **state)
{
    struct scene *scene = *state;
    char settled[128] = "";

    if (geteuid() != 0) {
        skip();
    }
    scene_folder(scene->xdg, 0700);
    assert_int_equal(chown(scene->xdg, 12345, 12345), 0);
    assert_no_place(scene, "the folder above belongs to another user");
    snprintf(settled, sizeof(settled), "%s/freshet", scene->xdg);
    assert_int_equal(access(settled, F_OK), -1);
}

static void a_folder_others_may_change_is_refused(void **state)
{
    struct scene *scene = *state;

    scene_folder(scene->xdg, 0777);
    assert_no_place(scene, "writable by others");
}

static void a_place_that_is_gone_does_not_stand(void **state)
{
    struct scene *scene = *state;

    snprintf(scene->path, sizeof(scene->path), "%s/mine", scene->root);
    scene->choice.chosen = scene->path;
    assert_place(scene, scene->path);
    assert_int_equal(rmdir(scene->path), 0);
    assert_false(freshet_place_stands(&scene->place));
    scene_folder(scene->path, 0700);
    assert_false(freshet_place_stands(&scene->place));
}

#define place_test(f) cmocka_unit_test_setup_teardown(f, scene_make, scene_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(the_first_that_works_is_taken),
        place_test(all_reasons_are_told),
        place_test(what_the_user_chose_is_not_passed_by),
        place_test(slashes_at_the_end_do_not_matter),
        place_test(a_look_makes_nothing),
        place_test(an_open_folder_is_refused),
        place_test(a_link_or_file_is_refused),
        place_test(a_disk_is_refused),
        place_test(anothers_folder_is_refused),
        place_test(root_does_not_settle_with_anothers_environment),
        place_test(a_folder_others_may_change_is_refused),
        place_test(a_place_that_is_gone_does_not_stand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
