/*
 * Runs a command on a terminal of its own, types Ctrl-C when a text has appeared, and shows all
 * that the command wrote. For the end-to-end tests.
 *
 * usage: on_terminal TEXT COMMAND [ARGUMENT...]
 *
 * Ends as the command does; 99 if the text never came or the terminal was left in another mode.
 */
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#define TERMINAL_FAILED     99
#define TERMINAL_OUTPUT_MAX 1048576

/* Everything until the command closes its terminal; whether Ctrl-C was typed. */
static int terminal_follow(int terminal, const char *text, char *output, size_t *length)
{
    static const char interrupt = 0x03;
    int typed = 0;
    ssize_t got = 1;

    while (got > 0 && *length < TERMINAL_OUTPUT_MAX) {
        got = read(terminal, output + *length, TERMINAL_OUTPUT_MAX - *length);
        *length += got > 0 ? (size_t)got : 0;
        output[*length] = '\0';
        if (!typed && strstr(output, text) != NULL) {
            typed = write(terminal, &interrupt, 1) == 1;
        }
    }
    return typed;
}

int main(int argc, char **argv)
{
    const struct winsize size = {.ws_row = 24, .ws_col = 100};
    struct termios before;
    struct termios after;
    char *output = malloc(TERMINAL_OUTPUT_MAX + 1);
    size_t length = 0;
    int terminal = -1;
    int own = -1;
    int typed = 0;
    int status = 0;
    pid_t child = -1;

    if (argc < 3 || output == NULL || openpty(&terminal, &own, NULL, NULL, &size) != 0 ||
        tcgetattr(own, &before) != 0) {
        fputs("usage: on_terminal TEXT COMMAND [ARGUMENT...]\n", stderr);
        return TERMINAL_FAILED;
    }
    child = fork();
    if (child == 0) {
        close(terminal);
        setenv("TERM", "xterm", 1);
        if (login_tty(own) == 0) {
            execvp(argv[2], argv + 2);
        }
        _exit(TERMINAL_FAILED);
    }
    /* The mode is looked at through the other end, so that the command's end can hang up. */
    close(own);
    typed = terminal_follow(terminal, argv[1], output, &length);
    (void)!write(STDOUT_FILENO, output, length);
    free(output);
    if (child < 0 || waitpid(child, &status, 0) != child || !typed ||
        tcgetattr(terminal, &after) != 0 || after.c_lflag != before.c_lflag ||
        after.c_oflag != before.c_oflag || after.c_iflag != before.c_iflag) {
        fputs("on_terminal: the text did not come, or the terminal is not as it was\n", stderr);
        return TERMINAL_FAILED;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : TERMINAL_FAILED;
}
