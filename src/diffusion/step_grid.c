#include <math.h>

#include "base/mem.h"
#include "diffusion/schedule.h"

/* rint is half to even in the default rounding mode, as Python's round. */

/* The stride is summed, not multiplied: where i (T-1) / (n-1) is a half, the running sum decides
 * which way it rounds, and published few-step results were made with it. */
static void fill_even(int *t, int T, int n)
{
    double stride = n > 1 ? (double)(T - 1) / (n - 1) : 0;
    double sum = n > 1 ? 0 : T - 1;
    for (int i = n - 1; i >= 0; i--) {
        t[i] = (int)rint(sum);
        sum += stride;
    }
}

static void fill_leading(int *t, int T, int n)
{
    for (int i = 0; i < n; i++) t[i] = (n - 1 - i) * (T / n);
}

static void fill_trailing(int *t, int T, int n)
{
    double stride = (double)T / n;
    for (int i = 0; i < n; i++) t[i] = (int)rint(T - i * stride) - 1;
}

/* Near 0 the parabola is flatter than one timestep per step: there each step moves on by one. It
 * meets the parabola where that is steeper than one, so the last entry stays T-1. */
static void fill_quadratic(int *t, int T, int n)
{
    int below = -1;
    for (int i = n - 1; i >= 0; i--) {
        double u = n > 1 ? (double)(n - 1 - i) / (n - 1) : 1;
        int step = (int)rint((T - 1) * u * u);
        below = t[i] = step > below ? step : below + 1;
    }
}

bool step_grid_make(StepGrid *g, SpacingKind kind, int T, int n, Err *err)
{
    *g = (StepGrid){0};
    if (n < 1 || n > T)
        return err_set(
            err, ERR_USAGE,
            "cannot take %d steps: the model has %d timesteps, so the number of steps must "
            "be 1 to %d",
            n, T, T);
    int *t = mem_alloc((size_t)n, sizeof *t);
    if (!t) return err_set(err, ERR_MEMORY, "no memory for a grid of %d steps", n);
    switch (kind) {
    case SPACING_EVEN:
        fill_even(t, T, n);
        break;
    case SPACING_LEADING:
        fill_leading(t, T, n);
        break;
    case SPACING_TRAILING:
        fill_trailing(t, T, n);
        break;
    case SPACING_QUADRATIC:
        fill_quadratic(t, T, n);
        break;
    case SPACING_UNIFORM:
    case SPACING_LOGSNR:
    case SPACING_KARRAS:
    case SPACING_AUTO:
    case SPACING_DP:
        CHECK(false); /* not of trained steps */
    }
    *g = (StepGrid){.n = n, .t = t};
    return true;
}

void step_grid_free(StepGrid *g)
{
    mem_free(g->t);
    *g = (StepGrid){0};
}
