#include <math.h>

#include "base/mem.h"
#include "base/openmp.h"
#include "base/parallel.h"
#include "math/product.h"
#include "math/vec.h"
#include "ops/op.h"
#include "ops/ops.h"
#include "ops/ordered_sum.h"

/* Work is cut into tiles of query rows. Of the T x T matrices only a tile's part (rows x T each)
 * exists, and it stays in L2 between the products; but of P, where the forward pass keeps it for the
 * others (attention_saved_floats), all of it. Formulas, with c = 1/sqrt(D), A o B the elementwise
 * product and rs(.) the sum of a row:
 *
 *   S = c Q K^T                       P = softmax(S)                  Y = P V
 *   Sd = c (Qd K^T + Q Kd^T)          Pd = P o (Sd - rs(P o Sd))      Yd = Pd V + P Vd
 *   lP = lY V^T                       lS = P o (lP - rs(P o lP))
 *   mP = mY V^T + lY Vd^T
 *   mS = P o (mP - rs(P o mP) - rs(Pd o lP)) + Pd o (lP - rs(P o lP))
 *   mQ = c (mS K + lS Kd)             mK = c (mS^T Q + lS^T Qd)       mV = P^T mY + Pd^T lY
 *
 * with mY = dy, lY = ly in backward2; backward is the same without l and the tangents.
 *
 * A head is worked on in steps: its keys and values are packed once; then for each tile, first its
 * rows (P, mS, dQ: a row needs no other row), then, in the reverse passes, the keys (dK, dV: a key
 * sums over the tile's rows). Within a step rows, keys and packs do not touch each other. With many
 * heads each thread takes whole ones; with few, all threads share every step. The bits are the
 * same. */

/* Rows of a tile, a function of T alone: the order of sums over rows depends on it. */
enum { TILE_FLOATS = 32 << 10, LEAST_ROWS = 28, MOST_ROWS = 112 };

static int tile_rows(const AttentionDims *d)
{
    int rows = TILE_FLOATS / d->T;
    rows = rows < LEAST_ROWS ? LEAST_ROWS : rows > MOST_ROWS ? MOST_ROWS : rows;
    return rows < d->T ? rows : d->T;
}

/* Floats from row to row of a tile: an odd number of cache lines, so that a column's elements do
 * not compete for the same places in L1. */
static int tile_stride(const AttentionDims *d)
{
    return ((d->T + 15) / 16 | 1) * 16;
}

enum { MATRICES = 4 /* P, Pd, lS, mS: what backward2 holds at once */ };
/* Packed operands of a head: with the keys as columns (transposed), or as rows. */
enum { K_COLUMNS, KDOT_COLUMNS, V_COLUMNS, VDOT_COLUMNS, ROWS_A, ROWS_B, PACKS };

/* Where the scratch of one thread has what, and the tile that it works on. */
typedef struct {
    float *p, *pd, *ls, *ms; /* [rows, stride] */
    float *pack[PACKS];
    float *product; /* for the products of a tile */
    size_t head;    /* where the head begins in q, k, v, y */
    int row, rows;  /* the tile's first row, and how many */
} Room;

static size_t pack_floats(const AttentionDims *d, int pack)
{
    return pack < ROWS_A ? product_packed_floats(d->T, d->D) : product_packed_floats(d->D, d->T);
}

static size_t matrix_floats(const AttentionDims *d)
{
    return (size_t)tile_rows(d) * (size_t)tile_stride(d);
}

static size_t room_floats(const AttentionDims *d)
{
    size_t packs = 4 * pack_floats(d, K_COLUMNS) + 2 * pack_floats(d, ROWS_A);
    size_t product = product_scratch_here_floats(d->D, tile_rows(d));
    return MATRICES * matrix_floats(d) + packs + mem_whole_lines(product);
}

static size_t attention_scratch_floats(const void *dims, int threads)
{
    return (size_t)threads * (room_floats(dims) + ORDERED_SUM_ALIGN);
}

/* The inputs. */
enum { Q, K, V };

/* A pass and its steps. */
typedef struct Pass Pass;
struct Pass {
    const OpCall *c; /* saved: P of every head [N*heads, T, tile_stride], or NULL */
    AttentionDims d;
    const float *packed[PACKS];
    bool softmax; /* P is made here, not found in saved */
    int stride;   /* floats from a row of q, k, v, y to the next */
    float scale;
    /* Rows first .. last-1 of the tile; then keys first .. last-1 (NULL where there is nothing to do). */
    void (*rows)(const Pass *p, const Room *r, int first, int last);
    void (*keys)(const Pass *p, const Room *r, int first, int last);
};

