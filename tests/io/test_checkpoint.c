#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
static bool load_newest(const char *run, const ParamTable *table, CheckpointBlocks *blocks,
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

static CheckpointBlocks blocks_of(Values *v)
{
    return (CheckpointBlocks){
        .weights = v->data[0], .ema = v->data[1], .m = v->data[2], .v = v->data[3]};
}

/* Any bits at all except those of values that are not finite. */
static void fill_values(Values *v, unsigned tag)
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

static CheckpointState state_at(int64_t step)
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

static bool save(int64_t step, int keep, Err *err)
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
static int64_t load(char *notes, size_t notes_size, Err *err)
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

static bool rewrite(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(bytes, 1, size, f) == size;
    return f && fclose(f) == 0 && ok;
}

TEST(checkpoint_comes_back_to_the_same_bits)
{
    Err err = {0};
    char notes[100];
    bool exists;
    EXPECT(checkpoint_exists(test_folder(), &exists, NULL) && !exists);
    EXPECT(save(12, 1, &err));
    EXPECT(checkpoint_exists(test_folder(), &exists, NULL) && exists);
    EXPECT_INT(load(notes, sizeof notes, &err), 12);
    EXPECT_TEXT(notes, "");
    EXPECT_TEXT(err.text, "");
}

TEST(checkpoint_state_that_is_not_a_number_comes_back)
{
    Err err = {0};
    Values v;
    char notes[100];
    fill_values(&v, 1);
    CheckpointBlocks blocks = blocks_of(&v);
    CheckpointState state = state_at(0), back = {0};
    state.loss_sum = (double)NAN;
    EXPECT(checkpoint_save(test_folder(), &table, &blocks, &state, 1, &err));
    EXPECT(load_newest(test_folder(), &table, &blocks, &back, notes, sizeof notes, &err));
    EXPECT(isnan(back.loss_sum) && back.step == 0);
}

TEST(checkpoint_none_is_said)
{
    Err err = {0};
    char notes[100];
    EXPECT_INT(load(notes, sizeof notes, &err), -1);
    EXPECT_INT(err.kind, ERR_IO);
    EXPECT_CONTAINS(err.text, "holds no checkpoint");
}

/* The format is a promise to later releases: a file made by another program, byte for byte. */
TEST(checkpoint_format_1_is_pinned)
{
    Err err = {0};
    Values v, back;
    FileBytes golden, mine;
    char notes[100];
    memset(&v, 0, sizeof v);
    for (int b = 0; b < 4; b++)
        for (int p = 0; p < PARAMS; p++) {
            float disk[54];
            for (size_t i = 0; i < params[p].count; i++)
                disk[i] = (float)(((int)i * 37 + p * 11 + b * 5) % 256 - 128) / 64.0f;
            params_from_disk(&params[p], v.data[b] + params[p].offset, disk);
        }
    CheckpointBlocks blocks = blocks_of(&v);
    CheckpointState state = {.step = 1234,
                             .samples = UINT64_MAX,
                             .seed = 77,
                             .seconds = 0.1 + 0.2,
                             .loss_sum = 1.5,
                             .loss_count = 3,
                             .blas = "test",
                             .level = "plain"};
    EXPECT(checkpoint_save(test_folder(), &table, &blocks, &state, 1, &err));
    if (!EXPECT(file_read("tests/golden/checkpoint-1.safetensors", FILE_LIMIT, &golden, &err)))
        return;
    EXPECT(file_read(path_of(1234), FILE_LIMIT, &mine, &err));
    EXPECT_INT((long long)mine.size, (long long)golden.size);
    if (mine.size == golden.size) EXPECT_SAME(mine.bytes, golden.bytes, mine.size);
    EXPECT(rewrite(path_of(1234), golden.bytes, golden.size));
    CheckpointBlocks target = blocks_of(&back);
    CheckpointState read = {0};
    EXPECT(load_newest(test_folder(), &table, &target, &read, notes, sizeof notes, &err));
    EXPECT_SAME(&back, &v, sizeof v);
    EXPECT(read.step == 1234 && read.samples == UINT64_MAX && read.loss_count == 3);
    file_free(&mine);
    file_free(&golden);
    /* Earlier releases wrote one more number. */
    EXPECT(file_read("tests/golden/checkpoint-1-older.safetensors", FILE_LIMIT, &golden, &err) &&
           rewrite(path_of(1234), golden.bytes, golden.size) &&
           load_newest(test_folder(), &table, &target, &read, notes, sizeof notes, &err));
    EXPECT(read.step == 1234 && read.loss_count == 3);
    file_free(&golden);
}

TEST(checkpoint_of_an_unknown_format_is_refused_in_plain_words)
{
    Err err = {0};
    FileBytes golden;
    char notes[100];
    EXPECT(save(3, 5, &err));
    EXPECT(file_read("tests/golden/checkpoint-2.safetensors", FILE_LIMIT, &golden, &err));
    EXPECT(rewrite(path_of(9), golden.bytes, golden.size));
    file_free(&golden);
    EXPECT_INT(load(notes, sizeof notes, &err), -1);
    EXPECT_INT(err.kind, ERR_FORMAT);
    EXPECT_CONTAINS(err.text, "has format 2, written by another release of diffc");
}

TEST(checkpoint_any_flipped_bit_is_noticed)
{
    Err err = {0};
    FileBytes file;
    char notes[1000];
    EXPECT(save(5, 1, &err));
    if (!EXPECT(file_read(path_of(5), FILE_LIMIT, &file, &err))) return;
    size_t cases = 0;
    for (size_t at = 0; at < file.size; at++) {
        /* Each byte of the header with every bit, each byte of the data with one. */
        for (int bit = 0; bit < 8; bit++) {
            if (at > 16 && at % 3 != 0 && bit != (int)(at % 8)) continue;
            file.bytes[at] ^= (unsigned char)(1 << bit);
            EXPECT(rewrite(path_of(5), file.bytes, file.size));
            if (!EXPECT(load(notes, sizeof notes, &err) == -1))
                printf("    bit %d of byte %zu\n", bit, at);
            EXPECT_CONTAINS(notes, "step-00000005.safetensors");
            file.bytes[at] ^= (unsigned char)(1 << bit);
            cases++;
        }
    }
    EXPECT(cases > 5000);
    EXPECT_CONTAINS(err.text, "none of its 1 checkpoints can be used");
    EXPECT(rewrite(path_of(5), file.bytes, file.size));
    EXPECT_INT(load(notes, sizeof notes, &err), 5);
    file_free(&file);
}

TEST(checkpoint_cut_or_shuffled_files_are_refused)
{
    Err err = {0};
    FileBytes file;
    char notes[1000];
    EXPECT(save(5, 1, &err));
    if (!EXPECT(file_read(path_of(5), FILE_LIMIT, &file, &err))) return;
    for (size_t size = 0; size < file.size; size += 1 + size % 13) {
        EXPECT(rewrite(path_of(5), file.bytes, size));
        EXPECT_INT(load(notes, sizeof notes, &err), -1);
    }
    unsigned char *swapped = malloc(file.size);
    for (size_t at = file.size - 1024; at + 128 <= file.size; at += 64) {
        memcpy(swapped, file.bytes, file.size);
        memcpy(swapped + at, file.bytes + at + 64, 64);
        memcpy(swapped + at + 64, file.bytes + at, 64);
        EXPECT(rewrite(path_of(5), swapped, file.size));
        EXPECT_INT(load(notes, sizeof notes, &err), -1);
    }
    free(swapped);
    file_free(&file);
}

TEST(checkpoint_damaged_newest_gives_way_to_the_one_before)
{
    Err err = {0};
    FileBytes file;
    char notes[1000];
    for (int64_t step = 10; step <= 30; step += 10) EXPECT(save(step, 3, &err));
    EXPECT(file_read(path_of(30), FILE_LIMIT, &file, &err));
    file.bytes[file.size - 1] ^= 1;
    EXPECT(rewrite(path_of(30), file.bytes, file.size));
    EXPECT_INT(load(notes, sizeof notes, &err), 20);
    EXPECT_CONTAINS(notes, "skipped ");
    EXPECT_CONTAINS(notes, "step-00000030.safetensors: is damaged (check sum");
    EXPECT(rewrite(path_of(20), "", 0));
    EXPECT_INT(load(notes, sizeof notes, &err), 10);
    EXPECT_CONTAINS(notes, "step-00000020.safetensors: is empty, expected");
    char little[20];
    EXPECT_INT(load(little, sizeof little, &err), 10);
    EXPECT(strlen(little) < sizeof little);
    file_free(&file);
    /* Training goes on from 10 and saves 11: the damaged later ones must not outlive it. */
    EXPECT(save(11, 1, &err));
    EXPECT(path_exists(path_of(11)) && !path_exists(path_of(10)) && !path_exists(path_of(20)) &&
           !path_exists(path_of(30)));
    EXPECT_INT(load(notes, sizeof notes, &err), 11);
}

TEST(checkpoint_rotation_keeps_the_newest)
{
    Err err = {0};
    char notes[100];
    static const int64_t steps[] = {1, 20, 99999999, 100000000, 100000001};
    for (int i = 0; i < 5; i++) EXPECT(save(steps[i], 2, &err));
    Names names;
    char folder[PATH_BYTES];
    path_join(folder, test_folder(), "checkpoints", &err);
    EXPECT(folder_list(folder, &names, &err));
    EXPECT_INT((long long)names.count, 2);
    names_free(&names);
    EXPECT(path_exists(path_of(100000001)) && path_exists(path_of(100000000)));
    EXPECT_INT(load(notes, sizeof notes, &err), 100000001);
}

TEST(checkpoint_other_files_in_the_folder_are_left_alone)
{
    Err err = {0};
    char path[PATH_BYTES], notes[100];
    static const char *const names[] = {"notes.txt", "step-1.safetensors",
                                        "step-0000000x.safetensors",
                                        "step-00000001.safetensors.bak", "other.tmp"};
    static const char leftover[] = "step-00000001.safetensors.999999999.tmp";
    EXPECT(save(1, 1, &err));
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%.200s/checkpoints/%s", test_folder(), names[i]);
        EXPECT(rewrite(path, "x", 1));
    }
    snprintf(path, sizeof path, "%.200s/checkpoints/%s", test_folder(), leftover);
    EXPECT(rewrite(path, "x", 1));
    EXPECT(save(2, 1, &err));
    EXPECT(!path_exists(path)); /* what a killed writer left */
    EXPECT(!path_exists(path_of(1)));
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%.200s/checkpoints/%s", test_folder(), names[i]);
        EXPECT(path_exists(path));
    }
    EXPECT_INT(load(notes, sizeof notes, &err), 2);
}

