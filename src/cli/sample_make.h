/* Makes the images of `diffc sample` by a plan, batch by batch, and reports them. */
#ifndef DIFFC_CLI_SAMPLE_MAKE_H
#define DIFFC_CLI_SAMPLE_MAKE_H

#include "base/fsio.h"
#include "cli/sample_output.h"
#include "diffusion/sampler.h"
#include "model/model.h"

typedef struct {
    char path[PATH_BYTES]; /* of the run or model, chosen by the caller */
    const Sampler *sampler;
    SampleRun run; /* settings; its grid and progress are the caller's to set */
    SpacingKind spacing;
    int calls; /* network calls asked for, 0: the sampler's own number */
    int count, batch;
    const char *noun; /* what is made: "image" or "point" */
    uint64_t seed;
    int label; /* -1: by seed */
} SamplePlan;

/* Opens, fills and closes the output, which sample_output_check has passed. */
bool sample_make(const SamplePlan *plan, Model *model, SampleOutput *output, bool json, Err *err);

#endif
