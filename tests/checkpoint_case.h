/* Checkpoints of four parameters, written and read in the scratch folder. */
#ifndef DIFFC_TESTS_CHECKPOINT_CASE_H
#define DIFFC_TESTS_CHECKPOINT_CASE_H

#include "base/fsio.h"
#include "base/rng.h"
#include "io/checkpoint.h"
#include "test.h"

enum { PARAMS = 4, BLOCK = 16 + 64 + 16 + 16, FILE_LIMIT = 1 << 20 };

static ParamInfo params[PARAMS] = {
    {.name = "bias", .rank = 1, .shape = {5}, .offset = 0, .count = 5},
    {.name = "conv.weight",
     .rank = 4,
     .shape = {3, 2, 3, 3},
     .layout = LAYOUT_CONV,
     .offset = 16,
     .count = 54},
    {.name = "linear.weight",
     .rank = 2,
     .shape = {4, 3},
     .layout = LAYOUT_LINEAR,
     .offset = 80,
     .count = 12},
    {.name = "one", .rank = 1, .shape = {1}, .offset = 96, .count = 1},
};

/* Opens, reads and closes the newest checkpoint; blocks and state are untouched after a failure. */
static inline bool load_newest(const char *run, const ParamTable *table, CheckpointBlocks *blocks,
                               CheckpointState *state, char *notes, size_t notes_size, Err *err)
{
    Checkpoint c;
    bool ok = checkpoint_open_newest(&c, run, notes, notes_size, err) &&
              checkpoint_read(&c, table, blocks, err);
    if (ok) *state = c.state;
    checkpoint_close(&c);
    return ok;
}
static const ParamTable table = {
    .info = params, .count = PARAMS, .block_floats = BLOCK, .parameters = 72};

typedef struct {
    float data[4][BLOCK];
} Values;

static inline CheckpointBlocks blocks_of(Values *v)
{
    return (CheckpointBlocks){
        .weights = v->data[0], .ema = v->data[1], .m = v->data[2], .v = v->data[3]};
}

/* Any bits at all except those of values that are not finite. */
static inline void fill_values(Values *v, unsigned tag)
{
    memset(v, 0, sizeof *v);
    for (int b = 0; b < 4; b++)
        for (int p = 0; p < PARAMS; p++)
            for (size_t i = 0; i < params[p].count; i++) {
                uint32_t r[4];
                rng_block(tag, rng_stream(RNG_TEST, (uint64_t)(b * PARAMS + p)), i, r);
                if ((r[0] & 0x7F800000u) == 0x7F800000u) r[0] &= 0xBFFFFFFFu;
                memcpy(&v->data[b][params[p].offset + i], r, 4);
            }
}

static inline CheckpointState state_at(int64_t step)
{
    CheckpointState s;
    memset(&s, 0, sizeof s);
    s.step = step;
    s.samples = UINT64_MAX - (uint64_t)step;
    s.seed = 0x123456789abcdef0ull;
    s.seconds = 0.1 + 0.2;
    s.loss_sum = 1.0 / 3;
    s.loss_count = 7;
    snprintf(s.blas, sizeof s.blas, "OpenBLAS \"x\" \\ 0.3");
    snprintf(s.level, sizeof s.level, "avx2");
    return s;
}

static inline bool save(int64_t step, int keep, Err *err)
{
    Values v;
    fill_values(&v, (unsigned)step);
    CheckpointBlocks blocks = blocks_of(&v);
    CheckpointState state = state_at(step);
    return checkpoint_save(test_folder(), &table, &blocks, &state, keep, err);
}

static const char *path_of(int64_t step)
{
    static char path[PATH_BYTES];
    snprintf(path, sizeof path, "%.200s/checkpoints/step-%08lld.safetensors", test_folder(),
             (long long)step);
    return path;
}

/* The step that a resume would start from, -1 when there is none; checks every value. */
static inline int64_t load(char *notes, size_t notes_size, Err *err)
{
    Values v, expected;
    memset(&v, 0x55, sizeof v);
    CheckpointBlocks blocks = blocks_of(&v);
    CheckpointState state;
    memset(&state, 0x55, sizeof state);
    if (!load_newest(test_folder(), &table, &blocks, &state, notes, notes_size, err)) return -1;
    fill_values(&expected, (unsigned)state.step);
    EXPECT_SAME(&v, &expected, sizeof v);
    CheckpointState wanted = state_at(state.step);
    EXPECT_SAME(&state, &wanted, sizeof state);
    return state.step;
}

static inline bool rewrite(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(bytes, 1, size, f) == size;
    return f && fclose(f) == 0 && ok;
}

#endif
