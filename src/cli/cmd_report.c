/* diffc report: the curves and pictures of runs as one HTML file. */
#include <stdio.h>
#include <string.h>

#include "base/term.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "cli/report_training.h"

enum { OUT, JSON, QUIET, ROWS };

static const Option options[ROWS + 1] = {
    [OUT] = OPTION("out", TEXT, "General", .letter = 'o', .metavar = "FILE",
                   .otherwise = REPORT_NAME " in the folder of a single run; of several runs "
                                            "report-1.html, or the next number that is free",
                   .help = "the report, an HTML file"),
    [JSON] = OPTION_ROW_JSON,
    [QUIET] = OPTION_ROW_QUIET,
};

/* The newest run that has a log. */
static bool newest_run(char *out, Err *err)
{
    static const char root[] = "runs";
    RunList l;
    char log[PATH_BYTES];
    bool found = false;
    if (!path_is_folder(root))
        return err_set(err, ERR_IO, "there is no folder %s here; name a run: diffc report RUN",
                       root);
    if (!run_list_open(&l, root, err)) return false;
    for (size_t i = 0; i < l.count && !found; i++)
        found = path_join(out, root, l.run[i].name, NULL) && report_run_find(out, log, NULL);
    run_list_close(&l);
    if (!found)
        return err_set(err, ERR_IO, "no run under %s has statistics; train one first", root);
    term_note("run: %s (the newest)", out);
    return true;
}

static bool choose_out(const OptionValue *given, const char *const *paths, int count, char *out,
                       Err *err)
{
    if (given->given) {
        if (!check_output_file("out", given->text, "html", err)) return false;
        if (strlen(given->text) >= PATH_BYTES)
            return err_set(err, ERR_USAGE, "--out: the path has more than %d bytes",
                           PATH_BYTES - 1);
        snprintf(out, PATH_BYTES, "%s", given->text);
        return true;
    }
    return count == 1 ? path_join(out, paths[0], REPORT_NAME, err)
                      : free_file_name("report", "html", out, err);
}

static bool check_runs(const char *const *paths, int count, Err *err)
{
    char log[PATH_BYTES];
    if (count > REPORT_MOST_RUNS)
        return err_set(err, ERR_USAGE,
                       "%d runs are named; a report shows at most %d, because more cannot be told "
                       "apart",
                       count, REPORT_MOST_RUNS);
    for (int r = 0; r < count; r++)
        if (!report_run_find(paths[r], log, err)) return false;
    return true;
}

static bool say(const char *out, int count, const ReportWritten *w, bool json, Err *err)
{
    if (w->bad > 0)
        term_note("note: %llu line%s of the log%s cannot be read and %s left out", w->bad,
                  w->bad == 1 ? "" : "s", count == 1 ? "" : "s", w->bad == 1 ? "is" : "are");
    if (!json && !output_is_special(out)) output_line("%s", out);
    if (!json) return true;
    JsonWriter line;
    output_begin(&line);
    json_put_string(&line, "out", out);
    json_put_int(&line, "runs", count);
    json_put_uint(&line, "bytes", w->bytes);
    json_put_uint(&line, "lines", w->lines);
    json_put_uint(&line, "unreadable_lines", w->bad);
    return output_json(&line, err);
}

static bool run_report(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    char newest[PATH_BYTES], out[PATH_BYTES];
    const char *own[] = {newest};
    const char *const *paths = a->word_count > 0 ? a->words : own;
    int count = a->word_count > 0 ? a->word_count : 1;
    ReportWritten written;
    term_set_quiet(v[QUIET].given);
    if (!(a->word_count > 0 ? check_runs(paths, count, err) : newest_run(newest, err)))
        return false;
    if (!choose_out(&v[OUT], paths, count, out, err)) return false;
    bool replaced = v[OUT].given && file_is_there(out);
    if (!report_write(paths, count, out, &written, err)) return false;
    note_replaced(out, replaced);
    return say(out, count, &written, v[JSON].given, err);
}

const Command command_report = {
    .name = "report",
    .summary = "Show how trainings went, as one HTML file",
    .words = "[RUN...]",
    .words_min = 0,
    .words_max = 1 << 20,
    .examples = {"diffc report runs/demo", "diffc report runs/demo runs/mine -o compared.html"},
    .options = options,
    .notes =
        "Without RUN the newest run under runs/ is shown; several runs are drawn over each "
        "other. The file needs no network and runs no script: any browser shows it, on a "
        "phone and in the dark as well, and prints it. It holds loss, gradient norm, learning "
        "rate and images per second (the smoothed curve over the logged values), held-out loss "
        "in all and by noise level, the distances of train.eval_every, EDDPM's scores and kept "
        "steps, up to twelve sample grids a run (6 MiB in all), and the configuration with what "
        "differs from the defaults. train writes report.html of its run at the end. For "
        "programs of your own: diffc info RUN --csv.",
    .run = run_report,
};
