#include "math/roof.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "math/vec.h"

/* Each figure is the best of a few tries, for what disturbs can only slow. */
enum { TRIES = 4 };
static const double try_seconds = 0.018;

/* Of the caches when the system does not tell. */
static const double usual_size[ROOF_MEMORY] = {512 << 10, 16 << 20};

/* Bytes of a cache of the first CPU: /sys/.../index2 is the second level. */
static double cache_size(int level)
{
    char path[80], unit = 0;
    double size = 0;
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", level);
    FILE *file = fopen(path, "r");
    if (!file) return usual_size[level - 2];
    int found = fscanf(file, "%lf%c", &size, &unit);
    fclose(file);
    if (found < 1 || !(size > 0)) return usual_size[level - 2];
    return size * (unit == 'K' ? 1024 : unit == 'M' ? 1048576 : 1);
}

static double flops(void)
{
    const double round = 2.0 * VEC_CHAINS * vec->lanes * parallel_threads();
    long rounds = 20000;
    double best = 0;
    volatile float sink = 0;
    for (int i = 0; i < TRIES; i++) {
        double begin = clock_seconds();
        float sum = 0;
#pragma omp parallel num_threads(parallel_threads()) reduction(+ : sum)
        sum += vec->multiply_adds(rounds);
        sink = sum;
        double seconds = clock_seconds() - begin;
        best = fmax(best, round * (double)rounds / seconds);
        rounds = (long)fmax(20000, best * try_seconds / round);
    }
    (void)sink;
    return best;
}

void roof_stretches(const Roof *r, int threads, size_t count[ROOF_PLACES])
{
    const double most = 256 << 20, least = 1024;
    double l2 = threads * r->size[ROOF_L2], l3 = r->size[ROOF_L3];
    const double walked[ROOF_PLACES] = {l2 / 2, l3 / 2, 4 * fmax(l2, l3)};
    for (int i = 0; i < ROOF_PLACES; i++)
        count[i] = (size_t)fmax(least, fmin(walked[i], most) / threads / 2 / sizeof(float));
}

/* A page that was never written is the system's one page of zeros, which stays in the cache. So each thread writes
 * what it is to walk before it is measured. */
static void write_stretches(float *x, size_t count)
{
#pragma omp parallel num_threads(parallel_threads())
    {
        float *own = x + 2 * count * (size_t)parallel_thread();
        for (size_t i = 0; i < 2 * count; i++) own[i] = 1;
    }
}

/* Each thread goes over a stretch of its own, of `count` floats of x and of y. */
static double bytes_rate(float *x, size_t count)
{
    const double round = 3.0 * sizeof *x * (double)count * parallel_threads();
    int rounds = 1;
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        double begin = clock_seconds();
#pragma omp parallel num_threads(parallel_threads())
        {
            float *from = x + 2 * count * (size_t)parallel_thread();
            for (int k = 0; k < rounds; k++) vec->axpy(from + count, 0.5f, from, count);
        }
        best = fmax(best, round * rounds / (clock_seconds() - begin));
        rounds = (int)fmax(1, best * try_seconds / round);
    }
    return best;
}

bool roof_measure(Roof *r, Err *err)
{
    size_t count[ROOF_PLACES];
    for (int i = ROOF_L2; i < ROOF_MEMORY; i++) r->size[i] = cache_size(i + 2);
    roof_stretches(r, parallel_threads(), count);
    float *x = mem_floats(2 * count[ROOF_MEMORY] * (size_t)parallel_threads());
    if (!x) return err_set(err, ERR_MEMORY, "not enough memory to measure the machine's memory");
    r->flops = flops();
    write_stretches(x, count[ROOF_MEMORY]);
    for (int i = 0; i < ROOF_PLACES; i++) r->bytes[i] = bytes_rate(x, count[i]);
    mem_free(x);
    return true;
}

double roof_seconds(const Roof *r, double flop, double bytes, double set, RoofPlace *place)
{
    RoofPlace where = ROOF_L2;
    while (where < ROOF_MEMORY && set > r->size[where]) where++;
    double arithmetic = flop / r->flops, moving = bytes / r->bytes[where];
    if (place) *place = arithmetic >= moving ? ROOF_PLACES : where;
    return fmax(arithmetic, moving);
}

const char *roof_place_name(RoofPlace place)
{
    static const char *const names[] = {"L2", "L3", "memory", "arithmetic"};
    return names[place];
}
