/* What a scheduler file of diffusers says of sampling: it becomes the default of `sample` for the folder
 * where diffc can do the same. The rest is named in one warning, unless it says what diffc does
 * anyway. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/diffusers/model_files.h"

/* The sampler that is a scheduler's own, at the values of `rows` below. NULL: diffc does not have it;
 * "": the method's own. */
static const struct {
    const char *name, *sampler;
} samplers[] = {
    {"DDPMScheduler", ""},
    {"DDIMScheduler", "ddim"},
    {"DPMSolverMultistepScheduler", "dpm++2m"},
    {"UniPCMultistepScheduler", "unipc"},
    {"HeunDiscreteScheduler", "heun"},
    {"PNDMScheduler", NULL},
    {"DPMSolverSinglestepScheduler", NULL},
    {"DEISMultistepScheduler", NULL},
    {"EulerDiscreteScheduler", NULL},
    {"EulerAncestralDiscreteScheduler", NULL},
    {"LMSDiscreteScheduler", NULL},
};

/* Where timestep_spacing lays the trained steps as one of ours does. The solvers in lambda take the last
 * of n + 1 away, which only "trailing" does not. */
static const struct {
    const char *scheduler, *word;
    SpacingKind spacing;
} spacings[] = {
    {"DDPMScheduler", "leading", SPACING_LEADING},
    {"DDPMScheduler", "linspace", SPACING_EVEN},
    {"DDPMScheduler", "trailing", SPACING_TRAILING},
    {"DDIMScheduler", "leading", SPACING_LEADING},
    {"DDIMScheduler", "linspace", SPACING_EVEN},
    {"DDIMScheduler", "trailing", SPACING_TRAILING},
    {"HeunDiscreteScheduler", "leading", SPACING_LEADING},
    {"HeunDiscreteScheduler", "linspace", SPACING_UNIFORM},
    {"HeunDiscreteScheduler", "trailing", SPACING_TRAILING},
    {"DPMSolverMultistepScheduler", "trailing", SPACING_TRAILING},
    {"UniPCMultistepScheduler", "trailing", SPACING_TRAILING},
};

/* Keys whose only value that diffc does is `value`, as JSON (NULL: any), of the schedulers that have
 * a sampler here. Others are misread models, so they are refused. */
static const struct {
    const char *key, *value, *or_value;
    bool refused;
} rows[] = {
    {"use_flow_sigmas", "false", NULL, true},
    {"timestep_type", "\"discrete\"", NULL, true},
    {"use_dynamic_shifting", "false", NULL, true},
    {"steps_offset", "0", NULL, false},
    {"set_alpha_to_one", "true", NULL, false},
    {"use_beta_sigmas", "false", NULL, false},
    {"use_lu_lambdas", "false", NULL, false},
    {"algorithm_type", "\"dpmsolver++\"", NULL, false},
    {"solver_order", "2", NULL, false},
    {"solver_type", "\"midpoint\"", "\"bh2\"", false},
    {"predict_x0", "true", NULL, false},
    {"solver_p", "null", NULL, false},
    {"disable_corrector", "[]", NULL, false},
    {"lower_order_final", "true", NULL, false},
    {"euler_at_final", "false", NULL, false},
    {"final_sigmas_type", "\"zero\"", NULL, false},
    {"lambda_min_clipped", "-inf", NULL, false},
    {"interpolation_type", "\"linear\"", NULL, false},
    {"sigma_min", "null", NULL, false},
    {"sigma_max", "null", NULL, false},
    {"shift_terminal", "null", NULL, false},
};

enum { LIST = 160, SHOWN = 40 };

/* As it stands in the file; of lists only whether they are empty. */
static void show(const Json *v, char out[SHOWN])
{
    if (json_type(v) == JSON_STRING) {
        char text[SHOWN - 2];
        text_escape(text, sizeof text, json_string(v));
        snprintf(out, SHOWN, "\"%s\"", text);
    } else if (json_type(v) == JSON_ARRAY) {
        snprintf(out, SHOWN, json_count(v) ? "[...]" : "[]");
    } else {
        json_show(v, out, SHOWN);
    }
}

static void add(char list[LIST], const char *key, const Json *v)
{
    char shown[SHOWN] = "";
    size_t used = strlen(list);
    if (v) show(v, shown);
    snprintf(list + used, LIST - used, "%s%s%s%s", used ? ", " : "", key, v ? " " : "", shown);
}

static bool is_true(const Json *object, const char *key)
{
    const Json *v = json_get(object, key);
    return v && json_type(v) == JSON_BOOL && json_bool(v);
}

/* Noise levels that are even in a scale of their own come before timestep_spacing. */
static void read_spacing(ModelConfig *m, const Json *object, const char *scheduler, char list[LIST])
{
    const Json *v = json_get(object, "timestep_spacing");
    m->sample.spacing = SPACING_KARRAS;
    if (is_true(object, "use_karras_sigmas")) return;
    m->sample.spacing = SPACING_LOGSNR;
    if (is_true(object, "use_exponential_sigmas")) return;
    m->sample.spacing = SPACING_AUTO;
    if (!v || json_type(v) == JSON_NULL) return;
    for (size_t i = 0; i < sizeof spacings / sizeof *spacings; i++) {
        if (strcmp(spacings[i].scheduler, scheduler) != 0 || json_type(v) != JSON_STRING ||
            strcmp(spacings[i].word, json_string(v)) != 0)
            continue;
        m->sample.spacing = spacings[i].spacing;
        return;
    }
    add(list, "timestep_spacing", v);
}

static bool read_rows(const ModelReader *r, const Json *object, char list[LIST])
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const Json *v = json_get(object, rows[i].key);
        char shown[SHOWN];
        if (!v) continue;
        show(v, shown);
        if (strcmp(shown, rows[i].value) == 0 ||
            (rows[i].or_value && strcmp(shown, rows[i].or_value) == 0))
            continue;
        if (rows[i].refused) return model_unsupported(r, rows[i].key, v, rows[i].value);
        add(list, rows[i].key, v);
    }
    return true;
}

bool scheduler_sampling_read(const ModelReader *r, const Json *object, const char *scheduler)
{
    char list[LIST] = "";
    for (size_t i = 0; i < sizeof samplers / sizeof *samplers; i++) {
        if (strcmp(samplers[i].name, scheduler) != 0) continue;
        const char *own = samplers[i].sampler;
        if (own && own[0]) snprintf(r->m->sample.sampler, sizeof r->m->sample.sampler, "%s", own);
        /* Of a sampler that diffc does not have, the settings need not be named. */
        if (!samplers[i].sampler) {
            char unused[LIST] = "";
            add(list, scheduler, NULL);
            if (!read_rows(r, object, unused)) return false;
        } else {
            read_spacing(r->m, object, scheduler, list);
            if (!read_rows(r, object, list)) return false;
        }
        if (list[0]) model_warn(r->m, "%.80s: sample does without its %s", r->path, list);
    }
    return true;
}
