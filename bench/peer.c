/*
 * The other side of the benchmark's floors: a process that ends at once, or, told to echo, one that
 * sends back what it is sent, until there is no more.
 */
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char bytes[4096];
    ssize_t got = 0;

    if (argc != 2 || strcmp(argv[1], "echo") != 0) {
        return 0;
    }
    while ((got = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0) {
        if (write(STDIN_FILENO, bytes, (size_t)got) != got) {
            return 1;
        }
    }
    return 0;
}
