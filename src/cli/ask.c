/*
 * Asking the user's agent for a token: one HTTP/1.0 request on its Unix socket.
 *
 * By hand and in few lines, because this command lives for milliseconds and loading an HTTP library
 * takes longer than the whole rest of it. An answer is bounded and believed only from a process of
 * our own user.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/ask.h"
#include "source/text.h"

#define ASK_ANSWER_MAX 65536
#define ASK_MARGIN_MS  2000 /* the agent's own time-out comes first */

/* ---- where it listens ---- */

static int ask_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred peer = {.pid = 0};
    socklen_t size = sizeof(peer);
    int descriptor = -1;

    if (strlen(path) >= sizeof(address.sun_path)) {
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor >= 0 &&
        (connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
         getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
         peer.uid != geteuid())) {
        close(descriptor);
        descriptor = -1;
    }
    return descriptor;
}

/* Where freshet-agent(1) says that it listens. */
static int ask_find(const struct settings *settings)
{
    const char *given = getenv("FRESHET_SOCKET");
    const char *runtime = getenv("FRESHET_RUNTIME_DIR");
    const char *session = getenv("XDG_RUNTIME_DIR");
    unsigned user = (unsigned)geteuid();
    char paths[3][sizeof(((struct sockaddr_un *)NULL)->sun_path)] = {"", "", ""};
    int descriptor = -1;

    if (runtime == NULL || runtime[0] == '\0') {
        runtime = settings->runtime_dir;
    }
    if (given != NULL && given[0] != '\0') {
        return ask_connect(given);
    }
    if (runtime != NULL && runtime[0] != '\0') {
        snprintf(paths[0], sizeof(paths[0]), "%s/agent.socket", runtime);
        return ask_connect(paths[0]);
    }
    if (session != NULL && session[0] != '\0') {
        snprintf(paths[0], sizeof(paths[0]), "%s/freshet/agent.socket", session);
    }
    snprintf(paths[1], sizeof(paths[1]), "/run/user/%u/freshet/agent.socket", user);
    snprintf(paths[2], sizeof(paths[2]), "/dev/shm/freshet-%u/agent.socket", user);
    for (size_t i = 0; i < 3 && descriptor < 0; i++) {
        descriptor = paths[i][0] != '\0' ? ask_connect(paths[i]) : -1;
    }
    return descriptor;
}

/* ---- the request ---- */

static void ask_pair(struct text *query, const char *name, const char *value)
{
    if (value != NULL) {
        freshet_text_pair_string(query, name, value);
    }
}

static void ask_number(struct text *query, const char *name, int64_t value)
{
    char digits[24];

    if (value != 0) {
        snprintf(digits, sizeof(digits), "%lld", (long long)(value > 0 ? value : 0));
        freshet_text_pair_string(query, name, digits);
    }
}

static void ask_query(struct text *query, const struct settings *settings)
{
    static const char *const stale[] = {[FRESHET_STALE_DEFAULT] = NULL,
                                        [FRESHET_STALE_NEVER] = "never",
                                        [FRESHET_STALE_EXPIRED] = "expired"};

    ask_pair(query, "template", settings->template_name);
    ask_pair(query, "organization", settings->organization);
    ask_pair(query, "allow_stale", stale[settings->allow_stale]);
    ask_pair(query, "skip_cache", settings->skip_cache ? "1" : NULL);
    ask_pair(query, "refresh_if_stale", settings->refresh_if_stale ? "1" : NULL);
    ask_number(query, "min_remaining_ms", settings->min_remaining_ms);
    ask_number(query, "refresh_threshold_ms", settings->refresh_threshold_ms);
    ask_number(query, "timeout_ms", freshet_settings_timeout_ms(settings));
}

static bool ask_send(int descriptor, const struct settings *settings, const char *name)
{
    struct text request = {0};
    struct text query = {0};
    bool sent = false;

    ask_query(&query, settings);
    freshet_text_say(&request, "GET /v1/token");
    if (name != NULL) {
        freshet_text_say(&request, "/");
        freshet_text_segment(&request, name);
    }
    freshet_text_say(&request, "?");
    freshet_text_add(&request, query.bytes, query.length);
    freshet_text_say(&request, " HTTP/1.0\r\nHost: agent\r\n\r\n");
    sent = !request.failed && !query.failed &&
           send(descriptor, request.bytes, request.length, MSG_NOSIGNAL) == (ssize_t)request.length;
    freshet_text_free(&request);
    freshet_text_free(&query);
    return sent;
}

/* ---- the answer ---- */

/* Everything until the agent closes; 0 if it says too much, or nothing in time. */
static size_t ask_receive(int descriptor, char *bytes, size_t size)
{
    size_t length = 0;
    ssize_t got = 1;

    while (length < size && got > 0) {
        do {
            got = recv(descriptor, bytes + length, size - length, 0);
        } while (got < 0 && errno == EINTR);
        length += got > 0 ? (size_t)got : 0;
    }
    return got == 0 && length < size ? length : 0;
}

static json_t *ask_body(const char *bytes, size_t length)
{
    const char *head_end = memmem(bytes, length, "\r\n\r\n", 4);

    if (length < 9 || strncmp(bytes, "HTTP/1.", 7) != 0 || head_end == NULL) {
        return NULL;
    }
    head_end += 4;
    return json_loadb(head_end, length - (size_t)(head_end - bytes), JSON_REJECT_DUPLICATES, NULL);
}

json_t *freshet_ask_token(const struct settings *settings, const char *name)
{
    int64_t patience_ms = freshet_settings_timeout_ms(settings) + ASK_MARGIN_MS;
    const struct timeval patience = {.tv_sec = patience_ms / 1000};
    char *bytes = malloc(ASK_ANSWER_MAX);
    json_t *answer = NULL;
    int descriptor = bytes != NULL ? ask_find(settings) : -1;

    if (descriptor >= 0) {
        (void)setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        if (ask_send(descriptor, settings, name)) {
            answer = ask_body(bytes, ask_receive(descriptor, bytes, ASK_ANSWER_MAX));
        }
        close(descriptor);
    }
    if (bytes != NULL) {
        explicit_bzero(bytes, ASK_ANSWER_MAX);
    }
    free(bytes);
    return answer;
}

enum freshet_status freshet_ask_status(const json_t *answer)
{
    const char *error = json_string_value(json_object_get(answer, "error"));

    for (int i = FRESHET_OK; error != NULL && i <= FRESHET_STORE; i++) {
        if (strcmp(freshet_status_name((enum freshet_status)i), error) == 0) {
            return (enum freshet_status)i;
        }
    }
    return json_is_string(json_object_get(answer, "token")) ? FRESHET_OK : FRESHET_NONE;
}
