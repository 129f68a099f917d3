#include "cli/sample_plan.h"

#include <diffc.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/config.h"
#include "model/sampling.h"

static const char *sampler_name(const void *context, int index)
{
    (void)context;
    return samplers[index].name;
}

/* clang-format off */
/* The lines of SAMPLE_SETTINGS as options, ... */
#define SETTING(m, option, kind, h, ...) [SAMPLE_ROW_##m] = OPTION(option, kind, "Sampler", .otherwise = "the run's", .help = h, __VA_ARGS__),
#define SWITCH_OPTION(m, option, reads, d, h, a) SETTING(m, option, SWITCH, h, .low = 0)
#define REAL_OPTION(m, option, reads, lo, open, hi, d, h, a) SETTING(m, option, REAL, h, .low = lo, .high = hi)
#define AUTO_OPTION(m, option, reads, hi, h, a) SETTING(m, option, REAL, h, .low = 0, .high = hi)
#define INT_OPTION(m, option, reads, lo, hi, d, h, a) SETTING(m, option, INT, h, .low = lo, .high = hi)
#define CHOICE_OPTION(m, option, reads, set, d, h, a) SETTING(m, option, CHOICE, h, .words = set)
#define FIRST_OPTION(m, option, reads, set, n, d, h, a) SETTING(m, option, CHOICE, h, .words = set)
/* ... as members that an option sets, ... */
#define TAKE(m, value) if (v[SAMPLE_ROW_##m].given) r->m = (__typeof__(r->m))v[SAMPLE_ROW_##m].value;
#define TAKE_INTEGER(m, ...) TAKE(m, integer)
#define TAKE_REAL(m, ...) TAKE(m, real)
/* ... and as settings that are reported. */
#define PUT(m, option, wanted, reader, format, value) \
    if ((p->sampler->reads & (reader)) && (wanted)) snprintf(text, sizeof text, format, value), put(context, option, text);
#define PUT_SWITCH(m, option, reader, ...) PUT(m, option, true, reader, "%s", r->m ? "yes" : "no")
#define PUT_REAL(m, option, reader, ...) PUT(m, option, true, reader, "%.15g", r->m)
#define PUT_AUTO(m, option, reader, ...) PUT(m, option, r->m > 0, reader, "%.15g", r->m)
#define PUT_INT(m, option, reader, ...) PUT(m, option, true, reader, "%d", r->m)
#define PUT_CHOICE(m, option, reader, set, ...) PUT(m, option, true, reader, "%s", set[r->m])
#define OWNER(m, option, reader, ...) {SAMPLE_ROW_##m, reader},
/* clang-format on */

const Option sample_options[SAMPLE_ROWS + 1] = {
    [SAMPLE_ROW_MODEL] = OPTION_ROW_MODEL,
    [SAMPLE_ROW_SIZE] =
        OPTION("size", TEXT, "Model", .metavar = "N|HxW", .otherwise = "the model's own",
               .help = "height and width of the images"),
    [SAMPLE_ROW_LABEL] =
        OPTION("label", INT, "Model", .low = 0, .high = 1e6,
               .otherwise = "seed modulo the number of classes that had training images",
               .help = "class of every image, for models with classes"),
    [SAMPLE_ROW_SAMPLER] =
        OPTION("sampler", CHOICE, "Sampler", .metavar = "NAME", .word = sampler_name,
               .otherwise = "the run's", .help = "see below"),
    [SAMPLE_ROW_STEPS] = OPTION(
        "steps", INT, "Sampler", .letter = 's', .low = 1, .high = 1e6, .otherwise = "the run's",
        .help = "network calls per image, as near below as the sampler can"),
    [SAMPLE_ROW_SPACING] = OPTION(
        "spacing", CHOICE, "Sampler", .words = spacing_words, .otherwise = "the run's",
        .help = "where the steps lie; the first four take trained steps only, and dp those with "
                "the smallest bound for the model's errors on training images"),
    [SAMPLE_ROW_FIT_DATA] = OPTION("fit-data", TEXT, "Sampler", .metavar = "PATH",
                                   .otherwise = "the run's training data",
                                   .help = "where the images for --spacing dp are"),
    SAMPLE_SETTINGS(SWITCH_OPTION, REAL_OPTION, AUTO_OPTION, INT_OPTION, CHOICE_OPTION,
                    FIRST_OPTION)[SAMPLE_ROW_COUNT] =
        OPTION("count", INT, "Images", .letter = 'n', .low = 1, .high = 1e7,
               .otherwise = "the run's", .help = "images to make"),
    [SAMPLE_ROW_SEED] =
        OPTION("seed", SEED, "Images", .otherwise = "the run's",
               .help = "seed of the first image; image k has seed N + k and is the same image "
                       "whatever the batch, the count and the threads"),
    [SAMPLE_ROW_BATCH] =
        OPTION("batch", INT, "Images", .letter = 'b', .low = 1, .high = 65536,
               .otherwise = "what suits the cache", .help = "images made together"),
    [SAMPLE_ROW_OUT] =
        OPTION("out", TEXT, "Images", .letter = 'o', .metavar = "FILE",
               .otherwise = "the run's name and the next free number, NAME-1.png, when "
                            "nothing else is asked for",
               .help = "one PNG picture of all images; of points a scatter plot"),
    [SAMPLE_ROW_OUT_DIR] = OPTION("out-dir", TEXT, "Images", .metavar = "DIR",
                                  .help = "one PNG file per image, named by its seed: 000007.png"),
    [SAMPLE_ROW_NPZ] =
        OPTION("npz", TEXT, "Images", .metavar = "FILE",
               .help = "all images as bytes arr_0 [N,H,W,C], for evaluation programs"),
    [SAMPLE_ROW_CSV] = OPTION("csv", TEXT, "Images", .metavar = "FILE",
                              .help = "of models of points: a table x,y"),
    [SAMPLE_ROW_CONTINUE] =
        OPTION("continue", FLAG, "Images",
               .help = "finish an --out-dir or --npz that was interrupted or killed; "
                       "the files are the same as without the interruption"),
    [SAMPLE_ROW_THREADS] = OPTION_ROW_THREADS,
    [SAMPLE_ROW_JSON] = OPTION_ROW_JSON,
    [SAMPLE_ROW_QUIET] = OPTION_ROW_QUIET,
};

