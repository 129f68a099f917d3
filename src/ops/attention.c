#include <math.h>

#include "base/mem.h"
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
 *   lQ = c lS K                       lK = c lS^T Q                   lV = P^T lY
 *   mP = mY V^T + lY Vd^T
 *   mS = P o (mP - rs(P o mP) - rs(Pd o lP)) + Pd o (lP - rs(P o lP))
 *   mQ = c (mS K + lS Kd)             mK = c (mS^T Q + lS^T Qd)       mV = P^T mY + Pd^T lY
 *
 * backward is the line of lP with dy in place of lY; backward2 the last three, with mY = dy, lY = ly.
 *
 * A head is worked on in steps: its keys and values are packed once; then for each tile, first its
 * rows (P, lS, dQ: a row needs no other row), then, in the reverse passes, the keys (dK, dV: a key
 * sums over the tile's rows). Within a step rows, keys and packs do not touch each other. With many
 * heads each thread takes whole ones; with few, all threads share every step. The bits are the
 * same. */

/* Rows of a tile, a function of T alone: the order of sums over rows depends on it. */
enum { TILE_FLOATS = 32 << 10, LEAST_ROWS = 28, MOST_ROWS = 112 };

static int tile_rows(const AttentionDims *d)
{
    int rows = TILE_FLOATS / (d->T > 0 ? d->T : 1);
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

/* Where the scratch of one thread has what. */
typedef struct {
    float *p, *pd, *ls, *ms; /* [rows, stride] */
    float *pack[PACKS];
    float *product; /* for the products of a tile */
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

static Room room_of(const AttentionDims *d, float *scratch, int thread)
{
    size_t matrix = matrix_floats(d);
    float *at = ordered_sum_align(scratch + (size_t)thread * (room_floats(d) + ORDERED_SUM_ALIGN));
    Room r = {.p = at, .pd = at + matrix, .ls = at + 2 * matrix, .ms = at + 3 * matrix};
    at += MATRICES * matrix;
    for (int i = 0; i < PACKS; i++) {
        r.pack[i] = at;
        at += pack_floats(d, i);
    }
    r.product = at;
    return r;
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
    /* Tile rows first .. last-1; then keys first .. last-1 (NULL where there is nothing to do).
     * `head` is the offset of the head's first row, `row` the number of the tile's first row. */
    void (*rows)(const Pass *p, const Room *r, size_t head, int row, int first, int last);
    void (*keys)(const Pass *p, const Room *r, size_t head, int row, int rows, int first, int last);
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

/* The start of a head of an image; `unit` counts heads within images. */
static size_t head_offset(const AttentionDims *d, long unit)
{
    size_t image = (size_t)(unit / d->heads), head = (size_t)(unit % d->heads);
    return (image * (size_t)d->T * (size_t)d->heads + head) * (size_t)d->D;
}

static size_t row_offset(const Pass *p, int row)
{
    return (size_t)row * (size_t)p->stride;
}

static float *matrix_row(const Pass *p, float *matrix, int row)
{
    return matrix + (size_t)row * (size_t)tile_stride(&p->d);
}

static void pack_operand(const Pass *p, const Room *r, size_t head, int pack)
{
    if (!p->packed[pack]) return;
    bool columns = pack < ROWS_A;
    Product b = {.N = columns ? p->d.T : p->d.D, .K = columns ? p->d.D : p->d.T};
    b.image_rows = p->d.T;
    b.b = p->packed[pack] + head, b.ldb = p->stride, b.transpose_b = columns;
    product_pack_here(&b, r->pack[pack]);
}

/* out [rows,T] = factor a keys^T + beta out, with rows of a tile. */
static void rows_times_keys(const Pass *p, float *out, float factor, const float *a, int rows,
                            const float *keys, float beta)
{
    int stride = tile_stride(&p->d);
    Product m = {.M = rows, .N = p->d.T, .K = p->d.D, .alpha = factor, .beta = beta};
    m.image_rows = p->d.T, m.transpose_b = true;
    m.a = a, m.lda = p->stride, m.packed = keys;
    m.d = m.c = out, m.ldd = m.ldc = stride;
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
static void give_to_keys(const Pass *p, float *out, int keys, float factor, const float *s,
                         const float *a, int rows, float beta, float *product)
{
    Product m = {.M = keys, .N = p->d.D, .K = rows, .alpha = factor, .beta = beta};
    m.a = s, m.lda = tile_stride(&p->d), m.transpose_a = true;
    m.b = a, m.ldb = p->stride;
    m.d = m.c = out, m.ldd = m.ldc = p->stride;
    product_run_here(&m, product);
}

/* The factor of the old values in the first product for dq (input 0), dk or dv. The cotangent of a
 * query is made in one product; those of the keys are sums over tiles. */
static float kept(const Pass *p, int input, int row)
{
    bool first = input == 0 || row == 0;
    return first && (p->c->set >> input & 1) ? 0 : 1;
}

/* ---- Row by row ---- */

static void softmax_rows(const Pass *p, const Room *r, size_t head, int row, int first, int last)
{
    if (!p->softmax) return;
    const float *q = p->c->x[Q] + head + row_offset(p, row + first);
    rows_times_keys(p, matrix_row(p, r->p, first), 1, q, last - first, r->pack[K_COLUMNS], 0);
    for (int i = first; i < last; i++)
        vec_softmax(matrix_row(p, r->p, i), p->scale, (size_t)p->d.T);
}

/* u = P o (u - rs(P o u)) in place. The Jacobian of softmax is symmetric, so this serves tangents
 * and cotangents. */
static void softmax_jacobian_rows(const Pass *p, const Room *r, float *u, int first, int last)
{
    size_t T = (size_t)p->d.T;
    for (int i = first; i < last; i++) {
        const float *weight = matrix_row(p, r->p, i);
        float *row = matrix_row(p, u, i);
        float mean = (float)vec_dot(weight, row, T);
        for (size_t j = 0; j < T; j++) row[j] = weight[j] * (row[j] - mean);
    }
}

static void softmax_tangent_rows(const Pass *p, const Room *r, size_t head, int row, int first,
                                 int last)
{
    size_t at = head + row_offset(p, row + first);
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
        float l_mean = (float)vec_dot(weight, l, T);
        float m_mean = (float)(vec_dot(weight, m, T) + vec_dot(dot, l, T));
        for (size_t j = 0; j < T; j++) {
            float centred = l[j] - l_mean;
            m[j] = weight[j] * (m[j] - m_mean) + dot[j] * centred;
            l[j] = weight[j] * centred;
        }
    }
}

/* ---- Running a pass ---- */

/* Where the tile from `row` on has its P. */
static float *tile_weights(const Pass *p, const Room *r, long unit, int row)
{
    size_t first = (size_t)unit * (size_t)p->d.T + (size_t)row;
    return p->c->saved ? p->c->saved + first * (size_t)tile_stride(&p->d) : r->p;
}

/* The part of n that share s of `shares` takes. */
static int share_begin(int n, int s, int shares)
{
    return (int)((long)n * s / shares);
}

/* All threads work on one head. Each packs its own operands (fetching what another core has just
 * written takes longer) and keeps its rows to itself, unless the keys need all rows. */
static void run_head_together(const Pass *p, long unit)
{
    size_t head = head_offset(&p->d, unit);
    int shares = parallel_threads(), T = p->d.T, most = tile_rows(&p->d);
#pragma omp parallel num_threads(parallel_threads())
    {
        const Room mine = room_of(&p->d, p->c->scratch, parallel_thread());
        Room all = mine;
        if (p->keys) {
            const Room first = room_of(&p->d, p->c->scratch, 0);
            all.p = first.p, all.pd = first.pd, all.ls = first.ls, all.ms = first.ms;
        }
        const Room room = all;
        for (int i = 0; i < PACKS; i++) pack_operand(p, &mine, head, i);
        for (int row = 0; row < T; row += most) {
            int rows = T - row < most ? T - row : most;
            all.p = tile_weights(p, &room, unit, row);
#pragma omp for schedule(static) nowait
            for (int s = 0; s < shares; s++) {
                int first = share_begin(rows, s, shares), last = share_begin(rows, s + 1, shares);
                p->rows(p, &all, head, row, first, last);
            }
            if (!p->keys) continue;
#pragma omp barrier
#pragma omp for schedule(static)
            for (int s = 0; s < shares; s++) {
                int first = share_begin(T, s, shares), last = share_begin(T, s + 1, shares);
                p->keys(p, &all, head, row, rows, first, last);
            }
        }
    }
}

static void run_head(const Pass *p, long unit)
{
    size_t head = head_offset(&p->d, unit);
    const Room mine = room_of(&p->d, p->c->scratch, parallel_thread());
    Room r = mine;
    int T = p->d.T, most = tile_rows(&p->d);
    for (int i = 0; i < PACKS; i++) pack_operand(p, &r, head, i);
    for (int row = 0; row < T; row += most) {
        int rows = T - row < most ? T - row : most;
        r.p = tile_weights(p, &mine, unit, row);
        p->rows(p, &r, head, row, 0, rows);
        if (p->keys) p->keys(p, &r, head, row, rows, 0, T);
    }
}

static void run_pass(const Pass *p)
{
    long heads = (long)p->d.N * p->d.heads;
    int threads = parallel_threads();
    bool even = heads % threads == 0 || heads >= 4 * threads;
    bool small = product_is_small(p->d.T, p->d.T, 2 * p->d.D);
    if (!even && !small && !product_follows_shape()) {
        for (long head = 0; head < heads; head++) run_head_together(p, head);
        return;
    }
#pragma omp parallel for num_threads(parallel_threads()) schedule(dynamic) if (heads > 1)
    for (long head = 0; head < heads; head++) run_head(p, head);
}

/* ---- The four passes ---- */

static void forward_rows(const Pass *p, const Room *r, size_t head, int row, int first, int last)
{
    size_t at = head + row_offset(p, row + first);
    softmax_rows(p, r, head, row, first, last);
    mix_keys(p, p->c->y + at, 1, matrix_row(p, r->p, first), last - first, r->pack[ROWS_A], 0);
}

static size_t attention_saved_floats(const void *dims)
{
    const AttentionDims *d = dims;
    if (d->T > 2 * d->D) return 0;
    return (size_t)d->N * (size_t)d->heads * (size_t)d->T * (size_t)tile_stride(d);
}

static void attention_forward(const OpCall *c)
{
    Pass p = pass_start(c);
    p.softmax = true;
    p.packed[K_COLUMNS] = c->x[K];
    p.packed[ROWS_A] = c->x[V];
    p.rows = forward_rows;
    run_pass(&p);
}

static void tangent_rows(const Pass *p, const Room *r, size_t head, int row, int first, int last)
{
    float *ydot = p->c->ydot + head + row_offset(p, row + first);
    int rows = last - first;
    softmax_rows(p, r, head, row, first, last);
    softmax_tangent_rows(p, r, head, row, first, last);
    mix_keys(p, ydot, 1, matrix_row(p, r->pd, first), rows, r->pack[ROWS_A], 0);
    mix_keys(p, ydot, 1, matrix_row(p, r->p, first), rows, r->pack[ROWS_B], 1);
}

static void attention_tangent(const OpCall *c)
{
    Pass p = pass_start(c);
    p.packed[K_COLUMNS] = c->x[K], p.packed[KDOT_COLUMNS] = c->xdot[K];
    p.packed[ROWS_A] = c->x[V], p.packed[ROWS_B] = c->xdot[V];
    p.rows = tangent_rows;
    run_pass(&p);
}

static void backward_rows(const Pass *p, const Room *r, size_t head, int row, int first, int last)
{
    const OpCall *c = p->c;
    size_t at = head + row_offset(p, row + first);
    int rows = last - first;
    softmax_rows(p, r, head, row, first, last);
    if (!c->dx[Q] && !c->dx[K]) return;
    float *ls = matrix_row(p, r->ls, first);
    rows_times_keys(p, ls, 1, c->dy + at, rows, r->pack[V_COLUMNS], 0);
    softmax_jacobian_rows(p, r, r->ls, first, last);
    if (c->dx[Q]) mix_keys(p, c->dx[Q] + at, p->scale, ls, rows, r->pack[ROWS_A], kept(p, Q, row));
}

static void backward_keys(const Pass *p, const Room *r, size_t head, int row, int rows, int first,
                          int last)
{
    const OpCall *c = p->c;
    size_t at = head + row_offset(p, row), to = head + row_offset(p, first);
    int keys = last - first;
    if (c->dx[V])
        give_to_keys(p, c->dx[V] + to, keys, 1, r->p + first, c->dy + at, rows, kept(p, V, row),
                     r->product);
    if (c->dx[K])
        give_to_keys(p, c->dx[K] + to, keys, p->scale, r->ls + first, c->x[Q] + at, rows,
                     kept(p, K, row), r->product);
}

static void attention_backward(const OpCall *c)
{
    Pass p = pass_start(c);
    if (p.softmax) p.packed[K_COLUMNS] = c->x[K];
    if (c->dx[Q] || c->dx[K]) p.packed[V_COLUMNS] = c->x[V];
    if (c->dx[Q]) p.packed[ROWS_A] = c->x[K];
    p.rows = backward_rows;
    p.keys = c->dx[K] || c->dx[V] ? backward_keys : NULL;
    run_pass(&p);
}

static void backward2_rows(const Pass *p, const Room *r, size_t head, int row, int first, int last)
{
    const OpCall *c = p->c;
    size_t at = head + row_offset(p, row + first);
    int rows = last - first;
    softmax_rows(p, r, head, row, first, last);
    softmax_tangent_rows(p, r, head, row, first, last);
    if (!c->dx[Q] && !c->dx[K]) return;
    float *ls = matrix_row(p, r->ls, first), *ms = matrix_row(p, r->ms, first);
    rows_times_keys(p, ls, 1, c->ly + at, rows, r->pack[V_COLUMNS], 0);
    rows_times_keys(p, ms, 1, c->dy + at, rows, r->pack[V_COLUMNS], 0);
    rows_times_keys(p, ms, 1, c->ly + at, rows, r->pack[VDOT_COLUMNS], 1);
    second_order_rows(p, r, first, last);
    if (!c->dx[Q]) return;
    mix_keys(p, c->dx[Q] + at, p->scale, ms, rows, r->pack[ROWS_A], kept(p, Q, row));
    mix_keys(p, c->dx[Q] + at, p->scale, ls, rows, r->pack[ROWS_B], 1);
}

static void backward2_keys(const Pass *p, const Room *r, size_t head, int row, int rows, int first,
                           int last)
{
    const OpCall *c = p->c;
    size_t at = head + row_offset(p, row);
    int keys = last - first;
    if (c->dx[V]) {
        float *to = c->dx[V] + head + row_offset(p, first);
        give_to_keys(p, to, keys, 1, r->p + first, c->dy + at, rows, kept(p, V, row), r->product);
        give_to_keys(p, to, keys, 1, r->pd + first, c->ly + at, rows, 1, r->product);
    }
    if (!c->dx[K]) return;
    float *to = c->dx[K] + head + row_offset(p, first);
    give_to_keys(p, to, keys, p->scale, r->ms + first, c->x[Q] + at, rows, kept(p, K, row),
                 r->product);
    give_to_keys(p, to, keys, p->scale, r->ls + first, c->xdot[Q] + at, rows, 1, r->product);
}

static void attention_backward2(const OpCall *c)
{
    Pass p = pass_start(c);
    p.packed[K_COLUMNS] = c->x[K], p.packed[KDOT_COLUMNS] = c->xdot[K];
    if (c->dx[Q] || c->dx[K]) p.packed[V_COLUMNS] = c->x[V], p.packed[VDOT_COLUMNS] = c->xdot[V];
    if (c->dx[Q]) p.packed[ROWS_A] = c->x[K], p.packed[ROWS_B] = c->xdot[K];
    p.rows = backward2_rows;
    p.keys = c->dx[K] || c->dx[V] ? backward2_keys : NULL;
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
                         .tangent = attention_tangent,
                         .backward2 = attention_backward2,
                         .scratch_floats = attention_scratch_floats,
                         .saved_floats = attention_saved_floats,
                         .saved_for_later = true,
                         .flop = attention_flop,
                         .reads = OP_X0 | OP_X1 | OP_X2,
                         .overwrites = OP_X0 | OP_X1 | OP_X2};
