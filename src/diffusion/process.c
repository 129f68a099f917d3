#include "diffusion/process.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "diffusion/mask.h"

const char *const sde_words[] = {[SDE_VE] = "ve", [SDE_VP] = "vp", [SDE_SUBVP] = "subvp", NULL};

static bool out_of_range(Err *err, const char *what, double a, double b, const char *rule)
{
    return err_set(err, ERR_USAGE, "%s %g and %g: %s", what, a, b, rule);
}

bool process_make(Process *p, const NoiseConfig *c, Err *err)
{
    *p = (Process){.kind = c->kind,
                   .sigma_min = c->sigma_min,
                   .sigma_max = c->sigma_max,
                   .beta_min = c->beta_min,
                   .beta_max = c->beta_max,
                   .time_min = c->time_min};
    bool sigmas = c->kind == PROCESS_SMLD || c->kind == PROCESS_VE;
    bool betas = c->kind == PROCESS_VP || c->kind == PROCESS_SUBVP;
    if (sigmas && !(c->sigma_min > 0 && c->sigma_max > c->sigma_min && isfinite(c->sigma_max)))
        return out_of_range(err, "sigma_min and sigma_max are", c->sigma_min, c->sigma_max,
                            "the smallest must be above 0 and below the largest");
    if (betas && !(c->beta_min > 0 && c->beta_max >= c->beta_min && isfinite(c->beta_max)))
        return out_of_range(err, "beta_min and beta_max are", c->beta_min, c->beta_max,
                            "the smallest must be above 0 and not above the largest");
    if (c->kind >= PROCESS_VE && !(c->time_min > 0 && c->time_min < 0.5))
        return err_set(err, ERR_USAGE,
                       "time_min, the smallest time of training, is %g; it must be above 0 and "
                       "below 0.5",
                       c->time_min);
    if (c->kind == PROCESS_SMLD && c->levels < 2)
        return err_set(err, ERR_USAGE, "the number of noise levels is %d; it must be 2 or more",
                       c->levels);
    if (c->kind == PROCESS_DDPM &&
        !schedule_make(&p->schedule, c->schedule, c->T, c->beta_start, c->beta_end, c->betas, err))
        return false;
    p->T = c->kind == PROCESS_DDPM ? c->T : c->kind == PROCESS_SMLD ? c->levels : 0;
    return true;
}

void process_free(Process *p)
{
    schedule_free(&p->schedule);
    mem_free(p->labels);
    memset(p, 0, sizeof *p);
}

/* betas[K] and labels[K] of the kept steps; returns K. */
static int kept_steps(const Process *p, const double *alpha_bar, const unsigned char *m,
                      double *betas, double *labels)
{
    int K = 0;
    double before = 1;
    for (int t = 0; t < p->T; t++) {
        if (!m[t]) continue;
        betas[K] = 1 - alpha_bar[t] / before;
        labels[K++] = p->labels ? p->labels[t] : t;
        before = alpha_bar[t];
    }
    return K;
}

bool process_keep(Process *p, MaskAlphas kind, const unsigned char *m, Err *err)
{
    CHECK(p->kind == PROCESS_DDPM);
    size_t T = (size_t)p->T;
    int kept = 0;
    for (size_t t = 0; t < T; t++) kept += m[t] != 0;
    if (kept == 0)
        return err_set(err, ERR_USAGE, "of %d steps none is kept; it must be 1 or more", p->T);
    double *room = mem_doubles(2 * T), *labels = mem_doubles(T);
    bool ok = (room && labels) || err_set(err, ERR_MEMORY, "no memory for %d kept steps", kept);
    Schedule chain = {0};
    if (ok) {
        double *alpha_bar = room, *betas = room + T;
        mask_alpha_bar(alpha_bar, kind, &p->schedule, m);
        kept = kept_steps(p, alpha_bar, m, betas, labels);
        ok = schedule_make(&chain, SCHEDULE_BETAS, kept, 0, 0, betas, err);
    }
    mem_free(room);
    if (!ok) {
        mem_free(labels);
        return false;
    }
    schedule_free(&p->schedule);
    mem_free(p->labels);
    p->schedule = chain;
    p->labels = labels;
    p->T = kept;
    return true;
}

/* The label at a time of a chain, linear between its steps and from below the first. */
static double label_at(const Process *p, double time)
{
    time = fmax(time, 0);
    if (!p->labels) return time;
    int below = (int)time;
    double part = time - below;
    if (part <= 0) return p->labels[below];
    return (1 - part) * p->labels[below] + part * p->labels[below + 1];
}

/* ln alpha of DDPM at an integer step, 0 for the clean image. */
static double log_alpha_at(const Process *p, int t)
{
    return 0.5 * log(schedule_alpha_bar(&p->schedule, t));
}

/* The inverse of vp_log_alpha, the positive root of time^2 (bmax-bmin)/4 + time bmin/2 + ln alpha = 0. */
static double time_of_log_alpha_vp(const Process *p, double log_alpha)
{
    double span = p->beta_max - p->beta_min;
    double root = sqrt(p->beta_min * p->beta_min - 4 * span * log_alpha);
    return -4 * log_alpha / (p->beta_min + root);
}

