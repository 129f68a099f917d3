/* The format of checkpoints, and what happens to damaged ones. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint_case.h"

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
    EXPECT_CONTAINS(err.text, "its only checkpoint cannot be used: ");
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
