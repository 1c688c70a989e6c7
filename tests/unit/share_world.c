/* A shared place for a test. */
#include "share_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmocka_all.h"

static int64_t world_clock_ms(clockid_t id)
{
    struct timespec time = {0};

    clock_gettime(id, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

struct now share_world_now(void)
{
    return (struct now){.boot_ms = world_clock_ms(CLOCK_BOOTTIME),
                        .wall_ms = world_clock_ms(CLOCK_REALTIME)};
}

int share_world_make(void **state)
{
    struct share_world *world = calloc(1, sizeof(*world));

    if (world == NULL) {
        return -1;
    }
    *state = world;
    snprintf(world->above, sizeof(world->above), "/dev/shm/freshet-test-XXXXXX");
    if (mkdtemp(world->above) == NULL) {
        return -1;
    }
    snprintf(world->folder, sizeof(world->folder), "%s/place", world->above);
    world->options = (struct share_options){.place = {.chosen = world->folder},
                                            .read_token = share_world_read_token};
    world->key = (struct key_view){.issuer = "https://clerk.example/v1",
                                   .sid = "sess_1",
                                   .template_name = "",
                                   .organization = "org_1",
                                   .audience = ""};
    world->share = share_world_join(world);
    return world->share != NULL ? 0 : -1;
}

static void world_empty(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry = NULL;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (unlinkat(dirfd(folder), entry->d_name, 0) != 0) {
            unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    rmdir(path);
}

int share_world_remove(void **state)
{
    struct share_world *world = *state;

    freshet_share_close(world->share);
    world_empty(world->folder);
    world_empty(world->above);
    free(world);
    return 0;
}

struct share *share_world_join(const struct share_world *world)
{
    return freshet_share_open(&world->options, share_world_now());
}

static uint64_t world_fingerprint(const char *text, size_t length)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    }
    return hash | 1;
}

bool share_world_read_token(const char *text, size_t length, struct token *token, void *context)
{
    char bytes[256] = "";
    long long iat = 0;
    long long exp = 0;
    long long oiat = 0;

    (void)context;
    if (length >= sizeof(bytes)) {
        return false;
    }
    memcpy(bytes, text, length);
    if (sscanf(bytes, "token.%lld.%lld.%lld.", &iat, &exp, &oiat) != 3) {
        return false;
    }
    *token = (struct token){.text = text,
                            .length = (uint32_t)length,
                            .fingerprint = world_fingerprint(text, length),
                            .iat_s = iat,
                            .exp_s = exp,
                            .oiat_s = oiat,
                            .has_oiat = oiat != 0,
                            .sid = "sess_1",
                            .organization = "org_1"};
    return true;
}

struct record share_world_record(struct token_text *text, int64_t iat_s, int64_t exp_s,
                                 int64_t oiat_s, const char *salt)
{
    const struct now now = share_world_now();
    struct record record = {.has_token = true,
                            .committed_ms = now.boot_ms,
                            .sent_ms = now.boot_ms - 20,
                            .offset_ms = now.wall_ms - now.boot_ms,
                            .has_offset = true};

    snprintf(text->bytes, sizeof(text->bytes), "token.%" PRId64 ".%" PRId64 ".%" PRId64 ".%s",
             iat_s, exp_s, oiat_s, salt);
    share_world_read_token(text->bytes, strlen(text->bytes), &record.token, NULL);
    return record;
}

enum share_published share_world_publish(const struct share_world *world, struct share *share,
                                         const struct record *record, uint64_t epoch)
{
    const struct publication what = {.key = &world->key, .record = record, .epoch = epoch};

    return freshet_share_publish(share, &what, share_world_now());
}

enum share_found share_world_read(const struct share_world *world, struct share *share,
                                  uint64_t epoch, struct shared_record *out)
{
    return freshet_share_read(share, &world->key, epoch, share_world_now(), out);
}

struct other share_world_start(const struct share_world *world, other_deed *deed)
{
    int up[2] = {-1, -1};
    int down[2] = {-1, -1};
    struct other other = {0};

    assert_int_equal(pipe2(up, O_CLOEXEC), 0);
    assert_int_equal(pipe2(down, O_CLOEXEC), 0);
    other.pid = fork();
    assert_true(other.pid >= 0);
    if (other.pid == 0) {
        struct other parent = {.pid = getppid(), .ear = down[0], .mouth = up[1]};

        close(up[0]);
        close(down[1]);
        _exit(deed(world, &parent) ? 0 : 1);
    }
    close(up[1]);
    close(down[0]);
    other.ear = up[0];
    other.mouth = down[1];
    return other;
}

bool share_world_tell(const struct other *other)
{
    return write(other->mouth, "!", 1) == 1;
}

bool share_world_hear(const struct other *other)
{
    char byte = 0;

    return read(other->ear, &byte, 1) == 1;
}

static void other_close(struct other *other)
{
    close(other->ear);
    close(other->mouth);
}

void share_world_end(struct other *other)
{
    int status = 0;

    assert_int_equal(waitpid(other->pid, &status, 0), other->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    other_close(other);
}

void share_world_kill(struct other *other)
{
    kill(other->pid, SIGKILL);
    assert_int_equal(waitpid(other->pid, NULL, 0), other->pid);
    other_close(other);
}

void share_world_stopped(const struct other *other)
{
    int status = 0;

    assert_int_equal(waitpid(other->pid, &status, WUNTRACED), other->pid);
    assert_true(WIFSTOPPED(status));
}

size_t share_world_count(const struct share_world *world, const char *part)
{
    DIR *folder = opendir(world->folder);
    const struct dirent *entry = NULL;
    size_t count = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        count += strstr(entry->d_name, part) != NULL ? 1 : 0;
    }
    closedir(folder);
    return count;
}

struct token_text share_world_path(const struct share_world *world)
{
    struct token_text path = {{0}};

    snprintf(path.bytes, sizeof(path.bytes), "%s/%s", world->folder,
             freshet_share_name_key(&world->key, SHARE_RECORD).text);
    return path;
}

void share_world_vandalise(const struct share_world *world, const void *bytes, size_t length)
{
    const struct token_text path = share_world_path(world);
    int descriptor = -1;

    unlink(path.bytes);
    descriptor = open(path.bytes, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes, length), length);
    close(descriptor);
}

size_t share_world_bytes(const struct share_world *world, char *bytes, size_t size)
{
    const int descriptor = open(share_world_path(world).bytes, O_RDONLY | O_CLOEXEC);
    ssize_t count = 0;

    assert_true(descriptor >= 0);
    count = read(descriptor, bytes, size);
    assert_true(count > 0);
    close(descriptor);
    return (size_t)count;
}
