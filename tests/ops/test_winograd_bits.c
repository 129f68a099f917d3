/* Winograd's convolution: the same bits whatever the threads, the batch and the memory, and nothing written beside. */
#include "winograd_case.h"

/* ---- Determinism ---- */

/* All results of one layer, end to end. */
typedef struct {
    float *y, *dx, *dw;
    double *sums;
} Results;

static Results run_all(Layer *l)
{
    size_t sums = (size_t)l->d.N * 2 * (size_t)l->d.K;
    Results r = {test_floats(l->ny), test_floats(l->nx), test_floats(l->nw),
                 (double *)(void *)test_floats(2 * sums)};
    layer_room(l);
    forward(l, (WinogradOutput){.y = r.y, .sums = r.sums});
    backward_data(l, r.dx, false);
    backward_weights(l, r.dw);
    return r;
}

TEST(winograd_gives_the_same_bits_for_any_number_of_threads)
{
    static const Size many[] = {{1, 8, 8, 64, 64},   {1, 16, 16, 32, 128}, {1, 32, 32, 16, 16},
                                {9, 8, 8, 48, 80},   {3, 32, 32, 16, 32},  {2, 4, 4, 32, 272},
                                {5, 28, 28, 16, 16}, {1, 9, 70, 9, 17}};
    FOR_LAYERS(i, 8, many)
    {
        Layer l = layer_make(many[i]);
        Results one = {0};
        FOR_THREADS(threads)
        {
            Results r = run_all(&l);
            if (!one.y) one = r;
            EXPECT_SAME(r.y, one.y, l.ny * sizeof *r.y);
            EXPECT_SAME(r.dx, one.dx, l.nx * sizeof *r.dx);
            EXPECT_SAME(r.dw, one.dw, l.nw * sizeof *r.dw);
            EXPECT_SAME(r.sums, one.sums, (size_t)(l.d.N * 2 * l.d.K) * sizeof *r.sums);
            (void)threads;
        }
    }
}

/* Every image of the batch alone, against itself in the batch. */
static void expect_same_alone(Size many)
{
    Layer l = layer_make(many);
    Results all = run_all(&l);
    size_t K = (size_t)many.K, N = (size_t)many.N;
    for (size_t n = 0; n < N; n++) {
        Layer one = layer_make((Size){1, many.H, many.W, many.C, many.K});
        memcpy(one.x, l.x + n * one.nx, one.nx * sizeof *one.x);
        memcpy(one.dy, l.dy + n * one.ny, one.ny * sizeof *one.dy);
        Results r = run_all(&one);
        EXPECT_SAME(r.y, all.y + n * one.ny, one.ny * sizeof *r.y);
        EXPECT_SAME(r.dx, all.dx + n * one.nx, one.nx * sizeof *r.dx);
        EXPECT_SAME(r.sums, all.sums + n * 2 * K, 2 * K * sizeof *r.sums);
    }
}

TEST(winograd_gives_an_image_the_same_bits_in_any_batch)
{
    static const Size many[] = {{5, 8, 8, 32, 48}, {3, 16, 16, 16, 64}, {4, 32, 32, 16, 16},
                                {7, 4, 4, 32, 32}, {6, 7, 7, 24, 40},   {3, 28, 28, 16, 16}};
    FOR_LAYERS(i, 6, many) expect_same_alone(many[i]);
}

/* An image alone has so few tiles here that its weights are transformed in each pass, stretch by
 * stretch of the channels; those of the batch are transformed before. */
TEST(winograd_weights_transformed_late_give_the_bits_of_those_transformed_before)
{
    static const Size many[] = {{3, 8, 8, 200, 40}, {3, 8, 8, 32, 17}, {3, 4, 4, 300, 40},
                                {3, 7, 6, 129, 72}, {9, 2, 2, 20, 64}, {3, 8, 8, 40, 260}};
    if (vec_uses_blas()) return; /* its bits follow the shape of a product */
    for (int i = 0; i < 6; i++) {
        Conv2dDims all = dims_of(many[i]), one = all;
        one.N = 1;
        EXPECT(winograd_packed_floats(&one) < winograd_packed_floats(&all));
        expect_same_alone(many[i]);
    }
}

/* ---- Memory ---- */