static Pass pass_start(const OpCall *c)
{
    const AttentionDims *d = c->dims;
    return (Pass){.c = c,
                  .d = *d,
                  .softmax = !c->saved,
                  .stride = d->heads * d->D,
                  .scale = (float)(1.0 / sqrt((double)d->D))};
}

/* Where row i of the head lies in q, k, v, y. */
static size_t row_at(const Pass *p, const Room *r, int i)
{
    return r->head + (size_t)i * (size_t)p->stride;
}

static float *matrix_row(const Pass *p, float *matrix, int row)
{
    return matrix + (size_t)row * (size_t)tile_stride(&p->d);
}

static float *thread_scratch(const Pass *p, int thread)
{
    size_t floats = room_floats(&p->d) + ORDERED_SUM_ALIGN;
    return ordered_sum_align(p->c->scratch + (size_t)thread * floats);
}

/* The calling thread's, with the operands of a head packed (`unit` counts heads within images); `shared`: the
 * matrices are those of all threads. */
static Room room_open(const Pass *p, long unit, bool shared)
{
    size_t matrix = matrix_floats(&p->d);
    float *own = thread_scratch(p, parallel_thread()), *at = shared ? thread_scratch(p, 0) : own;
    Room r = {.p = at, .pd = at + matrix, .ls = at + 2 * matrix, .ms = at + 3 * matrix};
    size_t heads = (size_t)p->d.heads, image = (size_t)unit / heads, head = (size_t)unit % heads;
    r.head = (image * (size_t)p->d.T * heads + head) * (size_t)p->d.D;
    own += MATRICES * matrix;
    for (int i = 0; i < PACKS; i++) {
        bool columns = i < ROWS_A;
        Product b = {.N = columns ? p->d.T : p->d.D, .K = columns ? p->d.D : p->d.T};
        b.image_rows = p->d.T, b.ldb = p->stride, b.transpose_b = columns;
        r.pack[i] = own;
        own += pack_floats(&p->d, i);
        if (!p->packed[i]) continue;
        b.b = p->packed[i] + r.head;
        product_pack_here(&b, r.pack[i]);
    }
    r.product = own;
    return r;
}

/* out [rows,T] = factor a keys^T + beta out, with rows of a tile. */
static void rows_times_keys(const Pass *p, float *out, float factor, const float *a, int rows,
                            const float *keys, float beta)
{
    Product m = {.M = rows, .N = p->d.T, .K = p->d.D, .alpha = factor, .beta = beta};
    m.image_rows = p->d.T, m.transpose_b = true;
    m.a = a, m.lda = p->stride, m.packed = keys;
    m.d = m.c = out, m.ldd = m.ldc = tile_stride(&p->d);
    product_run_here(&m, NULL);
}

/* out [rows,D] = factor s keys + beta out, with s of a tile. */
static void mix_keys(const Pass *p, float *out, float factor, const float *s, int rows,
                     const float *keys, float beta)
{
    Product m = {.M = rows, .N = p->d.D, .K = p->d.T, .alpha = factor, .beta = beta};
    m.image_rows = p->d.T;
    m.a = s, m.lda = tile_stride(&p->d), m.packed = keys;
    m.d = m.c = out, m.ldd = m.ldc = p->stride;
    product_run_here(&m, NULL);
}

/* What the rows of a tile contribute to the keys: out [keys,D] = factor s^T a + beta out, with out
 * and s from the first key on. */
static void give_to_keys(const Pass *p, const Room *r, float *out, int keys, float factor,
                         const float *s, const float *a, float beta)
{
    Product m = {.M = keys, .N = p->d.D, .K = r->rows, .alpha = factor, .beta = beta};
    m.a = s, m.lda = tile_stride(&p->d), m.transpose_a = true;
    m.b = a, m.ldb = p->stride;
    m.d = m.c = out, m.ldd = m.ldc = p->stride;
    product_run_here(&m, r->product);
}

/* The factor of the old values in the first product for dq, dk or dv. The cotangent of a
 * query is made in one product; those of the keys are sums over tiles. */
static float kept(const Pass *p, const Room *r, int input)
{
    bool first = input == Q || r->row == 0;
    return first && (p->c->set >> input & 1) ? 0 : 1;
}

/* ---- Row by row ---- */

static void softmax_rows(const Pass *p, const Room *r, int first, int last)
{
    if (!p->softmax) return;
    const float *q = p->c->x[Q] + row_at(p, r, r->row + first);
    rows_times_keys(p, matrix_row(p, r->p, first), 1, q, last - first, r->pack[K_COLUMNS], 0);
    for (int i = first; i < last; i++)
        vec->softmax(matrix_row(p, r->p, i), p->scale, (size_t)p->d.T);
}

