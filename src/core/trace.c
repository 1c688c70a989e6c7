/*
 * The line format of core/trace.h, and how traces spell the engine's names.
 */
#include "core/trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- names ---- */

const char *freshet_endpoint_name(enum endpoint on)
{
    static const char *const names[ON_COUNT] = {[ON_ENVIRONMENT] = "environment",
                                                [ON_CLIENT] = "client",
                                                [ON_TOKENS] = "tokens",
                                                [ON_TOUCH] = "touch",
                                                [ON_END] = "end",
                                                [ON_REMOVE] = "remove",
                                                [ON_SESSIONS] = "sessions"};

    return on < ON_COUNT ? names[on] : "";
}

const char *freshet_cause_name(enum cause cause)
{
    static const char *const names[] = {
        [CAUSE_GET] = "get",
        [CAUSE_REFRESH] = "refresh",
        [CAUSE_RETRY] = "retry",
        [CAUSE_SKIP_CACHE] = "skip_cache",
        [CAUSE_THRESHOLD] = "threshold",
        [CAUSE_OPEN] = "open",
        [CAUSE_UNAUTHENTICATED] = "unauthenticated",
        [CAUSE_WAKE] = "wake",
        [CAUSE_ONLINE] = "online",
        [CAUSE_REJECT] = "reject",
        [CAUSE_ORGANIZATION] = "organization",
        [CAUSE_SIGN_OUT] = "sign_out",
    };

    return names[cause];
}

const char *freshet_ignored_name(enum ignored_reason reason)
{
    static const char *const names[] = {
        [IGNORED_STALER] = "staler",   [IGNORED_WRONG_KEY] = "wrong_key",
        [IGNORED_EXPIRED] = "expired", [IGNORED_MALFORMED] = "malformed",
        [IGNORED_EMPTY] = "empty",     [IGNORED_OLD_EPOCH] = "old_epoch"};

    return names[reason];
}

const char *freshet_session_status_name(enum session_status status)
{
    static const char *const names[] = {[SESSION_CLOSED] = "closed",
                                        [SESSION_LOADING] = "loading",
                                        [SESSION_READY] = "ready",
                                        [SESSION_DEGRADED] = "degraded",
                                        [SESSION_SIGNED_OUT] = "signed_out"};

    return names[status];
}

const char *freshet_emit_name(enum emit_name name)
{
    static const char *const names[] = {[EMIT_TOKEN_UPDATED] = "token_updated",
                                        [EMIT_TOKEN_RESOLVED] = "token_resolved",
                                        [EMIT_SESSION_STATUS] = "session_status",
                                        [EMIT_SIGNED_OUT] = "signed_out"};

    return names[name];
}

const char *freshet_from_name(enum token_from from)
{
    static const char *const names[] = {[FROM_ISSUER] = "issuer",
                                        [FROM_CLIENT] = "client",
                                        [FROM_SHARED] = "shared",
                                        [FROM_STORE] = "store"};

    return names[from];
}

/* ---- from effects ---- */

static void trace_key(struct trace_line *line, const struct key_view *key)
{
    line->session = key->sid;
    line->template_name = key->template_name;
    line->organization = key->organization;
}

static void trace_got(const struct effect *effect, struct trace_line *line)
{
    line->kind = TRACE_GOT;
    line->http_status = effect->u.resolve.http_status;
    line->stale = effect->u.resolve.stale;
    line->remaining_ms = effect->u.resolve.remaining_ms;
    line->fingerprint = effect->u.resolve.token.fingerprint;
    if (effect->u.resolve.status != FRESHET_OK) {
        line->error = freshet_status_name(effect->u.resolve.status);
    }
}

bool freshet_trace_effect(const struct effect *effect, struct trace_line *line)
{
    switch (effect->kind) {
    case EFFECT_RESOLVE:
        trace_got(effect, line);
        return true;
    case EFFECT_FETCH:
        line->kind = TRACE_REQUEST;
        line->request = effect->u.fetch.request;
        line->on = freshet_endpoint_name(effect->u.fetch.on);
        line->cause = freshet_cause_name(effect->u.fetch.cause);
        line->attempt = effect->u.fetch.attempt;
        trace_key(line, &effect->u.fetch.key);
        return true;
    case EFFECT_ABANDON:
        line->kind = TRACE_RESPONSE;
        line->request = effect->u.abandon.request;
        line->error = effect->u.abandon.timed_out ? "timeout" : "abandoned";
        return true;
    case EFFECT_COMMIT:
        line->kind = TRACE_COMMIT;
        line->fingerprint = effect->u.commit.token.fingerprint;
        line->from = freshet_from_name(effect->u.commit.token.from);
        trace_key(line, &effect->u.commit.key);
        return true;
    case EFFECT_IGNORED:
        line->kind = TRACE_IGNORED;
        line->fingerprint = effect->u.ignored.fingerprint;
        line->reason = freshet_ignored_name(effect->u.ignored.reason);
        return true;
    case EFFECT_STATUS:
        line->kind = TRACE_SESSION;
        line->status = freshet_session_status_name(effect->u.status.status);
        return true;
    case EFFECT_EMIT:
        line->kind = TRACE_EMIT;
        line->name = freshet_emit_name(effect->u.emit.name);
        line->fingerprint = effect->u.emit.fingerprint;
        return true;
    case EFFECT_LEASE:
    case EFFECT_RELEASE:
    case EFFECT_PUBLISH:
    case EFFECT_RETRACT:
    case EFFECT_SAVE:
    case EFFECT_END:
        break;
    }
    return false;
}

