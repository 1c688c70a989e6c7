/*
 * The command line of `freshet simulate`: options, the scenario file, where the output goes.
 */
#include "simulate/simulate.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "simulate/report.h"
#include "simulate/scenario.h"
#include "simulate/world.h"

#define SCENARIO_MAX_BYTES (16u * 1024 * 1024)
#define EXIT_FAILED        1
#define EXIT_USAGE         2

struct options {
    bool help;
    bool json;
    bool seeded;
    uint64_t seed;
    const char *svg;
    const char *scenario;
};

static const char main_help[] =
    "usage: freshet simulate [--json] [--svg FILE] [--seed N] SCENARIO.json\n"
    "\n"
    "Runs a scenario in virtual time against the engine that the library links, and prints\n"
    "what happened. Minutes of retries take milliseconds. The same file and seed give the\n"
    "same bytes.\n"
    "\n"
    "  --json       one JSON object a line, the last one a summary\n"
    "  --svg FILE   also draw it: zones, requests, calls and outages, one lane a process\n"
    "  --seed N     instead of the scenario's own seed\n"
    "  --help       this text\n"
    "\n"
    "SCENARIO.json may be - for standard input. A small one, in which a call waits out the\n"
    "end of an outage:\n"
    "\n"
    "  { \"until_ms\": 120000,\n"
    "    \"issuer\": { \"ttl_s\": 60, \"latency_ms\": 50 },\n"
    "    \"steps\": [\n"
    "      { \"at_ms\": 0,     \"do\": \"open\" },\n"
    "      { \"at_ms\": 1000,  \"do\": \"faults\", \"on\": \"tokens\",\n"
    "        \"rules\": [ { \"status\": 503, \"count\": -1 } ] },\n"
    "      { \"at_ms\": 1500,  \"do\": \"clear\" },\n"
    "      { \"at_ms\": 2000,  \"do\": \"get\", \"label\": \"a\" },\n"
    "      { \"at_ms\": 10000, \"do\": \"faults\", \"on\": \"tokens\", \"rules\": [] } ] }\n"
    "\n"
    "Steps: open, get, every, faults, issuer, network, sleep, stop, continue, clock, wake,\n"
    "organization, clear, reject, sign_out, kill, record. A member that does not belong is an\n"
    "error that names it and its line.\n"
    "\n"
    "Exit status: 0 done, 1 it could not be carried out, 2 the call or the scenario is wrong.\n";

static int main_usage(const char *what, const char *about)
{
    fprintf(stderr, "freshet simulate: %s%s%s; see freshet simulate --help\n", what,
            about == NULL ? "" : ": ", about == NULL ? "" : about);
    return EXIT_USAGE;
}

