/* The likelihood of the probability flow (Song et al. 2021, eq. 39) at the image plus noise: -log2 p(x) / q(x),
 * where q is the noise's density, is on average an upper bound of the same -log2 P as bound's. The noise is
 * uniform, of one level of grey, or the model's own at the flow's beginning, as far as it rounds to the same image
 * (Zheng et al. 2023). The standard error is over the draws of noise or, of one draw, over its probes.
 *
 * The probability flow dx = (f x + g^2 eps / (2 sigma)) dt (Song et al. 2021, eq. 13) carries the data
 * to the prior; along it d ln p/dt = -trace(d velocity / dx), estimated as e^T J e by probes e of
 * random signs that stay the same all the way (Grathwohl et al. 2019). It begins at the smallest
 * time of training, of discrete chains at step 0. Its velocity is the network's at any time between
 * the trained steps too. One solve's state is x and, for each probe e, the sum of
 * e^T (d velocity / dx) e, so that one step control holds both to the tolerance.
 *
 * A chain's step 0 can be noisier than a level of grey is wide (linear schedule: 0.01 against 1/128).
 * No density of such noise gives an even black ground less than about 1.7 bits a pixel, while the
 * bound's decoder, whose end bins are open, may give it none: for such images the bound of a DDPM
 * model can be the smaller of the two. Models trained in continuous time go to less noise. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "diffusion/ode_solve.h"
#include "diffusion/protocol.h"

enum { MOST_PROBES = 1000 };

typedef struct {
    const LikelihoodRun *run;
    const Denoiser *denoiser;
    int probes;           /* 0: transport only */
    const double *signs;  /* [count, probes, dims] */
    double *x, *eps;      /* [rows, dims], a row for each image of a call and each of its probes */
    double *e, *jte;      /* [rows, dims] */
    NoiseLevel *level;    /* [rows] */
    int *image;           /* [rows] which image each is of; an image has one solve for each draw */
    double *along, *push; /* [rows]: dx = along x + push eps */
    long predictions;
} Flow;

/* The variable in which the flow is solved is the process's own time, except for DDPM: its f jumps at
 * every trained step, and an adaptive solver would creep over the jumps. As the flow depends on time
 * through alpha and sigma alone, any smooth variable will do: there it is u with ln alpha = -u^2,
 * which is nearly linear in the time of a linear schedule. */
static NoiseLevel flow_level(const Process *p, double u, Drift *drift)
{
    if (p->kind != PROCESS_DDPM) {
        *drift = process_drift(p, u);
        return process_level(p, u);
    }
    NoiseLevel level = {.alpha = exp(-u * u), .sigma = sqrt(-expm1(-2 * u * u))};
    level.time = process_time_of_logsnr(p, level_logsnr(level));
    level.t = process_level(p, level.time).t;
    *drift = (Drift){.f = -2 * u, .g2 = 4 * u};
    return level;
}

static double flow_end(const Process *p, bool noisy)
{
    double time = noisy ? process_time_noisy(p) : process_is_discrete(p) ? 0 : p->time_min;
    if (p->kind != PROCESS_DDPM) return time;
    return sqrt(-log(process_level(p, time).alpha));
}

static void name_time(const void *context, double u, char *text, size_t size)
{
    const Flow *flow = context;
    Drift drift;
    double time = flow_level(flow->run->process, u, &drift).time;
    bool discrete = process_is_discrete(flow->run->process);
    snprintf(text, size, "%s %g", discrete ? "timestep" : "time", time);
}