/* A full disk at every size of file that can still be written. */
TEST(checkpoint_save_that_fails_midway_keeps_the_old_ones)
{
    Err err = {0};
    char notes[100];
    struct rlimit before, small;
    EXPECT(save(1, 1, &err));
    FileBytes whole;
    EXPECT(file_read(path_of(1), FILE_LIMIT, &whole, &err));
    size_t size = whole.size;
    file_free(&whole);
    getrlimit(RLIMIT_FSIZE, &before);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    for (size_t room = 0; room < size; room += room < 16 ? 1 : 97) {
        Err full = {0};
        small = before;
        small.rlim_cur = room;
        setrlimit(RLIMIT_FSIZE, &small);
        bool saved = save(2, 1, &full);
        setrlimit(RLIMIT_FSIZE, &before);
        EXPECT_REFUSED(saved, full, ERR_IO, "step-00000002.safetensors: cannot write");
        EXPECT(path_exists(path_of(1)) && !path_exists(path_of(2)));
    }
    signal(SIGXFSZ, handler);
    EXPECT_INT(load(notes, sizeof notes, &err), 1);
    Names names;
    char folder[PATH_BYTES];
    path_join(folder, test_folder(), "checkpoints", &err);
    EXPECT(folder_list(folder, &names, &err));
    EXPECT_INT((long long)names.count, 1); /* no temporary file stays */
    names_free(&names);
    EXPECT(save(2, 1, &err));
    EXPECT_INT(load(notes, sizeof notes, &err), 2);
}

