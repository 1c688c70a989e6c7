/*
 * The client: its loop, its thread or its host's turns, and its end.
 *
 * Whoever closes it waits for the client's thread, then for the threads that waited for an answer;
 * only then memory goes. In a callback the client's own thread, or the host's turn, does that when
 * the callback has returned.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <freshet/version.h>

#include "client/internal.h"
#include "runtime/clock.h"

#define CLIENT_PAGE           4096
#define CLIENT_TIMEOUT_MIN_MS 100
#define CLIENT_TIMEOUT_MAX_MS 120000
#define CLIENT_SPAN_MAX_MS    (24 * 3600 * 1000) /* the longest life of a token */

/* ---- threads ---- */

static void client_finish(struct freshet_client *client);

static uintptr_t client_self(void)
{
    return (uintptr_t)pthread_self();
}

bool freshet_client_forked(const struct freshet_client *client)
{
    return *(volatile unsigned char *)client->born == 0;
}

bool freshet_client_in_loop(struct freshet_client *client)
{
    return atomic_load_explicit(&client->loop_thread, memory_order_relaxed) == client_self();
}

void freshet_client_wait(struct freshet_client *client, pthread_cond_t *done, const bool *ended)
{
    pthread_mutex_lock(&client->lock);
    while (!*ended) {
        pthread_cond_wait(done, &client->lock);
    }
    if (--client->waiting == 0) {
        pthread_cond_signal(&client->left);
    }
    pthread_mutex_unlock(&client->lock);
}

static void client_enter(struct freshet_client *client)
{
    atomic_store_explicit(&client->loop_thread, client_self(), memory_order_relaxed);
}

/* The host's thread leaves; false if a callback has closed the client, which is gone then. */
static bool client_leave(struct freshet_client *client)
{
    atomic_store_explicit(&client->loop_thread, 0, memory_order_relaxed);
    if (client->close_later) {
        client_finish(client);
        return false;
    }
    return true;
}

/* libuv tells the kernel of new descriptors only in a turn, so one that is still to come makes the
 * host's descriptor readable. */
static void client_ask_for_turn(struct freshet_client *client)
{
    if (uv_backend_timeout(&client->loop) == 0) {
        uv_async_send(&client->wake);
    }
}

bool freshet_client_turn(struct freshet_client *client, bool wait)
{
    client_enter(client);
    freshet_inbox_drain(client);
    uv_run(&client->loop, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    client_ask_for_turn(client);
    return client_leave(client);
}

static bool client_is_closing(struct freshet_client *client)
{
    bool closing = false;

    pthread_mutex_lock(&client->lock);
    closing = client->closing;
    pthread_mutex_unlock(&client->lock);
    return closing;
}

bool freshet_client_run(struct freshet_client *client, client_task *run, void *context)
{
    struct task task = {.run = run, .context = context, .done = PTHREAD_COND_INITIALIZER};

    if (client_is_closing(client)) {
        return false;
    }
    if (freshet_client_in_loop(client)) {
        run(context);
        return true;
    }
    if (client->host_loop) {
        client_enter(client);
        run(context);
        client_ask_for_turn(client);
        (void)client_leave(client);
        return true;
    }
    if (!freshet_inbox_put_task(client, &task)) {
        return false;
    }
    freshet_client_wait(client, &task.done, &task.ended);
    pthread_cond_destroy(&task.done);
    return true;
}

static void client_stop_pump(struct freshet_client *client)
{
    freshet_calls_close(client);
    freshet_pump_close(&client->pump);
    uv_close((uv_handle_t *)&client->wake, NULL);
}

/* Whether the client is being closed is asked first: what was put before that is still done. */
static void client_woken(uv_async_t *wake)
{
    struct freshet_client *client = wake->data;
    bool closing = client_is_closing(client) && !client->host_loop;

    freshet_inbox_drain(client);
    if (closing) {
        client_stop_pump(client);
    }
}

/* A client that was closed in a callback is ended by its own thread. */
static void *client_thread(void *argument)
{
    struct freshet_client *client = argument;

    client_enter(client);
    uv_run(&client->loop, UV_RUN_DEFAULT);
    if (client->close_later) {
        pthread_detach(client->thread);
        client->thread_running = false;
        client_finish(client);
    }
    return NULL;
}

/* ---- open ---- */

static int64_t client_value(int64_t set, int64_t fallback)
{
    return set != 0 ? set : fallback;
}

static bool client_span_valid(int64_t span_ms)
{
    return span_ms >= 0 && span_ms <= CLIENT_SPAN_MAX_MS;
}

static bool client_options_valid(const struct freshet_client_options *options)
{
    return (options->size == 0 || options->size >= sizeof(*options)) &&
           client_span_valid(options->leeway_ms) && client_span_valid(options->lead_ms) &&
           client_span_valid(options->min_remaining_ms) &&
           client_span_valid(options->refresh_threshold_ms) && options->jitter >= 0 &&
           options->jitter <= 1 &&
           (options->request_timeout_ms == 0 ||
            (options->request_timeout_ms >= CLIENT_TIMEOUT_MIN_MS &&
             options->request_timeout_ms <= CLIENT_TIMEOUT_MAX_MS));
}

static struct policy client_policy(const struct freshet_client_options *options)
{
    struct policy policy = freshet_policy_default();

    policy.leeway_ms = client_value(options->leeway_ms, FRESHET_UNSET);
    policy.lead_ms = client_value(options->lead_ms, FRESHET_UNSET);
    policy.min_remaining_ms = client_value(options->min_remaining_ms, FRESHET_UNSET);
    policy.refresh_threshold_ms = client_value(options->refresh_threshold_ms, FRESHET_UNSET);
    policy.proactive = options->reactive == 0;
    if (options->idle_cycles != 0) {
        policy.idle_cycles = options->idle_cycles > 0 ? options->idle_cycles : 0;
    }
    policy.request_timeout_ms =
        client_value(options->request_timeout_ms, policy.request_timeout_ms);
    policy.jitter = options->jitter;
    return policy;
}

static void client_effect(void *context, const struct effect *effect, struct now now)
{
    struct freshet_client *client = context;
    struct freshet_session *session = freshet_session_find(client, effect->session);

    if (session != NULL && (effect->kind == EFFECT_STATUS || effect->kind == EFFECT_COMMIT ||
                            effect->kind == EFFECT_RETRACT)) {
        freshet_session_refresh_cell(session);
    }
    freshet_events_effect(client, effect, now);
    if (effect->kind == EFFECT_RESOLVE) {
        freshet_calls_resolve(client, effect, now);
    }
}

static void client_response(void *context, request_id request, session_id session, int http_status,
                            const char *error, struct now now)
{
    freshet_events_response(context, request, session, http_status, error, now);
}

/* Signals are for the host's threads; those that a fault raises cannot be kept away. */
static int client_start_thread(struct freshet_client *client)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t kept_away;
    sigset_t before;
    int status = 0;

    sigfillset(&kept_away);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        sigdelset(&kept_away, faults[i]);
    }
    pthread_sigmask(SIG_SETMASK, &kept_away, &before);
    status = -pthread_create(&client->thread, NULL, client_thread, client);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    client->thread_running = status == 0;
    return status;
}

