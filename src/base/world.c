#include "base/world.h"

#include <stdio.h>
#include <string.h>

#include "base/launcher.h"
#include "base/mem.h"
#include "base/world_mpi.h"

World world = {.size = 1};

bool world_begin(Err *err)
{
    /* MPI takes its time to begin, and without a launcher there is nobody to work with. */
    return launcher_rank() < 0 || mpi_join(err);
}

void world_go_alone(void)
{
    CHECK(world.rank == 0);
    world.alone = true;
}

bool world_should_say(const char *sentence)
{
    return world.size > 1 ? mpi_should_say(sentence) : launcher_says();
}

void world_end(int code)
{
    if (world.joined) mpi_leave(code);
    world.joined = false;
}

int world_rank(void)
{
    return world.alone ? 0 : world.rank;
}

int world_size(void)
{
    return world.alone ? 1 : world.size;
}

const char *world_name(int process, char out[WORLD_NAME_BYTES])
{
    if (world.names)
        snprintf(out, WORLD_NAME_BYTES, "process %d on %.60s", process, world.names[process]);
    else
        snprintf(out, WORLD_NAME_BYTES, "process %d", process);
    return out;
}

/* ---- data and values ---- */

size_t world_share_begin(size_t count, int process, int processes)
{
    size_t each = count / (size_t)processes, more = count % (size_t)processes, p = (size_t)process;
    return p * each + (p < more ? p : more);
}

void world_share(size_t count, size_t *first, size_t *end)
{
    *first = world_share_begin(count, world_rank(), world_size());
    *end = world_share_begin(count, world_rank() + 1, world_size());
}

void world_gather(void *items, size_t count, size_t bytes)
{
    if (world_size() > 1) mpi_gather(items, count, bytes);
}

void world_broadcast(void *data, size_t bytes)
{
    if (world_size() > 1) mpi_broadcast(0, data, bytes);
}

bool world_all(bool true_here)
{
    return world_least(true_here) != 0;
}

int world_least(int value)
{
    if (world_size() > 1) mpi_reduce(&value, 1, LEAST_INT);
    return value;
}

int world_greatest(int value)
{
    if (world_size() > 1) mpi_reduce(&value, 1, GREATEST_INT);
    return value;
}

void world_greatest_reals(double *values, int count)
{
    if (world_size() > 1) mpi_reduce(values, count, GREATEST_REAL);
}

bool world_agree(bool ok, Err *err)
{
    char name[WORLD_NAME_BYTES];
    if (world_size() == 1) return ok;
    int first = world_least(ok ? world_size() : world_rank());
    if (first == world_size()) return true;
    if (first == world_rank() && first > 0) {
        Err said = *err;
        err_set(err, said.kind, "%s: %s", world_name(first, name), said.text);
    }
    mpi_broadcast(first, err, sizeof *err);
    return false;
}

int world_first_other(const void *data, size_t bytes)
{
    if (world_size() == 1) return -1;
    char *first = mem_alloc(bytes, 1);
    CHECK(first);
    memcpy(first, data, bytes);
    world_broadcast(first, bytes);
    int other = world_least(memcmp(first, data, bytes) == 0 ? world_size() : world_rank());
    mem_free(first);
    return other < world_size() ? other : -1;
}

/* ---- parts of an array ---- */

/* Partners at distance 1, then 2, 4, ... each keep one half of what both have. */
int world_part(void)
{
    int part = 0;
    CHECK((world_size() & (world_size() - 1)) == 0);
    for (int distance = 1; distance < world_size(); distance *= 2)
        part = 2 * part + ((world_rank() & distance) != 0);
    return part;
}

static Piece piece(void *items, size_t bytes, const size_t *bounds, int part, int parts)
{
    size_t first = bounds[part], end = bounds[part + parts];
    return (Piece){(char *)items + first * bytes, (end - first) * bytes};
}

/* a + b has the bits of b + a, so that partners need not care who comes first. */
void world_sum_parts(float *x, const size_t *bounds)
{
    int first = 0, parts = world_size();
    for (int distance = 1; distance < world_size(); distance *= 2) {
        parts /= 2;
        int lower = first, upper = first + parts;
        first = (world_rank() & distance) == 0 ? lower : upper;
        int given = lower + upper - first;
        mpi_exchange(world_rank() ^ distance, piece(x, sizeof *x, bounds, given, parts),
                     piece(x, sizeof *x, bounds, first, parts), true);
    }
}

/* The same way back. */
void world_gather_parts(void *items, size_t bytes, const size_t *bounds)
{
    int first = world_part(), parts = 1;
    for (int distance = world_size() / 2; distance >= 1; distance /= 2) {
        int other = (world_rank() & distance) == 0 ? first + parts : first - parts;
        mpi_exchange(world_rank() ^ distance, piece(items, bytes, bounds, first, parts),
                     piece(items, bytes, bounds, other, parts), false);
        if (other < first) first = other;
        parts *= 2;
    }
}
