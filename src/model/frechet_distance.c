#include "model/frechet_distance.h"

#include <float.h>
#include <math.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "math/double_matrix.h"

enum { CHUNK = 512 }; /* vectors that are projected together */

typedef struct {
    const FrechetSet *reference;
    int dims, rank;    /* rank: eigenvalues of S1 that are not 0 */
    double *own;       /* [rank] these eigenvalues */
    double *root;      /* [rank, dims] A: their eigenvectors times their roots */
    double *rows;      /* [rank, dims] A S2, then W */
    double *inner;     /* [rank, rank] A S2 A^T, then its eigenvectors */
    double *values;    /* [dims] its eigenvalues */
    double *x, *image; /* [CHUNK, dims], [CHUNK, rank] */
} Work;

static double trace(const FeatureMoments *m)
{
    double sum = 0;
    for (size_t i = 0; i < (size_t)m->dims; i++) sum += m->covariance[i * ((size_t)m->dims + 1)];
    return sum;
}

/* Whether an eigenvalue is more than the rounding of the largest. */
static bool counts(double value, double largest, int n)
{
    return value > largest * n * DBL_EPSILON;
}

/* ---- the reference's root ---- */

static bool open_work(Work *w, const FrechetSet *reference, Err *err)
{
    size_t dims = (size_t)reference->moments->dims, square = dims * dims;
    *w = (Work){.reference = reference,
                .dims = (int)dims,
                .own = mem_doubles(dims),
                .root = mem_doubles(square),
                .rows = mem_doubles(square),
                .inner = mem_doubles(square),
                .values = mem_doubles(dims),
                .x = mem_doubles(CHUNK * dims),
                .image = mem_doubles(CHUNK * dims)};
    return (w->own && w->root && w->rows && w->inner && w->values && w->x && w->image) ||
           err_set(err, ERR_MEMORY, "not enough memory for the Frechet distance of %zu features",
                   dims);
}

static void close_work(Work *w)
{
    mem_free(w->own);
    mem_free(w->root);
    mem_free(w->rows);
    mem_free(w->inner);
    mem_free(w->values);
    mem_free(w->x);
    mem_free(w->image);
}

/* A, of the eigenvalues that count. */
static bool take_root(Work *w, Err *err)
{
    size_t dims = (size_t)w->dims;
    const double *covariance = w->reference->moments->covariance;
    for (size_t i = 0; i < dims * dims; i++) w->inner[i] = covariance[i];
    if (!symmetric_eigen(w->inner, w->dims, w->values, err)) return false;
    for (size_t i = 0; i < dims; i++) {
        if (!counts(w->values[i], w->values[dims - 1], w->dims)) continue;
        size_t to = (size_t)w->rank++;
        double scale = sqrt(w->values[i]);
        w->own[to] = w->values[i];
        for (size_t k = 0; k < dims; k++) w->root[to * dims + k] = scale * w->inner[i * dims + k];
    }
    return true;
}

/* ---- the distance ---- */

/* C[rank, columns] = A[rank, K] B[K, columns], B as it is or transposed. */
static DoubleProduct product_of(const Work *w, const double *a, int K, const double *b,
                                bool transpose_b, double *c, int columns)
{
    return (DoubleProduct){.M = w->rank,
                           .N = columns,
                           .K = K,
                           .a = a,
                           .lda = K,
                           .b = b,
                           .ldb = transpose_b ? K : columns,
                           .transpose_b = transpose_b,
                           .c = c,
                           .ldc = columns};
}

/* The eigenvalues of A S2 A^T, ascending, and its eigenvectors as rows of w->inner. */
static bool decompose(Work *w, const FeatureMoments *other, Err *err)
{
    DoubleProduct half =
        product_of(w, w->root, w->dims, other->covariance, false, w->rows, w->dims);
    DoubleProduct whole = product_of(w, w->rows, w->dims, w->root, true, w->inner, w->rank);
    whole.upper = true;
    double_product(&half);
    double_product(&whole);
    return symmetric_eigen(w->inner, w->rank, w->values, err);
}

static void take_distance(const Work *w, const FeatureMoments *other, FrechetDistance *out)
{
    const FeatureMoments *own = w->reference->moments;
    double means = 0, roots = 0;
    for (int k = 0; k < w->dims; k++)
        means += (own->mean[k] - other->mean[k]) * (own->mean[k] - other->mean[k]);
    for (int i = 0; i < w->rank; i++)
        if (w->values[i] > 0) roots += sqrt(w->values[i]);
    *out = (FrechetDistance){.distance = means + trace(own) + trace(other) - 2 * roots,
                             .means = means,
                             .standard_error = (double)NAN};
    if (out->distance < 0) out->distance = 0; /* equal sets, but for rounding */
}

