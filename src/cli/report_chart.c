#include "cli/report_chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/report_curve.h"

/* Places in the picture. Its width on a page or a phone is about as many points, so that its text has the size
 * of the page's. */
enum { WIDTH = 400, HEIGHT = 220, LEFT = 46, RIGHT = 8, TOP = 10, BOTTOM = 26 };
enum {
    RAW_PARTS = 260,
    SMOOTH_PARTS = 130,
    STRIPS = 72,
    MARKED_POINTS = 40,
    X_TICKS = 5,
    Y_TICKS = 5
};

typedef struct {
    TextBuffer *h;
    const Chart *chart;
    Axis x, y;
    CurvePoint *points; /* [2 * RAW_PARTS] */
} Drawing;

/* ---- the range of the values ---- */

static void take(double value, double *low, double *high)
{
    if (!isfinite(value)) return;
    if (!(*low <= value)) *low = value;
    if (!(*high >= value)) *high = value;
}

/* All values, but of those under a smoothed line without the last half per cent at each end: a single spike
 * should not flatten the rest. */
static void take_line(const ChartLine *l, double *low, double *high)
{
    enum { FEW = 100 };
    const double rare = 0.005;
    bool all = !l->smooth || l->n < FEW;
    for (size_t i = 0; i < l->n; i++) {
        double error = l->error && isfinite(l->error[i]) ? l->error[i] : 0;
        take(l->smooth ? l->smooth[i] : l->y[i] - error, low, high);
        if (all) take(l->y[i] + error, low, high);
        if (l->reference) take(l->reference[i], low, high);
    }
    if (all) return;
    take(curve_quantile(l->y, l->n, rare), low, high);
    take(curve_quantile(l->y, l->n, 1 - rare), low, high);
}

static bool is_positive(const Chart *c)
{
    for (int k = 0; k < c->lines; k++)
        for (size_t i = 0; i < c->line[k].n; i++)
            if (c->line[k].y[i] <= 0) return false;
    return true;
}

static bool find_range(Drawing *d)
{
    const double wide = 5, room = 1.06;
    const Chart *c = d->chart;
    double low = (double)NAN, high = (double)NAN;
    for (int k = 0; k < c->lines; k++) take_line(&c->line[k], &low, &high);
    if (!isfinite(low) || !isfinite(high)) return false;
    bool logs = c->scale == SCALE_AUTO && low > 0 && high > wide * low && is_positive(c);
    if (c->scale == SCALE_ZERO && low > 0) low = 0;
    if (logs) low /= room, high *= room;
    d->y = (Axis){low, high, HEIGHT - BOTTOM, TOP, logs};
    d->x = (Axis){c->x_low, c->x_high, LEFT, WIDTH - RIGHT, false};
    if (!(d->x.high > d->x.low)) d->x.high = d->x.low + 1;
    axis_round_outwards(&d->y, Y_TICKS);
    return true;
}

/* ---- the frame ---- */

static void draw_frame(Drawing *d)
{
    Tick ticks[MOST_TICKS];
    int count = axis_ticks(&d->y, Y_TICKS, ticks);
    html_markup(d->h, "<g class=g>");
    for (int i = 0; i < count; i++)
        html_put(d->h, "<path d='M%d %.1fH%d'/>", LEFT, axis_place(&d->y, ticks[i].at),
                 WIDTH - RIGHT);
    html_markup(d->h, "</g><g class=ty text-anchor=end>");
    for (int i = 0; i < count; i++)
        html_put(d->h, "<text x=%d y=%.1f>%s</text>", LEFT - 6, axis_place(&d->y, ticks[i].at) + 4,
                 ticks[i].label);
    html_markup(d->h, "</g><g class=tx text-anchor=middle>");
    count = axis_ticks(&d->x, X_TICKS, ticks);
    for (int i = 0; i < count; i++) {
        double at = axis_place(&d->x, ticks[i].at);
        const char *anchor = at > WIDTH - RIGHT - 12 ? " text-anchor=end" : "";
        html_put(d->h, "<path d='M%.1f %dv4'/><text x=%.1f y=%d%s>%s</text>", at, HEIGHT - BOTTOM,
                 *anchor ? WIDTH : at, HEIGHT - 8, anchor, ticks[i].label);
    }
    html_markup(d->h, "</g>");
    const Chart *c = d->chart;
    for (size_t i = 0; i < c->resumes; i++) {
        char step[VALUE_BYTES];
        axis_show_value(c->resumed[i], step);
        html_put(d->h,
                 "<path class=resumed d='M%.1f %dV%d'><title>resumed at update %s</title></path>",
                 axis_place(&d->x, c->resumed[i]), TOP, HEIGHT - BOTTOM, step);
    }
}

