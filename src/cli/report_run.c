#include "cli/report_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "model/network_open.h"

#define LOG "stats.jsonl"

static bool holds(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    return path_join(path, folder, name, NULL) && path_exists(path);
}

static bool no_folder(const char *path, Err *err)
{
    char below[PATH_BYTES];
    if (path_exists(path))
        return err_set(err, ERR_USAGE, "%s: is a file, expected a run folder", path);
    bool meant =
        !strchr(path, '/') && path_join(below, "runs", path, NULL) && path_is_folder(below);
    return err_set(err, ERR_IO, "%s: no such run folder%s%.500s%s", path,
                   meant ? "; did you mean " : "", meant ? below : "", meant ? "?" : "");
}

static bool no_log(const char *path, Err *err)
{
    char parent[PATH_BYTES];
    path_parent(parent, path);
    bool model = holds(path, "model_index.json") || holds(path, "unet") || holds(path, "mlp");
    if (model && holds(parent, LOG))
        return err_set(err, ERR_USAGE, "%s: is the model of a run; did you mean %.500s?", path,
                       parent);
    if (model)
        return err_set(
            err, ERR_USAGE,
            "%s: is a model folder, which has no statistics; expected a run folder, which "
            "train makes",
            path);
    if (holds(path, "config.json") || holds(path, "checkpoints"))
        return err_set(err, ERR_IO, "%s: this run has no " LOG ", so there is nothing to report",
                       path);
    return err_set(err, ERR_USAGE, "%s: is no run folder; it holds neither " LOG " nor config.json",
                   path);
}

bool report_run_find(const char *path, char *log, Err *err)
{
    if (!path_is_folder(path)) return no_folder(path, err);
    if (!path_join(log, path, LOG, err)) return false;
    return path_exists(log) || no_log(path, err);
}

/* "demo" for runs/demo/. */
static void choose_name(ReportRun *r)
{
    char whole[PATH_BYTES];
    char *real = realpath(r->path, NULL);
    snprintf(whole, sizeof whole, "%s", real ? real : r->path);
    free(real);
    const char *slash = strrchr(whole, '/');
    snprintf(r->name, sizeof r->name, "%.255s", slash && slash[1] ? slash + 1 : whole);
}

/* Whether a file is wrong in what it holds, rather than that reading it failed. */
static bool can_do_without(const Err *reason, Err *err)
{
    return reason->kind == ERR_FORMAT || reason->kind == ERR_USAGE ||
           err_set(err, reason->kind, "%s", reason->text);
}

static bool read_config(ReportRun *r, Err *err)
{
    char path[PATH_BYTES];
    config_defaults(&r->config);
    if (!path_join(path, r->path, "config.json", err)) return false;
    if (!path_exists(path))
        return !err_set(&r->config_lack, ERR_FORMAT, "The run has no config.json.");
    return config_load(&r->config, path, &r->config_lack) || can_do_without(&r->config_lack, err);
}

/* The network's parameters are counted by declaring it. */
static bool count_parameters(ReportRun *r, Err *err)
{
    Network network = {0};
    ParamTable table = {0};
    Err reason = {0};
    r->image = network_shape(&r->model);
    if (r->image.H == 0) return true;
    if (network_declare(&network, &table, &r->model, r->image, 1, false, &reason))
        r->parameters = table.parameters;
    network_close(&network);
    params_free(&table);
    return reason.kind != ERR_MEMORY || err_set(err, ERR_MEMORY, "%s", reason.text);
}

static bool read_model(ReportRun *r, Err *err)
{
    char path[PATH_BYTES], folder[PATH_BYTES];
    Err reason = {0};
    if (!path_join(path, r->path, "model", err)) return false;
    if (!model_folder_current(path, folder) || !holds(folder, "model_index.json")) return true;
    r->has_model = model_folder_read_config(folder, &r->model, &reason);
    return r->has_model ? count_parameters(r, err) : can_do_without(&reason, err);
}

/* The step of "step-00001000.png"; -1: another file. */
static int64_t step_of(const char *name)
{
    char *end = NULL;
    if (strncmp(name, "step-", 5) != 0 || name[5] < '0' || name[5] > '9') return -1;
    long long step = strtoll(name + 5, &end, 10);
    return strcmp(end, ".png") == 0 ? step : -1;
}

static int by_step(const void *a, const void *b)
{
    const RunPicture *x = a, *y = b;
    return (x->step > y->step) - (x->step < y->step);
}

static bool add_picture(ReportRun *r, const char *folder, const char *name)
{
    struct stat st;
    RunPicture p = {.step = step_of(name)};
    if (p.step < 0 || !path_join(p.path, folder, name, NULL) || stat(p.path, &st) != 0 ||
        !S_ISREG(st.st_mode))
        return true;
    RunPicture *list = mem_room(r->picture, r->pictures, &r->picture_room, sizeof *list);
    if (!list) return false;
    r->picture = list;
    p.bytes = (size_t)st.st_size;
    list[r->pictures++] = p;
    return true;
}

static bool list_pictures(ReportRun *r, Err *err)
{
    char folder[PATH_BYTES];
    Names names;
    bool ok = true;
    if (!path_join(folder, r->path, "samples", NULL) || !path_is_folder(folder)) return true;
    if (!folder_list(folder, &names, err)) return false;
    for (size_t i = 0; i < names.count && ok; i++) ok = add_picture(r, folder, names.names[i]);
    names_free(&names);
    if (r->pictures) qsort(r->picture, r->pictures, sizeof *r->picture, by_step);
    return ok || err_set(err, ERR_MEMORY, "%s: not enough memory for its list", folder);
}

bool report_run_open(ReportRun *r, const char *path, Err *err)
{
    char log[PATH_BYTES];
    *r = (ReportRun){.has_model = false};
    config_defaults(&r->config);
    if (!report_run_find(path, log, err)) return false;
    if (strlen(path) >= sizeof r->path)
        return err_set(err, ERR_IO, "%.200s...: the path is too long", path);
    snprintf(r->path, sizeof r->path, "%s", path);
    choose_name(r);
    bool ok = stat(path, &r->identity) == 0 || err_set_errno(err, "%s: cannot be looked at", path);
    ok = ok && run_history_read(&r->history, log, err);
    if (ok && r->history.table[HISTORY_UPDATES].rows == 0)
        ok = err_set(err, ERR_IO, "%s: has no statistics of any update yet", log);
    ok = ok && read_config(r, err) && read_model(r, err) && list_pictures(r, err);
    if (!ok) report_run_close(r);
    return ok;
}

void report_run_close(ReportRun *r)
{
    run_history_free(&r->history);
    config_free(&r->config);
    model_config_free(&r->model);
    free(r->picture);
    *r = (ReportRun){.has_model = false};
}

bool report_runs_distinguish(ReportRun *runs, int count, Err *err)
{
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++) {
            ReportRun *a = &runs[k], *b = &runs[i];
            if (a->identity.st_dev == b->identity.st_dev &&
                a->identity.st_ino == b->identity.st_ino)
                return err_set(err, ERR_USAGE, "%.400s and %.400s are the same run; name it once",
                               a->path, b->path);
            if (strcmp(a->name, b->name) != 0) continue;
            snprintf(a->name, sizeof a->name, "%.255s", a->path);
            snprintf(b->name, sizeof b->name, "%.255s", b->path);
        }
    return true;
}
