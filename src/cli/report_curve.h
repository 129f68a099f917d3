/* Curves of the report's charts: smoothed, and thinned to what a picture can show. */
#ifndef DIFFC_CLI_REPORT_CURVE_H
#define DIFFC_CLI_REPORT_CURVE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    double x, y;
    bool gap; /* the line is broken before it */
} CurvePoint;

/* out[n]: the mean over values near each, about a twelfth of all of them; fewer at the beginning, so that it
 * starts where the values start. NAN stays NAN and counts for none. scratch[2 (n + 1)]. out may not be y. */
void curve_smooth(const double *y, size_t n, double *out, double *scratch);

/* Points of the line through (x, y), x rising: all of them up to 2 * buckets, else the least and the largest
 * of each of so many equal parts of x, in their order. Returns how many, at most 2 * buckets. NAN is a gap,
 * and so is a step of x more than eight times as wide as those beside it. Of thinned lines a part without any
 * value is a gap where its values are NAN. */
size_t curve_thin(const double *x, const double *y, size_t n, size_t buckets, CurvePoint *out);

/* The place of the last value up to `at` in rising x; n > 0. */
size_t curve_find(const double *x, size_t n, double at);

/* The value below which a share of the finite ones lies, by a sample of them; NAN: there are none. */
double curve_quantile(const double *y, size_t n, double share);

#endif
