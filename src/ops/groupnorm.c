/* GroupNorm (Wu & He 2018), with SiLU in the same pass where d->silu. Per image and group of M
 * values, with u = x - mean, xh = u rstd, P(v) = rstd (v - mean v - xh mean(xh v)), a = w rstd:
 *   forward    z = w xh + b                      y = z, or silu(z)
 *   backward   dx += P(w dz)      dw += sum dz xh      db += sum dz
 *   tangent    zdot = w P(xdot)
 *   backward2  dx += P(w mz) - rstd [ (C - A B) rstd xh + A P(w lz) + B P(xdot) ]
 *              dw += sum (mz xh + lz P(xdot))          db += sum mz
 *     A = mean(xh xdot), B = mean(xh w lz), C = mean(w lz xdot) - mean(w lz) mean(xdot)
 * where dz and mz are dy, and lz is ly, seen through SiLU. Every pass is: sums per channel over tiles of
 * rows; per image, the sums of a group's channels and from them a few coefficients per channel;
 * then one sweep that is linear in u, dz, ... with those coefficients. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "math/vec.h"
#include "ops/groupnorm_rows.h"
#include "ops/op.h"
#include "ops/ops.h"
#include "ops/ordered_sum.h"

typedef struct {
    const OpCall *c;
    const GroupNormDims *d;
    float *mean, *rstd; /* [N,G], in saved */
    float *out;         /* y, ydot or dx */
    int tile, tiles;    /* rows of a tile; tiles of an image */
    bool whole;         /* a thread takes whole images; its number selects its scratch */
    double *dparams;    /* [N][2][C]: an image's share of dw and db */
    double *sums;       /* [slots][tiles][SUMS][C] */
    double *dots;       /* [slots][2][G]: mean(xdot) and A */
    float *coef;        /* [slots][COEFS][C] */
    float *mz, *lz;     /* [slots][T][C], with silu: cotangents of z and zdot */
} Job;

/* A pass is a list of stages. A stage runs its rows for every tile of an image, then once for the image. */
typedef struct {
    NormRow *rows;
    void (*image)(const Job *job, int n);
} Stage;

/* A tile fits in L2, and its rows outnumber the rows of its sums. */
static int tile_rows(const GroupNormDims *d)
{
    enum { FLOATS = 16384, LEAST = 64 };
    int rows = FLOATS / d->C > LEAST ? FLOATS / d->C : LEAST;
    return rows < d->T ? rows : d->T;
}

static int tile_count(const GroupNormDims *d)
{
    return (d->T + tile_rows(d) - 1) / tile_rows(d);
}

/* With many images each thread takes whole ones, which then stay in its cache from stage to stage;
 * with few, all threads share the tiles of all. The sums are the same either way. */
static bool whole_images(const GroupNormDims *d, int threads)
{
    return d->N >= 2 * threads;
}

static int slot_count(const GroupNormDims *d, int threads)
{
    return whole_images(d, threads) ? threads : d->N;
}

/* Cotangents of z that one image keeps, in floats. */
static size_t kept_floats(const GroupNormDims *d)
{
    return d->silu ? mem_whole_lines((size_t)d->T * (size_t)d->C) : 0;
}

static size_t groupnorm_scratch_floats(const void *dims, int threads)
{
    const GroupNormDims *d = dims;
    size_t N = (size_t)d->N, C = (size_t)d->C, G = (size_t)d->G;
    size_t doubles = (size_t)tile_count(d) * SUMS * C + 2 * G;
    size_t slot = 2 * doubles + COEFS * C + 2 * kept_floats(d);
    return 2 * N * 2 * C + (size_t)slot_count(d, threads) * slot + 2 * ORDERED_SUM_ALIGN;
}

static Job job_start(const OpCall *c, float *out)
{
    const GroupNormDims *d = c->dims;
    Job job = {.c = c, .d = d, .mean = c->saved, .out = out};
    job.rstd = job.mean + (size_t)d->N * (size_t)d->G;
    job.tile = tile_rows(d);
    job.tiles = tile_count(d);
    job.whole = whole_images(d, parallel_threads());
    size_t C = (size_t)d->C, slots = (size_t)slot_count(d, parallel_threads());
    job.dparams = (double *)(void *)ordered_sum_align(c->scratch);
    job.sums = job.dparams + (size_t)d->N * 2 * C;
    job.dots = job.sums + slots * (size_t)job.tiles * SUMS * C;
    job.coef = (float *)(void *)(job.dots + slots * 2 * (size_t)d->G);
    job.mz = ordered_sum_align(job.coef + slots * COEFS * C);
    job.lz = job.mz + slots * kept_floats(d);
    return job;
}

