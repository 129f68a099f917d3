/* diffc train: a training from a configuration, or on data alone (train_on_data.h). */
#include <stdio.h>
#include <string.h>

#include "base/fsio.h"
#include "base/shared_work.h"
#include "base/term.h"
#include "base/text.h"
#include "base/world.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "cli/run_name.h"
#include "cli/shared_config.h"
#include "cli/terminal_picture.h"
#include "cli/train_narration.h"
#include "cli/train_on_data.h"
#include "cli/training_summary.h"
#include "model/model_use.h"
#include "train/trainer.h"

enum {
    OUT,
    RESUME,
    INIT,
    CACHE,
    DRY_RUN,
    SIZE,
    CLASSES,
    EFFORT,
    SET,
    STEPS,
    MINUTES,
    SEED,
    SHOW,
    THREADS,
    JSON,
    QUIET,
    ROWS
};

static const Option options[ROWS + 1] = {
    [OUT] =
        OPTION("out", TEXT, "Run", .letter = 'o', .metavar = "RUN",
               .otherwise = "runs/ and the name of CONFIG.json or DATA, with a number when taken",
               .help = "folder of the run"),
    [RESUME] = OPTION(
        "resume", FLAG, "Run",
        .help = "continue a run from its newest checkpoint: that of --out, else the newest of "
                "CONFIG.json's name, or of DATA's name and on DATA, else the newest under runs/. "
                "Without CONFIG.json the "
                "run's own configuration is taken. Keys of model and method, train.seed and "
                "the data must be the run's own (the path may differ); changes of other "
                "keys are applied and listed"),
    [INIT] = OPTION(
        "init", TEXT, "Run", .metavar = "MODEL", .otherwise = "the configuration's train.init",
        .help = "run or model folder whose weights the run starts from; its network and noise "
                "must be those of the configuration"),
    [CACHE] = OPTION(
        "cache", TEXT, "Run", .metavar = "DIR", .otherwise = "the configuration's data.cache",
        .help = "where a file of the decoded images of a folder is kept, from which later runs "
                "start at once; off: nowhere, auto: beside the run, where they are many"),
    [DRY_RUN] = OPTION("dry-run", FLAG, "Run",
                       .help = "print the resolved configuration, the size of the network and the "
                               "memory, and stop; of DATA the configuration alone goes to stdout, "
                               "as CONFIG.json takes it"),
    [SIZE] = OPTION("size", INT, "DATA", .low = 1, .high = IMAGE_MAX_SIDE,
                    .otherwise = "by the pictures and the speed",
                    .help = "height and width of the images that are learnt and made"),
    [CLASSES] = OPTION("classes", FLAG, "DATA",
                       .help = "the folders inside DATA, or the labels of its files, are classes; "
                               "each can then be drawn on demand"),
    [EFFORT] = OPTION("effort", CHOICE, "DATA", .words = effort_words, .fallback = "medium",
                      .help = "width and depth of the network, and 2, 10 or 60 minutes of "
                              "training"),
    [SET] =
        OPTION("set", TEXT, "Settings", .repeatable = true, .metavar = "KEY=VALUE",
               .help = "change a key of the configuration, such as train.lr=1e-4; wins over the "
                       "file and the options below"),
    [STEPS] = OPTION("steps", INT, "Settings", .low = 1, .high = 1e12,
                     .otherwise = "the configuration's limits",
                     .help = "stop after N updates in all, whatever train.minutes says"),
    [MINUTES] =
        OPTION("minutes", REAL, "Settings", .metavar = "M", .low = 0.01, .high = 1e7,
               .otherwise = "the configuration's limits",
               .help = "stop after M minutes of training in all, whatever train.steps says; "
                       "with --steps at what comes first"),
    [SEED] = OPTION("seed", SEED, "Settings", .otherwise = "the configuration's",
                    .help = "train.seed: weights, order, noise"),
    [SHOW] = OPTION("show", FLAG, "General",
                    .help = "draw the sample grid of each checkpoint in the terminal (where stderr "
                            "is one), as sample --show does"),
    [THREADS] = OPTION_ROW_THREADS,
    [JSON] = OPTION_ROW_JSON,
    [QUIET] = OPTION_ROW_QUIET,
};

enum { KEY_COLUMN = 28 };

