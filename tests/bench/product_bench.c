/* Speed of matrix products, linear layers and attention, in GFLOP/s and as a multiple of the peak of
 * multiply-adds measured beside it: on a shared machine only that ratio means something.
 *
 *   product_bench [--threads N] [--samples N] [linear | attention]... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "ops/op.h"
#include "ops/ops.h"
#include "peak.h"

enum { MOST_SAMPLES = 99, MOST_WORKS = 4 };
static int samples = 15;

typedef struct {
    const char *name;
    void (*pass)(const OpCall *c);
    OpCall call;
    double flop;
} Work;

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

/* The works and the peak take turns, so that all see the same machine. */
static void measure(const char *title, const Work *work, int works)
{
    double t[MOST_WORKS][MOST_SAMPLES], peak[MOST_SAMPLES];
    int rounds[MOST_WORKS];
    for (int i = 0; i < works; i++) {
        work[i].pass(&work[i].call);
        double begin = clock_seconds();
        work[i].pass(&work[i].call);
        rounds[i] = (int)(0.004 / (clock_seconds() - begin)) + 1;
    }
    for (int s = 0; s < samples; s++) {
        peak[s] = peak_once() * 1e-9;
        for (int i = 0; i < works; i++) {
            double begin = clock_seconds();
            for (int r = 0; r < rounds[i]; r++) work[i].pass(&work[i].call);
            t[i][s] = (clock_seconds() - begin) / rounds[i];
        }
    }
    double top = median(peak);
    printf("%-22s %5.0f", title, top);
    for (int i = 0; i < works; i++) {
        double middle = median(t[i]), rate = work[i].flop * 1e-9 / middle;
        printf("  %s %8.1f us %5.0f %4.2f", work[i].name, middle * 1e6, rate, rate / top);
    }
    printf("\n");
    fflush(stdout);
}

static float *random_floats(size_t n)
{
    static unsigned state = 1;
    float *x = mem_floats(n);
    if (!x) {
        fprintf(stderr, "product_bench: not enough memory for %zu floats\n", n);
        exit(1);
    }
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) / (float)(1 << 23) - 1;
    }
    return x;
}

static float *scratch_of(const Op *op, const void *dims)
{
    return random_floats(op->scratch_floats(dims, parallel_threads()));
}

static void bench_linear(LinearDims d)
{
    size_t rows = (size_t)d.N * (size_t)d.T, nx = rows * (size_t)d.C, ny = rows * (size_t)d.K;
    size_t nw = (size_t)d.C * (size_t)d.K, k = (size_t)d.K;
    float *x = random_floats(nx), *y = random_floats(ny), *w = random_floats(nw);
    float *b = random_floats(k), *dx = random_floats(nx), *dw = random_floats(nw);
    float *db = random_floats(k), *scratch = scratch_of(&op_linear, &d);
    OpCall call = {.dims = &d, .x = {x}, .w = w, .b = b, .dy = y, .scratch = scratch};
    OpCall forward = call, inputs = call, weights = call;
    forward.y = y, inputs.dx[0] = dx, weights.dw = dw, weights.db = db;
    double flop = 2.0 * (double)rows * d.C * d.K;
    Work work[] = {{"y", op_linear.forward, forward, flop},
                   {"dx", op_linear.backward, inputs, flop},
                   {"dw db", op_linear.backward, weights, flop}};
    char title[64];
    snprintf(title, sizeof title, "%2d x %4d, %3d -> %3d", d.N, d.T, d.C, d.K);
    measure(title, work, 3);
    mem_free(x), mem_free(y), mem_free(w), mem_free(b), mem_free(dx), mem_free(dw);
    mem_free(db), mem_free(scratch);
}

static void bench_attention(AttentionDims d)
{
    size_t n = (size_t)d.N * (size_t)d.T * (size_t)d.heads * (size_t)d.D;
    size_t kept = op_attention.saved_floats(&d);
    float *x[7], *saved = kept ? random_floats(kept) : NULL;
    for (int i = 0; i < 7; i++) x[i] = random_floats(n);
    float *scratch = scratch_of(&op_attention, &d);
    OpCall call = {.dims = &d, .x = {x[0], x[1], x[2]}, .saved = saved, .scratch = scratch};
    OpCall forward = call, back = call;
    forward.y = x[3], back.dy = x[3];
    for (int i = 0; i < 3; i++) back.dx[i] = x[4 + i];
    double product = 2.0 * (double)n * d.T;
    Work work[] = {{"y", op_attention.forward, forward, 2 * product},
                   {"dq dk dv", op_attention.backward, back, (kept ? 4 : 5) * product}};
    char title[64];
    snprintf(title, sizeof title, "%2d x %4d, %2d x %3d", d.N, d.T, d.heads, d.D);
    measure(title, work, 2);
    for (int i = 0; i < 7; i++) mem_free(x[i]);
    mem_free(saved), mem_free(scratch);
}

static const LinearDims linears[] = {
    {1, 1, 128, 512},    {8, 1, 64, 256},     {8, 1, 256, 256},   {32, 1, 128, 128},
    {32, 1, 128, 64},    {32, 1, 512, 128},   {1, 64, 64, 64},    {1, 256, 128, 128},
    {1, 1024, 96, 32},   {32, 64, 64, 64},    {32, 64, 128, 64},  {8, 256, 128, 128},
    {32, 256, 128, 128}, {8, 1024, 128, 64},  {32, 1024, 96, 32}, {32, 1024, 32, 32},
    {8, 1024, 192, 64},  {16, 256, 256, 256}, {16, 64, 512, 512},
};
static const AttentionDims attentions[] = {
    {1, 64, 1, 64},  {32, 64, 1, 64}, {1, 256, 1, 128}, {8, 256, 1, 128},
    {8, 256, 4, 32}, {8, 49, 1, 64},  {1, 1024, 1, 64}, {4, 1024, 2, 64},
};

int main(int argc, char **argv)
{
    int threads = 0;
    bool linear = false, attention = false;
    if (!vec_init(NULL)) return 2;
    for (int i = 1; i < argc; i++) {
        if (i + 1 < argc && strcmp(argv[i], "--threads") == 0)
            threads = atoi(argv[++i]);
        else if (i + 1 < argc && strcmp(argv[i], "--samples") == 0)
            samples = atoi(argv[++i]);
        else if (strcmp(argv[i], "linear") == 0)
            linear = true;
        else if (strcmp(argv[i], "attention") == 0)
            attention = true;
    }
    if (samples < 1 || samples > MOST_SAMPLES) samples = 15;
    parallel_set_threads(threads);
    printf("%s, %d threads; then peak, and for each pass: time, GFLOP/s, times peak\n", vec_level(),
           parallel_threads());
    for (size_t i = 0; i < sizeof linears / sizeof *linears && (linear || !attention); i++)
        bench_linear(linears[i]);
    for (size_t i = 0; i < sizeof attentions / sizeof *attentions && (attention || !linear); i++)
        bench_attention(attentions[i]);
    return 0;
}