/* A row for each image, or for each probe of each image. */
static void fill_rows(Flow *f, int count, const OdeRow *rows, size_t width, const double *y)
{
    size_t dims = f->denoiser->dims;
    int each = f->probes;
#pragma omp parallel for schedule(static)
    for (int r = 0; r < count; r++) {
        Drift drift;
        NoiseLevel level = flow_level(f->run->process, rows[r].time, &drift);
        f->along[r] = drift.f;
        f->push[r] = 0.5 * drift.g2 / level.sigma;
        for (int p = 0; p < each; p++) {
            size_t row = (size_t)r * (size_t)each + (size_t)p;
            size_t own = (size_t)rows[r].image * (size_t)each + (size_t)p;
            f->level[row] = level;
            f->image[row] = rows[r].image / (f->run->draws > 1 ? f->run->draws : 1);
            memcpy(f->x + row * dims, y + (size_t)r * width, dims * sizeof *y);
            memcpy(f->e + row * dims, f->signs + own * dims, dims * sizeof *y);
        }
    }
}

static bool velocity(void *context, int count, const OdeRow *rows, const double *y, double *dy,
                     Err *err)
{
    Flow *f = context;
    const Denoiser *d = f->denoiser;
    size_t dims = d->dims, width = dims + (size_t)f->probes;
    int each = f->probes;
    fill_rows(f, count, rows, width, y);
    denoiser_choose(d, f->image);
    bool ok =
        d->predict_vjp(d->context, count * each, f->x, f->level, 1, f->e, f->eps, f->jte, err);
    denoiser_choose(d, NULL);
    if (!ok) return false;
#pragma omp parallel for schedule(static)
    for (int r = 0; r < count; r++) {
        const double *x = y + (size_t)r * width, *eps = f->eps + (size_t)(r * each) * dims;
        double *out = dy + (size_t)r * width;
        for (size_t i = 0; i < dims; i++) out[i] = f->along[r] * x[i] + f->push[r] * eps[i];
        for (int p = 0; p < f->probes; p++) {
            const double *e = f->e + (size_t)(r * each + p) * dims;
            const double *jte = f->jte + (size_t)(r * each + p) * dims;
            double trace = 0;
            for (size_t i = 0; i < dims; i++) trace += e[i] * jte[i];
            out[dims + (size_t)p] = (double)dims * f->along[r] + f->push[r] * trace;
        }
    }
    f->predictions += (long)count * each;
    if (f->run->progress && !f->run->progress(f->run->progress_context, f->predictions))
        return err_set(err, ERR_INTERRUPTED, "interrupted after %ld prediction%s of the flow",
                       f->predictions, f->predictions == 1 ? "" : "s");
    return true;
}

static bool flow_open(Flow *f, int count, Err *err)
{
    size_t each = (size_t)f->probes;
    size_t images = (size_t)(count < ODE_GROUP ? count : ODE_GROUP);
    size_t rows = images * each, values = rows * f->denoiser->dims;
    f->x = mem_doubles(values);
    f->eps = mem_doubles(values);
    f->e = mem_doubles(values);
    f->jte = mem_doubles(values);
    f->level = mem_alloc(rows, sizeof *f->level);
    f->image = mem_alloc(rows, sizeof *f->image);
    f->along = mem_doubles(images);
    f->push = mem_doubles(images);
    return (f->x && f->eps && f->e && f->jte && f->level && f->image && f->along && f->push) ||
           err_set(err, ERR_MEMORY, "no memory for the probability flow of %zu images", images);
}

static void flow_close(Flow *f)
{
    mem_free(f->x);
    mem_free(f->eps);
    mem_free(f->e);
    mem_free(f->jte);
    mem_free(f->level);
    mem_free(f->image);
    mem_free(f->along);
    mem_free(f->push);
}

static bool check(const LikelihoodRun *run, Err *err)
{
    if (run->process->T == 1)
        return err_set(err, ERR_USAGE,
                       "the probability flow runs from the cleanest to the noisiest level; this "
                       "model has 1 step, and it takes two or more");
    return (run->tolerance > 0 && run->tolerance < 1) ||
           err_set(err, ERR_USAGE,
                   "the probability flow's tolerance is %g; it must be above 0 and below 1",
                   run->tolerance);
}

