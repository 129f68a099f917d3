/* The page of the report: its head, what the runs are, and its sections. */
#include <diffc.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/term.h"
#include "cli/report.h"
#include "cli/report_axis.h"
#include "cli/report_sections.h"
#include "cli/report_training.h"
#include "cli/summary.h"

enum { FACT_BYTES = 400 };

/* ---- figures of a run ---- */

static double last_cell(const ReportRun *r, HistoryKind kind, int column)
{
    const HistoryTable *t = &r->history.table[kind];
    return t->rows > 0 ? history_cell(t, t->rows - 1, column) : (double)NAN;
}

/* The mean of the last tenth of the lines: one line alone is noise. */
static double recent_mean(const ReportRun *r, int column)
{
    enum { PART = 10 };
    const HistoryTable *t = &r->history.table[HISTORY_UPDATES];
    double sum = 0, count = 0;
    for (size_t i = t->rows - (t->rows + PART - 1) / PART; i < t->rows; i++) {
        double value = history_cell(t, i, column);
        if (!isfinite(value)) continue;
        sum += value;
        count++;
    }
    return count > 0 ? sum / count : (double)NAN;
}

static void show_value(double value, char *out)
{
    char text[VALUE_BYTES];
    axis_show_value(value, text);
    snprintf(out, FACT_BYTES, "%s", isfinite(value) ? text : "");
}

static void say_method(const ReportRun *r, char *out)
{
    if (r->has_model) describe_method(&r->model, out, FACT_BYTES);
}

static void say_network(const ReportRun *r, char *out)
{
    if (r->has_model) describe_network(&r->model, r->image, out, FACT_BYTES);
}

static void say_classes(const ReportRun *r, char *out)
{
    if (r->has_model) describe_classes(&r->model, out, FACT_BYTES);
}

static void say_parameters(const ReportRun *r, char *out)
{
    if (r->parameters > 0) term_format_count(out, r->parameters);
}

static void say_data(const ReportRun *r, char *out)
{
    const DataConfig *d = &r->config.data;
    if (r->config_lack.kind == ERR_NONE)
        snprintf(out, FACT_BYTES, "%.380s", d->toy != TOY_NONE ? toy_words[d->toy] : d->path);
}

/* Of the state that is saved; of the last update in the log where it does not say what that is. */
static double saved_cell(const ReportRun *r, int of_saves, int of_updates)
{
    double saved = last_cell(r, HISTORY_SAVES, of_saves);
    return isfinite(saved) ? saved : last_cell(r, HISTORY_UPDATES, of_updates);
}

static void say_updates(const ReportRun *r, char *out)
{
    show_value(saved_cell(r, OF_STEP, OF_STEP), out);
}

static void say_images(const ReportRun *r, char *out)
{
    show_value(saved_cell(r, SAVE_IMAGES, UPDATE_IMAGES), out);
}

static void say_time(const ReportRun *r, char *out)
{
    double seconds = saved_cell(r, SAVE_SECONDS, UPDATE_SECONDS);
    if (isfinite(seconds)) term_format_duration(out, seconds);
}

static void say_loss(const ReportRun *r, char *out)
{
    show_value(recent_mean(r, UPDATE_LOSS), out);
}

static void say_held_out(const ReportRun *r, char *out)
{
    show_value(last_cell(r, HISTORY_VALIDATIONS, VALIDATION_LOSS), out);
}

static void say_distance(const ReportRun *r, char *out)
{
    double distance = last_cell(r, HISTORY_DISTANCES, DISTANCE_SLICED);
    double error = last_cell(r, HISTORY_DISTANCES, DISTANCE_ERROR);
    if (isfinite(distance)) snprintf(out, FACT_BYTES, "%.2f ± %.2f", 1000 * distance, 1000 * error);
}

static void say_speed(const ReportRun *r, char *out)
{
    show_value(recent_mean(r, UPDATE_SPEED), out);
}

static const HistoryStart *last_start(const ReportRun *r)
{
    const RunHistory *h = &r->history;
    return h->starts > 0 ? &h->start[h->starts - 1] : NULL;
}

static void say_machine(const ReportRun *r, char *out)
{
    const HistoryStart *s = last_start(r);
    if (!s || !s->level[0]) return;
    snprintf(out, FACT_BYTES, "%s%s%s, %d thread%s", s->cpu, s->cpu[0] ? ", " : "", s->level,
             s->threads, s->threads == 1 ? "" : "s");
}

static void say_version(const ReportRun *r, char *out)
{
    const HistoryStart *s = last_start(r);
    if (s && s->version[0]) snprintf(out, FACT_BYTES, "diffc %s", s->version);
}

/* "": the run has none. */
typedef void Say(const ReportRun *r, char *out);

typedef struct {
    const char *name, *note;
    Say *say;
} Fact;

