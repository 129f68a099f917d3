/* The variational bound of a chain (Ho et al. 2020, eq. 5), for one image x0:
 *
 *   -ln P(x0) <= KL(q(x_T|x0) || prior)
 *              + sum_{t=1}^{T-1} E KL(q(x_{t-1}|x_t,x0) || p(x_{t-1}|x_t))
 *              + E -ln P(x0|x_{t=0})
 *
 * with x_t = alpha_t x0 + sigma_t z. Both distributions of a step are Gaussians whose means differ by
 * c_x0 (x0 - predicted x0) (posterior_step); the last term is the discretised decoder.
 *
 * The terms fall about as 1/t, and so does the noise of one draw of them. So early steps get several
 * draws. Where there are fewer predictions than steps, late steps share theirs: they are cut into
 * ranges that widen by a constant factor, each with two draws of t and z, and a range's sum is its
 * width times their mean: without bias, and with a variance that the two draws tell without bias. */
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "diffusion/protocol.h"

enum { LEAST_CALLS = 4 };
/* Where the draws of t begin among an image's noise draws. */
static const uint64_t TIME_DRAWS = (uint64_t)1 << 40;

/* Steps first .. first+width-1, of which each of `draws` draws takes one at random. */
typedef struct {
    int first, width, draws;
} Range;

typedef struct {
    const LikelihoodRun *run;
    const Denoiser *denoiser;
    const NoiseSource *noise;
    int T;
    int ranges;
    Range *range; /* [ranges], step 0 alone the first */
    int draws;    /* of an image: those of range 0, then of range 1, ... */
    int *owner;   /* [draws] range of a draw */
    Err *err;
} Bound;

/* Draws of step t in the sum of all: one prediction in twelve more than one each. A short chain is
 * drawn twice: its neighbours differ too much to tell its noise. */
static int draws_of_step(int T, int t)
{
    int least = t == 0 || T < 100 ? 2 : 1, more = T / (32 * (t + 1));
    return more > least ? more : least;
}

long bound_calls(const LikelihoodRun *run)
{
    long calls = 0;
    for (int t = 0; run->calls == 0 && t < run->process->T; t++)
        calls += draws_of_step(run->process->T, t);
    return run->calls > 0 ? run->calls : calls;
}

static bool check(const LikelihoodRun *run, const Denoiser *denoiser, Err *err)
{
    if (!process_is_discrete(run->process))
        return err_set(err, ERR_USAGE,
                       "the variational bound needs a chain of discrete steps; this model's noise "
                       "is continuous in time, for which there is the protocol ode");
    int T = run->process->T;
    if (T < 2)
        return err_set(err, ERR_USAGE,
                       "the variational bound needs two or more steps; this model has %d", T);
    if (run->calls != 0 && run->calls < LEAST_CALLS)
        return err_set(err, ERR_USAGE,
                       "%d network calls are not enough to estimate the variational bound; it "
                       "takes %d or more",
                       run->calls, LEAST_CALLS);
    if (run->variance == VARIANCE_LEARNED && !run->variances && !denoiser->predict_variance)
        return err_set(
            err, ERR_USAGE,
            "the variance of the steps is to be the learned one, but this model has learnt "
            "none; small and large are fixed ones");
    if (run->clip && !(run->clip_range > 0))
        return err_set(err, ERR_USAGE, "the clipping range is %g; it must be above 0",
                       run->clip_range);
    return true;
}

static void add_range(Bound *b, int first, int width, int draws)
{
    for (int i = 0; i < draws; i++) b->owner[b->draws++] = b->ranges;
    b->range[b->ranges++] = (Range){first, width, draws};
}

