#include "model/kernel_distance.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "math/product.h"

enum { REFERENCE_STREAM = 254, OTHER_STREAM = 253 };

/* A subset of a set, in the set's order: the vectors of a part follow each other. */
typedef struct {
    const Features *set;
    uint64_t stream;
    float *values;               /* [vectors, dims] */
    int first[KERNEL_PARTS + 1]; /* of each part; the last: all */
} Subset;

/* Sums of the kernel over the pairs of a part of one set and a part of the other. */
typedef struct {
    double sum[KERNEL_PARTS][KERNEL_PARTS];
} PairSums;

typedef struct {
    int dims, vectors, subsets, parts;
    Subset own, other;
    float *products; /* [vectors, vectors] and the scratch of their product */
    double *rows;    /* [vectors, KERNEL_PARTS] */
} Work;

/* Vector i of n is drawn with the probability that is left, (wanted - drawn) / (n - i): every subset is equally
 * likely (Knuth, volume 2, 3.4.2, algorithm S). */
static void draw_subset(const Work *w, int number, Subset *s)
{
    size_t n = s->set->count, dims = (size_t)w->dims;
    int drawn = 0, part = 0;
    s->first[0] = 0;
    for (size_t i = 0; i < n; i++) {
        for (int of = (int)(i * (size_t)w->parts / n); part < of;) s->first[++part] = drawn;
        double left = (double)(w->vectors - drawn) / (double)(n - i);
        if (!(rng_uniform(0, s->stream, (uint64_t)number * n + i) < left)) continue;
        memcpy(s->values + (size_t)drawn++ * dims, s->set->values + i * dims,
               dims * sizeof *s->values);
    }
    while (part < w->parts) s->first[++part] = drawn;
    CHECK(drawn == w->vectors);
}

/* The sums of row i of the kernel by the part of the column; `same`: without i itself. */
static void sum_row(const Work *w, const Subset *b, int i, bool same, double *out)
{
    const float *products = w->products + (size_t)i * (size_t)w->vectors;
    for (int part = 0; part < w->parts; part++) {
        double sum = 0;
        for (int j = b->first[part]; j < b->first[part + 1]; j++) {
            double k = (double)products[j] / w->dims + 1;
            if (!same || j != i) sum += k * k * k;
        }
        out[part] = sum;
    }
}

static void sum_pairs(Work *w, const Subset *a, const Subset *b, PairSums *out)
{
    size_t vectors = (size_t)w->vectors;
    Product p = {.M = w->vectors,
                 .N = w->vectors,
                 .K = w->dims,
                 .a = a->values,
                 .lda = w->dims,
                 .b = b->values,
                 .ldb = w->dims,
                 .transpose_b = true,
                 .alpha = 1,
                 .c = w->products,
                 .ldc = w->vectors};
    product_run(&p, w->products + vectors * vectors);
#pragma omp parallel for num_threads(parallel_threads()) schedule(static)
    for (int i = 0; i < w->vectors; i++)
        sum_row(w, b, i, a == b, w->rows + (size_t)i * KERNEL_PARTS);
    *out = (PairSums){.sum = {{0}}};
    for (int of = 0; of < w->parts; of++)
        for (int i = a->first[of]; i < a->first[of + 1]; i++)
            for (int part = 0; part < w->parts; part++)
                out->sum[of][part] += w->rows[(size_t)i * KERNEL_PARTS + (size_t)part];
}

/* The sum without a part of both sets; part -1: of all. */
static double sum_without(const PairSums *s, int parts, int without)
{
    double sum = 0;
    for (int a = 0; a < parts; a++)
        for (int b = 0; b < parts; b++)
            if (a != without && b != without) sum += s->sum[a][b];
    return sum;
}

static double count_without(const Work *w, const Subset *s, int part)
{
    return w->vectors - (part < 0 ? 0 : s->first[part + 1] - s->first[part]);
}