enum { GUARD = 64 };
static float *guarded(size_t n)
{
    float *p = malloc((n + 2 * GUARD) * sizeof *p);
    memset(p, 0xa5, (n + 2 * GUARD) * sizeof *p);
    return p + GUARD;
}

static void expect_guards(float *p, size_t n)
{
    const unsigned char *before = (const unsigned char *)(p - GUARD);
    const unsigned char *after = (const unsigned char *)(p + n);
    bool whole = true;
    for (size_t i = 0; i < GUARD * sizeof *p; i++)
        whole = whole && before[i] == 0xa5 && after[i] == 0xa5;
    EXPECT(whole);
    free(p - GUARD);
}

/* A network gives each thread a room (op.h); these tests otherwise give scratch alone. */
TEST(winograd_in_rooms_has_the_same_bits_and_stays_in_them)
{
    FOR_THREADS(threads)
    {
        FOR_LAYERS(i, SIZES, sizes)
        {
            if (threads != 3 && i % 2 == 1) continue;
            Layer l = layer_make(sizes[i]);
            layer_room(&l);
            size_t room = winograd_room_floats(&l.d), sums = (size_t)(l.d.N * 2 * l.d.K);
            size_t rooms = room * (size_t)parallel_threads();
            float *y = test_floats(l.ny), *y2 = test_floats(l.ny), *dx = test_floats(l.nx),
                  *dx2 = test_floats(l.nx), *s = test_floats(2 * sums), *s2 = test_floats(2 * sums);
            WinogradOutput out = {.y = y2, .sums = (double *)(void *)s2};
            WinogradMemory memory = {l.scratch, guarded(rooms), room};
            forward(&l, (WinogradOutput){.y = y, .sums = (double *)(void *)s});
            winograd_convolve(&l.d, false, out, (WinogradInput){l.x, false}, l.u, memory);
            EXPECT_SAME(y2, y, l.ny * sizeof *y);
            EXPECT_SAME(s2, s, 2 * sums * sizeof *s);
            backward_data(&l, dx, false);
            out = (WinogradOutput){.y = dx2, .add = true};
            winograd_convolve(&l.d, true, out, (WinogradInput){l.dy, false}, l.u, memory);
            EXPECT_SAME(dx2, dx, l.nx * sizeof *dx);
            expect_guards(memory.rooms, rooms);
        }
    }
}

TEST(winograd_writes_nothing_beside_its_outputs_and_scratch)
{
    FOR_THREADS(threads)
    {
        FOR_LAYERS(i, SIZES, sizes)
        {
            if (threads != 3 && i % 2 == 1) continue;
            Layer l = layer_make(sizes[i]);
            size_t nu = winograd_packed_floats(&l.d),
                   ns = winograd_scratch_floats(&l.d, parallel_threads());
            size_t sums = (size_t)(l.d.N * 2 * l.d.K);
            float *y = guarded(l.ny);
            l.u = guarded(nu), l.scratch = guarded(ns);
            float *dx = guarded(l.nx), *dw = guarded(l.nw), *s = guarded(sums * 2);
            forward(&l, (WinogradOutput){.y = y, .sums = (double *)(void *)s});
            backward_data(&l, dx, false);
            backward_weights(&l, dw);
            expect_guards(l.u, nu), expect_guards(l.scratch, ns), expect_guards(y, l.ny);
            expect_guards(dx, l.nx), expect_guards(dw, l.nw), expect_guards(s, sums * 2);
        }
    }
}

TEST(winograd_keeps_a_nan_in_its_image_and_lets_it_reach_every_output_it_should)
{
    Layer l = layer_make((Size){3, 8, 8, 16, 16});
    layer_room(&l);
    float *y = test_floats(l.ny);
    size_t image = l.ny / 3;
    l.x[l.nx / 3 + (3 * 8 + 3) * 16 + 5] = NAN; /* image 1, row 3, column 3 */
    forward(&l, (WinogradOutput){.y = y});
    for (size_t i = 0; i < l.ny; i++) {
        bool near = i / image == 1;
        size_t row = i % image / (8 * 16), column = i / 16 % 8;
        if (!near) EXPECT(!isnan(y[i]));
        if (near && row >= 2 && row <= 4 && column >= 2 && column <= 4) EXPECT(isnan(y[i]));
    }
}
