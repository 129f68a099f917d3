#include "diffusion/schedule.h"

#include <math.h>

#include "base/mem.h"

const char *const schedule_words[] = {[SCHEDULE_LINEAR] = "linear",
                                      [SCHEDULE_SCALED_LINEAR] = "scaled_linear",
                                      [SCHEDULE_COSINE] = "cosine",
                                      [SCHEDULE_BETAS] = "betas",
                                      [SCHEDULE_LOGSNR] = "logsnr",
                                      [SCHEDULE_UNIF] = "unif",
                                      NULL};

static const double COSINE_OFFSET = 0.008;
static const double COSINE_BETA_MAX = 0.999;
static const double PI = 3.14159265358979323846;

/* f(u) = cos^2((u + s) / (1 + s) pi / 2) (Nichol & Dhariwal 2021, eq. 17). */
static double cosine_curve(double u)
{
    double c = cos((u + COSINE_OFFSET) / (1 + COSINE_OFFSET) * PI / 2);
    return c * c;
}

/* Entry i of linspace(first, last, n); a single entry is `first`. */
static double linspace(double first, double last, int n, int i)
{
    return n > 1 ? first + (last - first) * i / (n - 1) : first;
}

static double beta_at(ScheduleKind kind, int T, double beta_start, double beta_end,
                      const double *betas, int t)
{
    switch (kind) {
    case SCHEDULE_LINEAR:
        return linspace(beta_start, beta_end, T, t);
    case SCHEDULE_SCALED_LINEAR: {
        double root = linspace(sqrt(beta_start), sqrt(beta_end), T, t);
        return root * root;
    }
    case SCHEDULE_COSINE: {
        double beta = 1 - cosine_curve((double)(t + 1) / T) / cosine_curve((double)t / T);
        return beta < COSINE_BETA_MAX ? beta : COSINE_BETA_MAX;
    }
    case SCHEDULE_BETAS:
        return betas[t];
    case SCHEDULE_UNIF: {
        double before = (double)t / (T + 1), sigma = (double)(t + 1) / (T + 1);
        return (sigma - before) * (sigma + before) / ((1 - before) * (1 + before));
    }
    case SCHEDULE_LOGSNR:
        break;
    }
    return (double)NAN;
}

void schedule_logsnr_betas(double *betas, int T, double start, double end)
{
    double before = (double)INFINITY;
    for (int t = 0; t < T; t++) {
        double lambda = linspace(start, end, T, t);
        betas[t] = -expm1(lambda - before) / (1 + exp(lambda));
        before = lambda;
    }
}

static bool check_range(ScheduleKind kind, int T, double beta_start, double beta_end, Err *err)
{
    if (T < 1)
        return err_set(err, ERR_USAGE,
                       "noise schedule: the number of timesteps is %d; it must be 1 or more", T);
    if (kind != SCHEDULE_LINEAR && kind != SCHEDULE_SCALED_LINEAR) return true;
    if (!(beta_start > 0 && beta_start <= beta_end && beta_end < 1))
        return err_set(
            err, ERR_USAGE,
            "noise schedule: beta runs from %g to %g; it must start above 0, not fall, and "
            "end below 1",
            beta_start, beta_end);
    return true;
}

/* Fills both tables. Every formula divides by 1 - alpha_bar and by alpha_bar, and by the step
 * between neighbours, so none of these may vanish, whatever rounding does to extreme betas. */
static bool fill_tables(Schedule *s, ScheduleKind kind, double beta_start, double beta_end,
                        const double *betas, Err *err)
{
    double alpha_bar = 1;
    for (int t = 0; t < s->T; t++) {
        double beta = beta_at(kind, s->T, beta_start, beta_end, betas, t);
        if (!(beta > 0 && beta < 1))
            return err_set(err, ERR_USAGE,
                           "noise schedule: beta at timestep %d is %g; it must lie between 0 and 1",
                           t, beta);
        double next = alpha_bar * (1 - beta);
        if (!(next < alpha_bar))
            return err_set(
                err, ERR_USAGE,
                "noise schedule: beta at timestep %d is %g, too small to add any noise in "
                "double precision; it must be above 1e-15",
                t, beta);
        if (!isnormal(next))
            return err_set(
                err, ERR_USAGE,
                "noise schedule: alpha_bar vanishes at timestep %d of %d; the betas must be "
                "smaller, or the timesteps fewer",
                t, s->T);
        s->beta[t] = beta;
        s->alpha_bar[t] = alpha_bar = next;
    }
    return true;
}

bool schedule_make(Schedule *s, ScheduleKind kind, int T, double beta_start, double beta_end,
                   const double *betas, Err *err)
{
    *s = (Schedule){0};
    if (!check_range(kind, T, beta_start, beta_end, err)) return false;
    s->T = T;
    s->beta = mem_doubles((size_t)T);
    s->alpha_bar = mem_doubles((size_t)T);
    bool ok = s->beta && s->alpha_bar;
    if (!ok)
        err_set(err, ERR_MEMORY, "noise schedule: no memory for tables of %d timesteps", T);
    else
        ok = fill_tables(s, kind, beta_start, beta_end, betas, err);
    if (!ok) schedule_free(s);
    return ok;
}

void schedule_free(Schedule *s)
{
    mem_free(s->beta);
    mem_free(s->alpha_bar);
    *s = (Schedule){0};
}

double schedule_alpha_bar(const Schedule *s, int t)
{
    CHECK(t < s->T);
    return t < 0 ? 1 : s->alpha_bar[t];
}

NoiseLevel schedule_level(const Schedule *s, int t)
{
    double alpha_bar = schedule_alpha_bar(s, t);
    return (NoiseLevel){.alpha = sqrt(alpha_bar), .sigma = sqrt(1 - alpha_bar), .t = t, .time = t};
}
