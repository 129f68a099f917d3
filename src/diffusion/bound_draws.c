#include "diffusion/bound_draws.h"

#include <math.h>

#include "base/mem.h"

enum { LEAST_CALLS = 4 };
/* Where the draws of t begin among an image's noise draws. */
static const uint64_t TIME_DRAWS = (uint64_t)1 << 40;

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
                       "%d network call%s not enough to estimate the variational bound; it "
                       "takes %d or more",
                       run->calls, run->calls == 1 ? " is" : "s are", LEAST_CALLS);
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

/* Whether the network is asked for variances too. */
static bool is_learned(const Bound *b)
{
    return b->run->variance == VARIANCE_LEARNED && !b->run->variances;
}

/* Room for one group of predictions. */
typedef struct {
    int size;
    double *x, *eps;    /* [size, dims] */
    double *v;          /* [size, dims] where variances are learned, else NULL */
    int *step, *image;  /* [size] */
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
                 .image = mem_alloc(size, sizeof *g->image),
                 .levels = mem_alloc(size, sizeof *g->levels)};
    if (is_learned(b)) g->v = mem_doubles(values);
    return (g->x && g->eps && g->step && g->image && g->levels && (g->v || !is_learned(b))) ||
           err_set(b->err, ERR_MEMORY, "no memory for a batch of %zu predictions", size);
}

static void group_close(Group *g)
{
    mem_free(g->x);
    mem_free(g->eps);
    mem_free(g->v);
    mem_free(g->step);
    mem_free(g->image);
    mem_free(g->levels);
}

static bool predict(const Bound *b, const Group *g, int rows)
{
    const Denoiser *d = b->denoiser;
    bool ok;
    denoiser_choose(d, g->image);
    if (g->v)
        ok = d->predict_variance(d->context, rows, g->x, g->levels, 1, g->eps, g->v, b->err);
    else
        ok = d->predict(d->context, rows, g->x, g->levels, 1, g->eps, b->err);
    denoiser_choose(d, NULL);
    return ok;
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
            g->image[row] = image;
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

double predicted_x0(const LikelihoodRun *run, NoiseLevel level, double x, double eps)
{
    double guess = x0_from_eps(level, x, eps);
    return run->clip ? fmin(fmax(guess, -run->clip_range), run->clip_range) : guess;
}

bool bound_draws_measure(Bound *b, int count, const double *x0, Measure *measure)
{
    Group g = {0};
    bool ok = check(b->run, b->denoiser, b->err) && plan(b) && group_open(&g, b);
    if (ok) {
        b->values = mem_doubles((size_t)count * (size_t)b->draws);
        ok =
            b->values || err_set(b->err, ERR_MEMORY, "no memory for the terms of %d images", count);
    }
    ok = ok && evaluate(b, &g, count, x0, measure, b->values);
    group_close(&g);
    return ok;
}

void bound_draws_close(Bound *b)
{
    mem_free(b->range);
    mem_free(b->owner);
    mem_free(b->values);
}
