/* Which steps of a chain to keep (EDDPM: Zhang et al., "Efficient denoising diffusion via
 * probabilistic masking", ICML 2024). Step t of T is kept with probability s[t], the score; a mask
 * m[T] is a draw of all steps, 1: kept. Everything here is a pure function in double; training puts
 * them together (train/train_masks.c). */
#ifndef DIFFC_MASK_H
#define DIFFC_MASK_H

#include <stdbool.h>
#include <stdint.h>

#include "diffusion/mask_config.h"
#include "diffusion/schedule.h"

/* m ~ prod Bernoulli(s[t]), draw `number` of the run; returns how many steps are kept, which may be
 * none. s = 1 always keeps and s = 0 never does. */
int mask_draw(unsigned char *m, const double *s, int T, uint64_t seed, uint64_t number);

/* Step number `place` (from 0, in time order) of those kept: a uniform `place` is a uniform kept step. */
int mask_step(const unsigned char *m, int T, int place);

/* The share of steps to keep at moment e of a run, in any unit of time (the paper's eq. 10):
 *   1 before `full`; final + (1 - final) (1 - (e - full) / (end - full))^3; final from `end` on. */
double mask_kept_share(double e, double full, double end, double final);

/* alpha_bar[t] of the masked chain after steps 0 .. t, for all t < T:
 *   literal   prod_{i<=t} (1 - beta_i m_i): skipped noise is left out (the paper's eq. 6). Few steps of
 *             a fine schedule never come near pure noise.
 *   merged    alpha_bar of the last kept step up to t: a kept step makes up for the skipped ones
 *             below it. It is DDPM respaced; only with m[T-1] = 1 does it end where the schedule ends.
 *   rescaled  prod_{i<=t} (1 - beta_i)^(c m_i), c such that every mask ends where the schedule ends.
 * At a skipped step nothing changes, so it needs no network call. At least one step must be kept. */
void mask_alpha_bar(double *alpha_bar, MaskAlphas kind, const Schedule *s, const unsigned char *m);

/* The level of kept step t: its label is t itself. */
NoiseLevel mask_level(const double *alpha_bar, int t);

/* gradient[t] += scale * d ln p(m|s) / d s[t] (the paper's eq. 9), p = prod s^m (1-s)^(1-m):
 *   m / s - (1 - m) / (1 - s)
 * or preconditioned, that times sqrt(s (1 - s)):
 *   (m - s) / sqrt(s (1 - s))
 * m must be a mask that s can draw. Where s is 0 or 1, m equals s: the gradient is then -1 or +1, so
 * such a score moves on; the preconditioned one is 0, its limit, so such a score stays. */
void mask_add_score_gradient(double *gradient, const unsigned char *m, const double *s, int T,
                             bool precondition, double scale);

/* scale[k] of n masks so that gradient = sum_k scale[k] d ln p(m_k|s)/ds is without bias for the mean
 * cost: cost[k] less the mean cost of the other masks (also called leave-one-out), over n; of one mask
 * the cost itself. */
void mask_advantages(double *scale, const double *cost, int n);

/* The nearest point of {0 <= s <= 1, sum s <= most} in place: s = clip(s - v, 0, 1), v >= 0 by
 * bisection so that the sum fits. most >= 0. */
void mask_project(double *s, int n, double most);

/* Sum, sum s (1 - s), and entropy in nats of the Bernoullis: all but the first vanish as the scores
 * settle. */
typedef struct {
    double sum, spread, entropy;
} MaskSummary;
MaskSummary mask_summary(const double *s, int T);

/* Keeps exactly K: those with the largest scores, of equals the noisier. */
void mask_top(unsigned char *m, const double *s, int T, int K);

/* Brings a drawn mask to exactly K steps: drops the kept ones with the smallest scores, or adds the
 * skipped ones with the largest. */
void mask_complete(unsigned char *m, const double *s, int T, int K);

#endif
