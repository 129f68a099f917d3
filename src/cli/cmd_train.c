/* diffc train: a training from a configuration. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/mem.h"
#include "base/term.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "cli/terminal_picture.h"
#include "cli/training_summary.h"
#include "model/model_use.h"
#include "train/trainer.h"

enum { OUT, RESUME, INIT, DRY_RUN, SET, STEPS, SEED, SHOW, THREADS, JSON, QUIET, ROWS };

static const Option options[ROWS + 1] = {
    [OUT] = OPTION("out", TEXT, "Run", .letter = 'o', .metavar = "RUN",
                   .otherwise = "runs/ and the name of the configuration, with a number when taken",
                   .help = "folder of the run"),
    [RESUME] = OPTION(
        "resume", FLAG, "Run",
        .help = "continue a run from its newest checkpoint: that of --out, else the newest of "
                "CONFIG.json's name, else the newest under runs/. Without CONFIG.json the "
                "run's own configuration is taken. Keys of model and method, train.seed and "
                "the data must be the run's own (the path may differ); changes of other "
                "keys are applied and listed"),
    [INIT] = OPTION(
        "init", TEXT, "Run", .metavar = "MODEL", .otherwise = "the configuration's train.init",
        .help = "run or model folder whose weights the run starts from; its network and noise "
                "must be those of the configuration"),
    [DRY_RUN] = OPTION("dry-run", FLAG, "Run",
                       .help = "print the resolved configuration, the size of the network and the "
                               "memory, and stop"),
    [SET] =
        OPTION("set", TEXT, "Settings", .repeatable = true, .metavar = "KEY=VALUE",
               .help = "change a key of the configuration, such as train.lr=1e-4; wins over the "
                       "file and the options below"),
    [STEPS] = OPTION("steps", INT, "Settings", .low = 1, .high = 1e12,
                     .otherwise = "the configuration's limits",
                     .help = "stop after N updates in all, whatever train.minutes says"),
    [SEED] = OPTION("seed", SEED, "Settings", .otherwise = "the configuration's",
                    .help = "train.seed: weights, order, noise"),
    [SHOW] = OPTION("show", FLAG, "General",
                    .help = "draw the sample grid of each checkpoint in the terminal (where stderr "
                            "is one), as sample --show does"),
    [THREADS] = OPTION_ROW_THREADS,
    [JSON] = OPTION_ROW_JSON,
    [QUIET] = OPTION_ROW_QUIET,
};

enum { MOST_RUNS = 10000, KEY_COLUMN = 28 };
static const double REDRAW_SECONDS = 0.1;

typedef struct {
    bool json;
    bool stopping; /* the interruption has been acknowledged */
    double drawn;  /* when the progress line was last drawn */
    int64_t step;
} Narrator;

/* CONFIG.json, or the configuration of the run that is resumed without one. */
static const char *config_name(const Arguments *a, const char *run)
{
    return a->word_count > 0 ? a->words[0] : run;
}

static bool read_config(const Arguments *a, const char *run, Config *c, Err *err)
{
    const OptionValue *v = a->values;
    if (a->word_count > 0 && !check_config_file(a->words[0], "--resume --out ", err)) return false;
    if (a->word_count > 0 ? !config_load(c, a->words[0], err) : !trainer_run_config(run, c, err))
        return false;
    if (v[STEPS].given) {
        c->train.steps = v[STEPS].integer;
        c->train.minutes = 0;
    }
    if (v[SEED].given) c->train.seed = v[SEED].seed;
    if (v[INIT].given) {
        if (strlen(v[INIT].text) >= sizeof c->train.init)
            return err_set(err, ERR_USAGE, "--init: the path has more than %zu bytes",
                           sizeof c->train.init - 1);
        snprintf(c->train.init, sizeof c->train.init, "%s", v[INIT].text);
    }
    for (int i = 0; i < a->repeated_count; i++) {
        if (!config_set(c, a->repeated[i], err)) return false;
    }
    return config_check(c, err) && check_sampler_name(config_name(a, run), c->sample.sampler, err);
}

