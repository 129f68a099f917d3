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

void eval_features_close(EvalFeatures *f)
{
    mem_free(f->of_reference);
    for (int s = 0; s < EVAL_SETS; s++) mem_free(f->of_sets[s]);
    memset(f, 0, sizeof *f);
}
