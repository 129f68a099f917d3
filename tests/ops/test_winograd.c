#include "winograd_case.h"

static void expect_accurate_pass(Pass pass, const char *what)
{
    FOR_LAYERS(i, SIZES, sizes)
    {
        Layer l = layer_make(sizes[i]);
        double *exact = reference(&l, pass);
        size_t n = pass == FORWARD ? l.ny : pass == DATA ? l.nx : l.nw;
        float *start = test_random(n, 4, 1), *y = test_random(n, 4, 1);
        layer_room(&l);
        if (pass == FORWARD) {
            memset(y, 0xff, n * sizeof *y);
            start = NULL;
            forward(&l, (WinogradOutput){.y = y});
        }
        if (pass == DATA) backward_data(&l, y, false);
        if (pass == WEIGHTS) backward_weights(&l, y);
        expect_accurate(y, start, exact, n, sizes[i], what);
        free(exact);
    }
}

TEST(winograd_forward_is_exact_to_2e_5_of_the_rms)
{
    expect_accurate_pass(FORWARD, "forward");
}

TEST(winograd_data_gradient_is_exact_to_2e_5_of_the_rms_and_is_added)
{
    expect_accurate_pass(DATA, "data gradient");
}

TEST(winograd_weight_gradient_is_exact_to_2e_5_of_the_rms_and_is_added)
{
    expect_accurate_pass(WEIGHTS, "weight gradient");
}

/* <dy, conv(x, w)> = <dx, x> = <dw, w>: ties the three passes together without a reference. */
TEST(winograd_gradients_are_the_adjoints_of_forward)
{
    FOR_LAYERS(i, SIZES, sizes)
    {
        Layer l = layer_make(sizes[i]);
        layer_room(&l);
        float *y = test_floats(l.ny), *dx = test_floats(l.nx), *dw = test_floats(l.nw);
        forward(&l, (WinogradOutput){.y = y});
        backward_data(&l, dx, false);
        backward_weights(&l, dw);
        double size = sqrt(test_dot(y, y, l.ny) * test_dot(l.dy, l.dy, l.ny));
        EXPECT_NEAR(test_dot(dx, l.x, l.nx) / size, test_dot(y, l.dy, l.ny) / size, 1e-6);
        EXPECT_NEAR(test_dot(dw, l.w, l.nw) / size, test_dot(y, l.dy, l.ny) / size, 1e-6);
    }
}

TEST(winograd_of_an_upsampled_tensor_is_that_of_upsampling_before)
{
    static const Size from[] = {
        {2, 8, 12, 16, 24}, {1, 10, 6, 20, 9}, {2, 4, 4, 16, 16}, {1, 6, 2, 8, 32}};
    for (int i = 0; i < 4; i++) {
        Layer l = layer_make(from[i]);
        ResampleDims half = {from[i].N, from[i].H / 2, from[i].W / 2, from[i].C};
        float *small = test_random(l.nx / 4, 6, 1);
        for (size_t p = 0; p < l.nx / (size_t)half.C; p++) {
            size_t w = p % (size_t)l.d.W, h = p / (size_t)l.d.W % (size_t)l.d.H;
            size_t n = p / (size_t)(l.d.W * l.d.H);
            size_t q = (n * (size_t)half.H + h / 2) * (size_t)half.W + w / 2;
            memcpy(l.x + p * (size_t)half.C, small + q * (size_t)half.C,
                   (size_t)half.C * sizeof *small);
        }
        double *wide = reference(&l, DATA), *exact = calloc(l.nx / 4, sizeof *exact);
        for (size_t p = 0; p < l.nx; p++) {
            size_t c = p % (size_t)half.C, w = p / (size_t)half.C % (size_t)l.d.W;
            size_t row = p / (size_t)(half.C * l.d.W), h = row % (size_t)l.d.H;
            size_t q = (row / (size_t)l.d.H * (size_t)half.H + h / 2) * (size_t)half.W + w / 2;
            exact[q * (size_t)half.C + c] += wide[p];
        }
        layer_room(&l);
        float *y = test_floats(l.ny), *y2 = test_floats(l.ny), *dw = test_floats(l.nw);
        float *dw2 = test_floats(l.nw), *dx = test_random(l.nx / 4, 7, 1);
        float *start = test_random(l.nx / 4, 7, 1);
        forward(&l, (WinogradOutput){.y = y});
        WinogradInput x = {small, true};
        winograd_convolve(&l.d, false, (WinogradOutput){.y = y2}, x, l.u,
                          (WinogradMemory){.scratch = l.scratch});
        EXPECT_SAME(y2, y, l.ny * sizeof *y);
        backward_weights(&l, dw);
        winograd_backward_weights(&l.d, dw2, x, l.dy, l.scratch);
        EXPECT_SAME(dw2, dw, l.nw * sizeof *dw);
        backward_data(&l, dx, true);
        expect_accurate(dx, start, exact, l.nx / 4, from[i], "upsampled data gradient");
        free(wide), free(exact);
    }
}