static bool main_seed(const char *text, uint64_t *seed)
{
    char *end;

    errno = 0;
    *seed = (uint64_t)strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

/* Takes "--name VALUE" or "--name=VALUE"; false if this is neither. */
static bool main_value(int argc, char **argv, int *at, const char *name, const char **value)
{
    size_t length = strlen(name);
    const char *argument = argv[*at];

    if (strncmp(argument, name, length) != 0)
        return false;
    if (argument[length] == '=') {
        *value = argument + length + 1;
        return true;
    }
    if (argument[length] != '\0' || *at + 1 >= argc)
        return false;
    *value = argv[++*at];
    return true;
}

/* 0, or the exit status after a message. */
static int main_options(int argc, char **argv, struct options *options)
{
    bool ended = false;

    for (int i = 1; i < argc; i++) {
        const char *value = "";

        if (ended || argv[i][0] != '-' || strcmp(argv[i], "-") == 0) {
            if (options->scenario != NULL)
                return main_usage("one scenario at a time, not also", argv[i]);
            options->scenario = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            ended = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            options->help = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            options->json = true;
        } else if (main_value(argc, argv, &i, "--svg", &value)) {
            options->svg = value;
        } else if (main_value(argc, argv, &i, "--seed", &value)) {
            options->seeded = true;
            if (!main_seed(value, &options->seed))
                return main_usage("--seed takes an integer, not", value);
        } else if (strcmp(argv[i], "--svg") == 0 || strcmp(argv[i], "--seed") == 0) {
            return main_usage("this option needs a value", argv[i]);
        } else {
            return main_usage("unknown option", argv[i]);
        }
    }
    if (options->scenario == NULL && !options->help)
        return main_usage("which scenario? A file name, or - for standard input", NULL);
    return 0;
}

/* The whole file, bounded; NULL after a message. */
static char *main_read(const char *name, size_t *length)
{
    bool standard = strcmp(name, "-") == 0;
    FILE *file = standard ? stdin : fopen(name, "rb");
    size_t capacity = 65536;
    char *text = malloc(capacity);
    const char *wrong = NULL;

    *length = 0;
    while (file != NULL && text != NULL && !feof(file) && wrong == NULL) {
        *length += fread(text + *length, 1, capacity - *length, file);
        if (ferror(file)) {
            wrong = strerror(errno);
        } else if (*length > SCENARIO_MAX_BYTES) {
            wrong = "a scenario may have 16 MiB at most";
        } else if (*length == capacity) {
            char *grown = realloc(text, capacity *= 2);

            wrong = grown == NULL ? "out of memory" : NULL;
            text = grown == NULL ? text : grown;
        }
    }
    if (file == NULL)
        wrong = strerror(errno);
    if (file != NULL && !standard)
        (void)fclose(file);
    if (wrong == NULL && text != NULL)
        return text;
    fprintf(stderr, "freshet simulate: cannot read %s: %s\n", standard ? "standard input" : name,
            wrong == NULL ? "out of memory" : wrong);
    free(text);
    return NULL;
}

static bool main_draw(const struct options *options, const struct scenario *scenario,
                      const struct svg *svg)
{
    FILE *file = fopen(options->svg, "wb");
    bool good = file != NULL && freshet_sim_svg_write(svg, scenario->about, file);

    if (file != NULL && fclose(file) != 0)
        good = false;
    if (!good)
        fprintf(stderr, "freshet simulate: cannot write %s: %s\n", options->svg, strerror(errno));
    return good;
}

static int main_run(const struct options *options, const struct scenario *scenario)
{
    bool terminal = isatty(STDOUT_FILENO) == 1;
    struct report report = {
        .out = stdout,
        .json = options->json,
        .timeline = {stdout, terminal, scenario->processes > 1},
    };
    uint64_t seed = options->seeded ? options->seed : (uint64_t)scenario->seed;
    struct world world = {.scenario = scenario};
    int status = EXIT_FAILED;

    if (options->svg != NULL) {
        report.svg = freshet_sim_svg_open((int)scenario->processes, &scenario->policy);
        if (report.svg == NULL)
            goto out;
    }
    if (!freshet_sim_world_run(&world, scenario, seed, &report)) {
        (void)fflush(stdout);
        fprintf(stderr, "freshet simulate: %s\n", world.failure);
        goto out;
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "freshet simulate: cannot write the output: %s\n", strerror(errno));
        goto out;
    }
    if (options->svg == NULL || main_draw(options, scenario, report.svg))
        status = 0;
out:
    freshet_sim_world_free(&world);
    freshet_sim_summary_free(&report.summary);
    freshet_sim_svg_free(report.svg);
    return status;
}

int freshet_simulate_main(int argc, char **argv)
{
    struct options options = {.help = false};
    struct document document = {.name = "-"};
    struct scenario scenario;
    char *text;
    int status = main_options(argc, argv, &options);

    if (status != 0)
        return status;
    if (options.help)
        return fputs(main_help, stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILED : 0;
    if (sodium_init() < 0) {
        fprintf(stderr, "freshet simulate: libsodium cannot start on this machine\n");
        return EXIT_FAILED;
    }
    text = main_read(options.scenario, &document.length);
    if (text == NULL)
        return EXIT_USAGE;
    document.text = text;
    document.name = options.scenario;
    if (freshet_scenario_read(&scenario, &document)) {
        status = main_run(&options, &scenario);
    } else {
        fprintf(stderr, "%s\n", document.error);
        status = EXIT_USAGE;
    }
    freshet_scenario_free(&scenario);
    free(text);
    return status;
}
