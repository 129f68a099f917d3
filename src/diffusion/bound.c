/* The variational bound of a chain (Ho et al. 2020, eq. 5), for one image x0:
 *
 *   -ln P(x0) <= KL(q(x_T|x0) || prior)
 *              + sum_{t=1}^{T-1} E KL(q(x_{t-1}|x_t,x0) || p(x_{t-1}|x_t))
 *              + E -ln P(x0|x_{t=0})
 *
 * with x_t = alpha_t x0 + sigma_t z. Both distributions of a step are Gaussians whose means differ by
 * c_x0 (x0 - predicted x0) (posterior_step); the last term is the discretised decoder.
 *
 * From few predictions the sum over t is estimated by strata: step 0 is one, the steps from 1 are
 * cut into ranges that widen by a constant factor, because the terms fall about as 1/t. Each range
 * has two draws of t and z, and its sum is its width times their mean: without bias, and with a
 * variance that the two draws tell without bias. */
#include <math.h>
#include <stdio.h>

#include "diffc/likelihood.h"
#include "diffc/mem.h"

enum { ZERO_DRAWS = 2, RANGE_DRAWS = 2, LEAST_CALLS = ZERO_DRAWS + RANGE_DRAWS };
/* Where the draws of t begin among an image's noise draws. */
static const uint64_t TIME_DRAWS = (uint64_t)1 << 40;

typedef struct {
    const BoundRun *run;
    const Denoiser *denoiser;
    const NoiseSource *noise;
    int T;
    int ranges;     /* of the steps from 1 */
    int *first;     /* [ranges+1]: range r is first[r] .. first[r+1]-1 */
    int zero_draws; /* of step 0, the first of an image's draws; then those of range 0, 1, ... */
    int range_draws;
    int draws; /* of an image: zero_draws + ranges * range_draws */
    Err *err;
} Bound;

static int chain_length(const BoundRun *run)
{
    return run->process->T;
}

long bound_calls(const BoundRun *run)
{
    return run->calls > 0 ? run->calls : chain_length(run) + ZERO_DRAWS - 1;
}

static bool check(const BoundRun *run, Err *err)
{
    if (!process_is_discrete(run->process))
        return err_set(err, ERR_USAGE,
                       "the variational bound needs a chain of discrete steps; this model's noise "
                       "is continuous in time, for which there is the protocol ode");
    int T = chain_length(run);
    if (T < 2)
        return err_set(err, ERR_USAGE,
                       "the variational bound needs two or more steps; this model has %d", T);
    if (run->calls != 0 && (run->calls < LEAST_CALLS || run->calls > 2 * T))
        return err_set(err, ERR_USAGE,
                       "the variational bound is asked from %d network calls; it must be %d to %d "
                       "(twice the model's steps)",
                       run->calls, LEAST_CALLS, 2 * T);
    if (run->clip && !(run->clip_range > 0))
        return err_set(err, ERR_USAGE, "the clipping range is %g; it must be above 0",
                       run->clip_range);
    return true;
}

/* Cuts 1 .. T-1 into b->ranges parts whose bounds grow by a constant factor, once they are wide
 * enough to. */
static void cut_ranges(Bound *b)
{
    b->first[0] = 1;
    for (int r = 0; r < b->ranges; r++) {
        int here = b->first[r], left = b->ranges - r;
        int next = (int)rint(here * pow((double)b->T / here, 1.0 / left));
        if (next <= here) next = here + 1;
        if (next > b->T - (left - 1)) next = b->T - (left - 1);
        b->first[r + 1] = next;
    }
}

static bool plan(Bound *b)
{
    int calls = b->run->calls, steps = b->T - 1;
    b->ranges = steps;
    b->range_draws = calls > 0 ? RANGE_DRAWS : 1;
    if (calls > 0 && (calls - ZERO_DRAWS) / RANGE_DRAWS < steps)
        b->ranges = (calls - ZERO_DRAWS) / RANGE_DRAWS;
    b->draws = (int)bound_calls(b->run);
    b->zero_draws = b->draws - b->ranges * b->range_draws;
    b->first = mem_alloc((size_t)b->ranges + 1, sizeof *b->first);
    if (!b->first)
        return err_set(b->err, ERR_MEMORY, "no memory for the %d terms of a bound", b->T);
    cut_ranges(b);
    return true;
}