static NoiseLevel ddpm_level(const Process *p, double time)
{
    int below = (int)floor(time);
    double part = time - below;
    if (part <= 0) {
        NoiseLevel level = schedule_level(&p->schedule, below);
        level.t = level.time = time;
        return level;
    }
    double log_alpha = (1 - part) * log_alpha_at(p, below) + part * log_alpha_at(p, below + 1);
    return (NoiseLevel){exp(log_alpha), sqrt(-expm1(2 * log_alpha)), time, time};
}

static double geometric(const Process *p, double part)
{
    return p->sigma_min * pow(p->sigma_max / p->sigma_min, part);
}

NoiseLevel process_level(const Process *p, double time)
{
    NoiseLevel level = {.alpha = 1, .time = time};
    switch (p->kind) {
    case PROCESS_DDPM:
        level = ddpm_level(p, time);
        level.t = label_at(p, time);
        return level;
    case PROCESS_SMLD:
        level.sigma = time < 0 ? p->sigma_min * (1 + time) : geometric(p, time / (p->T - 1));
        level.t = level.sigma > p->sigma_min ? level.sigma : p->sigma_min;
        return level;
    case PROCESS_VE:
        level.t = level.sigma = geometric(p, time);
        return level;
    case PROCESS_VP:
    case PROCESS_SUBVP: {
        double log_alpha = vp_log_alpha(p->beta_min, p->beta_max, time);
        double variance = -expm1(2 * log_alpha);
        level.alpha = exp(log_alpha);
        level.sigma = p->kind == PROCESS_VP ? sqrt(variance) : variance;
        level.t = time;
        return level;
    }
    }
    return level;
}

NoiseLevel process_quantile(const Process *p, double u)
{
    if (process_is_discrete(p)) return process_level(p, floor(u * p->T));
    return process_level(p, p->time_min + u * (1 - p->time_min));
}

double process_time_noisy(const Process *p)
{
    return process_is_discrete(p) ? p->T - 1 : 1;
}

double process_time_end(const Process *p)
{
    if (process_is_discrete(p)) return 0;
    return p->kind == PROCESS_VE ? p->time_min : fmax(p->time_min, 1e-3);
}

double level_logsnr(NoiseLevel level)
{
    return log(level.alpha / level.sigma);
}

/* The step whose ln alpha is the last one not below, and the way from there to the next. */
static double ddpm_time(const Process *p, double log_alpha)
{
    int low = 0, high = p->T - 1; /* ln alpha falls with the step */
    if (log_alpha >= log_alpha_at(p, low)) return low;
    if (log_alpha <= log_alpha_at(p, high)) return high;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (log_alpha_at(p, middle) >= log_alpha)
            low = middle;
        else
            high = middle;
    }
    double from = log_alpha_at(p, low), to = log_alpha_at(p, high);
    return low + (from - log_alpha) / (from - to);
}

double process_time_of_logsnr(const Process *p, double lambda)
{
    double time = 0, s = exp(-lambda);
    switch (p->kind) {
    case PROCESS_DDPM: /* alpha^2 = 1 / (1 + s^2) */
        return ddpm_time(p, -0.5 * log1p(s * s));
    case PROCESS_SMLD:
        time = (p->T - 1) * log(s / p->sigma_min) / log(p->sigma_max / p->sigma_min);
        break;
    case PROCESS_VE:
        time = log(s / p->sigma_min) / log(p->sigma_max / p->sigma_min);
        break;
    case PROCESS_VP:
        time = time_of_log_alpha_vp(p, -0.5 * log1p(s * s));
        break;
    case PROCESS_SUBVP: /* 1 - alpha^2 = s alpha */
        time = time_of_log_alpha_vp(p, log(2 / (s + sqrt(s * s + 4))));
        break;
    }
    return fmin(fmax(time, process_time_end(p)), process_time_noisy(p));
}

Drift process_drift(const Process *p, double time)
{
    switch (p->kind) {
    case PROCESS_DDPM: {
        int above = (int)ceil(time);
        double f = log_alpha_at(p, above) - log_alpha_at(p, above - 1);
        return (Drift){f, -2 * f};
    }
    case PROCESS_SMLD:
    case PROCESS_VE: {
        NoiseLevel level = process_level(p, time);
        double span = p->kind == PROCESS_SMLD ? p->T - 1 : 1;
        double rate = log(p->sigma_max / p->sigma_min) / span;
        return (Drift){0, 2 * rate * level.sigma * level.sigma};
    }
    case PROCESS_VP:
    case PROCESS_SUBVP: {
        double beta = p->beta_min + time * (p->beta_max - p->beta_min);
        double log_alpha = vp_log_alpha(p->beta_min, p->beta_max, time);
        double share = p->kind == PROCESS_VP ? 1 : -expm1(4 * log_alpha);
        return (Drift){-0.5 * beta, beta * share};
    }
    }
    return (Drift){0, 0};
}

double process_prior_std(const Process *p)
{
    return p->kind == PROCESS_SMLD || p->kind == PROCESS_VE ? p->sigma_max : 1;
}
