/* diffc info: what a run, a model, a configuration or a tensor file is. */
#include <math.h>
#include <string.h>

#include "base/last_lines.h"
#include "base/term.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/info_csv.h"
#include "cli/info_tensors.h"
#include "cli/summary.h"
#include "cli/training_summary.h"
#include "math/vec.h"
#include "methods/method.h"
#include "model/checkpoint_model.h"
#include "model/model.h"

enum { MODEL, WEIGHTS, LAYERS, CSV, JSON, ROWS };

static const Option options[ROWS + 1] = {
    [MODEL] = OPTION_ROW_MODEL,
    [WEIGHTS] = OPTION_ROW_WEIGHTS,
    [LAYERS] = OPTION("layers", FLAG, "General", .help = "also list the network's operations"),
    [CSV] = OPTION("csv", FLAG, "General",
                   .help = "the log of a run (stats.jsonl) as comma-separated values instead: one "
                           "line for each of its objects, and one for each element of their lists, "
                           "such as the noise levels of a validation"),
    [JSON] = OPTION_ROW_JSON,
};

/* A line of the log about an update. */
typedef struct {
    int64_t step;           /* -1: there is none */
    double images, seconds; /* NAN: not in the line */
} LoggedStep;

/* The training's state, as its log tells it. */
typedef struct {
    LoggedStep saved; /* by the last checkpoint, */
    LoggedStep last;  /* and the last one whose loss was logged, which need not be the same */
    double loss;
    double validation;               /* NAN: none yet */
    int64_t validation_step;         /* where it was taken */
    bool measures;                   /* the run has train.eval_every */
    double distance, distance_error; /* of its samples; NAN: none yet */
    int64_t distance_step;
    int64_t until; /* later lines are passed over */
} Progress;

static const Progress no_progress = {.saved.step = -1,
                                     .last.step = -1,
                                     .validation = (double)NAN,
                                     .distance = (double)NAN,
                                     .until = INT64_MAX};

static double member(const Json *object, const char *key)
{
    const Json *v = json_get(object, key);
    return v && json_type(v) == JSON_NUMBER ? json_number(v) : (double)NAN;
}

/* 0 where it is missing or no count: the line may be somebody else's. */
static int64_t count_member(const Json *object, const char *key)
{
    double n = member(object, key);
    return n >= 0 && n < 0x1p63 ? (int64_t)n : 0;
}

static bool is_event(const Json *object, const char *name)
{
    const Json *v = json_get(object, "event");
    return v && json_type(v) == JSON_STRING && strcmp(json_string(v), name) == 0;
}

static void take_step(LoggedStep *s, const Json *line)
{
    double images = member(line, "images");
    *s = (LoggedStep){.step = count_member(line, "step"),
                      .images = images >= 0 && images < 0x1p63 ? images : (double)NAN,
                      .seconds = member(line, "seconds")};
}

/* Takes from the line what later lines have not given; true when nothing more is wanted. */
static bool take_line(Progress *p, const char *text, size_t size, Err *reason)
{
    Json *line = json_parse(text, size, "stats.jsonl", false, reason);
    if (!line) return false; /* the last line of a run that was cut off */
    if (json_type(line) != JSON_OBJECT || count_member(line, "step") > p->until) {
        json_free(line);
        return false;
    }
    if (is_event(line, "checkpoint") && p->saved.step < 0) take_step(&p->saved, line);
    if (is_event(line, "step") && p->last.step < 0) {
        take_step(&p->last, line);
        p->loss = member(line, "loss");
    }
    if (is_event(line, "validation") && isnan(p->validation)) {
        p->validation = member(line, "loss");
        p->validation_step = count_member(line, "step");
    }
    if (is_event(line, "distance") && isnan(p->distance)) {
        p->distance = member(line, "sliced_wasserstein");
        p->distance_error = member(line, "standard_error");
        p->distance_step = count_member(line, "step");
    }
    json_free(line);
    return p->saved.step >= 0 && p->last.step >= 0 && !isnan(p->validation) &&
           (!p->measures || !isnan(p->distance));
}