/* The step of an image's draw, by a uniform number where a range has several. */
static int step_of_draw(const Bound *b, int image, int draw)
{
    if (draw < b->zero_draws) return 0;
    int range = (draw - b->zero_draws) / b->range_draws;
    int first = b->first[range], width = b->first[range + 1] - first;
    if (width == 1) return first;
    double z;
    b->noise->normals(b->noise->context, image, TIME_DRAWS + (uint64_t)draw, 1, &z);
    int at = (int)(width * 0.5 * erfc(-z * sqrt(0.5)));
    return first + (at < width ? at : width - 1);
}

static double step_variance(const Bound *b, int t, PosteriorStep q)
{
    const BoundRun *run = b->run;
    if (run->variances) return run->variances[t];
    if (t > 0) return run->variance == VARIANCE_LARGE ? q.variance_large : q.variance_small;
    /* The last step's own small variance is zero. */
    return posterior_step(process_level(run->process, 1), process_level(run->process, 0))
        .variance_small;
}

/* The term of step t in nats, given the predicted noise of one draw. */
static double term(const Bound *b, int t, const double *x0, const double *x, const double *eps)
{
    const BoundRun *run = b->run;
    NoiseLevel level = process_level(run->process, t);
    PosteriorStep q = posterior_step(level, process_level(run->process, t - 1));
    double variance = step_variance(b, t, q), std = sqrt(variance), sum = 0;
    for (size_t i = 0; i < b->denoiser->dims; i++) {
        double guess = x0_from_eps(level, x[i], eps[i]);
        if (run->clip) guess = fmin(fmax(guess, -run->clip_range), run->clip_range);
        if (t > 0)
            sum += gaussian_kl(q.c_x0 * x0[i], q.variance_small, q.c_x0 * guess, variance);
        else if (run->tanh_decoder)
            sum -= decoder_log_probability_tanh(&model_pixels, x0[i], guess, std);
        else
            sum -= decoder_log_probability(&model_pixels, x0[i], guess, std);
    }
    return sum;
}

/* Room for one group of predictions. */
typedef struct {
    int size;
    double *x, *eps;    /* [size, dims] */
    int *step;          /* [size] */
    NoiseLevel *levels; /* [size] */
} Group;

static bool group_open(Group *g, const Bound *b)
{
    size_t size = (size_t)(b->run->batch > 0 ? b->run->batch : 1),
           values = size * b->denoiser->dims;
    *g = (Group){.size = (int)size,
                 .x = mem_doubles(values),
                 .eps = mem_doubles(values),
                 .step = mem_alloc(size, sizeof *g->step),
                 .levels = mem_alloc(size, sizeof *g->levels)};
    return (g->x && g->eps && g->step && g->levels) ||
           err_set(b->err, ERR_MEMORY, "no memory for a batch of %zu predictions", size);
}

static void group_close(Group *g)
{
    mem_free(g->x);
    mem_free(g->eps);
    mem_free(g->step);
    mem_free(g->levels);
}

/* values [count * draws]: the terms of all draws of all images, a group of predictions at a time. */
static bool evaluate(const Bound *b, Group *g, int count, const double *x0, double *values)
{
    const Denoiser *d = b->denoiser;
    size_t dims = d->dims, rows = (size_t)count * (size_t)b->draws;
    long done = 0;
    for (size_t first = 0; first < rows; first += (size_t)g->size) {
        int part = rows - first < (size_t)g->size ? (int)(rows - first) : g->size;
#pragma omp parallel for schedule(static)
        for (int row = 0; row < part; row++) {
            int image = (int)((first + (size_t)row) / (size_t)b->draws);
            int draw = (int)((first + (size_t)row) % (size_t)b->draws);
            double *x = g->x + (size_t)row * dims;
            const double *clean = x0 + (size_t)image * dims;
            g->step[row] = step_of_draw(b, image, draw);
            NoiseLevel level = g->levels[row] = process_level(b->run->process, g->step[row]);
            b->noise->normals(b->noise->context, image, (uint64_t)draw, dims, x);
            for (size_t i = 0; i < dims; i++) x[i] = level.alpha * clean[i] + level.sigma * x[i];
        }
        if (!d->predict(d->context, part, g->x, g->levels, 1, g->eps, b->err)) return false;
#pragma omp parallel for schedule(static)
        for (int row = 0; row < part; row++) {
            size_t at = (size_t)row * dims, image = (first + (size_t)row) / (size_t)b->draws;
            values[first + (size_t)row] =
                term(b, g->step[row], x0 + image * dims, g->x + at, g->eps + at);
        }
        done += part;
        if (b->run->progress && !b->run->progress(b->run->progress_context, done))
            return err_set(b->err, ERR_INTERRUPTED,
                           "interrupted after %ld of %zu predictions of the bound", done, rows);
    }
    return true;
}

