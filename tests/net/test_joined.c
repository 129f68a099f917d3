/* A concat that sampling reads in its halves. */
#include "base/mem.h"
#include "base/parallel.h"
#include "math/vec.h"
#include "net_case.h"

/* The first of the two reads makes the cotangent, the second adds to it. */
TEST(both_halves_of_a_concat_of_a_node_with_itself_reach_it)
{
    enum { PIXELS = 2 * 4 * 4, CHANNELS = 3 };
    NetCase k;
    Net *net = case_new(&k, 2, NULL);
    int x = net_input(net, 4, 4, CHANNELS, true), h = net_affine(net, x, 2.0f, 0);
    int y = net_concat(net, h, h);
    case_plan(&k, y, NET_TRAIN);
    test_normals(net_value(net, x), (size_t)PIXELS * CHANNELS, 1, 1);
    for (int turn = 0; turn < 2; turn++) { /* the second finds what the first left */
        net_forward(net, NULL);
        float *dy = net_gradient(net, y);
        test_normals(dy, (size_t)PIXELS * 2 * CHANNELS, 2, 1);
        net_backward(net, NULL, NULL);
        const float *dx = net_gradient(net, x);
        for (int i = 0; i < PIXELS; i++)
            for (int c = 0; c < CHANNELS; c++) {
                const float *pair = dy + 2 * CHANNELS * i + c;
                EXPECT_NEAR((double)dx[CHANNELS * i + c],
                            2 * ((double)pair[0] + (double)pair[CHANNELS]), 1e-5);
            }
    }
    case_end(&k);
}

/* A concat whose readers are a norm and a linear layer, or one more that wants it whole; `given`:
 * both halves bring the norm's sums with them. */
enum { JOIN_N = 3, JOIN_SIDE = 8, JOIN_B = 40 };
static void joined_declare(NetCase *c, int channels_a, bool given, bool whole)
{
    Net *net = case_new(c, JOIN_N, NULL);
    ConvOptions same = {3, 1, 1, 1, false};
    c->x = net_input(net, JOIN_SIDE, JOIN_SIDE, 16, false);
    int a = net_conv2d(net, c->x, channels_a, &same, "a");
    int b = given ? net_conv2d(net, c->x, JOIN_B, &same, "b")
                  : net_linear(net, c->x, JOIN_B, false, "b");
    int joined = net_concat(net, a, b);
    int norm = net_groupnorm(net, joined, 8, 1e-6f, true, "norm");
    c->y = net_add(net, net_linear(net, joined, channels_a + JOIN_B, false, "linear"), norm);
    if (whole) c->y = net_add(net, c->y, joined);
    net_set_output(net, c->y);
}

/* Plans, and the output of one forward pass in *y; returns how many concats were made. */
static int joined_run(NetCase *c, NetMode mode, float **y)
{
    case_begin(c, mode);
    *y = test_copy(case_forward(c, c->weights), c->y_floats);
    return case_nodes(c, "concat");
}

/* The same, from the declaration on. */
static int joined_halves(int channels_a, NetMode mode, bool given, bool whole, float **y,
                         size_t *bytes)
{
    NetCase c;
    joined_declare(&c, channels_a, given, whole);
    int concats = joined_run(&c, mode, y);
    *bytes = net_plan_bytes(c.net, mode, parallel_threads());
    case_end(&c);
    return concats;
}

/* Two ways to one result that differ in the shapes of their products, which the bits of a BLAS follow. */
static void expect_same_floats(const float *y, const float *expected, size_t n)
{
    if (vec_uses_blas())
        EXPECT_CLOSE(y, expected, n, 1e-5);
    else
        EXPECT_SAME(y, expected, n * sizeof *y);
}

TEST(sampling_reads_a_concat_in_its_halves_with_the_bits_of_training)
{
    const size_t floats = JOIN_N * JOIN_SIDE * JOIN_SIDE * (16 + JOIN_B);
    for (int given = 0; given < 2; given++) {
        size_t bytes[2], unused;
        float *y[2];
        for (int whole = 0; whole < 2; whole++) {
            EXPECT_INT(joined_halves(16, NET_TRAIN, given, whole, &y[0], &unused), 1);
            EXPECT_INT(joined_halves(16, NET_INFER, given, whole, &y[1], &bytes[whole]), whole);
            expect_same_floats(y[0], y[1], floats);
        }
        EXPECT(bytes[0] + floats * sizeof(float) <= bytes[1]);
    }
}

TEST(sampling_makes_a_concat_whose_first_half_is_no_whole_vectors)
{
    static const int channels[] = {8, 24, 40};
    for (int i = 0; i < 6; i++) {
        int given = i % 2, C = channels[i / 2];
        size_t floats = JOIN_N * JOIN_SIDE * JOIN_SIDE * (size_t)(C + JOIN_B), unused;
        float *y[2];
        joined_halves(C, NET_TRAIN, given, false, &y[0], &unused);
        EXPECT_INT(joined_halves(C, NET_INFER, given, false, &y[1], &unused), 1);
        EXPECT_SAME(y[0], y[1], floats * sizeof *y[0]);
    }
}

TEST(halves_are_joined_again_where_something_goes_back)
{
    static const NetMode modes[] = {NET_INFER, NET_TRAIN, NET_INFER, NET_INFER, NET_TRAIN};
    for (int given = 0; given < 2; given++) {
        NetCase c;
        joined_declare(&c, 16, given, false);
        float *y[2];
        for (int i = 0; i < 5; i++) {
            EXPECT_INT(joined_run(&c, modes[i], &y[i > 0]), modes[i] == NET_TRAIN);
            if (i > 0) expect_same_floats(y[1], y[0], c.y_floats);
        }
        case_end(&c);
    }
}

/* Its reader is not needed for the output. */
TEST(a_concat_that_is_the_output_is_made)
{
    NetCase c;
    joined_declare(&c, 16, true, false);
    c.y = net_concat(c.net, c.y, net_affine(c.net, c.y, 3, 0));
    EXPECT(net_groupnorm(c.net, c.y, 8, 1e-6f, true, "unread") > c.y);
    net_set_output(c.net, c.y);
    float *y[2];
    EXPECT_INT(joined_run(&c, NET_TRAIN, &y[0]), 2);
    EXPECT_INT(joined_run(&c, NET_INFER, &y[1]), 1);
    expect_same_floats(y[0], y[1], c.y_floats);
    for (int i = 0; i < 56; i++) EXPECT_NEAR((double)y[1][56 + i], 3 * (double)y[1][i], 1e-5);
    case_end(&c);
}
