/* The settings that decide the images of `diffc sample`: options, then the settings of the run,
 * then the defaults. */
#ifndef DIFFC_CLI_SAMPLE_PLAN_H
#define DIFFC_CLI_SAMPLE_PLAN_H

#include "base/fsio.h"
#include "cli/cli.h"
#include "diffusion/sampler.h"
#include "model/model.h"

#define SETTING_ROW(member, ...) SAMPLE_ROW_##member,
enum {
    SAMPLE_ROW_MODEL,
    SAMPLE_ROW_SIZE,
    SAMPLE_ROW_LABEL,
    SAMPLE_ROW_SAMPLER,
    SAMPLE_ROW_STEPS,
    SAMPLE_ROW_SPACING,
    SAMPLE_ROW_FIT_DATA,
    SAMPLE_SETTINGS(SETTING_ROW, SETTING_ROW, SETTING_ROW, SETTING_ROW, SETTING_ROW, SETTING_ROW)
        SAMPLE_ROW_COUNT,
    SAMPLE_ROW_SEED,
    SAMPLE_ROW_BATCH,
    SAMPLE_ROW_OUT,
    SAMPLE_ROW_OUT_DIR,
    SAMPLE_ROW_NPZ,
    SAMPLE_ROW_CSV,
    SAMPLE_ROW_CONTINUE,
    SAMPLE_ROW_THREADS,
    SAMPLE_ROW_JSON,
    SAMPLE_ROW_QUIET,
    SAMPLE_ROWS
};
extern const Option sample_options[SAMPLE_ROWS + 1];

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

/* ERR_USAGE for an option that the sampler does not read, a label that the model has not, a sampler
 * that is unknown. */
bool sample_plan_make(const Arguments *a, const Model *m, SamplePlan *p, Err *err);

/* Calls put(context, name, value) for every setting that the sampler reads. */
typedef void SettingPut(void *context, const char *name, const char *value);
void sample_plan_settings(const SamplePlan *p, SettingPut *put, void *context);

/* "diffc 0.1: model runs/a, sampler ddim, ...": kept in the pictures. */
void sample_plan_describe(const SamplePlan *p, char *out, size_t size);

#endif