/* runs/NAME, where NAME is the configuration's file name, or runs/NAME-2, runs/NAME-3, ... : the
 * first that is free, or with `resume` the last that is taken. */
static bool choose_run(const char *config, bool resume, char *out, Err *err)
{
    const char *slash = strrchr(config, '/');
    const char *name = slash ? slash + 1 : config;
    const char *dot = strrchr(name, '.');
    int length = (int)(dot && dot != name ? (size_t)(dot - name) : strlen(name));
    char last[PATH_BYTES] = "";
    for (int i = 1; i < MOST_RUNS; i++) {
        int n = i == 1 ? snprintf(out, PATH_BYTES, "runs/%.*s", length, name)
                       : snprintf(out, PATH_BYTES, "runs/%.*s-%d", length, name, i);
        if (n >= PATH_BYTES) break;
        if (path_exists(out)) {
            memcpy(last, out, PATH_BYTES);
            continue;
        }
        if (!resume) return true;
        if (last[0]) memcpy(out, last, PATH_BYTES);
        return last[0] || err_set(err, ERR_IO,
                                  "%s: there is no run to resume; name one with "
                                  "--out or start without --resume",
                                  out);
    }
    return err_set(err, ERR_USAGE, "no name for the run is free under runs/; give one with --out");
}

static void show_status(void *context, const TrainStatus *s)
{
    Narrator *n = context;
    n->step = s->step;
    if (interrupt_requested() && !n->stopping) {
        n->stopping = true;
        term_note("stopping: saving the run (a second interruption stops at once, unsaved)");
    }
    double now = clock_seconds();
    if (now - n->drawn < REDRAW_SECONDS) return;
    n->drawn = now;
    char step[32], total[40] = "", left[24], left_text[40] = "", speed[AMOUNT_BYTES];
    term_format_count(step, (unsigned long long)s->step);
    if (s->total_steps > 0) {
        memcpy(total, " of ", 5);
        term_format_count(total + 4, (unsigned long long)s->total_steps);
    }
    term_format_duration(left, s->seconds_left);
    if (s->seconds_left >= 0) snprintf(left_text, sizeof left_text, ", %s left", left);
    format_speed(speed, s->images_per_s);
    term_progress("step %s%s, loss %.4f, %s images/s%s", step, total, s->loss, speed, left_text);
}

static void show_line(void *context, const char *json)
{
    const Narrator *n = context;
    if (n->json) output_line("%s", json);
}

static void show_note(void *context, const char *text)
{
    (void)context;
    term_note("%s", text);
}

static void show_problem(void *context, const char *text)
{
    (void)context;
    term_problem("diffc train: %s", text);
}

static void show_picture(void *context, int64_t step, const Image *picture)
{
    Err why = {0};
    (void)context;
    term_note("step %lld: samples", (long long)step);
    if (!terminal_picture_show(stderr, picture, &why))
        term_problem("diffc train: the samples are not shown: %s", why.text);
}

static bool report_end(const Narrator *n, const char *run, Err *err)
{
    if (!n->json) {
        output_line("%s", run);
        return true;
    }
    JsonWriter w;
    output_begin(&w);
    json_put_string(&w, "event", "done");
    json_put_int(&w, "step", n->step);
    json_put_string(&w, "run", run);
    json_put_int(&w, "peak_memory_bytes", (int64_t)mem_peak_bytes());
    return output_json(&w, err);
}

/* Reported once, when it is not simply the pipeline that the folder of an image model names. */
static void note_diffusers(const ModelConfig *m)
{
    char text[256];
    if (m->network == NETWORK_MLP || !model_diffusers_support(m).but) return;
    describe_diffusers(m, text, sizeof text);
    term_note("diffusers: the model's folder %s", text);
}

