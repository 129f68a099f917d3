/* A sampler's run with the defaults of the configuration. */
#ifndef DIFFC_TEST_SAMPLE_DEFAULTS_H
#define DIFFC_TEST_SAMPLE_DEFAULTS_H

#include "diffusion/sampler.h"
#include "io/config.h"

static inline void sample_run_defaults(SampleRun *run)
{
    Config c;
    config_defaults(&c);
    *run = (SampleRun){.config = c.sample, .clip_range = 1};
}

#endif
