/* Axes of the report's charts: from values to places, ticks, and numbers as a reader likes them. */
#ifndef DIFFC_CLI_REPORT_AXIS_H
#define DIFFC_CLI_REPORT_AXIS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    double low, high; /* values at the ends; low < high, and above 0 where log */
    double from, to;  /* their places; to may be the smaller one */
    bool log;
} Axis;

double axis_place(const Axis *a, double value);

enum { TICK_LABEL_BYTES = 24, MOST_TICKS = 16 };
typedef struct {
    double at;
    char label[TICK_LABEL_BYTES]; /* "": a line alone */
} Tick;

/* The ticks of an axis, about `wanted` of them with labels: multiples of 1, 2 or 5 times a power of ten; of a
 * logarithmic axis powers of ten, with 2 and 5 times them where there is room. Returns how many. */
int axis_ticks(const Axis *a, int wanted, Tick out[MOST_TICKS]);

/* Moves the ends of a linear axis outwards to ticks. Equal ends are moved apart first. */
void axis_round_outwards(Axis *a, int wanted);

/* A value for reading: "1,600", "0.1523", "1.2e-5"; "–" for NAN. */
enum { VALUE_BYTES = 40 };
void axis_show_value(double value, char out[VALUE_BYTES]);

#endif
