#include "diffc/step_costs.h"

#include <math.h>

#include "diffc/likelihood.h"
#include "diffc/mask.h"
#include "diffc/mem.h"
#include "diffc/process.h"
#include "diffc/sampler.h"

static const double TWO_PI_E = 17.079468445347132;
/* Predictions after which an old one counts a third. */
static const double MEMORY = 2000;

void level_errors_open(LevelErrors *e, double low, double high)
{
    CHECK(low < high);
    *e = (LevelErrors){.low = low, .high = high};
}

/* Where a level lies, in places: 0 .. ERROR_PLACES-1, the ends standing for what is beyond. */
static double place_of(double low, double high, double lambda)
{
    double place = (lambda - low) / (high - low) * (ERROR_PLACES - 1);
    return fmin(fmax(place, 0), ERROR_PLACES - 1);
}

/* The error for data of unit variance: sigma^2 / alpha^2 among little noise, 1 among much. What is kept
 * are multiples of it, which hardly depend on the noise. */
static double reference(NoiseLevel level)
{
    double signal = level.alpha * level.alpha, noise = level.sigma * level.sigma;
    return noise / (signal + noise);
}

void level_errors_add(LevelErrors *e, NoiseLevel level, double error)
{
    double place = place_of(e->low, e->high, level_logsnr(level));
    int at = (int)place;
    for (int i = at; i <= at + 1 && i < ERROR_PLACES; i++) {
        double share = 1 - fabs(place - i), stay = 1 - share / MEMORY;
        e->sum[i] = stay * e->sum[i] + share * error / reference(level);
        e->weight[i] = stay * e->weight[i] + share;
    }
}

void error_curve_make(ErrorCurve *c, const LevelErrors *e)
{
    /* An error of zero has no logarithm. */
    static const double LEAST = 1e-12;
    int before = -1;
    *c = (ErrorCurve){.low = e->low, .high = e->high};
    for (int i = 0; i < ERROR_PLACES; i++) {
        if (!(e->weight[i] > 0)) continue;
        c->log_ratio[i] = log(fmax(e->sum[i] / e->weight[i], LEAST));
        for (int k = before + 1; k < i; k++) {
            double part = before < 0 ? 1 : (double)(k - before) / (i - before);
            double from = before < 0 ? 0 : c->log_ratio[before];
            c->log_ratio[k] = (1 - part) * from + part * c->log_ratio[i];
        }
        before = i;
    }
    for (int k = before + 1; k < ERROR_PLACES && before >= 0; k++)
        c->log_ratio[k] = c->log_ratio[before];
}

double error_curve_at(const ErrorCurve *c, NoiseLevel level)
{
    double place = place_of(c->low, c->high, level_logsnr(level));
    int at = (int)place < ERROR_PLACES - 1 ? (int)place : ERROR_PLACES - 2;
    double part = place - at;
    return reference(level) * exp((1 - part) * c->log_ratio[at] + part * c->log_ratio[at + 1]);
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

static const NoiseLevel clean = {.alpha = 1, .sigma = 0, .t = -1, .time = -1};

double chain_cost(const ErrorCurve *errors, const double *alpha_bar, const unsigned char *m, int T,
                  double mean_square)
{
    NoiseLevel below = clean;
    double sum = 0;
    for (int t = 0; t < T; t++) {
        if (!m[t]) continue;
        NoiseLevel level = mask_level(alpha_bar, t);
        sum += step_cost(level, below, error_curve_at(errors, level));
        below = level;
    }
    return sum + end_cost(below, mean_square);
}

/* best[t * K + k]: the least cost of k+1 steps of which t is the noisiest; from: the one before it. */
typedef struct {
    int T, K;
    double *best;
    int *from;
} Optimum;

static void reach(Optimum *o, const StepCosts *costs, int t)
{
    double *best = o->best + (size_t)t * (size_t)o->K;
    int *from = o->from + (size_t)t * (size_t)o->K;
    for (int k = 0; k < o->K; k++) best[k] = (double)INFINITY;
    best[0] = costs->step(costs->context, t, -1);
    from[0] = -1;
    for (int p = 0; p < t; p++) {
        double cost = costs->step(costs->context, t, p);
        const double *before = o->best + (size_t)p * (size_t)o->K;
        for (int k = 1; k < o->K; k++) {
            if (!(before[k - 1] + cost < best[k])) continue;
            best[k] = before[k - 1] + cost;
            from[k] = p;
        }
    }
}

/* The noisiest step of the best chain of K. */
static int best_start(const Optimum *o, const StepCosts *costs, double *total)
{
    int start = -1;
    *total = (double)INFINITY;
    for (int t = costs->end ? 0 : o->T - 1; t < o->T; t++) {
        double cost = o->best[(size_t)t * (size_t)o->K + (size_t)o->K - 1];
        if (costs->end) cost += costs->end(costs->context, t);
        if (!(cost < *total)) continue;
        *total = cost;
        start = t;
    }
    return start;
}

bool steps_optimum(const StepCosts *costs, int T, int K, unsigned char *m, double *total, Err *err)
{
    CHECK(K >= 1 && K <= T);
    size_t cells = (size_t)T * (size_t)K;
    Optimum o = {T, K, mem_doubles(cells), mem_alloc(cells, sizeof(int))};
    double least;
    bool ok = o.best && o.from;
    if (!ok) err_set(err, ERR_MEMORY, "no memory to choose %d of %d steps", K, T);
    for (int t = 0; t < T && ok; t++) reach(&o, costs, t);
    int t = ok ? best_start(&o, costs, &least) : -1;
    if (ok && t < 0)
        ok = err_set(err, ERR_DIVERGED, "no choice of %d of %d steps has a finite cost", K, T);
    for (int i = 0; i < T && ok; i++) m[i] = 0;
    for (int k = K - 1; k >= 0 && ok; k--) {
        m[t] = 1;
        t = o.from[(size_t)t * (size_t)K + (size_t)k];
    }
    if (ok && total) *total = least;
    mem_free(o.best);
    mem_free(o.from);
    return ok;
}

/* Levels and errors of all steps of one schedule. */
typedef struct {
    const double *alpha_bar;
    double *error;
} Merged;

static double merged_step(void *context, int t, int p)
{
    const Merged *c = context;
    return step_cost(mask_level(c->alpha_bar, t), p < 0 ? clean : mask_level(c->alpha_bar, p),
                     c->error[t]);
}

bool steps_optimum_merged(const ErrorCurve *errors, const double *alpha_bar, int T, int K,
                          unsigned char *m, double *total, Err *err)
{
    Merged merged = {alpha_bar, mem_doubles((size_t)T)};
    if (!merged.error) return err_set(err, ERR_MEMORY, "no memory for the errors of %d steps", T);
    for (int t = 0; t < T; t++) merged.error[t] = error_curve_at(errors, mask_level(alpha_bar, t));
    StepCosts costs = {&merged, merged_step, NULL};
    bool ok = steps_optimum(&costs, T, K, m, total, err);
    mem_free(merged.error);
    return ok;
}
