#include <math.h>
#include <string.h>

#include "math/vec.h"
#include "ops/op.h"
#include "ops/ops.h"

/* ---- time_features. Feature pair i is (sin a_i(t), cos a_i(t)) with
 *   positional: a = t w_i,              a' = w_i,            a'' = 0
 *   fourier:    a = 2 pi ln(t) w[i],    a' = 2 pi w[i] / t,  a'' = -a' / t
 *   fourier_linear: a = 2 pi t w[i],    a' = 2 pi w[i],      a'' = 0
 * so that  sin: y' = cos(a) a',  y'' = cos(a) a'' - sin(a) a'^2
 *          cos: y' = -sin(a) a', y'' = -sin(a) a'' - cos(a) a'^2.
 * All in double: at t = 1000 the rounding of a float angle would already cost 3e-5 of a sine. */
typedef struct {
    double y[3]; /* the feature and its first two derivatives by t */
} Feature;

static void feature_pair(const TimeDims *d, Feature *sine, Feature *cosine, int i, double t,
                         const float *w)
{
    double a, first, second;
    const double turn = 2 * 3.14159265358979323846;
    if (d->kind == TIME_FOURIER) {
        double rate = turn * (double)w[i];
        a = rate * log(t);
        first = rate / t;
        second = -first / t;
    } else if (d->kind == TIME_FOURIER_LINEAR || d->kind == TIME_FOURIER_LINEAR_999) {
        first = turn * (double)w[i];
        a = t * first;
        second = 0;
    } else {
        /* i = 0 apart: half may equal freq_shift, and 0/0 is no frequency. */
        first = i == 0 ? 1 : exp(-log(10000.0) * i / (d->F / 2 - d->freq_shift));
        a = t * first;
        second = 0;
    }
    double s = sin(a), c = cos(a);
    *sine = (Feature){{s, c * first, c * second - s * first * first}};
    *cosine = (Feature){{c, -s * first, -s * second - c * first * first}};
}

/* Which column holds the sine of pair i; the cosine's is the other half's. */
static int sine_column(const TimeDims *d, int i)
{
    return d->flip_sin_to_cos ? d->F / 2 + i : i;
}

static int cosine_column(const TimeDims *d, int i)
{
    return d->flip_sin_to_cos ? i : d->F / 2 + i;
}

/* y[n,:] = factor[n] times derivative `order` of the features; factor NULL: 1. */
static void write_features(const OpCall *c, float *y, int order, const float *factor)
{
    const TimeDims *d = c->dims;
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        float *row = y + (size_t)n * (size_t)d->F;
        double scale = factor ? (double)factor[n] : 1;
        for (int i = 0; i < d->F / 2; i++) {
            Feature sine, cosine;
            feature_pair(d, &sine, &cosine, i, (double)c->x[0][n], c->w);
            row[sine_column(d, i)] = (float)(sine.y[order] * scale);
            row[cosine_column(d, i)] = (float)(cosine.y[order] * scale);
        }
        if (d->F % 2) row[d->F - 1] = 0;
    }
}

/* <cotangent, derivative `order` of the features>, for image n. */
static double dot_features(const OpCall *c, const float *cotangent, int order, int n)
{
    const TimeDims *d = c->dims;
    double sum = 0;
    cotangent += (size_t)n * (size_t)d->F;
    for (int i = 0; i < d->F / 2; i++) {
        Feature sine, cosine;
        feature_pair(d, &sine, &cosine, i, (double)c->x[0][n], c->w);
        sum += (double)cotangent[sine_column(d, i)] * sine.y[order] +
               (double)cotangent[cosine_column(d, i)] * cosine.y[order];
    }
    return sum;
}

static void time_features_forward(const OpCall *c)
{
    write_features(c, c->y, 0, NULL);
}

/* ydot = y' tdot */
static void time_features_tangent(const OpCall *c)
{
    write_features(c, c->ydot, 1, c->xdot[0]);
}

/* dt += sum_f dy y', and in backward2 + ly y'' tdot */
static void time_features_backward(const OpCall *c)
{
    const TimeDims *d = c->dims;
    if (!c->dx[0]) return;
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        double sum = dot_features(c, c->dy, 1, n);
        if (c->ly) sum += dot_features(c, c->ly, 2, n) * (double)c->xdot[0][n];
        c->dx[0][n] += (float)sum;
    }
}

const Op op_time_features = {.name = "time_features",
                             .dims_bytes = sizeof(TimeDims),
                             .forward = time_features_forward,
                             .backward = time_features_backward,
                             .tangent = time_features_tangent,
                             .backward2 = time_features_backward,
                             .reads = OP_X0};

/* ---- class embedding: y[n,:] = w[label[n],:]. Serial: a few rows of a few hundred floats, and the
 * gradient's sum over images keeps its order. */

/* Where the label's row starts in w. */
static size_t class_offset(const ClassDims *d, float label)
{
    int last = d->classes - 1;
    int k = label >= (float)last ? last : label > 0 ? (int)label : 0; /* NaN: 0 */
    return (size_t)k * (size_t)d->F;
}

static void class_embed_forward(const OpCall *c)
{
    const ClassDims *d = c->dims;
    size_t F = (size_t)d->F;
    for (int n = 0; n < d->N; n++)
        memcpy(c->y + (size_t)n * F, c->w + class_offset(d, c->x[0][n]), F * sizeof *c->y);
}

static void class_embed_backward(const OpCall *c)
{
    const ClassDims *d = c->dims;
    size_t F = (size_t)d->F;
    for (int n = 0; c->dw && n < d->N; n++)
        vec_accumulate(c->dw + class_offset(d, c->x[0][n]), c->dy + (size_t)n * F, F);
}

/* Labels have no tangent, so the other passes are never run. */
const Op op_class_embed = {.name = "class_embed",
                           .dims_bytes = sizeof(ClassDims),
                           .forward = class_embed_forward,
                           .backward = class_embed_backward,
                           .reads = OP_X0};
