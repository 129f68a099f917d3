/* Speed of the Winograd convolution: forward, data gradient, weight gradient and the preparing of
 * weights, in GFLOP/s of the direct form (2 * 9 C K a pixel) and as a multiple of the peak of
 * multiply-adds measured beside it: on a shared machine only that ratio means something.
 *
 *   conv_bench [--batch N] [--threads N] [--samples N] [C K H]...      (W = H) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "math/vec.h"
#include "ops/winograd.h"
#include "peak.h"

enum { MOST_SAMPLES = 99, MOST_SHAPES = 64 };

typedef struct {
    int C, K, H;
} Shape;

static Shape shapes[MOST_SHAPES] = {
    {32, 32, 32},   {64, 64, 16},  {64, 64, 8},    {96, 32, 32},   {128, 64, 16},  {64, 64, 32},
    {128, 128, 16}, {128, 128, 8}, {192, 64, 32},  {256, 128, 16}, {128, 128, 32}, {256, 256, 16},
    {256, 256, 8},  {256, 256, 4}, {384, 128, 32}, {512, 256, 16}, {16, 16, 28},   {32, 32, 28},
    {32, 32, 14},   {64, 64, 14},  {64, 64, 7},
};
static int shape_count = 21, batch = 16, samples = 15;

typedef struct {
    Conv2dDims d;
    float *x, *y, *w, *u, *v, *dx, *dw, *scratch;
} Layer;

static void run_forward(const Layer *l)
{
    winograd_convolve(&l->d, false, (WinogradOutput){.y = l->y}, (WinogradInput){l->x, false}, l->u,
                      (WinogradMemory){.scratch = l->scratch});
}

static void run_data(const Layer *l)
{
    winograd_convolve(&l->d, true, (WinogradOutput){.y = l->dx, .add = true},
                      (WinogradInput){l->y, false}, l->v, (WinogradMemory){.scratch = l->scratch});
}

static void run_weights(const Layer *l)
{
    winograd_backward_weights(&l->d, l->dw, (WinogradInput){l->x, false}, l->y, l->scratch);
}

static void run_pack(const Layer *l)
{
    winograd_pack(&l->d, l->u, l->w, false);
    winograd_pack(&l->d, l->v, l->w, true);
}

static int order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *t)
{
    qsort(t, (size_t)samples, sizeof *t, order);
    return t[samples / 2];
}

static void fill(float *x, size_t n)
{
    unsigned state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) / (float)(1 << 23) - 1;
    }
}

/* The four kinds of work and the peak take turns, so that all see the same machine. */
static void measure(const Layer *l)
{
    static void (*const run[4])(const Layer *) = {run_forward, run_data, run_weights, run_pack};
    double t[4][MOST_SAMPLES], peak[MOST_SAMPLES], pixels = (double)l->d.N * l->d.H * l->d.W;
    double work = 2.0 * 9 * l->d.C * l->d.K * pixels * 1e-9, least[4];
    int rounds[4];
    for (int i = 0; i < 4; i++) {
        run[i](l);
        double begin = clock_seconds();
        run[i](l);
        rounds[i] = (int)(0.004 / (clock_seconds() - begin)) + 1;
    }
    for (int s = 0; s < samples; s++) {
        peak[s] = -peak_once() * 1e-9;
        for (int i = 0; i < 4; i++) {
            double begin = clock_seconds();
            for (int r = 0; r < rounds[i]; r++) run[i](l);
            t[i][s] = (clock_seconds() - begin) / rounds[i];
        }
    }
    double top = -median(peak);
    printf("%4d %4d %3d  %6.0f  ", l->d.C, l->d.K, l->d.H, top);
    for (int i = 0; i < 3; i++) {
        double middle = median(t[i]);
        least[i] = t[i][0];
        printf("%6.0f %5.2f (%4.2f)  ", work / middle, work / middle / top,
               work / least[i] / -peak[0]);
    }
    printf("%8.3f\n", median(t[3]) * 1e3);
    fflush(stdout);
}

static void bench(Shape s)
{
    Layer l = {.d = {batch, s.H, s.H, s.C, s.K, 3, 3, 1, 1, 1, 1, 1}};
    size_t pixels = (size_t)batch * (size_t)(s.H * s.H), nx = pixels * (size_t)s.C;
    size_t ny = pixels * (size_t)s.K, nw = 9 * (size_t)s.C * (size_t)s.K;
    size_t nu = winograd_packed_floats(&l.d);
    l.x = mem_floats(nx), l.y = mem_floats(ny), l.w = mem_floats(nw), l.u = mem_floats(nu);
    l.v = mem_floats(nu), l.dx = mem_floats(nx), l.dw = mem_floats(nw);
    l.scratch = mem_floats(winograd_scratch_floats(&l.d, parallel_threads()));
    if (!l.x || !l.y || !l.w || !l.u || !l.v || !l.dx || !l.dw || !l.scratch) {
        fprintf(stderr, "conv_bench: not enough memory for %d %d %d\n", s.C, s.K, s.H);
        exit(1);
    }
    fill(l.x, nx), fill(l.w, nw);
    winograd_pack(&l.d, l.u, l.w, false);
    winograd_pack(&l.d, l.v, l.w, true);
    measure(&l);
    mem_free(l.x), mem_free(l.y), mem_free(l.w), mem_free(l.u), mem_free(l.v), mem_free(l.dx);
    mem_free(l.dw), mem_free(l.scratch);
}

int main(int argc, char **argv)
{
    int threads = 0, given = 0;
    if (!vec_init(NULL)) return 2;
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (more && strcmp(argv[i], "--batch") == 0)
            batch = atoi(argv[++i]);
        else if (more && strcmp(argv[i], "--threads") == 0)
            threads = atoi(argv[++i]);
        else if (more && strcmp(argv[i], "--samples") == 0)
            samples = atoi(argv[++i]);
        else if (i + 2 < argc && given < MOST_SHAPES) {
            shapes[given++] = (Shape){atoi(argv[i]), atoi(argv[i + 1]), atoi(argv[i + 2])};
            i += 2;
        }
    }
    if (given) shape_count = given;
    if (samples < 1 || samples > MOST_SAMPLES) samples = 15;
    parallel_set_threads(threads);
    printf("%s, batch %d, %d threads, GFLOP/s of the direct form, times peak (best of each)\n",
           vec_level(), batch, parallel_threads());
    printf("   C    K   H    peak     forward             data gradient       weight gradient     "
           "prepare both, ms\n");
    for (int i = 0; i < shape_count; i++) bench(shapes[i]);
    return 0;
}
