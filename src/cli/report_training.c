/* What the report charts: a table, and the held-out loss by noise level. */
#include "cli/report_training.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/report_chart.h"
#include "cli/report_curve.h"

/* A chart: a column over the steps, and what is drawn with it. */
typedef struct {
    const char *title, *note;
    HistoryKind table;
    int column;
    bool smooth;
    ChartScale scale;
    int error, reference; /* columns; 0: none */
    double factor;        /* of the values; 0: 1 */
} ChartRow;

static const ChartRow rows[] = {
    {"Loss", "Mean of each interval of the log, pale; the line is their moving mean.",
     HISTORY_UPDATES, UPDATE_LOSS, .smooth = true},
    {"Held-out loss", "Of the averaged weights, on images that were held out from training.",
     HISTORY_VALIDATIONS, VALIDATION_LOSS, .smooth = false},
    {"Held-out cross-entropy", "Of the noise levels, in nats.", HISTORY_VALIDATIONS,
     VALIDATION_CROSS_ENTROPY, .smooth = false},
    {"Held-out squared error", "Of the predicted noise.", HISTORY_VALIDATIONS,
     VALIDATION_SQUARED_ERROR, .smooth = false},
    {"Distance of samples",
     "Sliced Wasserstein distance × 1000 from the training images; bars: standard error; dashed: "
     "what other "
     "training images get.",
     HISTORY_DISTANCES, DISTANCE_SLICED, .error = DISTANCE_ERROR, .reference = DISTANCE_OTHERS,
     .factor = 1000},
    {"Gradient norm", "Before clipping.", HISTORY_UPDATES, UPDATE_GRAD_NORM, .smooth = true},
    {"Learning rate", "", HISTORY_UPDATES, UPDATE_RATE, .scale = SCALE_ZERO},
    {"Images per second", "Of the updates alone, without saves and pictures.", HISTORY_UPDATES,
     UPDATE_SPEED, .smooth = true, .scale = SCALE_ZERO},
    {"Sum of the scores", "Of all steps: the budget that is left.", HISTORY_UPDATES,
     UPDATE_SCORES_SUM, .scale = SCALE_ZERO},
    {"Entropy of the scores", "In nats; 0 when every step is decided.", HISTORY_UPDATES,
     UPDATE_SCORES_ENTROPY, .scale = SCALE_ZERO},
    {"Steps of a mask", "Of the first mask of the update.", HISTORY_UPDATES, UPDATE_MASK_STEPS,
     .smooth = true, .scale = SCALE_ZERO},
};

const char *report_run_style(int run)
{
    static const char *const styles[REPORT_MOST_RUNS] = {"c0", "c1", "c2", "c3",
                                                         "c4", "c5", "c6", "c7"};
    return styles[run];
}

/* ---- lines of the tables ---- */

static void line_free(ChartLine *l)
{
    mem_free(l->x);
    mem_free(l->y);
    mem_free(l->smooth);
    mem_free(l->error);
    mem_free(l->reference);
}

static double *take_column(const HistoryTable *t, int column, double factor)
{
    double *out = mem_doubles(t->rows);
    for (size_t i = 0; out && i < t->rows; i++) out[i] = factor * history_cell(t, i, column);
    return out;
}

static bool has_values(const double *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isfinite(y[i])) return true;
    return false;
}

static bool smooth_line(ChartLine *l)
{
    enum { FEW = 25 };
    if (l->n < FEW) return true;
    double *scratch = mem_doubles(2 * (l->n + 1));
    l->smooth = mem_doubles(l->n);
    bool ok = scratch && l->smooth;
    if (ok) curve_smooth(l->y, l->n, l->smooth, scratch);
    mem_free(scratch);
    return ok;
}

/* A line without values has n = 0. */
static bool take_line(const ReportRun *run, const ChartRow *row, ChartLine *l)
{
    const HistoryTable *t = &run->history.table[row->table];
    double factor = row->factor > 0 ? row->factor : 1;
    if (t->rows == 0) return true;
    l->y = take_column(t, row->column, factor);
    if (!l->y || !has_values(l->y, t->rows)) return l->y != NULL;
    l->n = t->rows;
    l->x = take_column(t, OF_STEP, 1);
    if (row->error) l->error = take_column(t, row->error, factor);
    if (row->reference) l->reference = take_column(t, row->reference, factor);
    return l->x && (l->error || !row->error) && (l->reference || !row->reference) &&
           (!row->smooth || smooth_line(l));
}

static double last_step(const ReportRun *runs, int count)
{
    double last = 0;
    for (int r = 0; r < count; r++)
        for (int k = 0; k < HISTORY_TABLES; k++) {
            const HistoryTable *t = &runs[r].history.table[k];
            if (t->rows > 0) last = fmax(last, history_cell(t, t->rows - 1, OF_STEP));
        }
    return last;
}

/* A single run shows where it was resumed. Returns how many there are. */
static size_t find_resumes(const ReportRun *runs, int count, double *out, size_t most)
{
    const RunHistory *h = &runs[0].history;
    size_t found = 0;
    for (size_t i = 1; count == 1 && i < h->starts && found < most; i++)
        out[found++] = h->start[i].after;
    return found;
}

