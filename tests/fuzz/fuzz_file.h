/* The bytes of a fuzz target's input as a file. */
#ifndef DIFFC_TESTS_FUZZ_FILE_H
#define DIFFC_TESTS_FUZZ_FILE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In memory where that is possible: a file on disk made targets fifty times slower. */
static char fuzz_path[] = "/dev/shm/fuzz_file.XXXXXX";

static inline void fuzz_remove_file(void)
{
    unlink(fuzz_path);
}

/* The path of the target's one file, which now has these bytes. */
static inline const char *fuzz_file(const uint8_t *bytes, size_t size)
{
    static int fd = -1;
    if (fd < 0) {
        fd = mkstemp(fuzz_path);
        if (fd < 0) {
            strcpy(fuzz_path, "/tmp/fuzz_file.XXXXXX");
            fd = mkstemp(fuzz_path);
        }
        if (fd < 0) abort();
        atexit(fuzz_remove_file);
    }
    if (ftruncate(fd, 0) != 0) abort();
    if (pwrite(fd, bytes, size, 0) != (ssize_t)size) abort();
    return fuzz_path;
}

#endif
