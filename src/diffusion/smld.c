#include "diffc/smld.h"

#include <math.h>
#include <stdlib.h>

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
    double square; /* of the distance; ties go to the smaller index */
    size_t index;
} Far;

typedef struct {
    const PointSet *points;
    float *rows;     /* [threads, dims], a thread's point */
    float *centre;   /* [dims], what distances are taken from */
    Far *far;        /* [count] */
    float *chosen;   /* [SMLD_PAIRS, dims], the candidates */
    double *partial; /* [MEAN_PARTS, dims] */
} Search;
enum { MEAN_PARTS = 16 };

static bool search_open(Search *s, const PointSet *points, size_t candidates, Err *err)
{
    size_t dims = points->dims;
    *s = (Search){.points = points,
                  .rows = mem_alloc((size_t)parallel_threads(), dims * sizeof(float)),
                  .centre = mem_floats(dims),
                  .far = mem_alloc(points->count, sizeof(Far)),
                  .chosen = mem_alloc(candidates, dims * sizeof(float)),
                  .partial = mem_alloc(MEAN_PARTS, dims * sizeof(double))};
    if (s->rows && s->centre && s->far && s->chosen && s->partial) return true;
    return err_set(err, ERR_MEMORY, "no memory to compare %zu points of %zu values", points->count,
                   dims);
}

static void search_close(Search *s)
{
    mem_free(s->rows);
    mem_free(s->centre);
    mem_free(s->far);
    mem_free(s->chosen);
    mem_free(s->partial);
}

static float *own_row(const Search *s)
{
    return s->rows + (size_t)parallel_thread() * s->points->dims;
}

/* The sums are of fixed parts of the points, added in their order. */
static void centre_on_mean(Search *s)
{
    const PointSet *p = s->points;
#pragma omp parallel for schedule(static)
    for (int part = 0; part < MEAN_PARTS; part++) {
        float *row = own_row(s);
        size_t from = p->count * (size_t)part / MEAN_PARTS;
        size_t to = p->count * ((size_t)part + 1) / MEAN_PARTS;
        for (size_t i = from; i < to; i++) {
            p->point(p->context, i, row);
            vec_column_sums(s->partial + (size_t)part * p->dims, row, 1, p->dims, p->dims);
        }
    }
    for (size_t d = 0; d < p->dims; d++) {
        double sum = 0;
        for (size_t part = 0; part < MEAN_PARTS; part++) sum += s->partial[part * p->dims + d];
        s->centre[d] = (float)(sum / (double)p->count);
    }
}

/* `difference` may be b. */
static double square_distance(const float *a, const float *b, float *difference, size_t dims)
{
    for (size_t d = 0; d < dims; d++) difference[d] = a[d] - b[d];
    return vec_sum_squares(difference, dims);
}

static void measure_from_centre(Search *s)
{
    const PointSet *p = s->points;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < p->count; i++) {
        float *row = own_row(s);
        p->point(p->context, i, row);
        s->far[i] = (Far){square_distance(s->centre, row, row, p->dims), i};
    }
}

static int farther_first(const void *a, const void *b)
{
    const Far *x = a, *y = b;
    if (x->square != y->square) return x->square > y->square ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

typedef struct {
    double square;
    size_t a, b;
} Pair;

/* The candidates are the points farthest from the mean; each is compared with those before it. */
static Pair widest_of_candidates(Search *s, size_t candidates)
{
    const PointSet *p = s->points;
    size_t dims = p->dims;
    Pair widest[SMLD_PAIRS] = {{0}};
    qsort(s->far, p->count, sizeof *s->far, farther_first);
    for (size_t i = 0; i < candidates; i++)
        p->point(p->context, s->far[i].index, s->chosen + i * dims);
#pragma omp parallel for schedule(static, 1)
    for (size_t i = 1; i < candidates; i++) {
        float *difference = own_row(s);
        for (size_t j = 0; j < i; j++) {
            double square =
                square_distance(s->chosen + i * dims, s->chosen + j * dims, difference, dims);
            if (square > widest[i].square)
                widest[i] = (Pair){square, s->far[i].index, s->far[j].index};
        }
    }
    for (size_t i = 1; i < candidates; i++)
        if (widest[i].square > widest[0].square) widest[0] = widest[i];
    return widest[0];
}

/* From an end of the pair to the point farthest from it, and on from there while the pair grows. */
static double widen(Search *s, Pair pair)
{
    const PointSet *p = s->points;
    size_t untried[2] = {pair.a, pair.b};
    for (int left = 2; left > 0;) {
        p->point(p->context, untried[--left], s->centre);
        measure_from_centre(s);
        Far best = s->far[0];
        for (size_t i = 1; i < p->count; i++)
            if (s->far[i].square > best.square) best = s->far[i];
        if (best.square <= pair.square) continue;
        pair.square = best.square;
        untried[0] = best.index;
        left = 1;
    }
    return pair.square;
}

bool largest_pairwise_distance(const PointSet *points, double *distance, Err *err)
{
    *distance = 0;
    if (points->count < 2) return true;
    size_t candidates = points->count < SMLD_PAIRS ? points->count : SMLD_PAIRS;
    Search s;
    bool ok = search_open(&s, points, candidates, err);
    if (ok) {
        centre_on_mean(&s);
        measure_from_centre(&s);
        Pair pair = widest_of_candidates(&s, candidates);
        double square = candidates < points->count ? widen(&s, pair) : pair.square;
        *distance = sqrt(square);
    }
    search_close(&s);
    return ok;
}