TEST(winograd_adds_bias_shift_and_residual_and_makes_sums)
{
    FOR_LAYERS(i, SIZES, sizes)
    {
        Layer l = layer_make(sizes[i]);
        size_t K = (size_t)sizes[i].K, image = l.ny / (size_t)sizes[i].N;
        float *bias = test_random(K, 8, 1), *shift = test_random(l.ny / image * K, 9, 1);
        float *residual = test_random(l.ny, 10, 1), *y = test_floats(l.ny);
        double *exact = reference(&l, FORWARD);
        double *sums = malloc((size_t)sizes[i].N * 2 * K * sizeof *sums);
        for (size_t j = 0; j < l.ny; j++)
            exact[j] +=
                (double)bias[j % K] + (double)shift[j / image * K + j % K] + (double)residual[j];
        layer_room(&l);
        memcpy(y, residual, l.ny * sizeof *y);
        forward(&l, (WinogradOutput){
                        .y = y, .bias = bias, .shift = shift, .residual = y, .sums = sums});
        expect_accurate(y, NULL, exact, l.ny, sizes[i], "sum");
        for (size_t j = 0; j < (size_t)sizes[i].N * K; j++) {
            double sum = 0, squares = 0;
            const float *at = y + j / K * image + j % K;
            for (size_t t = 0; t < image; t += K)
                sum += (double)at[t], squares += (double)at[t] * (double)at[t];
            EXPECT_NEAR(sums[(j / K * 2) * K + j % K], sum,
                        1e-6 * sqrt(squares * (double)image / (double)K));
            EXPECT_NEAR(sums[(j / K * 2 + 1) * K + j % K], squares, 1e-6 * squares);
        }
        free(exact), free(sums);
    }
}

TEST(winograd_serves_3x3_with_stride_one_even_padding_and_enough_channels)
{
    Conv2dDims d = dims_of((Size){1, 8, 8, 16, 16});
    EXPECT(winograd_serves(&d));
    Conv2dDims other = d;
    other.stride = 2;
    EXPECT(!winograd_serves(&other));
    other = d, other.R = 1, other.S = 1;
    EXPECT(!winograd_serves(&other));
    other = d, other.pad_top = 0;
    EXPECT(!winograd_serves(&other));
    other = d, other.pad_right = 2;
    EXPECT(!winograd_serves(&other));
    other = d, other.pad_top = other.pad_bottom = other.pad_left = other.pad_right = 0;
    EXPECT(winograd_serves(&other));
    other.H = 2;
    EXPECT(!winograd_serves(&other));
    other = d, other.pad_top = other.pad_bottom = other.pad_left = other.pad_right = 2;
    EXPECT(!winograd_serves(&other));
    other = d, other.C = 3;
    EXPECT(!winograd_serves(&other));
    other = d, other.K = 1;
    EXPECT(!winograd_serves(&other));
    for (int N = 1; N < 100; N *= 3) {
        other = d, other.N = N;
        EXPECT(winograd_serves(&other));
    }
}
