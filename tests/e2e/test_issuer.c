/*
 * The real issuer program: started, asked with libcurl and with bare sockets, broken on request and
 * stopped. Every wait is for an event: a ready line, an answer, the end of a stream, a state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MOST = 16, LOOKS_MOST = 20000, BODY_BYTES = 104857600 };

struct issuer {
    pid_t pid;
    int output;
    json_t *ready;
    char client_token[1024];
};

struct reply {
    CURLcode result;
    long status;
    char *body; /* the first 64 KiB */
    size_t kept;
    size_t bytes;
    char authorization[1024];
    char retry_after[64];
    bool date;
};

static const char *ready(const struct issuer *issuer, const char *name)
{
    return json_string_value(json_object_get(issuer->ready, name));
}

static void start(struct issuer *issuer, ...)
{
    char *arguments[ARGUMENTS_MOST] = {(char *)(uintptr_t) "freshet-issuer",
                                       (char *)(uintptr_t) "--quiet"};
    int ends[2], count = 2;
    posix_spawn_file_actions_t actions;
    va_list list;
    FILE *output;

    va_start(list, issuer);
    while ((arguments[count] = va_arg(list, char *)) != NULL)
        count++;
    va_end(list);
    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    assert_int_equal(posix_spawn(&issuer->pid, ISSUER_PROGRAM, &actions, NULL, arguments, environ),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);

    output = fdopen(ends[0], "r");
    issuer->ready = json_loadf(output, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(issuer->ready);
    issuer->output = dup(ends[0]);
    (void)fclose(output);
    (void)snprintf(issuer->client_token, sizeof issuer->client_token, "%s",
                   ready(issuer, "client_token"));
}

/* The exit status after a signal, or -1. */
static int stop(struct issuer *issuer, int number)
{
    int status;

    assert_int_equal(kill(issuer->pid, number), 0);
    assert_int_equal(waitpid(issuer->pid, &status, 0), issuer->pid);
    (void)close(issuer->output);
    json_decref(issuer->ready);
    issuer->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A test that failed leaves no program behind. */
static int clean_up(void **state)
{
    struct issuer *issuer = *state;

    if (issuer->pid > 0)
        (void)stop(issuer, SIGKILL);
    free(issuer);
    return 0;
}

static int prepare(void **state)
{
    *state = calloc(1, sizeof(struct issuer));
    return *state == NULL ? -1 : 0;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct reply *reply = context;
    size_t room = 65536 - reply->kept;
    size_t length = count * size < room ? count * size : room;

    memcpy(reply->body + reply->kept, bytes, length);
    reply->kept += length;
    reply->bytes += count * size;
    return count * size;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct reply *reply = context;
    char line[2048];

    (void)snprintf(line, sizeof line, "%.*s", (int)(size * count), bytes);
    (void)sscanf(line, "Authorization: %1023s", reply->authorization);
    (void)sscanf(line, "Retry-After: %63s", reply->retry_after);
    reply->date = reply->date || strncmp(line, "Date:", 5) == 0;
    return size * count;
}

/* One request on a connection of its own. The caller ends the reply. */
static struct reply ask(const struct issuer *issuer, const char *method, const char *path,
                        const char *client_token, const char *body)
{
    struct reply reply = {.body = calloc(1, 65537)};
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = NULL;
    char url[512], header[1200];

    (void)snprintf(url, sizeof url, "%s%s", ready(issuer, "url"), path);
    if (client_token != NULL) {
        (void)snprintf(header, sizeof header, "Authorization: %s", client_token);
        headers = curl_slist_append(headers, header);
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply);
    if (body != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    reply.result = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return reply;
}

static void done(struct reply *reply)
{
    free(reply->body);
}

static struct reply ask_token(const struct issuer *issuer, const char *client_token)
{
    char path[256];

    (void)snprintf(path, sizeof path, "/v1/client/sessions/%s/tokens?_is_native=1",
                   ready(issuer, "session_id"));
    return ask(issuer, "POST", path, client_token, "organization_id=");
}

static long token_status(const struct issuer *issuer, const char *client_token)
{
    struct reply reply = ask_token(issuer, client_token);
    long status = reply.result == CURLE_OK ? reply.status : -(long)reply.result;

    done(&reply);
    return status;
}

static void fault(const struct issuer *issuer, const char *rules)
{
    char body[512];
    struct reply reply;

    (void)snprintf(body, sizeof body, "{\"on\":\"tokens\",\"rules\":%s}", rules);
    reply = ask(issuer, "PUT", "/__freshet/faults", NULL, body);
    assert_int_equal(reply.status, 200);
    done(&reply);
}

static json_int_t state_of(const struct issuer *issuer, const char *name)
{
    struct reply reply = ask(issuer, "GET", "/__freshet/state", NULL, NULL);
    json_t *state = json_loads(reply.body, 0, NULL);
    json_int_t value = json_integer_value(json_object_get(state, name));

    assert_non_null(state);
    json_decref(state);
    done(&reply);
    return value;
}

static void wait_for(const struct issuer *issuer, const char *name, json_int_t value)
{
    for (int i = 0; i < LOOKS_MOST; i++) {
        if (state_of(issuer, name) == value)
            return;
    }
    fail_msg("%s never became %lld", name, (long long)value);
}

/* A connection of our own, for what libcurl would not do. */
static int dial(const struct issuer *issuer)
{
    const char *url = ready(issuer, "url");
    struct sockaddr_in address = {.sin_family = AF_INET};
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval patience = {.tv_sec = 10};

    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience),
                     0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)strtoul(strrchr(url, ':') + 1, NULL, 10));
    assert_int_equal(connect(descriptor, (const struct sockaddr *)&address, sizeof address), 0);
    return descriptor;
}