/* CONFIG.json or DATA, or the configuration of the run that is resumed without one. */
static const char *config_name(const Arguments *a, const char *run)
{
    return a->word_count > 0 ? a->words[0] : run;
}

static bool take_path(const OptionValue *v, int row, char *out, size_t size, Err *err)
{
    if (!v[row].given) return true;
    if (strlen(v[row].text) >= size)
        return err_set(err, ERR_USAGE, "--%s: the path has more than %zu bytes", options[row].name,
                       size - 1);
    snprintf(out, size, "%s", v[row].text);
    return true;
}

/* The options that change a configuration. */
static bool apply_options(const void *context, Config *c, Err *err)
{
    const Arguments *a = context;
    const OptionValue *v = a->values;
    if (v[STEPS].given || v[MINUTES].given) {
        c->train.steps = v[STEPS].given ? v[STEPS].integer : 0;
        c->train.minutes = v[MINUTES].given ? v[MINUTES].real : 0;
    }
    if (v[SEED].given) c->train.seed = v[SEED].seed;
    if (!take_path(v, INIT, c->train.init, sizeof c->train.init, err) ||
        !take_path(v, CACHE, c->data.cache, sizeof c->data.cache, err))
        return false;
    for (int i = 0; i < a->repeated_count; i++) {
        if (!config_set(c, a->repeated[i], err)) return false;
    }
    return true;
}

/* Options that choose a configuration have no say where there is one. */
static bool check_choices(const Arguments *a, bool data, Err *err)
{
    static const struct {
        int row;
        const char *instead;
    } rows[] = {{SIZE, "--set data.size=N"},
                {CLASSES, "--set model.class_conditional=true"},
                {EFFORT, "--set model.channels=N and --minutes"}};
    bool resume = a->values[RESUME].given;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *name = options[rows[i].row].name;
        if (!a->values[rows[i].row].given || (data && !resume)) continue;
        if (resume)
            return err_set(err, ERR_USAGE, "--%s cannot change a run that is resumed", name);
        return err_set(err, ERR_USAGE,
                       "--%s is for DATA without a configuration; one is changed by %s", name,
                       rows[i].instead);
    }
    return true;
}

/* The configuration that is chosen for DATA. */
static bool choose_for_data(const Arguments *a, Config *c, Err *err)
{
    const OptionValue *v = a->values;
    int size = v[SIZE].given ? (int)v[SIZE].integer : 0;
    const DataRequest request = {.path = a->words[0],
                                 .wishes = {.effort = (EffortKind)v[EFFORT].integer,
                                            .height = size,
                                            .width = size,
                                            .minutes = v[MINUTES].given ? v[MINUTES].real : 0,
                                            .steps = v[STEPS].given ? v[STEPS].integer : 0,
                                            .classes = v[CLASSES].given},
                                 .settings = a->repeated,
                                 .setting_count = a->repeated_count,
                                 .apply = apply_options,
                                 .context = a};
    return choose_config(&request, c, err);
}

/* DATA of a run that goes on may have moved. */
static bool read_resumed(const Arguments *a, const char *run, Config *c, Err *err)
{
    if (!trainer_run_config(run, c, err)) return false;
    return a->word_count == 0 || keep_data_path(a->words[0], c->data.path, err);
}

static bool read_config(const Arguments *a, bool data, const char *run, Config *c, Err *err)
{
    const char *name = config_name(a, run);
    if (!check_choices(a, data, err)) return false;
    if (data && !a->values[RESUME].given) {
        if (!choose_for_data(a, c, err)) return false;
    } else {
        bool ok = data || a->word_count == 0 ? read_resumed(a, run, c, err)
                                             : check_config_file(name, "--resume --out ", err) &&
                                                   config_load(c, name, err);
        if (!ok || !apply_options(a, c, err)) return false;
    }
    return config_check(c, err) && check_sampler_name(name, c->sample.sampler, err);
}