static size_t image_slot(const Job *job, int n)
{
    return (size_t)(job->whole ? parallel_thread() : n);
}

static NormTile norm_tile(const Job *job, int n, int tile)
{
    const OpCall *c = job->c;
    const GroupNormDims *d = job->d;
    int first = tile * job->tile, left = d->T - first;
    size_t C = (size_t)d->C, slot = image_slot(job, n);
    size_t in = (size_t)first * C, at = (size_t)n * (size_t)d->T * C + in;
    bool set = c->set & 1;
    float *kept = job->mz + slot * kept_floats(d) + in, *out = job->out ? job->out + at : NULL;
    return (NormTile){.rows = (size_t)(left < job->tile ? left : job->tile),
                      .C = C,
                      .width = C,
                      .silu = d->silu,
                      .x = c->x[1] ? NULL : c->x[0] + at,
                      .xdot = c->xdot[0] ? c->xdot[0] + at : NULL,
                      .my = c->dy ? c->dy + at : NULL,
                      .ly = c->ly ? c->ly + at : NULL,
                      .out = out,
                      .set = set,
                      .mz = set && out ? out : kept,
                      .lz = job->lz + slot * kept_floats(d) + in,
                      .coef = job->coef + slot * COEFS * C,
                      .sums = job->sums + (slot * (size_t)job->tiles + (size_t)tile) * SUMS * C};
}

/* The input of the forward pass may lie in two parts. */
static void tile_run(const Job *job, int n, int tile, NormRow *rows)
{
    const OpCall *c = job->c;
    NormTile t = norm_tile(job, n, tile);
    if (c->x[1]) {
        size_t row = (size_t)n * (size_t)job->d->T + (size_t)(tile * job->tile);
        t.C = (size_t)c->channels_a;
        t.x = c->x[0] + row * t.C;
        rows(&t);
        t.coef += t.C, t.sums += t.C, t.out += t.C;
        t.C = t.width - t.C;
        t.x = c->x[1] + row * t.C;
    }
    rows(&t);
}

static void job_run(const Job *job, const Stage *stages, int count)
{
    int N = job->d->N, tiles = job->tiles;
    if (job->whole) {
#pragma omp parallel for num_threads(parallel_threads()) schedule(dynamic)
        for (int n = 0; n < N; n++) {
            for (int s = 0; s < count; s++) {
                for (int t = 0; stages[s].rows && t < tiles; t++)
                    tile_run(job, n, t, stages[s].rows);
                if (stages[s].image) stages[s].image(job, n);
            }
        }
        return;
    }
    for (int s = 0; s < count; s++) {
        if (stages[s].rows) {
#pragma omp parallel for num_threads(parallel_threads()) schedule(static) if (N * tiles > 1)
            for (int unit = 0; unit < N * tiles; unit++)
                tile_run(job, unit / tiles, unit % tiles, stages[s].rows);
        }
        for (int n = 0; stages[s].image && n < N; n++) stages[s].image(job, n);
    }
}

/* Adds the first `count` rows of sums of all tiles, in order, into those of the first tile. */
static const double *gather_sums(const Job *job, int n, int count)
{
    size_t C = (size_t)job->d->C, size = SUMS * C;
    double *sums = job->sums + image_slot(job, n) * (size_t)job->tiles * size;
    for (int t = 1; t < job->tiles; t++)
        for (size_t i = 0; i < (size_t)count * C; i++) sums[i] += sums[(size_t)t * size + i];
    return sums;
}

static float *image_coef(const Job *job, int n)
{
    return job->coef + image_slot(job, n) * COEFS * (size_t)job->d->C;
}

static double *image_dots(const Job *job, int n)
{
    return job->dots + image_slot(job, n) * 2 * (size_t)job->d->G;
}

/* What the channels of a group share. */
typedef struct {
    int first, end;     /* channels */
    double rstd, share; /* of one value in a mean */
} Group;

static Group group_of(const Job *job, int n, int g)
{
    const GroupNormDims *d = job->d;
    int size = d->C / d->G;
    return (Group){.first = g * size,
                   .end = (g + 1) * size,
                   .rstd = (double)job->rstd[n * d->G + g],
                   .share = 1 / ((double)size * (double)d->T)};
}

