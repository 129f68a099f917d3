#include "model/precision_recall.h"

#include "base/mem.h"
#include "model/neighbours.h"

/* What is counted of queries among points. */
typedef struct {
    const Features *queries, *points;
    const double *own;    /* [queries]: squared radius of the ball of a query; NULL: not counted */
    const double *theirs; /* [points] */
    size_t *in_own;       /* [queries]: points in the query's ball */
    size_t *in_theirs;    /* [queries]: balls of points that hold the query */
} BallCount;

/* Whether a squared distance between the bounds is at most `limit`. *exact: computed when the bounds do
 * not decide, -1: not yet. */
static bool within(const BallCount *b, double limit, double low, double high, size_t query,
                   size_t point, double *exact)
{
    size_t dims = (size_t)b->queries->dims;
    if (high <= limit) return true;
    if (!(low <= limit)) return false;
    if (*exact < 0)
        *exact = squared_distance(b->queries->values + query * dims,
                                  b->points->values + point * dims, b->queries->dims);
    return *exact <= limit;
}

static void count_balls(void *context, size_t query, size_t first, size_t count, const float *low,
                        const float *high)
{
    const BallCount *b = context;
    for (size_t i = 0; i < count; i++) {
        double exact = -1, lo = (double)low[i], hi = (double)high[i];
        size_t point = first + i;
        b->in_theirs[query] += within(b, b->theirs[point], lo, hi, query, point, &exact);
        if (b->own) b->in_own[query] += within(b, b->own[query], lo, hi, query, point, &exact);
    }
}

typedef struct {
    double *real_radii, *made_radii;
    size_t *in_own, *in_theirs;
} Memory;

static bool open_memory(Memory *m, size_t real, size_t made, Err *err)
{
    size_t most = real > made ? real : made;
    *m = (Memory){mem_doubles(real), mem_doubles(made), mem_alloc(most, sizeof *m->in_own),
                  mem_alloc(most, sizeof *m->in_theirs)};
    return (m->real_radii && m->made_radii && m->in_own && m->in_theirs) ||
           err_set(err, ERR_MEMORY, "not enough memory for the balls of %zu vectors", real + made);
}

static void close_memory(Memory *m)
{
    mem_free(m->real_radii);
    mem_free(m->made_radii);
    mem_free(m->in_own);
    mem_free(m->in_theirs);
}

static double sum_of(const size_t *counts, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)counts[i];
    return sum;
}

/* The part of n counts that is not 0. */
static double part_of(const size_t *counts, size_t n)
{
    size_t some = 0;
    for (size_t i = 0; i < n; i++) some += counts[i] > 0;
    return (double)some / (double)n;
}

/* Clears the counts and counts. */
static bool count_all(BallCount b, const Memory *m, Err *err)
{
    for (size_t i = 0; i < b.queries->count; i++) m->in_own[i] = m->in_theirs[i] = 0;
    b.in_own = m->in_own;
    b.in_theirs = m->in_theirs;
    return for_all_pairs(b.queries, b.points, count_balls, &b, err);
}

static bool compare(const Features *real, const Features *made, int k, const Memory *m,
                    PrecisionRecall *out, Err *err)
{
    BallCount of_made = {.queries = made, .points = real, .theirs = m->real_radii};
    BallCount of_real = {
        .queries = real, .points = made, .own = m->real_radii, .theirs = m->made_radii};
    if (!neighbour_radii(made, k, m->made_radii, err) || !count_all(of_made, m, err)) return false;
    out->precision = part_of(m->in_theirs, made->count);
    out->density = sum_of(m->in_theirs, made->count) / ((double)k * (double)made->count);
    if (!count_all(of_real, m, err)) return false;
    out->recall = part_of(m->in_theirs, real->count);
    out->coverage = part_of(m->in_own, real->count);
    return true;
}

bool precision_recall(const Features *real, const Features *made, int count, int k,
                      const WorkProgress *progress, PrecisionRecall *out, Err *err)
{
    size_t most = 0;
    Memory m;
    CHECK(k > 0 && real->count > (size_t)k);
    for (int i = 0; i < count; i++) {
        CHECK(made[i].count > (size_t)k);
        if (made[i].count > most) most = made[i].count;
    }
    bool ok = open_memory(&m, real->count, most, err) && work_goes_on(progress, 0, err) &&
              neighbour_radii(real, k, m.real_radii, err);
    for (int i = 0; i < count && ok; i++)
        ok = work_goes_on(progress, (i + 0.5) / (count + 0.5), err) &&
             compare(real, &made[i], k, &m, &out[i], err);
    close_memory(&m);
    return ok;
}
