/*
 * A line of a trace for people: the time, what happened, and its members in their order. The same
 * members that a log and a simulation have; only the punctuation is left out.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

#define LINE_RED    "\033[31m"
#define LINE_YELLOW "\033[33m"
#define LINE_PLAIN  "\033[0m"

const char *freshet_text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

int64_t freshet_number_of(const json_t *object, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(object, name));
}

bool freshet_on_terminal(void)
{
    const char *terminal = getenv("TERM");

    return isatty(STDOUT_FILENO) && terminal != NULL && *terminal != '\0' &&
           strcmp(terminal, "dumb") != 0;
}

bool freshet_has_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");

    return freshet_on_terminal() && (no_colour == NULL || *no_colour == '\0');
}

static void line_make_text_printable(char *text)
{
    for (; *text != '\0'; text++) {
        *text = (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text;
    }
}

void freshet_make_printable(json_t *value)
{
    const char *name = NULL;
    json_t *member = NULL;
    size_t i = 0;

    if (json_is_string(value)) {
        line_make_text_printable((char *)json_string_value(value));
    }
    json_object_foreach(value, name, member)
    {
        freshet_make_printable(member);
    }
    json_array_foreach(value, i, member)
    {
        freshet_make_printable(member);
    }
}

/* Red: it failed. Yellow: it was not taken, or tried again. */
static const char *line_colour(const json_t *line)
{
    if (freshet_text_of(line, "error")[0] != '\0' || freshet_number_of(line, "status") >= 400) {
        return LINE_RED;
    }
    return strcmp(freshet_text_of(line, "event"), "ignored") == 0 ||
                   freshet_number_of(line, "attempt") > 1
               ? LINE_YELLOW
               : "";
}

static void line_time(int64_t t_ms)
{
    time_t seconds = (time_t)(t_ms / 1000);
    struct tm local;
    char text[16] = "";

    if (localtime_r(&seconds, &local) != NULL) {
        strftime(text, sizeof(text), "%H:%M:%S", &local);
    }
    printf("%s.%03d", text, (int)(t_ms % 1000));
}

static void line_member(const char *name, const json_t *value)
{
    if (json_is_string(value)) {
        printf(" %s=%s", name, json_string_value(value));
    } else if (json_is_integer(value)) {
        printf(" %s=%lld", name, (long long)json_integer_value(value));
    } else if (json_is_true(value)) {
        printf(" %s", name);
    }
}

static bool line_is_member(const char *name)
{
    return strcmp(name, "t_ms") != 0 && strcmp(name, "process") != 0 && strcmp(name, "event") != 0;
}

void freshet_line_print(const json_t *line, bool colour)
{
    const char *paint = colour ? line_colour(line) : "";
    const char *name = NULL;
    json_t *value = NULL;

    line_time(freshet_number_of(line, "t_ms"));
    printf(" %s%-8s", paint, freshet_text_of(line, "event"));
    json_object_foreach((json_t *)line, name, value)
    {
        if (line_is_member(name)) {
            line_member(name, value);
        }
    }
    puts(paint[0] != '\0' ? LINE_PLAIN : "");
}