static bool check_probes(const LikelihoodRun *run, const Denoiser *d, Err *err)
{
    if (run->probes < 1 || run->probes > MOST_PROBES)
        return err_set(err, ERR_USAGE, "the probability flow takes %d probes; it must be 1 to %d",
                       run->probes, MOST_PROBES);
    return d->predict_vjp || err_set(err, ERR_USAGE,
                                     "the probability flow's likelihood needs a denoiser that can "
                                     "be differentiated by its input");
}

/* y [count, dims + probes] from one end to the other. */
static bool solve(Flow *f, int count, double *y, long *calls, Err *err)
{
    const LikelihoodRun *run = f->run;
    OdeProblem problem = {.name = "probability flow",
                          .context = f,
                          .dims = f->denoiser->dims + (size_t)f->probes,
                          .derivative = velocity,
                          .name_time = name_time,
                          .from = flow_end(run->process, false),
                          .to = flow_end(run->process, true),
                          .rtol = run->tolerance,
                          .atol = run->tolerance,
                          .call_limit = run->call_limit};
    double *scratch = mem_doubles(ode_scratch(count, problem.dims));
    OdeCost *cost = mem_alloc((size_t)count, sizeof *cost);
    bool ok = scratch && cost;
    if (!ok) err_set(err, ERR_MEMORY, "no memory for the probability flow of %d images", count);
    ok = ok && flow_open(f, count, err) && ode_solve(&problem, count, y, scratch, cost, err);
    for (int i = 0; i < count && ok && calls; i++) calls[i] = cost[i].calls;
    flow_close(f);
    mem_free(scratch);
    mem_free(cost);
    return ok;
}

bool flow_log_density(const LikelihoodRun *run, const Denoiser *denoiser, int count, double *x,
                      const uint64_t *seeds, const uint64_t *draws, double *log_p, long *calls,
                      Err *err)
{
    if (!check(run, err) || !check_probes(run, denoiser, err)) return false;
    size_t dims = denoiser->dims, probes = (size_t)run->probes, width = dims + probes;
    double *y = mem_doubles((size_t)count * width);
    double *signs = mem_doubles((size_t)count * probes * dims);
    Flow f = {.run = run, .denoiser = denoiser, .probes = run->probes, .signs = signs};
    bool ok = y && signs;
    if (!ok) err_set(err, ERR_MEMORY, "no memory for the probability flow of %d images", count);
    for (int i = 0; i < count && ok; i++) {
        memcpy(y + (size_t)i * width, x + (size_t)i * dims, dims * sizeof *x);
        for (int p = 0; p < run->probes; p++)
            probe_signs(signs + ((size_t)i * probes + (size_t)p) * dims, dims, seeds[i], draws[i],
                        p);
    }
    ok = ok && solve(&f, count, y, calls, err);
    for (int i = 0; i < count && ok; i++) {
        const double *end = y + (size_t)i * width;
        memcpy(x + (size_t)i * dims, end, dims * sizeof *x);
        double prior = gaussian_log_density(end, dims, process_prior_std(run->process));
        for (size_t p = 0; p < probes; p++) log_p[(size_t)i * probes + p] = prior + end[dims + p];
    }
    mem_free(y);
    mem_free(signs);
    return ok;
}

/* An image's result from its log densities [draws, probes], which become its draws, and those of the noise
 * [draws]. */
static Likelihood result_of(const LikelihoodRun *run, size_t dims, double *log_p,
                            const double *log_q, long calls)
{
    int probes = run->probes, draws = run->draws;
    for (int k = 0; k < draws * probes; k++) log_p[k] = log_q[k / probes] - log_p[k];
    calls *= probes;
    if (draws == 1) return likelihood_of(estimate_of(log_p, probes), dims, calls);
    for (int k = 0; k < draws; k++) log_p[k] = estimate_of(log_p + k * probes, probes).mean;
    return likelihood_of(estimate_of(log_p, draws), dims, calls);
}

