#include "diffusion/step_costs.h"

#include <math.h>

#include "base/mem.h"
#include "diffusion/likelihood.h"
#include "diffusion/mask.h"
#include "diffusion/process.h"
#include "diffusion/sampler.h"

static const double TWO_PI_E = 17.079468445347132;
/* Predictions after which an old one counts a third. */
static const double MEMORY = 2000;

void step_errors_open(StepErrors *e, double low, double high)
{
    CHECK(low < high);
    *e = (StepErrors){.low = low, .high = high};
}

/* Where a level lies, in places: 0 .. ERROR_PLACES-1, the ends standing for what is beyond. */
static double place_of(double low, double high, NoiseLevel level)
{
    double place = (level_logsnr(level) - low) / (high - low) * (ERROR_PLACES - 1);
    return fmin(fmax(place, 0), ERROR_PLACES - 1);
}

static void add(LevelMeans *m, double place, double value)
{
    int at = (int)place;
    for (int i = at; i <= at + 1 && i < ERROR_PLACES; i++) {
        double share = 1 - fabs(place - i), stay = 1 - share / MEMORY;
        m->sum[i] = stay * m->sum[i] + share * value;
        m->weight[i] = stay * m->weight[i] + share;
    }
}

/* The error for data of unit variance. */
static double reference(NoiseLevel level)
{
    double signal = level.alpha * level.alpha, noise = level.sigma * level.sigma;
    return noise / (signal + noise);
}

void step_errors_add(StepErrors *e, NoiseLevel level, double error)
{
    add(&e->error, place_of(e->low, e->high, level), error / reference(level));
}

static const NoiseLevel clean = {.alpha = 1, .sigma = 0, .t = -1, .time = -1};

void step_errors_add_decoder(StepErrors *e, NoiseLevel level, double nats, double error)
{
    add(&e->decoder, place_of(e->low, e->high, level), nats / step_cost(level, clean, error));
}

static void fill_curve(double *log_value, const LevelMeans *m)
{
    /* A mean of zero has no logarithm. */
    static const double LEAST = 1e-12;
    int before = -1;
    for (int i = 0; i < ERROR_PLACES; i++) log_value[i] = 0;
    for (int i = 0; i < ERROR_PLACES; i++) {
        if (!(m->weight[i] > 0)) continue;
        log_value[i] = log(fmax(m->sum[i] / m->weight[i], LEAST));
        for (int k = before + 1; k < i; k++) {
            double part = before < 0 ? 1 : (double)(k - before) / (i - before);
            double from = before < 0 ? 0 : log_value[before];
            log_value[k] = (1 - part) * from + part * log_value[i];
        }
        before = i;
    }
    for (int k = before + 1; k < ERROR_PLACES && before >= 0; k++) log_value[k] = log_value[before];
}

void error_curve_make(ErrorCurve *c, const StepErrors *e)
{
    c->low = e->low;
    c->high = e->high;
    fill_curve(c->log_error, &e->error);
    fill_curve(c->log_decoder, &e->decoder);
}

static double multiple_at(const ErrorCurve *c, const double *log_value, NoiseLevel level)
{
    double place = place_of(c->low, c->high, level);
    int at = (int)place < ERROR_PLACES - 1 ? (int)place : ERROR_PLACES - 2;
    double part = place - at;
    return exp((1 - part) * log_value[at] + part * log_value[at + 1]);
}

double error_curve_at(const ErrorCurve *c, NoiseLevel level)
{
    return reference(level) * multiple_at(c, c->log_error, level);
}

double error_curve_cost(const ErrorCurve *c, NoiseLevel t, NoiseLevel p)
{
    double cost = step_cost(t, p, error_curve_at(c, t));
    return p.sigma > 0 ? cost : cost * multiple_at(c, c->log_decoder, t);
}

