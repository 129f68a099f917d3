#include "train/muon.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "math/product.h"
#include "math/vec.h"

enum { STEPS = 5 };
/* Coefficients a, b, c that raise small singular values fastest (Jordan et al. 2024). */
static const float A = 3.4445f, B = -4.7750f, C = 2.0315f;

typedef struct {
    int rows, columns;
} Sides;

/* As it lies in memory. */
static Sides sides_of(const ParamInfo *p)
{
    int columns = p->layout == LAYOUT_PLAIN ? 0 : p->shape[0];
    return (Sides){columns > 0 ? (int)(p->count / (size_t)columns) : 0, columns};
}

static int shorter(Sides s)
{
    return s.rows < s.columns ? s.rows : s.columns;
}

static int longer(Sides s)
{
    return s.rows < s.columns ? s.columns : s.rows;
}

bool muon_takes(const ParamInfo *p)
{
    return p->trainable && shorter(sides_of(p)) >= MUON_LEAST_SIDE;
}

/* Two of the whole matrix, two of its square, and what the larger product needs. */
static size_t scratch_floats(Sides s)
{
    int n = shorter(s);
    size_t of_square = product_scratch_here_floats(n, longer(s));
    size_t of_next = product_scratch_here_floats(s.columns, n);
    return 2 * mem_whole_lines((size_t)s.rows * (size_t)s.columns) +
           2 * mem_whole_lines((size_t)n * (size_t)n) + (of_square > of_next ? of_square : of_next);
}

static size_t scratch_of_a_thread(const ParamTable *table)
{
    size_t most = 0;
    for (int i = 0; i < table->count; i++) {
        if (!muon_takes(&table->info[i])) continue;
        size_t floats = scratch_floats(sides_of(&table->info[i]));
        if (floats > most) most = floats;
    }
    return mem_whole_lines(most);
}

size_t muon_scratch_floats(const ParamTable *table)
{
    return (size_t)parallel_threads() * scratch_of_a_thread(table);
}

/* next = a x + (b S + c S^2) x with S = x x^T, or the same from the right with S = x^T x, whichever S is smaller. */
static void newton_schulz(Sides s, const float *x, float *next, float *square, float *poly,
                          float *room)
{
    bool left = s.rows < s.columns;
    int n = shorter(s);
    const Product of_square = {.M = n,
                               .N = n,
                               .K = longer(s),
                               .a = x,
                               .lda = s.columns,
                               .transpose_a = !left,
                               .b = x,
                               .ldb = s.columns,
                               .transpose_b = left,
                               .alpha = 1,
                               .c = square,
                               .ldc = n};
    const Product of_poly = {.M = n,
                             .N = n,
                             .K = n,
                             .a = square,
                             .lda = n,
                             .b = square,
                             .ldb = n,
                             .alpha = C,
                             .beta = B,
                             .d = square,
                             .ldd = n,
                             .c = poly,
                             .ldc = n};
    Product of_next = {.M = s.rows,
                       .N = s.columns,
                       .K = n,
                       .alpha = 1,
                       .beta = A,
                       .d = x,
                       .ldd = s.columns,
                       .c = next,
                       .ldc = s.columns};
    of_next.a = left ? poly : x, of_next.lda = left ? n : s.columns;
    of_next.b = left ? x : poly, of_next.ldb = left ? s.columns : n;
    product_run_here(&of_square, room);
    product_run_here(&of_poly, room);
    product_run_here(&of_next, room);
}

static void update_one(const ParamInfo *p, float *w, float *m, const float *g, const MuonStep *step,
                       float *scratch)
{
    Sides s = sides_of(p);
    size_t count = p->count, whole = mem_whole_lines(count);
    size_t of_square = mem_whole_lines((size_t)shorter(s) * (size_t)shorter(s));
    float *x = scratch, *next = x + whole, *square = next + whole, *poly = square + of_square;
    float *room = poly + of_square;
    float b = step->momentum, fresh = (1 - b) * step->grad_scale;
    for (size_t i = 0; i < count; i++) {
        m[i] = b * m[i] + fresh * g[i];
        x[i] = b * m[i] + fresh * g[i];
    }
    double norm = sqrt(vec_sum_squares(x, count));
    if (!(norm > 0)) return;
    vec->scale(x, (float)(1 / norm), x, count);
    for (int i = 0; i < STEPS; i++) {
        newton_schulz(s, x, next, square, poly, room);
        float *old = x;
        x = next;
        next = old;
    }
    vec->scale(w, 1 - step->lr * step->decay, w, count);
    vec->axpy(w, -step->lr * 0.2f * sqrtf((float)longer(s)), x, count);
}

double muon_flop(const ParamInfo *p)
{
    Sides s = sides_of(p);
    double m = longer(s), n = shorter(s);
    return 2 * STEPS * n * (2 * m * n + n * n);
}

void muon_update(const ParamTable *table, const size_t *place, float *w, float *m, const float *g,
                 const MuonStep *step, float *scratch)
{
    size_t each = scratch_of_a_thread(table);
#pragma omp parallel for schedule(dynamic, 1) num_threads(parallel_threads())
    for (int i = 0; i < table->count; i++) {
        const ParamInfo *p = &table->info[i];
        bool wanted = !place || (p->offset >= place[0] && p->offset < place[1]);
        if (wanted && muon_takes(p))
            update_one(p, w + p->offset, m + p->offset, g + p->offset, step,
                       scratch + (size_t)parallel_thread() * each);
    }
}
