/* What a chain of few steps costs, from the errors of its predictions: the variational bound of any
 * choice of steps without a network call, and the choice that makes it smallest (Watson et al. 2021,
 * "Learning to efficiently sample from diffusion probabilistic models"). All costs are nats per
 * dimension, of steps that have the variance that suits them best (Bao et al. 2022). */
#ifndef DIFFC_STEP_COSTS_H
#define DIFFC_STEP_COSTS_H

#include <stdbool.h>

#include "base/err.h"
#include "diffusion/denoiser.h"

/* The running mean of the last thousands of values, at places that lie evenly in lambda = ln(alpha / sigma).
 * A value between two places counts for both, in proportion. More places would each see fewer values: with
 * synthetic errors, 64,000 predictions, the steps then chosen cost 0.4 to 0.9 % more
 * than the optimum with 64 places and 0.1 to 0.4 % with 24. */
enum { ERROR_PLACES = 24 };
typedef struct {
    double sum[ERROR_PLACES], weight[ERROR_PLACES];
} LevelMeans;

/* What is known of a network's predictions between lambda `low` and `high`: the mean squared error of
 * x0, as a multiple of that for data of unit variance, and what the last step costs, as a multiple of
 * what it would if errors were normal and alike (step_cost). Neither depends much on the noise. */
typedef struct {
    double low, high;
    LevelMeans error, decoder;
} StepErrors;
/* low < high. Nothing is known yet. */
void step_errors_open(StepErrors *e, double low, double high);
void step_errors_add(StepErrors *e, NoiseLevel level, double error);
/* The decoder's nats per dimension with variance `error`, from x at this level. */
void step_errors_add_decoder(StepErrors *e, NoiseLevel level, double nats, double error);

/* The same as curves: the logarithms of the multiples are linear in lambda between places that have been
 * seen and flat beyond them. Of nothing seen they are 0. */
typedef struct {
    double low, high, log_error[ERROR_PLACES], log_decoder[ERROR_PLACES];
} ErrorCurve;
void error_curve_make(ErrorCurve *c, const StepErrors *e);
double error_curve_at(const ErrorCurve *c, NoiseLevel level);
/* step_cost with what is known at level t. */
double error_curve_cost(const ErrorCurve *c, NoiseLevel t, NoiseLevel p);

/* The step from level t down to level p, predicting x0 with mean squared error `error`, in the bound:
 *   ln(1 + c_x0^2 error / variance_small) / 2   (posterior_step), the KL at its best variance
 *   ln(1 + 2 pi e error / w^2) / 2              p clean: a normal error read in grey levels w wide */
double step_cost(NoiseLevel t, NoiseLevel p, double error);

/* KL(q(x_T|x0) || N(0, 1)) at the noisiest level, of data with the given mean square. */
double end_cost(NoiseLevel noisiest, double mean_square);

/* The whole bound of the steps that a mask keeps, alpha_bar[T] as mask_alpha_bar gives it. */
double chain_cost(const ErrorCurve *errors, const double *alpha_bar, const unsigned char *m, int T,
                  double mean_square);

/* The K of T steps, T-1 among them, with the smallest sum of costs, by dynamic programming: O(K T^2).
 * cost(context, t, p) is that of going from t to p < t, p = -1 the clean end; each is asked once. m[T] out.
 * 1 <= K <= T. ERR_MEMORY; ERR_DIVERGED when no choice has a finite cost. */
typedef double StepCost(void *context, int t, int p);
bool steps_optimum(StepCost *cost, void *context, int T, int K, unsigned char *m, Err *err);

/* steps_optimum of merged steps (mask.h): all levels lie on one schedule, alpha_bar[T], and so a step
 * costs the same in every mask. */
bool steps_optimum_merged(const ErrorCurve *errors, const double *alpha_bar, int T, int K,
                          unsigned char *m, Err *err);

#endif