/* A quarter of the predictions for step 0; the others in pairs, evenly over ln t from step 1 to T. */
static void share_out(Bound *b)
{
    int calls = b->run->calls, zero = calls / 4 > 2 ? calls / 4 : 2, here = 1;
    zero += (calls - zero) % 2;
    add_range(b, 0, 1, zero);
    for (int pairs = (calls - zero) / 2; pairs > 0;) {
        double way = log((double)b->T / here), share = pairs * log1p(1.0 / here) / way;
        int taken = share >= 1 ? (int)share : 1, next = here + 1;
        if (here == b->T - 1) taken = pairs;
        if (share < 1) next = (int)rint(here * exp(way / pairs));
        if (next > b->T - 1 && pairs > taken) next = b->T - 1;
        if (next <= here) next = here + 1;
        add_range(b, here, next - here, 2 * taken);
        pairs -= taken;
        here = next;
    }
}

static bool plan(Bound *b)
{
    size_t draws = (size_t)bound_calls(b->run);
    b->range = mem_alloc(draws, sizeof *b->range);
    b->owner = mem_alloc(draws, sizeof *b->owner);
    if (!b->range || !b->owner)
        return err_set(b->err, ERR_MEMORY, "no memory for a bound of %zu predictions", draws);
    if (b->run->calls > 0)
        share_out(b);
    else
        for (int t = 0; t < b->T; t++) add_range(b, t, 1, draws_of_step(b->T, t));
    CHECK((size_t)b->draws == draws);
    return true;
}

/* The step of an image's draw, by a uniform number where a range has several. */
static int step_of_draw(const Bound *b, int image, int draw)
{
    Range r = b->range[b->owner[draw]];
    if (r.width == 1) return r.first;
    double z;
    b->noise->normals(b->noise->context, image, TIME_DRAWS + (uint64_t)draw, 1, &z);
    int at = (int)(r.width * 0.5 * erfc(-z * sqrt(0.5)));
    return r.first + (at < r.width ? at : r.width - 1);
}

/* v: what the network says of this value's variance, 0 where nothing is learnt. */
static double step_variance(const Bound *b, int t, const ChainStep *step, double v)
{
    const LikelihoodRun *run = b->run;
    if (run->variances) return run->variances[t];
    if (run->variance == VARIANCE_LEARNED) return learned_variance(step->q, v);
    bool large = run->variance == VARIANCE_LARGE && t > 0;
    return large ? step->q.variance_large : step->q.variance_small;
}

/* By draws and steps whether the network is asked for variances too. */
static bool is_learned(const Bound *b)
{
    return b->run->variance == VARIANCE_LEARNED && !b->run->variances;
}

static double predicted_x0(const LikelihoodRun *run, NoiseLevel level, double x, double eps)
{
    double guess = x0_from_eps(level, x, eps);
    return run->clip ? fmin(fmax(guess, -run->clip_range), run->clip_range) : guess;
}

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
        if (t == 0 && run->tanh_decoder)
            sum -= decoder_log_probability_tanh(&model_pixels, x0[i], guess, sqrt(variance));
        else
            sum += chain_step_cost(&step, x0[i], guess, variance, NULL);
    }
    return sum;
}

/* Room for one group of predictions. */
typedef struct {
    int size;
    double *x, *eps;    /* [size, dims] */
    double *v;          /* [size, dims] where variances are learned, else NULL */
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
    if (is_learned(b)) g->v = mem_doubles(values);
    return (g->x && g->eps && g->step && g->levels && (g->v || !is_learned(b))) ||
           err_set(b->err, ERR_MEMORY, "no memory for a batch of %zu predictions", size);
}

static void group_close(Group *g)
{
    mem_free(g->x);
    mem_free(g->eps);
    mem_free(g->v);
    mem_free(g->step);
    mem_free(g->levels);
}

/* What is taken from a prediction: a term, or the error of x0. */
typedef double Measure(const Bound *b, int t, const double *x0, const double *x, const double *eps,
                       const double *v);

static bool predict(const Bound *b, const Group *g, int rows)
{
    const Denoiser *d = b->denoiser;
    if (g->v)
        return d->predict_variance(d->context, rows, g->x, g->levels, 1, g->eps, g->v, b->err);
    return d->predict(d->context, rows, g->x, g->levels, 1, g->eps, b->err);
}

