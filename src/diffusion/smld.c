#include "diffc/smld.h"

#include <math.h>

#include "diffc/mem.h"
#include "diffc/parallel.h"
#include "diffc/vec.h"

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x * 0.70710678118654752440);
}

/* The share of a level's noise that falls into the shell of the next. */
static double shell_overlap(size_t dims, double ratio)
{
    double shift = sqrt(2 * (double)dims) * (ratio - 1);
    return normal_cdf(shift + 3 * ratio) - normal_cdf(shift - 3 * ratio);
}

double smld_ratio(size_t dims)
{
    double low = 1, high = pow(100, 1.0 / 9);
    if (shell_overlap(dims, high) >= 0.5) return high;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (shell_overlap(dims, middle) > 0.5)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

int smld_levels(double sigma_max, double sigma_min, size_t dims)
{
    CHECK(sigma_min > 0 && sigma_max > sigma_min);
    return 1 + (int)ceil(log(sigma_max / sigma_min) / log(smld_ratio(dims)));
}

/* The variance after a level's steps, in units of that level's, from ratio^2: with u the step over
 * sigma^2, q (ratio^2 - b) + b. It is never below 1, because b = 1 / (1 - u/2) is not. */
static double variance_after_level(int steps, double ratio, double u)
{
    double q = pow(1 - u, 2.0 * steps), b = 1 / (1 - u / 2);
    return q * (ratio * ratio - b) + b;
}

/* The variance falls with u as more of the level above is forgotten, and then rises with the error
 * of a finite step: a scan over ln u brackets the minimum, a ternary search finds it. */
double langevin_step_size(int steps_per_level, double sigma_min, double ratio)
{
    enum { SCAN = 400 };
    CHECK(steps_per_level >= 1 && ratio > 1);
    const double smallest = log(1e-9);
    int best = 0;
    double least = HUGE_VAL;
    for (int i = 0; i <= SCAN; i++) {
        double value = variance_after_level(steps_per_level, ratio, exp(smallest * i / SCAN));
        if (value < least) {
            least = value;
            best = i;
        }
    }
    double low = smallest * fmin(best + 1, SCAN) / SCAN, high = smallest * fmax(best - 1, 0) / SCAN;
    for (int i = 0; i < 100; i++) {
        double a = low + (high - low) / 3, b = high - (high - low) / 3;
        if (variance_after_level(steps_per_level, ratio, exp(a)) <
            variance_after_level(steps_per_level, ratio, exp(b)))
            high = b;
        else
            low = a;
    }
    return exp((low + high) / 2) * sigma_min * sigma_min;
}

/* ---- the widest pair of points ---- */

typedef struct {
    double square; /* of the distance, -1: none yet */
    size_t index;
} Far;

/* The point that is farther; of two as far, the one that was there. */
static Far farther(Far best, Far other)
{
    return other.square > best.square ? other : best;
}

/* STARTS points are at work at a time; every pass over all points finds the farthest of each. The
 * passes split the points into PARTS, whatever the number of threads. */
enum { STARTS = SMLD_STARTS, PARTS = 64 };

typedef struct {
    const PointSet *points;
    int count;              /* of ends at work */
    Far end[STARTS];        /* each with the square of the way that led to it */
    float *rows;            /* [count, dims], the ends' values */
    double squares[STARTS]; /* |end|^2 */
    float *scratch;         /* [threads, dims] */
    Far (*far)[STARTS];     /* [PARTS] */
} Search;

static bool search_open(Search *s, const PointSet *points, Err *err)
{
    size_t row = points->dims * sizeof(float);
    *s = (Search){.points = points,
                  .rows = mem_alloc(STARTS, row),
                  .scratch = mem_alloc((size_t)parallel_threads(), row),
                  .far = mem_alloc(PARTS, sizeof *s->far)};
    if (s->rows && s->scratch && s->far) return true;
    return err_set(err, ERR_MEMORY, "no memory to compare points of %zu values", points->dims);
}

static void search_close(Search *s)
{
    mem_free(s->rows);
    mem_free(s->scratch);
    mem_free(s->far);
}

/* far[end]: the point of from .. to-1 that is farthest from each end, by |x|^2 + |end|^2 - 2 x end,
 * whose products and sums are exact enough in double. */
static void scan_part(const Search *s, size_t from, size_t to, Far far[STARTS])
{
    const PointSet *p = s->points;
    size_t dims = p->dims;
    float *x = s->scratch + (size_t)parallel_thread() * dims;
    for (int e = 0; e < s->count; e++) far[e] = (Far){-1, 0};
    for (size_t i = from; i < to; i++) {
        p->point(p->context, i, x);
        double own = vec_sum_squares(x, dims);
        for (int e = 0; e < s->count; e++) {
            double product = vec_dot(x, s->rows + (size_t)e * dims, dims);
            far[e] = farther(far[e], (Far){fmax(own + s->squares[e] - 2 * product, 0), i});
        }
    }
}

/* Replaces each end by the point farthest from it where that is farther than the way to the end;
 * the others are done. Returns the square of the widest pair seen. */
static double pass(Search *s)
{
    const PointSet *p = s->points;
    for (int e = 0; e < s->count; e++) {
        float *row = s->rows + (size_t)e * p->dims;
        p->point(p->context, s->end[e].index, row);
        s->squares[e] = vec_sum_squares(row, p->dims);
    }
#pragma omp parallel for schedule(dynamic)
    for (int part = 0; part < PARTS; part++)
        scan_part(s, p->count * (size_t)part / PARTS, p->count * ((size_t)part + 1) / PARTS,
                  s->far[part]);
    double widest = 0;
    int left = 0;
    for (int e = 0; e < s->count; e++) {
        Far best = s->far[0][e];
        for (int part = 1; part < PARTS; part++) best = farther(best, s->far[part][e]);
        bool fresh = best.square > s->end[e].square;
        for (int k = 0; k < left; k++) fresh = fresh && s->end[k].index != best.index;
        if (fresh) s->end[left++] = best;
        widest = fmax(widest, best.square);
    }
    s->count = left;
    return widest;
}

bool largest_pairwise_distance(const PointSet *points, double *distance, Err *err)
{
    Search s;
    double square = 0;
    bool exact = points->count <= SMLD_PAIRS, ok = search_open(&s, points, err);
    size_t starts = exact ? points->count : STARTS;
    for (size_t start = 0; ok && start < starts; start += STARTS) {
        size_t left = starts - start;
        s.count = left < STARTS ? (int)left : STARTS;
        for (int e = 0; e < s.count; e++) {
            size_t at = start + (size_t)e;
            s.end[e] = (Far){-1, exact ? at : at * (points->count / STARTS)};
        }
        do square = fmax(square, pass(&s));
        while (s.count > 0 && !exact);
    }
    *distance = sqrt(square);
    search_close(&s);
    return ok;
}
