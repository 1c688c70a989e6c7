/*
 * Writes the request log, line by line. What came from a client is cleaned of everything that is not
 * printable first. A full disk ends the log with one message, never the issuer.
 */
#include "issuer/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct log {
    FILE *file;
    bool quiet;
};

struct log *freshet_log_open(const char *path, bool quiet, struct problem *problem)
{
    struct log *log = calloc(1, sizeof *log);
    int descriptor;

    if (log == NULL) {
        freshet_problem(problem, "no memory for the log");
        return NULL;
    }
    log->quiet = quiet;
    if (path == NULL)
        return log;
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    log->file = descriptor < 0 ? NULL : fdopen(descriptor, "a");
    if (log->file != NULL)
        return log;
    freshet_problem(problem, "cannot write the log %s: %s", path, strerror(errno));
    if (descriptor >= 0)
        (void)close(descriptor);
    free(log);
    return NULL;
}

static json_t *log_text(const char *text)
{
    char clean[256];

    return text == NULL || text[0] == '\0'
               ? json_null()
               : json_string(freshet_problem_name(text, clean, sizeof clean));
}

static json_t *log_object(const struct log_line *line)
{
    json_t *organization = line->organization != NULL && line->organization[0] == '\0'
                               ? json_string("")
                               : log_text(line->organization);

    return json_pack(
        "{s:I, s:I, s:I, s:o, s:o, s:s, s:o, s:o, s:o, s:i, s:o, s:s, s:f, s:o, s:o}", "t_ms",
        (json_int_t)line->t_ms, "seq", (json_int_t)line->seq, "wall_ms", (json_int_t)line->wall_ms,
        "method", log_text(line->method), "path", log_text(line->path), "on", line->on, "template",
        log_text(line->template_name), "session", log_text(line->session), "organization",
        organization, "status", line->status, "fault", log_text(line->fault), "outcome",
        line->outcome, "duration_ms", (double)line->duration_us / 1000.0, "presented",
        log_text(line->presented), "returned", log_text(line->returned));
}

static void log_people(const struct log_line *line)
{
    char method[16], path[128];

    (void)fprintf(stderr, "freshet-issuer: %" PRId64 " %s %s %d %s%s%s\n", line->seq,
                  freshet_problem_name(line->method, method, sizeof method),
                  freshet_problem_name(line->path, path, sizeof path), line->status, line->outcome,
                  line->fault[0] == '\0' ? "" : ", fault ", line->fault);
}

void freshet_log_write(struct log *log, const struct log_line *line)
{
    json_t *object;

    if (!log->quiet)
        log_people(line);
    if (log->file == NULL)
        return;
    object = log_object(line);
    if (object == NULL ||
        json_dumpf(object, log->file, JSON_COMPACT | JSON_REAL_PRECISION(9)) != 0 ||
        fputc('\n', log->file) == EOF || fflush(log->file) != 0) {
        (void)fprintf(stderr, "freshet-issuer: the request log ends here: %s\n", strerror(errno));
        (void)fclose(log->file);
        log->file = NULL;
    }
    json_decref(object);
}

void freshet_log_close(struct log *log)
{
    if (log == NULL)
        return;
    if (log->file != NULL)
        (void)fclose(log->file);
    free(log);
}

void freshet_log_fingerprint(const char *token, char *fingerprint)
{
    unsigned char hash[crypto_hash_sha256_BYTES];

    fingerprint[0] = '\0';
    if (token == NULL || token[0] == '\0')
        return;
    (void)crypto_hash_sha256(hash, (const unsigned char *)token, strlen(token));
    sodium_bin2hex(fingerprint, FINGERPRINT_SIZE, hash, (FINGERPRINT_SIZE - 1) / 2);
}