/* u = P o (u - rs(P o u)) in place. The Jacobian of softmax is symmetric, so this serves tangents
 * and cotangents. */
static void softmax_jacobian_rows(const Pass *p, const Room *r, float *u, int first, int last)
{
    size_t T = (size_t)p->d.T;
    for (int i = first; i < last; i++) {
        const float *weight = matrix_row(p, r->p, i);
        float *row = matrix_row(p, u, i);
        float mean = (float)vec->dot(weight, row, T);
        for (size_t j = 0; j < T; j++) row[j] = weight[j] * (row[j] - mean);
    }
}

static void softmax_tangent_rows(const Pass *p, const Room *r, int first, int last)
{
    size_t at = row_at(p, r, r->row + first);
    float *pd = matrix_row(p, r->pd, first);
    rows_times_keys(p, pd, p->scale, p->c->xdot[Q] + at, last - first, r->pack[K_COLUMNS], 0);
    rows_times_keys(p, pd, p->scale, p->c->x[Q] + at, last - first, r->pack[KDOT_COLUMNS], 1);
    softmax_jacobian_rows(p, r, r->pd, first, last);
}

/* ls: lP -> lS, ms: mP -> mS, by the formulas above. */
static void second_order_rows(const Pass *p, const Room *r, int first, int last)
{
    size_t T = (size_t)p->d.T;
    for (int i = first; i < last; i++) {
        const float *weight = matrix_row(p, r->p, i), *dot = matrix_row(p, r->pd, i);
        float *l = matrix_row(p, r->ls, i), *m = matrix_row(p, r->ms, i);
        float l_mean = (float)vec->dot(weight, l, T);
        float m_mean = (float)(vec->dot(weight, m, T) + vec->dot(dot, l, T));
        for (size_t j = 0; j < T; j++) {
            float centred = l[j] - l_mean;
            m[j] = weight[j] * (m[j] - m_mean) + dot[j] * centred;
            l[j] = weight[j] * centred;
        }
    }
}

/* ---- Running a pass ---- */

/* The part of n that share s of `shares` takes. */
static int share_begin(int n, int s, int shares)
{
    return (int)((long)n * s / shares);
}

/* One of `shares` threads that work on a head. Each packs its own operands (fetching what another core
 * has just written takes longer) and keeps its rows to itself, unless the keys need all rows. */
static void run_head(const Pass *p, long unit, int share, int shares)
{
    int T = p->d.T, most = tile_rows(&p->d);
    bool wait = p->keys && shares > 1;
    Room r = room_open(p, unit, wait);
    for (; r.row < T; r.row += most) {
        r.rows = T - r.row < most ? T - r.row : most;
        size_t before = (size_t)unit * (size_t)T + (size_t)r.row;
        if (p->c->saved) r.p = p->c->saved + before * (size_t)tile_stride(&p->d);
        p->rows(p, &r, share_begin(r.rows, share, shares), share_begin(r.rows, share + 1, shares));
        if (!p->keys) continue;
        if (wait) {
#pragma omp barrier
        }
        p->keys(p, &r, share_begin(T, share, shares), share_begin(T, share + 1, shares));
        if (wait) {
#pragma omp barrier
        }
    }
}

static void run_pass(const Pass *p)
{
    long heads = (long)p->d.N * p->d.heads;
    int threads = parallel_threads();
    bool even = heads % threads == 0 || heads >= 4 * threads;
    bool small = product_is_small(p->d.T, p->d.T, 2 * p->d.D);
    if (!even && !small && !product_follows_shape()) {
#pragma omp parallel num_threads(parallel_threads())
        for (long head = 0; head < heads; head++)
            run_head(p, head, omp_get_thread_num(), omp_get_num_threads());
        return;
    }
#pragma omp parallel for num_threads(parallel_threads()) schedule(dynamic) if (heads > 1)
    for (long head = 0; head < heads; head++) run_head(p, head, 0, 1);
}

/* ---- The passes. A pass of the second order has the terms of what the first is not given ---- */

static size_t attention_saved_floats(const void *dims)
{
    const AttentionDims *d = dims;
    if (d->T > 2 * d->D) return 0;
    return (size_t)d->N * (size_t)d->heads * (size_t)d->T * (size_t)tile_stride(d);
}