/* The large figures of a single run, and what the table says of each. */
static const Fact tiles[] = {{"Updates", "", say_updates},
                             {"Training time", "", say_time},
                             {"Loss", "last tenth", say_loss},
                             {"Held-out loss", "", say_held_out},
                             {"Distance of samples", "× 1000", say_distance},
                             {"Images per second", "", say_speed}};
static const Fact facts[] = {{"Method", "", say_method},   {"Network", "", say_network},
                             {"Classes", "", say_classes}, {"Parameters", "", say_parameters},
                             {"Data", "", say_data},       {"Images seen", "", say_images},
                             {"Machine", "", say_machine}, {"Version", "", say_version}};
enum { TILES = sizeof tiles / sizeof *tiles, FACTS = sizeof facts / sizeof *facts };

typedef struct {
    TextBuffer h;
    const ReportRun *runs;
    int count;
} Page;

static void put_tiles(Page *p)
{
    html_markup(&p->h, "<dl class=tiles>");
    for (int i = 0; i < TILES; i++) {
        char text[FACT_BYTES] = "";
        tiles[i].say(&p->runs[0], text);
        if (!text[0]) continue;
        html_put(&p->h, "<div><dt>%s</dt><dd>", tiles[i].name);
        html_words(&p->h, text);
        html_put(&p->h, "<small>%s</small></dd></div>\n", tiles[i].note);
    }
    html_markup(&p->h, "</dl>\n");
}

static void put_fact(Page *p, const Fact *f)
{
    char text[REPORT_MOST_RUNS][FACT_BYTES] = {""};
    bool any = false;
    for (int r = 0; r < p->count; r++) {
        f->say(&p->runs[r], text[r]);
        any = any || text[r][0];
    }
    if (!any) return;
    html_put(&p->h, "<tr><th scope=row>%s</th>", f->name);
    for (int r = 0; r < p->count; r++) {
        html_markup(&p->h, "<td>");
        html_words(&p->h, text[r]);
        html_markup(&p->h, "</td>");
    }
    html_markup(&p->h, "</tr>\n");
}

static void put_facts(Page *p)
{
    bool several = p->count > 1;
    html_put(&p->h, "<section><h2>Overview</h2><div class=scroll><table class='%s'>",
             several ? "several" : "");
    if (several) html_markup(&p->h, "<thead><tr><th></th>");
    for (int r = 0; several && r < p->count; r++) {
        html_put(&p->h, "<th class='run %s'>", report_run_style(r));
        html_words(&p->h, p->runs[r].name);
        html_markup(&p->h, "</th>");
    }
    if (several) html_markup(&p->h, "</tr></thead>");
    html_markup(&p->h, "<tbody>\n");
    for (int i = 0; several && i < TILES; i++) put_fact(p, &tiles[i]);
    for (int i = 0; i < FACTS; i++) put_fact(p, &facts[i]);
    html_markup(&p->h, "</tbody></table></div></section>\n");
}

/* ---- what a reader should know of the logs ---- */

/* Updates that the log has but no checkpoint: the run goes on, or was killed. */
static bool is_behind(const ReportRun *r)
{
    return last_cell(r, HISTORY_SAVES, OF_STEP) < last_cell(r, HISTORY_UPDATES, OF_STEP);
}

static bool has_problems(const ReportRun *r)
{
    const RunHistory *h = &r->history;
    return h->failures > 0 || h->bad > 0 || h->redone > 0 || is_behind(r);
}

static void put_problems(Page *p, const ReportRun *r)
{
    const RunHistory *h = &r->history;
    size_t kept = h->failures < HISTORY_MOST_FAILURES ? h->failures : HISTORY_MOST_FAILURES;
    if (p->count > 1) {
        html_markup(&p->h, "<h3>");
        html_words(&p->h, r->name);
        html_markup(&p->h, "</h3>");
    }
    if (is_behind(r)) {
        char saved[VALUE_BYTES], seen[VALUE_BYTES];
        axis_show_value(last_cell(r, HISTORY_SAVES, OF_STEP), saved);
        axis_show_value(last_cell(r, HISTORY_UPDATES, OF_STEP), seen);
        html_put(&p->h, "<p>Saved up to update %s; the log goes on to update %s.</p>", saved, seen);
    }
    if (h->bad > 0)
        html_put(&p->h, "<p>%llu line%s of stats.jsonl cannot be read.</p>",
                 (unsigned long long)h->bad, h->bad == 1 ? "" : "s");
    if (h->redone > 0)
        html_put(
            &p->h,
            "<p>The run went back and did updates again; %llu value%s from before %s left out.</p>",
            (unsigned long long)h->redone, h->redone == 1 ? "" : "s",
            h->redone == 1 ? "is" : "are");
    if (h->failures > kept)
        html_put(&p->h, "<p>%zu saves failed; the last %zu:</p>", h->failures, kept);
    for (size_t i = 0; i < kept; i++) {
        char step[VALUE_BYTES];
        axis_show_value(h->failure[i].step, step);
        html_put(&p->h, "<p class=problem>The %s of update %s was not saved: ",
                 strcmp(h->failure[i].part, "model") == 0 ? "model" : "checkpoint", step);
        html_words(&p->h, h->failure[i].reason);
        html_markup(&p->h, "</p>");
    }
}

