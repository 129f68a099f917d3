#include "model/neighbours.h"

#include <math.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "math/product.h"
#include "math/vec.h"

enum {
    QUERY_ROWS = 64,        /* queries of a product */
    BLOCK_POINTS = 1024,    /* points of a product at most, */
    BLOCK_VALUES = 1 << 22, /* and fewer where they have more values than this */
};

double squared_distance(const float *a, const float *b, int dims)
{
    double sum = 0;
    for (int i = 0; i < dims; i++) {
        double d = (double)a[i] - (double)b[i];
        sum += d * d;
    }
    return sum;
}

typedef struct {
    const Features *queries, *points;
    size_t block;         /* points of a product */
    float *query_squares; /* [queries.count]: |a|^2 */
    float *point_squares; /* [points.count] */
    float *packed;        /* a block */
    float *scratch;       /* [threads, scratch_floats]: products, low, high, packing */
    size_t scratch_floats;
    PairWork *work;
    void *context;
} Pairs;

static void fill_squares(const Features *x, float *squares)
{
    for (size_t i = 0; i < x->count; i++)
        squares[i] = (float)vec_sum_squares(x->values + i * (size_t)x->dims, (size_t)x->dims);
}

static bool open_pairs(Pairs *p, Err *err)
{
    int dims = p->queries->dims;
    size_t threads = (size_t)parallel_threads(), most = BLOCK_VALUES / (size_t)dims + 1;
    p->block = most < BLOCK_POINTS ? most : BLOCK_POINTS;
    p->scratch_floats = mem_whole_lines((QUERY_ROWS + 2) * p->block +
                                        product_scratch_here_floats((int)p->block, dims));
    p->query_squares = mem_floats(p->queries->count);
    p->point_squares = mem_floats(p->points->count);
    p->packed = mem_floats(product_packed_floats((int)p->block, dims));
    p->scratch = mem_floats(threads * p->scratch_floats);
    if (!p->query_squares || !p->point_squares || !p->packed || !p->scratch)
        return err_set(err, ERR_MEMORY, "not enough memory to compare %zu images with %zu",
                       p->queries->count, p->points->count);
    fill_squares(p->queries, p->query_squares);
    fill_squares(p->points, p->point_squares);
    return true;
}

/* The product of K terms in float32 is off by at most K 2^-24 |a| |b|, thus by K 2^-25 (|a|^2 + |b|^2); it
 * counts twice, and the sums around it round a few times more. */
static float margin_factor(int dims)
{
    return ((float)dims + 16) * 0x1p-24f;
}

static Product block_product(const Pairs *p, size_t first, size_t count)
{
    int dims = p->queries->dims;
    return (Product){.N = (int)count,
                     .K = dims,
                     .M = QUERY_ROWS,
                     .image_rows = QUERY_ROWS,
                     .lda = dims,
                     .b = p->points->values + first * (size_t)dims,
                     .ldb = dims,
                     .transpose_b = true,
                     .alpha = -2,
                     .ldc = (int)count};
}

static void run_queries(const Pairs *p, const Product *block, size_t first, size_t row)
{
    const Features *q = p->queries;
    size_t count = (size_t)block->N;
    size_t rows = q->count - row < QUERY_ROWS ? q->count - row : QUERY_ROWS;
    float *products = p->scratch + (size_t)parallel_thread() * p->scratch_floats;
    float *low = products + QUERY_ROWS * p->block, *high = low + p->block;
    float factor = margin_factor(q->dims);
    Product product = *block;
    product.M = (int)rows;
    product.a = q->values + row * (size_t)q->dims;
    product.c = products;
    product_run_here(&product, high + p->block);
    for (size_t i = 0; i < rows; i++) {
        const float *dot = products + i * count, *squares = p->point_squares + first;
        float own = p->query_squares[row + i];
        for (size_t j = 0; j < count; j++) {
            float both = own + squares[j], near = both + dot[j];
            low[j] = near - factor * both;
            high[j] = near + factor * both;
        }
        p->work(p->context, row + i, first, count, low, high);
    }
}

bool for_all_pairs(const Features *queries, const Features *points, PairWork *work, void *context,
                   Err *err)
{
    Pairs p = {.queries = queries, .points = points, .work = work, .context = context};
    CHECK(queries->dims == points->dims && queries->dims > 0);
    bool ok = open_pairs(&p, err);
    for (size_t first = 0; first < points->count && ok; first += p.block) {
        size_t count = points->count - first < p.block ? points->count - first : p.block;
        Product block = block_product(&p, first, count);
        product_pack(&block, p.packed);
        block.packed = p.packed;
#pragma omp parallel for num_threads(parallel_threads()) schedule(dynamic)
        for (size_t row = 0; row < queries->count; row += QUERY_ROWS)
            run_queries(&p, &block, first, row);
    }
    mem_free(p.query_squares);
    mem_free(p.point_squares);
    mem_free(p.packed);
    mem_free(p.scratch);
    return ok;
}

/* ---- the k nearest ---- */

static void insert(Neighbour *best, int k, Neighbour found)
{
    int at = k - 1;
    for (; at > 0 && found.squared < best[at - 1].squared; at--) best[at] = best[at - 1];
    best[at] = found;
}

static void look_for_nearer(void *context, size_t query, size_t first, size_t count,
                            const float *low, const float *high)
{
    const NeighbourSearch *s = context;
    const Features *q = &s->queries, *points = s->points;
    Neighbour *best = s->best + query * (size_t)s->k, *last = best + s->k - 1;
    (void)high;
    for (size_t i = 0; i < count; i++) {
        size_t index = s->first + first + i;
        if (!((double)low[i] < last->squared) || (s->except && s->except[query] == index)) continue;
        double squared = squared_distance(q->values + query * (size_t)q->dims,
                                          points->values + (first + i) * (size_t)q->dims, q->dims);
        if (squared < last->squared) insert(best, s->k, (Neighbour){index, squared});
    }
}

bool neighbours_open(NeighbourSearch *s, const Features *queries, int k, const size_t *except,
                     Err *err)
{
    size_t count = queries->count * (size_t)k;
    *s = (NeighbourSearch){.queries = *queries, .k = k, .except = except};
    s->best = mem_alloc(count, sizeof *s->best);
    if (!s->best) return err_set(err, ERR_MEMORY, "not enough memory for %zu neighbours", count);
    for (size_t i = 0; i < count; i++) s->best[i].squared = (double)INFINITY;
    return true;
}

bool neighbours_add(NeighbourSearch *s, const Features *points, size_t first, Err *err)
{
    s->points = points;
    s->first = first;
    return for_all_pairs(&s->queries, points, look_for_nearer, s, err);
}

void neighbours_close(NeighbourSearch *s)
{
    mem_free(s->best);
    s->best = NULL;
}

bool neighbour_radii(const Features *x, int k, double *radii, Err *err)
{
    NeighbourSearch s = {.best = NULL};
    size_t *itself = mem_alloc(x->count, sizeof *itself);
    if (!itself) return err_set(err, ERR_MEMORY, "not enough memory for %zu radii", x->count);
    for (size_t i = 0; i < x->count; i++) itself[i] = i;
    bool ok = neighbours_open(&s, x, k, itself, err) && neighbours_add(&s, x, 0, err);
    for (size_t i = 0; i < x->count && ok; i++)
        radii[i] = s.best[i * (size_t)k + (size_t)k - 1].squared;
    neighbours_close(&s);
    mem_free(itself);
    return ok;
}