/* Which option goes with which setting of a sampler. */
static const struct {
    int row;
    unsigned reads;
} owners[] = {SAMPLE_SETTINGS(OWNER, OWNER, OWNER, OWNER, OWNER, OWNER)};

/* Refuses an option that the chosen sampler would ignore, and names those that read it. */
static bool check_owners(const OptionValue *v, const Sampler *chosen, Err *err)
{
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        if (!v[owners[i].row].given || (chosen->reads & owners[i].reads)) continue;
        char names[128] = "";
        int count = 0;
        for (const Sampler *s = samplers; s->name; s++) {
            if (!(s->reads & owners[i].reads)) continue;
            text_add(names, sizeof names, ", ", s->name);
            count++;
        }
        return err_set(err, ERR_USAGE, "--%s belongs to the sampler%s %s; %s does not use it",
                       sample_options[owners[i].row].name, count == 1 ? "" : "s", names,
                       chosen->name);
    }
    return true;
}

/* Options over the settings of the model. */
static void take_options(const OptionValue *v, SampleConfig *r)
{
    SAMPLE_SETTINGS(TAKE_INTEGER, TAKE_REAL, TAKE_REAL, TAKE_INTEGER, TAKE_INTEGER, TAKE_INTEGER)
}

static bool choose_images(const OptionValue *v, const Model *m, const Config *c, SamplePlan *p,
                          Err *err)
{
    p->count = v[SAMPLE_ROW_COUNT].given ? (int)v[SAMPLE_ROW_COUNT].integer : c->sample.count;
    p->batch = v[SAMPLE_ROW_BATCH].given ? (int)v[SAMPLE_ROW_BATCH].integer : c->sample.batch;
    p->seed = v[SAMPLE_ROW_SEED].given ? v[SAMPLE_ROW_SEED].seed : c->sample.seed;
    p->label = v[SAMPLE_ROW_LABEL].given ? (int)v[SAMPLE_ROW_LABEL].integer : -1;
    p->noun = m->config.network == NETWORK_MLP ? "point" : "image";
    if (p->batch == 0) p->batch = model_sample_batch(m, p->count);
    if (p->batch > p->count) p->batch = p->count;
    if (m->config.network == NETWORK_MLP && v[SAMPLE_ROW_clip].given && v[SAMPLE_ROW_clip].integer)
        return err_set(err, ERR_USAGE,
                       "--clip keeps images within [-1, 1], but the model gives points, which lie "
                       "anywhere");
    return model_check_label(&m->config, "--label", p->label, false, err);
}

bool sample_plan_make(const Arguments *a, const Model *m, SamplePlan *p, Err *err)
{
    const OptionValue *v = a->values;
    Config c;
    const OptionValue *sampler = &v[SAMPLE_ROW_SAMPLER], *steps = &v[SAMPLE_ROW_STEPS];
    bool ok = model_sample_settings(m, &c, err) &&
              model_choose_sampler(m, sampler->given ? sampler->text : NULL,
                                   steps->given ? (int)steps->integer : 0, &c, &p->sampler, err) &&
              check_owners(v, p->sampler, err) && choose_images(v, m, &c, p, err);
    if (ok) {
        p->calls = c.sample.steps;
        p->run = model_sample_run(m, &c);
        take_options(v, &p->run.config);
        bool given = v[SAMPLE_ROW_SPACING].given;
        p->spacing = given ? (SpacingKind)v[SAMPLE_ROW_SPACING].integer : c.sample.spacing;
    }
    config_free(&c);
    if (ok && v[SAMPLE_ROW_FIT_DATA].given && p->spacing != SPACING_DP)
        return err_set(err, ERR_USAGE, "--fit-data belongs to --spacing dp");
    if (ok && p->spacing == SPACING_DP && p->calls == 0)
        return err_set(err, ERR_USAGE, "--spacing dp chooses steps; how many is for --steps");
    return ok;
}

void sample_plan_settings(const SamplePlan *p, SettingPut *put, void *context)
{
    const SampleConfig *r = &p->run.config;
    char text[64];
    put(context, "model", p->path);
    put(context, "sampler", p->sampler->name);
    snprintf(text, sizeof text, "%d", p->calls);
    put(context, "steps", p->calls > 0 ? text : "auto");
    put(context, "spacing", spacing_words[p->spacing]);
    SAMPLE_SETTINGS(PUT_SWITCH, PUT_REAL, PUT_AUTO, PUT_INT, PUT_CHOICE, PUT_CHOICE)
}

typedef struct {
    char *out;
    size_t size, used;
    const char *between;
} Description;

static void describe(void *context, const char *name, const char *value)
{
    Description *d = context;
    int n = snprintf(d->out + d->used, d->size - d->used, "%s%s %s", d->between, name, value);
    d->between = ", ";
    d->used = n > 0 && d->used + (size_t)n < d->size ? d->used + (size_t)n : d->size - 1;
}

void sample_plan_describe(const SamplePlan *p, char *out, size_t size)
{
    Description d = {out, size, 0, ""};
    describe(&d, "diffc", DIFFC_VERSION);
    d.between = ": ";
    sample_plan_settings(p, describe, &d);
}
