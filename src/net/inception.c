/* Inception v3 (Szegedy et al. 2016) as it serves the Frechet distance: the variant of Heusel et al. (2017),
 * whose mean pools do not count their padding and whose last block has a max pool instead. */
#include <stdio.h>

#include "net/networks.h"

/* A block whose convolutions are named NAME.branch... */
typedef struct {
    Net *net;
    const char *name;
} Block;

/* A convolution of R x S pixels and ReLU. */
static int window(Block b, int x, const char *branch, int K, WindowOptions o)
{
    char name[PARAM_NAME_BYTES];
    snprintf(name, sizeof name, "%s%s%s", b.name, branch[0] ? "." : "", branch);
    return net_relu(b.net, net_conv2d_window(b.net, x, K, o, name));
}

static int conv(Block b, int x, const char *branch, int K, int R, int S)
{
    return window(b, x, branch, K, (WindowOptions){R, S, 1, true});
}

/* To half the height and width. */
static int conv_down(Block b, int x, const char *branch, int K)
{
    return window(b, x, branch, K, (WindowOptions){3, 3, 2, false});
}

static int max_down(Block b, int x)
{
    return net_maxpool(b.net, x, (WindowOptions){3, 3, 2, false});
}

static int mean_and_conv(Block b, int x, int K)
{
    int mean = net_meanpool(b.net, x, (WindowOptions){3, 3, 1, true});
    return conv(b, mean, "branch_pool", K, 1, 1);
}

static int concat(Block b, const int *branches, int count)
{
    int y = branches[0];
    for (int i = 1; i < count; i++) y = net_concat(b.net, y, branches[i]);
    return y;
}

static int block_a(Block b, int x, int pooled)
{
    int one = conv(b, x, "branch1x1", 64, 1, 1);
    int five = conv(b, x, "branch5x5_1", 48, 1, 1);
    five = conv(b, five, "branch5x5_2", 64, 5, 5);
    int three = conv(b, x, "branch3x3dbl_1", 64, 1, 1);
    three = conv(b, three, "branch3x3dbl_2", 96, 3, 3);
    three = conv(b, three, "branch3x3dbl_3", 96, 3, 3);
    return concat(b, (int[]){one, five, three, mean_and_conv(b, x, pooled)}, 4);
}

static int block_b(Block b, int x)
{
    int three = conv_down(b, x, "branch3x3", 384);
    int twice = conv(b, x, "branch3x3dbl_1", 64, 1, 1);
    twice = conv(b, twice, "branch3x3dbl_2", 96, 3, 3);
    twice = conv_down(b, twice, "branch3x3dbl_3", 96);
    return concat(b, (int[]){three, twice, max_down(b, x)}, 3);
}

/* K: channels between the convolutions of seven pixels. */
static int block_c(Block b, int x, int K)
{
    int one = conv(b, x, "branch1x1", 192, 1, 1);
    int seven = conv(b, x, "branch7x7_1", K, 1, 1);
    seven = conv(b, seven, "branch7x7_2", K, 1, 7);
    seven = conv(b, seven, "branch7x7_3", 192, 7, 1);
    int twice = conv(b, x, "branch7x7dbl_1", K, 1, 1);
    twice = conv(b, twice, "branch7x7dbl_2", K, 7, 1);
    twice = conv(b, twice, "branch7x7dbl_3", K, 1, 7);
    twice = conv(b, twice, "branch7x7dbl_4", K, 7, 1);
    twice = conv(b, twice, "branch7x7dbl_5", 192, 1, 7);
    return concat(b, (int[]){one, seven, twice, mean_and_conv(b, x, 192)}, 4);
}

static int block_d(Block b, int x)
{
    int three = conv(b, x, "branch3x3_1", 192, 1, 1);
    three = conv_down(b, three, "branch3x3_2", 320);
    int seven = conv(b, x, "branch7x7x3_1", 192, 1, 1);
    seven = conv(b, seven, "branch7x7x3_2", 192, 1, 7);
    seven = conv(b, seven, "branch7x7x3_3", 192, 7, 1);
    seven = conv_down(b, seven, "branch7x7x3_4", 192);
    return concat(b, (int[]){three, seven, max_down(b, x)}, 3);
}

static int block_e(Block b, int x, int pooled)
{
    int one = conv(b, x, "branch1x1", 320, 1, 1);
    int three = conv(b, x, "branch3x3_1", 384, 1, 1);
    int three_a = conv(b, three, "branch3x3_2a", 384, 1, 3);
    int three_b = conv(b, three, "branch3x3_2b", 384, 3, 1);
    int twice = conv(b, x, "branch3x3dbl_1", 448, 1, 1);
    twice = conv(b, twice, "branch3x3dbl_2", 384, 3, 3);
    int twice_a = conv(b, twice, "branch3x3dbl_3a", 384, 1, 3);
    int twice_b = conv(b, twice, "branch3x3dbl_3b", 384, 3, 1);
    pooled = conv(b, pooled, "branch_pool", 192, 1, 1);
    return concat(b, (int[]){one, three_a, three_b, twice_a, twice_b, pooled}, 6);
}

/* 299x299x3 -> 35x35x192 */
static int stem(Net *net, int x)
{
    const WindowOptions unpadded = {3, 3, 1, false};
    x = conv_down((Block){net, "Conv2d_1a_3x3"}, x, "", 32);
    x = window((Block){net, "Conv2d_2a_3x3"}, x, "", 32, unpadded);
    x = conv((Block){net, "Conv2d_2b_3x3"}, x, "", 64, 3, 3);
    x = max_down((Block){net, ""}, x);
    x = conv((Block){net, "Conv2d_3b_1x1"}, x, "", 80, 1, 1);
    x = window((Block){net, "Conv2d_4a_3x3"}, x, "", 192, unpadded);
    return max_down((Block){net, ""}, x);
}

int inception_declare(Net *net, int x)
{
    CHECK(net_shape(net, x).C == 3);
    x = stem(net, x);
    x = block_a((Block){net, "Mixed_5b"}, x, 32);
    x = block_a((Block){net, "Mixed_5c"}, x, 64);
    x = block_a((Block){net, "Mixed_5d"}, x, 64);
    x = block_b((Block){net, "Mixed_6a"}, x);
    x = block_c((Block){net, "Mixed_6b"}, x, 128);
    x = block_c((Block){net, "Mixed_6c"}, x, 160);
    x = block_c((Block){net, "Mixed_6d"}, x, 160);
    x = block_c((Block){net, "Mixed_6e"}, x, 192);
    x = block_d((Block){net, "Mixed_7a"}, x);
    x = block_e((Block){net, "Mixed_7b"}, x, net_meanpool(net, x, (WindowOptions){3, 3, 1, true}));
    x = block_e((Block){net, "Mixed_7c"}, x, net_maxpool(net, x, (WindowOptions){3, 3, 1, true}));
    Shape s = net_shape(net, x);
    return net_meanpool(net, x, (WindowOptions){s.H, s.W, 1, false});
}
