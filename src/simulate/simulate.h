/*
 * `freshet simulate`: a scenario in virtual time, against the engine that the library links.
 */
#ifndef FRESHET_SIMULATE_SIMULATE_H
#define FRESHET_SIMULATE_SIMULATE_H

/* Exit status: 0 done, 1 the simulation could not be carried out, 2 the call or the file is wrong. */
int freshet_simulate_main(int argc, char **argv);

#endif
