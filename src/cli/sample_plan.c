#include "cli/sample_plan.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/shared_work.h"
#include "base/term.h"
#include "base/text.h"
#include "io/config.h"
#include "model/model_use.h"

enum { FIT_IMAGES = 32 };

const char *sampler_word(const void *context, int index)
{
    (void)context;
    return samplers[index].name;
}

/* clang-format off */
/* The lines of SAMPLE_SETTINGS as members that an option sets, and by whom they are read. */
#define TAKE(m, value) if (v[SAMPLE_ROW_##m].given) r->m = (__typeof__(r->m))v[SAMPLE_ROW_##m].value;
#define TAKE_INTEGER(m, ...) TAKE(m, integer)
#define TAKE_REAL(m, ...) TAKE(m, real)
#define OWNER(m, option, reader, ...) {SAMPLE_ROW_##m, option, reader},
/* clang-format on */

/* Which option goes with which setting of a sampler. */
static const struct {
    int row;
    const char *name;
    unsigned reads;
} owners[] = {SAMPLE_SETTINGS(OWNER, OWNER, OWNER, OWNER, OWNER, OWNER)};

/* Refuses an option that the chosen sampler would ignore, and names those that read it. */
static bool check_owners(const OptionValue *v, const Sampler *chosen, Err *err)
{
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        if (!v[owners[i].row].given || sampler_reads(chosen, owners[i].reads)) continue;
        char names[128] = "";
        int count = 0;
        for (const Sampler *s = samplers; s->name; s++) {
            if (!(s->reads & owners[i].reads)) continue;
            text_add(names, sizeof names, ", ", s->name);
            count++;
        }
        return err_set(err, ERR_USAGE, "--%s belongs to the sampler%s %s; %s does not use it",
                       owners[i].name, count == 1 ? "" : "s", names, chosen->name);
    }
    return true;
}

/* Options over the settings of the model. */
static void take_options(const OptionValue *v, SampleConfig *r)
{
    SAMPLE_SETTINGS(TAKE_INTEGER, TAKE_REAL, TAKE_REAL, TAKE_INTEGER, TAKE_INTEGER, TAKE_INTEGER)
}

/* --per-class decides how many images there are. */
static bool count_by_class(const OptionValue *v, const ModelConfig *m, SamplePlan *p, Err *err)
{
    static const double MOST = 1e7; /* as --count */
    int classes = model_trained_classes(m);
    if (v[SAMPLE_ROW_COUNT].given || v[SAMPLE_ROW_LABEL].given)
        return err_set(err, ERR_USAGE,
                       "--per-class makes so many images of each class; leave --%s out",
                       v[SAMPLE_ROW_COUNT].given ? "count" : "label");
    if (classes == 0)
        return err_set(err, ERR_USAGE, "--per-class is given, but the model has no classes");
    if ((double)p->per_class * classes > MOST)
        return err_set(err, ERR_USAGE,
                       "--per-class is %d, which is %.0f images of %d classes; it must be at most "
                       "%d",
                       p->per_class, (double)p->per_class * classes, classes, (int)MOST / classes);
    p->count = p->per_class * classes;
    return true;
}

static bool choose_images(const OptionValue *v, Model *m, const Config *c, SamplePlan *p, Err *err)
{
    if (v[SAMPLE_ROW_COUNT].given)
        p->count = (int)v[SAMPLE_ROW_COUNT].integer;
    else if (p->count == 0)
        p->count = c->sample.count;
    if (p->per_class > 0 && !count_by_class(v, &m->config, p, err)) return false;
    p->batch = v[SAMPLE_ROW_BATCH].given ? (int)v[SAMPLE_ROW_BATCH].integer : c->sample.batch;
    p->seed = v[SAMPLE_ROW_SEED].given ? v[SAMPLE_ROW_SEED].seed : c->sample.seed;
    p->noun = m->config.network == NETWORK_MLP ? "point" : "image";
    int share = (int)work_share_most((size_t)p->count);
    if (p->batch == 0) p->batch = model_sample_batch(m, share);
    if (p->batch > share) p->batch = share;
    /* It may go by the threads, of which processes may have different numbers. */
    p->batch = world_least(p->batch);
    if (m->config.network == NETWORK_MLP && v[SAMPLE_ROW_clip].given && v[SAMPLE_ROW_clip].integer)
        return err_set(err, ERR_USAGE,
                       "--clip keeps images within [-1, 1], but the model gives points, which lie "
                       "anywhere");
    return take_label(m, &v[SAMPLE_ROW_LABEL], false, &p->label, err);
}