/* Where more than one process worked on a run. */
static void put_starts(Page *p, const ReportRun *r)
{
    const RunHistory *h = &r->history;
    enum { MOST = 20 };
    if (h->starts < 2) return;
    html_markup(&p->h, "<p>");
    if (p->count > 1) html_words(&p->h, r->name);
    html_put(&p->h, "%s in %zu parts, from update", p->count > 1 ? ": trained" : "Trained",
             h->starts);
    for (size_t i = 0; i < h->starts && i < MOST; i++) {
        char step[VALUE_BYTES];
        axis_show_value(h->start[i].after, step);
        html_put(&p->h, "%s %s", i ? "," : "", step);
    }
    html_markup(&p->h, h->starts > MOST ? ", …</p>" : ".</p>");
}

static void put_notes(Page *p)
{
    bool any = false;
    for (int r = 0; r < p->count; r++)
        any = any || has_problems(&p->runs[r]) || p->runs[r].history.starts > 1;
    if (!any) return;
    html_markup(&p->h, "<section><h2>Notes</h2>");
    for (int r = 0; r < p->count; r++) {
        put_starts(p, &p->runs[r]);
        if (has_problems(&p->runs[r])) put_problems(p, &p->runs[r]);
    }
    html_markup(&p->h, "</section>\n");
}

/* ---- the page ---- */

static void put_head(Page *p)
{
    html_markup(
        &p->h,
        "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
        "<meta name=viewport content='width=device-width,initial-scale=1'>\n"
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'\">\n<title>");
    for (int r = 0; r < p->count; r++) {
        html_markup(&p->h, r ? ", " : "");
        html_words(&p->h, p->runs[r].name);
    }
    html_markup(&p->h, "</title>\n");
    report_put_style(&p->h);
    html_markup(&p->h, "</head>\n<body>\n<main>\n<header><h1>");
    if (p->count > 1)
        html_put(&p->h, "%d runs", p->count);
    else
        html_words(&p->h, p->runs[0].name);
    html_markup(&p->h, "</h1>");
    if (p->count > 1) {
        html_markup(&p->h, "</header><ul class=legend>");
        for (int r = 0; r < p->count; r++) {
            html_put(&p->h, "<li class=%s>", report_run_style(r));
            html_words(&p->h, p->runs[r].name);
            html_markup(&p->h, "</li>");
        }
        html_markup(&p->h, "</ul>\n");
        return;
    }
    if (strcmp(p->runs[0].name, p->runs[0].path) != 0) {
        html_markup(&p->h, "<p class=lead>");
        html_words(&p->h, p->runs[0].path);
        html_markup(&p->h, "</p>");
    }
    html_markup(&p->h, "</header>\n");
    put_tiles(p);
}

/* *err is empty before. */
static bool make_page(Page *p, Err *err)
{
    put_head(p);
    put_facts(p);
    html_markup(&p->h,
                "<section><h2>Training</h2><p class=note>By updates.</p><div class=charts>\n");
    bool ok = report_draw_charts(&p->h, p->runs, p->count);
    html_markup(&p->h, "</div></section>\n");
    ok = ok && report_put_pictures(&p->h, p->runs, p->count, err) &&
         report_put_configuration(&p->h, p->runs, p->count);
    put_notes(p);
    html_put(&p->h, "<footer>Written by diffc %s.</footer>\n</main>\n</body>\n</html>\n",
             DIFFC_VERSION);
    if (ok && !p->h.failed) return true;
    if (err->kind != ERR_NONE) return false; /* a picture's */
    return err_set(err, ERR_MEMORY, "not enough memory for the report");
}

static bool open_runs(ReportRun *runs, const char *const *paths, int count, int *opened, Err *err)
{
    for (*opened = 0; *opened < count; ++*opened)
        if (!report_run_open(&runs[*opened], paths[*opened], err)) return false;
    return report_runs_distinguish(runs, count, err);
}

bool report_write(const char *const *paths, int count, const char *out, ReportWritten *written,
                  Err *err)
{
    ReportRun *runs = mem_alloc((size_t)count, sizeof *runs);
    FileWriter file;
    int opened = 0;
    if (!runs) return err_set(err, ERR_MEMORY, "not enough memory for the report");
    Page p = {.runs = runs, .count = count};
    *written = (ReportWritten){0};
    bool ok = open_runs(runs, paths, count, &opened, err) && make_page(&p, err);
    ok = ok && output_open(&file, out, err) && file_writer_append(&file, p.h.text, p.h.size, err) &&
         file_writer_commit(&file, err);
    written->bytes = p.h.size;
    for (int r = 0; r < opened; r++) {
        written->lines += runs[r].history.lines;
        written->bad += runs[r].history.bad;
        report_run_close(&runs[r]);
    }
    text_buffer_free(&p.h);
    mem_free(runs);
    return ok;
}
