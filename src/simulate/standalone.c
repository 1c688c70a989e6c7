/* The simulator as a program of its own, for tests and for trying a policy without the command. */
#include "simulate/simulate.h"

int main(int argc, char **argv)
{
    return freshet_simulate_main(argc, argv);
}
