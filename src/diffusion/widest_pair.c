#include "diffusion/widest_pair.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "math/vec.h"

/* Up to ENDS points at a time are compared with many others. Scans split the others into PARTS,
 * whatever the number of threads. */
enum { ENDS = WIDEST_STARTS, PARTS = 64 };

/* Distances and their bounds are rounded by less than this share of them. */
static const double ROUNDING = 1e-6;
/* What looking at a pair's bounds costs, in products. */
enum { LOOK = 4 };

typedef struct {
    double square; /* of the distance, -1: none yet */
    size_t index;
} Far;

/* Where a point lies from the mean. */
typedef struct {
    double radius, along, across; /* along and across the direction of the pair found first */
    size_t index;
} Ranked;

typedef struct {
    const PointSet *points;
    const Ranked *order; /* what a scan's positions mean; NULL: the points' own numbers */
    double square;       /* with an order only pairs that can be further apart are compared */
    int count;           /* ends at work */
    size_t end[ENDS];
    Ranked place[ENDS];   /* with an order: theirs */
    float *rows;          /* [ENDS, dims], the ends' values */
    double squares[ENDS]; /* |end|^2 */
    float *scratch;       /* [threads, dims] */
    Far (*far)[ENDS];     /* [PARTS] */
    long long *work;      /* [PARTS], added to */
} Search;

/* The point that is farther; of two as far, the one that was there. */
static Far farther(Far best, Far other)
{
    return other.square > best.square ? other : best;
}

static bool search_open(Search *s, const PointSet *points, Err *err)
{
    size_t row = points->dims * sizeof(float);
    *s = (Search){.points = points,
                  .rows = mem_alloc(ENDS, row),
                  .scratch = mem_alloc((size_t)parallel_threads(), row),
                  .far = mem_alloc(PARTS, sizeof *s->far),
                  .work = mem_alloc(PARTS, sizeof *s->work)};
    if (s->rows && s->scratch && s->far && s->work) return true;
    return err_set(err, ERR_MEMORY, "no memory to compare points of %zu values", points->dims);
}

static void search_close(Search *s)
{
    mem_free(s->rows);
    mem_free(s->scratch);
    mem_free(s->far);
    mem_free(s->work);
}

/* Which ends a point can be further from than the widest pair so far, as bits. */
static unsigned wider_ends(const Search *s, const Ranked *p)
{
    unsigned ends = 0;
    for (int e = 0; e < s->count; e++) {
        double along = s->place[e].along - p->along, across = s->place[e].across + p->across;
        ends |= (unsigned)(along * along + across * across > s->square) << e;
    }
    return ends;
}

/* far[e]: the point at positions from .. to-1 that is farthest from end e, by
 * |x|^2 + |end|^2 - 2 x end, whose products are exact in double. An interruption leaves the rest out. */
static void scan_part(const Search *s, size_t from, size_t to, Far far[ENDS], long long *work)
{
    const PointSet *p = s->points;
    float *x = s->scratch + (size_t)parallel_thread() * p->dims;
    for (int e = 0; e < s->count; e++) far[e] = (Far){-1, 0};
    for (size_t position = from; position < to && !interrupt_requested(); position++) {
        size_t i = s->order ? s->order[position].index : position;
        unsigned ends = s->order ? wider_ends(s, &s->order[position]) : ~0u;
        *work += (long long)s->count * LOOK;
        if (!ends) continue;
        p->point(p->context, i, x);
        double own = vec_sum_squares(x, p->dims);
        for (int e = 0; e < s->count; e++) {
            if (!(ends >> e & 1)) continue;
            double product = vec->dot(x, s->rows + (size_t)e * p->dims, p->dims);
            far[e] = farther(far[e], (Far){fmax(own + s->squares[e] - 2 * product, 0), i});
            *work += (long long)p->dims;
        }
    }
}

/* best[e]: the point at positions from .. to-1 that is farthest from end e. */
static void scan(Search *s, size_t from, size_t to, Far best[ENDS])
{
    const PointSet *p = s->points;
    size_t span = to - from;
    for (int e = 0; e < s->count; e++) {
        float *row = s->rows + (size_t)e * p->dims;
        p->point(p->context, s->end[e], row);
        s->squares[e] = vec_sum_squares(row, p->dims);
    }
#pragma omp parallel for num_threads(parallel_threads()) schedule(dynamic)
    for (int part = 0; part < PARTS; part++)
        scan_part(s, from + span * (size_t)part / PARTS, from + span * ((size_t)part + 1) / PARTS,
                  s->far[part], &s->work[part]);
    for (int e = 0; e < s->count; e++) {
        best[e] = s->far[0][e];
        for (int part = 1; part < PARTS; part++) best[e] = farther(best[e], s->far[part][e]);
    }
}

typedef struct {
    double square;
    size_t a, b;
} Pair;

/* The widest pair at the ends of ways from evenly spread points, each from a point to the one farthest
 * from it while that is farther than the last. */
