/*
 * The client: its loop, its thread or its host's turns, and its end.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <freshet/version.h>

#include "client/internal.h"
#include "runtime/clock.h"

#define CLIENT_PAGE           4096
#define CLIENT_TIMEOUT_MIN_MS 100
#define CLIENT_TIMEOUT_MAX_MS 120000

/* ---- errors ---- */

const char *freshet_error_text(enum freshet_status status)
{
    switch (status) {
    case FRESHET_OK:
        return "";
    case FRESHET_OFFLINE:
        return "there is no connectivity; the call can be made again when there is";
    case FRESHET_TIMEOUT:
        return "no token came within the call's own time-out; Freshet goes on trying";
    case FRESHET_SIGNED_OUT:
        return "the session is signed out; sign in again";
    case FRESHET_UNAUTHORIZED:
        return "the issuer did not accept the client token; sign in again if this stays";
    case FRESHET_REFUSED:
        return "the issuer refused the request; check template and organization";
    case FRESHET_THROTTLED:
        return "the issuer asked for fewer requests; try again later";
    case FRESHET_UPSTREAM:
        return "the issuer failed or gave no usable answer; try again later";
    case FRESHET_NETWORK:
        return "the issuer gave no answer; check the address and the network";
    case FRESHET_INVALID:
        return "the call is not valid: an option is out of range";
    case FRESHET_CLOSED:
        return "the session or the client was closed";
    case FRESHET_CANCELLED:
        return "the call was cancelled";
    case FRESHET_WOULD_BLOCK:
        return "the call would have to wait inside a callback; use freshet_get_async()";
    case FRESHET_FORKED:
        return "the handle was inherited through fork(); open a client in the child";
    case FRESHET_NO_MEMORY:
        return "out of memory";
    case FRESHET_LIMIT:
        return "a capacity of the client is used up; close what is not needed";
    case FRESHET_STORE:
        return "the credential store cannot be read or written";
    case FRESHET_STALE:
    case FRESHET_NONE:
        break;
    }
    return freshet_status_name(status);
}

enum freshet_status freshet_error_set(struct freshet_error *error, enum freshet_status status,
                                      int http_status, const char *message)
{
    if (error != NULL) {
        error->status = status;
        error->http_status = http_status;
        snprintf(error->message, sizeof(error->message), "%s", message);
    }
    return status;
}

/* ---- threads ---- */

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

