/* The words for the shared choices, as configuration files have them. */
#include "cli/cli.h"
#include "diffusion/sampler.h"

static const char *const schedules[] = {[SCHEDULE_LINEAR] = "linear",
                                        [SCHEDULE_SCALED_LINEAR] = "scaled_linear",
                                        [SCHEDULE_COSINE] = "cosine",
                                        [SCHEDULE_BETAS] = "betas",
                                        [SCHEDULE_LOGSNR] = "logsnr",
                                        [SCHEDULE_UNIF] = "unif",
                                        NULL};
static const char *const predictions[] = {
    [PREDICT_EPS] = "eps", [PREDICT_X0] = "x0", [PREDICT_V] = "v", [PREDICT_SCORE] = "score", NULL};
static const char *const variances[] = {
    [VARIANCE_SMALL] = "small", [VARIANCE_LARGE] = "large", [VARIANCE_LEARNED] = "learned", NULL};
static const char *const spacings[] = {[SPACING_EVEN] = "even",
                                       [SPACING_LEADING] = "leading",
                                       [SPACING_TRAILING] = "trailing",
                                       [SPACING_QUADRATIC] = "quadratic",
                                       [SPACING_UNIFORM] = "uniform",
                                       [SPACING_LOGSNR] = "logsnr",
                                       [SPACING_KARRAS] = "karras",
                                       [SPACING_AUTO] = "auto",
                                       [SPACING_DP] = "dp",
                                       NULL};
static const char *const predictors[] = {[PREDICTOR_REVERSE_DIFFUSION] = "reverse-diffusion",
                                         [PREDICTOR_ANCESTRAL] = "ancestral",
                                         [PREDICTOR_NONE] = "none",
                                         NULL};

const char *schedule_name(int kind)
{
    return schedules[kind];
}

const char *prediction_name(int kind)
{
    return predictions[kind];
}

const char *variance_name(int kind)
{
    return variances[kind];
}

const char *spacing_name(int kind)
{
    return spacings[kind];
}

const char *predictor_name(int kind)
{
    return predictors[kind];
}

const char *sampler_name(int index)
{
    return samplers[index].name;
}
