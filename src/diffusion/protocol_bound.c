/* The variational bound of a chain (Ho et al. 2020, eq. 5), for one image x0:
 *
 *   -ln P(x0) <= KL(q(x_T|x0) || prior)
 *              + sum_{t=1}^{T-1} E KL(q(x_{t-1}|x_t,x0) || p(x_{t-1}|x_t))
 *              + E -ln P(x0|x_{t=0})
 *
 * with x_t = alpha_t x0 + sigma_t z. Both distributions of a step are Gaussians whose means differ by
 * c_x0 (x0 - predicted x0) (posterior_step); the last term is the discretised decoder. */
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "diffusion/bound_draws.h"

/* v: what the network says of this value's variance, 0 where nothing is learnt. */
static double step_variance(const Bound *b, int t, const ChainStep *step, double v)
{
    const LikelihoodRun *run = b->run;
    if (run->variances) return run->variances[t];
    if (run->variance == VARIANCE_LEARNED) return learned_variance(step->q, v);
    bool large = run->variance == VARIANCE_LARGE && t > 0;
    return large ? step->q.variance_large : step->q.variance_small;
}

/* The term of step t in nats, given the predicted noise of one draw. */
static double term(const Bound *b, int t, const double *x0, const double *x, const double *eps,
                   const double *v)
{
    const LikelihoodRun *run = b->run;
    NoiseLevel level = process_level(run->process, t);
    ChainStep step = chain_step(run->process, t);
    double sum = 0;
    for (size_t i = 0; i < b->denoiser->dims; i++) {
        double guess = predicted_x0(run, level, x[i], eps[i]);
        double variance = step_variance(b, t, &step, v ? v[i] : 0);
        sum += chain_step_cost(&step, x0[i], guess, variance, NULL);
    }
    return sum;
}

/* Variance of the sum of terms of which each of the steps `first` .. `first`+n-1 has one draw v[i]:
 * from the second differences of t L_t, which is nearly flat in t, so that what differs is noise.
 * What bend is left makes it a little too large. */
static double variance_of_neighbours(const double *v, int first, int n)
{
    double sum = 0;
    if (n < 3) return n > 0 ? (double)NAN : 0;
    for (int k = 0; k < n; k++) {
        int i = k < 1 ? 1 : k > n - 2 ? n - 2 : k; /* the middle of three neighbours */
        double t = first + i, own = first + k;
        double second = (t - 1) * v[i - 1] - 2 * t * v[i] + (t + 1) * v[i + 1];
        sum += second * second / 6 / (own * own);
    }
    return sum;
}

/* An image's figures from the terms of its draws. */
static void conclude(const Bound *b, const double *x0, const double *values, Likelihood *result,
                     double *terms)
{
    size_t dims = b->denoiser->dims;
    double prior = prior_kl(b->run->process, x0, dims);
    Estimate nats = {.mean = prior};
    int draw = 0, single = b->T; /* the first step with one draw */
    for (int r = 0; r < b->ranges; draw += b->range[r++].draws) {
        Range range = b->range[r];
        Estimate e = estimate_of(values + draw, range.draws);
        nats.mean += range.width * e.mean;
        if (range.draws > 1)
            nats.variance += (double)range.width * range.width * e.variance;
        else if (range.first < single)
            single = range.first;
        if (terms) terms[range.first] = e.mean;
    }
    if (terms) terms[b->T] = prior;
    int singles = b->T - single;
    nats.variance += variance_of_neighbours(values + b->draws - singles, single, singles);
    *result = likelihood_of(nats, dims, b->draws);
}

bool bound_run(const LikelihoodRun *run, const Denoiser *denoiser, const NoiseSource *noise,
               int count, const double *x0, Likelihood *results, double *terms, Err *err)
{
    CHECK(!terms || run->calls == 0);
    Bound b = {.run = run, .denoiser = denoiser, .noise = noise, .T = run->process->T, .err = err};
    bool ok = bound_draws_measure(&b, count, x0, term);
    for (int image = 0; image < count && ok; image++) {
        size_t at = (size_t)image * denoiser->dims;
        conclude(&b, x0 + at, b.values + (size_t)image * (size_t)b.draws, &results[image],
                 terms ? terms + (size_t)image * ((size_t)b.T + 1) : NULL);
        if (!isfinite(results[image].nats))
            ok =
                err_set(err, ERR_DIVERGED,
                        "the bound of image %d is %g; it must be finite, so the model has diverged",
                        image, results[image].nats);
    }
    bound_draws_close(&b);
    return ok;
}

/* A short chain is summed. */
static void set_defaults(LikelihoodRun *run, bool files)
{
    enum { CALLS = 100 };
    (void)files;
    run->calls = run->process->T <= CALLS ? 0 : CALLS;
}

static double rows(const LikelihoodRun *run, int images)
{
    (void)images;
    return run->batch;
}

static void describe(const LikelihoodRun *run, ProtocolWords *words)
{
    int terms = run->process->T;
    long calls = bound_calls(run);
    snprintf(words->what, sizeof words->what,
             "an upper bound of -log2 P: %s %d term%s, %ld network call%s an image",
             run->calls ? "estimate of" : "all", terms, terms == 1 ? "" : "s", calls,
             calls == 1 ? "" : "s");
}

static bool term_name(const LikelihoodRun *run, int i, char name[TERM_NAME_BYTES])
{
    int T = run->process->T;
    if (i < T)
        snprintf(name, TERM_NAME_BYTES, "%d", i);
    else
        snprintf(name, TERM_NAME_BYTES, "prior");
    return i <= T;
}

static bool score(const LikelihoodRun *run, const LikelihoodModel *model,
                  const ScoredImages *images, Likelihood *results, Err *err)
{
    ImageSeeds seeds = {.seeds = images->seeds};
    NoiseSource noise = likelihood_noise(&seeds);
    size_t n = (size_t)images->count * model->denoiser.dims;
    double *x0 = mem_doubles(n);
    if (!x0) return err_set(err, ERR_MEMORY, "no memory for %d images", images->count);
    for (size_t i = 0; i < n; i++) x0[i] = pixel_value(&model_pixels, images->pixels[i]);
    bool ok =
        bound_run(run, &model->denoiser, &noise, images->count, x0, results, images->terms, err);
    mem_free(x0);
    return ok;
}

const Protocol protocol_bound = {
    .name = "bound",
    .help = "variational bound of the chain of steps: an upper bound of -log2 P of the image as it "
            "stands (ddpm, smld, eddpm, cdm; default for ddpm and eddpm)",
    .needs = PROTOCOL_STEPS,
    .reads = LIKELIHOOD_STEPS | LIKELIHOOD_CALLS | LIKELIHOOD_VARIANCE | LIKELIHOOD_CLIP |
             LIKELIHOOD_TERMS,
    .images = 4,
    .usual = PROTOCOL_FOR_DDPM,
    .set_defaults = set_defaults,
    .rows = rows,
    .describe = describe,
    .term_name = term_name,
    .score = score,
};