static int client_start(struct freshet_client *client, const struct freshet_client_options *options)
{
    const struct place_choice place = freshet_places_choice(options);
    bool alone = options->runtime_dir != NULL && options->runtime_dir[0] == '\0';
    struct pump_options pump = {.engine = freshet_engine_options_default(),
                                .user_agent = options->user_agent != NULL
                                                  ? options->user_agent
                                                  : "freshet/" FRESHET_VERSION,
                                .ca_file = options->ca_file,
                                .place = alone ? NULL : &place,
                                .store = client->store,
                                .effect = client_effect,
                                .response = client_response,
                                .context = client};
    int status = uv_loop_init(&client->loop);

    if (status != 0) {
        return status;
    }
    client->loop_ready = true;
    status = uv_async_init(&client->loop, &client->wake, client_woken);
    if (status != 0) {
        return status;
    }
    client->wake.data = client;
    pump.engine.policy = client_policy(options);
    pump.engine.seed = (uint64_t)(uintptr_t)client ^ (uint64_t)freshet_clock_sample().wall_ms;
    status = freshet_pump_init(&client->pump, &client->loop, &pump);
    client->pump_ready = true;
    if (status == 0 && !client->host_loop) {
        status = client_start_thread(client);
    } else if (status == 0) {
        uv_run(&client->loop, UV_RUN_NOWAIT); /* from now on the loop's descriptor can be polled */
    }
    return status;
}

/* A page of our own that fork() wipes in the child. */
static unsigned char *client_page(void)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;

    // cppcheck-suppress invalidFunctionArg ; an anonymous mapping has no descriptor
    return mmap(NULL, CLIENT_PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
}

/* NULL without memory, or on a kernel that cannot tell a child after fork() from its parent. */
static struct freshet_client *client_new(const struct freshet_client_options *options)
{
    struct freshet_client *client = calloc(1, sizeof(*client));

    if (client == NULL) {
        return NULL;
    }
    client->born = client_page();
    client->kept = calloc(FRESHET_EVENTS_KEPT, sizeof(*client->kept));
    if (client->born == MAP_FAILED || client->kept == NULL ||
        madvise(client->born, CLIENT_PAGE, MADV_WIPEONFORK) != 0) {
        if (client->born != MAP_FAILED) {
            munmap(client->born, CLIENT_PAGE);
        }
        free(client->kept);
        free(client);
        return NULL;
    }
    *client->born = 1;
    client->host_loop = options->host_loop != 0;
    client->inbox_end = &client->inbox;
    client->calls_end = &client->calls;
    pthread_mutex_init(&client->lock, NULL);
    pthread_cond_init(&client->left, NULL);
    pthread_cond_init(&client->told, NULL);
    return client;
}