/* Whether the log of a run has distances; logs are long, and without any they need not be searched. */
static bool measures_distance(const char *run)
{
    char path[PATH_BYTES];
    Config c;
    config_defaults(&c);
    bool measures = path_join(path, run, "config.json", NULL) && path_exists(path) &&
                    config_load(&c, path, NULL) && c.train.eval_every > 0;
    config_free(&c);
    return measures;
}

static bool read_progress(const char *run, Progress *p, Err *err)
{
    char path[PATH_BYTES];
    LastLines l;
    bool found = true;
    p->measures = measures_distance(run);
    if (!path_join(path, run, "stats.jsonl", err)) return false;
    if (!path_exists(path)) return true;
    if (!last_lines_open(&l, path, err)) return false;
    Err reason = {0};
    bool ok = last_lines_next(&l, &found, err), done = false;
    while (ok && found && !done && reason.kind != ERR_MEMORY) {
        done = take_line(p, l.text, l.length, &reason);
        ok = last_lines_next(&l, &found, err);
    }
    last_lines_close(&l);
    /* Earlier versions log of a checkpoint its step alone. */
    if (p->saved.step < 0 || (p->saved.step == p->last.step && isnan(p->saved.images)))
        p->saved = p->last;
    if (ok && reason.kind == ERR_MEMORY) return err_set(err, reason.kind, "%s", reason.text);
    return ok;
}

static void progress_lines(const Progress *p)
{
    char step[32], text[128] = "", count[32], duration[24];
    if (p->saved.step < 0) return;
    term_format_count(step, (unsigned long long)p->saved.step);
    if (isfinite(p->saved.images)) {
        term_format_count(count, (unsigned long long)p->saved.images);
        text_append(text, sizeof text, ", %s image%s", count, p->saved.images == 1 ? "" : "s");
    }
    if (isfinite(p->saved.seconds)) {
        term_format_duration(duration, p->saved.seconds);
        text_append(text, sizeof text, ", %s", duration);
    }
    if (p->last.step >= 0) text_append(text, sizeof text, ", loss %.4f", p->loss);
    if (p->last.step >= 0 && p->last.step != p->saved.step) {
        term_format_count(count, (unsigned long long)p->last.step);
        text_append(text, sizeof text, " at step %s", count);
    }
    output_line("  training     step %s%s", step, text);
    if (!isnan(p->validation)) {
        term_format_count(step, (unsigned long long)p->validation_step);
        output_line("  validation   loss %.4f at step %s", p->validation, step);
    }
    if (isnan(p->distance)) return;
    term_format_count(step, (unsigned long long)p->distance_step);
    output_line("  distance     sliced Wasserstein x 1000 of samples %.2f +- %.2f at step %s",
                1000 * p->distance, 1000 * p->distance_error, step);
}

static void progress_json(JsonWriter *w, const Progress *p)
{
    json_put_int(w, "step", p->saved.step);
    if (isfinite(p->saved.images)) json_put_uint(w, "images", (uint64_t)p->saved.images);
    if (p->last.step >= 0) {
        json_put_number(w, "loss", p->loss);
        json_put_int(w, "loss_step", p->last.step);
    }
    if (isfinite(p->saved.seconds)) json_put_number(w, "seconds", p->saved.seconds);
    if (!isnan(p->validation)) json_put_number(w, "validation_loss", p->validation);
    if (isnan(p->distance)) return;
    json_put_number(w, "distance", p->distance);
    json_put_number(w, "distance_standard_error", p->distance_error);
    json_put_int(w, "distance_step", p->distance_step);
}

/* What the model's folder says, rather than the stand-in of MODEL_ANY_SIZE. */
static Shape said_shape(const Model *m)
{
    return network_shape(&m->config).H > 0 ? m->image : (Shape){.C = m->image.C};
}

static void layer_lines(const Model *m)
{
    const Net *net = m->network.net;
    char text[512];
    if (said_shape(m).H > 0)
        output_line("  layers");
    else
        output_line("  layers       for images of %dx%d", m->image.H, m->image.W);
    for (int i = 0; net_describe_node(net, i, text, sizeof text); i++) output_line("    %s", text);
}

