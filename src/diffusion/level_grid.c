#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "diffusion/process.h"

const char *const spacing_words[] = {[SPACING_EVEN] = "even",
                                     [SPACING_LEADING] = "leading",
                                     [SPACING_TRAILING] = "trailing",
                                     [SPACING_QUADRATIC] = "quadratic",
                                     [SPACING_UNIFORM] = "uniform",
                                     [SPACING_LOGSNR] = "logsnr",
                                     [SPACING_KARRAS] = "karras",
                                     [SPACING_AUTO] = "auto",
                                     [SPACING_DP] = "dp",
                                     NULL};

/* MOST_NOISE: sigma / alpha of the first level of grids in ln SNR, a little above that of the linear chain of Ho et
 * al. 2020 (157). Of a chain that ends in nothing but noise, such as "cosine" (20,000), they would have most of
 * their levels where there is nothing to see. */
enum { KARRAS_RHO = 7, MOST_NOISE = 160, MOST_LEVELS = 1000000 };

/* ---- trained steps of a discrete chain; rint is half to even in the default rounding mode, as
 * Python's round ---- */

/* The stride is summed, not multiplied: where i (T-1) / (n-1) is a half, the running sum decides
 * which way it rounds, and published few-step results were made with it. */
static void fill_even(NoiseLevel *level, int T, int n)
{
    double stride = n > 1 ? (double)(T - 1) / (n - 1) : 0;
    double sum = n > 1 ? 0 : T - 1;
    for (int i = n - 1; i >= 0; i--) {
        level[i].time = rint(sum);
        sum += stride;
    }
}

/* Near 0 the parabola is flatter than one timestep per step: there each step moves on by one. It
 * meets the parabola where that is steeper than one, so the last entry stays T-1. */
static void fill_quadratic(NoiseLevel *level, int T, int n)
{
    double below = -1;
    for (int i = n - 1; i >= 0; i--) {
        double u = n > 1 ? (double)(n - 1 - i) / (n - 1) : 1;
        level[i].time = below = fmax(rint((T - 1) * u * u), below + 1);
    }
}

static void fill_steps(NoiseLevel *level, const Process *p, SpacingKind spacing, int n)
{
    if (spacing == SPACING_EVEN) fill_even(level, p->T, n);
    if (spacing == SPACING_QUADRATIC) fill_quadratic(level, p->T, n);
    for (int i = 0; i < n; i++) {
        if (spacing == SPACING_LEADING) level[i].time = (n - 1 - i) * (p->T / n);
        if (spacing == SPACING_TRAILING) level[i].time = rint(p->T - i * ((double)p->T / n)) - 1;
        level[i] = process_level(p, level[i].time);
    }
}

/* ---- levels anywhere ---- */

/* From a to b; the end points are exact. */
static double between(double a, double b, int i, int n)
{
    if (i == 0) return a;
    return i == n - 1 ? b : a + (b - a) * i / (n - 1);
}

/* Of grids in ln SNR. What sampling starts from has the noise of exploding noise's last level. */
static double first_time(const Process *p)
{
    double noisy = process_time_noisy(p), most = -log(MOST_NOISE);
    bool explodes = p->kind == PROCESS_SMLD || p->kind == PROCESS_VE;
    if (explodes || level_logsnr(process_level(p, noisy)) >= most) return noisy;
    return process_time_of_logsnr(p, most);
}

/* Time i of n. */
static double time_at(const Process *p, SpacingKind spacing, int i, int n)
{
    double noisy = process_time_noisy(p), end = process_time_end(p);
    switch (spacing) {
    case SPACING_LEADING:
        return fmax((double)(n - 1 - i) / n, end);
    case SPACING_TRAILING:
        return 1 - (double)i / n;
    case SPACING_QUADRATIC: {
        double root = between(sqrt(noisy), sqrt(end), i, n);
        return i == n - 1 && n > 1 ? end : root * root;
    }
    case SPACING_LOGSNR:
    case SPACING_KARRAS: {
        noisy = first_time(p);
        if (i == 0) return noisy;
        if (i == n - 1) return end;
        double first = level_logsnr(process_level(p, noisy));
        double last = level_logsnr(process_level(p, end));
        if (spacing == SPACING_LOGSNR) return process_time_of_logsnr(p, between(first, last, i, n));
        double root = between(exp(-first / KARRAS_RHO), exp(-last / KARRAS_RHO), i, n);
        return process_time_of_logsnr(p, -KARRAS_RHO * log(root));
    }
    default: /* even and uniform */
        return between(noisy, end, i, n);
    }
}

bool level_grid_make(LevelGrid *g, const Process *p, SpacingKind spacing, int n, Err *err)
{
    CHECK(spacing != SPACING_AUTO && spacing != SPACING_DP);
    *g = (LevelGrid){0};
    bool trained = process_is_discrete(p) && spacing <= SPACING_QUADRATIC;
    if (trained && (n < 1 || n > p->T))
        return err_set(
            err, ERR_USAGE,
            "cannot take %d steps: the model has %d timestep%s, so the number of steps must "
            "be %s%d",
            n, p->T, p->T == 1 ? "" : "s", p->T == 1 ? "" : "1 to ", p->T);
    if (n < 1 || n > MOST_LEVELS)
        return err_set(err, ERR_USAGE, "cannot take %d steps; it must be 1 to %d", n, MOST_LEVELS);
    g->level = mem_alloc((size_t)n + 1, sizeof *g->level);
    if (!g->level) return err_set(err, ERR_MEMORY, "no memory for a grid of %d steps", n);
    g->n = n;
    if (trained) fill_steps(g->level, p, spacing, n);
    for (int i = 0; i < n && !trained; i++)
        g->level[i] = process_level(p, time_at(p, spacing, i, n));
    NoiseLevel last = process_level(p, process_is_discrete(p) ? -1 : 0);
    g->level[n] = (NoiseLevel){.alpha = 1, .sigma = 0, .t = last.t, .time = last.time};
    return true;
}

bool level_grid_begin(LevelGrid *g, const Process *p, double strength, bool ends, Err *err)
{
    const double rounding = 1e-9;
    double shift = process_is_discrete(p) ? 1 : 0;
    double whole = process_time_noisy(p) + shift, begin = strength * whole - shift;
    double cleanest = g->level[g->n - 1].time;
    if (ends && begin > cleanest && begin < g->level[0].time) g->level[0] = process_level(p, begin);
    int skip = 0;
    while (skip < g->n && g->level[skip].time > begin + rounding * whole) skip++;
    if (skip == g->n)
        return err_set(err, ERR_USAGE,
                       "strength %g is below the cleanest of the %d noise level%s, which is at "
                       "%.3g; give more, "
                       "or more steps",
                       strength, g->n, g->n == 1 ? "" : "s", (cleanest + shift) / whole);
    memmove(g->level, g->level + skip, (size_t)(g->n - skip + 1) * sizeof *g->level);
    g->n -= skip;
    return true;
}

void level_grid_free(LevelGrid *g)
{
    mem_free(g->level);
    *g = (LevelGrid){0};
}
