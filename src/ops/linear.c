/* Linear layer: y = x w + b, row by row.
 *   backward   dx += dy w^T     dw += x^T dy     db += sum of dy
 *   backward2  the same, and dw += xdot^T ly     (bilinear in x, w)
 *
 * The rows of all images are one matrix: a row's bits do not depend on what stands around it. */
#include <string.h>

#include "base/parallel.h"
#include "math/product.h"
#include "math/vec.h"
#include "ops/op.h"
#include "ops/ops.h"
#include "ops/ordered_sum.h"

/* Rows of x and dy that one product of the weight gradient takes: a panel of dy stays in L1, and
 * the rows of both in L2 beside the sums. */
enum { CHUNK_FLOATS = 64 << 10, LEAST_CHUNK = 64, MOST_CHUNK = 256 };

static size_t row_count(const LinearDims *d)
{
    return (size_t)d->N * (size_t)d->T;
}

static Product weights_forward(const LinearDims *d, const float *w)
{
    return (Product){.N = d->K, .K = d->C, .image_rows = d->T, .b = w, .ldb = d->K};
}

static Product weights_back(const LinearDims *d, const float *w)
{
    return (Product){
        .N = d->C, .K = d->K, .image_rows = d->T, .b = w, .ldb = d->K, .transpose_b = true};
}

static size_t linear_packed_floats(const void *dims)
{
    const LinearDims *d = dims;
    size_t forward = product_packed_floats(d->K, d->C), back = product_packed_floats(d->C, d->K);
    return forward > back ? forward : back;
}

static void linear_pack(const void *dims, float *packed, const float *w, bool back)
{
    Product p = back ? weights_back(dims, w) : weights_forward(dims, w);
    product_pack(&p, packed);
}

static void linear_forward(const OpCall *c)
{
    const LinearDims *d = c->dims;
    Product p = weights_forward(d, c->w);
    p.M = d->N * d->T, p.packed = c->packed, p.alpha = 1;
    p.a = c->x[0], p.lda = d->C;
    if (c->x[1]) {
        p.lda = p.K_a = c->channels_a;
        p.a_rest = c->x[1], p.lda_rest = d->C - c->channels_a;
    }
    p.bias = c->b;
    p.d = p.c = c->y, p.ldd = p.ldc = d->K;
    product_run(&p, c->scratch);
}

/* dx += dy w^T, or dx = dy w^T */
static void data_gradient(const OpCall *c)
{
    const LinearDims *d = c->dims;
    Product p = weights_back(d, c->w);
    p.M = d->N * d->T, p.packed = c->packed, p.alpha = 1, p.beta = c->set & 1 ? 0 : 1;
    p.a = c->dy, p.lda = d->K;
    p.d = p.c = c->dx[0], p.ldd = p.ldc = d->C;
    product_run(&p, c->scratch);
}

/* The weight gradient: the rows are cut into slots, each summed on its own, chunk by chunk. A unit
 * of work is one slot for one block of x's columns, which do not touch each other's sums. */
typedef struct {
    const LinearDims *d;
    const float *x, *dy;
    bool wants_b;
    int slots, blocks, chunk;
    size_t weights, packed;
    double *columns; /* [slots][K] */
    float *parts;    /* [slots][C,K]; dw itself where there is one slot */
    float *scratch;  /* [threads][packed] */
} Gradient;

static int gradient_slots(const LinearDims *d)
{
    return ordered_sum_slots(row_count(d), (size_t)d->C * (size_t)d->K);
}

static int gradient_chunk(const LinearDims *d)
{
    int rows = CHUNK_FLOATS / (d->C + d->K);
    if (rows < LEAST_CHUNK) rows = LEAST_CHUNK;
    return rows < MOST_CHUNK ? rows : MOST_CHUNK;
}

static size_t gradient_scratch_floats(const LinearDims *d, int threads)
{
    size_t slots = (size_t)gradient_slots(d), K = (size_t)d->K;
    return ORDERED_SUM_ALIGN + 2 * slots * K + (slots > 1 ? slots * (size_t)d->C * K : 0) +
           (size_t)threads * product_scratch_here_floats(d->K, gradient_chunk(d));
}

static size_t linear_scratch_floats(const void *dims, int threads)
{
    const LinearDims *d = dims;
    size_t forward = product_scratch_floats(d->K, d->C, threads);
    size_t back = product_scratch_floats(d->C, d->K, threads);
    size_t most = forward > back ? forward : back, gradient = gradient_scratch_floats(d, threads);
    return gradient > most ? gradient : most;
}

