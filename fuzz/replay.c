/*
 * Feeds every file of the given folders to a fuzz target, so that ctest keeps what fuzzing found.
 *
 * usage: replay_NAME FOLDER...      a folder without files is an error
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define REPLAY_BYTES_MAX (4 * 1024 * 1024)

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    uint8_t *exact = NULL;
    size_t size = 0;

    if (file == NULL) {
        perror(path);
        return false;
    }
    data = malloc(REPLAY_BYTES_MAX);
    size = data != NULL ? fread(data, 1, REPLAY_BYTES_MAX, file) : 0;
    exact = malloc(size + 1);
    fclose(file);
    if (data == NULL || exact == NULL) {
        fprintf(stderr, "%s: out of memory\n", path);
        free(data);
        free(exact);
        return false;
    }
    memcpy(exact, data, size);
    free(data);
    printf("%s: %zu bytes\n", path, size);
    fflush(stdout);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return true;
}

static bool replay_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    int fed = 0;
    bool good = count >= 0;

    for (int i = 0; i < count; i++) {
        char path[4096];

        if (entries[i]->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
            good = replay_file(path) && good;
            fed++;
        }
        free(entries[i]);
    }
    free(entries);
    if (fed == 0) {
        fprintf(stderr, "%s: nothing to replay\n", folder);
    }
    return good && fed > 0;
}

int main(int argc, char **argv)
{
    bool good = argc > 1;

    for (int i = 1; i < argc; i++) {
        good = replay_folder(argv[i]) && good;
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