/* One turn of the loop by the host's thread. */
void freshet_client_turn(struct freshet_client *client, bool wait)
{
    atomic_store_explicit(&client->loop_thread, client_self(), memory_order_relaxed);
    freshet_inbox_drain(client);
    uv_run(&client->loop, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    atomic_store_explicit(&client->loop_thread, 0, memory_order_relaxed);
}

bool freshet_client_run(struct freshet_client *client, client_task *run, void *context)
{
    struct task task = {.run = run, .context = context, .done = PTHREAD_COND_INITIALIZER};

    if (client->host_loop || freshet_client_in_loop(client)) {
        run(context);
        return true;
    }
    if (!freshet_inbox_put_task(client, &task)) {
        return false;
    }
    pthread_mutex_lock(&client->lock);
    while (!task.ended) {
        pthread_cond_wait(&task.done, &client->lock);
    }
    pthread_mutex_unlock(&client->lock);
    pthread_cond_destroy(&task.done);
    return true;
}

static void client_stop_pump(struct freshet_client *client)
{
    freshet_calls_close(client, NULL);
    freshet_pump_close(&client->pump);
    uv_close((uv_handle_t *)&client->wake, NULL);
}

static void client_woken(uv_async_t *wake)
{
    struct freshet_client *client = wake->data;
    bool closing = false;

    freshet_inbox_drain(client);
    pthread_mutex_lock(&client->lock);
    closing = client->closing && !client->host_loop;
    pthread_mutex_unlock(&client->lock);
    if (closing) {
        client_stop_pump(client);
    }
}

static void *client_thread(void *argument)
{
    struct freshet_client *client = argument;

    atomic_store_explicit(&client->loop_thread, client_self(), memory_order_relaxed);
    uv_run(&client->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* ---- open ---- */

static int64_t client_value(int64_t set, int64_t fallback)
{
    return set != 0 ? set : fallback;
}

static bool client_options_valid(const struct freshet_client_options *options)
{
    return (options->size == 0 || options->size >= sizeof(*options)) && options->leeway_ms >= 0 &&
           options->lead_ms >= 0 && options->min_remaining_ms >= 0 &&
           options->refresh_threshold_ms >= 0 && options->jitter >= 0 && options->jitter <= 1 &&
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

static int client_start(struct freshet_client *client, const struct freshet_client_options *options)
{
    struct pump_options pump = {.engine = freshet_engine_options_default(),
                                .user_agent = options->user_agent != NULL
                                                  ? options->user_agent
                                                  : "freshet/" FRESHET_VERSION,
                                .ca_file = options->ca_file,
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
        status = -pthread_create(&client->thread, NULL, client_thread, client);
        client->thread_running = status == 0;
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

enum freshet_status freshet_open(const struct freshet_client_options *options,
                                 struct freshet_client **client, struct freshet_error *error)
{
    static const struct freshet_client_options defaults = {.size = sizeof(defaults)};
    struct freshet_client *made = NULL;
    int status = 0;

    *client = NULL;
    options = options != NULL ? options : &defaults;
    if (!client_options_valid(options)) {
        return freshet_error_set(error, FRESHET_INVALID, 0,
                                 "a client option is out of range; see freshet/freshet.h");
    }
    made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return freshet_error_set(error, FRESHET_NO_MEMORY, 0, "out of memory");
    }
    made->born = client_page();
    made->kept = calloc(FRESHET_EVENTS_KEPT, sizeof(*made->kept));
    if (made->born == MAP_FAILED || made->kept == NULL ||
        madvise(made->born, CLIENT_PAGE, MADV_WIPEONFORK) != 0) {
        if (made->born != MAP_FAILED) {
            munmap(made->born, CLIENT_PAGE);
        }
        free(made->kept);
        free(made);
        return freshet_error_set(error, FRESHET_NO_MEMORY, 0, "out of memory");
    }
    *made->born = 1;
    made->host_loop = options->host_loop != 0;
    made->inbox_end = &made->inbox;
    pthread_mutex_init(&made->lock, NULL);
    status = client_start(made, options);
    if (status != 0) {
        freshet_close(made);
        return freshet_error_set(error, FRESHET_LIMIT, 0, uv_strerror(status));
    }
    *client = made;
    return freshet_error_set(error, FRESHET_OK, 0, "");
}

/* ---- close ---- */

static void client_free(struct freshet_client *client)
{
    while (client->sessions != NULL) {
        struct freshet_session *session = client->sessions;

        client->sessions = session->next;
        free(session->name);
        free(session);
    }
    munmap(client->born, CLIENT_PAGE);
    free(client->kept);
    free(client);
}

static void client_finish(struct freshet_client *client)
{
    if (client->thread_running) {
        pthread_join(client->thread, NULL);
    } else if (client->loop_ready) {
        if (client->pump_ready) {
            client_stop_pump(client);
        }
        uv_run(&client->loop, UV_RUN_DEFAULT);
    }
    freshet_inbox_free(client);
    if (client->pump_ready) {
        freshet_pump_free(&client->pump);
    }
    if (client->loop_ready) {
        uv_loop_close(&client->loop);
    }
    pthread_mutex_destroy(&client->lock);
    client_free(client);
}

/* In a callback on the client's own thread, somebody else must join that thread. */
static void *client_finisher(void *argument)
{
    client_finish(argument);
    return NULL;
}

void freshet_close(struct freshet_client *client)
{
    pthread_t finisher;

    if (client == NULL) {
        return;
    }
    if (freshet_client_forked(client)) {
        client_free(client);
        return;
    }
    pthread_mutex_lock(&client->lock);
    client->closing = true;
    client->subscriber = NULL;
    pthread_mutex_unlock(&client->lock);
    if (client->thread_running) {
        uv_async_send(&client->wake);
    }
    if (!freshet_client_in_loop(client)) {
        client_finish(client);
    } else if (client->host_loop) {
        client->close_later = true;
    } else if (pthread_create(&finisher, NULL, client_finisher, client) == 0) {
        pthread_detach(finisher);
    }
}

/* ---- the host's loop ---- */

int freshet_poll_fd(struct freshet_client *client)
{
    return freshet_client_forked(client) ? -1 : uv_backend_fd(&client->loop);
}

int freshet_timeout_ms(struct freshet_client *client)
{
    return freshet_client_forked(client) ? -1 : uv_backend_timeout(&client->loop);
}

enum freshet_status freshet_dispatch(struct freshet_client *client)
{
    if (freshet_client_forked(client)) {
        return FRESHET_FORKED;
    }
    if (!client->host_loop) {
        return FRESHET_INVALID;
    }
    do {
        freshet_client_turn(client, false);
    } while (uv_backend_timeout(&client->loop) == 0 && !client->close_later);
    if (client->close_later) {
        client_finish(client);
        return FRESHET_CLOSED;
    }
    return FRESHET_OK;
}
