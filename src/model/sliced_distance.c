#include "model/sliced_distance.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "math/product.h"

enum {
    BLOCK = 32,   /* directions at a time */
    CHUNK = 4096, /* points that are projected together */
    SETS = SLICED_OTHERS + 1,
    RESULTS = SLICED_OTHERS * (SLICED_PARTS + 1),
    NO_PART = 255,
    DIGIT = 11, /* bits that a pass of the sort looks at */
    PASSES = 3,
    DIRECTION_STREAM = 255
};

typedef struct {
    const SlicedPoints *points;
    const float *sets[SETS]; /* the reference first */
    int count_sets, parts;
    float *directions; /* [SLICED_DIRECTIONS, dims] of length 1 */
    float *tiles;      /* [threads, CHUNK, BLOCK], and behind each the scratch of its product */
    size_t tile_floats;
    float *projections; /* [count_sets, BLOCK, count] */
    uint64_t *sorted;   /* [threads, count_sets + 1, count] */
    double results[BLOCK][RESULTS];
} Work;

/* ---- directions and projections ---- */

static void draw_directions(float *directions, size_t dims)
{
    for (size_t i = 0; i < SLICED_DIRECTIONS; i++) {
        float *d = directions + i * dims;
        double square = 0;
        rng_normals_float(d, dims, 0, rng_stream(RNG_COMPARE, DIRECTION_STREAM), i * dims);
        for (size_t k = 0; k < dims; k++) square += (double)d[k] * (double)d[k];
        for (size_t k = 0; k < dims; k++) d[k] = (float)((double)d[k] / sqrt(square));
    }
}

/* Projects points first .. of one set on a block of directions. */
static void project_chunk(Work *w, int set, size_t first, int block)
{
    const SlicedPoints *p = w->points;
    size_t dims = (size_t)p->dims, rows = p->count - first < CHUNK ? p->count - first : CHUNK;
    float *tile = w->tiles + (size_t)parallel_thread() * w->tile_floats;
    Product product = {.M = (int)rows,
                       .N = BLOCK,
                       .K = p->dims,
                       .a = w->sets[set] + first * dims,
                       .lda = p->dims,
                       .b = w->directions + (size_t)block * BLOCK * dims,
                       .ldb = p->dims,
                       .transpose_b = true,
                       .alpha = 1,
                       .c = tile,
                       .ldc = BLOCK};
    product_run_here(&product, tile + CHUNK * BLOCK);
    float *out = w->projections + (size_t)set * BLOCK * p->count + first;
    for (size_t d = 0; d < BLOCK; d++)
        for (size_t i = 0; i < rows; i++) out[d * p->count + i] = tile[i * BLOCK + d];
}

static void project(Work *w, int block)
{
    size_t chunks = (w->points->count + CHUNK - 1) / CHUNK;
    size_t units = chunks * (size_t)w->count_sets;
#pragma omp parallel for num_threads(parallel_threads()) schedule(dynamic)
    for (size_t unit = 0; unit < units; unit++)
        project_chunk(w, (int)(unit / chunks), unit % chunks * CHUNK, block);
}

/* ---- sorted projections: a value's bits, which are ordered as the values, above its part ---- */

static uint64_t item_of(float value, unsigned part)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits ^= bits >> 31 ? 0xFFFFFFFFu : 0x80000000u;
    return (uint64_t)bits << 8 | part;
}