/* mean, scale and shift of each channel, from the group's mean and rstd. */
static void image_affine(const Job *job, int n)
{
    const int C = job->d->C, G = job->d->G, size = C / G;
    const float *w = job->c->w;
    float *restrict means = image_coef(job, n) + COEF_MEAN * C;
    float *restrict scales = image_coef(job, n) + COEF_SCALE * C;
    for (int g = 0; g < G; g++) {
        float mean = job->mean[n * G + g], rstd = job->rstd[n * G + g];
        for (int c = g * size; c < (g + 1) * size; c++) {
            means[c] = mean;
            scales[c] = w[c] * rstd;
        }
    }
    memcpy(image_coef(job, n) + COEF_SHIFT * C, job->c->b, (size_t)C * sizeof *w);
}

/* From the sums of the values and of their squares, which the tiles made or the call gives. The channels
 * of a group may lie in both parts of the input. */
static void image_statistics(const Job *job, int n)
{
    const GroupNormDims *d = job->d;
    const OpCall *c = job->c;
    const int size = d->C / d->G;
    const double share = 1 / ((double)size * (double)d->T);
    const int channels[2] = {c->sums_in[0] ? c->channels_a : d->C, d->C - c->channels_a};
    const double *sums[2] = {c->sums_in[0], c->sums_in[1]};
    for (int k = 0; k < 2 && sums[k]; k++) sums[k] += (size_t)n * 2 * (size_t)channels[k];
    if (!sums[0]) sums[0] = gather_sums(job, n, 2);
    for (int g = 0; g < d->G; g++) {
        double sum = 0, squares = 0;
        for (int i = g * size; i < (g + 1) * size; i++) {
            int side = i >= channels[0], at = side ? i - channels[0] : i;
            sum += sums[side][at];
            squares += sums[side][channels[side] + at];
        }
        double mean = sum * share, variance = squares * share - mean * mean;
        if (variance < 0) variance = 0; /* rounding; a NaN stays */
        job->mean[n * d->G + g] = (float)mean;
        job->rstd[n * d->G + g] = (float)(1 / sqrt(variance + (double)d->eps));
    }
    image_affine(job, n);
}

static void image_backward(const Job *job, int n)
{
    const GroupNormDims *d = job->d;
    const double *sums = gather_sums(job, n, 2);
    float *coef = image_coef(job, n);
    double *dw = job->dparams + (size_t)n * 2 * (size_t)d->C, *db = dw + d->C;
    for (int g = 0; g < d->G; g++) {
        Group q = group_of(job, n, g);
        double m1 = 0, m2 = 0;
        for (int c = q.first; c < q.end; c++) {
            db[c] = sums[SUM_V * d->C + c];
            dw[c] = sums[SUM_VU * d->C + c] * q.rstd;
            m1 += (double)job->c->w[c] * db[c] * q.share;
            m2 += (double)job->c->w[c] * dw[c] * q.share;
        }
        for (int c = q.first; c < q.end; c++) {
            coef[COEF_OUT_X * d->C + c] = (float)(-q.rstd * q.rstd * m2);
            coef[COEF_OUT_0 * d->C + c] = (float)(-q.rstd * m1);
        }
    }
}

static void image_tangent(const Job *job, int n)
{
    const GroupNormDims *d = job->d;
    const double *sums = gather_sums(job, n, 2);
    float *coef = image_coef(job, n);
    double *means = image_dots(job, n);
    for (int g = 0; g < d->G; g++) {
        Group q = group_of(job, n, g);
        double mean = 0, A = 0;
        for (int c = q.first; c < q.end; c++) {
            mean += sums[SUM_V * d->C + c] * q.share;
            A += sums[SUM_VU * d->C + c] * q.rstd * q.share;
        }
        means[g] = mean;
        means[d->G + g] = A;
        for (int c = q.first; c < q.end; c++) {
            double a = (double)job->c->w[c] * q.rstd;
            coef[COEF_DOT_X * d->C + c] = (float)(-a * A * q.rstd);
            coef[COEF_DOT_0 * d->C + c] = (float)(-a * mean);
        }
    }
}

