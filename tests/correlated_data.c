#include "correlated_data.h"

/* eps = sigma (alpha^2 S + sigma^2)^-1 (x - alpha m), whose Jacobian is symmetric. */
static void noise_of(const Correlated *c, NoiseLevel level, double mean, const double *x,
                     double *eps)
{
    double along[DIMS];
    for (int k = 0; k < DIMS; k++) {
        along[k] = 0;
        for (int i = 0; i < DIMS; i++) along[k] += c->Q[i][k] * (x[i] - level.alpha * mean);
        along[k] *=
            level.sigma / (level.alpha * level.alpha * c->lambda[k] + level.sigma * level.sigma);
    }
    for (int i = 0; i < DIMS; i++) {
        eps[i] = 0;
        for (int k = 0; k < DIMS; k++) eps[i] += c->Q[i][k] * along[k];
    }
}

static bool predict_vjp(void *context, int count, const double *x, const NoiseLevel *levels,
                        int stride, const double *v, double *eps, double *jtv, Err *err)
{
    const Correlated *c = context;
    (void)err;
    for (int image = 0; image < count; image++) {
        size_t at = (size_t)image * DIMS;
        noise_of(c, levels[image * stride], c->mean, x + at, eps + at);
        if (v) noise_of(c, levels[image * stride], 0, v + at, jtv + at);
    }
    return true;
}

static bool predict(void *context, int count, const double *x, const NoiseLevel *levels, int stride,
                    double *eps, Err *err)
{
    return predict_vjp(context, count, x, levels, stride, NULL, eps, NULL, err);
}

Denoiser correlated_denoiser(Correlated *c)
{
    return (Denoiser){.context = c, .dims = DIMS, .predict = predict, .predict_vjp = predict_vjp};
}

Correlated data_of(double mean, double spread, double smooth)
{
    Correlated c = {.mean = mean};
    double sum = 0;
    for (int k = 0; k < DIMS; k++) sum += c.lambda[k] = exp(-smooth * k);
    for (int k = 0; k < DIMS; k++) {
        c.lambda[k] *= DIMS * spread * spread / sum;
        for (int i = 0; i < DIMS; i++)
            c.Q[i][k] = sqrt((k ? 2.0 : 1.0) / DIMS) * cos(M_PI * k * (i + 0.5) / DIMS);
    }
    return c;
}

static void covariance(const Correlated *c, double S[DIMS][DIMS])
{
    for (int i = 0; i < DIMS; i++)
        for (int j = 0; j < DIMS; j++) {
            S[i][j] = 0;
            for (int k = 0; k < DIMS; k++) S[i][j] += c->lambda[k] * c->Q[i][k] * c->Q[j][k];
        }
}

/* One value of y after the other: each is a step of Kalman's filter. */
Moments conditional(const Correlated *c, const Restore *r)
{
    Moments m;
    covariance(c, m.covariance);
    for (int i = 0; i < DIMS; i++) m.mean[i] = c->mean;
    double e[DIMS], row[DIMS], gain[DIMS];
    size_t known = operator_known(&r->a);
    for (size_t k = 0; k < known; k++) {
        for (size_t j = 0; j < known; j++) e[j] = j == k;
        operator_transpose(&r->a, e, row);
        double variance = r->noise * r->noise, missed = r->y[k];
        for (int i = 0; i < DIMS; i++) {
            gain[i] = 0;
            for (int j = 0; j < DIMS; j++) gain[i] += m.covariance[i][j] * row[j];
            variance += gain[i] * row[i];
            missed -= row[i] * m.mean[i];
        }
        for (int i = 0; i < DIMS; i++) {
            m.mean[i] += gain[i] * missed / variance;
            for (int j = 0; j < DIMS; j++) m.covariance[i][j] -= gain[i] * gain[j] / variance;
        }
    }
    return m;
}

static const unsigned char kept[DIMS] = {1, 1, 1, 0, 0, 1, 0, 0};
const double known_y[DIMS] = {0.9, 0.4, -0.5, 0.8, 0.1, -0.3, 0.6, 0.2};

Restore known_by(OperatorKind kind, RestoreWay way, double noise)
{
    return (Restore){.a = {.kind = kind,
                           .height = H,
                           .width = W,
                           .channels = 1,
                           .colours = 1,
                           .kept = kept,
                           .block = 2},
                     .y = known_y,
                     .noise = noise,
                     .way = way,
                     .spread = SPREAD};
}

static void unit_normals(void *context, int image, uint64_t draw, size_t dims, double *z)
{
    const UnitNoise *u = context;
    uint64_t replaces = (uint64_t)1 << 30;
    size_t number = draw < replaces ? (size_t)draw : u->replaced + (size_t)(draw - replaces);
    for (size_t i = 0; i < dims; i++) z[i] = (size_t)image == 1 + number * dims + i;
    if (1 + (number + 1) * dims > u->inputs) EXPECT(!"a draw with an image of its own");
}

NoiseSource unit_noise(UnitNoise *u)
{
    return (NoiseSource){.context = u, .normals = unit_normals};
}
