#include "checkpoint_case.h"
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
