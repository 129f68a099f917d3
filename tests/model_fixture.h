/* A small network's table with every kind of name, and files in the scratch folder: shared by the
 * tests of model folders. */
#ifndef DIFFC_TESTS_MODEL_FIXTURE_H
#define DIFFC_TESTS_MODEL_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "base/fsio.h"
#include "net/params.h"
#include "test.h"

enum { PARAMS = 9, BLOCK = 16 * 16 };
static ParamInfo params[PARAMS] = {
    {.name = "conv_in.weight",
     .rank = 4,
     .shape = {2, 1, 3, 3},
     .layout = LAYOUT_CONV,
     .count = 18},
    {.name = "conv_in.bias", .rank = 1, .shape = {2}, .count = 2},
    {.name = "time_proj.weight", .rank = 1, .shape = {2}, .count = 2},
    {.name = "down_blocks.0.attentions.0.to_q.weight",
     .rank = 2,
     .shape = {2, 3},
     .layout = LAYOUT_LINEAR,
     .count = 6},
    {.name = "down_blocks.0.attentions.0.to_k.bias", .rank = 1, .shape = {2}, .count = 2},
    {.name = "mid_block.attentions.0.to_v.weight",
     .rank = 2,
     .shape = {3, 3},
     .layout = LAYOUT_LINEAR,
     .count = 9},
    {.name = "up_blocks.1.attentions.2.to_out.0.weight",
     .rank = 2,
     .shape = {3, 2},
     .layout = LAYOUT_LINEAR,
     .count = 6},
    {.name = "down_blocks.0.downsamplers.0.conv.bias", .rank = 1, .shape = {3}, .count = 3},
    {.name = "up_blocks.0.upsamplers.0.conv.bias", .rank = 1, .shape = {4}, .count = 4},
};

static inline ParamTable make_table(void)
{
    ParamTable table = {.info = params, .count = PARAMS, .block_floats = BLOCK};
    size_t at = 0;
    for (int i = 0; i < PARAMS; i++) {
        params[i].offset = at;
        at += (params[i].count + 15) / 16 * 16;
        table.parameters += params[i].count;
    }
    return table;
}

static inline void fill_block(float block[BLOCK], const ParamTable *table, unsigned tag)
{
    memset(block, 0, BLOCK * sizeof *block);
    for (int i = 0; i < table->count; i++)
        test_normals(block + table->info[i].offset, table->info[i].count, tag + (unsigned)i, 1);
}

static inline const char *in_folder(const char *name)
{
    static char paths[4][PATH_BYTES];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, PATH_BYTES, "%.200s/%s", test_folder(), name);
    return path;
}

static inline void put(const char *name, const char *text)
{
    char folder[PATH_BYTES];
    snprintf(folder, sizeof folder, "%s", in_folder(name));
    *strrchr(folder, '/') = '\0';
    Err err = {0};
    if (!EXPECT(folder_make(folder, &err) && file_write(in_folder(name), text, strlen(text), &err)))
        printf("    %s\n", err.text);
}

#endif
