/* Fuzz target: IDX and CIFAR-10 files, plain and packed. The first byte chooses; the rest is the
 * file, as it is or packed with gzip. */
#include <zlib.h>

#include "data/dataset.h"
#include "fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    DataOptions options = {.seed = data[0]};
    if (data[0] & 1) options.config.kind = data[0] & 2 ? DATA_IDX : DATA_CIFAR10;
    if (data[0] & 4) options.config.height = options.config.width = 3;
    if (data[0] & 8) options.config.channels = data[0] & 16 ? 1 : 3;
    if (data[0] & 32) options.config.validation = 1;
    if (data[0] & 64) {
        uLongf room = compressBound(size) + 64;
        uint8_t *packed = malloc(room);
        z_stream z = {.next_in = (Bytef *)(size_t)(data + 1), .avail_in = (uInt)(size - 1)};
        if (!packed || deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            abort();
        z.next_out = packed;
        z.avail_out = (uInt)room;
        if (deflate(&z, Z_FINISH) != Z_STREAM_END) abort();
        deflateEnd(&z);
        options.path = fuzz_file(packed, room - z.avail_out);
        free(packed);
    } else {
        options.path = fuzz_file(data + 1, size - 1);
    }
    Dataset d;
    if (!dataset_open(&d, &options, NULL, NULL, NULL)) return 0;
    size_t n = (size_t)d.height * (size_t)d.width * (size_t)d.channels;
    float *x = malloc(n * sizeof *x);
    if (x)
        for (uint64_t i = 0; i < 3; i++) {
            int label = 0;
            dataset_train_sample(&d, i, x, &label, NULL);
            for (size_t k = 0; k < n; k++)
                if (!(x[k] >= -1 && x[k] <= 1)) abort();
            if (label < 0 || (d.classes && label >= d.classes)) abort();
        }
    free(x);
    dataset_close(&d);
    return 0;
}