/* ---- the lines ---- */

/* A place that no renderer refuses, also for values far outside of the picture. */
static double place(const Axis *a, double value)
{
    const double far = 2000;
    return fmin(fmax(axis_place(a, value), -far), far);
}

static void draw_path(Drawing *d, const char *style, const char *kind, size_t count)
{
    if (count == 0) return;
    html_put(d->h, "<path class='%s %s' d='", style, kind);
    for (size_t i = 0; i < count; i++) {
        const CurvePoint *p = &d->points[i];
        bool begins = i == 0 || p->gap, alone = begins && (i + 1 == count || p[1].gap);
        html_put(d->h, "%s%.1f %.1f%s", begins ? "M" : " ", place(&d->x, p->x), place(&d->y, p->y),
                 alone ? "h.01" : "");
    }
    html_markup(d->h, "'/>");
}

static void draw_errors(Drawing *d, const ChartLine *l)
{
    if (!l->error || l->n > RAW_PARTS) return;
    html_put(d->h, "<path class='%s error' d='", l->style);
    for (size_t i = 0; i < l->n; i++)
        if (isfinite(l->y[i]) && isfinite(l->error[i]))
            html_put(d->h, "M%.1f %.1fV%.1f", place(&d->x, l->x[i]),
                     place(&d->y, l->y[i] - l->error[i]), place(&d->y, l->y[i] + l->error[i]));
    html_markup(d->h, "'/>");
}

static void draw_marks(Drawing *d, const ChartLine *l)
{
    if (l->smooth || l->n > MARKED_POINTS) return;
    html_put(d->h, "<path class='%s mark' d='", l->style);
    for (size_t i = 0; i < l->n; i++)
        if (isfinite(l->y[i]))
            html_put(d->h, "M%.1f %.1fh.01", place(&d->x, l->x[i]), place(&d->y, l->y[i]));
    html_markup(d->h, "'/>");
}

static void draw_curve(Drawing *d, const ChartLine *l, const double *y, const char *kind,
                       size_t parts)
{
    if (y) draw_path(d, l->style, kind, curve_thin(l->x, y, l->n, parts, d->points));
}

static void draw_lines(Drawing *d)
{
    const Chart *c = d->chart;
    html_put(d->h, "<svg x=%d y=%d width=%d height=%d viewBox='%d %d %d %d'>", LEFT - 3, TOP - 4,
             WIDTH - LEFT - RIGHT + 6, HEIGHT - TOP - BOTTOM + 8, LEFT - 3, TOP - 4,
             WIDTH - LEFT - RIGHT + 6, HEIGHT - TOP - BOTTOM + 8);
    for (int k = 0; k < c->lines; k++)
        draw_curve(d, &c->line[k], c->line[k].smooth ? c->line[k].y : NULL, "raw", RAW_PARTS);
    for (int k = 0; k < c->lines; k++) {
        const ChartLine *l = &c->line[k];
        draw_curve(d, l, l->reference, "reference", SMOOTH_PARTS);
        draw_errors(d, l);
        draw_curve(d, l, l->smooth ? l->smooth : l->y, "line",
                   l->smooth ? SMOOTH_PARTS : RAW_PARTS);
        draw_marks(d, l);
    }
    html_markup(d->h, "</svg>");
}

/* ---- what is shown under the pointer ---- */

static void say_line(Drawing *d, const ChartLine *l, double at)
{
    char value[VALUE_BYTES];
    if (l->n == 0 || at < l->x[0]) return;
    size_t i = curve_find(l->x, l->n, at);
    if (i + 1 < l->n && l->x[i + 1] - at < at - l->x[i]) i++;
    if (!isfinite(l->y[i])) return;
    html_markup(d->h, "\n");
    if (d->chart->lines > 1) {
        html_words(d->h, l->name);
        html_markup(d->h, ": ");
    }
    axis_show_value(l->smooth ? l->smooth[i] : l->y[i], value);
    html_put(d->h, "%s", value);
    if (l->error && isfinite(l->error[i])) {
        axis_show_value(l->error[i], value);
        html_put(d->h, " ± %s", value);
    }
    if (!l->smooth) return;
    axis_show_value(l->y[i], value);
    html_put(d->h, " (logged %s)", value);
}

