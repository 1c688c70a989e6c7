/*
 * What the tests of starts and verdicts play on: an issuer that stays, clients of one user that come
 * and go and leave their memory to the next, and everything that the present one has said.
 *
 * What is heard is matched with patterns of fnmatch(3), one line for each event: the trace's line, or
 * "told" and what was told. Waits are for lines; one that does not come in a minute fails the test.
 */
#ifndef FRESHET_TESTS_STAGE_H
#define FRESHET_TESTS_STAGE_H

#include <pthread.h>

#include "library_world.h"

#define TOLD(what)           "told " what
#define ASKED(on)            "*\"event\":\"request\"*\"on\":\"" on "\"*"
#define ASKED_FOR(on, cause) "*\"event\":\"request\"*\"on\":\"" on "\"*\"cause\":\"" cause "\"*"
#define ANSWERED(status)     "*\"event\":\"response\"*\"status\":" status "*"
#define COMMITTED(from)      "*\"event\":\"commit\"*\"from\":\"" from "\"*"

struct stage {
    struct world world;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char **lines;
    size_t count;
};

/* What a get came to. */
struct got {
    enum freshet_status status;
    int http_status;
    int stale;
    char text[ISSUER_TEXT_MAX];
    char message[256];
};

/* A test's setup and teardown: an empty stage, and one on which nothing runs any more. */
int freshet_stage_set(void **state);
int freshet_stage_strike(void **state);

/* The issuer; its options end with NULL, and may be NULL. */
void freshet_stage_issuer(struct stage *stage, const char *const *options);

/* Changes its settings, e.g. "{\"signed_in\": false}". */
void freshet_stage_settings(const struct stage *stage, const char *settings);

/* Ends it, so that nobody listens at its address; the client token stays. */
void freshet_stage_close_issuer(struct stage *stage);

/*
 * A client and its session, heard from the first event on. It shares nothing with other processes, so
 * that what it knows at its start is what the store holds. 0: the default for each request's time-out.
 */
void freshet_stage_enter(struct stage *stage, int64_t request_timeout_ms);
void freshet_stage_leave(struct stage *stage);

/* A client that had a token and has gone. */
struct got freshet_stage_remember(struct stage *stage);

/* The name is of a template, or NULL. Half a minute is a failure. */
struct freshet_request freshet_stage_request(const char *template_name);
struct got freshet_stage_get(const struct stage *stage, const struct freshet_request *request);

/* Gets the token of a template (NULL: the session's own) and expects a status. */
struct got freshet_stage_expect(const struct stage *stage, const char *template_name,
                                enum freshet_status status);

/* Runs the command `freshet` with the issuer's address and client token: its exit status. */
int freshet_stage_command(const struct stage *stage, const char *arguments, char *output,
                          size_t size);

/* How many lines fit, and how many before the first that fits a mark, which has been heard. */
size_t freshet_stage_heard(struct stage *stage, const char *pattern);
size_t freshet_stage_heard_before(struct stage *stage, const char *pattern, const char *mark);

/* Waits until as many lines fit. */
void freshet_stage_await(struct stage *stage, const char *pattern, size_t count);

/* Lines that fit have come in this order; NULL ends. */
void freshet_stage_assert_order(struct stage *stage, const char *const *patterns);

/* How many requests of a kind the issuer has had. */
int freshet_stage_asked(const struct stage *stage, const char *on);

#endif