static Pair follow_ways(Search *s)
{
    size_t count = s->points->count;
    double way[ENDS];
    Far best[ENDS];
    Pair widest = {0};
    s->count = count < ENDS ? (int)count : ENDS;
    for (int e = 0; e < s->count; e++) {
        s->end[e] = (size_t)e * (count / (size_t)s->count);
        way[e] = -1;
    }
    while (s->count > 0) {
        int left = 0;
        scan(s, 0, count, best);
        for (int e = 0; e < s->count; e++) {
            if (best[e].square > widest.square)
                widest = (Pair){best[e].square, s->end[e], best[e].index};
            bool fresh = best[e].square > way[e];
            for (int k = 0; k < left; k++) fresh = fresh && s->end[k] != best[e].index;
            if (!fresh) continue;
            s->end[left] = best[e].index;
            way[left++] = best[e].square;
        }
        s->count = left;
    }
    return widest;
}

/* Sets middle [dims] to the mean, rounded (the bounds hold for any point), and direction [dims] to the
 * way from one point of a pair to the other. sums [dims] is zero. */
static void choose_axis(const Search *s, const Pair *pair, double *sums, float *middle,
                        float *direction)
{
    const PointSet *p = s->points;
    for (size_t i = 0; i < p->count && !interrupt_requested(); i++) {
        p->point(p->context, i, s->scratch);
        for (size_t k = 0; k < p->dims; k++) sums[k] += (double)s->scratch[k];
    }
    p->point(p->context, pair->a, direction);
    p->point(p->context, pair->b, s->scratch);
    for (size_t k = 0; k < p->dims; k++) {
        middle[k] = (float)(sums[k] / (double)p->count);
        direction[k] -= s->scratch[k];
    }
}

/* Largest radius first. */
static int by_radius(const void *a, const void *b)
{
    const Ranked *x = a, *y = b;
    if (x->radius != y->radius) return x->radius < y->radius ? 1 : -1;
    return x->index < y->index ? -1 : 1;
}

static void rank_points(const Search *s, const float *middle, const float *direction, Ranked *order)
{
    const PointSet *p = s->points;
    double square = vec_sum_squares(middle, p->dims);
    double offset = vec->dot(middle, direction, p->dims);
    double length = sqrt(vec_sum_squares(direction, p->dims));
#pragma omp parallel for num_threads(parallel_threads()) schedule(static)
    for (size_t i = 0; i < p->count; i++) {
        float *x = s->scratch + (size_t)parallel_thread() * p->dims;
        p->point(p->context, i, x);
        double own = vec_sum_squares(x, p->dims) + square - 2 * vec->dot(x, middle, p->dims);
        double along = length > 0 ? (vec->dot(x, direction, p->dims) - offset) / length : 0;
        order[i] = (Ranked){.radius = sqrt(fmax(own, 0)),
                            .along = along,
                            .across = sqrt(fmax(own - along * along, 0)),
                            .index = i};
    }
    qsort(order, p->count, sizeof *order, by_radius);
}

static long long work_done(const Search *s)
{
    long long sum = 0;
    for (int part = 0; part < PARTS; part++) sum += s->work[part];
    return sum;
}

/* Compares the pairs that can be wider than *square, which grows to the widest; false where pairs are
 * left. */
static bool compare_pairs(Search *s, double *square)
{
    const Ranked *order = s->order;
    size_t count = s->points->count, end = count;
    long long limit = work_done(s) + WIDEST_WORK;
    for (size_t first = 0; first + 1 < count && !interrupt_requested(); first += ENDS) {
        s->square = *square * (1 - ROUNDING);
        double reach = sqrt(s->square) - order[first].radius;
        while (end > first + 1 && order[end - 1].radius <= reach) end--;
        if (end <= first + 1) return true;
        if (count > WIDEST_POINTS && work_done(s) > limit) return false;
        s->count = count - first < ENDS ? (int)(count - first) : ENDS;
        Far best[ENDS];
        for (int e = 0; e < s->count; e++) {
            s->place[e] = order[first + (size_t)e];
            s->end[e] = s->place[e].index;
        }
        scan(s, first + 1, end, best);
        for (int e = 0; e < s->count; e++) *square = fmax(*square, best[e].square);
    }
    return true;
}

bool widest_pair(const PointSet *points, WidestPair *found, Err *err)
{
    Search s;
    *found = (WidestPair){.exact = true};
    double *sums = mem_doubles(points->dims);
    float *axis = mem_floats(2 * points->dims);
    Ranked *order = mem_alloc(points->count, sizeof *order);
    bool ok = search_open(&s, points, err);
    if (ok && !(sums && axis && order))
        ok = err_set(err, ERR_MEMORY, "no memory to compare %zu points", points->count);
    if (ok && points->count > 1) {
        Pair pair = follow_ways(&s);
        choose_axis(&s, &pair, sums, axis, axis + points->dims);
        rank_points(&s, axis, axis + points->dims, order);
        s.order = order;
        found->exact = compare_pairs(&s, &pair.square) && !points->sampled;
        found->distance = sqrt(pair.square);
        if (interrupt_requested())
            ok = err_set(err, ERR_INTERRUPTED,
                         "interrupted while looking for the largest distance of %zu points",
                         points->count);
    }
    mem_free(sums);
    mem_free(axis);
    mem_free(order);
    search_close(&s);
    return ok;
}
