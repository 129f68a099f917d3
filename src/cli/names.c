/* The words for the shared choices, as configuration files have them. */
#include "cli.h"
#include "diffc/sampler.h"

static const char *const schedules[] = {"linear", "scaled_linear", "cosine", "betas", NULL};
static const char *const predictions[] = {"eps", "x0", "v", NULL};
static const char *const variances[] = {"small", "large", NULL};
static const char *const spacings[] = {"even", "leading", "trailing", "quadratic", NULL};

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

const char *sampler_name(int index)
{
    return samplers[index].name;
}
