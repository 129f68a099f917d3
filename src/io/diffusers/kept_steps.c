/* The steps that a model keeps, in its scheduler_config.json:
 *   "kept_timesteps": [0, 7, ...]   rising
 *   "masked_alphas": "merged"       or "literal", "rescaled" (mask.h) */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/diffusers/model_files.h"

static const char *const kinds[] = {
    [ALPHAS_MERGED] = "merged", [ALPHAS_LITERAL] = "literal", [ALPHAS_RESCALED] = "rescaled"};
enum { KINDS = sizeof kinds / sizeof *kinds };

static bool read_alphas(const ModelReader *r, const Json *object)
{
    const Json *v = json_get(object, "masked_alphas");
    const char *name = v ? model_read_text(r, "masked_alphas", v) : kinds[ALPHAS_MERGED];
    if (!name) return false;
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(name, kinds[i]) != 0) continue;
        r->m->alphas = (MaskAlphas)i;
        return true;
    }
    return model_unsupported(r, "masked_alphas", v, "merged, literal and rescaled");
}

bool kept_steps_read(const ModelReader *r, const Json *object, bool needed)
{
    ModelConfig *m = r->m;
    const Json *list = json_get(object, "kept_timesteps");
    if (!list && !needed) return true;
    if (list && m->method == METHOD_CDM)
        return model_unsupported(r, "kept_timesteps", list,
                                 "a scheduler without it, for a cdm tells all its levels apart");
    if (!list)
        return err_set(r->err, ERR_FORMAT, "%s: has no kept_timesteps, which %s needs", r->path,
                       EDDPM_SCHEDULER);
    size_t count = json_type(list) == JSON_ARRAY ? json_count(list) : 0;
    if (count < 1 || count > (size_t)m->noise.T) {
        char expected[96];
        snprintf(expected, sizeof expected, "a list of 1 to num_train_timesteps (%d) integers",
                 m->noise.T);
        return model_wrong(r, "kept_timesteps", list, expected);
    }
    if (!read_alphas(r, object)) return false;
    m->kept = mem_alloc(count, sizeof *m->kept);
    if (!m->kept) return err_set(r->err, ERR_MEMORY, "%s: not enough memory for steps", r->path);
    m->method = METHOD_EDDPM;
    int least = 0;
    for (const Json *v = json_first(list); v; v = json_next(v)) {
        int *step = &m->kept[m->kept_count++];
        if (!model_read_int(r, "kept_timesteps", v, least, m->noise.T - 1, step)) return false;
        least = *step + 1;
    }
    return true;
}

void kept_steps_put(JsonWriter *w, const ModelConfig *m)
{
    if (!m->kept) return;
    json_begin_row(w, "kept_timesteps");
    for (int i = 0; i < m->kept_count; i++) json_put_int(w, NULL, m->kept[i]);
    json_end_array(w);
    json_put_string(w, "masked_alphas", kinds[m->alphas]);
}