TEST(checkpoint_save_over_a_folder_or_below_a_file_is_an_error)
{
    Err err = {0};
    char path[PATH_BYTES], notes[100];
    EXPECT(save(1, 1, &err));
    EXPECT(mkdir(path_of(2), 0777) == 0);
    EXPECT_FAILS(save(2, 1, &err), err, "is a folder");
    EXPECT_INT(load(notes, sizeof notes, &err), 1);
    path_join(path, test_folder(), "file", &err);
    EXPECT(rewrite(path, "x", 1));
    Values v;
    fill_values(&v, 1);
    CheckpointBlocks blocks = blocks_of(&v);
    CheckpointState state = state_at(1);
    EXPECT(!checkpoint_save(path, &table, &blocks, &state, 1, &err));
    EXPECT_INT(err.kind, ERR_IO);
}

TEST(checkpoint_values_that_are_not_finite_are_never_written)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    char notes[100];
    Err err = {0};
    EXPECT(save(1, 1, &err));
    for (int b = 0; b < 4; b++)
        for (int p = 0; p < PARAMS; p++) {
            Values v;
            fill_values(&v, 2);
            v.data[b][params[p].offset + params[p].count - 1] = bad[(b + p) % 3];
            CheckpointBlocks blocks = blocks_of(&v);
            CheckpointState state = state_at(2);
            EXPECT_REFUSED(checkpoint_save(test_folder(), &table, &blocks, &state, 1, &err), err,
                           ERR_DIVERGED, params[p].name);
        }
    EXPECT_INT(load(notes, sizeof notes, &err), 1);
}

