#include "cli/training_summary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/term.h"
#include "base/text.h"
#include "cli/cli.h"
#include "diffusion/smld_levels.h"
#include "io/checkpoint.h"
#include "methods/method.h"
#include "model/model.h"

/* The factor between neighbouring levels of SMLD. */
static double level_ratio(const ModelConfig *m)
{
    return pow(m->noise.sigma_max / m->noise.sigma_min, 1.0 / (m->noise.levels - 1));
}

/* The step that `langevin` will take at SMLD's smallest level. */
static double langevin_step(const Config *c, const ModelConfig *m)
{
    if (c->sample.langevin_step > 0) return c->sample.langevin_step;
    return langevin_step_size(c->sample.langevin_steps, m->noise.sigma_min, level_ratio(m));
}

/* SMLD's and VE's settings that may have been left to the data, as they came out. */
static void noise_lines(LineWriter line, const Config *c, const ModelConfig *m)
{
    ProcessKind kind = m->noise.kind;
    if (kind != PROCESS_SMLD && kind != PROCESS_VE) return;
    if (c->method.noise.sigma_max == 0)
        line("               %.4g is %sthe largest distance between two training %s",
             m->noise.sigma_max, m->sigma_max_at_least ? "a lower bound of " : "",
             m->network == NETWORK_MLP ? "points" : "images");
    if (kind == PROCESS_SMLD)
        line("               neighbouring levels %.4g apart, Langevin step %.3g", level_ratio(m),
             langevin_step(c, m));
}

static void training_limit(const Config *c, char *out, size_t size)
{
    char count[32], updates[48] = "", minutes[40] = "";
    bool both = c->train.steps > 0 && c->train.minutes > 0;
    term_format_count(count, (unsigned long long)c->train.steps);
    if (c->train.steps > 0)
        snprintf(updates, sizeof updates, "%s update%s", count, c->train.steps == 1 ? "" : "s");
    if (c->train.minutes > 0)
        snprintf(minutes, sizeof minutes, "%g minute%s", c->train.minutes,
                 c->train.minutes == 1 ? "" : "s");
    snprintf(out, size, "%s%s%s", updates, both ? " or " : "", minutes);
    if (!out[0]) snprintf(out, size, "no limit");
}

/* The first files that were left out; a run's skipped.txt has them all. */
static void skipped_lines(LineWriter line, const char *list)
{
    enum { SHOWN = 5 };
    int count = 0;
    for (const char *p = list; p && *p; p = strchr(p, '\n') + 1)
        if (count++ < SHOWN) line("               left out: %.*s", (int)strcspn(p, "\n"), p);
    if (count > SHOWN)
        line("               and %d more; skipped.txt in the run folder lists all", count - SHOWN);
}

void training_lines(LineWriter line, const Config *c, const TrainPlan *plan)
{
    char text[512], epoch[32], memory[16], parameters[16], activations[16], data[16];
    term_format_count(epoch, plan->data->train_count);
    line("  data         %s", plan->data->description);
    if (plan->data->cache) line("               decoded in %s", data_cache_path(plan->data->cache));
    skipped_lines(line, plan->data->skipped_list);
    if (plan->data->train_count > 0)
        line("               %s for training, %.4g updates an epoch", epoch,
             plan->updates_per_epoch);
    describe_method(&plan->model, text, sizeof text);
    line("  method       %s", text);
    noise_lines(line, c, &plan->model);
    if (noise_advice(&plan->model, plan->process, c, text, sizeof text))
        line("  warning      %s", text);
    const MaskRules *rules = &mask_recipes[c->method.mask.recipe];
    if (method_of(c->method.type)->learns_steps)
        line("  steps        %d are to be kept, all until %g of the run, fixed from %g on",
             c->method.mask.keep, rules->full, rules->settle);
    network_lines(line, &plan->model, plan->image, plan->parameters, plan->forward_flop);
    term_format_bytes(parameters, (double)plan->parameter_bytes);
    term_format_bytes(activations, (double)plan->activation_bytes);
    term_format_bytes(data, (double)plan->data_bytes);
    term_format_bytes(memory, (double)plan->memory_bytes);
    line("  memory       %s: %s weights, gradients and averages, %s activations, %s data", memory,
         parameters, activations, data);
    training_limit(c, text, sizeof text);
    line("  training     %s, batch %d in passes of %d, learning rate %g, seed %llu", text,
         c->train.batch * c->train.accumulate, plan->micro_batch, c->train.optimizer.lr,
         (unsigned long long)c->train.seed);
    int eights = (c->train.batch + 4) / 8 * 8;
    if (plan->short_passes && eights != c->train.batch)
        line("               train.batch %d would allow longer passes, which take less time an "
             "image",
             eights);
    parallel_describe(text, sizeof text);
    line("  threads      %s", text);
    MachineMemory there = machine_memory("");
    if (train_memory_is_short(plan, &there, text, sizeof text)) term_note("warning: %s", text);
}

