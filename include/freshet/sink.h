/*
 * Sinks: where else a session's fresh token goes, for programs that cannot call this library.
 *
 * A cookie jar in the Netscape format (curl, wget, Python read it) and a plain token file. Both are
 * replaced whole, 0600, each time the session's own token changes, and hold no token after a sign-out.
 * Neither is a place to read tokens from for a program that can call freshet_get().
 */
#ifndef FRESHET_SINK_H
#define FRESHET_SINK_H

#include <freshet/freshet.h>

#ifdef __cplusplus
extern "C" {
#endif

struct freshet_sink;

struct freshet_sink_options {
    size_t size;
    const char *token_file;    /* the token and a line end; NULL: none */
    const char *cookie_jar;    /* NULL: none */
    const char *cookie_domain; /* the host of the API; NULL: a loopback issuer's own host */
    int agent;                 /* 1: this program keeps the jar for the whole machine */
};

/*
 * Delivers the session's token from now on, beginning with the one that is held. Files are written on
 * Freshet's thread. FRESHET_INVALID: neither file is named, or a path or the domain cannot be used;
 * `error` says which. With `host_loop`, sinks belong to the thread that dispatches.
 *
 * A jar holds one session at a time. While it holds another live one, this session's token is put
 * there only after freshet_sink_focus(sink, 1), or with `agent`.
 */
FRESHET_MUST_USE enum freshet_status freshet_sink_open(struct freshet_session *session,
                                                       const struct freshet_sink_options *options,
                                                       struct freshet_sink **sink,
                                                       struct freshet_error *error);

/* Ends the deliveries; the files stay as they are. Before freshet_close(); NULL is ignored. */
void freshet_sink_close(struct freshet_sink *sink);

/* The user turned to this program (1), or away from it (0). With 1 the token is delivered at once. */
enum freshet_status freshet_sink_focus(struct freshet_sink *sink, int focused);

/*
 * Why the last delivery failed or was put off: what happened, to which file, and what to do; "" if it
 * was made. Copied with its NUL, cut to `size`. Tokens are served all the same, and delivery is tried
 * again.
 */
void freshet_sink_fault(struct freshet_sink *sink, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif
#endif
