#include "base/shared_work.h"

#include "base/fsio.h"

size_t work_share_most(size_t count)
{
    size_t processes = (size_t)world_size();
    return count / processes + (count % processes > 0);
}

WorkRound work_round(size_t first, size_t left, size_t most)
{
    CHECK(most > 0);
    bool last = work_share_most(left) <= most;
    WorkRound round = {.first = first, .count = last ? left : most * (size_t)world_size()};
    world_share(round.count, &round.own, &round.own_end);
    round.own += first;
    round.own_end += first;
    return round;
}

bool work_agree(bool done, Err *err)
{
    if (!done && !(err && err->kind == ERR_INTERRUPTED)) return false;
    if (world_all(done)) return true;
    return done ? err_set(err, ERR_INTERRUPTED, "interrupted") : false;
}

bool work_same(const char *what, const void *bytes, size_t size, Err *err)
{
    char name[WORLD_NAME_BYTES];
    if (world_size() == 1) return true;
    uint64_t hash = bytes_hash(BYTES_HASH_START, bytes, size);
    int other = world_first_other(&hash, sizeof hash);
    return other < 0 || err_set(err, ERR_USAGE,
                                "%s has other %s than process 0; all processes must have the same",
                                world_name(other, name), what);
}
