/*
 * Publishing a token to the user's other processes, and adopting it as one of them does: read the
 * record, read the token's claims anew, take a step.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

#define ISSUER       "https://issuer.example"
#define CLAIMS_BYTES 256 /* what the claims of a plain session token come to */

static bool share_fail(const char *what)
{
    fprintf(stderr, "freshet-bench: the share %s; the benchmark no longer fits it\n", what);
    return false;
}

static bool share_read_claims(const char *text, size_t length, struct token *token, void *context)
{
    void **memory = context;

    freshet_jwt_free(*memory);
    return freshet_jwt_read(text, length, token, memory);
}

static size_t share_encode(char *text, size_t size, const char *json)
{
    sodium_bin2base64(text, size, (const unsigned char *)json, strlen(json),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return strlen(text);
}

/* As many bytes as a real one and as many claims; nobody here looks at its signature. */
static size_t share_text(const struct token *like, char *text, size_t size)
{
    char json[2 * CLAIMS_BYTES];
    size_t length = 0;

    (void)snprintf(json, sizeof(json), "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"oiat\":%lld}",
                   (long long)like->iat_s);
    length = share_encode(text, size, json);
    text[length++] = '.';
    (void)snprintf(json, sizeof(json),
                   "{\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld,\"iss\":\"" ISSUER
                   "\",\"sub\":\"%0*d\"}",
                   (long long)like->iat_s, (long long)like->iat_s, (long long)like->exp_s,
                   CLAIMS_BYTES - 96, 1);
    length += share_encode(text + length, size - length, json);
    text[length++] = '.';
    while (length < like->length && length + 1 < size) {
        text[length++] = 'A';
    }
    text[length] = '\0';
    return length;
}

static struct key_view share_key(const struct bench_share *bench, size_t index, char name[16])
{
    (void)snprintf(name, 16, "bench-%zu", index);
    return (struct key_view){.session = bench->engine.session,
                             .issuer = ISSUER,
                             .sid = bench->engine.sid,
                             .template_name = name,
                             .organization = "",
                             .audience = ""};
}

bool freshet_bench_share_open(struct bench_share *bench, const char *folder,
                              const struct token *token)
{
    struct share_options options = {
        .place = {.chosen = folder}, .read_token = share_read_claims, .context = &bench->claims};
    bool good = freshet_bench_engine_open(&bench->engine, token);

    bench->share = good ? freshet_share_open(&options, bench->engine.now) : NULL;
    bench->engine.token.sid = "";
    good = bench->share != NULL && freshet_bench_engine_prepare(&bench->engine);
    for (size_t i = 0; good && i < BENCH_COMMITS; i++) {
        good = freshet_bench_engine_commit(&bench->engine, i);
    }
    return good || share_fail("could not be opened");
}

void freshet_bench_share_close(struct bench_share *bench)
{
    freshet_share_close(bench->share);
    freshet_jwt_free(bench->claims);
    freshet_jwt_free(bench->mine);
    freshet_bench_engine_close(&bench->engine);
}

bool freshet_bench_share_prepare(struct bench_share *bench)
{
    struct token *token = &bench->engine.token;

    freshet_bench_engine_pass(&bench->engine);
    share_text(token, bench->text, sizeof(bench->text));
    freshet_jwt_free(bench->mine);
    return freshet_jwt_read(bench->text, strlen(bench->text), &bench->token, &bench->mine) ||
           share_fail("was given a token that cannot be read");
}

bool freshet_bench_share_publish(struct bench_share *bench, size_t index)
{
    char name[16];
    const struct key_view key = share_key(bench, index, name);
    const struct now now = bench->engine.now;
    const struct record record = {.has_token = true,
                                  .token = bench->token,
                                  .committed_ms = now.boot_ms,
                                  .sent_ms = now.boot_ms - 20,
                                  .offset_ms = now.wall_ms - now.boot_ms,
                                  .has_offset = true};
    const struct publication what = {.account = "bench", .key = &key, .record = &record};

    return freshet_share_publish(bench->share, &what, now) == SHARE_WRITTEN ||
           share_fail(freshet_share_fault(bench->share));
}

bool freshet_bench_share_adopt(struct bench_share *bench, size_t index)
{
    char name[16];
    struct shared_record found;
    struct event event = {.kind = EVENT_ADOPTED, .session = bench->engine.session};
    bool good = false;

    event.u.adopted.key = share_key(bench, index, name);
    good = freshet_share_read(bench->share, &event.u.adopted.key, 0, bench->engine.now, &found) ==
           SHARE_FOUND;
    if (good) {
        struct effects effects;

        event.u.adopted.record = found.record;
        effects = freshet_step(bench->engine.engine, &event, bench->engine.now);
        good = effects.count > 0 && effects.items[0].kind == EFFECT_COMMIT;
    }
    freshet_shared_record_wipe(&found);
    return good || share_fail("gave nothing to adopt");
}