static void say(int descriptor, const char *text)
{
    assert_int_equal(send(descriptor, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void say_token_request(int descriptor, const struct issuer *issuer)
{
    char text[2048];

    (void)snprintf(text, sizeof text,
                   "POST /v1/client/sessions/%s/tokens?_is_native=1 HTTP/1.1\r\nHost: x\r\n"
                   "Authorization: %s\r\nContent-Length: 0\r\n\r\n",
                   ready(issuer, "session_id"), issuer->client_token);
    say(descriptor, text);
}

static void a_token_is_issued_and_accepted(void **state)
{
    struct issuer *issuer = *state;
    struct reply reply;
    json_t *body;
    char bearer[1100];

    start(issuer, "--ttl", "30s", NULL);
    assert_memory_equal(ready(issuer, "publishable_key"), "pk_test_", 8);
    reply = ask_token(issuer, issuer->client_token);
    assert_int_equal(reply.status, 200);
    assert_true(reply.date);
    assert_string_equal(reply.authorization, "");
    body = json_loads(reply.body, 0, NULL);
    (void)snprintf(bearer, sizeof bearer, "Bearer %s",
                   json_string_value(json_object_get(body, "jwt")));
    json_decref(body);
    done(&reply);

    reply = ask(issuer, "GET", "/api/whoami", bearer, NULL);
    assert_int_equal(reply.status, 200);
    body = json_loads(reply.body, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(body, "sid")),
                        ready(issuer, "session_id"));
    assert_in_range(json_integer_value(json_object_get(body, "remaining_ms")), 20000, 30000);
    json_decref(body);
    done(&reply);
    reply = ask(issuer, "PUT", "/__freshet/settings", NULL, "{\"clock_ahead_ms\":31000}");
    done(&reply);
    reply = ask(issuer, "GET", "/api/whoami", bearer, NULL);
    assert_int_equal(reply.status, 401);
    assert_non_null(strstr(reply.body, "token_expired"));
    done(&reply);
    assert_int_equal(stop(issuer, SIGTERM), 0);
}

static void rotation_follows_grace_and_strict(void **state)
{
    static const struct {
        const char *setting;
        long predecessor; /* before and after its successor was presented */
        long after;
    } rotations[] = {{"{\"rotation\":\"grace\"}", 200, 401},
                     {"{\"rotation\":\"strict\"}", 401, 401}};
    struct issuer *issuer = *state;
    struct reply reply;

    start(issuer, NULL);
    for (size_t i = 0; i < 2; i++) {
        reply = ask(issuer, "PUT", "/__freshet/settings", NULL, rotations[i].setting);
        done(&reply);
        reply = ask(issuer, "GET", "/v1/client?_is_native=1", issuer->client_token, NULL);
        assert_int_equal(reply.status, 200);
        assert_string_not_equal(reply.authorization, "");
        assert_int_equal(token_status(issuer, issuer->client_token), rotations[i].predecessor);
        assert_int_equal(token_status(issuer, reply.authorization), 200);
        assert_int_equal(token_status(issuer, issuer->client_token), rotations[i].after);
        (void)snprintf(issuer->client_token, sizeof issuer->client_token, "%s",
                       reply.authorization);
        done(&reply);
    }
    assert_int_equal(stop(issuer, SIGINT), 0);
}

static void faults_strike_and_pass(void **state)
{
    struct issuer *issuer = *state;
    struct reply reply;

    start(issuer, "--fault", "tokens:status=429,retry_after=7", NULL);
    reply = ask_token(issuer, issuer->client_token);
    assert_int_equal(reply.status, 429);
    assert_string_equal(reply.retry_after, "7");
    done(&reply);
    fault(issuer, "[{\"drop\":true},{\"truncate\":true},{\"empty\":true},"
                  "{\"status\":502,\"body\":\"<h1>bad gateway</h1>\"}]");
    assert_int_equal(token_status(issuer, issuer->client_token), -(long)CURLE_GOT_NOTHING);
    assert_int_equal(token_status(issuer, issuer->client_token), -(long)CURLE_PARTIAL_FILE);
    reply = ask_token(issuer, issuer->client_token);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.bytes, 0);
    done(&reply);
    reply = ask_token(issuer, issuer->client_token);
    assert_int_equal(reply.status, 502);
    assert_string_equal(reply.body, "<h1>bad gateway</h1>");
    done(&reply);
    assert_int_equal(token_status(issuer, issuer->client_token), 200);
    assert_int_equal(stop(issuer, SIGTERM), 0);
}

static void a_hundred_megabytes_arrive(void **state)
{
    struct issuer *issuer = *state;
    struct reply reply;

    start(issuer, NULL);
    fault(issuer, "[{\"body_bytes\":104857600}]");
    reply = ask_token(issuer, issuer->client_token);
    assert_int_equal(reply.result, CURLE_OK);
    assert_int_equal(reply.bytes, BODY_BYTES);
    done(&reply);
    assert_int_equal(stop(issuer, SIGTERM), 0);
}

static void a_client_that_leaves_a_hanging_request_is_forgotten(void **state)
{
    struct issuer *issuer = *state;
    int first, second;

    start(issuer, NULL);
    fault(issuer, "[{\"hang\":true},{\"latency_ms\":3600000}]");
    first = dial(issuer);
    say_token_request(first, issuer);
    wait_for(issuer, "hanging", 1);
    second = dial(issuer);
    say_token_request(second, issuer);
    wait_for(issuer, "in_flight", 2);
    (void)close(first);
    wait_for(issuer, "in_flight", 1);
    assert_int_equal(state_of(issuer, "hanging"), 0);
    (void)close(second);
    wait_for(issuer, "in_flight", 0);
    assert_int_equal(token_status(issuer, issuer->client_token), 200);
    assert_int_equal(stop(issuer, SIGTERM), 0);
}

static void sigterm_ends_it_while_a_request_hangs(void **state)
{
    struct issuer *issuer = *state;
    char byte;
    int descriptor;

    start(issuer, NULL);
    fault(issuer, "[{\"hang\":true}]");
    descriptor = dial(issuer);
    say_token_request(descriptor, issuer);
    wait_for(issuer, "hanging", 1);
    assert_int_equal(stop(issuer, SIGTERM), 0);
    assert_true(recv(descriptor, &byte, 1, 0) <= 0);
    (void)close(descriptor);
}

/* Bytes keep coming, so a time-out that counts silence would never end this. */
static void a_client_that_trickles_is_cut(void **state)
{
    struct issuer *issuer = *state;
    struct pollfd end = {.events = POLLRDHUP};
    int bytes = 0;

    start(issuer, "--patience", "100ms", NULL);
    end.fd = dial(issuer);
    say(end.fd, "GET /health HTTP/1.1\r\nX: ");
    while (poll(&end, 1, 20) == 0) {
        assert_true(++bytes < 500);
        (void)send(end.fd, "x", 1, MSG_NOSIGNAL);
    }
    assert_true(bytes > 2);
    (void)close(end.fd);
    assert_int_equal(stop(issuer, SIGTERM), 0);
}

static void served(int descriptor)
{
    char answer[13];

    assert_int_equal(recv(descriptor, answer, 12, MSG_WAITALL), 12);
    assert_memory_equal(answer, "HTTP/1.1 200", 12);
}

/* All that are served leave in one turn of the issuer, which is full; nothing but its own next turn
   can let the others in. */
static void all_are_served_past_the_connection_limit(void **state)
{
    enum { HOLDERS = 96, WAITERS = 60 };
    static const char request[] = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    struct issuer *issuer = *state;
    struct rlimit before;
    int holders[HOLDERS], waiters[WAITERS];
    siginfo_t stopped;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){160, before.rlim_max}), 0);
    start(issuer, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (int i = 0; i < HOLDERS; i++) {
        holders[i] = dial(issuer);
        say(holders[i], request);
        served(holders[i]);
    }
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = dial(issuer);
        say(waiters[i], request);
    }
    assert_int_equal(kill(issuer->pid, SIGSTOP), 0);
    assert_int_equal(waitid(P_PID, (id_t)issuer->pid, &stopped, WSTOPPED), 0);
    for (int i = 0; i < HOLDERS; i++)
        (void)close(holders[i]);
    assert_int_equal(kill(issuer->pid, SIGCONT), 0);
    for (int i = 0; i < WAITERS; i++) {
        served(waiters[i]);
        (void)close(waiters[i]);
    }
    assert_int_equal(stop(issuer, SIGTERM), 0);
}