/* Mean of n values and the variance of that mean. */
typedef struct {
    double mean, variance;
} Estimate;
static Estimate estimate(const double *v, int n)
{
    double mean = 0, square = 0;
    for (int i = 0; i < n; i++) mean += v[i] / n;
    for (int i = 0; i < n; i++) square += (v[i] - mean) * (v[i] - mean);
    return (Estimate){mean, n > 1 ? square / (n - 1) / n : 0};
}

/* Variance of the sum of the terms v[0 .. n-1] of steps 1 .. n, with one draw each: from the second
 * differences of t L_t, which is nearly flat in t, so that what differs is noise. What bend is left
 * makes it a little too large. */
static double variance_of_neighbours(const double *v, int n)
{
    double sum = 0;
    if (n < 3) return (double)NAN;
    for (int k = 0; k < n; k++) {
        int i = k < 1 ? 1 : k > n - 2 ? n - 2 : k; /* the middle of three neighbours */
        double second = i * v[i - 1] - 2 * (i + 1) * v[i] + (i + 2) * v[i + 1];
        sum += second * second / 6 / ((double)(k + 1) * (k + 1));
    }
    return sum;
}

/* An image's figures from the terms of its draws. */
static void conclude(const Bound *b, const double *x0, const double *values, Likelihood *result,
                     double *terms)
{
    size_t dims = b->denoiser->dims;
    const double *ranges = values + b->zero_draws;
    double prior = prior_kl(b->run->process, x0, dims);
    Estimate zero = estimate(values, b->zero_draws);
    double nats = prior + zero.mean, variance = zero.variance;
    for (int r = 0; r < b->ranges; r++) {
        double width = b->first[r + 1] - b->first[r];
        Estimate e = estimate(ranges + (size_t)r * (size_t)b->range_draws, b->range_draws);
        nats += width * e.mean;
        variance += width * width * e.variance;
    }
    if (b->range_draws == 1) variance += variance_of_neighbours(ranges, b->ranges);
    double scale = (double)dims * log(2);
    *result = (Likelihood){.nats = nats,
                           .bits_per_dim = nats / scale,
                           .standard_error = sqrt(variance) / scale,
                           .dims = dims,
                           .network_calls = b->draws};
    if (!terms) return;
    terms[0] = zero.mean;
    for (int t = 1; t < b->T; t++) terms[t] = ranges[t - 1];
    terms[b->T] = prior;
}

bool bound_run(const BoundRun *run, const Denoiser *denoiser, const NoiseSource *noise, int count,
               const double *x0, Likelihood *results, double *terms, Err *err)
{
    if (!check(run, err)) return false;
    CHECK(!terms || run->calls == 0);
    Bound b = {
        .run = run, .denoiser = denoiser, .noise = noise, .T = chain_length(run), .err = err};
    Group g = {0};
    double *values = NULL;
    bool ok = plan(&b) && group_open(&g, &b);
    if (ok) {
        values = mem_doubles((size_t)count * (size_t)b.draws);
        ok = values || err_set(err, ERR_MEMORY, "no memory for the terms of %d images", count);
    }
    ok = ok && evaluate(&b, &g, count, x0, values);
    for (int image = 0; image < count && ok; image++) {
        size_t at = (size_t)image * denoiser->dims;
        conclude(&b, x0 + at, values + (size_t)image * (size_t)b.draws, &results[image],
                 terms ? terms + (size_t)image * ((size_t)b.T + 1) : NULL);
        if (!isfinite(results[image].nats))
            ok =
                err_set(err, ERR_DIVERGED,
                        "the bound of image %d is %g; it must be finite, so the model has diverged",
                        image, results[image].nats);
    }
    group_close(&g);
    mem_free(values);
    mem_free(b.first);
    return ok;
}
