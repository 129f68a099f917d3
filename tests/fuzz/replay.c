/* Runs a fuzz target on the files of some folders (made by tests/fuzz/seeds.sh), as an ordinary test:
 * replay FOLDER... . A finding ends the program. */
#include <stdint.h>
#include <stdio.h>

#include "base/fsio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;
    for (int i = 1; i < argc; i++) {
        Names names;
        Err err = {0};
        if (!folder_list(argv[i], &names, &err)) {
            printf("FAIL %s\n", err.text);
            failed++;
            continue;
        }
        for (size_t k = 0; k < names.count; k++) {
            char path[PATH_BYTES];
            FileBytes file;
            if (!path_join(path, argv[i], names.names[k], &err) || path_is_folder(path)) continue;
            if (!file_read(path, 16 << 20, &file, &err)) {
                printf("FAIL %s\n", err.text);
                failed++;
                continue;
            }
            printf("%s\n", path);
            fflush(stdout); /* the last line names the file that crashed */
            LLVMFuzzerTestOneInput(file.bytes, file.size);
            file_free(&file);
            passed++;
        }
        names_free(&names);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
