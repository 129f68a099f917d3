/* The gradients of one update, summed along a fixed binary tree, so that the bits of the sum depend on the
 * shape of the update alone: not on threads, nor on how many processes share the blocks.
 *
 *   passes   0 1 | 2 3 | 4 5 | 6 7       in order, those of a block added one after the other
 *   blocks    A     B     C     D        a power of two: 2, 4 and 8 processes can take equal shares
 *   sum        (A + B)  +  (C + D)
 *
 * A group of neighbouring blocks is computed side by side, each in a buffer of its own; then the group is
 * summed, and its sum joins those of earlier groups as a binary counter carries. So `together` +
 * log2(blocks / together) buffers are enough for any number of blocks. */
#ifndef DIFFC_GRADIENT_TREE_H
#define DIFFC_GRADIENT_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Blocks of an update at most, and bytes that the buffers after the first may take where fewer do. */
enum { GRADIENT_BLOCKS = 8, GRADIENT_BYTES = 192 << 20 };

typedef struct {
    size_t floats;   /* of a block */
    int blocks;      /* of an update */
    int together;    /* blocks of a group; divides blocks */
    int buffers;     /* together + log2(blocks / together) */
    float **buffer;  /* [buffers][floats]; the sum ends in the first */
    int groups_done; /* of the running update */
    int held;        /* buffers with sums of earlier groups; those of the running group follow */
} GradientTree;

/* The blocks of an update of so many passes: the largest power of two that is at most `passes` and
 * GRADIENT_BLOCKS. */
int gradient_blocks(int passes);
/* The first pass of a block; block = blocks gives `passes`. */
int gradient_first_pass(int passes, int blocks, int block);

/* How many of so many blocks are computed together: as many as GRADIENT_BYTES allow, or as the smallest number of
 * buffers does. */
int gradient_together(size_t floats, int blocks);

/* Zeroed buffers for `blocks` blocks; gradient_together of them at once. A process
 * that shares an update with others has a tree of its own blocks. ERR_MEMORY; the tree is then empty. */
bool gradient_tree_open(GradientTree *tree, size_t floats, int blocks, Err *err);
void gradient_tree_close(GradientTree *tree);

/* Where block i of the running group, 0 .. together-1, adds its gradients. */
float *gradient_tree_block(const GradientTree *tree, int i);
/* Whether the running group is the update's last. */
bool gradient_tree_is_last(const GradientTree *tree);
/* Sums floats at .. at+count-1 of the running group and of the groups that it completes, and zeroes
 * what was added. Ranges are independent of each other. */
void gradient_tree_sum(const GradientTree *tree, size_t at, size_t count);
/* After gradient_tree_sum of the whole group: the next group runs. */
void gradient_tree_next(GradientTree *tree);

#endif
