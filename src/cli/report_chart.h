/* One chart of the report: lines over the updates of the runs, as SVG in a figure. */
#ifndef DIFFC_CLI_REPORT_CHART_H
#define DIFFC_CLI_REPORT_CHART_H

#include "cli/html_text.h"
#include "cli/report_axis.h"

/* A line. Arrays [n] or NULL; the x rise. NAN is a gap. */
typedef struct {
    const char *style; /* the class of the page's style with its colour: "c0" */
    const char *name;  /* whose values: the run's name, or a noise level */
    size_t n;
    double *x, *y;
    double *smooth;    /* drawn over y, which is then pale */
    double *error;     /* half the length of a bar at each point */
    double *reference; /* a dashed line */
} ChartLine;

typedef enum {
    SCALE_AUTO, /* logarithmic where the values are positive and reach over a factor of five */
    SCALE_ZERO, /* linear, from 0 */
} ChartScale;

typedef struct {
    const char *title, *note; /* the note says what is measured */
    ChartScale scale;
    bool key; /* the lines are named below, by colour; else the page's legend does */
    double x_low, x_high;
    const ChartLine *line;
    int lines;
    const double *resumed; /* [resumes] updates after which a run was gone on with */
    size_t resumes;
} Chart;

/* Appends the figure; nothing where no line has a finite value. False: not enough memory. */
bool chart_draw(TextBuffer *h, const Chart *c);

#endif
