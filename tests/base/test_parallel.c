/* Items side by side, and how threads take small numbers. */
#include "base/clock.h"
#include "base/parallel.h"
#include "cli/cli.h"
#include "test.h"

typedef struct {
    int copies, done[20];
    int inside[8]; /* items that use a copy at this moment */
    int threads, most;
} SideBySide;

static void note_item(void *context, int item, int copy)
{
    SideBySide *s = context;
    int users;
#pragma omp atomic
    s->done[item]++;
#pragma omp atomic capture
    users = ++s->inside[copy];
    EXPECT_INT(users, 1);
    EXPECT(copy < s->copies);
    bool together = parallel_neighbours() > 1;
    EXPECT_INT(parallel_threads(), together ? 1 : s->threads);
    EXPECT_INT(parallel_neighbours(), together ? s->threads : 1);
#pragma omp atomic
    s->most += together;
    int team = 0;
#pragma omp parallel reduction(+ : team)
    team++;
    EXPECT_INT(team, parallel_threads());
#pragma omp atomic
    s->inside[copy]--;
}

/* Every item once; none beside others on the same copy; as many threads inside as are free. */
TEST(parallel_items_run_side_by_side_where_threads_copies_and_items_allow)
{
    FOR_THREADS(threads)
    {
        for (int copies = 1; copies <= 8; copies++)
            for (int count = 0; count <= 20; count += 5) {
                SideBySide s = {.copies = copies, .threads = threads};
                parallel_side_by_side(count, copies, NULL, note_item, &s);
                for (int i = 0; i < 20; i++) EXPECT_INT(s.done[i], i < count);
                bool able = threads > 1 && threads <= copies;
                EXPECT_INT(s.most, able ? count - count % threads : 0);
                EXPECT_INT(parallel_neighbours(), 1);
            }
    }
}

typedef struct {
    int slow; /* the number of threads with which an item is slow */
    int runs[9];
} Pace;

static void take_time(void *context, int item, int copy)
{
    Pace *p = context;
    int threads = parallel_threads(), team = 0;
    EXPECT_INT(item + copy, 0);
#pragma omp parallel reduction(+ : team)
    team++;
    EXPECT_INT(team, threads);
    p->runs[threads]++;
    double end = clock_seconds() + (threads == p->slow ? .1 : .002);
    while (clock_seconds() < end) {
    }
}

TEST(parallel_items_alone_run_in_one_thread_while_that_is_faster)
{
    parallel_set_threads(2);
    ParallelInside inside = {0};
    Pace p = {.slow = 2};
    for (int i = 0; i < 8; i++) parallel_side_by_side(1, 1, &inside, take_time, &p);
    EXPECT(inside.one_thread);
    EXPECT_INT(p.runs[2], 2); /* those of the comparison */
    p.slow = 1;
    for (int i = 0; i < 8; i++) parallel_side_by_side(1, 1, &inside, take_time, &p);
    EXPECT(!inside.one_thread);
    EXPECT_INT(p.runs[1], 6 + 2); /* waiting, and two of the comparison */
    EXPECT_INT(p.runs[2], 2 + 6);
    parallel_set_threads(0);
}

TEST(threads_can_use_no_more_cpus_than_the_machine_gives)
{
    int allowed;
    parallel_cores(&allowed);
    parallel_set_threads(1);
    EXPECT(parallel_usable_cpus() > 0 && parallel_usable_cpus() <= 1);
    parallel_set_threads(allowed + 3);
    EXPECT(parallel_usable_cpus() <= allowed);
    parallel_set_threads(0);
}

/* In how many threads a product of `a` and `b` is 0. */
static int threads_of_product_zero(volatile float a, volatile float b)
{
    int zero = 0;
#pragma omp parallel reduction(+ : zero) num_threads(parallel_threads())
    zero += a * b == 0;
    return zero;
}

#if defined(__SSE2__) || defined(__aarch64__)
TEST(subnormal_operands_and_results_are_0_in_every_thread_of_a_command)
{
    int threads = parallel_threads();
    EXPECT_INT(threads_of_product_zero(1e-39f, 1e30f), 0);
    EXPECT_INT(threads_of_product_zero(1e-30f, 1e-9f), 0);
    choose_threads(NULL);
    EXPECT_INT(threads_of_product_zero(1e-39f, 1e30f), parallel_threads());
    EXPECT_INT(threads_of_product_zero(1e-30f, 1e-9f), parallel_threads());
    parallel_set_threads(parallel_threads() + 3); /* new ones inherit it */
    EXPECT_INT(threads_of_product_zero(1e-39f, 1e30f), parallel_threads());
    parallel_flush_subnormals(false);
    EXPECT_INT(threads_of_product_zero(1e-30f, 1e-9f), 0);
    parallel_set_threads(threads);
}
#endif
