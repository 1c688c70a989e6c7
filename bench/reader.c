/*
 * A program with the public library, which tells when it got each token: one of the twenty that
 * share a session. Its reports on standard output are read by spread.c.
 *
 * usage: freshet-bench-reader URL CLIENT-TOKEN-FILE
 */
#include <freshet/freshet.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "reader.h"

#define TEXT_MAX 16385

static uint64_t reader_number(const char *text, size_t length)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    }
    return hash;
}

static void reader_event(void *context, const struct freshet_event *event)
{
    struct bench_reader_report report = {.token = 0};
    struct timespec now;
    char text[TEXT_MAX];
    size_t length = 0;

    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (event->kind == FRESHET_EVENT_TOKEN_UPDATED &&
        freshet_peek(event->session, text, sizeof(text), &length, NULL) == FRESHET_OK) {
        report.token = reader_number(text, length);
        report.at_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
        (void)!write(STDOUT_FILENO, &report, sizeof(report));
    }
}

int main(int argc, char **argv)
{
    struct freshet_client *client = NULL;
    struct freshet_session *session = NULL;
    struct freshet_error error = {.message = ""};
    char end = '\0';

    if (argc != 3) {
        return 2;
    }
    const struct freshet_session_options options = {
        .size = sizeof(options), .url = argv[1], .client_token_file = argv[2]};

    if (freshet_open(NULL, &client, &error) != FRESHET_OK ||
        freshet_subscribe(client, reader_event, NULL) != FRESHET_OK ||
        freshet_session_open(client, &options, &session, &error) != FRESHET_OK) {
        fprintf(stderr, "freshet-bench-reader: %s\n", error.message);
        return 1;
    }
    (void)!read(STDIN_FILENO, &end, 1); /* until the benchmark is done, or gone */
    freshet_close(client);
    return 0;
}