enum freshet_status freshet_open(const struct freshet_client_options *options,
                                 struct freshet_client **client, struct freshet_error *error)
{
    static const struct freshet_client_options defaults = {.size = sizeof(defaults)};
    struct freshet_client *made = NULL;
    enum freshet_status found = FRESHET_OK;
    char reason[128];
    int status = 0;

    *client = NULL;
    options = options != NULL ? options : &defaults;
    if (!client_options_valid(options)) {
        return freshet_error_set(error, FRESHET_INVALID, 0,
                                 "a client option is out of range; see freshet/freshet.h");
    }
    made = client_new(options);
    if (made == NULL) {
        return freshet_error_set(error, FRESHET_NO_MEMORY, 0,
                                 freshet_error_text(FRESHET_NO_MEMORY));
    }
    found = freshet_places_open(made, options, error);
    if (found != FRESHET_OK) {
        freshet_close(made);
        return found;
    }
    status = client_start(made, options);
    if (status != 0) {
        freshet_close(made);
        snprintf(reason, sizeof(reason),
                 "no descriptor, thread or memory for a client (%s); close what is not needed",
                 uv_strerror(status));
        return freshet_error_set(error, status == UV_ENOMEM ? FRESHET_NO_MEMORY : FRESHET_LIMIT, 0,
                                 reason);
    }
    *client = made;
    return freshet_error_set(error, FRESHET_OK, 0, "");
}

/* ---- close ---- */

static void client_free_bookkeeping(struct freshet_client *client)
{
    while (client->sessions != NULL) {
        struct freshet_session *session = client->sessions;

        client->sessions = session->next;
        free(session->name);
        free(session);
    }
    freshet_inbox_free(client);
    freshet_events_free(client);
    free(client->kept);
    munmap(client->born, CLIENT_PAGE);
}

/* Threads that waited for an answer have it, but may not have read it yet. */
static void client_await_callers(struct freshet_client *client)
{
    pthread_mutex_lock(&client->lock);
    while (client->waiting > 0) {
        pthread_cond_wait(&client->left, &client->lock);
    }
    pthread_mutex_unlock(&client->lock);
    pthread_cond_destroy(&client->left);
    pthread_cond_destroy(&client->told);
    pthread_mutex_destroy(&client->lock);
}

static void client_finish(struct freshet_client *client)
{
    if (client->thread_running) {
        pthread_join(client->thread, NULL);
    } else if (client->host_loop || !client->close_later) {
        if (client->pump_ready) {
            freshet_inbox_drain(client);
            client_stop_pump(client);
        }
        if (client->loop_ready) {
            uv_run(&client->loop, UV_RUN_DEFAULT);
        }
    }
    client_await_callers(client);
    if (client->pump_ready) {
        freshet_pump_free(&client->pump);
    }
    if (client->loop_ready) {
        uv_loop_close(&client->loop);
    }
    freshet_store_close(client->store);
    client_free_bookkeeping(client);
    free(client);
}

/*
 * In a child after fork(). The engine, libuv and libcurl stay as they are: their thread may have been
 * changing them, and their descriptors are the parent's too. They stay within reach, so that leak
 * checkers know them.
 */
static void client_leave_inherited(struct freshet_client *client)
{
    static _Atomic(struct freshet_client *) last;

    freshet_calls_free(client);
    client_free_bookkeeping(client);
    client->inherited = atomic_exchange(&last, client);
}

void freshet_close(struct freshet_client *client)
{
    bool in_loop = false;

    if (client == NULL) {
        return;
    }
    if (freshet_client_forked(client)) {
        client_leave_inherited(client);
        return;
    }
    in_loop = freshet_client_in_loop(client);
    pthread_mutex_lock(&client->lock);
    client->closing = true;
    freshet_events_end(client);
    client->close_later = in_loop;
    if (client->thread_running) {
        uv_async_send(&client->wake);
    }
    pthread_mutex_unlock(&client->lock);
    if (!in_loop) {
        client_finish(client);
    }
}

/* ---- the host's loop ---- */

int freshet_poll_fd(struct freshet_client *client)
{
    return freshet_client_forked(client) || !client->host_loop ? -1 : uv_backend_fd(&client->loop);
}

enum freshet_status freshet_dispatch(struct freshet_client *client)
{
    if (freshet_client_forked(client)) {
        return FRESHET_FORKED;
    }
    if (!client->host_loop) {
        return FRESHET_INVALID;
    }
    if (freshet_client_in_loop(client)) {
        return FRESHET_WOULD_BLOCK;
    }
    return freshet_client_turn(client, false) ? FRESHET_OK : FRESHET_CLOSED;
}
