/*
 * What --help says, and what a shell completes, from the tables of commands and flags.
 */
#include <string.h>

#include "cli/cli.h"

void freshet_help(FILE *out)
{
    fputs("freshet: session tokens that are always fresh\n\n"
          "usage: freshet COMMAND [ARGUMENT...]\n\n",
          out);
    for (const struct command *command = freshet_commands; command->name != NULL; command++) {
        fprintf(out, "  %-10s  %s\n", command->name, command->summary);
    }
    fputs("\nTry it on this machine alone. The issuer's first line is JSON; put its client_token\n"
          "into a file that only you can read:\n"
          "  freshet issuer --ttl 10s\n"
          "  freshet watch --url URL --client-token-file FILE\n\n"
          "freshet COMMAND --help says more about each, freshet --version which version this is.\n",
          out);
}

static void help_flag(const struct flag *flag, FILE *out)
{
    char usage[64];

    snprintf(usage, sizeof(usage), "%s %s", flag->name, flag->value);
    fprintf(out, "  %-24s  %s\n", usage, flag->help);
}

void freshet_help_command(const struct command *command, FILE *out)
{
    fprintf(out, "usage: freshet %s %s\n\n%s\n\n", command->name, command->arguments,
            command->help);
    for (const struct flag *flag = freshet_flags; flag->name != NULL; flag++) {
        if ((flag->sets & command->flags) != 0) {
            help_flag(flag, out);
        }
    }
    fputs(
        "\nA flag that takes a value can also be a variable: FRESHET_URL stands for --url, and so on.\n"
        "NAME is a session of the configuration: --config, else\n"
        "$XDG_CONFIG_HOME/freshet/freshet.conf, else ~/.config/freshet/freshet.conf. Without NAME,\n"
        "--url and --publishable-key it is the first one there. Flags come before variables, and\n"
        "these before the configuration, which reads\n\n"
        "  session work {\n"
        "      publishable_key = \"pk_live_...\"\n"
        "      client_token_file = \"/home/me/.config/freshet/work.token\"\n"
        "  }\n\n"
        "exit status: 0 done, 1 other, 2 usage or configuration, 3 offline, 4 sign in again,\n"
        "5 time-out, 6 issuer failed\n",
        out);
}

/* ---- completion ---- */

static void completion_words(const struct command *command)
{
    printf("%s) words='", command->name);
    for (const struct flag *flag = freshet_flags; flag->name != NULL; flag++) {
        if ((flag->sets & command->flags) != 0) {
            printf("%s ", flag->name);
        }
    }
    puts("' ;;");
}

static void completion_values(enum flag_kind kind)
{
    const char *separator = "    ";

    for (const struct flag *flag = freshet_flags; flag->name != NULL; flag++) {
        if (flag->kind == kind) {
            printf("%s%s", separator, flag->name);
            separator = "|";
        }
    }
}

static void completion_print(void)
{
    puts("# bash completion for freshet\n"
         "_freshet() {\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} words=\n"
         "    case ${COMP_WORDS[COMP_CWORD - 1]} in");
    completion_values(FLAG_FILE);
    puts(") mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return ;;");
    completion_values(FLAG_TEXT);
    puts(") return ;;");
    completion_values(FLAG_DURATION);
    puts(") words='5s 30s 5m' ;;");
    completion_values(FLAG_LIFE);
    puts(") words='0 10s 30s' ;;");
    completion_values(FLAG_STALE);
    puts(") words='never usable expired' ;;\n"
         "    *) case $((COMP_CWORD == 1)):${COMP_WORDS[1]} in");
    printf("    1:*) words='");
    for (const struct command *command = freshet_commands; command->name != NULL; command++) {
        printf("%s ", command->name);
    }
    puts("--help --version' ;;");
    for (const struct command *command = freshet_commands; command->name != NULL; command++) {
        if (command->work != NULL) {
            printf("    0:");
            completion_words(command);
        }
    }
    puts("    0:completion) words=bash ;;\n"
         "    esac ;;\n"
         "    esac\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
         "}\n"
         "complete -o default -F _freshet freshet");
}

int freshet_command_completion(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "bash") == 0) {
        completion_print();
        return EXIT_DONE;
    }
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        puts("usage: freshet completion bash\n\n"
             "Prints what bash needs to complete freshet's commands and flags. For this shell:\n"
             "  source <(freshet completion bash)");
        return EXIT_DONE;
    }
    fputs("freshet completion: say for which shell: bash\n", stderr);
    return EXIT_USAGE;
}