static bool draw_row(TextBuffer *h, const ReportRun *runs, int count, const ChartRow *row)
{
    enum { MOST_RESUMES = 32 };
    double resumed[MOST_RESUMES];
    ChartLine lines[REPORT_MOST_RUNS] = {{0}};
    bool ok = true;
    for (int r = 0; r < count && ok; r++) {
        lines[r] = (ChartLine){.style = report_run_style(r), .name = runs[r].name};
        ok = take_line(&runs[r], row, &lines[r]);
    }
    Chart c = {.title = row->title,
               .note = row->note,
               .scale = row->scale,
               .x_high = last_step(runs, count),
               .line = lines,
               .lines = count,
               .resumed = resumed,
               .resumes = find_resumes(runs, count, resumed, MOST_RESUMES)};
    ok = ok && chart_draw(h, &c);
    for (int r = 0; r < count; r++) line_free(&lines[r]);
    return ok;
}

/* ---- noise levels ---- */

enum { LEVELS = 10, LEVEL_NAME = 48 };
typedef struct {
    ChartLine line[LEVELS];
    char name[LEVELS][LEVEL_NAME];
} LevelLines;

/* The rows from `first` on that belong to one validation. */
static size_t rows_of_step(const HistoryTable *t, size_t first)
{
    size_t last = first;
    while (last < t->rows && history_cell(t, last, OF_STEP) == history_cell(t, first, OF_STEP))
        last++;
    return last - first;
}

static bool is_whole(const HistoryTable *t, size_t row)
{
    return history_cell(t, row, LEVEL_TO) == rint(history_cell(t, row, LEVEL_TO)) &&
           history_cell(t, row, LEVEL_TO) != 1;
}

/* The tenth of the times that a row is about: of a chain t counts steps, from the first to the last of them;
 * of an SDE it is from 0 to 1. Which tenth, for a chain may grow shorter while it learns its steps. */
static int tenth(const HistoryTable *t, size_t row, double longest)
{
    double from = history_cell(t, row, LEVEL_FROM), to = history_cell(t, row, LEVEL_TO);
    double middle = 0.5 * (from + to + (longest > 1));
    int place = (int)(LEVELS * middle / longest);
    return !(middle >= 0) || place < 0 ? 0 : place < LEVELS ? place : LEVELS - 1;
}

static void name_level(const HistoryTable *t, size_t row, bool steps, char out[LEVEL_NAME])
{
    double from = history_cell(t, row, LEVEL_FROM), to = history_cell(t, row, LEVEL_TO);
    if (steps && from == to)
        snprintf(out, LEVEL_NAME, "t %.0f", from);
    else if (steps)
        snprintf(out, LEVEL_NAME, "t %.0f–%.0f", from, to);
    else
        snprintf(out, LEVEL_NAME, "t %.1f–%.1f", from, to);
}

static void add_point(ChartLine *l, double x, double y)
{
    /* Of two in one tenth, which a chain of a few steps may have, the noisier stays. */
    if (l->n > 0 && l->x[l->n - 1] == x) l->n--;
    l->x[l->n] = x;
    l->y[l->n++] = y;
}

static bool split_levels(const HistoryTable *t, LevelLines *l)
{
    static const char *const styles[LEVELS] = {"l0", "l1", "l2", "l3", "l4",
                                               "l5", "l6", "l7", "l8", "l9"};
    for (int k = 0; k < LEVELS; k++) {
        l->line[k] = (ChartLine){.style = styles[k],
                                 .name = l->name[k],
                                 .x = mem_doubles(t->rows),
                                 .y = mem_doubles(t->rows)};
        if (!l->line[k].x || !l->line[k].y) return false;
    }
    for (size_t first = 0, count; first < t->rows; first += count) {
        double longest = 1;
        bool steps = false;
        count = rows_of_step(t, first);
        for (size_t i = first; i < first + count; i++) steps = steps || is_whole(t, i);
        for (size_t i = first; i < first + count; i++)
            longest = fmax(longest, history_cell(t, i, LEVEL_TO) + steps);
        for (size_t i = first; i < first + count; i++) {
            int k = tenth(t, i, longest);
            name_level(t, i, steps, l->name[k]);
            add_point(&l->line[k], history_cell(t, i, OF_STEP), history_cell(t, i, LEVEL_LOSS));
        }
    }
    return true;
}

static bool draw_levels(TextBuffer *h, const ReportRun *run, bool named, double last)
{
    const HistoryTable *t = &run->history.table[HISTORY_LEVELS];
    char title[300];
    if (t->rows == 0) return true;
    LevelLines *l = mem_alloc(1, sizeof *l);
    snprintf(title, sizeof title, "Held-out loss by noise level%s%s", named ? ", " : "",
             named ? run->name : "");
    bool ok = l && split_levels(t, l);
    Chart c = {.title = title,
               .note = "From the least noise, blue, to the most, red.",
               .key = true,
               .x_high = last};
    if (ok) {
        c.line = l->line;
        c.lines = LEVELS;
        ok = chart_draw(h, &c);
    }
    for (int k = 0; l && k < LEVELS; k++) line_free(&l->line[k]);
    mem_free(l);
    return ok;
}

bool report_draw_charts(TextBuffer *h, const ReportRun *runs, int count)
{
    double last = last_step(runs, count);
    bool ok = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && ok; i++)
        ok = draw_row(h, runs, count, &rows[i]);
    for (int r = 0; r < count && ok; r++) ok = draw_levels(h, &runs[r], count > 1, last);
    for (int r = 0; r < count && ok; r++)
        ok = report_draw_scores(h, &runs[r], report_run_style(r), count > 1);
    return ok;
}
