/* The schedulers of score models: diffusers' ScoreSdeVe and ScoreSdeVp, and ours for what diffusers
 * has no class for. One table of classes and keys serves reading, writing and model_index.json. */
#ifndef DIFFC_IO_SCORE_SCHEDULER_H
#define DIFFC_IO_SCORE_SCHEDULER_H

#include "model_files.h"

typedef struct {
    const char *library, *name, *pipeline;
    MethodKind method;
    SdeKind sde;
    unsigned bit; /* in the keys' lists of readers */
} ScoreClass;

/* NULL: not one of these. */
const ScoreClass *score_class_named(const char *name);
const ScoreClass *score_class_of(const ModelConfig *m);
bool score_pipeline_known(const char *pipeline);

bool score_scheduler_read(const ModelReader *r, const Json *object, const ScoreClass *kind);
/* The keys after _class_name and _diffusers_version. */
void score_scheduler_put(JsonWriter *w, const ModelConfig *m);

#endif
