/* The measurement of what threads compute together. Its value is the machine's and not tested. */
#include <pthread.h>

#include "base/parallel.h"
#include "math/thread_gain.h"
#include "test.h"

enum { THREADS = 3, ROUNDS = 2 };
static int placed[THREADS + 1][THREADS]; /* [team][thread] */

static void note_place(int thread, int threads)
{
    __atomic_fetch_add(&placed[threads][thread], 1, __ATOMIC_RELAXED);
}

TEST(every_thread_of_every_round_is_put_in_its_place)
{
    memset(placed, 0, sizeof placed);
    double gain = thread_gain(THREADS, ROUNDS, (double)INFINITY, note_place);
    EXPECT(isfinite(gain) && gain > 0);
    EXPECT_INT(placed[1][0], ROUNDS);
    for (int i = 0; i < THREADS; i++) EXPECT_INT(placed[THREADS][i], ROUNDS);
}

TEST(the_measurement_ends_when_the_result_is_enough)
{
    memset(placed, 0, sizeof placed);
    EXPECT(thread_gain(THREADS, ROUNDS, 0, note_place) > 0);
    EXPECT_INT(placed[1][0], 1);
}

TEST(one_thread_computes_as_much_as_one)
{
    EXPECT_NEAR(thread_gain(1, ROUNDS, 1, note_place), 1, 0);
}

TEST(the_default_number_of_threads_stays_within_cores_and_cpus)
{
    int cpus, cores = parallel_cores(&cpus);
    thread_gain_decide();
    EXPECT(1 <= cores && cores <= cpus);
    EXPECT(cores < cpus || parallel_siblings() == 1);
    EXPECT(!parallel_gain_decides());
}
