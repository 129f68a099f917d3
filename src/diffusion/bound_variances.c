/* The variances of a chain's steps that make its bound smallest, from the measured errors of x0. */
#include <math.h>

#include "base/mem.h"
#include "diffusion/bound_draws.h"

/* Mean squared error of the predicted x0. */
static double error_of_x0(const Bound *b, int t, const double *x0, const double *x,
                          const double *eps, const double *v)
{
    (void)v;
    NoiseLevel level = process_level(b->run->process, t);
    double sum = 0;
    for (size_t i = 0; i < b->denoiser->dims; i++) {
        double error = x0[i] - predicted_x0(b->run, level, x[i], eps[i]);
        sum += error * error;
    }
    return sum / (double)b->denoiser->dims;
}

/* ln of a range's mean error over all images, and ln t at its middle. */
typedef struct {
    double log_t, log_error;
} Knot;

static Knot knot_of(const Bound *b, int range, int first_draw, int count)
{
    Range r = b->range[range];
    double sum = 0;
    for (int image = 0; image < count; image++)
        for (int k = 0; k < r.draws; k++)
            sum += b->values[(size_t)image * (size_t)b->draws + (size_t)(first_draw + k)];
    /* An error of zero has no logarithm; nothing smaller than this matters beside the variance. */
    double mean = fmax(sum / ((double)count * r.draws), 1e-30);
    int last = r.first + r.width - 1;
    return (Knot){r.first > 0 ? 0.5 * log((double)r.first * last) : 0, log(mean)};
}

/* Between the middles of the ranges the error is a power of t. */
static void fill_variances(const Bound *b, const Knot *knot, double *variances)
{
    int k = 1; /* knot[0] is step 0's */
    for (int t = 0; t < b->T; t++) {
        double log_error = knot[0].log_error;
        if (t > 0) {
            while (k + 1 < b->ranges && knot[k + 1].log_t <= log(t)) k++;
            int next = k + 1 < b->ranges ? k + 1 : k;
            double way = knot[next].log_t - knot[k].log_t;
            double part = way > 0 ? fmax((log(t) - knot[k].log_t) / way, 0) : 0;
            log_error = knot[k].log_error + part * (knot[next].log_error - knot[k].log_error);
        }
        PosteriorStep q = posterior_step(process_level(b->run->process, t),
                                         process_level(b->run->process, t - 1));
        variances[t] = q.variance_small + q.c_x0 * q.c_x0 * exp(log_error);
    }
}

bool bound_fit_variances(const LikelihoodRun *run, const Denoiser *denoiser,
                         const NoiseSource *noise, int count, const double *x0, double *variances,
                         Err *err)
{
    Bound b = {.run = run, .denoiser = denoiser, .noise = noise, .T = run->process->T, .err = err};
    Knot *knot = NULL;
    bool ok = bound_draws_measure(&b, count, x0, error_of_x0);
    if (ok) {
        knot = mem_alloc((size_t)b.ranges, sizeof *knot);
        ok = knot || err_set(err, ERR_MEMORY, "no memory for the variances of %d steps", b.T);
    }
    for (int r = 0, draw = 0; r < b.ranges && ok; draw += b.range[r++].draws)
        knot[r] = knot_of(&b, r, draw, count);
    if (ok) fill_variances(&b, knot, variances);
    mem_free(knot);
    bound_draws_close(&b);
    return ok;
}
