/*
 * freshet_peek() on a usable token: no system call, no allocation, no lock.
 *
 * In the thread that peeks the kernel turns every system call into a signal, which is counted, as
 * allocations and locks are, where the library finds them: in this program.
 */
#include "cmocka_all.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <freshet/freshet.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PEEKS     10000
#define READY_MAX 16384

static _Thread_local bool watched;
static _Atomic int touched;

extern void *__libc_malloc(size_t size);
extern void __libc_free(void *memory);
void *malloc(size_t size);
void free(void *memory);
int pthread_mutex_lock(pthread_mutex_t *mutex);

void *malloc(size_t size)
{
    touched += watched ? 1 : 0;
    return __libc_malloc(size);
}

void free(void *memory)
{
    touched += watched ? 1 : 0;
    __libc_free(memory);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    static _Atomic(int (*)(pthread_mutex_t *)) real;
    int (*lock)(pthread_mutex_t *) = atomic_load(&real);

    touched += watched ? 1 : 0;
    if (lock == NULL) {
        void *symbol = dlsym(RTLD_NEXT, "pthread_mutex_lock");

        memcpy(&lock, &symbol, sizeof(lock));
        atomic_store(&real, lock);
    }
    return lock(mutex);
}

struct world {
    pid_t issuer;
    char folder[64];
    char token_file[96];
    struct freshet_client *client;
    struct freshet_session *session;
    _Atomic int good; /* peeks that gave the token */
};

/* A member of the issuer's ready line, which is one flat object of strings. */
static void ready_member(const char *line, const char *name, char *value, size_t size)
{
    char quoted[64];
    const char *at = NULL;
    size_t length = 0;

    snprintf(quoted, sizeof(quoted), "\"%s\"", name);
    at = strstr(line, quoted);
    assert_non_null(at);
    at = strchr(at + strlen(quoted), '"');
    assert_non_null(at);
    length = strcspn(at + 1, "\"");
    assert_true(length < size);
    memcpy(value, at + 1, length);
    value[length] = '\0';
}

static void world_start_issuer(struct world *world, char *line, size_t size)
{
    int ready[2];
    size_t length = 0;

    assert_int_equal(pipe(ready), 0);
    world->issuer = fork();
    assert_true(world->issuer >= 0);
    if (world->issuer == 0) {
        dup2(ready[1], STDOUT_FILENO);
        execl(FRESHET_ISSUER, FRESHET_ISSUER, "--ttl", "1h", "--quiet", (char *)NULL);
        _exit(127);
    }
    close(ready[1]);
    while (length == 0 || line[length - 1] != '\n') {
        ssize_t got = read(ready[0], line + length, size - 1 - length);

        assert_true(got > 0);
        length += (size_t)got;
    }
    line[length] = '\0';
    close(ready[0]);
}

static int world_open(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    char line[READY_MAX];
    char url[256];
    char token[READY_MAX];
    struct freshet_token *first = NULL;
    FILE *file = NULL;

    world_start_issuer(world, line, sizeof(line));
    ready_member(line, "url", url, sizeof(url));
    ready_member(line, "client_token", token, sizeof(token));
    snprintf(world->folder, sizeof(world->folder), "/tmp/freshet-peek-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->token_file, sizeof(world->token_file), "%s/token", world->folder);
    umask(077);
    file = fopen(world->token_file, "w");
    assert_non_null(file);
    assert_true(fputs(token, file) >= 0);
    assert_int_equal(fclose(file), 0);

    const struct freshet_session_options options = {
        .size = sizeof(options), .url = url, .client_token_file = world->token_file};

    assert_int_equal(freshet_open(NULL, &world->client, NULL), FRESHET_OK);
    assert_int_equal(freshet_session_open(world->client, &options, &world->session, NULL),
                     FRESHET_OK);
    assert_int_equal(freshet_get(world->session, NULL, &first, NULL), FRESHET_OK);
    freshet_token_unref(first);
    *state = world;
    return 0;
}

static int world_close(void **state)
{
    struct world *world = *state;

    freshet_close(world->client);
    kill(world->issuer, SIGTERM);
    waitpid(world->issuer, NULL, 0);
    unlink(world->token_file);
    rmdir(world->folder);
    free(world);
    return 0;
}

/* From now on every system call of this thread is a signal, but those that end a thread. */
static bool trap_system_calls(void)
{
    static const unsigned allowed[] = {SYS_exit,   SYS_exit_group, SYS_rt_sigreturn,
                                       SYS_munmap, SYS_madvise,    SYS_rt_sigprocmask};
    enum { ALLOWED = sizeof(allowed) / sizeof(allowed[0]) };
    struct sock_filter code[2 * ALLOWED + 2];
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

    code[0] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < ALLOWED; i++) {
        code[1 + 2 * i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
        code[2 + 2 * i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    code[2 * ALLOWED + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void trapped(int signal)
{
    (void)signal;
    touched += watched ? 1 : 0;
}

static void *peek_alone(void *argument)
{
    struct world *world = argument;
    static char text[READY_MAX];
    size_t length = 0;

    if (trap_system_calls()) {
        watched = true;
        for (int i = 0; i < PEEKS; i++) {
            world->good +=
                freshet_peek(world->session, text, sizeof(text), &length, NULL) == FRESHET_OK;
        }
        watched = false;
    }
    return NULL;
}

static void peek_touches_nothing_but_memory(void **state)
{
    struct world *world = *state;
    pthread_t thread;

    signal(SIGSYS, trapped);
    assert_int_equal(pthread_create(&thread, NULL, peek_alone, world), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(world->good, PEEKS);
    assert_int_equal(touched, 0);
}

static void a_buffer_that_is_too_small_is_told_how_much_is_needed(void **state)
{
    struct world *world = *state;
    char text[READY_MAX];
    char small[8];
    size_t length = 0;
    size_t needed = 0;

    assert_int_equal(freshet_peek(world->session, text, sizeof(text), &length, NULL), FRESHET_OK);
    assert_int_equal(strlen(text), length);
    assert_int_equal(freshet_peek(world->session, small, sizeof(small), &needed, NULL),
                     FRESHET_LIMIT);
    assert_int_equal(needed, length);
    assert_int_equal(freshet_peek(world->session, text, length, &needed, NULL), FRESHET_LIMIT);
    assert_int_equal(freshet_peek(world->session, text, length + 1, &needed, NULL), FRESHET_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peek_touches_nothing_but_memory),
        cmocka_unit_test(a_buffer_that_is_too_small_is_told_how_much_is_needed),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
