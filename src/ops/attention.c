#include <math.h>

#include "diffc/gemm.h"
#include "diffc/ops.h"
#include "diffc/parallel.h"
#include "diffc/vec.h"

/* Work is cut into tiles of query rows: a tile's part of the T x T matrices (rows x T each) is all
 * that ever exists of them. Tiles depend on T only. Formulas, with c = 1/sqrt(D), A o B the
 * elementwise product and rs(.) the sum of a row:
 *
 *   S = c Q K^T                       P = softmax(S)                  Y = P V
 *   Sd = c (Qd K^T + Q Kd^T)          Pd = P o (Sd - rs(P o Sd))      Yd = Pd V + P Vd
 *   lP = lY V^T                       lS = P o (lP - rs(P o lP))
 *   lQ = c lS K                       lK = c lS^T Q                   lV = P^T lY
 *   mP = mY V^T + lY Vd^T
 *   mS = P o (mP - rs(P o mP) - rs(Pd o lP)) + Pd o (lP - rs(P o lP))
 *   mQ = c (mS K + lS Kd)             mK = c (mS^T Q + lS^T Qd)       mV = P^T mY + Pd^T lY */
enum { TILE_ROWS = 64, MATRICES = 4 /* P, Pd, lS, mS: what backward2 holds at once */ };

typedef struct {
    int T, D;
    int stride; /* floats from a row of q, k, v, y to the next */
    int rows;   /* query rows of this tile */
    float scale;
    float *p, *pd, *ls, *ms; /* [rows, T] */
} Tile;

static int tile_rows(const AttentionDims *d)
{
    return d->T < TILE_ROWS ? d->T : TILE_ROWS;
}

static int tile_count(const AttentionDims *d)
{
    return (d->T + TILE_ROWS - 1) / TILE_ROWS;
}

size_t attention_scratch_floats(const AttentionDims *d)
{
    return (size_t)parallel_threads() * MATRICES * (size_t)tile_rows(d) * (size_t)d->T;
}

static Tile tile_make(const AttentionDims *d, int tile, float *scratch)
{
    size_t floats = (size_t)tile_rows(d) * (size_t)d->T;
    float *mine = scratch + (size_t)parallel_thread() * MATRICES * floats;
    int left = d->T - tile * TILE_ROWS;
    return (Tile){
        .T = d->T,
        .D = d->D,
        .stride = d->heads * d->D,
        .rows = left < TILE_ROWS ? left : TILE_ROWS,
        .scale = (float)(1.0 / sqrt((double)d->D)),
        .p = mine,
        .pd = mine + floats,
        .ls = mine + 2 * floats,
        .ms = mine + 3 * floats,
    };
}

/* Where a head of an image starts; `unit` counts them, heads within images. */
static size_t head_offset(const AttentionDims *d, long unit)
{
    size_t image = (size_t)(unit / d->heads), head = (size_t)(unit % d->heads);
    return (image * (size_t)d->T * (size_t)d->heads + head) * (size_t)d->D;
}

static size_t row_offset(const AttentionDims *d, int tile)
{
    return (size_t)tile * TILE_ROWS * (size_t)d->heads * (size_t)d->D;
}

/* out [rows,T] = factor a b^T + beta out, with a [rows,D] of the tile's queries, b [T,D] of all
 * keys. */
static void rows_times_keys(const Tile *t, float *out, float factor, const float *a, const float *b,
                            float beta)
{
    gemm(false, true, t->rows, t->T, t->D, factor, a, t->stride, b, t->stride, beta, out, t->T);
}

/* out [rows,D] = factor s b + beta out, with s [rows,T]. */
static void mix_keys(const Tile *t, float *out, float factor, const float *s, const float *b,
                     float beta)
{
    gemm(false, false, t->rows, t->D, t->T, factor, s, t->T, b, t->stride, beta, out, t->stride);
}

/* out [T,D] += factor s^T a: what the tile's queries give to every key. */
static void give_to_keys(const Tile *t, float *out, float factor, const float *s, const float *a)
{
    gemm(true, false, t->T, t->D, t->rows, factor, s, t->T, a, t->stride, 1, out, t->stride);
}

static void tile_softmax(const Tile *t, const float *q, const float *k)
{
    rows_times_keys(t, t->p, 1, q, k, 0);
    for (int r = 0; r < t->rows; r++)
        vec_softmax(t->p + (size_t)r * (size_t)t->T, t->scale, (size_t)t->T);
}

/* u = P o (u - rs(P o u)) in place. The Jacobian of softmax is symmetric, so this serves tangents
 * and cotangents. */
static void tile_softmax_jacobian(const Tile *t, float *u)
{
    size_t T = (size_t)t->T;
    for (int r = 0; r < t->rows; r++) {
        const float *p = t->p + (size_t)r * T;
        float *row = u + (size_t)r * T;
        float mean = (float)vec_dot(p, row, T);
        for (size_t j = 0; j < T; j++) row[j] = p[j] * (row[j] - mean);
    }
}

static void tile_softmax_tangent(const Tile *t, const float *q, const float *k, const float *qdot,
                                 const float *kdot)
{
    rows_times_keys(t, t->pd, t->scale, qdot, k, 0);
    rows_times_keys(t, t->pd, t->scale, q, kdot, 1);
    tile_softmax_jacobian(t, t->pd);
}

