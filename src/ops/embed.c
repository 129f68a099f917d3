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
static void write_features(const TimeDims *d, float *y, int order, const float *t,
                           const float *factor, const float *w)
{
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        float *row = y + (size_t)n * (size_t)d->F;
        double scale = factor ? (double)factor[n] : 1;
        for (int i = 0; i < d->F / 2; i++) {
            Feature s, c;
            feature_pair(d, &s, &c, i, (double)t[n], w);
            row[sine_column(d, i)] = (float)(s.y[order] * scale);
            row[cosine_column(d, i)] = (float)(c.y[order] * scale);
        }
        if (d->F % 2) row[d->F - 1] = 0;
    }
}

/* <cotangent, derivative `order` of the features at t>, for one image. */
static double dot_features(const TimeDims *d, const float *cotangent, int order, float t,
                           const float *w)
{
    double sum = 0;
    for (int i = 0; i < d->F / 2; i++) {
        Feature s, c;
        feature_pair(d, &s, &c, i, (double)t, w);
        sum += (double)cotangent[sine_column(d, i)] * s.y[order] +
               (double)cotangent[cosine_column(d, i)] * c.y[order];
    }
    return sum;
}

void time_features_forward(const TimeDims *d, float *y, const float *t, const float *w)
{
    write_features(d, y, 0, t, NULL, w);
}

/* dt += sum_f dy y' */
void time_features_backward(const TimeDims *d, float *dt, const float *dy, const float *t,
                            const float *w)
{
    if (!dt) return;
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++)
        dt[n] += (float)dot_features(d, dy + (size_t)n * (size_t)d->F, 1, t[n], w);
}

/* ydot = y' tdot */
void time_features_tangent(const TimeDims *d, float *ydot, const float *t, const float *tdot,
                           const float *w)
{
    if (tdot)
        write_features(d, ydot, 1, t, tdot, w);
    else
        memset(ydot, 0, (size_t)d->N * (size_t)d->F * sizeof *ydot);
}

/* mt += sum_f my y' + ly y'' tdot */
void time_features_backward2(const TimeDims *d, float *mt, const float *my, const float *ly,
                             const float *t, const float *tdot, const float *w)
{
    if (!mt) return;
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        size_t row = (size_t)n * (size_t)d->F;
        double sum = dot_features(d, my + row, 1, t[n], w);
        if (tdot) sum += dot_features(d, ly + row, 2, t[n], w) * (double)tdot[n];
        mt[n] += (float)sum;
    }
}

/* ---- class embedding: y[n,:] = w[label[n],:]. Serial: a few rows of a few hundred floats, and the
 * gradient's sum over images keeps its order. */

/* Where the label's row starts in w. */
static size_t class_offset(const ClassDims *d, float label)
{
    int last = d->classes - 1;
    int k = label >= (float)last ? last : label > 0 ? (int)label : 0; /* NaN: 0 */
    return (size_t)k * (size_t)d->F;
}

void class_embed_forward(const ClassDims *d, float *y, const float *label, const float *w)
{
    for (int n = 0; n < d->N; n++)
        memcpy(y + (size_t)n * (size_t)d->F, w + class_offset(d, label[n]),
               (size_t)d->F * sizeof *y);
}

void class_embed_backward(const ClassDims *d, float *dw, const float *dy, const float *label)
{
    if (!dw) return;
    for (int n = 0; n < d->N; n++)
        vec_accumulate(dw + class_offset(d, label[n]), dy + (size_t)n * (size_t)d->F, (size_t)d->F);
}

/* ---- rows */

static void run_time_features_forward(const OpCall *c)
{
    time_features_forward(c->dims, c->y, c->x[0], c->w);
}

static void run_time_features_backward(const OpCall *c)
{
    time_features_backward(c->dims, c->dx[0], c->dy, c->x[0], c->w);
}

static void run_time_features_tangent(const OpCall *c)
{
    time_features_tangent(c->dims, c->ydot, c->x[0], c->xdot[0], c->w);
}

static void run_time_features_backward2(const OpCall *c)
{
    time_features_backward2(c->dims, c->mx[0], c->my, c->dy, c->x[0], c->xdot[0], c->w);
}

const Op op_time_features = {.name = "time_features",
                             .dims_bytes = sizeof(TimeDims),
                             .forward = run_time_features_forward,
                             .backward = run_time_features_backward,
                             .tangent = run_time_features_tangent,
                             .backward2 = run_time_features_backward2,
                             .backward_values = OP_X0,
                             .tangent_values = OP_X0,
                             .second_values = OP_X0,
                             .second_tangents = OP_X0,
                             .second_lambda = true};

static void run_class_embed_forward(const OpCall *c)
{
    class_embed_forward(c->dims, c->y, c->x[0], c->w);
}

static void run_class_embed_backward(const OpCall *c)
{
    class_embed_backward(c->dims, c->dw, c->dy, c->x[0]);
}

/* Labels have no tangent, so the other passes are never run. */
const Op op_class_embed = {.name = "class_embed",
                           .dims_bytes = sizeof(ClassDims),
                           .forward = run_class_embed_forward,
                           .backward = run_class_embed_backward,
                           .backward_values = OP_X0};