static double discrepancy(const Work *w, const PairSums *own, const PairSums *other,
                          const PairSums *both, int without)
{
    double m = count_without(w, &w->own, without), n = count_without(w, &w->other, without);
    return sum_without(own, w->parts, without) / (m * (m - 1)) +
           sum_without(other, w->parts, without) / (n * (n - 1)) -
           2 * sum_without(both, w->parts, without) / (m * n);
}

/* ---- the mean over subsets ---- */

static bool open_work(Work *w, const Features *reference, size_t least, Err *err)
{
    size_t vectors = least < KERNEL_SUBSET_VECTORS ? least : KERNEL_SUBSET_VECTORS;
    size_t dims = (size_t)reference->dims;
    size_t scratch = product_scratch_floats((int)vectors, reference->dims, parallel_threads());
    *w = (Work){.dims = reference->dims,
                .vectors = (int)vectors,
                .subsets = KERNEL_SUBSETS,
                .parts = vectors < KERNEL_PARTS ? (int)vectors : KERNEL_PARTS,
                .own = {.set = reference,
                        .stream = rng_stream(RNG_COMPARE, REFERENCE_STREAM),
                        .values = mem_floats(vectors * dims)},
                .other = {.stream = rng_stream(RNG_COMPARE, OTHER_STREAM),
                          .values = mem_floats(vectors * dims)},
                .products = mem_floats(vectors * vectors + scratch),
                .rows = mem_doubles(vectors * KERNEL_PARTS)};
    return (w->own.values && w->other.values && w->products && w->rows) ||
           err_set(err, ERR_MEMORY, "not enough memory for the kernel of %zu vectors", vectors);
}

static void close_work(Work *w)
{
    mem_free(w->own.values);
    mem_free(w->other.values);
    mem_free(w->products);
    mem_free(w->rows);
}

/* Sums over subsets: whole, then without each part. */
typedef struct {
    double sum[1 + KERNEL_PARTS];
} Sums;

static void add_subset(Work *w, int number, const Features *others, int count, Sums *sums)
{
    PairSums own, other, both;
    draw_subset(w, number, &w->own);
    sum_pairs(w, &w->own, &w->own, &own);
    for (int i = 0; i < count; i++) {
        w->other.set = &others[i];
        draw_subset(w, number, &w->other);
        sum_pairs(w, &w->other, &w->other, &other);
        sum_pairs(w, &w->own, &w->other, &both);
        for (int part = -1; part < w->parts; part++)
            sums[i].sum[1 + part] += discrepancy(w, &own, &other, &both, part);
    }
}

static KernelDistance distance_of(const Work *w, const Sums *s)
{
    double mean = 0, square = 0, G = w->parts;
    for (int g = 1; g <= w->parts; g++) mean += s->sum[g] / G;
    for (int g = 1; g <= w->parts; g++) square += (s->sum[g] - mean) * (s->sum[g] - mean);
    return (KernelDistance){
        .distance = s->sum[0] / w->subsets,
        .standard_error = w->vectors > 2 ? sqrt((G - 1) / G * square) / w->subsets : (double)NAN,
        .subsets = w->subsets,
        .vectors = w->vectors};
}

bool kernel_distances(const Features *reference, const Features *others, int count,
                      const WorkProgress *progress, KernelDistance *out, Err *err)
{
    enum { MOST_OTHERS = 4 };
    Sums sums[MOST_OTHERS] = {{{0}}};
    Work w;
    size_t least = reference->count, most = least;
    CHECK(count <= MOST_OTHERS);
    for (int i = 0; i < count; i++) {
        CHECK(others[i].dims == reference->dims);
        if (others[i].count < least) least = others[i].count;
        if (others[i].count > most) most = others[i].count;
    }
    CHECK(least > 1);
    bool ok = open_work(&w, reference, least, err);
    /* All subsets are the same: the sets. */
    if (ok && most == (size_t)w.vectors) w.subsets = 1;
    for (int s = 0; s < w.subsets && ok; s++) {
        ok = work_goes_on(progress, (double)s / w.subsets, err);
        if (ok) add_subset(&w, s, others, count, sums);
    }
    for (int i = 0; i < count && ok; i++) out[i] = distance_of(&w, &sums[i]);
    close_work(&w);
    return ok;
}