static void the_admin_endpoint_refuses_strangers_and_mistakes(void **state)
{
    struct issuer *issuer = *state;
    struct reply reply;
    char answer[13];
    int descriptor;

    start(issuer, NULL);
    descriptor = dial(issuer);
    say(descriptor, "GET /__freshet/state HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_int_equal(recv(descriptor, answer, 12, MSG_WAITALL), 12);
    assert_memory_equal(answer, "HTTP/1.1 403", 12);
    (void)close(descriptor);
    reply = ask(issuer, "PUT", "/__freshet/settings", NULL, "{\"spede\":1}");
    assert_int_equal(reply.status, 422);
    assert_non_null(strstr(reply.body, "spede"));
    done(&reply);
    reply = ask(issuer, "PUT", "/__freshet/settings", NULL, "{\"signed_in\":false}");
    done(&reply);
    assert_int_equal(token_status(issuer, issuer->client_token), 401);
    reply = ask(issuer, "POST", "/__freshet/session", NULL, "");
    assert_non_null(strstr(reply.body, "client_token"));
    done(&reply);
    assert_int_equal(token_status(issuer, issuer->client_token), 200);
    assert_int_equal(stop(issuer, SIGTERM), 0);

    start(issuer, "--no-admin", NULL);
    reply = ask(issuer, "GET", "/__freshet/state", NULL, NULL);
    assert_int_equal(reply.status, 404);
    done(&reply);
    assert_int_equal(stop(issuer, SIGTERM), 0);
}

static void an_overlong_body_is_refused(void **state)
{
    struct issuer *issuer = *state;
    size_t length = 1 << 20;
    char *body = malloc(length + 1);
    struct reply reply;

    memset(body, 'a', length);
    body[length] = '\0';
    start(issuer, NULL);
    reply = ask(issuer, "PUT", "/__freshet/faults", NULL, body);
    assert_int_equal(reply.status, 413);
    done(&reply);
    assert_int_equal(stop(issuer, SIGTERM), 0);
    free(body);
}

static void the_log_tells_requests_apart_without_their_tokens(void **state)
{
    char path[] = "/tmp/freshet-issuer-log-XXXXXX";
    int descriptor = mkstemp(path);
    unsigned char hash[crypto_hash_sha256_BYTES];
    char fingerprint[13], text[8192];
    struct issuer *issuer = *state;
    struct reply reply;
    json_t *line;
    ssize_t length;

    start(issuer, "--log", path, NULL);
    reply = ask_token(issuer, issuer->client_token);
    done(&reply);
    length = read(descriptor, text, sizeof text - 1);
    assert_true(length > 0);
    text[length] = '\0';
    line = json_loads(text, 0, NULL);
    crypto_hash_sha256(hash, (const unsigned char *)issuer->client_token,
                       strlen(issuer->client_token));
    sodium_bin2hex(fingerprint, sizeof fingerprint, hash, 6);
    assert_string_equal(json_string_value(json_object_get(line, "on")), "tokens");
    assert_int_equal(json_integer_value(json_object_get(line, "status")), 200);
    assert_string_equal(json_string_value(json_object_get(line, "organization")), "");
    assert_string_equal(json_string_value(json_object_get(line, "presented")), fingerprint);
    assert_null(strstr(text, "eyJ"));
    json_decref(line);
    assert_int_equal(stop(issuer, SIGTERM), 0);
    (void)close(descriptor);
    (void)unlink(path);
}

static void bad_usage_ends_with_status_2(void **state)
{
    char *arguments[] = {(char *)(uintptr_t) "freshet-issuer", (char *)(uintptr_t) "--listen",
                         (char *)(uintptr_t) "0.0.0.0:0", NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;

    (void)state;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0);
    assert_int_equal(posix_spawn(&pid, ISSUER_PROGRAM, &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_is_issued_and_accepted, prepare, clean_up),
        cmocka_unit_test_setup_teardown(rotation_follows_grace_and_strict, prepare, clean_up),
        cmocka_unit_test_setup_teardown(faults_strike_and_pass, prepare, clean_up),
        cmocka_unit_test_setup_teardown(a_hundred_megabytes_arrive, prepare, clean_up),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_a_hanging_request_is_forgotten,
                                        prepare, clean_up),
        cmocka_unit_test_setup_teardown(sigterm_ends_it_while_a_request_hangs, prepare, clean_up),
        cmocka_unit_test_setup_teardown(a_client_that_trickles_is_cut, prepare, clean_up),
        cmocka_unit_test_setup_teardown(all_are_served_past_the_connection_limit, prepare,
                                        clean_up),
        cmocka_unit_test_setup_teardown(the_admin_endpoint_refuses_strangers_and_mistakes, prepare,
                                        clean_up),
        cmocka_unit_test_setup_teardown(an_overlong_body_is_refused, prepare, clean_up),
        cmocka_unit_test_setup_teardown(the_log_tells_requests_apart_without_their_tokens, prepare,
                                        clean_up),
        cmocka_unit_test_setup_teardown(bad_usage_ends_with_status_2, prepare, clean_up),
    };

    if (sodium_init() < 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