/* ls: lP -> lS, ms: mP -> mS, by the formulas above. */
static void tile_second_order(const Tile *t)
{
    size_t T = (size_t)t->T;
    for (int r = 0; r < t->rows; r++) {
        const float *p = t->p + (size_t)r * T, *pd = t->pd + (size_t)r * T;
        float *l = t->ls + (size_t)r * T, *m = t->ms + (size_t)r * T;
        float l_mean = (float)vec_dot(p, l, T);
        float m_mean = (float)(vec_dot(p, m, T) + vec_dot(pd, l, T));
        for (size_t j = 0; j < T; j++) {
            float centred = l[j] - l_mean;
            m[j] = p[j] * (m[j] - m_mean) + pd[j] * centred;
            l[j] = p[j] * centred;
        }
    }
}

void attention_forward(const AttentionDims *d, float *y, const float *q, const float *k,
                       const float *v, float *scratch)
{
    int tiles = tile_count(d);
    long units = (long)d->N * d->heads * tiles;
#pragma omp parallel for schedule(static)
    for (long unit = 0; unit < units; unit++) {
        int tile = (int)(unit % tiles);
        size_t head = head_offset(d, unit / tiles), at = head + row_offset(d, tile);
        Tile t = tile_make(d, tile, scratch);
        tile_softmax(&t, q + at, k + head);
        mix_keys(&t, y + at, 1, t.p, v + head, 0);
    }
}

void attention_tangent(const AttentionDims *d, float *ydot, const float *q, const float *k,
                       const float *v, const float *qdot, const float *kdot, const float *vdot,
                       float *scratch)
{
    int tiles = tile_count(d);
    long units = (long)d->N * d->heads * tiles;
#pragma omp parallel for schedule(static)
    for (long unit = 0; unit < units; unit++) {
        int tile = (int)(unit % tiles);
        size_t head = head_offset(d, unit / tiles), at = head + row_offset(d, tile);
        Tile t = tile_make(d, tile, scratch);
        tile_softmax(&t, q + at, k + head);
        tile_softmax_tangent(&t, q + at, k + head, qdot + at, kdot + head);
        mix_keys(&t, ydot + at, 1, t.pd, v + head, 0);
        mix_keys(&t, ydot + at, 1, t.p, vdot + head, 1);
    }
}

/* The reverse passes take a whole head as one unit and walk its tiles in order, because every tile
 * adds to all of dk and dv. */
void attention_backward(const AttentionDims *d, float *dq, float *dk, float *dv, const float *dy,
                        const float *q, const float *k, const float *v, float *scratch)
{
    long units = (long)d->N * d->heads;
#pragma omp parallel for schedule(static)
    for (long unit = 0; unit < units; unit++) {
        size_t head = head_offset(d, unit);
        for (int tile = 0; tile < tile_count(d); tile++) {
            size_t at = head + row_offset(d, tile);
            Tile t = tile_make(d, tile, scratch);
            tile_softmax(&t, q + at, k + head);
            if (dv) give_to_keys(&t, dv + head, 1, t.p, dy + at);
            if (!dq && !dk) continue;
            rows_times_keys(&t, t.ls, 1, dy + at, v + head, 0);
            tile_softmax_jacobian(&t, t.ls);
            if (dq) mix_keys(&t, dq + at, t.scale, t.ls, k + head, 1);
            if (dk) give_to_keys(&t, dk + head, t.scale, t.ls, q + at);
        }
    }
}

void attention_backward2(const AttentionDims *d, float *mq, float *mk, float *mv, const float *my,
                         const float *ly, const float *q, const float *k, const float *v,
                         const float *qdot, const float *kdot, const float *vdot, float *scratch)
{
    long units = (long)d->N * d->heads;
#pragma omp parallel for schedule(static)
    for (long unit = 0; unit < units; unit++) {
        size_t head = head_offset(d, unit);
        for (int tile = 0; tile < tile_count(d); tile++) {
            size_t at = head + row_offset(d, tile);
            Tile t = tile_make(d, tile, scratch);
            tile_softmax(&t, q + at, k + head);
            tile_softmax_tangent(&t, q + at, k + head, qdot + at, kdot + head);
            if (mv) {
                give_to_keys(&t, mv + head, 1, t.p, my + at);
                give_to_keys(&t, mv + head, 1, t.pd, ly + at);
            }
            if (!mq && !mk) continue;
            rows_times_keys(&t, t.ls, 1, ly + at, v + head, 0);
            rows_times_keys(&t, t.ms, 1, my + at, v + head, 0);
            rows_times_keys(&t, t.ms, 1, ly + at, vdot + head, 1);
            tile_second_order(&t);
            if (mq) {
                mix_keys(&t, mq + at, t.scale, t.ms, k + head, 1);
                mix_keys(&t, mq + at, t.scale, t.ls, kdot + head, 1);
            }
            if (mk) {
                give_to_keys(&t, mk + head, t.scale, t.ms, q + at);
                give_to_keys(&t, mk + head, t.scale, t.ls, qdot + at);
            }
        }
    }
}
