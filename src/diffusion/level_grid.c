#include <math.h>

#include "base/mem.h"
#include "diffusion/process.h"

enum { KARRAS_RHO = 7, MOST_LEVELS = 1000000 };

static bool fill_trained_steps(LevelGrid *g, const Process *p, SpacingKind spacing, int n, Err *err)
{
    StepGrid steps;
    if (!step_grid_make(&steps, spacing, p->T, n, err)) return false;
    for (int i = 0; i < n; i++) g->level[i] = process_level(p, steps.t[i]);
    step_grid_free(&steps);
    return true;
}

/* From a to b; the end points are exact. */
static double between(double a, double b, int i, int n)
{
    if (i == 0) return a;
    return i == n - 1 ? b : a + (b - a) * i / (n - 1);
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
    if (!trained && (n < 1 || n > MOST_LEVELS))
        return err_set(err, ERR_USAGE, "cannot take %d steps; it must be 1 to %d", n, MOST_LEVELS);
    int room = n < 1 ? 1 : n;
    g->level = mem_alloc((size_t)room + 1, sizeof *g->level);
    if (!g->level) return err_set(err, ERR_MEMORY, "no memory for a grid of %d steps", n);
    g->n = n;
    if (trained && !fill_trained_steps(g, p, spacing, n, err)) {
        level_grid_free(g);
        return false;
    }
    for (int i = 0; i < n && !trained; i++)
        g->level[i] = process_level(p, time_at(p, spacing, i, n));
    NoiseLevel last = process_level(p, process_is_discrete(p) ? -1 : 0);
    g->level[n] = (NoiseLevel){.alpha = 1, .sigma = 0, .t = last.t, .time = last.time};
    return true;
}

void level_grid_free(LevelGrid *g)
{
    mem_free(g->level);
    *g = (LevelGrid){0};
}
