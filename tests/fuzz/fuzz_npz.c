/* Fuzz target: .npz files of images. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/npz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory where that is possible. */
static char path[32] = "/dev/shm/fuzz_npz.XXXXXX";

static void remove_file(void)
{
    unlink(path);
}

static void write_file(const uint8_t *bytes, size_t size)
{
    static int fd = -1;
    if (fd < 0) {
        fd = mkstemp(path);
        if (fd < 0) {
            strcpy(path, "/tmp/fuzz_npz.XXXXXX");
            fd = mkstemp(path);
        }
        if (fd < 0) abort();
        atexit(remove_file);
    }
    if (ftruncate(fd, 0) != 0) abort();
    if (pwrite(fd, bytes, size, 0) != (ssize_t)size) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NpzImages images;
    write_file(data, size);
    if (!npz_read_images(path, &images, NULL)) return 0;
    if (images.count == 0 || images.H < 1 || images.W < 1 || images.C < 1 || images.C > 4) abort();
    size_t bytes = images.count * (size_t)images.H * (size_t)images.W * (size_t)images.C;
    unsigned sum = 0;
    for (size_t i = 0; i < bytes; i++) sum += images.pixels[i];
    if (sum > 255 * bytes) abort();
    mem_free(images.pixels);
    return 0;
}