static const ChartLine *longest(const Chart *c)
{
    const ChartLine *l = &c->line[0];
    for (int k = 1; k < c->lines; k++)
        if (c->line[k].n > l->n) l = &c->line[k];
    return l;
}

/* Strips across the picture, at the values of the longest line where they are few. */
static void draw_strips(Drawing *d)
{
    const ChartLine *l = longest(d->chart);
    size_t count = l->n < STRIPS ? l->n : STRIPS;
    double from = LEFT;
    html_markup(d->h, "<g class=strips>");
    for (size_t i = 0; i < count; i++) {
        bool each = l->n <= STRIPS;
        double even = d->x.low + ((double)i + 0.5) / (double)count * (d->x.high - d->x.low);
        double at = each ? l->x[i] : even;
        double next =
            each && i + 1 < count ? l->x[i + 1] : even + (d->x.high - d->x.low) / (double)count;
        double to = i + 1 < count ? axis_place(&d->x, 0.5 * (at + next)) : WIDTH - RIGHT;
        char step[VALUE_BYTES];
        axis_show_value(rint(at), step);
        html_put(d->h, "<rect x=%.1f y=%d width=%.1f height=%d><title>update %s", from, TOP,
                 fmax(to - from, 0), HEIGHT - TOP - BOTTOM, step);
        for (int k = 0; k < d->chart->lines; k++) say_line(d, &d->chart->line[k], at);
        html_markup(d->h, "</title></rect>");
        from = to;
    }
    html_markup(d->h, "</g>");
}

/* ---- the figure ---- */

static double last_value(const ChartLine *l)
{
    const double *y = l->smooth ? l->smooth : l->y;
    for (size_t i = l->n; i > 0; i--)
        if (isfinite(y[i - 1])) return y[i - 1];
    return (double)NAN;
}

static void put_caption(TextBuffer *h, const Chart *c)
{
    enum { MOST_SHOWN = 4 };
    html_markup(h, "<figcaption><h3>");
    html_words(h, c->title);
    html_markup(h, "</h3>");
    for (int k = 0; k < c->lines && c->lines <= MOST_SHOWN; k++) {
        char value[VALUE_BYTES];
        if (c->line[k].n == 0) continue;
        axis_show_value(last_value(&c->line[k]), value);
        html_put(h, "<span class='now %s'>%s</span>", c->line[k].style, value);
    }
    html_markup(h, "</figcaption>");
}

static void put_key(TextBuffer *h, const Chart *c)
{
    if (!c->key) return;
    html_markup(h, "<ul class=key>");
    for (int k = 0; k < c->lines; k++) {
        char value[VALUE_BYTES];
        if (c->line[k].n == 0) continue;
        axis_show_value(last_value(&c->line[k]), value);
        html_put(h, "<li class=%s>", c->line[k].style);
        html_words(h, c->line[k].name);
        html_put(h, " <b>%s</b></li>", value);
    }
    html_markup(h, "</ul>");
}

bool chart_draw(TextBuffer *h, const Chart *c)
{
    Drawing d = {.h = h, .chart = c};
    if (!find_range(&d)) return true;
    d.points = mem_alloc(2 * RAW_PARTS, sizeof *d.points);
    if (!d.points) return false;
    html_markup(h, "<figure class=chart>");
    put_caption(h, c);
    html_put(h, "<svg viewBox='0 0 %d %d' role=img aria-label=\"", WIDTH, HEIGHT);
    html_words(h, c->title);
    html_markup(h, "\">");
    draw_frame(&d);
    draw_lines(&d);
    draw_strips(&d);
    html_markup(h, "</svg>");
    put_key(h, c);
    html_markup(h, "<p class=note>");
    html_words(h, c->note);
    if (d.y.log) html_markup(h, " Logarithmic axis.");
    html_markup(h, "</p></figure>\n");
    mem_free(d.points);
    return !h->failed;
}
