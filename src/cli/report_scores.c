/* EDDPM: which steps a run learns to keep. */
#include <math.h>
#include <stdio.h>

#include "cli/report_axis.h"
#include "cli/report_training.h"

/* Places in the picture, as in report_chart.c. */
enum { WIDTH = 400, LEFT = 46, RIGHT = 8, TOP = 10, MAP = 150, BARS = 16, BETWEEN = 8, AXIS = 26 };
enum { SHADES = 9, X_TICKS = 5, Y_TICKS = 4 };

/* The scores as a table: [times][places] means, one row of the log after the other. */
typedef struct {
    const HistoryTable *rows;
    size_t times, places;
} ScoreMap;

/* Rows of another length than the first are no part of the map; a log of one run has none. */
static ScoreMap map_of(const HistoryTable *t)
{
    ScoreMap m = {.rows = t};
    while (m.places < t->rows && history_cell(t, m.places, SCORE_PLACE) == (double)m.places)
        m.places++;
    if (m.places > 0) m.times = t->rows / m.places;
    for (size_t i = 0; i < m.times * m.places; i++)
        if (history_cell(t, i, SCORE_PLACE) != (double)(i % m.places)) m.times = i / m.places;
    return m;
}

/* 0: nothing is drawn. The root shows small means, which many steps have in the end. */
static int shade(const ScoreMap *m, size_t time, size_t place)
{
    double mean = history_cell(m->rows, time * m->places + place, SCORE_MEAN);
    return mean > 0 ? (int)fmin(rint(SHADES * sqrt(mean)), SHADES) : 0;
}

/* All parts of one shade, as one path of rectangles. */
static void draw_shade(TextBuffer *h, const ScoreMap *m, const char *style, int wanted)
{
    double wide = (double)(WIDTH - LEFT - RIGHT) / (double)m->places;
    double high = (double)MAP / (double)m->times;
    html_put(h, "<path class='%s map' fill-opacity=%.2f d='", style, (double)wanted / SHADES);
    for (size_t time = 0; time < m->times; time++)
        for (size_t from = 0, to; from < m->places; from = to + 1) {
            for (to = from; to < m->places && shade(m, time, to) == wanted;) to++;
            if (to > from)
                html_put(h, "M%.1f %.1fh%.1fv%.2fh-%.1fz", LEFT + wide * (double)from,
                         TOP + high * (double)time, wide * (double)(to - from), high,
                         wide * (double)(to - from));
        }
    html_markup(h, "'/>");
}

static void draw_times(TextBuffer *h, const ScoreMap *m)
{
    html_markup(h, "<g class=ty text-anchor=end>");
    for (int i = 0; i <= Y_TICKS; i++) {
        size_t time = (m->times - 1) * (size_t)i / Y_TICKS;
        char step[VALUE_BYTES];
        if (i > 0 && time == (m->times - 1) * (size_t)(i - 1) / Y_TICKS) continue;
        axis_show_value(history_cell(m->rows, time * m->places, OF_STEP), step);
        html_put(h, "<text x=%d y=%.1f>%s</text>", LEFT - 6,
                 TOP + ((double)time + 0.5) * MAP / (double)m->times + 4, step);
    }
    html_markup(h, "</g>");
}

static void draw_kept(TextBuffer *h, const ReportRun *run, const char *style, const Axis *x)
{
    const int top = TOP + MAP + BETWEEN;
    if (!run->has_model || !run->model.kept) return;
    html_put(h, "<path class='%s kept' d='", style);
    for (int i = 0; i < run->model.kept_count; i++)
        html_put(h, "M%.1f %dv%d", axis_place(x, run->model.kept[i] + 0.5), top, BARS);
    html_put(h, "'/><g class=ty text-anchor=end><text x=%d y=%d>kept</text></g>", LEFT - 6,
             top + BARS - 4);
}

static void draw_steps(TextBuffer *h, const Axis *x)
{
    const int base = TOP + MAP + BETWEEN + BARS;
    Tick ticks[MOST_TICKS];
    int count = axis_ticks(x, X_TICKS, ticks);
    html_markup(h, "<g class=tx text-anchor=middle>");
    for (int i = 0; i < count; i++) {
        double at = axis_place(x, ticks[i].at);
        const char *anchor = at > WIDTH - RIGHT - 12 ? " text-anchor=end" : "";
        html_put(h, "<path d='M%.1f %dv4'/><text x=%.1f y=%d%s>%s</text>", at, base,
                 *anchor ? WIDTH : at, base + AXIS - 8, anchor, ticks[i].label);
    }
    html_markup(h, "</g>");
}

static void put_list(TextBuffer *h, const ReportRun *run)
{
    if (!run->has_model || !run->model.kept) return;
    html_put(h, "<details><summary>%d kept step%s</summary><p>", run->model.kept_count,
             run->model.kept_count == 1 ? "" : "s");
    for (int i = 0; i < run->model.kept_count; i++)
        html_put(h, "%s%d", i ? ", " : "", run->model.kept[i]);
    html_markup(h, "</p></details>");
}

bool report_draw_scores(TextBuffer *h, const ReportRun *run, const char *style, bool named)
{
    ScoreMap m = map_of(&run->history.table[HISTORY_SCORES]);
    if (m.times == 0) return true;
    int T = run->has_model ? run->model.noise.T : run->config.method.noise.T;
    Axis x = {0, T, LEFT, WIDTH - RIGHT, false};
    html_markup(h, "<figure class=chart><figcaption><h3>Scores of the steps");
    if (named) html_markup(h, ", ");
    if (named) html_words(h, run->name);
    html_put(
        h, "</h3></figcaption><svg viewBox='0 0 %d %d' role=img aria-label='Scores of the steps'>",
        WIDTH, TOP + MAP + BETWEEN + BARS + AXIS);
    for (int k = 1; k <= SHADES; k++) draw_shade(h, &m, style, k);
    draw_times(h, &m);
    draw_kept(h, run, style, &x);
    draw_steps(h, &x);
    html_markup(
        h, "</svg><p class=note>From above to below the updates, across the steps t: the darker, "
           "the higher the mean score; below, the steps that the model keeps.</p>");
    put_list(h, run);
    html_markup(h, "</figure>\n");
    return !h->failed;
}
