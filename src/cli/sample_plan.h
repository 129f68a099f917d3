/* Which images a model makes: the options of `diffc sample` that decide them, with which the tables of `sample` and
 * `eval` begin, and the plan that they make. The settings are options, then those of the run, then the defaults. */
#ifndef DIFFC_CLI_SAMPLE_PLAN_H
#define DIFFC_CLI_SAMPLE_PLAN_H

#include "cli/cli.h"
#include "diffusion/sampler.h"
#include "model/model.h"

#define SETTING_ROW(member, ...) SAMPLE_ROW_##member,
enum {
    SAMPLE_ROW_MODEL,
    SAMPLE_ROW_WEIGHTS,
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
    SAMPLE_PLAN_ROWS
};

/* clang-format off */
/* The lines of SAMPLE_SETTINGS as options. */
#define SETTING(m, option, kind, h, ...) [SAMPLE_ROW_##m] = OPTION(option, kind, "Sampler", .otherwise = "the run's", .help = h, __VA_ARGS__),
#define SWITCH_OPTION(m, option, reads, d, h, a) SETTING(m, option, SWITCH, h, .low = 0)
#define REAL_OPTION(m, option, reads, lo, open, hi, d, h, a) SETTING(m, option, REAL, h, .low = lo, .high = hi)
#define AUTO_OPTION(m, option, reads, hi, h, a) SETTING(m, option, REAL, h, .low = 0, .high = hi)
#define INT_OPTION(m, option, reads, lo, hi, d, h, a) SETTING(m, option, INT, h, .low = lo, .high = hi)
#define CHOICE_OPTION(m, option, reads, set, d, h, a) SETTING(m, option, CHOICE, h, .words = set)
#define FIRST_OPTION(m, option, reads, set, n, d, h, a) SETTING(m, option, CHOICE, h, .words = set)
/* clang-format on */

/* usual_count: --count by default, in words. */
#define SAMPLE_PLAN_OPTIONS(usual_count)                                                           \
    [SAMPLE_ROW_MODEL] = OPTION_ROW_MODEL, [SAMPLE_ROW_WEIGHTS] = OPTION_ROW_WEIGHTS,              \
    [SAMPLE_ROW_SIZE] =                                                                            \
        OPTION("size", TEXT, "Model", .metavar = "N|HxW", .otherwise = "the model's own",          \
               .help = "height and width of the images"),                                          \
    [SAMPLE_ROW_LABEL] =                                                                           \
        OPTION("label", TEXT, "Model", .metavar = "CLASS",                                         \
               .otherwise = "by the seed among the classes that had training images; for "         \
                            "--from, --between and restore none where the model can do without",   \
               .help = "class of every image, by name or number, for models with classes"),        \
    [SAMPLE_ROW_SAMPLER] =                                                                         \
        OPTION("sampler", CHOICE, "Sampler", .metavar = "NAME", .word = sampler_word,              \
               .otherwise = "the run's", .help = "see below"),                                     \
    [SAMPLE_ROW_STEPS] = OPTION(                                                                   \
        "steps", INT, "Sampler", .letter = 's', .low = 1, .high = 1e6, .otherwise = "the run's",   \
        .help = "network calls per image, as near below as the sampler can"),                      \
    [SAMPLE_ROW_SPACING] = OPTION(                                                                 \
        "spacing", CHOICE, "Sampler", .words = spacing_words, .otherwise = "the run's",            \
        .help = "where the steps lie; the first four take trained steps only, and dp those with "  \
                "the smallest bound for the model's errors on training images"),                   \
    [SAMPLE_ROW_FIT_DATA] = OPTION("fit-data", TEXT, "Sampler", .metavar = "PATH",                 \
                                   .otherwise = "the run's training data",                         \
                                   .help = "where the images for --spacing dp are"),               \
    SAMPLE_SETTINGS(SWITCH_OPTION, REAL_OPTION, AUTO_OPTION, INT_OPTION, CHOICE_OPTION,            \
                    FIRST_OPTION)[SAMPLE_ROW_COUNT] =                                              \
        OPTION("count", INT, "Images", .letter = 'n', .low = 1, .high = 1e7,                       \
               .otherwise = usual_count, .help = "images to make"),                                \
    [SAMPLE_ROW_SEED] =                                                                            \
        OPTION("seed", SEED, "Images", .otherwise = "the run's",                                   \
               .help = "seed of the first image; image k has seed N + k and is the same image "    \
                       "whatever the batch, the count and the threads"),                           \
    [SAMPLE_ROW_BATCH] =                                                                           \
        OPTION("batch", INT, "Images", .letter = 'b', .low = 1, .high = 65536,                     \
               .otherwise = "what suits the cache", .help = "images made together")

/* What the images are made from beside noise, in words for files and reports: "restored", "boot.png". */
enum { SAMPLE_SOURCES = 8 };
typedef struct {
    const char *name;
    char value[160];
    char json[48]; /* numbers, for --json; "": value, a string */
} SampleSource;

typedef struct {
    char path[PATH_BYTES]; /* of the run or model, chosen by the caller */
    WeightsKind weights;
    const Sampler *sampler;
    SampleRun run; /* settings; its grid and progress are the caller's to set */
    SpacingKind spacing;
    int calls;       /* network calls asked for, 0: the sampler's own number */
    double strength; /* of run.start: the part of the noise process that is walked; 0: all */
    int count, batch;
    const char *noun; /* what is made: "image" or "point" */
    uint64_t seed;
    int label;     /* -1: by seed, or */
    int per_class; /* so many of each trained class, one class after the other; 0: not so */
    SampleSource source[SAMPLE_SOURCES];
    int sources;
    uint64_t source_hash; /* of their bytes; 0: there are none */
} SamplePlan;

/* For images that begin with something whose class nobody says: they are of none where the model can do without, and the
 * run's own guidance, which is towards a class, is left out. Nothing where --label, --per-class or --guidance is given. */
void sample_plan_leave_class(const OptionValue *v, const Model *m, SamplePlan *p);
SampleSource *sample_plan_add_source(SamplePlan *p, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sample_plan_add_number(SamplePlan *p, const char *name, double value);
/* As members of the open object. */
void sample_plan_json_sources(const SamplePlan *p, JsonWriter *w);

/* "64" or "48x64". ERR_USAGE. */
bool parse_image_size(const char *text, int *height, int *width, Err *err);

/* v: the values of a table that begins with SAMPLE_PLAN_OPTIONS. p->count: the images of a call without
 * --count, 0: the run's number; p->per_class: as --per-class says, else 0. ERR_USAGE for an option that the sampler does not read, a label that the
 * model has not, a sampler that is unknown. Guidance 0 at every level makes images of no class, whatever the label. */
bool sample_plan_make(const OptionValue *v, Model *m, SamplePlan *p, Err *err);
/* With the spacing dp the model becomes the chain of the chosen steps, which are then all taken. */
bool sample_plan_take_steps(const OptionValue *v, const SamplePlan *plan, Model *model, Err *err);
/* *labels: the class of each image [count], or NULL where they have none; mem_free. */
bool sample_plan_labels(const SamplePlan *p, const Model *m, int **labels, Err *err);
/* The grid of the plan; level_grid_free. */
bool sample_plan_grid(const SamplePlan *p, LevelGrid *grid, Err *err);
/* "20 steps"; "tolerance 0.0001" of a sampler that finds its own. */
void sample_plan_way(const SamplePlan *p, const LevelGrid *grid, char *out, size_t size);

/* The samplers, for tables of options and for the help. */
const char *sampler_word(const void *context, int index);
void list_samplers(FILE *out);

#endif