/* Guidance 0 is the prediction without a class, which one pass makes. A class that is asked for wins over the
 * guidance of the configuration, but not over --guidance. */
static bool leave_class_out(const OptionValue *v, const Model *m, SamplePlan *p, Err *err)
{
    SampleConfig *r = &p->run.config;
    bool given = v[SAMPLE_ROW_guidance].given;
    if (r->guidance != 0 || r->guidance_low > 0 || r->guidance_high > 0) return true;
    if (!given && (p->per_class > 0 || v[SAMPLE_ROW_LABEL].given)) {
        term_note(
            "note: guidance is 1 instead of the configuration's 0, which leaves the class out");
        r->guidance = 1;
        return true;
    }
    if (p->per_class > 0)
        return err_set(err, ERR_USAGE,
                       "--per-class draws each class, but guidance is 0, which leaves the class "
                       "out");
    p->label = model_no_class(&m->config);
    r->guidance = 1;
    sample_plan_add_number(p, "guidance", 0);
    return true;
}

bool sample_plan_make(const OptionValue *v, Model *m, SamplePlan *p, Err *err)
{
    Config c;
    bool ok = model_sample_settings(m, &c, err) &&
              model_choose_sampler(m, v[SAMPLE_ROW_SAMPLER].text, (int)v[SAMPLE_ROW_STEPS].integer,
                                   &c, &p->sampler, err) &&
              check_owners(v, p->sampler, err) && choose_images(v, m, &c, p, err);
    if (ok) {
        p->weights = m->weights_kind;
        p->calls = c.sample.steps;
        p->run = model_sample_run(m, &c);
        take_options(v, &p->run.config);
        bool given = v[SAMPLE_ROW_SPACING].given;
        p->spacing = given ? (SpacingKind)v[SAMPLE_ROW_SPACING].integer : c.sample.spacing;
    }
    config_free(&c);
    if (v[SAMPLE_ROW_guidance_low].given || v[SAMPLE_ROW_guidance_high].given)
        ok = ok && guidance_check(&p->run.config, err);
    ok = ok && model_check_guidance(&m->config, &p->run.config, err);
    ok = ok && leave_class_out(v, m, p, err);
    if (ok && v[SAMPLE_ROW_FIT_DATA].given && p->spacing != SPACING_DP)
        return err_set(err, ERR_USAGE, "--fit-data belongs to --spacing dp");
    if (ok && p->spacing == SPACING_DP && p->calls == 0)
        return err_set(err, ERR_USAGE, "--spacing dp chooses steps; how many is for --steps");
    return ok;
}

void sample_plan_leave_class(const OptionValue *v, const Model *m, SamplePlan *p)
{
    if (p->label >= 0 || p->per_class > 0 || v[SAMPLE_ROW_guidance].given) return;
    p->label = model_no_class(&m->config);
    p->run.config.guidance = 1;
}

SampleSource *sample_plan_add_source(SamplePlan *p, const char *name, const char *format, ...)
{
    CHECK(p->sources < SAMPLE_SOURCES);
    SampleSource *s = &p->source[p->sources++];
    va_list values;
    s->name = name;
    va_start(values, format);
    vsnprintf(s->value, sizeof s->value, format, values);
    va_end(values);
    return s;
}

