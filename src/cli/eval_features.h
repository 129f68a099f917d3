/* The vectors in which `diffc eval` compares three sets of as many images: pixels, or what a network makes of them. */
#ifndef DIFFC_CLI_EVAL_FEATURES_H
#define DIFFC_CLI_EVAL_FEATURES_H

#include "cli/eval_report.h"
#include "cli/eval_stage.h"
#include "model/inception_features.h"

typedef struct {
    Features reference, sets[EVAL_SETS];
    float *of_reference, *of_sets[EVAL_SETS]; /* their values [count, dims], to be filled */
} EvalFeatures;

bool eval_features_open(EvalFeatures *f, size_t count, size_t dims, Err *err);
/* FID, where LAPACK is there, and KID of the sets to the reference. */
bool eval_features_distances(const EvalFeatures *f, EvalStage *stage, FeatureFigures *out,
                             Err *err);
/* Also after a failure. */
void eval_features_close(EvalFeatures *f);

#endif