static void image_backward2(const Job *job, int n)
{
    const GroupNormDims *d = job->d;
    const double *sums = gather_sums(job, n, SUMS);
    float *coef = image_coef(job, n);
    double *dw = job->dparams + (size_t)n * 2 * (size_t)d->C, *db = dw + d->C;
    const double *means = image_dots(job, n);
    for (int g = 0; g < d->G; g++) {
        Group q = group_of(job, n, g);
        double r = q.rstd, mean = means[g], A = means[d->G + g];
        double m1 = 0, m2 = 0, l1 = 0, B = 0, ld = 0;
        for (int c = q.first; c < q.end; c++) {
            const double *s = sums + c;
            double w = (double)job->c->w[c] * q.share;
            db[c] = s[SUM_V * d->C];
            dw[c] = r * s[SUM_VU * d->C] +
                    r * (s[SUM_LD * d->C] - mean * s[SUM_L * d->C] - A * r * s[SUM_LU * d->C]);
            m1 += w * s[SUM_V * d->C];
            m2 += w * s[SUM_VU * d->C] * r;
            l1 += w * s[SUM_L * d->C];
            B += w * s[SUM_LU * d->C] * r;
            ld += w * s[SUM_LD * d->C];
        }
        /* The three P of mx multiplied out; P(w lz) and P(xdot) each hold xh A B once. */
        double C = ld - l1 * mean;
        for (int c = q.first; c < q.end; c++) {
            coef[COEF_OUT_X * d->C + c] = (float)(-r * r * (m2 + r * (C - 3 * A * B)));
            coef[COEF_OUT_0 * d->C + c] = (float)(r * (r * (A * l1 + B * mean) - m1));
            coef[COEF_OUT_L * d->C + c] = (float)(-r * r * A * (double)job->c->w[c]);
            coef[COEF_OUT_D * d->C + c] = (float)(-r * r * B);
        }
    }
}

/* dw, db += the shares of the images, in order. The sums are made in the share of the first image. */
static void add_parameters(const Job *job)
{
    size_t C = (size_t)job->d->C, N = (size_t)job->d->N;
    double *sum = job->dparams;
    for (size_t n = 1; n < N; n++)
        for (size_t i = 0; i < 2 * C; i++) sum[i] += sum[n * 2 * C + i];
    for (size_t k = 0; N && k < C; k++) {
        if (job->c->dw) job->c->dw[k] += (float)sum[k];
        if (job->c->db) job->c->db[k] += (float)sum[C + k];
    }
}

static void groupnorm_forward(const OpCall *c)
{
    const NormRows *rows = &SIMD_TABLE(norm_rows);
    const Stage stages[] = {{c->sums_in[0] ? NULL : rows->moments, image_statistics},
                            {rows->forward, NULL}};
    Job job = job_start(c, c->y);
    job_run(&job, stages, 2);
}

static void groupnorm_backward(const OpCall *c)
{
    const NormRows *rows = &SIMD_TABLE(norm_rows);
    const Stage stages[] = {
        {NULL, image_affine}, {rows->backward_sums, image_backward}, {rows->backward, NULL}};
    Job job = job_start(c, c->dx[0]);
    job_run(&job, stages, c->dx[0] ? 3 : 2);
    add_parameters(&job);
}

static void groupnorm_tangent(const OpCall *c)
{
    const NormRows *rows = &SIMD_TABLE(norm_rows);
    const Stage stages[] = {
        {NULL, image_affine}, {rows->tangent_sums, image_tangent}, {rows->tangent, NULL}};
    Job job = job_start(c, c->ydot);
    job_run(&job, stages, 3);
}

static void groupnorm_backward2(const OpCall *c)
{
    const NormRows *rows = &SIMD_TABLE(norm_rows);
    const Stage stages[] = {{NULL, image_affine},
                            {rows->tangent_sums, image_tangent},
                            {rows->backward2_sums, image_backward2},
                            {rows->backward2, NULL}};
    Job job = job_start(c, c->dx[0]);
    job_run(&job, stages, c->dx[0] ? 4 : 3);
    add_parameters(&job);
}

static size_t groupnorm_saved_floats(const void *dims)
{
    const GroupNormDims *d = dims;
    return 2 * (size_t)d->N * (size_t)d->G;
}

const Op op_groupnorm = {.name = "groupnorm",
                         .dims_bytes = sizeof(GroupNormDims),
                         .forward = groupnorm_forward,
                         .backward = groupnorm_backward,
                         .tangent = groupnorm_tangent,
                         .backward2 = groupnorm_backward2,
                         .scratch_floats = groupnorm_scratch_floats,
                         .saved_floats = groupnorm_saved_floats,
                         .reads = OP_X0,
                         .overwrites = OP_X0};
