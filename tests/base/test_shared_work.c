/* Rounds of shared work with one process; with several: tests/mpi/share.sh. */
#include "base/shared_work.h"

#include "test.h"

TEST(rounds_of_one_process_are_batches_that_end_with_what_is_left)
{
    WorkRound round;
    size_t done = 0, sizes[3] = {0};
    int rounds = 0;
    for (; done < 10 && rounds < 3; done += round.count) {
        round = work_round(done, 10 - done, 4);
        EXPECT_INT(round.first, done);
        EXPECT_INT(round.own, done);
        EXPECT_INT(round.own_end, done + round.count);
        sizes[rounds++] = round.count;
    }
    EXPECT_INT(rounds, 3);
    EXPECT_INT(done, 10);
    EXPECT(sizes[0] == 4 && sizes[1] == 4 && sizes[2] == 2);
    EXPECT_INT(work_round(10, 0, 4).count, 0);
    EXPECT_INT(work_share_most(10), 10);
}

TEST(a_failure_stays_what_it_is)
{
    Err err = {0};
    EXPECT(work_agree(true, &err));
    EXPECT(work_agree(true, NULL));
    err_set(&err, ERR_DIVERGED, "not finite");
    EXPECT_REFUSED(work_agree(false, &err), err, ERR_DIVERGED, "not finite");
    err_set(&err, ERR_INTERRUPTED, "interrupted after 3");
    EXPECT_REFUSED(work_agree(false, &err), err, ERR_INTERRUPTED, "interrupted after 3");
    EXPECT(!work_agree(false, NULL));
}
