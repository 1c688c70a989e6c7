/*
 * The demonstration: a real issuer on this machine, short-lived tokens, an outage, a recovery.
 *
 * Asks for a token twenty times a second and shows each one to the issuer's own API, so it is the
 * issuer that judges whether a token was good. Exits with 1 if a call waited although a usable token
 * was held, or if an expired token was handed out.
 *
 * usage: demo ISSUER_URL CLIENT_TOKEN_FILE
 */
#include <curl/curl.h>
#include <freshet/freshet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEMO_MS         30000
#define CALL_EVERY_MS   50
#define OUTAGE_FROM_MS  12000
#define OUTAGE_UNTIL_MS 15300
#define WAIT_MS         100 /* a call that takes longer than this has waited */

struct demo {
    const char *issuer;
    struct freshet_session *session;
    long long started_ms;
    int calls;
    int served_in_outage;
    int waits;
    int waits_while_usable;
    int refused;
    int errors;
    int outage; /* 0: not yet, 1: now, 2: over */
};

static long long demo_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void demo_say(const struct demo *demo, const char *text)
{
    printf("%6.1f s  %s\n", (double)(demo_now_ms() - demo->started_ms) / 1000, text);
    fflush(stdout);
}

static size_t demo_discard(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

/* One request to the issuer itself; the HTTP status, or 0. */
static long demo_request(const char *base, const char *path, const char *put, const char *bearer)
{
    char url[512];
    CURL *curl = curl_easy_init();
    long status = 0;

    snprintf(url, sizeof(url), "%s%s", base, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, demo_discard);
    if (put != NULL) {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "PUT");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, put);
    }
    if (bearer != NULL) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, bearer);
    }
    if (curl_easy_perform(curl) == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    }
    curl_easy_cleanup(curl);
    return status;
}

/* Of everything that happens, the demonstration tells requests, answers and new tokens. */
static void demo_event(void *context, const struct freshet_event *event)
{
    if (event->kind == FRESHET_EVENT_TRACE && (strstr(event->trace, "\"on\":\"tokens\"") != NULL ||
                                               strstr(event->trace, "\"commit\"") != NULL ||
                                               strstr(event->trace, "\"response\"") != NULL)) {
        demo_say(context, event->trace);
    }
}

static void demo_call(struct demo *demo)
{
    const struct freshet_request request = {.size = sizeof(request), .timeout_ms = 10000};
    struct freshet_token *token = NULL;
    char text[16385];
    int usable = freshet_peek(demo->session, text, sizeof(text), NULL, NULL) == FRESHET_OK;
    long long before_ms = demo_now_ms();

    demo->calls++;
    if (freshet_get(demo->session, &request, &token, NULL) != FRESHET_OK) {
        demo->errors++;
        return;
    }
    if (demo_now_ms() - before_ms > WAIT_MS) {
        demo->waits++;
        demo->waits_while_usable += usable;
    }
    demo->served_in_outage += demo->outage == 1;
    demo->refused +=
        demo_request(demo->issuer, "/api/whoami", NULL, freshet_token_text(token)) == 401;
    freshet_token_unref(token);
}

static void demo_outage(struct demo *demo, long long t_ms)
{
    if (demo->outage == 0 && t_ms >= OUTAGE_FROM_MS) {
        demo->outage = 1;
        demo_say(demo, "-- the issuer goes down: every token request gets 503 --");
        (void)demo_request(demo->issuer, "/__freshet/faults",
                           "{\"on\":\"tokens\",\"rules\":[{\"status\":503,\"count\":-1}]}", NULL);
    } else if (demo->outage == 1 && t_ms >= OUTAGE_UNTIL_MS) {
        demo->outage = 2;
        demo_say(demo, "-- the issuer is back --");
        (void)demo_request(demo->issuer, "/__freshet/faults", "{\"on\":\"tokens\",\"rules\":[]}",
                           NULL);
    }
}

static void demo_run(struct demo *demo)
{
    long long t_ms = 0;

    while ((t_ms = demo_now_ms() - demo->started_ms) < DEMO_MS) {
        demo_outage(demo, t_ms);
        demo_call(demo);
        (void)poll(NULL, 0, CALL_EVERY_MS);
    }
}

static int demo_summary(const struct demo *demo)
{
    printf("\n  calls                              %d\n"
           "  calls served during the outage     %d\n"
           "  errors                             %d\n"
           "  waits (the first token's included) %d\n"
           "  waits while a usable token existed %d\n"
           "  expired tokens handed out          %d\n",
           demo->calls, demo->served_in_outage, demo->errors, demo->waits, demo->waits_while_usable,
           demo->refused);
    return demo->waits_while_usable == 0 && demo->refused == 0 && demo->errors == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    /* Nothing is shared and nothing stays: this is no session to keep. */
    const struct freshet_client_options alone = {
        .size = sizeof(alone), .runtime_dir = "", .state_dir = ""};
    struct freshet_client *client = NULL;
    struct freshet_error error;
    struct demo demo = {0};
    int status = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: %s ISSUER_URL CLIENT_TOKEN_FILE\n", argv[0]);
        return 2;
    }
    const struct freshet_session_options options = {
        .size = sizeof(options), .url = argv[1], .client_token_file = argv[2]};

    demo.issuer = argv[1];
    demo.started_ms = demo_now_ms();
    if (freshet_open(&alone, &client, &error) == FRESHET_OK &&
        freshet_subscribe(client, demo_event, &demo) == FRESHET_OK &&
        freshet_session_open(client, &options, &demo.session, &error) == FRESHET_OK) {
        demo_run(&demo);
        status = demo_summary(&demo);
    } else {
        fprintf(stderr, "%s\n", error.message);
    }
    freshet_close(client);
    return status;
}