/* values [count * draws]: the measure of all draws of all images, a group of predictions at a
 * time. */
static bool evaluate(const Bound *b, Group *g, int count, const double *x0, Measure *measure,
                     double *values)
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
        if (!predict(b, g, part)) return false;
#pragma omp parallel for schedule(static)
        for (int row = 0; row < part; row++) {
            size_t at = (size_t)row * dims, image = (first + (size_t)row) / (size_t)b->draws;
            values[first + (size_t)row] = measure(b, g->step[row], x0 + image * dims, g->x + at,
                                                  g->eps + at, g->v ? g->v + at : NULL);
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
    double nats = prior, variance = 0;
    int draw = 0, single = b->T; /* the first step with one draw */
    for (int r = 0; r < b->ranges; draw += b->range[r++].draws) {
        Range range = b->range[r];
        Estimate e = estimate(values + draw, range.draws);
        nats += range.width * e.mean;
        variance += (double)range.width * range.width * e.variance;
        if (range.draws == 1 && range.first < single) single = range.first;
        if (terms) terms[range.first] = e.mean;
    }
    if (terms) terms[b->T] = prior;
    int singles = b->T - single;
    variance += variance_of_neighbours(values + b->draws - singles, single, singles);
    double scale = (double)dims * log(2);
    *result = (Likelihood){.nats = nats,
                           .bits_per_dim = nats / scale,
                           .standard_error = sqrt(variance) / scale,
                           .dims = dims,
                           .network_calls = b->draws};
}

/* Opens everything and takes the measure of all draws; values [count * b->draws] on success. */
static bool measure_all(Bound *b, int count, const double *x0, Measure *measure, double **values)
{
    Group g = {0};
    bool ok = check(b->run, b->denoiser, b->err) && plan(b) && group_open(&g, b);
    if (ok) {
        *values = mem_doubles((size_t)count * (size_t)b->draws);
        ok = *values || err_set(b->err, ERR_MEMORY, "no memory for the terms of %d images", count);
    }
    ok = ok && evaluate(b, &g, count, x0, measure, *values);
    group_close(&g);
    return ok;
}

static void bound_close(Bound *b)
{
    mem_free(b->range);
    mem_free(b->owner);
}

bool bound_run(const LikelihoodRun *run, const Denoiser *denoiser, const NoiseSource *noise,
               int count, const double *x0, Likelihood *results, double *terms, Err *err)
{
    CHECK(!terms || run->calls == 0);
    Bound b = {.run = run, .denoiser = denoiser, .noise = noise, .T = run->process->T, .err = err};
    double *values = NULL;
    bool ok = measure_all(&b, count, x0, term, &values);
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
    mem_free(values);
    bound_close(&b);
    return ok;
}

/* ln of a range's mean error over all images, and ln t at its middle. */
typedef struct {
    double log_t, log_error;
} Knot;

static Knot knot_of(const Bound *b, int range, int first_draw, int count, const double *values)
{
    Range r = b->range[range];
    double sum = 0;
    for (int image = 0; image < count; image++)
        for (int k = 0; k < r.draws; k++)
            sum += values[(size_t)image * (size_t)b->draws + (size_t)(first_draw + k)];
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
    double *values = NULL;
    Knot *knot = NULL;
    bool ok = measure_all(&b, count, x0, error_of_x0, &values);
    if (ok) {
        knot = mem_alloc((size_t)b.ranges, sizeof *knot);
        ok = knot || err_set(err, ERR_MEMORY, "no memory for the variances of %d steps", b.T);
    }
    for (int r = 0, draw = 0; r < b.ranges && ok; draw += b.range[r++].draws)
        knot[r] = knot_of(&b, r, draw, count, values);
    if (ok) fill_variances(&b, knot, variances);
    mem_free(knot);
    mem_free(values);
    bound_close(&b);
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
    snprintf(words->what, sizeof words->what,
             "an upper bound of -log2 P: %s %d terms, %ld network calls an image",
             run->calls ? "estimate of" : "all", run->process->T, bound_calls(run));
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
