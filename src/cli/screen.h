/*
 * A bar for each token, below what else is printed. Private to cli/.
 */
#ifndef FRESHET_CLI_SCREEN_H
#define FRESHET_CLI_SCREEN_H

#include "cli/cli.h"

struct screen {
    bool bars;
    bool colour;
    int drawn; /* bars on the screen, the cursor is below them */
};

void freshet_screen_begin(struct screen *screen, bool bars);
void freshet_screen_end(struct screen *screen);

/* Takes the bars away, so that a line can be printed. */
void freshet_screen_erase(struct screen *screen);

/* From a status whose texts are printable. */
void freshet_screen_draw(struct screen *screen, const json_t *root);

#endif