/* ---- JSON ---- */

struct trace_writer {
    char *buffer;
    size_t size;
    size_t length;
    bool full;
};

static void trace_put(struct trace_writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void trace_put(struct trace_writer *writer, const char *format, ...)
{
    va_list arguments;
    int written = 0;

    va_start(arguments, format);
    written = vsnprintf(writer->buffer + writer->length, writer->size - writer->length, format,
                        arguments);
    va_end(arguments);
    if (written < 0 || (size_t)written >= writer->size - writer->length) {
        writer->full = true;
        return;
    }
    writer->length += (size_t)written;
}

static void trace_put_string(struct trace_writer *writer, const char *name, const char *text)
{
    trace_put(writer, ",\"%s\":\"", name);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            trace_put(writer, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            trace_put(writer, "\\u%04x", c);
        } else {
            trace_put(writer, "%c", c);
        }
    }
    trace_put(writer, "\"");
}

static void trace_put_optional(struct trace_writer *writer, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        trace_put_string(writer, name, text);
    }
}

static void trace_put_number(struct trace_writer *writer, const char *name, int64_t number)
{
    trace_put(writer, ",\"%s\":%" PRId64, name, number);
}

/* A serial number where there is one, else the fingerprint; null where the line has no token. */
static void trace_put_token(struct trace_writer *writer, const struct trace_line *line)
{
    if (line->serial != 0) {
        trace_put(writer, ",\"token\":%" PRIu64, line->serial);
    } else if (line->fingerprint != 0) {
        trace_put(writer, ",\"token\":\"%016" PRIx64 "\"", line->fingerprint);
    } else {
        trace_put(writer, ",\"token\":null");
    }
}

static bool trace_has_token(const struct trace_line *line)
{
    return line->serial != 0 || line->fingerprint != 0;
}

static void trace_put_got(struct trace_writer *writer, const struct trace_line *line)
{
    trace_put_optional(writer, "label", line->label);
    trace_put_number(writer, "waited_ms", line->waited_ms);
    if (line->error == NULL) {
        trace_put_token(writer, line);
        trace_put_number(writer, "remaining_ms", line->remaining_ms);
        trace_put(writer, ",\"stale\":%s", line->stale ? "true" : "false");
        return;
    }
    trace_put_string(writer, "error", line->error);
    if (line->http_status != 0) {
        trace_put_number(writer, "http_status", line->http_status);
    }
}

static void trace_put_members(struct trace_writer *writer, const struct trace_line *line)
{
    switch (line->kind) {
    case TRACE_REQUEST:
        trace_put(writer, ",\"id\":%" PRIu64, line->request);
        trace_put_optional(writer, "on", line->on);
        trace_put_optional(writer, "session", line->session);
        trace_put_optional(writer, "template", line->template_name);
        trace_put_optional(writer, "organization", line->organization);
        trace_put_optional(writer, "cause", line->cause);
        trace_put_number(writer, "attempt", line->attempt);
        break;
    case TRACE_RESPONSE:
        trace_put(writer, ",\"id\":%" PRIu64, line->request);
        trace_put_number(writer, "status", line->http_status);
        trace_put_optional(writer, "error", line->http_status == 0 ? line->error : NULL);
        break;
    case TRACE_GET:
        trace_put_optional(writer, "label", line->label);
        break;
    case TRACE_GOT:
        trace_put_got(writer, line);
        break;
    case TRACE_COMMIT:
        trace_put_token(writer, line);
        trace_put_optional(writer, "from", line->from);
        trace_put_optional(writer, "template", line->template_name);
        trace_put_optional(writer, "organization", line->organization);
        trace_put_number(writer, "expires_ms", line->expires_ms);
        break;
    case TRACE_IGNORED:
        trace_put_token(writer, line);
        trace_put_optional(writer, "reason", line->reason);
        break;
    case TRACE_SESSION:
        trace_put_optional(writer, "status", line->status);
        break;
    case TRACE_EMIT:
        trace_put_optional(writer, "name", line->name);
        if (trace_has_token(line)) {
            trace_put_token(writer, line);
        }
        break;
    case TRACE_SINK:
        trace_put_optional(writer, "name", line->name);
        trace_put_token(writer, line);
        trace_put_optional(writer, "skipped", line->skipped);
        break;
    }
}

size_t freshet_trace_json(const struct trace_line *line, char *buffer, size_t size)
{
    static const char *const kinds[] = {"request", "response", "get",  "got", "commit",
                                        "ignored", "session",  "emit", "sink"};
    struct trace_writer writer = {.buffer = buffer, .size = size};

    trace_put(&writer, "{\"t_ms\":%" PRId64 ",\"process\":%d,\"event\":\"%s\"", line->t_ms,
              line->process, kinds[line->kind]);
    trace_put_members(&writer, line);
    trace_put(&writer, "}");
    return writer.full ? 0 : writer.length;
}