static Gradient gradient_start(const LinearDims *d, float *dw, bool wants_b, const float *dy,
                               const float *x, float *scratch)
{
    Gradient g = {.d = d, .x = x, .dy = dy, .wants_b = wants_b, .slots = gradient_slots(d)};
    int threads = parallel_threads();
    bool even = g.slots % threads == 0 || g.slots >= 4 * threads;
    g.blocks = even || !dw || d->C < 2 * threads || product_follows_shape() ? 1 : threads;
    g.chunk = gradient_chunk(d);
    g.weights = (size_t)d->C * (size_t)d->K;
    g.packed = product_scratch_here_floats(d->K, g.chunk);
    g.columns = (double *)(void *)ordered_sum_align(scratch);
    g.parts = (float *)(void *)(g.columns + (size_t)g.slots * (size_t)d->K);
    g.scratch = g.parts;
    if (g.slots == 1)
        g.parts = dw;
    else
        g.scratch += (size_t)g.slots * g.weights;
    return g;
}

static void gradient_unit(const Gradient *g, int slot, int block, bool wants_w)
{
    size_t rows = row_count(g->d), C = (size_t)g->d->C, K = (size_t)g->d->K;
    size_t begin = ordered_sum_begin(rows, g->slots, slot),
           end = ordered_sum_begin(rows, g->slots, slot + 1);
    int first = (int)((long)C * block / g->blocks), last = (int)((long)C * (block + 1) / g->blocks);
    double *sum = g->columns + (size_t)slot * K;
    bool wants_b = g->wants_b && block == 0;
    Product p = {.M = last - first, .N = g->d->K, .alpha = 1, .transpose_a = true};
    p.lda = g->d->C, p.ldb = p.ldc = p.ldd = g->d->K;
    if (wants_w) p.d = p.c = g->parts + (size_t)slot * g->weights + (size_t)first * K;
    if (wants_b) memset(sum, 0, K * sizeof *sum);
    for (size_t row = begin; row < end; row += (size_t)p.K) {
        p.K = end - row < (size_t)g->chunk ? (int)(end - row) : g->chunk;
        p.a = g->x + row * C + first;
        p.b = g->dy + row * K;
        p.beta = g->slots > 1 && row == begin ? 0 : 1;
        if (wants_b) vec->column_sums(sum, p.b, (size_t)p.K, K, K);
        if (wants_w) product_run_here(&p, g->scratch + (size_t)parallel_thread() * g->packed);
    }
}

/* dw += x^T dy, db += sum of dy; either may be NULL. */
static void parameter_gradient(const LinearDims *d, float *dw, float *db, const float *dy,
                               const float *x, float *scratch)
{
    Gradient g = gradient_start(d, dw, db != NULL, dy, x, scratch);
    bool alone = product_is_small(d->N * d->T, d->K, dw ? d->C : 1);
#pragma omp parallel for num_threads(parallel_threads()) schedule(dynamic) if (!alone)
    for (int unit = 0; unit < g.slots * g.blocks; unit++)
        gradient_unit(&g, unit / g.blocks, unit % g.blocks, dw != NULL);
    if (dw && g.slots > 1) ordered_sum_add(dw, g.parts, g.slots, g.weights);
    for (int k = 0; db && k < d->K; k++) {
        double sum = 0;
        for (int s = 0; s < g.slots; s++) sum += g.columns[(size_t)s * (size_t)d->K + (size_t)k];
        db[k] += (float)sum;
    }
}

static void linear_backward(const OpCall *c)
{
    if (c->dx[0]) data_gradient(c);
    if (c->dw || c->db) parameter_gradient(c->dims, c->dw, c->db, c->dy, c->x[0], c->scratch);
    if (c->dw && c->ly) parameter_gradient(c->dims, c->dw, NULL, c->ly, c->xdot[0], c->scratch);
}

static double linear_flop(const void *dims)
{
    const LinearDims *d = dims;
    return 2.0 * d->T * d->C * d->K;
}

const Op op_linear = {.name = "linear",
                      .dims_bytes = sizeof(LinearDims),
                      .forward = linear_forward,
                      .backward = linear_backward,
                      .backward2 = linear_backward,
                      .scratch_floats = linear_scratch_floats,
                      .flop = linear_flop,
                      .packed_floats = linear_packed_floats,
                      .pack = linear_pack,
                      .packs_back = true,
                      .reads = OP_X0,
                      .overwrites = OP_X0};
