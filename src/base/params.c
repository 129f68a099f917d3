#include "base/params.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rng.h"

void params_free(ParamTable *table)
{
    free(table->info);
    *table = (ParamTable){0};
}

int params_find(const ParamTable *table, const char *name)
{
    for (int i = 0; i < table->count; i++)
        if (strcmp(table->info[i].name, name) == 0) return i;
    return -1;
}

size_t params_largest(const ParamTable *table)
{
    size_t largest = 0;
    for (int i = 0; i < table->count; i++)
        if (table->info[i].count > largest) largest = table->info[i].count;
    return largest;
}

int params_declare(ParamTable *table, const ParamInfo *wanted)
{
    int found = params_find(table, wanted->name);
    if (found >= 0) {
        const ParamInfo *known = &table->info[found];
        CHECK(known->rank == wanted->rank && known->layout == wanted->layout);
        CHECK(memcmp(known->shape, wanted->shape, sizeof known->shape) == 0);
        return found;
    }
    CHECK(!table->sealed);
    ParamInfo *list =
        mem_room(table->info, (size_t)table->count, &table->room, sizeof *table->info);
    if (!list) return -1;
    table->info = list;
    ParamInfo *info = &list[table->count];
    *info = *wanted;
    info->offset = table->block_floats;
    info->count = 1;
    for (int i = 0; i < info->rank; i++) info->count *= (size_t)info->shape[i];
    table->block_floats += mem_whole_lines(info->count);
    table->parameters += info->count;
    return table->count++;
}

/* Initial values of elements first .. first+n-1 of a tensor, in the order of the disk layout: the
 * values do not depend on the layout in memory. */
static void draw(float *y, const ParamInfo *info, size_t first, size_t n, uint64_t seed,
                 uint64_t stream)
{
    double bound = info->init == INIT_FAN_IN ? 1.0 / sqrt((double)info->fan_in) : 0.0;
    if (info->init == INIT_NORMAL) {
        rng_normals_float(y, n, seed, stream, first);
        for (size_t i = 0; i < n; i++) y[i] *= info->init_scale;
        return;
    }
    for (size_t i = 0; i < n; i++)
        y[i] = info->init == INIT_ZERO ? 0.0f
               : info->init == INIT_ONE
                   ? 1.0f
                   : (float)(bound * (2 * rng_uniform(seed, stream, first + i) - 1));
}

/* Where element (k, j) of a tensor seen as rows [K][rest] on disk lies in memory. Conv: rest is
 * c * R*S + rs on disk and rs * C + c, times K, in memory. */
static size_t place_in_memory(const ParamInfo *info, size_t k, size_t j)
{
    size_t K = (size_t)info->shape[0];
    if (info->layout == LAYOUT_LINEAR) return j * K + k;
    size_t C = (size_t)info->shape[1], RS = (size_t)info->shape[2] * (size_t)info->shape[3];
    return (j % RS * C + j / RS) * K + k;
}

void params_init(const ParamTable *table, float *block, uint64_t seed)
{
    memset(block, 0, table->block_floats * sizeof *block);
    for (int i = 0; i < table->count; i++) {
        const ParamInfo *info = &table->info[i];
        float *values = block + info->offset;
        uint64_t stream = rng_stream(RNG_INIT, (uint64_t)i);
        if (info->layout == LAYOUT_PLAIN) {
            draw(values, info, 0, info->count, seed, stream);
            continue;
        }
        size_t rest = info->count / (size_t)info->shape[0];
#pragma omp parallel for
        for (int k = 0; k < info->shape[0]; k++)
            for (size_t j = 0; j < rest; j++)
                draw(values + place_in_memory(info, (size_t)k, j), info, (size_t)k * rest + j, 1,
                     seed, stream);
    }
}

/* Copies one tensor between the two layouts. */
static void convert(const ParamInfo *info, float *to, const float *from, bool to_disk)
{
    if (info->layout == LAYOUT_PLAIN) {
        memcpy(to, from, info->count * sizeof *to);
        return;
    }
    size_t K = (size_t)info->shape[0], rest = info->count / K;
    for (size_t k = 0; k < K; k++)
        for (size_t j = 0; j < rest; j++) {
            size_t disk = k * rest + j, memory = place_in_memory(info, k, j);
            to[to_disk ? disk : memory] = from[to_disk ? memory : disk];
        }
}

void params_to_disk(const ParamInfo *info, float *disk, const float *block)
{
    convert(info, disk, block, true);
}

void params_from_disk(const ParamInfo *info, float *block, const float *disk)
{
    convert(info, block, disk, false);
}
