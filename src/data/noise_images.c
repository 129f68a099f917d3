/* Images of noise: a data set that needs no files, for measuring speed. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "data/dataset_load.h"

static void draw_bytes(unsigned char *bytes, size_t count, uint64_t seed)
{
    uint32_t words[4];
    for (size_t at = 0; at < count; at += sizeof words) {
        rng_block(seed, rng_stream(RNG_NOISE, 0), at / sizeof words, words);
        memcpy(bytes + at, words, count - at < sizeof words ? count - at : sizeof words);
    }
}

bool dataset_open_noise(Dataset *d, const DataOptions *o, int classes, Err *err)
{
    const DataConfig *c = &o->config;
    size_t count = (size_t)c->limit;
    size_t bytes = count * (size_t)c->height * (size_t)c->width * (size_t)c->channels;
    CHECK(bytes > 0 && classes >= 0 && classes <= 256);
    *d = (Dataset){.height = c->height,
                   .width = c->width,
                   .channels = c->channels,
                   .classes = classes,
                   .count = count,
                   .pixels = mem_alloc(bytes, 1),
                   .labels = classes > 0 ? mem_alloc(count, 1) : NULL};
    if (!d->pixels || (classes > 0 && !d->labels)) {
        dataset_close(d);
        return err_set(err, ERR_MEMORY, "not enough memory for %zu images of noise", count);
    }
    draw_bytes(d->pixels, bytes, o->seed);
    for (size_t i = 0; classes > 0 && i < d->count; i++)
        d->labels[i] = (unsigned char)(i % (size_t)classes);
    snprintf(d->description, sizeof d->description, "%zu images of noise", d->count);
    if (data_split(d, o, err)) return true;
    dataset_close(d);
    return false;
}
