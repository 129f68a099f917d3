#include "model/feature_moments.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "io/npz.h"
#include "math/double_matrix.h"

enum { CHUNK = 512 }; /* vectors that are added to the covariance together */

void features_centred(const Features *f, const double *mean, size_t first, size_t count, double *x)
{
    size_t dims = (size_t)f->dims;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < dims; k++)
            x[i * dims + k] = (double)f->values[(first + i) * dims + k] - mean[k];
}

static void find_mean(const Features *f, double *mean)
{
    size_t dims = (size_t)f->dims;
    for (size_t i = 0; i < f->count; i++)
        for (size_t k = 0; k < dims; k++) mean[k] += (double)f->values[i * dims + k];
    for (size_t k = 0; k < dims; k++) mean[k] /= (double)f->count;
}

/* The sum over vectors of x x^T / (count - 1), chunk after chunk. */
static bool find_covariance(const Features *f, const WorkProgress *progress, FeatureMoments *m,
                            double *x, Err *err)
{
    size_t dims = (size_t)f->dims;
    for (size_t first = 0; first < f->count; first += CHUNK) {
        size_t count = f->count - first < CHUNK ? f->count - first : CHUNK;
        if (!work_goes_on(progress, (double)first / (double)f->count, err)) return false;
        features_centred(f, m->mean, first, count, x);
        DoubleProduct p = {.M = f->dims,
                           .N = f->dims,
                           .K = (int)count,
                           .a = x,
                           .lda = f->dims,
                           .transpose_a = true,
                           .b = x,
                           .ldb = f->dims,
                           .beta = first > 0,
                           .c = m->covariance,
                           .ldc = f->dims,
                           .upper = true};
        double_product(&p);
    }
    double scale = 1 / ((double)f->count - 1);
    for (size_t i = 0; i < dims * dims; i++) m->covariance[i] *= scale;
    double_mirror(m->covariance, f->dims);
    return true;
}

static bool open_moments(FeatureMoments *m, int dims, size_t count, Err *err)
{
    *m = (FeatureMoments){.dims = dims,
                          .count = count,
                          .mean = mem_doubles((size_t)dims),
                          .covariance = mem_doubles((size_t)dims * (size_t)dims)};
    return (m->mean && m->covariance) ||
           err_set(err, ERR_MEMORY, "not enough memory for the covariance of %d features", dims);
}

bool feature_moments(const Features *f, const WorkProgress *progress, FeatureMoments *out, Err *err)
{
    CHECK(f->count > 1 && f->dims > 0 && f->dims <= MOMENTS_MOST_DIMS);
    size_t rows = f->count < CHUNK ? f->count : CHUNK;
    double *x = mem_doubles(rows * (size_t)f->dims);
    bool ok = open_moments(out, f->dims, f->count, err) &&
              (x || err_set(err, ERR_MEMORY, "not enough memory for %zu vectors", rows));
    if (ok) find_mean(f, out->mean);
    ok = ok && find_covariance(f, progress, out, x, err);
    mem_free(x);
    return ok;
}

void feature_moments_free(FeatureMoments *m)
{
    mem_free(m->mean);
    mem_free(m->covariance);
    *m = (FeatureMoments){.dims = 0};
}

/* ---- files ---- */

static bool refuse(const char *path, const char *what, Err *err)
{
    return err_set(err, ERR_FORMAT, "%s: %s", path, what);
}

static bool check_covariance(const char *path, const FeatureMoments *m, Err *err)
{
    size_t dims = (size_t)m->dims;
    const double *s = m->covariance;
    double largest = 0;
    for (size_t i = 0; i < dims; i++) {
        double own = s[i * dims + i];
        if (own < 0)
            return refuse(path, "sigma has a negative variance, so it is no covariance", err);
        if (own > largest) largest = own;
    }
    for (size_t i = 0; i < dims; i++)
        for (size_t j = 0; j < i; j++)
            if (fabs(s[i * dims + j] - s[j * dims + i]) > 1e-6 * largest)
                return refuse(path, "sigma is not symmetric, so it is no covariance", err);
    return true;
}

static bool check_finite(const char *path, const char *name, const double *values, size_t count,
                         Err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return err_set(err, ERR_FORMAT, "%s: %s holds a number that is not finite", path, name);
    return true;
}

static bool take(const char *path, const NpzNumbers *mean, const NpzNumbers *covariance,
                 FeatureMoments *out, Err *err)
{
    size_t dims = mean->shape[0], square = dims * dims;
    if (dims > MOMENTS_MOST_DIMS)
        return err_set(err, ERR_FORMAT, "%s: mu has %zu numbers; up to %d are read", path, dims,
                       MOMENTS_MOST_DIMS);
    if (covariance->shape[0] != dims || covariance->shape[1] != dims)
        return err_set(err, ERR_FORMAT, "%s: mu has %zu number%s, but sigma is %zu x %zu", path,
                       dims, dims == 1 ? "" : "s", covariance->shape[0], covariance->shape[1]);
    if (!open_moments(out, (int)dims, 0, err)) return false;
    memcpy(out->mean, mean->values, dims * sizeof *out->mean);
    memcpy(out->covariance, covariance->values, square * sizeof *out->covariance);
    return check_finite(path, "mu", out->mean, dims, err) &&
           check_finite(path, "sigma", out->covariance, square, err) &&
           check_covariance(path, out, err);
}

bool feature_moments_read(const char *path, FeatureMoments *out, Err *err)
{
    NpzNumbers arrays[] = {{.name = "mu", .dims = 1}, {.name = "sigma", .dims = 2}};
    *out = (FeatureMoments){.dims = 0};
    bool ok = npz_read_numbers(path, "the statistics mu and sigma of pytorch-fid are expected",
                               arrays, 2, err) &&
              take(path, &arrays[0], &arrays[1], out, err);
    npz_free_numbers(arrays, 2);
    if (!ok) feature_moments_free(out);
    return ok;
}

bool feature_moments_write(const char *path, const FeatureMoments *m, Err *err)
{
    size_t dims = (size_t)m->dims;
    const NpzNumbers arrays[] = {
        {.name = "mu", .dims = 1, .shape = {dims}, .values = m->mean},
        {.name = "sigma", .dims = 2, .shape = {dims, dims}, .values = m->covariance}};
    return npz_write_numbers(path, arrays, 2, err);
}
