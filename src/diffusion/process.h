/* Noise processes: how an image becomes noise, x = alpha x0 + sigma eps, as a function of a time
 * that runs from clean to noisy. One type for the discrete chains (DDPM, SMLD) and the stochastic
 * differential equations (VE, VP, sub-VP; Song et al. 2021); samplers, likelihoods and training see
 * only this. Everything is double.
 *
 *   kind    time        alpha                                  sigma
 *   DDPM    0 .. T-1    sqrt(alpha_bar), ln alpha linear       sqrt(1 - alpha^2)
 *                       between the trained steps
 *   SMLD    0 .. T-1    1                                      smin (smax/smin)^(time/(T-1))
 *   VE      0 .. 1      1                                      smin (smax/smin)^time
 *   VP      0 .. 1      exp(-t^2 (bmax-bmin)/4 - t bmin/2)     sqrt(1 - alpha^2)
 *   sub-VP  0 .. 1      as VP                                  1 - alpha^2 */
#ifndef DIFFC_PROCESS_H
#define DIFFC_PROCESS_H

#include <stdbool.h>

#include "base/err.h"
#include "diffusion/denoiser.h"
#include "diffusion/mask_config.h"
#include "diffusion/sample_config.h"
#include "diffusion/schedule.h"

typedef struct {
    ProcessKind kind;
    int T; /* 0: continuous */
    Schedule schedule;
    double *labels; /* [T] the longer chain's steps that a chain keeps (process_keep); NULL: all */
    double sigma_min, sigma_max, beta_min, beta_max, time_min;
} Process;

/* ERR_USAGE for values out of range; *p is then empty. Freeing an empty process is harmless. */
bool process_make(Process *p, const NoiseConfig *c, Err *err);
void process_free(Process *p);

/* Makes a DDPM chain one of the K steps that m[T] keeps, with the noise that `kind` gives them (mask.h).
 * Its steps are 0 .. K-1 and its labels those of the longer chain; everything made for a chain then
 * works on the kept steps. ERR_USAGE for a mask without steps or steps that add no noise, ERR_MEMORY;
 * *p is then as it was. */
bool process_keep(Process *p, MaskAlphas kind, const unsigned char *m, Err *err);

/* The level at a time between -1 (DDPM, SMLD) or 0 (SDEs), where x is clean (alpha 1, sigma 0; VE:
 * sigma_min at time 0), and the noisiest. Its t: the step of the whole chain (DDPM), sigma, at least
 * sigma_min (SMLD, VE), the time (VP, sub-VP). */
NoiseLevel process_level(const Process *p, double time);

/* The level that training draws for a uniform u in [0, 1): one of the T, or time_min + u (1 -
 * time_min). */
NoiseLevel process_quantile(const Process *p, double u);

/* The noisiest time, and the cleanest that samplers give the network: 0 of DDPM and SMLD, time_min
 * of VE, at least 1e-3 of VP and sub-VP (Song et al. 2021, appendix C). */
double process_time_noisy(const Process *p);
double process_time_end(const Process *p);

/* Inverse of lambda = ln(alpha / sigma), which falls with time; clamped to the times above. */
double process_time_of_logsnr(const Process *p, double lambda);

/* dx = f x dt + g dW (Song et al. 2021, eq. 5, with f linear): f and g^2 per unit of time. Between
 * DDPM's steps and at the step above them f is the difference of ln alpha. */
typedef struct {
    double f, g2;
} Drift;
Drift process_drift(const Process *p, double time);

/* Standard deviation of the noise that sampling starts from: 1, or sigma_max of SMLD and VE. */
double process_prior_std(const Process *p);

static inline bool process_is_discrete(const Process *p)
{
    return p->T > 0;
}

/* lambda = ln(alpha / sigma); s = sigma / alpha is the noise of x / alpha. */
double level_logsnr(NoiseLevel level);

/* The levels that a sampler visits, falling: level[0 .. n-1] cost network calls, level[n] is where
 * the walk ends (clean: alpha 1, sigma 0, unless a test says otherwise). */
typedef struct {
    int n;
    NoiseLevel *level; /* [n+1] */
} LevelGrid;

/* spacing is neither AUTO nor DP. On discrete chains even, leading, trailing and quadratic are distinct
 * trained steps, 1 <= n <= T, one step being T-1, except of leading, whose definition makes it 0; the others
 * lie between them too. On SDEs even is uniform. ERR_USAGE. */
bool level_grid_make(LevelGrid *g, const Process *p, SpacingKind spacing, int n, Err *err);
void level_grid_free(LevelGrid *g);

/* Leaves out the levels noisier than `strength` of the process: those of times above strength T - 1 (discrete
 * chains) or strength. ends: the grid is only its two ends, and the first moves there. ERR_USAGE when none is left. */
bool level_grid_begin(LevelGrid *g, const Process *p, double strength, bool ends, Err *err);

#endif