/* ---- the standard error ---- */

/* With A S2 A^T = Q^T L Q and the eigenvalues D of S1: T = W^T W for W = L^(-1/4) Q A, and T^-1 for
 * W = L^(1/4) Q D^-1 A. The first must come first, because the other changes Q. */
static void make_map(Work *w, bool inverse)
{
    size_t dims = (size_t)w->dims, rank = (size_t)w->rank;
    double largest = rank > 0 ? w->values[rank - 1] : 0, power = inverse ? 0.25 : -0.25;
    for (size_t i = 0; i < rank && inverse; i++)
        for (size_t k = 0; k < rank; k++) w->inner[i * rank + k] /= w->own[k];
    DoubleProduct p = product_of(w, w->inner, w->rank, w->root, false, w->rows, w->dims);
    double_product(&p);
    for (size_t i = 0; i < rank; i++) {
        double scale = counts(w->values[i], largest, w->rank) ? pow(w->values[i], power) : 0;
        for (size_t k = 0; k < dims; k++) w->rows[i * dims + k] *= scale;
    }
}

/* 2 shift u + |u|^2 - |W u|^2 of vectors first .. first + count - 1. */
static void influences(Work *w, const FrechetSet *set, const double *from, size_t first,
                       size_t count, double *out)
{
    size_t dims = (size_t)w->dims, rank = (size_t)w->rank;
    const double *mean = set->moments->mean;
    features_centred(set->features, mean, first, count, w->x);
    DoubleProduct p = {.M = (int)count,
                       .N = w->rank,
                       .K = w->dims,
                       .a = w->x,
                       .lda = w->dims,
                       .b = w->rows,
                       .ldb = w->dims,
                       .transpose_b = true,
                       .c = w->image,
                       .ldc = w->rank};
    double_product(&p);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t k = 0; k < dims; k++) {
            double u = w->x[i * dims + k];
            sum += (2 * (mean[k] - from[k]) + u) * u;
        }
        for (size_t k = 0; k < rank; k++) sum -= w->image[i * rank + k] * w->image[i * rank + k];
        out[i] = sum;
    }
}

/* Adds the variance that the choice of a set's vectors gives the distance. */
static bool add_variance(Work *w, const FrechetSet *set, const FeatureMoments *other,
                         double *variance, Err *err)
{
    size_t n = set->features->count;
    double *f = mem_doubles(n), mean = 0, square = 0;
    if (!f) return err_set(err, ERR_MEMORY, "not enough memory for %zu vectors", n);
    for (size_t first = 0; first < n; first += CHUNK)
        influences(w, set, other->mean, first, n - first < CHUNK ? n - first : CHUNK, f + first);
    for (size_t i = 0; i < n; i++) mean += f[i] / (double)n;
    for (size_t i = 0; i < n; i++) square += (f[i] - mean) * (f[i] - mean);
    *variance += square / ((double)n * (double)n);
    mem_free(f);
    return true;
}

static bool take_error(Work *w, const FrechetSet *other, FrechetDistance *out, Err *err)
{
    const FrechetSet *own = w->reference;
    double variance = 0;
    if (!own->features && !other->features) return true;
    if (other->features) {
        make_map(w, false);
        if (!add_variance(w, other, own->moments, &variance, err)) return false;
    }
    if (own->features) {
        make_map(w, true);
        if (!add_variance(w, own, other->moments, &variance, err)) return false;
    }
    out->standard_error = sqrt(variance);
    return true;
}

bool frechet_distances(const FrechetSet *reference, const FrechetSet *others, int count,
                       const WorkProgress *progress, FrechetDistance *out, Err *err)
{
    Work w;
    bool ok = open_work(&w, reference, err) && work_goes_on(progress, 0, err) && take_root(&w, err);
    for (int i = 0; i < count && ok; i++) {
        CHECK(others[i].moments->dims == w.dims);
        ok = work_goes_on(progress, (i + 1.0) / (count + 1), err) &&
             decompose(&w, others[i].moments, err);
        if (ok) take_distance(&w, others[i].moments, &out[i]);
        ok = ok && work_goes_on(progress, (i + 1.5) / (count + 1), err) &&
             take_error(&w, &others[i], &out[i], err);
    }
    close_work(&w);
    return ok;
}