/* The folder of the run; "" for a new one that --dry-run only plans. path: of the data, where it is known. */
static bool find_run(const Arguments *a, bool data, const char *path, char *run, Err *err)
{
    const OptionValue *v = a->values;
    bool resume = v[RESUME].given;
    run[0] = '\0';
    if (a->word_count == 0 && !resume)
        return err_set(err, ERR_USAGE,
                       "CONFIG.json or DATA is missing: name a configuration, or pictures to "
                       "train on, or continue a run with --resume --out RUN");
    if (v[OUT].given) {
        snprintf(run, PATH_BYTES, "%s", v[OUT].text);
        return resume || (run_folder_check(run, path, err) &&
                          (v[DRY_RUN].given || trainer_check_run(run, false, err)));
    }
    if (a->word_count == 0) return trainer_newest_run("runs", run, err);
    if (v[DRY_RUN].given && !(resume && data)) return true;
    return resume ? run_to_resume(a->words[0], data, run, err)
                  : run_free_name(a->words[0], run, err);
}

static bool plan(const Arguments *a, bool data, const char *run, const Config *c, Err *err)
{
    Trainer *trainer;
    TrainNarrator narrator = {0};
    TrainCallbacks callbacks = train_narration(&narrator, false);
    char runs[PATH_BYTES];
    run_parent(run, runs);
    callbacks.runs = runs;
    if (!trainer_open_plan(&trainer, c, &callbacks, err)) return false;
    const TrainPlan *p = trainer_plan(trainer);
    note_micro_batch(c, p->micro_batch);
    bool json = a->values[JSON].given;
    bool ok = data && !json ? output_config(c, p, err)
                            : output_training(config_name(a, run), c, p, json, err);
    trainer_close(trainer);
    return ok;
}

/* Adds the command that continues the run to the sentence about an interruption, or about what a run
 * that has begun could not write. Left out where it does not fit: a cut command is worse than none. */
static void add_advice(const char *run, Err *err)
{
    char program[256], folder[PATH_BYTES];
    bool interrupted = err->kind == ERR_INTERRUPTED;
    bool lost = err->kind == ERR_IO || err->kind == ERR_MEMORY;
    if (!interrupted && !(lost && trainer_check_run(run, true, NULL))) return;
    text_shell_word(program, sizeof program, program_name(NULL));
    text_shell_word(folder, sizeof folder, run);
    const char *when = interrupted ? "" : "when that is mended, ";
    Err said = *err;
    size_t room = sizeof err->text, used = strlen(said.text) + strlen(when) + 50;
    if (used + strlen(program) + strlen(folder) >= room) return;
    err_set(err, said.kind, "%s; %scontinue with: %s train --resume --out %s", said.text, when,
            program, folder);
}

/* What can be looked at of the run, whether it came to its end, was interrupted or diverged; that it cannot be
 * written is no lost training. */
static void write_report(const char *run, ErrKind end)
{
    char path[PATH_BYTES];
    struct stat log;
    ReportWritten written;
    Err why = {0};
    bool ran = end == ERR_NONE || end == ERR_INTERRUPTED || end == ERR_DIVERGED;
    if (!ran || !path_join(path, run, "stats.jsonl", NULL) || stat(path, &log) != 0 ||
        log.st_size == 0)
        return;
    if (path_join(path, run, REPORT_NAME, &why) && report_write(&run, 1, path, &written, &why))
        return;
    term_problem("diffc train: the report is not written: %s", why.text);
}

/* From an open trainer to the end of the run. */
static bool run_opened(const Arguments *a, Trainer *trainer, TrainNarrator *narrator,
                       const char *run, Err *err)
{
    char first[WORLD_NAME_BYTES], last[WORLD_NAME_BYTES];
    const TrainPlan *p = trainer_plan(trainer);
    note_micro_batch(p->config, p->micro_batch);
    term_note("run: %s", run);
    if (world_size() > 1)
        term_note("processes: %d, from %s to %s, each with its share of every update", world_size(),
                  world_name(0, first), world_name(world_size() - 1, last));
    training_lines(term_note, p->config, p);
    bool ok = trainer_run(trainer, a->values[RESUME].given ? NULL : run, err);
    if (world_rank() == 0) write_report(run, ok ? ERR_NONE : err->kind);
    if (ok) note_diffusers(&p->model);
    if (!ok) add_advice(run, err);
    return ok && train_narration_end(narrator, run, err);
}

