/* Work on many items that the processes (world.h) do together, round by round: each process does its share of a
 * round, they agree to go on, and world_gather gives all of them the results of the round. So results come in the
 * order of the items, and no process holds more than those of a round. With one process a round is a batch. */
#ifndef DIFFC_SHARED_WORK_H
#define DIFFC_SHARED_WORK_H

#include "base/world.h"

typedef struct {
    size_t first, count; /* items first .. first + count - 1 are done together, */
    size_t own, own_end; /* of them own .. own_end - 1 by this process, which may be none */
} WorkRound;

/* The most that a process does of `count` items: count / world_size(), rounded up. */
size_t work_share_most(size_t count);

/* The round that begins with item `first`, when `left` items are left, from it on, and a process does at most `most`
 * (1 or more, the same in all processes) in a round. */
WorkRound work_round(size_t first, size_t left, size_t most);

/* Whether all go on after their shares. done: this process has done its own; false with err, which is returned at
 * once, because main then ends all processes; but after ERR_INTERRUPTED the others learn of it and stop too, so that
 * process 0 can keep what is finished. */
bool work_agree(bool done, Err *err);

/* Whether bytes that each process has read or computed for itself are the same in all: ERR_USAGE in all, with `what` it
 * is that one has otherwise, "weights". With one process nothing is done. */
bool work_same(const char *what, const void *bytes, size_t size, Err *err);

#endif
