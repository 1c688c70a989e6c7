/*
 * The bars of freshet watch, below its lines. The terminal's mode is left alone: only text and a few
 * sequences that every terminal knows are written.
 */
#include "cli/screen.h"

#include <string.h>

#define SCREEN_BAR 40

#define SCREEN_HIDE_CURSOR "\033[?25l"
#define SCREEN_SHOW_CURSOR "\033[?25h"
#define SCREEN_WRAP_OFF    "\033[?7l"
#define SCREEN_WRAP_ON     "\033[?7h"
#define SCREEN_ERASE_BELOW "\r\033[J"

void freshet_screen_erase(struct screen *screen)
{
    if (screen->drawn > 0) {
        printf("\033[%dA" SCREEN_ERASE_BELOW, screen->drawn);
        screen->drawn = 0;
    }
}

/* Full when the token is born, empty when it expires; the mark is where it is refreshed. */
static void screen_bar(const json_t *token)
{
    char bar[SCREEN_BAR + 1];
    int64_t life = freshet_number_of(token, "life_ms");
    int64_t left = freshet_number_of(token, "remaining_ms");
    int64_t due = freshet_number_of(token, "due_at_remaining_ms");

    for (int64_t i = 0; i < SCREEN_BAR; i++) {
        bar[i] = i * life < left * SCREEN_BAR ? '#' : '.';
    }
    if (life > 0 && due > 0 && due < life) {
        bar[due * SCREEN_BAR / life] = '|';
    }
    bar[SCREEN_BAR] = '\0';
    printf("[%s] %6.1f s", bar, (double)left / 1000);
}

static const char *screen_zone_colour(const char *zone)
{
    if (strcmp(zone, "fresh") == 0) {
        return "\033[32m";
    }
    return strcmp(zone, "due") == 0 ? "\033[33m" : "\033[31m";
}

/* How the last attempt went, if it failed. */
static void screen_failure(const json_t *token)
{
    const char *result = freshet_text_of(token, "last_result");
    int http_status = (int)freshet_number_of(token, "last_http_status");

    if (strcmp(result, freshet_status_name(FRESHET_OK)) == 0 ||
        !json_is_integer(json_object_get(token, "last_attempt_ago_ms"))) {
        return;
    }
    printf(", last: %s", result);
    if (http_status != 0) {
        printf(" (HTTP %d)", http_status);
    }
}

static void screen_token(const struct screen *screen, const json_t *session, const json_t *token)
{
    const char *zone = freshet_text_of(token, "zone");
    const char *template_name = freshet_text_of(token, "template");
    const char *organization = freshet_text_of(token, "organization");
    int waiters = (int)freshet_number_of(token, "waiters");

    fputs(screen->colour ? screen_zone_colour(zone) : "", stdout);
    screen_bar(token);
    printf(" %-6s%s %-8s %s", zone, screen->colour ? "\033[0m" : "",
           freshet_text_of(token, "flight"), freshet_text_of(session, "name"));
    printf("%s%s%s%s", template_name[0] != '\0' ? " template " : "", template_name,
           organization[0] != '\0' ? " organization " : "", organization);
    if (json_is_integer(json_object_get(token, "next_in_ms"))) {
        printf(", next in %.1f s", (double)freshet_number_of(token, "next_in_ms") / 1000);
    }
    if (waiters > 0) {
        printf(", %d waiting", waiters);
    }
    screen_failure(token);
    putchar('\n');
}

void freshet_screen_draw(struct screen *screen, const json_t *root)
{
    const json_t *session = NULL;
    const json_t *token = NULL;
    size_t i = 0;
    size_t j = 0;

    freshet_screen_erase(screen);
    fputs(SCREEN_WRAP_OFF, stdout);
    json_array_foreach(json_object_get(root, "sessions"), i, session)
    {
        json_array_foreach(json_object_get(session, "tokens"), j, token)
        {
            screen_token(screen, session, token);
            screen->drawn++;
        }
    }
    fputs(SCREEN_WRAP_ON, stdout);
    fflush(stdout);
}

void freshet_screen_begin(struct screen *screen, bool bars)
{
    *screen = (struct screen){.bars = bars, .colour = bars && freshet_has_colour()};
    fputs(bars ? SCREEN_HIDE_CURSOR : "", stdout);
}

void freshet_screen_end(struct screen *screen)
{
    freshet_screen_erase(screen);
    fputs(screen->bars ? SCREEN_SHOW_CURSOR : "", stdout);
    fflush(stdout);
}
