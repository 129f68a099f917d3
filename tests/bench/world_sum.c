/* How long it takes to sum an update's gradients over the processes that mpirun has started, each its part, and to give
 * all of them the weights that follow (tests/bench/mpi_sum.sh).
 * usage: world_sum FLOATS [ROUNDS]: one line of process 0, the median of ROUNDS sums, the least and the greatest; and the
 * processor time of a sum, user's and system's, of the process that takes most, in which waiting spins (world_mpi.c). */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/world.h"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    enum { MOST_ROUNDS = 1000 };
    static double seconds[MOST_ROUNDS];
    Err err = {0};
    size_t floats = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    int rounds = argc > 2 ? atoi(argv[2]) : 9;
    float *x = floats > 0 ? mem_floats(floats) : NULL;
    size_t bounds[65];
    if (!x || rounds < 1 || rounds > MOST_ROUNDS || !world_begin(&err)) {
        fprintf(stderr, "usage: world_sum FLOATS [ROUNDS] %s\n", err.text);
        return 2;
    }
    for (int p = 0; p <= world_size() && p <= 64; p++)
        bounds[p] = floats * (size_t)p / (size_t)world_size();
    double processor = 0;
    for (int round = -1; round < rounds; round++) {
        world_all(true);
        if (round == 0) processor = clock_processor_seconds();
        double begun = clock_seconds();
        world_sum_parts(x, bounds);
        world_gather_parts(x, sizeof *x, bounds);
        if (round >= 0) seconds[round] = clock_seconds() - begun;
    }
    processor = (clock_processor_seconds() - processor) / rounds;
    world_greatest_reals(&processor, 1);
    qsort(seconds, (size_t)rounds, sizeof *seconds, by_value);
    if (world_rank() == 0)
        printf("%d processes, %.1f MB: %.2f ms (%.2f-%.2f), processor %.2f ms\n", world_size(),
               (double)floats * 4e-6, 1e3 * seconds[rounds / 2], 1e3 * seconds[0],
               1e3 * seconds[rounds - 1], 1e3 * processor);
    mem_free(x);
    world_end(0);
    return 0;
}
