#include "train/gradient_tree.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "math/vec.h"

int gradient_blocks(int passes)
{
    int blocks = 1;
    while (2 * blocks <= passes && 2 * blocks <= GRADIENT_BLOCKS) blocks *= 2;
    return blocks;
}

int gradient_first_pass(int passes, int blocks, int block)
{
    return (int)((int64_t)passes * block / blocks);
}

static int buffers_for(int blocks, int together)
{
    int buffers = together;
    for (int groups = blocks / together; groups > 1; groups /= 2) buffers++;
    return buffers;
}

int gradient_together(size_t floats, int blocks)
{
    const size_t most = GRADIENT_BYTES / (floats * sizeof(float));
    int together = blocks, least = buffers_for(blocks, 1);
    while (together > 1 && buffers_for(blocks, together) > least &&
           (size_t)buffers_for(blocks, together) - 1 > most)
        together /= 2;
    return together;
}

bool gradient_tree_open(GradientTree *tree, size_t floats, int blocks, Err *err)
{
    CHECK(blocks >= 1 && (blocks & (blocks - 1)) == 0 && floats > 0);
    int together = gradient_together(floats, blocks);
    *tree = (GradientTree){.floats = floats,
                           .blocks = blocks,
                           .together = together,
                           .buffers = buffers_for(blocks, together)};
    tree->buffer = mem_alloc((size_t)tree->buffers, sizeof *tree->buffer);
    bool ok = tree->buffer != NULL;
    for (int i = 0; i < tree->buffers && ok; i++)
        ok = (tree->buffer[i] = mem_floats(floats)) != NULL;
    if (ok) return true;
    size_t mib = (size_t)tree->buffers * floats * sizeof(float) >> 20;
    int buffers = tree->buffers;
    gradient_tree_close(tree);
    return err_set(err, ERR_MEMORY, "not enough memory for %d blocks of gradients (%zu MiB)",
                   buffers, mib);
}

void gradient_tree_close(GradientTree *tree)
{
    for (int i = 0; tree->buffer && i < tree->buffers; i++) mem_free(tree->buffer[i]);
    mem_free(tree->buffer);
    memset(tree, 0, sizeof *tree);
}

float *gradient_tree_block(const GradientTree *tree, int i)
{
    CHECK(i < tree->together);
    return tree->buffer[tree->held + i];
}

bool gradient_tree_is_last(const GradientTree *tree)
{
    return tree->groups_done + 1 == tree->blocks / tree->together;
}

static void move_into(float *sum, float *part, size_t count)
{
    vec_accumulate(sum, part, count);
    memset(part, 0, count * sizeof *part);
}

/* How many held sums the running group completes, one carry each. */
static int carries(const GradientTree *tree)
{
    int count = 0;
    for (int groups = tree->groups_done + 1; groups % 2 == 0; groups /= 2) count++;
    return count;
}

void gradient_tree_sum(const GradientTree *tree, size_t at, size_t count)
{
    float *const *group = tree->buffer + tree->held;
    for (int step = 1; step < tree->together; step *= 2)
        for (int i = 0; i < tree->together; i += 2 * step)
            move_into(group[i] + at, group[i + step] + at, count);
    for (int i = 0; i < carries(tree); i++) move_into(group[-i - 1] + at, group[-i] + at, count);
}

void gradient_tree_next(GradientTree *tree)
{
    bool last = gradient_tree_is_last(tree);
    tree->held = last ? 0 : tree->held + 1 - carries(tree);
    tree->groups_done = last ? 0 : tree->groups_done + 1;
}