static bool training_json(const char *path, const Config *c, const TrainPlan *plan, Err *err)
{
    JsonWriter w;
    output_begin(&w);
    json_put_string(&w, "event", "plan");
    json_put_string(&w, "path", path);
    json_put_string(&w, "kind", "configuration");
    method_json(&w, &plan->model);
    if (plan->process->kind == PROCESS_SMLD) {
        json_put_number(&w, "level_ratio", level_ratio(&plan->model));
        json_put_number(&w, "langevin_step", langevin_step(c, &plan->model));
    }
    network_json(&w, &plan->model, plan->image, plan->parameters, plan->forward_flop);
    json_put_string(&w, "data", plan->data->description);
    json_put_int(&w, "images_per_epoch", (int64_t)plan->data->train_count);
    json_put_number(&w, "updates_per_epoch", plan->updates_per_epoch);
    json_put_int(&w, "micro_batch", plan->micro_batch);
    json_put_int(&w, "parameter_bytes", (int64_t)plan->parameter_bytes);
    json_put_int(&w, "activation_bytes", (int64_t)plan->activation_bytes);
    json_put_int(&w, "data_bytes", (int64_t)plan->data_bytes);
    json_put_int(&w, "memory_bytes", (int64_t)plan->memory_bytes);
    json_put_int(&w, "threads", parallel_threads());
    char advice[512];
    json_begin_array(&w, "warnings");
    if (noise_advice(&plan->model, plan->process, c, advice, sizeof advice))
        json_put_string(&w, NULL, advice);
    json_end_array(&w);
    json_begin_object(&w, "config");
    config_put(&w, c);
    json_end_object(&w);
    return output_json(&w, err);
}

/* With `end` after the newline of the last line. */
static bool config_lines(const Config *c, const char *end, Err *err)
{
    char *config = config_to_json(c);
    if (!config) return err_set(err, ERR_MEMORY, "not enough memory for the configuration's text");
    output_line("%.*s%s", (int)strlen(config) - 1, config, end);
    mem_free(config);
    return true;
}

bool output_training(const char *path, const Config *c, const TrainPlan *plan, bool json, Err *err)
{
    if (json) return training_json(path, c, plan, err);
    if (!config_lines(c, "\n", err)) return false;
    training_lines(output_line, c, plan);
    return true;
}

bool output_config(const Config *c, const TrainPlan *plan, Err *err)
{
    training_lines(term_note, c, plan);
    return config_lines(c, "", err);
}

bool show_config(const char *path, bool json, Err *err)
{
    Config c;
    Trainer *trainer = NULL;
    config_defaults(&c);
    bool ok = config_load(&c, path, err) && config_check(&c, err) &&
              trainer_open_plan(&trainer, &c, NULL, err) &&
              output_training(path, &c, trainer_plan(trainer), json, err);
    trainer_close(trainer);
    config_free(&c);
    return ok;
}

/* ---- the data of a run ---- */

/* How much is known of a run's data. */
typedef enum { NOTHING, PATH_ONLY, WHOLE } Known;

/* One line for each damaged checkpoint. */
static void note_skipped(char *notes)
{
    char *rest = NULL;
    for (char *line = strtok_r(notes, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        term_note("warning: %s", line);
}

/* The record of the newest good checkpoint; of a run without one the configuration alone. */
static bool read_record(const char *run, RunRecord *r, Known *known, Err *err)
{
    bool found;
    char notes[2048];
    Err reason = {0};
    memset(r, 0, sizeof *r);
    *known = NOTHING;
    if (!run[0]) return true;
    if (!checkpoint_peek(run, r, &found, notes, sizeof notes, err)) return false;
    note_skipped(notes);
    *known = WHOLE;
    if (found) return true;
    config_defaults(&r->config);
    *known = PATH_ONLY;
    if (trainer_run_config(run, &r->config, &reason)) return true;
    *known = NOTHING;
    run_record_free(r);
    return reason.kind != ERR_MEMORY || err_set(err, reason.kind, "%s", reason.text);
}

static void image_line(const DataIdentity *d)
{
    char count[32], classes[32] = "";
    term_format_count(count, d->count);
    if (d->classes > 0)
        snprintf(classes, sizeof classes, ", %d class%s", d->classes, d->classes == 1 ? "" : "es");
    output_line("  data         %s %s image%s of %dx%d (%s)%s", count,
                d->channels == 1 ? "grey" : "colour", d->count == 1 ? "" : "s", d->height, d->width,
                data_kind_words[d->kind], classes);
}

bool data_lines(const char *run, const ModelConfig *m, Err *err)
{
    RunRecord r;
    Known known;
    char path[512];
    if (!read_record(run, &r, &known, err)) return false;
    if (known == NOTHING) return true;
    bool whole = known == WHOLE;
    text_escape(path, sizeof path, r.config.data.path);
    if (r.config.data.toy != TOY_NONE)
        output_line("  data         points of %s, without end", toy_words[r.config.data.toy]);
    else if (!whole)
        output_line("  data         %s", path);
    else
        image_line(&r.data);
    if (whole && path[0]) output_line("               %s", path);
    if (!m->class_names) class_lines(output_line, r.data.class_names, r.data.classes, m);
    run_record_free(&r);
    return true;
}

bool data_json(JsonWriter *w, const char *run, Err *err)
{
    RunRecord r;
    Known known;
    if (!read_record(run, &r, &known, err)) return false;
    if (known == NOTHING) return true;
    bool whole = known == WHOLE;
    const DataIdentity *d = &r.data;
    json_begin_object(w, "data");
    json_put_string(w, "kind", data_kind_words[whole ? d->kind : r.config.data.kind]);
    json_put_string(w, "toy", toy_words[r.config.data.toy]);
    json_put_string(w, "path", r.config.data.path);
    if (whole) {
        json_put_uint(w, "count", d->count);
        json_begin_row(w, "shape");
        json_put_int(w, NULL, d->height);
        json_put_int(w, NULL, d->width);
        json_put_int(w, NULL, d->channels);
        json_end_array(w);
        json_put_int(w, "classes", d->classes);
    }
    class_names_json(w, d->class_names, d->classes);
    json_end_object(w);
    run_record_free(&r);
    return true;
}