void sample_plan_add_number(SamplePlan *p, const char *name, double value)
{
    SampleSource *s = sample_plan_add_source(p, name, "%.15g", value);
    snprintf(s->json, sizeof s->json, "%.15g", value);
}

void sample_plan_json_sources(const SamplePlan *p, JsonWriter *w)
{
    for (const SampleSource *s = p->source; s < p->source + p->sources; s++)
        if (s->json[0])
            json_put_raw(w, s->name, s->json);
        else
            json_put_string(w, s->name, s->value);
}

bool parse_image_size(const char *text, int *height, int *width, Err *err)
{
    char *end;
    long h = strtol(text, &end, 10), w = h;
    bool ok = end != text;
    if (ok && *end == 'x') {
        const char *second = end + 1;
        w = strtol(second, &end, 10);
        ok = end != second;
    }
    if (!ok || *end || h < 1 || w < 1 || h > IMAGE_MAX_SIDE || w > IMAGE_MAX_SIDE) {
        return err_set(err, ERR_USAGE,
                       "--size is '%.40s'; it must be like 64 or 48x64, each from 1 to %d", text,
                       IMAGE_MAX_SIDE);
    }
    *height = (int)h;
    *width = (int)w;
    return true;
}

bool sample_plan_take_steps(const OptionValue *v, const SamplePlan *plan, Model *model, Err *err)
{
    MeasuredImages images;
    if (plan->spacing != SPACING_DP) return true;
    if (!check_steps(model, SPACING_DP, plan->calls, err)) return false;
    bool ok = fit_images_open(&images, model, v[SAMPLE_ROW_FIT_DATA].text, FIT_IMAGES, 0,
                              plan->label, err) &&
              choose_steps(model, SPACING_DP, plan->calls, &images, plan->label,
                           plan->run.config.clip, err);
    fit_images_close(&images);
    return ok;
}

bool sample_plan_labels(const SamplePlan *p, const Model *m, int **labels, Err *err)
{
    int classes = model_trained_classes(&m->config);
    *labels = NULL;
    if (classes == 0 || p->label >= m->config.unet.classes) return true; /* of no class */
    *labels = mem_alloc((size_t)p->count, sizeof **labels);
    if (!*labels) return err_set(err, ERR_MEMORY, "not enough memory for %d labels", p->count);
    int first = (int)(p->seed % (uint64_t)classes);
    for (int i = 0, *label = *labels; i < p->count; i++) {
        if (p->label >= 0)
            label[i] = p->label;
        else if (p->per_class > 0)
            label[i] =
                i % p->per_class ? label[i - 1] : model_trained_class(&m->config, i / p->per_class);
        else
            label[i] = i >= classes ? label[i - classes]
                                    : model_trained_class(&m->config, (first + i) % classes);
    }
    return true;
}

bool sample_plan_grid(const SamplePlan *p, LevelGrid *grid, Err *err)
{
    SpacingKind spacing = p->spacing == SPACING_DP ? SPACING_EVEN : p->spacing;
    return sampler_grid(p->sampler, &p->run, spacing, p->calls, grid, err) &&
           (p->strength <= 0 || level_grid_begin(grid, p->run.process, p->strength,
                                                 p->sampler->reads & SAMPLE_ODE, err));
}

void sample_plan_way(const SamplePlan *p, const LevelGrid *grid, char *out, size_t size)
{
    if (p->sampler->reads & SAMPLE_ODE)
        snprintf(out, size, "tolerance %g", p->run.config.tolerance);
    else
        snprintf(out, size, "%d step%s", grid->n, grid->n == 1 ? "" : "s");
}

void list_samplers(FILE *out)
{
    fputs("\nSamplers:\n", out);
    for (const Sampler *s = samplers; s->name; s++) {
        int at = fprintf(out, "  %s", s->name);
        help_wrap(out, at, 16, s->summary);
    }
}