double step_cost(NoiseLevel t, NoiseLevel p, double error)
{
    if (p.sigma <= 0) {
        double width = (model_pixels.high - model_pixels.low) / (model_pixels.levels - 1);
        return 0.5 * log1p(TWO_PI_E * error / (width * width));
    }
    PosteriorStep q = posterior_step(t, p);
    return 0.5 * log1p(q.c_x0 * q.c_x0 * error / q.variance_small);
}

double end_cost(NoiseLevel noisiest, double mean_square)
{
    double alpha = noisiest.alpha, sigma = noisiest.sigma;
    return gaussian_kl(0, sigma * sigma, 0, 1) + 0.5 * alpha * alpha * mean_square;
}

double chain_cost(const ErrorCurve *errors, const double *alpha_bar, const unsigned char *m, int T,
                  double mean_square)
{
    NoiseLevel below = clean;
    double sum = 0;
    for (int t = 0; t < T; t++) {
        if (!m[t]) continue;
        NoiseLevel level = mask_level(alpha_bar, t);
        sum += error_curve_cost(errors, level, below);
        below = level;
    }
    return sum + end_cost(below, mean_square);
}

/* best[t * K + k]: the least cost of k+1 steps of which t is the noisiest; from: the one before it. */
typedef struct {
    int K;
    double *best;
    int *from;
} Optimum;

static void reach(Optimum *o, StepCost *cost, void *context, int t)
{
    double *best = o->best + (size_t)t * (size_t)o->K;
    int *from = o->from + (size_t)t * (size_t)o->K;
    for (int k = 0; k < o->K; k++) best[k] = (double)INFINITY;
    best[0] = cost(context, t, -1);
    from[0] = -1;
    for (int p = 0; p < t; p++) {
        double step = cost(context, t, p);
        const double *before = o->best + (size_t)p * (size_t)o->K;
        for (int k = 1; k < o->K; k++) {
            if (!(before[k - 1] + step < best[k])) continue;
            best[k] = before[k - 1] + step;
            from[k] = p;
        }
    }
}

bool steps_optimum(StepCost *cost, void *context, int T, int K, unsigned char *m, Err *err)
{
    CHECK(K >= 1 && K <= T);
    size_t cells = (size_t)T * (size_t)K;
    Optimum o = {K, mem_doubles(cells), mem_alloc(cells, sizeof(int))};
    bool ok = o.best && o.from;
    if (!ok) err_set(err, ERR_MEMORY, "no memory to choose %d of %d steps", K, T);
    for (int t = 0; t < T && ok; t++) reach(&o, cost, context, t);
    if (ok && !isfinite(o.best[cells - 1]))
        ok = err_set(err, ERR_DIVERGED, "no choice of %d of %d steps has a finite cost", K, T);
    for (int t = 0; t < T && ok; t++) m[t] = 0;
    for (int t = T - 1, k = K - 1; k >= 0 && ok; k--) {
        m[t] = 1;
        t = o.from[(size_t)t * (size_t)K + (size_t)k];
    }
    mem_free(o.best);
    mem_free(o.from);
    return ok;
}

/* All steps of one schedule. */
typedef struct {
    const ErrorCurve *errors;
    NoiseLevel *level;
} Merged;

static double merged_step(void *context, int t, int p)
{
    const Merged *c = context;
    return error_curve_cost(c->errors, c->level[t], p < 0 ? clean : c->level[p]);
}

bool steps_optimum_merged(const ErrorCurve *errors, const double *alpha_bar, int T, int K,
                          unsigned char *m, Err *err)
{
    Merged merged = {errors, mem_alloc((size_t)T, sizeof(NoiseLevel))};
    if (!merged.level) return err_set(err, ERR_MEMORY, "no memory for the levels of %d steps", T);
    for (int t = 0; t < T; t++) merged.level[t] = mask_level(alpha_bar, t);
    bool ok = steps_optimum(merged_step, &merged, T, K, m, err);
    mem_free(merged.level);
    return ok;
}