static double value_of(uint64_t item)
{
    uint32_t bits = (uint32_t)(item >> 8);
    float value;
    bits ^= bits >> 31 ? 0x80000000u : 0xFFFFFFFFu;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static void radix_pass(const uint64_t *from, uint64_t *to, size_t n, int shift)
{
    size_t start[1 << DIGIT] = {0}, sum = 0;
    const uint64_t mask = (1 << DIGIT) - 1;
    for (size_t i = 0; i < n; i++) start[from[i] >> shift & mask]++;
    for (size_t d = 0; d <= mask; d++) {
        size_t count = start[d];
        start[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++) to[start[from[i] >> shift & mask]++] = from[i];
}

/* Sorts one set's projections into `out`; `spare` [count] is scratch. */
static void sort_set(const Work *w, const float *values, uint64_t *out, uint64_t *spare)
{
    const SlicedPoints *p = w->points;
    size_t items = p->count / p->together;
    for (size_t i = 0; i < p->count; i++) {
        unsigned part = (unsigned)(i / p->together * (size_t)w->parts / items);
        spare[i] = item_of(values[i], part);
    }
    for (int pass = 0; pass < PASSES; pass++) {
        bool back = pass % 2 == 1;
        radix_pass(back ? out : spare, back ? spare : out, p->count, 8 + pass * DIGIT);
    }
}

/* W_1 of two sorted sets without a part, which leaves equally many of both. */
static double distance_without(const uint64_t *a, const uint64_t *b, size_t n, unsigned part)
{
    double sum = 0;
    size_t i = 0, j = 0, count = 0;
    while (true) {
        while (i < n && (a[i] & 255) == part) i++;
        while (j < n && (b[j] & 255) == part) j++;
        if (i == n || j == n) break;
        sum += fabs(value_of(a[i++]) - value_of(b[j++]));
        count++;
    }
    return sum / (double)count;
}

/* One direction: the distances of every other set, whole and without each part. */
static void compare(Work *w, int direction)
{
    size_t n = w->points->count;
    uint64_t *sorted = w->sorted + (size_t)parallel_thread() * (size_t)(w->count_sets + 1) * n;
    uint64_t *spare = sorted + (size_t)w->count_sets * n;
    for (int s = 0; s < w->count_sets; s++)
        sort_set(w, w->projections + ((size_t)s * BLOCK + (size_t)direction) * n,
                 sorted + (size_t)s * n, spare);
    double *out = w->results[direction];
    for (int s = 1; s < w->count_sets; s++) {
        const uint64_t *other = sorted + (size_t)s * n;
        *out++ = distance_without(other, sorted, n, NO_PART);
        for (int g = 0; g < SLICED_PARTS; g++)
            *out++ = g < w->parts ? distance_without(other, sorted, n, (unsigned)g) : 0;
    }
}

/* ---- the distance ---- */

static size_t tile_floats_of(int dims)
{
    return CHUNK * BLOCK + mem_whole_lines(product_scratch_here_floats(BLOCK, dims));
}

static bool open_work(Work *w, const SlicedPoints *p, Err *err)
{
    size_t threads = (size_t)parallel_threads(), dims = (size_t)p->dims, items;
    CHECK(p->count > 0 && p->together > 0 && p->count % p->together == 0);
    CHECK(p->others >= 1 && p->others <= SLICED_OTHERS);
    items = p->count / p->together;
    *w = (Work){.points = p,
                .sets = {p->reference, p->other[0], p->other[1]},
                .count_sets = p->others + 1,
                .parts = items < SLICED_PARTS ? (int)items : SLICED_PARTS};
    w->tile_floats = tile_floats_of(p->dims);
    w->directions = mem_floats(SLICED_DIRECTIONS * dims);
    w->tiles = mem_floats(threads * w->tile_floats);
    w->projections = mem_floats((size_t)w->count_sets * BLOCK * p->count);
    w->sorted = mem_alloc(threads * (size_t)(w->count_sets + 1) * p->count, sizeof *w->sorted);
    return (w->directions && w->tiles && w->projections && w->sorted) ||
           err_set(err, ERR_MEMORY, "not enough memory for the projections of %zu patches",
                   p->count);
}

size_t sliced_bytes(size_t count, int dims, int others)
{
    size_t threads = (size_t)parallel_threads(), sets = (size_t)others + 1;
    size_t floats =
        SLICED_DIRECTIONS * (size_t)dims + threads * tile_floats_of(dims) + sets * BLOCK * count;
    return floats * sizeof(float) + threads * (sets + 1) * count * sizeof(uint64_t);
}

static void close_work(Work *w)
{
    mem_free(w->directions);
    mem_free(w->tiles);
    mem_free(w->projections);
    mem_free(w->sorted);
}

static bool run_blocks(Work *w, const WorkProgress *progress, double *sums, Err *err)
{
    draw_directions(w->directions, (size_t)w->points->dims);
    for (int block = 0; block < SLICED_DIRECTIONS / BLOCK; block++) {
        if (!work_goes_on(progress, (double)block * BLOCK / SLICED_DIRECTIONS, err)) return false;
        project(w, block);
#pragma omp parallel for num_threads(parallel_threads()) schedule(dynamic)
        for (int d = 0; d < BLOCK; d++) compare(w, d);
        for (int d = 0; d < BLOCK; d++)
            for (int r = 0; r < RESULTS; r++) sums[r] += w->results[d][r];
    }
    return true;
}

bool sliced_distances(const SlicedPoints *p, const WorkProgress *progress, SlicedDistance *out,
                      Err *err)
{
    Work w;
    double sums[RESULTS] = {0};
    bool ok = open_work(&w, p, err) && run_blocks(&w, progress, sums, err);
    for (int s = 0; s < p->others && ok; s++) {
        const double *sum = sums + s * (SLICED_PARTS + 1);
        out[s] = (SlicedDistance){.distance = sum[0] / SLICED_DIRECTIONS, .parts = w.parts};
        for (int g = 0; g < w.parts; g++) out[s].without[g] = sum[1 + g] / SLICED_DIRECTIONS;
    }
    close_work(&w);
    return ok;
}

double sliced_standard_error(const SlicedDistance *d)
{
    double mean = 0, square = 0, G = d->parts;
    for (int g = 0; g < d->parts; g++) mean += d->without[g] / G;
    for (int g = 0; g < d->parts; g++) square += (d->without[g] - mean) * (d->without[g] - mean);
    return d->parts > 1 ? sqrt((G - 1) / G * square) : (double)NAN;
}

SlicedDistance sliced_mean(const SlicedDistance *d, int n)
{
    SlicedDistance mean = {.parts = d->parts};
    for (int i = 0; i < n; i++) {
        mean.distance += d[i].distance / n;
        for (int g = 0; g < d->parts; g++) mean.without[g] += d[i].without[g] / n;
    }
    return mean;
}
