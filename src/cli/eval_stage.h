/* The stages of `diffc eval`, each with its progress. */
#ifndef DIFFC_CLI_EVAL_STAGE_H
#define DIFFC_CLI_EVAL_STAGE_H

#include "model/image_set.h"

typedef struct {
    const char *name;
    double start;
} EvalStage;

/* Progress of a stage that begins now: a line where it takes long, and an end when interrupted. */
WorkProgress eval_stage_begin(EvalStage *s, const char *name);

#endif