static void layer_json(JsonWriter *w, const Net *net)
{
    char text[512];
    json_begin_array(w, "layers");
    for (int i = 0; net_describe_node(net, i, text, sizeof text); i++)
        json_put_string(w, NULL, text);
    json_end_array(w);
}

/* The levels of a chain as marks over lambda = ln(alpha / sigma) from low to high, in size - 1 places:
 * '|' for one, a digit for more (9: nine or more). */
static void kept_row(const Process *chain, double low, double high, char *out, size_t size)
{
    int places = (int)size - 1, count;
    memset(out, ' ', size - 1);
    out[places] = '\0';
    for (int k = 0; k < chain->T; k++) {
        double way = (level_logsnr(process_level(chain, k)) - low) / (high - low);
        int at = (int)(fmin(fmax(way, 0), 1) * (places - 1) + 0.5);
        count = out[at] == ' ' ? 1 : out[at] == '|' ? 2 : out[at] == '9' ? 9 : out[at] - '0' + 1;
        out[at] = count == 1 ? '|' : (char)('0' + count);
    }
}

/* Prints the kept steps and their positions between pure noise and the clean image. */
static bool kept_lines(const Model *m, Err *err)
{
    enum { PLACES = 50, WIDTH = 66, LONGEST = 8 };
    char row[PLACES + 1], list[WIDTH] = "";
    const ModelConfig *c = &m->config;
    ModelConfig whole = *c;
    Process all;
    if (!c->kept) return true;
    whole.kept = NULL;
    if (!model_process(&whole, &all, err)) return false;
    double low = level_logsnr(process_level(&all, all.T - 1));
    double high = level_logsnr(process_level(&all, 0));
    process_free(&all);
    kept_row(&m->process, low, high, row, sizeof row);
    output_line("  log SNR      %.1f [%s] %.1f", 2 * low, row, 2 * high);
    const char *title = "kept steps";
    for (int i = 0; i < c->kept_count; i++) {
        text_append(list, sizeof list, "%s%d", *list ? " " : "", c->kept[i]);
        if (strlen(list) + LONGEST < sizeof list && i + 1 < c->kept_count) continue;
        output_line("  %-12s %s", title, list);
        title = "";
        list[0] = '\0';
    }
    return true;
}

static const char *kind_of(const Model *m)
{
    return m->is_checkpoint ? "a checkpoint" : m->run[0] ? "a run" : "a model";
}

static void checkpoint_line(const Model *m)
{
    char step[32];
    term_format_count(step, (unsigned long long)m->checkpoint.step);
    output_line("  checkpoint   step %s of %s, %s", step, m->run,
                m->weights_kind == WEIGHTS_LAST ? "its last weights" : "its averaged weights");
}

static bool model_lines(const char *path, const Model *m, const Progress *p, bool layers, Err *err)
{
    const ModelConfig *c = &m->config;
    char method[256], diffusers[256], advice[512];
    describe_method(c, method, sizeof method);
    describe_diffusers(c, diffusers, sizeof diffusers);
    output_line("%s: %s", path, kind_of(m));
    if (m->is_checkpoint) checkpoint_line(m);
    output_line("  method       %s", method);
    if (!kept_lines(m, err)) return false;
    network_lines(output_line, c, said_shape(m), m->table.parameters,
                  net_forward_flop(m->network.net));
    output_line("  diffusers    %s", diffusers);
    if (!data_lines(m->run, c, err)) return false;
    progress_lines(p);
    if (layers) layer_lines(m);
    for (int i = 0; i < c->warning_count; i++)
        output_line("  %-12s %s", c->is_note[i] ? "note" : "warning", c->warnings[i]);
    if (noise_advice(c, &m->process, NULL, advice, sizeof advice))
        output_line("  warning      %s", advice);
    return true;
}