static void forward_rows(const Pass *p, const Room *r, int first, int last)
{
    const OpCall *c = p->c;
    size_t at = row_at(p, r, r->row + first);
    int rows = last - first;
    float *weights = matrix_row(p, r->p, first);
    softmax_rows(p, r, first, last);
    if (c->y) {
        mix_keys(p, c->y + at, 1, weights, rows, r->pack[ROWS_A], 0);
        return;
    }
    softmax_tangent_rows(p, r, first, last);
    mix_keys(p, c->ydot + at, 1, matrix_row(p, r->pd, first), rows, r->pack[ROWS_A], 0);
    mix_keys(p, c->ydot + at, 1, weights, rows, r->pack[ROWS_B], 1);
}

/* Also the tangent, where y is NULL. */
static void attention_forward(const OpCall *c)
{
    Pass p = pass_start(c);
    p.softmax = c->y || !c->saved;
    p.packed[K_COLUMNS] = c->x[K], p.packed[KDOT_COLUMNS] = c->xdot[K];
    p.packed[ROWS_A] = c->x[V], p.packed[ROWS_B] = c->xdot[V];
    p.rows = forward_rows;
    run_pass(&p);
}

static void backward_rows(const Pass *p, const Room *r, int first, int last)
{
    const OpCall *c = p->c;
    size_t at = row_at(p, r, r->row + first);
    int rows = last - first;
    softmax_rows(p, r, first, last);
    if (c->ly) softmax_tangent_rows(p, r, first, last);
    if (!c->dx[Q] && !c->dx[K]) return;
    float *ls = matrix_row(p, r->ls, first), *ms = matrix_row(p, r->ms, first);
    rows_times_keys(p, ms, 1, c->dy + at, rows, r->pack[V_COLUMNS], 0);
    if (c->ly) {
        rows_times_keys(p, ls, 1, c->ly + at, rows, r->pack[V_COLUMNS], 0);
        rows_times_keys(p, ms, 1, c->ly + at, rows, r->pack[VDOT_COLUMNS], 1);
        second_order_rows(p, r, first, last);
    } else {
        softmax_jacobian_rows(p, r, r->ms, first, last);
    }
    if (!c->dx[Q]) return;
    mix_keys(p, c->dx[Q] + at, p->scale, ms, rows, r->pack[ROWS_A], kept(p, r, Q));
    if (c->ly) mix_keys(p, c->dx[Q] + at, p->scale, ls, rows, r->pack[ROWS_B], 1);
}

static void backward_keys(const Pass *p, const Room *r, int first, int last)
{
    const OpCall *c = p->c;
    size_t from = row_at(p, r, r->row), to = row_at(p, r, first);
    int keys = last - first;
    if (c->dx[V]) {
        float *dv = c->dx[V] + to;
        give_to_keys(p, r, dv, keys, 1, r->p + first, c->dy + from, kept(p, r, V));
        if (c->ly) give_to_keys(p, r, dv, keys, 1, r->pd + first, c->ly + from, 1);
    }
    if (!c->dx[K]) return;
    float *dk = c->dx[K] + to;
    give_to_keys(p, r, dk, keys, p->scale, r->ms + first, c->x[Q] + from, kept(p, r, K));
    if (c->ly) give_to_keys(p, r, dk, keys, p->scale, r->ls + first, c->xdot[Q] + from, 1);
}

/* Also backward2: ly and the tangents are NULL in the first order. */
static void attention_backward(const OpCall *c)
{
    Pass p = pass_start(c);
    if (p.softmax || c->ly) p.packed[K_COLUMNS] = c->x[K];
    p.packed[KDOT_COLUMNS] = c->xdot[K];
    if (c->dx[Q] || c->dx[K]) p.packed[V_COLUMNS] = c->x[V], p.packed[VDOT_COLUMNS] = c->xdot[V];
    if (c->dx[Q]) p.packed[ROWS_A] = c->x[K], p.packed[ROWS_B] = c->xdot[K];
    p.rows = backward_rows;
    p.keys = c->dx[K] || c->dx[V] ? backward_keys : NULL;
    run_pass(&p);
}

static double attention_flop(const void *dims)
{
    const AttentionDims *d = dims;
    return 4.0 * d->T * d->T * d->heads * d->D;
}

const Op op_attention = {.name = "attention",
                         .dims_bytes = sizeof(AttentionDims),
                         .forward = attention_forward,
                         .backward = attention_backward,
                         .tangent = attention_forward,
                         .backward2 = attention_backward,
                         .scratch_floats = attention_scratch_floats,
                         .saved_floats = attention_saved_floats,
                         .saved_for_later = true,
                         .flop = attention_flop,
                         .reads = OP_X0 | OP_X1 | OP_X2,
                         .overwrites = OP_X0 | OP_X1 | OP_X2};
