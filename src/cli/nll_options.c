#include "cli/nll_options.h"

#include "cli/cli.h"

const char *nll_variance_name(const void *context, int kind)
{
    (void)context;
    if (kind < NLL_VARIANCE_FITTED) return variance_words[kind];
    return kind == NLL_VARIANCE_FITTED ? "fitted" : NULL;
}

/* clang-format off */
#define SETTING(m, option, owners, kind, meta, says, h, ...) \
    [NLL_ROW_##m] = {.name = option, .type = kind, .metavar = meta, .otherwise = says, .group = "Protocol", .reads = owners, .help = h, __VA_ARGS__},
#define SWITCH_OPTION(m, option, reads, d, h) SETTING(m, option, reads, OPTION_SWITCH, NULL, (d) ? "yes" : "no", h, .low = 0)
#define INT_OPTION(m, option, reads, lo, hi, d, h) SETTING(m, option, reads, OPTION_INT, "N", #d, h, .low = lo, .high = hi)
#define REAL_OPTION(m, option, reads, lo, hi, d, h) SETTING(m, option, reads, OPTION_REAL, "X", #d, h, .low = lo, .high = hi)
#define OWN_OPTION(m, option, reads, lo, hi, says, h) SETTING(m, option, reads, OPTION_INT, "N", says, h, .low = lo, .high = hi)
#define TAKE(m, value) if (v[NLL_ROW_##m].given) run->m = (__typeof__(run->m))v[NLL_ROW_##m].value;
#define TAKE_INTEGER(m, ...) TAKE(m, integer)
#define TAKE_REAL(m, ...) TAKE(m, real)
/* clang-format on */

const Option nll_options[NLL_ROWS + 1] = {
    [NLL_ROW_MODEL] = OPTION_ROW_MODEL,
    [NLL_ROW_LABEL] = OPTION_ROW_LABEL("class under which the images are scored"),
    [NLL_ROW_PROTOCOL] =
        OPTION("protocol", CHOICE, "Protocol", .metavar = "NAME", .word = protocol_name,
               .otherwise = "by the method",
               .help = "what is computed, see below; numbers of different protocols do not "
                       "compare"),
    [NLL_ROW_STEPS] = OPTION("steps", INT, "Protocol", .low = 2, .high = 1e6, .otherwise = "all",
                             .reads = LIKELIHOOD_STEPS,
                             .help = "of the chain of so many of a ddpm or cdm model's steps"),
    [NLL_ROW_SPACING] =
        OPTION("spacing", CHOICE, "Protocol", .words = spacing_words, .fallback = "even",
               .reads = LIKELIHOOD_STEPS,
               .help = "which steps these are: even, leading, trailing, quadratic, "
                       "or dp, the best ones for the model's errors on training images"),
    [NLL_ROW_EXACT] =
        OPTION("exact", FLAG, "Protocol", .reads = LIKELIHOOD_CALLS,
               .help = "sum all terms, with a few more calls than the model has steps"),
    [NLL_ROW_VARIANCE] =
        OPTION("variance", CHOICE, "Protocol", .word = nll_variance_name,
               .otherwise = "the model's", .reads = LIKELIHOOD_VARIANCE,
               .help = "variance of the model's steps; fitted measures on training "
                       "images what makes the bound smallest"),
    [NLL_ROW_FIT_DATA] = OPTION(
        "fit-data", TEXT, "Protocol", .metavar = "PATH", .otherwise = "the run's training data",
        .reads = LIKELIHOOD_STEPS | LIKELIHOOD_VARIANCE,
        .help = "where the images for --variance fitted and --spacing dp are"),
    [NLL_ROW_FIT_COUNT] = OPTION("fit-count", INT, "Protocol", .low = 1, .high = 100000,
                                 .fallback = "32", .reads = LIKELIHOOD_STEPS | LIKELIHOOD_VARIANCE,
                                 .help = "how many of them are measured"),
    [NLL_ROW_PER_STEP] =
        OPTION("per-step", TEXT, "Protocol", .metavar = "FILE", .reads = LIKELIHOOD_TERMS,
               .help = "the terms of all steps as a table (CSV); asks for --exact"),
    [NLL_ROW_LEVEL] =
        OPTION("level", INT, "Protocol", .metavar = "T", .low = 0, .high = 1e6, .fallback = "0",
               .reads = LIKELIHOOD_LEVEL,
               .help = "noise level at which the density is taken, 0 for the clean "
                       "image; above 0 noise of that level is drawn and added, and the "
                       "figure is of the noisy image; up to the number of steps + 1, noise "
                       "alone"),
    LIKELIHOOD_SETTINGS(SWITCH_OPTION, INT_OPTION, REAL_OPTION, OWN_OPTION)[NLL_ROW_DATA] =
        OPTION("data", TEXT, "Images", .metavar = "PATH",
               .help = "score a data set (IDX, CIFAR-10) or a folder of images and give the mean"),
    [NLL_ROW_PART] = OPTION_ROW_PART,
    [NLL_ROW_COUNT] = OPTION_ROW_SCORED(": of IDX and CIFAR-10 the first, of a folder evenly"),
    [NLL_ROW_RESIZE] = OPTION_ROW_RESIZE,
    [NLL_ROW_SEED] =
        OPTION("seed", SEED, "Images", .fallback = "0",
               .help = "seed of all draws; an image's figures depend on it and on the image alone"),
    [NLL_ROW_BATCH] =
        OPTION("batch", INT, "Images", .letter = 'b', .low = 1, .high = 65536,
               .otherwise = "by the protocol, 4 or 16", .help = "images scored together"),
    [NLL_ROW_CSV] = OPTION("csv", TEXT, "Images", .metavar = "FILE",
                           .help = "the figures of all images as a table"),
    [NLL_ROW_THREADS] = OPTION_ROW_THREADS,
    [NLL_ROW_JSON] = OPTION_ROW_JSON,
    [NLL_ROW_QUIET] = OPTION_ROW_QUIET,
};

void nll_take_settings(const OptionValue *v, LikelihoodRun *run)
{
    LIKELIHOOD_SETTINGS(TAKE_INTEGER, TAKE_INTEGER, TAKE_REAL, TAKE_INTEGER)
}

bool nll_check_options(const OptionValue *v, const Protocol *protocol, Err *err)
{
    for (int i = 0; i < NLL_ROWS; i++) {
        const Option *o = &nll_options[i];
        if (v[i].given && o->reads && !protocol_takes(protocol, "--", o->name, o->reads, err))
            return false;
    }
    bool fitted =
        (v[NLL_ROW_VARIANCE].given && v[NLL_ROW_VARIANCE].integer == NLL_VARIANCE_FITTED) ||
        (v[NLL_ROW_SPACING].given && v[NLL_ROW_SPACING].integer == SPACING_DP);
    if (v[NLL_ROW_SPACING].given && !v[NLL_ROW_STEPS].given)
        return err_set(err, ERR_USAGE,
                       "--spacing says which steps are taken; how many is for --steps");
    if ((v[NLL_ROW_FIT_DATA].given || v[NLL_ROW_FIT_COUNT].given) && !fitted)
        return err_set(
            err, ERR_USAGE, "--%s belongs to --variance fitted and --spacing dp",
            nll_options[v[NLL_ROW_FIT_DATA].given ? NLL_ROW_FIT_DATA : NLL_ROW_FIT_COUNT].name);
    if (v[NLL_ROW_calls].given && (v[NLL_ROW_EXACT].given || v[NLL_ROW_PER_STEP].given))
        return err_set(err, ERR_USAGE, "--calls estimates what --%s sums; give one of them",
                       nll_options[v[NLL_ROW_EXACT].given ? NLL_ROW_EXACT : NLL_ROW_PER_STEP].name);
    return true;
}
