#include <math.h>

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
    return MATRICES * matrix_floats(d) + packs + (product + 15) / 16 * 16;
}

size_t attention_scratch_floats(const AttentionDims *d, int threads)
{
    return (size_t)threads * (room_floats(d) + ORDERED_SUM_ALIGN);
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

/* A pass: its tensors (NULL: absent, or not wanted) and its steps. */
typedef struct Pass Pass;
struct Pass {
    AttentionDims d;
    const float *q, *k, *v, *qdot, *kdot, *vdot, *my, *ly;
    float *y, *dq, *dk, *dv;
    unsigned set; /* which of dq, dk, dv are overwritten, not added to */
    const float *packed[PACKS];
    float *saved; /* P of every head [N*heads, T, tile_stride], or NULL */
    bool softmax; /* P is made here, not found in saved */
    int stride;   /* floats from a row of q, k, v, y to the next */
    float scale;
    float *scratch;
    /* Tile rows first .. last-1; then keys first .. last-1 (NULL where there is nothing to do).
     * `head` is the offset of the head's first row, `row` the number of the tile's first row. */
    void (*rows)(const Pass *p, const Room *r, size_t head, int row, int first, int last);
    void (*keys)(const Pass *p, const Room *r, size_t head, int row, int rows, int first, int last);
};

static Pass pass_start(const AttentionDims *d, const float *saved, const float *q, const float *k,
                       const float *v, float *scratch)
{
    return (Pass){.d = *d,
                  .q = q,
                  .k = k,
                  .v = v,
                  .saved = (float *)saved, /* not written without softmax */
                  .softmax = !saved,
                  .stride = d->heads * d->D,
                  .scale = (float)(1.0 / sqrt((double)d->D)),
                  .scratch = scratch};
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
    b.b = p->packed[pack] + head, b.ldb = p->stride, b.transpose_b = columns;
    product_pack_here(&b, r->pack[pack]);
}

/* out [rows,T] = factor a keys^T + beta out, with rows of a tile. */
static void rows_times_keys(const Pass *p, float *out, float factor, const float *a, int rows,
                            const float *keys, float beta)
{
    int stride = tile_stride(&p->d);
    Product m = {.M = rows, .N = p->d.T, .K = p->d.D, .alpha = factor, .beta = beta};
    m.a = a, m.lda = p->stride, m.packed = keys;
    m.d = m.c = out, m.ldd = m.ldc = stride;
    product_run_here(&m, NULL);
}

/* out [rows,D] = factor s keys + beta out, with s of a tile. */
static void mix_keys(const Pass *p, float *out, float factor, const float *s, int rows,
                     const float *keys, float beta)
{
    Product m = {.M = rows, .N = p->d.D, .K = p->d.T, .alpha = factor, .beta = beta};
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
    return first && (p->set >> input & 1) ? 0 : 1;
}

/* ---- Row by row ---- */

static void softmax_rows(const Pass *p, const Room *r, size_t head, int row, int first, int last)
{
    if (!p->softmax) return;
    const float *q = p->q + head + row_offset(p, row + first);
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
    rows_times_keys(p, pd, p->scale, p->qdot + at, last - first, r->pack[K_COLUMNS], 0);
    rows_times_keys(p, pd, p->scale, p->q + at, last - first, r->pack[KDOT_COLUMNS], 1);
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
    return p->saved ? p->saved + first * (size_t)tile_stride(&p->d) : r->p;
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
        const Room mine = room_of(&p->d, p->scratch, parallel_thread());
        Room all = mine;
        if (p->keys) {
            const Room first = room_of(&p->d, p->scratch, 0);
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
    const Room mine = room_of(&p->d, p->scratch, parallel_thread());
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
    if (!even && !small) {
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
    mix_keys(p, p->y + at, 1, matrix_row(p, r->p, first), last - first, r->pack[ROWS_A], 0);
}

size_t attention_saved_floats(const AttentionDims *d)
{
    if (d->T > 2 * d->D) return 0;
    return (size_t)d->N * (size_t)d->heads * (size_t)d->T * (size_t)tile_stride(d);
}

void attention_forward(const AttentionDims *d, float *y, float *saved, const float *q,
                       const float *k, const float *v, float *scratch)
{
    Pass p = pass_start(d, NULL, q, k, v, scratch);
    p.y = y;
    p.saved = saved;
    p.packed[K_COLUMNS] = k;
    p.packed[ROWS_A] = v;
    p.rows = forward_rows;
    run_pass(&p);
}

static void tangent_rows(const Pass *p, const Room *r, size_t head, int row, int first, int last)
{
    float *ydot = p->y + head + row_offset(p, row + first);
    int rows = last - first;
    softmax_rows(p, r, head, row, first, last);
    softmax_tangent_rows(p, r, head, row, first, last);
    mix_keys(p, ydot, 1, matrix_row(p, r->pd, first), rows, r->pack[ROWS_A], 0);
    mix_keys(p, ydot, 1, matrix_row(p, r->p, first), rows, r->pack[ROWS_B], 1);
}

void attention_tangent(const AttentionDims *d, float *ydot, const float *q, const float *k,
                       const float *v, const float *qdot, const float *kdot, const float *vdot,
                       const float *saved, float *scratch)
{
    Pass p = pass_start(d, saved, q, k, v, scratch);
    p.y = ydot, p.qdot = qdot, p.kdot = kdot, p.vdot = vdot;
    p.packed[K_COLUMNS] = k, p.packed[KDOT_COLUMNS] = kdot;
    p.packed[ROWS_A] = v, p.packed[ROWS_B] = vdot;
    p.rows = tangent_rows;
    run_pass(&p);
}

static void backward_rows(const Pass *p, const Room *r, size_t head, int row, int first, int last)
{
    size_t at = head + row_offset(p, row + first);
    int rows = last - first;
    softmax_rows(p, r, head, row, first, last);
    if (!p->dq && !p->dk) return;
    float *ls = matrix_row(p, r->ls, first);
    rows_times_keys(p, ls, 1, p->ly + at, rows, r->pack[V_COLUMNS], 0);
    softmax_jacobian_rows(p, r, r->ls, first, last);
    if (p->dq) mix_keys(p, p->dq + at, p->scale, ls, rows, r->pack[ROWS_A], kept(p, 0, row));
}

static void backward_keys(const Pass *p, const Room *r, size_t head, int row, int rows, int first,
                          int last)
{
    size_t at = head + row_offset(p, row), to = head + row_offset(p, first);
    int keys = last - first;
    if (p->dv)
        give_to_keys(p, p->dv + to, keys, 1, r->p + first, p->ly + at, rows, kept(p, 2, row),
                     r->product);
    if (p->dk)
        give_to_keys(p, p->dk + to, keys, p->scale, r->ls + first, p->q + at, rows, kept(p, 1, row),
                     r->product);
}

void attention_backward(const AttentionDims *d, unsigned set, float *dq, float *dk, float *dv,
                        const float *dy, const float *q, const float *k, const float *v,
                        const float *saved, float *scratch)
{
    Pass p = pass_start(d, saved, q, k, v, scratch);
    p.ly = dy, p.dq = dq, p.dk = dk, p.dv = dv, p.set = set;
    if (p.softmax) p.packed[K_COLUMNS] = k;
    if (dq || dk) p.packed[V_COLUMNS] = v;
    if (dq) p.packed[ROWS_A] = k;
    p.rows = backward_rows;
    p.keys = dk || dv ? backward_keys : NULL;
    run_pass(&p);
}

static void backward2_rows(const Pass *p, const Room *r, size_t head, int row, int first, int last)
{
    size_t at = head + row_offset(p, row + first);
    int rows = last - first;
    softmax_rows(p, r, head, row, first, last);
    softmax_tangent_rows(p, r, head, row, first, last);
    if (!p->dq && !p->dk) return;
    float *ls = matrix_row(p, r->ls, first), *ms = matrix_row(p, r->ms, first);
    rows_times_keys(p, ls, 1, p->ly + at, rows, r->pack[V_COLUMNS], 0);
    rows_times_keys(p, ms, 1, p->my + at, rows, r->pack[V_COLUMNS], 0);
    rows_times_keys(p, ms, 1, p->ly + at, rows, r->pack[VDOT_COLUMNS], 1);
    second_order_rows(p, r, first, last);
    if (!p->dq) return;
    mix_keys(p, p->dq + at, p->scale, ms, rows, r->pack[ROWS_A], kept(p, 0, row));
    mix_keys(p, p->dq + at, p->scale, ls, rows, r->pack[ROWS_B], 1);
}

static void backward2_keys(const Pass *p, const Room *r, size_t head, int row, int rows, int first,
                           int last)
{
    size_t at = head + row_offset(p, row), to = head + row_offset(p, first);
    int keys = last - first;
    if (p->dv) {
        give_to_keys(p, p->dv + to, keys, 1, r->p + first, p->my + at, rows, kept(p, 2, row),
                     r->product);
        give_to_keys(p, p->dv + to, keys, 1, r->pd + first, p->ly + at, rows, 1, r->product);
    }
    if (!p->dk) return;
    give_to_keys(p, p->dk + to, keys, p->scale, r->ms + first, p->q + at, rows, kept(p, 1, row),
                 r->product);
    give_to_keys(p, p->dk + to, keys, p->scale, r->ls + first, p->qdot + at, rows, 1, r->product);
}

void attention_backward2(const AttentionDims *d, unsigned set, float *mq, float *mk, float *mv,
                         const float *my, const float *ly, const float *q, const float *k,
                         const float *v, const float *qdot, const float *kdot, const float *vdot,
                         const float *saved, float *scratch)
{
    Pass p = pass_start(d, saved, q, k, v, scratch);
    p.my = my, p.ly = ly, p.qdot = qdot, p.kdot = kdot, p.vdot = vdot;
    p.dq = mq, p.dk = mk, p.dv = mv, p.set = set;
    p.packed[K_COLUMNS] = k, p.packed[KDOT_COLUMNS] = kdot;
    if (mq || mk) p.packed[V_COLUMNS] = v, p.packed[VDOT_COLUMNS] = vdot;
    if (mq) p.packed[ROWS_A] = k, p.packed[ROWS_B] = kdot;
    p.rows = backward2_rows;
    p.keys = mk || mv ? backward2_keys : NULL;
    run_pass(&p);
}

/* ---- row */

static void run_forward(const OpCall *c)
{
    attention_forward(c->dims, c->y, c->saved, c->x[0], c->x[1], c->x[2], c->scratch);
}

static void run_backward(const OpCall *c)
{
    attention_backward(c->dims, c->set, c->dx[0], c->dx[1], c->dx[2], c->dy, c->x[0], c->x[1],
                       c->x[2], c->saved, c->scratch);
}

static void run_tangent(const OpCall *c)
{
    attention_tangent(c->dims, c->ydot, c->x[0], c->x[1], c->x[2], c->xdot[0], c->xdot[1],
                      c->xdot[2], c->saved, c->scratch);
}

static void run_backward2(const OpCall *c)
{
    attention_backward2(c->dims, c->set, c->mx[0], c->mx[1], c->mx[2], c->my, c->dy, c->x[0],
                        c->x[1], c->x[2], c->xdot[0], c->xdot[1], c->xdot[2], c->saved, c->scratch);
}

static size_t row_scratch(const void *dims, int threads)
{
    return attention_scratch_floats(dims, threads);
}

static size_t row_saved(const void *dims)
{
    return attention_saved_floats(dims);
}

static double row_flop(const void *dims)
{
    const AttentionDims *d = dims;
    return 4.0 * d->T * d->T * d->heads * d->D;
}

const Op op_attention = {.name = "attention",
                         .dims_bytes = sizeof(AttentionDims),
                         .forward = run_forward,
                         .backward = run_backward,
                         .tangent = run_tangent,
                         .backward2 = run_backward2,
                         .scratch_floats = row_scratch,
                         .saved_floats = row_saved,
                         .saved_for_later = true,
                         .flop = row_flop,
                         .backward_values = OP_X0 | OP_X1 | OP_X2,
                         .tangent_values = OP_X0 | OP_X1 | OP_X2,
                         .second_values = OP_X0 | OP_X1 | OP_X2,
                         .second_tangents = OP_X0 | OP_X1 | OP_X2,
                         .second_lambda = true,
                         .overwrites = OP_X0 | OP_X1 | OP_X2};