/* x [dims], the pixels with a draw of noise. Returns ln of the noise's density. */
static double dequantise(const LikelihoodRun *run, const unsigned char *pixels, size_t dims,
                         uint64_t seed, uint64_t draw, double *x)
{
    Drift drift;
    NoiseLevel least = flow_level(run->process, flow_end(run->process, false), &drift);
    if (run->dequant == DEQUANT_NORMAL)
        return pixels_with_noise(&model_pixels, pixels, dims, least, seed, draw, x);
    pixels_dequantise(&model_pixels, pixels, dims, seed, draw, x);
    return pixel_nats(&model_pixels, 0, dims);
}

static bool score(const LikelihoodRun *run, const LikelihoodModel *model,
                  const ScoredImages *images, Likelihood *results, Err *err)
{
    int count = images->count;
    if (run->draws < 1)
        return err_set(
            err, ERR_USAGE,
            "the probability flow takes %d draws of dequantisation; it must be 1 or more",
            run->draws);
    size_t dims = model->denoiser.dims, solves = (size_t)count * (size_t)run->draws;
    size_t probes = run->probes > 0 ? (size_t)run->probes : 1;
    double *x = mem_doubles(solves * dims), *log_p = mem_doubles(solves * probes);
    double *log_q = mem_doubles(solves);
    uint64_t *seed = mem_alloc(solves, sizeof *seed), *draw = mem_alloc(solves, sizeof *draw);
    long *calls = mem_alloc(solves, sizeof *calls);
    bool ok = x && log_p && log_q && seed && draw && calls;
    if (!ok) err_set(err, ERR_MEMORY, "no memory for %zu dequantised images", solves);
    for (size_t k = 0; k < solves && ok; k++) {
        size_t image = k / (size_t)run->draws;
        seed[k] = images->seeds[image];
        draw[k] = k % (size_t)run->draws;
        log_q[k] =
            dequantise(run, images->pixels + image * dims, dims, seed[k], draw[k], x + k * dims);
    }
    ok = ok &&
         flow_log_density(run, &model->denoiser, (int)solves, x, seed, draw, log_p, calls, err);
    for (int i = 0; i < count && ok; i++) {
        size_t first = (size_t)i * (size_t)run->draws;
        long sum = 0;
        for (int k = 0; k < run->draws; k++) sum += calls[first + (size_t)k];
        results[i] = result_of(run, dims, log_p + first * probes, log_q + first, sum);
        if (!isfinite(results[i].nats))
            ok =
                err_set(err, ERR_DIVERGED,
                        "the flow's density of image %d is %g; it must be finite, so the model has "
                        "diverged",
                        i, results[i].nats);
    }
    mem_free(x);
    mem_free(log_p);
    mem_free(log_q);
    mem_free(seed);
    mem_free(draw);
    mem_free(calls);
    return ok;
}

static void set_defaults(LikelihoodRun *run, bool files)
{
    run->draws = files ? 4 : 1;
}

static double rows(const LikelihoodRun *run, int images)
{
    return (double)images * run->draws * (run->probes > 0 ? run->probes : 1);
}

static void describe(const LikelihoodRun *run, ProtocolWords *words)
{
    snprintf(words->what, sizeof words->what,
             "the density of images with %s noise: tolerance %g, %d probe%s, %d draw%s an image",
             dequant_words[run->dequant], run->tolerance, run->probes, run->probes == 1 ? "" : "s",
             run->draws, run->draws == 1 ? "" : "s");
}

const Protocol protocol_ode = {
    .name = "ode",
    .help = "density of the probability flow at the image plus noise (--dequant-by): on average an "
            "upper bound of -log2 P too (every method; default for smld and sde)",
    .needs = PROTOCOL_VJP,
    .reads = LIKELIHOOD_DRAWS | LIKELIHOOD_DEQUANT | LIKELIHOOD_PROBES | LIKELIHOOD_SOLVER,
    .images = 16,
    .usual = PROTOCOL_FOR_OTHER,
    .set_defaults = set_defaults,
    .rows = rows,
    .describe = describe,
    .score = score,
};