/* Reading the data can take long: a name that is chosen for the run is its own only after that. */
static bool train(const Arguments *a, char *run, const Config *c, Err *err)
{
    const OptionValue *v = a->values;
    TrainNarrator narrator = {.json = v[JSON].given};
    TrainCallbacks callbacks = train_narration(&narrator, v[SHOW].given);
    bool resume = v[RESUME].given;
    Trainer *trainer = NULL;
    char runs[PATH_BYTES];
    run_parent(run, runs);
    callbacks.runs = runs;
    if (!(resume ? trainer_resume(&trainer, run, c, &callbacks, err)
                 : trainer_open(&trainer, c, &callbacks, err)))
        return false;
    bool ok = (resume || v[OUT].given || run_take_name(a->words[0], run, err)) &&
              run_opened(a, trainer, &narrator, run, err);
    trainer_close(trainer);
    return ok;
}

/* The run and its configuration. What is chosen takes its time, so the run is checked before. */
static bool prepare(const Arguments *a, bool data, char *run, Config *c, Err *err)
{
    if (a->word_count > 0 && !data)
        return read_config(a, data, NULL, c, err) && find_run(a, data, c->data.path, run, err);
    return find_run(a, data, data ? a->words[0] : "", run, err) &&
           read_config(a, data, run, c, err);
}

/* DATA, the run and a CONFIG.json that is not here are as process 0 read them; the options are this process's own. */
static bool own_config(const void *context, Config *c, Err *err)
{
    const Arguments *a = context;
    if (a->word_count == 0 || word_is_data(a->words[0]) || !path_exists(a->words[0]))
        return apply_options(a, c, err);
    config_free(c);
    config_defaults(c);
    return read_config(a, false, NULL, c, err);
}

/* Process 0 prepares, so that one machine needs the configuration and one measures. Compared first: what no
 * configuration holds. */
static bool prepare_for_all(const Arguments *a, bool data, char *run, Config *c, Err *err)
{
    const OptionValue *v = a->values;
    const int64_t asked[] = {v[RESUME].given,
                             v[OUT].given,
                             v[DRY_RUN].given,
                             v[CLASSES].given,
                             v[SIZE].given ? v[SIZE].integer : 0,
                             v[EFFORT].integer};
    if (!work_same("--resume, --out, --dry-run, --classes, --size or --effort", asked, sizeof asked,
                   err) ||
        !shared_config(c, world_rank() > 0 || prepare(a, data, run, c, err), own_config, a, err))
        return false;
    world_broadcast(run, PATH_BYTES);
    return true;
}

static bool run_train(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    if (v[SHOW].given && !terminal_picture_check(stderr, err)) return false;
    begin_work(&v[QUIET], &v[THREADS]);
    Config c;
    char run[PATH_BYTES];
    config_defaults(&c);
    bool data = a->word_count > 0 && word_is_data(a->words[0]);
    bool ok = trainer_check_processes(world_size(), err) && prepare_for_all(a, data, run, &c, err);
    if (ok && v[DRY_RUN].given)
        ok = plan(a, data, run, &c, err);
    else
        ok = ok && train(a, run, &c, err);
    config_free(&c);
    return ok;
}

static void list_keys(FILE *out)
{
    char text[512];
    fputs("\nKeys of the configuration (sections data, model, method, train, sample):\n", out);
    for (size_t i = 0; config_describe(i, text, sizeof text); i++) {
        int key = (int)strcspn(text, " ");
        int at = fprintf(out, "  %.*s", key, text);
        help_wrap(out, at, KEY_COLUMN, text + key + strspn(text + key, " "));
    }
}

const Command command_train = {
    .name = "train",
    .summary = "Train a model on images",
    .words = "[CONFIG.json | DATA]",
    .words_max = 1,
    .examples = {"diffc train pictures/",
                 "diffc train configs/fashion-ddpm.json --out runs/mine --set train.lr=1e-4"},
    .options = options,
    .notes =
        "DATA is a folder of PNG and JPEG pictures, or a file or folder of IDX or CIFAR-10: what "
        "is not given is chosen from the pictures and from the speed of this machine, measured in"
        " a second or two, and said. Ctrl-C (SIGINT, SIGTERM, SIGHUP) finishes the step, saves "
        "and exits with 130; a second one ends at once, unsaved. --resume continues to the same "
        "bits. The run folder holds the resolved configuration, the model (averaged weights), "
        "checkpoints, stats.jsonl and sample pictures. The name of the run goes to stdout at the "
        "end; with --json, every line of stats.jsonl does.",
    .more_help = list_keys,
    .run = run_train,
    .shared = true,
};
