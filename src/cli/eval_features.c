#include "cli/eval_features.h"

#include <string.h>

#include "base/mem.h"

bool eval_features_open(EvalFeatures *f, size_t count, size_t dims, Err *err)
{
    memset(f, 0, sizeof *f);
    Features *all[] = {&f->reference, &f->sets[EVAL_PICTURES], &f->sets[EVAL_OTHERS]};
    float **values[] = {&f->of_reference, &f->of_sets[EVAL_PICTURES], &f->of_sets[EVAL_OTHERS]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        *values[i] = mem_alloc(count, dims * sizeof **values[i]);
        *all[i] = (Features){.count = count, .dims = (int)dims, .values = *values[i]};
        if (!*values[i])
            return err_set(err, ERR_MEMORY, "not enough memory for three times %zu images", count);
    }
    return true;
}

static bool find_frechet(const EvalFeatures *f, EvalStage *stage, FrechetDistance *out, Err *err)
{
    const Features *all[] = {&f->sets[EVAL_PICTURES], &f->sets[EVAL_OTHERS], &f->reference};
    FeatureMoments m[EVAL_SETS + 1] = {{.dims = 0}};
    FrechetSet sets[EVAL_SETS + 1];
    bool ok = true;
    for (int s = 0; s <= EVAL_SETS && ok; s++) {
        WorkProgress of_moments = eval_stage_begin(stage, "covariance of the features");
        ok = feature_moments(all[s], &of_moments, &m[s], err);
        sets[s] = (FrechetSet){&m[s], all[s]};
    }
    WorkProgress progress = eval_stage_begin(stage, "Frechet distance");
    ok = ok && frechet_distances(&sets[EVAL_SETS], sets, EVAL_SETS, &progress, out, err);
    for (int s = 0; s <= EVAL_SETS; s++) feature_moments_free(&m[s]);
    return ok;
}

bool eval_features_distances(const EvalFeatures *f, EvalStage *stage, FeatureFigures *out, Err *err)
{
    if (out->has_frechet && !find_frechet(f, stage, out->frechet, err)) return false;
    WorkProgress progress = eval_stage_begin(stage, "kernel distance");
    return kernel_distances(&f->reference, f->sets, EVAL_SETS, &progress, out->kernel, err);
}

void eval_features_close(EvalFeatures *f)
{
    mem_free(f->of_reference);
    for (int s = 0; s < EVAL_SETS; s++) mem_free(f->of_sets[s]);
    memset(f, 0, sizeof *f);
}