static bool model_json(const char *path, const Model *m, const Progress *p, bool layers, Err *err)
{
    const ModelConfig *c = &m->config;
    char advice[512];
    JsonWriter w;
    output_begin(&w);
    json_put_string(&w, "path", path);
    json_put_string(&w, "kind", kind_of(m) + strlen("a "));
    if (m->is_checkpoint) {
        json_put_string(&w, "run", m->run);
        json_put_int(&w, "step", m->checkpoint.step);
        json_put_string(&w, "weights", weights_words[m->weights_kind]);
    }
    json_put_string(&w, "level", vec_describe());
    method_json(&w, c);
    network_json(&w, c, said_shape(m), m->table.parameters, net_forward_flop(m->network.net));
    diffusers_json(&w, c);
    if (!data_json(&w, m->run, err)) {
        json_write_free(&w);
        return false;
    }
    if (p->saved.step >= 0) {
        json_begin_object(&w, "training");
        progress_json(&w, p);
        json_end_object(&w);
    }
    if (layers) layer_json(&w, m->network.net);
    json_begin_array(&w, "warnings");
    for (int i = 0; i < c->warning_count; i++) json_put_string(&w, NULL, c->warnings[i]);
    if (noise_advice(c, &m->process, NULL, advice, sizeof advice))
        json_put_string(&w, NULL, advice);
    json_end_array(&w);
    return output_json(&w, err);
}

static bool show_model(const char *path, const OptionValue *v, Err *err)
{
    Model m;
    Denoiser unused;
    Progress progress = no_progress;
    if (!model_open_weights(&m, path, (WeightsKind)v[WEIGHTS].integer, MODEL_ANY_SIZE,
                            MODEL_ANY_SIZE, err))
        return false;
    if (m.is_checkpoint) progress.until = m.checkpoint.step;
    bool ok = (!m.run[0] || read_progress(m.run, &progress, err)) &&
              model_prepare(&m, 1, 0, false, &unused, err);
    if (ok && v[JSON].given)
        ok = model_json(path, &m, &progress, v[LAYERS].given, err);
    else if (ok)
        ok = model_lines(path, &m, &progress, v[LAYERS].given, err);
    model_close(&m);
    return ok;
}

static bool run_info(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    char chosen[PATH_BYTES], run[PATH_BYTES];
    const char *path = a->word_count > 0 ? a->words[0] : chosen;
    if (a->word_count > 0 && v[MODEL].given)
        return err_set(err, ERR_USAGE, "%s and --model are given; one of them is enough", path);
    if (v[CSV].given && (v[JSON].given || v[LAYERS].given))
        return err_set(err, ERR_USAGE, "--csv and --%s are given; choose one of them",
                       options[v[JSON].given ? JSON : LAYERS].name);
    if (a->word_count == 0 && !choose_model(&v[MODEL], &(ModelNeeds){.images = false}, chosen, err))
        return false;
    if (v[CSV].given) return info_csv(path, err);
    choose_threads(NULL);
    bool checkpoint = checkpoint_path_run(path, run) && model_is_folder(run);
    if (path_is_folder(path) || !path_exists(path) || checkpoint) return show_model(path, v, err);
    if (v[WEIGHTS].given)
        return err_set(err, ERR_USAGE,
                       "--weights belongs to a run, a checkpoint or a model folder");
    if (text_ends(path, ".safetensors")) return show_tensors(path, v[JSON].given, err);
    if (text_ends(path, ".json")) return show_config(path, v[JSON].given, err);
    return err_set(err, ERR_USAGE,
                   "%s: neither a folder nor a file named .json or .safetensors; info describes a "
                   "run, a model folder, a configuration or a tensor file",
                   path);
}

const Command command_info = {
    .name = "info",
    .summary = "Describe a run, a model, a configuration or a tensor file",
    .words = "[PATH]",
    .words_max = 1,
    .examples = {"diffc info runs/demo", "diffc info configs/fashion-ddpm.json --json"},
    .options = options,
    .notes = "Without PATH the newest run under runs/ is described. A configuration is resolved "
             "and its data are read, as train --dry-run does; missing "
             "data are no error where data.size and data.channels are given. --csv: the first line "
             "names the columns, which are event, step and every other key of the log; what an "
             "object has not is empty. An element of a list has the event EVENT.LIST, such as "
             "validation.levels, its number from 0 in the column place, and, when it is no object "
             "itself, its value in the column value.",
    .run = run_info,
};
