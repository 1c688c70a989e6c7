/*
 * What a request says beside its path: query parameters, and the body of a rejection. Private to
 * agent/.
 */
#ifndef FRESHET_AGENT_QUESTION_H
#define FRESHET_AGENT_QUESTION_H

#include <freshet/freshet.h>
#include <stdbool.h>

#define FRESHET_AGENT_REASON_BYTES 160

/* Decodes %XX in place; what would not be text afterwards (a bad escape, a NUL) stays as it is. */
size_t freshet_agent_unescape(char *text);

/* Takes one query parameter of a token request, borrowing the value. False: `reason` (of
 * FRESHET_AGENT_REASON_BYTES) says what is wrong, without quoting bytes that are not text. */
bool freshet_agent_parameter(struct freshet_request *request, const char *name, const char *value,
                             char *reason);

/* Takes one query parameter of the events, in the same way. */
bool freshet_agent_events_parameter(bool *trace, const char *name, const char *value, char *reason);

/* And one of a sign-out. */
bool freshet_agent_sign_out_parameter(enum freshet_sign_out_scope *scope, const char *name,
                                      const char *value, char *reason);

/* The token in {"token": "..."}; NULL when the body is anything else. The caller wipes and frees. */
char *freshet_agent_rejected(const char *body, size_t length);

#endif
