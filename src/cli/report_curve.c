#include "cli/report_curve.h"

#include <math.h>
#include <stdlib.h>

/* One pass of the mean over i - half .. i + half, which is kept even at the beginning and cut at the end. */
static void moving_mean(const double *y, size_t n, size_t half, double *out, double *scratch)
{
    double *sum = scratch, *count = scratch + n + 1;
    sum[0] = count[0] = 0;
    for (size_t i = 0; i < n; i++) {
        bool there = isfinite(y[i]);
        sum[i + 1] = sum[i] + (there ? y[i] : 0);
        count[i + 1] = count[i] + there;
    }
    for (size_t i = 0; i < n; i++) {
        size_t right = half < i ? half : i, left = right;
        if (right > n - 1 - i) right = n - 1 - i;
        double values = count[i + right + 1] - count[i - left];
        out[i] = isfinite(y[i]) ? (sum[i + right + 1] - sum[i - left]) / values : (double)NAN;
    }
}

void curve_smooth(const double *y, size_t n, double *out, double *scratch)
{
    enum { PART = 50 };
    size_t half = (n + PART / 2) / PART;
    if (n == 0) return;
    /* Two means make a triangle, whose curve has no corners. */
    moving_mean(y, n, half, out, scratch);
    if (half == 0) return;
    /* The sums are complete before the first mean is written, so out may be both. */
    moving_mean(out, n, half, out, scratch);
}

/* Whether values are missing between i - 1 and i. */
static bool is_wide(const double *x, size_t n, size_t i)
{
    enum { TIMES = 8 };
    double own = x[i] - x[i - 1], beside = 0;
    if (i < 2 && i + 1 >= n) return false;
    if (i >= 2) beside = x[i - 1] - x[i - 2];
    if (i + 1 < n) beside = fmax(beside, x[i + 1] - x[i]);
    return i >= 2 && i + 1 < n && own > TIMES * beside;
}

/* The least and the largest value of a part, by their places. */
typedef struct {
    size_t low, high, bucket;
    bool any, gap;
} Part;

static size_t put_part(const Part *p, const double *x, const double *y, CurvePoint *out)
{
    if (!p->any) return 0;
    size_t first = p->low < p->high ? p->low : p->high, last = p->low + p->high - first;
    out[0] = (CurvePoint){x[first], y[first], p->gap};
    if (last == first) return 1;
    out[1] = (CurvePoint){x[last], y[last], false};
    return 2;
}

static size_t keep_all(const double *x, const double *y, size_t n, CurvePoint *out)
{
    size_t count = 0;
    bool gap = false;
    for (size_t i = 0; i < n; i++) {
        gap = gap || (i > 0 && is_wide(x, n, i));
        if (isfinite(y[i])) out[count++] = (CurvePoint){x[i], y[i], gap};
        gap = !isfinite(y[i]);
    }
    return count;
}

size_t curve_thin(const double *x, const double *y, size_t n, size_t buckets, CurvePoint *out)
{
    if (n <= 2 * buckets) return keep_all(x, y, n, out);
    double span = x[n - 1] - x[0];
    size_t count = 0;
    Part p = {.gap = false};
    for (size_t i = 0; i < n; i++) {
        double way = span > 0 ? (x[i] - x[0]) / span * (double)buckets : 0;
        size_t bucket = way < (double)buckets ? (size_t)way : buckets - 1;
        if (bucket != p.bucket) {
            bool lost = !p.any; /* values, but none that is finite */
            count += put_part(&p, x, y, out + count);
            p = (Part){.bucket = bucket, .gap = lost};
        }
        if (i > 0 && is_wide(x, n, i) && !p.any) p.gap = true;
        if (!isfinite(y[i])) continue;
        if (!p.any || y[i] < y[p.low]) p.low = i;
        if (!p.any || y[i] > y[p.high]) p.high = i;
        p.any = true;
    }
    return count + put_part(&p, x, y, out + count);
}

size_t curve_find(const double *x, size_t n, double at)
{
    size_t low = 0, high = n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (x[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double curve_quantile(const double *y, size_t n, double share)
{
    enum { SAMPLE = 4096 };
    double sample[SAMPLE];
    size_t every = n / SAMPLE + 1, count = 0;
    for (size_t i = 0; i < n; i += every)
        if (isfinite(y[i])) sample[count++] = y[i];
    if (count == 0) return (double)NAN;
    qsort(sample, count, sizeof *sample, by_value);
    return sample[(size_t)(share * (double)(count - 1) + 0.5)];
}