static void note_micro_batch(const Config *c, int used)
{
    int asked = c->train.micro_batch;
    if (asked > 0 && used != asked)
        term_note("note: train.micro_batch %d does not divide train.batch %d; passes have %d "
                  "image%s, the next lower divisor",
                  asked, c->train.batch, used, used == 1 ? "" : "s");
}

/* The folder of the run; "" for a new one that --dry-run only plans. */
static bool find_run(const Arguments *a, char *run, Err *err)
{
    const OptionValue *v = a->values;
    bool resume = v[RESUME].given;
    run[0] = '\0';
    if (a->word_count == 0 && !resume)
        return err_set(err, ERR_USAGE,
                       "CONFIG.json is missing: name a configuration to train, or continue a run "
                       "with --resume --out RUN");
    if (v[OUT].given)
        snprintf(run, PATH_BYTES, "%s", v[OUT].text);
    else if (a->word_count == 0)
        return trainer_newest_run("runs", run, err);
    else if (!v[DRY_RUN].given)
        return choose_run(a->words[0], resume, run, err);
    return true;
}

static bool plan(const Arguments *a, const char *run, const Config *c, Err *err)
{
    Trainer *trainer;
    if (!trainer_open_plan(&trainer, c, err)) return false;
    const TrainPlan *p = trainer_plan(trainer);
    note_micro_batch(c, p->micro_batch);
    bool ok = output_training(config_name(a, run), c, p, a->values[JSON].given, err);
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

static bool train(const Arguments *a, const char *run, const Config *c, Err *err)
{
    const OptionValue *v = a->values;
    Narrator narrator = {.json = v[JSON].given};
    TrainCallbacks callbacks = {
        .context = &narrator,
        .status = show_status,
        .line = show_line,
        .note = show_note,
        .problem = show_problem,
        .picture = v[SHOW].given && terminal_picture_wanted(stderr) ? show_picture : NULL};
    bool resume = v[RESUME].given;
    Trainer *trainer = NULL;
    if (!(resume ? trainer_resume(&trainer, run, c, &callbacks, err)
                 : trainer_open(&trainer, c, &callbacks, err)))
        return false;
    note_micro_batch(c, trainer_plan(trainer)->micro_batch);
    term_note("run: %s", run);
    training_lines(term_note, c, trainer_plan(trainer));
    bool ok = trainer_run(trainer, resume ? NULL : run, err);
    write_report(run, ok ? ERR_NONE : err->kind);
    if (ok) note_diffusers(&trainer_plan(trainer)->model);
    if (!ok) add_advice(run, err);
    ok = ok && report_end(&narrator, run, err);
    trainer_close(trainer);
    return ok;
}

static bool run_train(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    if (v[SHOW].given && !terminal_picture_check(stderr, err)) return false;
    begin_work(&v[QUIET], &v[THREADS]);
    Config c;
    char run[PATH_BYTES];
    config_defaults(&c);
    bool ok = a->word_count > 0 ? read_config(a, NULL, &c, err) && find_run(a, run, err)
                                : find_run(a, run, err) && read_config(a, run, &c, err);
    if (ok && v[DRY_RUN].given)
        ok = plan(a, run, &c, err);
    else
        ok = ok && trainer_check_run(run, v[RESUME].given, err) && train(a, run, &c, err);
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
    .words = "[CONFIG.json]",
    .words_max = 1,
    .examples = {"diffc train configs/fashion-ddpm.json",
                 "diffc train configs/fashion-ddpm.json --out runs/mine --set train.lr=1e-4"},
    .options = options,
    .notes = "Ctrl-C (SIGINT, SIGTERM, SIGHUP) finishes the step, saves and exits with 130; a "
             "second one ends at once, unsaved. --resume continues to the same bits. The run "
             "folder holds the resolved configuration, the model (averaged "
             "weights), checkpoints, stats.jsonl and sample pictures. The name of the run goes to "
             "stdout at the end; with --json, every line of stats.jsonl does.",
    .more_help = list_keys,
    .run = run_train,
};
