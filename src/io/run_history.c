#include "io/run_history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MOST_COLUMNS = 10 };
#define PLACE_KEY "#" /* the place of an element in its list */

/* Where a table's rows come from: the lines of an event, or the elements of a list in them; and the keys of
 * its columns behind the step. */
static const struct {
    const char *event, *list;
    const char *key[MOST_COLUMNS];
} sources[HISTORY_TABLES] = {
    [HISTORY_UPDATES] = {"step",
                         NULL,
                         {[UPDATE_IMAGES] = "images",
                          [UPDATE_LOSS] = "loss",
                          [UPDATE_GRAD_NORM] = "grad_norm",
                          [UPDATE_RATE] = "lr",
                          [UPDATE_SPEED] = "images_per_s",
                          [UPDATE_SECONDS] = "seconds",
                          [UPDATE_SCORES_SUM] = "scores_sum",
                          [UPDATE_SCORES_ENTROPY] = "scores_entropy",
                          [UPDATE_MASK_STEPS] = "mask_steps"}},
    [HISTORY_VALIDATIONS] = {"validation",
                             NULL,
                             {[VALIDATION_LOSS] = "loss",
                              [VALIDATION_CROSS_ENTROPY] = "cross_entropy",
                              [VALIDATION_SQUARED_ERROR] = "squared_error"}},
    [HISTORY_LEVELS] = {"validation",
                        "levels",
                        {[LEVEL_FROM] = "t_from", [LEVEL_TO] = "t_to", [LEVEL_LOSS] = "loss"}},
    [HISTORY_DISTANCES] = {"distance",
                           NULL,
                           {[DISTANCE_SLICED] = "sliced_wasserstein",
                            [DISTANCE_ERROR] = "standard_error",
                            [DISTANCE_OTHERS] = "other_data"}},
    [HISTORY_SCORES] = {"scores", "means", {[SCORE_PLACE] = PLACE_KEY, [SCORE_MEAN] = "value"}},
    [HISTORY_SAVES] = {"checkpoint", NULL, {[SAVE_IMAGES] = "images", [SAVE_SECONDS] = "seconds"}}};

static int columns_of(HistoryKind kind)
{
    int columns = 1;
    while (columns < MOST_COLUMNS && sources[kind].key[columns]) columns++;
    return columns;
}

/* Leaves the rows of steps below `step`, and with `itself` those of it. */
static void cut_table(RunHistory *h, HistoryKind kind, double step, bool itself)
{
    HistoryTable *t = &h->table[kind];
    while (t->rows > 0) {
        double last = history_cell(t, t->rows - 1, OF_STEP);
        if (last < step || (itself && last == step)) return;
        t->rows--;
        h->redone++;
    }
}

static bool add_row(HistoryTable *t, double step, size_t place, const StatsObject *o,
                    const char *const *key)
{
    double *cells = mem_room(t->cells, t->rows, &t->room, sizeof *cells * (size_t)t->columns);
    if (!cells) return false;
    t->cells = cells;
    double *row = cells + t->rows++ * (size_t)t->columns;
    row[OF_STEP] = step;
    for (int c = 1; c < t->columns; c++)
        row[c] =
            strcmp(key[c], PLACE_KEY) == 0 ? (double)place : stats_number(stats_member(o, key[c]));
    return true;
}

static bool add_rows(RunHistory *h, HistoryKind kind, double step, const StatsObject *line)
{
    HistoryTable *t = &h->table[kind];
    const char *const *key = sources[kind].key;
    JsonScan elements;
    StatsObject element;
    cut_table(h, kind, step, false);
    if (!sources[kind].list) return add_row(t, step, 0, line, key);
    if (!stats_elements(stats_member(line, sources[kind].list), &elements)) return true;
    for (size_t place = 0; stats_element_next(&elements, &element); place++)
        if (!add_row(t, step, place, &element, key)) return false;
    return true;
}

static void member_text(const StatsObject *o, const char *key, char *out, size_t size)
{
    const StatsMember *m = stats_member(o, key);
    out[0] = '\0';
    if (m) stats_text(&m->value, out, size);
}

/* The first line of a process has what it runs on. */
static bool add_start(RunHistory *h, double after, const StatsObject *line)
{
    if (!stats_member(line, "startup_seconds")) return true;
    HistoryStart *list = mem_room(h->start, h->starts, &h->start_room, sizeof *list);
    if (!list) return false;
    h->start = list;
    HistoryStart *s = &list[h->starts++];
    double threads = stats_number(stats_member(line, "threads"));
    *s = (HistoryStart){.after = after, .threads = threads > 0 && threads < 1e6 ? (int)threads : 0};
    member_text(line, "version", s->version, sizeof s->version);
    member_text(line, "level", s->level, sizeof s->level);
    member_text(line, "cpu", s->cpu, sizeof s->cpu);
    return true;
}

static void add_failure(RunHistory *h, double step, const StatsObject *line)
{
    HistoryFailure *f = h->failure;
    size_t kept = h->failures < HISTORY_MOST_FAILURES ? h->failures : HISTORY_MOST_FAILURES;
    if (kept == HISTORY_MOST_FAILURES) memmove(f, f + 1, --kept * sizeof *f);
    f[kept].step = step;
    member_text(line, "part", f[kept].part, sizeof f[kept].part);
    member_text(line, "reason", f[kept].reason, sizeof f[kept].reason);
    h->failures++;
}

static bool add_line(RunHistory *h, const StatsObject *line)
{
    double step = stats_number(stats_member(line, "step"));
    double after = fmin(h->last_step, step - 1);
    bool ok = true;
    h->lines++;
    if (isnan(step)) return true;
    if (step < h->last_step)
        for (int k = 0; k < HISTORY_TABLES; k++) cut_table(h, (HistoryKind)k, step, true);
    h->last_step = step;
    for (int k = 0; k < HISTORY_TABLES && ok; k++)
        if (stats_is(line, sources[k].event)) ok = add_rows(h, (HistoryKind)k, step, line);
    if (stats_is(line, "save_failed")) add_failure(h, step, line);
    return ok && (!stats_is(line, "step") || add_start(h, after, line));
}

bool run_history_read(RunHistory *h, const char *path, Err *err)
{
    StatsLines lines;
    StatsObject line;
    bool found = true, ok = true;
    *h = (RunHistory){.last_step = 0};
    for (int k = 0; k < HISTORY_TABLES; k++) h->table[k].columns = columns_of((HistoryKind)k);
    if (!stats_lines_open(&lines, path, err)) return false;
    while (ok && found) {
        ok = stats_lines_next(&lines, &line, &found, err);
        if (ok && found && !add_line(h, &line))
            ok = err_set(err, ERR_MEMORY, "%s: not enough memory for its %llu lines", path,
                         (unsigned long long)h->lines);
    }
    h->bad = lines.bad;
    stats_lines_close(&lines);
    if (!ok) run_history_free(h);
    return ok;
}

void run_history_free(RunHistory *h)
{
    for (int k = 0; k < HISTORY_TABLES; k++) free(h->table[k].cells);
    free(h->start);
    *h = (RunHistory){.last_step = 0};
}
