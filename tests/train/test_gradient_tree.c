/* The sum of gradient blocks along a binary tree. */

#include "test.h"
#include "train/gradient_tree.h"

enum { N = 1000 };

/* The definition: the halves of the range, summed on their own, and added. */
static float tree_sum(float (*blocks)[N], int first, int count, int at)
{
    if (count == 1) return blocks[first][at];
    return tree_sum(blocks, first, count / 2, at) +
           tree_sum(blocks, first + count / 2, count / 2, at);
}

/* `together` is forced, as a larger network would have it. */
static void check(int blocks, int together)
{
    static float block[GRADIENT_BLOCKS][N];
    GradientTree tree;
    Err err = {0};
    float want[N];
    if (!EXPECT(gradient_tree_open(&tree, N, blocks, &err))) return;
    EXPECT_INT(tree.together, blocks);
    EXPECT_INT(tree.buffers, blocks);
    tree.together = together;
    for (int update = 0; update < 2; update++) {
        for (int b = 0; b < blocks; b++)
            test_normals(block[b], N, 100 * (unsigned)update + (unsigned)b, 1);
        for (int i = 0; i < N; i++) want[i] = tree_sum(block, 0, blocks, i);
        for (int b = 0; b < blocks; b++) {
            memcpy(gradient_tree_block(&tree, b % together), block[b], sizeof block[b]);
            if (b % together != together - 1) continue;
            EXPECT(gradient_tree_is_last(&tree) == (b == blocks - 1));
            gradient_tree_sum(&tree, 0, N / 2);
            gradient_tree_sum(&tree, N / 2, N - N / 2);
            gradient_tree_next(&tree);
        }
        EXPECT_SAME(tree.buffer[0], want, sizeof want);
        memset(tree.buffer[0], 0, sizeof want);
        for (int b = 0; b < tree.buffers; b++)
            for (int i = 0; i < N; i++) EXPECT(tree.buffer[b][i] == 0);
    }
    gradient_tree_close(&tree);
}

TEST(the_sum_has_the_bits_of_the_tree_however_many_blocks_are_computed_together)
{
    for (int blocks = 1; blocks <= GRADIENT_BLOCKS; blocks *= 2)
        for (int together = 1; together <= blocks; together *= 2) check(blocks, together);
}

/* What 2, 4 and 8 processes would do: each sums its share, and the shares are summed along the tree. */
TEST(shares_that_are_summed_apart_give_the_bits_of_one_sum)
{
    static float block[GRADIENT_BLOCKS][N], share[GRADIENT_BLOCKS][N];
    for (int b = 0; b < GRADIENT_BLOCKS; b++) test_normals(block[b], N, (unsigned)b, 1);
    for (int processes = 2; processes <= GRADIENT_BLOCKS; processes *= 2)
        for (int i = 0; i < N; i++) {
            int each = GRADIENT_BLOCKS / processes;
            for (int p = 0; p < processes; p++) share[p][i] = tree_sum(block, p * each, each, i);
            EXPECT(tree_sum(share, 0, processes, i) == tree_sum(block, 0, GRADIENT_BLOCKS, i));
        }
}

TEST(blocks_are_a_power_of_two_and_share_the_passes_in_order)
{
    static const int blocks[][2] = {{1, 1}, {2, 2}, {3, 2}, {4, 4}, {7, 4}, {8, 8}, {100, 8}};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        int passes = blocks[i][0], count = gradient_blocks(passes), before = 0;
        EXPECT_INT(count, blocks[i][1]);
        for (int b = 1; b <= count; b++) {
            int next = gradient_first_pass(passes, count, b), share = next - before;
            EXPECT(share == passes / count || share == passes / count + 1);
            before = next;
        }
        EXPECT_INT(before, passes);
    }
}

/* Floats of a block, and what becomes of 8 blocks: from 13 million on the fewest buffers there are. */
TEST(a_large_network_computes_fewer_blocks_together_in_fewer_buffers)
{
    static const struct {
        size_t floats;
        int together, buffers;
    } rows[] = {{1 << 20, 8, 8}, {7 << 20, 4, 5}, {12 << 20, 4, 5}, {16 << 20, 2, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        GradientTree tree;
        Err err = {0};
        if (!EXPECT(gradient_tree_open(&tree, rows[i].floats, GRADIENT_BLOCKS, &err))) return;
        EXPECT_INT(tree.together, rows[i].together);
        EXPECT_INT(tree.buffers, rows[i].buffers);
        gradient_tree_close(&tree);
    }
}
