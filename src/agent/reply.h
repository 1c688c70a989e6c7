/*
 * Answers before they are sent: a status, a type and a body. Private to agent/.
 */
#ifndef FRESHET_AGENT_REPLY_H
#define FRESHET_AGENT_REPLY_H

#include <freshet/freshet.h>

struct reply {
    int status;
    const char *type;
    char *body; /* NUL-terminated, wiped when freed; NULL: no memory for it */
};

/* {"token", "expires_at_ms", "remaining_ms", "stale"} */
struct reply freshet_agent_reply_token(const struct freshet_token *token);

/* {"error", "message", "advice", "http_status"}: what the library said, or what the agent says. */
struct reply freshet_agent_reply_failure(const struct freshet_error *error);
struct reply freshet_agent_reply_refusal(int status, const char *error, const char *message);

/* Takes the body over. */
struct reply freshet_agent_reply_text(const char *type, char *body);

void freshet_agent_reply_clear(struct reply *reply);

#endif
