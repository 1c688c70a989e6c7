/*
 * Encoding, decoding and ranking session records.
 */
#include "share/session_record.h"

#include <string.h>

#include "share/lines.h"

#define SESSION_MARK "freshet session 1"

size_t freshet_session_record_encode(const struct session_record *record, char *bytes, size_t size)
{
    struct lines_out out = {.bytes = bytes, .size = size};
    struct session_record back = {0};

    if (record->epoch > INT64_MAX) {
        return 0;
    }
    freshet_lines_put_mark(&out, SESSION_MARK);
    freshet_lines_put_text(&out, "account", record->account);
    freshet_lines_put_text(&out, "issuer", record->issuer);
    freshet_lines_put_text(&out, "sid", record->sid);
    freshet_lines_put_text(&out, "organization", record->organization);
    freshet_lines_put_number(&out, "epoch", (int64_t)record->epoch);
    freshet_lines_put_number(&out, "ended", record->standing == SESSION_ENDED);
    freshet_lines_put_text(&out, "reason", record->reason);
    /* Nothing leaves that would be refused on the way in. */
    if (out.failed || !freshet_session_record_decode(bytes, out.length, record->account, &back)) {
        return 0;
    }
    return out.length;
}

bool freshet_session_record_decode(const char *bytes, size_t length, const char *account,
                                   struct session_record *out)
{
    struct lines_in in = {.bytes = bytes, .length = length};
    bool ended = false;

    *out = (struct session_record){0};
    freshet_lines_take_mark(&in, SESSION_MARK);
    freshet_lines_take_text(&in, "account", out->account, sizeof(out->account));
    freshet_lines_take_text(&in, "issuer", out->issuer, sizeof(out->issuer));
    freshet_lines_take_text(&in, "sid", out->sid, sizeof(out->sid));
    freshet_lines_take_text(&in, "organization", out->organization, sizeof(out->organization));
    out->epoch = (uint64_t)freshet_lines_take_number(&in, "epoch", 0, INT64_MAX);
    ended = freshet_lines_take_number(&in, "ended", 0, 1) != 0;
    out->standing = ended ? SESSION_ENDED : SESSION_STANDS;
    freshet_lines_take_text(&in, "reason", out->reason, sizeof(out->reason));
    if (!freshet_lines_done(&in) || strcmp(out->account, account) != 0) {
        *out = (struct session_record){0};
        return false;
    }
    return true;
}

static bool session_record_says_more(const struct session_record *present,
                                     const struct session_record *incoming)
{
    return strcmp(present->sid, incoming->sid) != 0 ||
           strcmp(present->issuer, incoming->issuer) != 0 ||
           strcmp(present->organization, incoming->organization) != 0 ||
           present->standing != incoming->standing;
}

bool freshet_session_record_replaces(const struct session_record *present,
                                     const struct session_record *incoming)
{
    if (incoming->epoch != present->epoch) {
        return incoming->epoch > present->epoch;
    }
    return present->standing == SESSION_STANDS && session_record_says_more(present, incoming);
}
