/* Why something in the shared place does not work, in a sentence for people. No secrets. */
#ifndef FRESHET_SHARE_FAULT_H
#define FRESHET_SHARE_FAULT_H

#define FRESHET_FAULT_MAX 512

struct fault {
    char text[FRESHET_FAULT_MAX]; /* "": nothing is wrong */
};

#endif
