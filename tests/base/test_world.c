/* Processes that work together. Alone (make test) these are one; tests/mpi.sh starts this program by mpirun, and each
 * process then runs all cases. */

#include "base/world.h"

#include "base/rng.h"
#include "test.h"

static void leave(void)
{
    world_end(0);
}

static void join(void)
{
    static bool joined;
    Err err = {0};
    if (joined) return;
    joined = true;
    if (!EXPECT_OK(world_begin(&err), err)) abort();
    atexit(leave);
}

/* What process p contributes: values of many magnitudes, so that every order of adding has bits of its own. */
static float value(int p, size_t i)
{
    double u = rng_uniform(5, (uint64_t)p, i);
    return (float)ldexp(u - 0.5, (int)(i % 17));
}

static float tree(int first, int count, size_t i)
{
    if (count == 1) return value(first, i);
    return tree(first, count / 2, i) + tree(first + count / 2, count / 2, i);
}

/* Even parts, and the first and the last much smaller, as tensors may have it. */
static void divide(size_t *bounds, size_t n, bool even)
{
    size_t parts = (size_t)world_size();
    for (size_t p = 0; p <= parts; p++) bounds[p] = even ? n * p / parts : n - n / (p + 1);
    bounds[parts] = n;
}

TEST(sums_of_parts_have_the_bits_of_the_tree_and_gathering_gives_them_to_all)
{
    static const size_t counts[] = {0, 1, 15, 16, 17, 1000, 65536, 300001, 1500000};
    join();
    if (world_size() & (world_size() - 1)) {
        test_skip("the number of processes is no power of two");
        return;
    }
    for (size_t c = 0; c < 2 * sizeof counts / sizeof *counts; c++) {
        size_t n = counts[c / 2], bounds[65];
        float *x = test_floats(n + 1), *want = test_floats(n + 1);
        if (!EXPECT(world_size() <= 64)) return;
        divide(bounds, n, c % 2 == 0);
        for (size_t i = 0; i < n; i++) x[i] = value(world_rank(), i);
        for (size_t i = 0; i < n; i++) want[i] = tree(0, world_size(), i);
        x[n] = want[n] = (float)world_rank();
        size_t at = bounds[world_part()], own = bounds[world_part() + 1] - at;
        world_sum_parts(x, bounds);
        EXPECT_SAME(x + at, want + at, own * sizeof *x);
        world_gather_parts(x, sizeof *x, bounds);
        EXPECT_SAME(x, want, (n + 1) * sizeof *x);
    }
}

TEST(shares_are_neighbours_that_differ_by_at_most_one_and_gathering_puts_all_in_order)
{
    static const size_t counts[] = {0, 1, 2, 5, 8, 100, 40003};
    static int items[40003][3];
    join();
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        size_t n = counts[c], first, end, least = n / (size_t)world_size();
        world_share(n, &first, &end);
        EXPECT(end <= n && (end - first == least || end - first == least + 1));
        EXPECT(world_rank() > 0 || first == 0);
        EXPECT(world_rank() < world_size() - 1 || end == n);
        memset(items, 0, sizeof items);
        for (size_t i = first; i < end; i++)
            for (int k = 0; k < 3; k++) items[i][k] = 3 * (int)i + k + 1;
        world_gather(items, n, sizeof *items);
        bool same = true;
        for (size_t i = 0; i < n; i++)
            for (int k = 0; k < 3; k++) same = same && items[i][k] == 3 * (int)i + k + 1;
        EXPECT(same);
    }
}

TEST(what_process_0_says_goes_to_all_and_the_least_and_the_greatest_are_found)
{
    join();
    int rank = world_rank(), size = world_size(), said[] = {100 + rank, 200 + rank};
    double most[] = {(double)rank, (double)-rank};
    world_broadcast(said, sizeof said);
    EXPECT(said[0] == 100 && said[1] == 200);
    EXPECT_INT(world_least(7 - rank), 8 - size);
    EXPECT_INT(world_greatest(7 - rank), 7);
    world_greatest_reals(most, 2);
    EXPECT(most[0] == (double)(size - 1) && most[1] == 0);
    EXPECT(world_all(true));
    EXPECT(world_all(rank < size - 1) == false);
}

TEST(the_first_process_whose_data_differ_is_found_by_all)
{
    join();
    int other = world_rank() >= 1, same = 5;
    EXPECT_INT(world_first_other(&same, sizeof same), -1);
    EXPECT_INT(world_first_other(&other, sizeof other), world_size() > 1 ? 1 : -1);
}

TEST(the_failure_of_one_process_is_that_of_all_and_names_it)
{
    join();
    int last = world_size() - 1;
    bool fails = world_rank() == last;
    char start[40];
    Err err = {0};
    EXPECT(world_agree(true, &err));
    if (fails) err_set(&err, ERR_FORMAT, "it is no image");
    EXPECT(!world_agree(!fails, &err));
    EXPECT_INT(err.kind, ERR_FORMAT);
    EXPECT_CONTAINS(err.text, "it is no image");
    snprintf(start, sizeof start, "process %d on ", last);
    EXPECT((strncmp(err.text, start, strlen(start)) == 0) == (last > 0));
}