TEST(checkpoint_of_another_network_is_refused_with_the_first_difference)
{
    Err err = {0};
    Values v, before;
    char notes[1000];
    EXPECT(save(1, 2, &err));
    EXPECT(save(2, 2, &err));
    for (int way = 0; way < 4; way++) {
        ParamInfo changed[PARAMS + 1];
        memcpy(changed, params, sizeof params);
        ParamTable other = table;
        other.info = changed;
        const char *part = "";
        if (way == 0) {
            changed[1].shape[0] = 2;
            changed[1].shape[1] = 3;
            part =
                "\"w.conv.weight\" is [3, 2, 3, 3] there, but [2, 3, 3, 3] in the configured one";
        } else if (way == 1) {
            snprintf(changed[2].name, sizeof changed[2].name, "linear_2.weight");
            part = "it has no \"w.linear_2.weight\", which the configured one needs";
        } else if (way == 2) {
            other.count = 3;
            part = "it holds \"ema.one\", which the configured one does not have";
        } else {
            changed[0].rank = 2;
            changed[0].shape[1] = 1;
            part = "\"w.bias\" is [5] there, but [5, 1] in the configured one";
        }
        memset(&v, 0x33, sizeof v);
        before = v;
        CheckpointBlocks blocks = blocks_of(&v);
        CheckpointState state;
        EXPECT_REFUSED(
            load_newest(test_folder(), &other, &blocks, &state, notes, sizeof notes, &err), err,
            ERR_FORMAT, "step-00000002.safetensors: belongs to another network: ");
        EXPECT_CONTAINS(err.text, part);
        EXPECT_SAME(&v, &before, sizeof v);
    }
}

/* A writer that is killed at any moment: what it announced is there, and it loads. */
TEST(checkpoint_survives_a_writer_killed_at_any_moment)
{
    for (unsigned shot = 0; shot < 8; shot++) {
        int ends[2];
        if (!EXPECT(pipe(ends) == 0)) return;
        test_folder(); /* made here, so that parent and child agree on it */
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            for (int64_t step = 1 + 1000 * shot;; step++) {
                if (!save(step, 2, NULL) || write(ends[1], &step, sizeof step) < 0) _exit(1);
            }
        }
        close(ends[1]);
        int64_t announced = -1, step;
        /* A few saves, then a moment that differs from shot to shot. */
        for (unsigned i = 0; i < 1 + shot % 2; i++)
            if (read(ends[0], &step, sizeof step) == sizeof step) announced = step;
        usleep(shot * 137 % 1000);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(ends[0], &step, sizeof step) == sizeof step) announced = step;
        close(ends[0]);
        Err err = {0};
        char notes[1000];
        int64_t found = load(notes, sizeof notes, &err);
        EXPECT(announced > 0 && found >= announced);
        EXPECT_TEXT(notes, "");
    }
}

TEST(run_lock_refuses_a_second_owner_by_pid)
{
    RunLock first, second;
    Err err = {0};
    char expected[64];
    EXPECT(run_lock(&first, test_folder(), &err));
    run_lock_sign(&first);
    EXPECT(!run_lock(&second, test_folder(), &err));
    EXPECT_INT(err.kind, ERR_IO);
    snprintf(expected, sizeof expected, "is in use by process %ld", (long)getpid());
    EXPECT_CONTAINS(err.text, expected);
    run_unlock(&second); /* holds nothing: must not free the first */
    EXPECT(!run_lock(&second, test_folder(), &err));
    run_unlock(&first);
    run_unlock(&first);
    EXPECT(run_lock(&second, test_folder(), &err));
    run_unlock(&second);
}

TEST(run_lock_of_a_killed_process_does_not_block)
{
    int ends[2];
    Err err = {0};
    RunLock lock;
    if (!EXPECT(pipe(ends) == 0)) return;
    test_folder();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char ok = run_lock(&lock, test_folder(), NULL) ? 'y' : 'n';
        run_lock_sign(&lock);
        if (write(ends[1], &ok, 1) != 1) _exit(1);
        for (;;) pause();
    }
    char ok = 'n', expected[64];
    EXPECT(read(ends[0], &ok, 1) == 1 && ok == 'y');
    EXPECT(!run_lock(&lock, test_folder(), &err));
    snprintf(expected, sizeof expected, "process %ld;", (long)child);
    EXPECT_CONTAINS(err.text, expected);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    EXPECT(run_lock(&lock, test_folder(), &err));
    run_unlock(&lock);
    close(ends[0]);
    close(ends[1]);
}

TEST(run_lock_needs_the_folder)
{
    RunLock lock;
    Err err = {0};
    EXPECT_REFUSED(run_lock(&lock, "/no/such/run", &err), err, ERR_IO, "/no/such/run/lock");
}
