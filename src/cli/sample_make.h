/* Makes the images of `diffc sample` by a plan, batch by batch, and reports them. */
#ifndef DIFFC_CLI_SAMPLE_MAKE_H
#define DIFFC_CLI_SAMPLE_MAKE_H

#include "cli/sample_output.h"
#include "cli/sample_plan.h"

/* Opens, fills and closes the output, which sample_output_check has passed. */
bool sample_make(const SamplePlan *plan, Model *model, SampleOutput *output, bool json, Err *err);

#endif
