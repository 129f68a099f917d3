#define _XOPEN_SOURCE 600 /* posix_openpt */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/choice.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fsio.h"
#include "base/machine.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/term.h"

#include "base/text.h"
#include "cli/cli.h"
#include "test.h"

TEST(err_keeps_kind_and_text_and_tells_the_exit_code)
{
    Err err = {0};
    EXPECT(!err_set(&err, ERR_USAGE, "value %d is too large", 7));
    EXPECT_TEXT(err.text, "value 7 is too large");
    EXPECT_INT(err_exit_code(err.kind), 2);
    err_set(&err, ERR_FORMAT, "outer: %s", err.text);
    EXPECT_TEXT(err.text, "outer: value 7 is too large");
    EXPECT_INT(err_exit_code(ERR_DIVERGED), 3);
    EXPECT_INT(err_exit_code(ERR_INTERRUPTED), 130);
}

/* Known answers published with the generator (Random123, kat_vectors: philox4x32 10). */
TEST(rng_philox_known_answers)
{
    uint32_t out[4];
    rng_block(0, 0, 0, out);
    EXPECT(out[0] == 0x6627e8d5u && out[1] == 0xe169c58du && out[2] == 0xbc57ac4cu &&
           out[3] == 0x9b00dbd8u);
    rng_block(UINT64_MAX, UINT64_MAX, UINT64_MAX, out);
    EXPECT(out[0] == 0x408f276du && out[1] == 0x41c83b0eu && out[2] == 0xa20bc7c6u &&
           out[3] == 0x6d5451fdu);
    rng_block(0x299f31d0a4093822u, 0x0370734413198a2eu, 0x85a308d3243f6a88u, out);
    EXPECT(out[0] == 0xd16cfe09u && out[1] == 0x94fdccebu && out[2] == 0x5001e420u &&
           out[3] == 0x24126ea1u);
}

/* A number that is cut to 32 bits anywhere would repeat a draw. */
TEST(rng_seeds_streams_and_indices_count_in_64_bits)
{
    const uint64_t high = UINT64_C(1) << 32;
    uint64_t stream = rng_stream(RNG_TEST, 5), far = rng_stream(RNG_TEST, high + 5);
    EXPECT(stream == ((uint64_t)RNG_TEST << 56 | 5) && far == (stream | high));
    uint32_t words[4];
    rng_block(9, far, high + 3, words);
    EXPECT(rng_uniform(9, far, high + 3) == ((double)words[0] + 0.5) * 0x1p-32);
    double one[4][4];
    rng_normals(one[0], 4, 9, stream, 12);
    rng_normals(one[1], 4, 9 + high, stream, 12);
    rng_normals(one[2], 4, 9, far, 12);
    rng_normals(one[3], 4, 9, stream, 12 + 4 * high); /* a block makes four */
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < a; b++) EXPECT(one[a][0] != one[b][0]);
    float values[2];
    rng_normals_float(values, 1, 9, stream, 12 + 4 * high);
    EXPECT(values[0] == (float)one[3][0]);
    EXPECT(rng_below(9 + high, stream, 0, 1u << 31) != rng_below(9, stream, 0, 1u << 31));
    EXPECT(rng_below(9, far, 0, 1u << 31) != rng_below(9, stream, 0, 1u << 31));
    EXPECT(rng_below(9, stream, high, 1u << 31) != rng_below(9, stream, 0, 1u << 31));
}

TEST(rng_normals_do_not_depend_on_the_split)
{
    double whole[37], parts[37];
    uint64_t stream = rng_stream(RNG_TEST, 5);
    rng_normals(whole, 37, 9, stream, 3);
    rng_normals(parts, 10, 9, stream, 3);
    rng_normals(parts + 10, 1, 9, stream, 13);
    rng_normals(parts + 11, 26, 9, stream, 14);
    EXPECT_SAME(whole, parts, sizeof whole);
}

/* 200,000 draws: each moment within 5 standard errors (1/sqrt n, sqrt(2/n), sqrt(96/n)). */
TEST(rng_normals_have_the_moments_of_a_gaussian)
{
    enum { N = 200000 };
    double m1 = 0, m2 = 0, m4 = 0;
    for (int i = 0; i < N; i += 100) {
        double z[100];
        rng_normals(z, 100, 1, rng_stream(RNG_TEST, 1), (uint64_t)i);
        for (int k = 0; k < 100; k++) {
            m1 += z[k];
            m2 += z[k] * z[k];
            m4 += z[k] * z[k] * z[k] * z[k];
        }
    }
    EXPECT_NEAR(m1 / N, 0, 5 / sqrt(N));
    EXPECT_NEAR(m2 / N, 1, 5 * sqrt(2.0 / N));
    EXPECT_NEAR(m4 / N, 3, 5 * sqrt(96.0 / N));
}

TEST(rng_below_is_uniform_and_in_range)
{
    int seen[7] = {0};
    for (uint64_t i = 0; i < 70000; i++) {
        uint32_t k = rng_below(3, rng_stream(RNG_TEST, 2), i, 7);
        if (!EXPECT(k < 7)) return;
        seen[k]++;
    }
    for (int k = 0; k < 7; k++) EXPECT_NEAR(seen[k], 10000, 5 * sqrt(10000.0 * 6 / 7));
}

TEST(rng_spread_takes_from_every_part_and_keeps_step_with_no_period)
{
    uint64_t stream = rng_stream(RNG_TEST, 3);
    int of_class[10] = {0};
    for (size_t i = 0; i < 1000; i++) {
        uint32_t k = rng_spread(4, stream, i, 1000, 2000);
        EXPECT(k / 2 == i);
        of_class[k % 10]++;
        EXPECT(rng_spread(4, stream, i, 1000, 1000) == i);
    }
    for (int c = 0; c < 10; c++) EXPECT_NEAR(of_class[c], 100, 5 * sqrt(200 * 0.25));
    /* Parts of 2 and of 3. */
    for (size_t i = 0, last = 0; i < 4; i++) {
        size_t k = rng_spread(4, stream, i, 4, 9);
        EXPECT(k < 9 && (i == 0 || k > last));
        last = k;
    }
}

TEST(file_write_replaces_whole_or_not_at_all)
{
    char path[PATH_BYTES];
    Err err = {0};
    EXPECT(path_join(path, test_folder(), "a.txt", &err));
    EXPECT(file_write(path, "first", 5, &err));
    FileWriter w;
    EXPECT(file_writer_open(&w, path, &err));
    EXPECT(file_writer_append(&w, "second", 6, &err));
    EXPECT_FILE(path, "first");
    file_writer_abort(&w);
    EXPECT(!path_exists(w.temporary));
    EXPECT(file_write(path, "second", 6, &err));
    EXPECT_FILE(path, "second");
    FileBytes bytes;
    EXPECT_FAILS(file_read(path, 5, &bytes, &err), err, "more than the limit of 5");
    EXPECT_INT(test_count_names(test_folder()), 1);
}

TEST(file_errors_name_the_file_and_the_reason)
{
    Err err = {0};
    FileBytes bytes;
    EXPECT(!file_read("/nonexistent/x", 10, &bytes, &err));
    EXPECT_TEXT(err.text, "/nonexistent/x: cannot open: No such file or directory");
    EXPECT_FAILS(file_read(test_folder(), 10, &bytes, &err), err, "is a folder");
    EXPECT(!file_write("/nonexistent/x", "", 0, &err));
    EXPECT_INT(err.kind, ERR_IO);
    EXPECT_FAILS(file_append_line("/dev/full", "line", &err), err, "No space left on device");
}

/* A limit on the size of files stands for a full disk; without the handler SIGXFSZ kills. */
TEST(a_line_that_does_not_fit_leaves_nothing_of_itself)
{
    char path[PATH_BYTES];
    Err err = {0};
    struct rlimit before;
    path_join(path, test_folder(), "lines", NULL);
    EXPECT(file_append_line(path, "one", &err));
    signal(SIGXFSZ, SIG_IGN);
    EXPECT(getrlimit(RLIMIT_FSIZE, &before) == 0);
    struct rlimit small = {.rlim_cur = 8, .rlim_max = before.rlim_max};
    EXPECT(setrlimit(RLIMIT_FSIZE, &small) == 0);
    EXPECT(!file_append_line(path, "too long", &err));
    EXPECT(setrlimit(RLIMIT_FSIZE, &before) == 0);
    EXPECT_INT(err.kind, ERR_IO);
    EXPECT(file_append_line(path, "two", &err));
    EXPECT_FILE(path, "one\ntwo\n");
}

TEST(folder_make_makes_parents_and_refuses_a_file)
{
    char path[PATH_BYTES], file[PATH_BYTES];
    Err err = {0};
    EXPECT(path_join(path, test_folder(), "a/b//c/", &err));
    EXPECT(folder_make(path, &err));
    EXPECT(path_is_folder(path));
    EXPECT(folder_make(path, &err));
    EXPECT(path_join(file, path, "f", &err));
    EXPECT(file_write(file, "x", 1, &err));
    EXPECT_FAILS(folder_make(file, &err), err, "is not a folder");
}

TEST(text_escape_shows_control_bytes_and_keeps_utf8)
{
    char out[64];
    text_escape(out, sizeof out, "a\n\x1b\xff\xc3\xa9z");
    EXPECT_TEXT(out, "a\\x0a\\x1b\\xff\xc3\xa9z");
    text_escape(out, 4, "abcdef");
    EXPECT_TEXT(out, "abc");
}

TEST(text_distance_counts_typing_errors)
{
    EXPECT_INT(text_distance("sampler", "sampler"), 0);
    EXPECT_INT(text_distance("", "abc"), 3);
    EXPECT_INT(text_distance("smapler", "sampler"), 1);
    EXPECT_INT(text_distance("samplr", "sampler"), 1);
    EXPECT_INT(text_distance("kitten", "sitting"), 3);
    char longer[TEXT_DISTANCE_BYTES + 2];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    EXPECT_INT(text_distance(longer, "a"), INT_MAX);
    longer[TEXT_DISTANCE_BYTES] = '\0';
    EXPECT_INT(text_distance("a", longer), TEXT_DISTANCE_BYTES - 1);
}

TEST(the_nearest_name_is_found_for_slips_and_none_for_other_words)
{
    static const char *const names[] = {"steps", "sampler", "out", "out-dir",
                                        "model", "seed",    NULL};
    static const struct {
        const char *word, *near;
    } cases[] = {{"step", "steps"},       {"samplr", "sampler"},  {"Sampler", "sampler"},
                 {"outdir", "out-dir"},   {"OUT_DIR", "out-dir"}, {"output", "out"},
                 {"model-path", "model"}, {"mod", "model"},       {"sede", "seed"},
                 {"samp", "sampler"},     {"gpu", NULL},          {"", NULL},
                 {"frobnicate", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *near = choice_nearest(choice_word, names, cases[i].word);
        EXPECT_TEXT(near ? near : "none", cases[i].near ? cases[i].near : "none");
    }
}

TEST(a_part_of_a_name_stands_for_it_unless_a_whole_name_is_as_near)
{
    static const char *const names[] = {"T-shirt/top", "coat",          "shirt", "bag",
                                        "ankle boot",  "langevin-step", "steps", NULL};
    static const struct {
        const char *word, *near;
    } cases[] = {{"tshirt", "T-shirt/top"},
                 {"T shirt", "T-shirt/top"},
                 {"TOP", "T-shirt/top"},
                 {"shirts", "shirt"},
                 {"shirt.", "shirt"},
                 {"bot", "ankle boot"},
                 {"Boots", "ankle boot"},
                 {"ankel", "ankle boot"},
                 {"t-shirt/tpo", "T-shirt/top"},
                 {"coats", "coat"},
                 {"t", NULL},
                 {"zebra", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *near = choice_nearest(choice_word, names, cases[i].word);
        EXPECT_TEXT(near ? near : "none", cases[i].near ? cases[i].near : "none");
    }
}

TEST(mem_alloc_refuses_sizes_that_overflow)
{
    EXPECT(mem_alloc(SIZE_MAX / 2, 4) == NULL);
    float *block = mem_floats(3);
    EXPECT(block && ((uintptr_t)block & 63) == 0 && block[2] == 0);
    mem_free(block);
    mem_free(NULL);
}

/* The kernel would promise it and end the process that uses it. */
TEST(mem_alloc_refuses_a_block_larger_than_all_that_is_free)
{
    MachineMemory m = machine_memory("");
    if (m.bytes == UINT64_MAX) {
        test_skip("the system does not say how much memory is free");
        return;
    }
    EXPECT(mem_alloc((size_t)(m.bytes + m.swap) + ((size_t)1 << 30), 1) == NULL);
}

TEST(memory_is_aligned_and_zeroed_at_any_size_and_also_when_it_was_used_before)
{
    for (int round = 0; round < 2; round++)
        for (size_t bytes = 1; bytes <= (size_t)12 << 20; bytes = bytes * 3 + 1) {
            unsigned char *block = mem_alloc(bytes, 1);
            if (!EXPECT(block && ((uintptr_t)block & 63) == 0)) return;
            size_t used = 0;
            for (size_t i = 0; i < bytes; i++) used += block[i] != 0;
            EXPECT_INT(used, 0);
            memset(block, 0xA5, bytes);
            mem_free(block);
        }
}

TEST(time_since_the_beginning_is_not_a_number_before_it_and_runs_after_it)
{
    EXPECT(isnan(clock_since_begin()));
    clock_begin();
    double first = clock_since_begin();
    EXPECT(first >= 0 && clock_since_begin() >= first && first < 60);
}

TEST(term_formats_durations_bytes_and_counts)
{
    char text[32];
    term_format_duration(text, 36.6);
    EXPECT_TEXT(text, "37 s");
    term_format_duration(text, 245);
    EXPECT_TEXT(text, "4:05");
    term_format_duration(text, 3723);
    EXPECT_TEXT(text, "1:02:03");
    term_format_bytes(text, 1536.0 * 1024 * 1024);
    EXPECT_TEXT(text, "1.5 GiB");
    term_format_count(text, 35746307);
    EXPECT_TEXT(text, "35,746,307");
}

TEST(nan_checks_are_alive)
{
    volatile double zero = 0;
    double nan = zero / zero;
    EXPECT(isnan(nan) && !(nan <= 1) && !isfinite(1 / zero));
}

TEST(the_worst_of_many_errors_is_nan_wherever_a_nan_stands)
{
    for (int at = -1; at < 4; at++) {
        double worst = 0;
        for (int i = 0; i < 4; i++)
            worst = test_larger(worst, i == at ? (double)NAN : i == 2 ? 5 : i);
        EXPECT(at < 0 ? worst == 5 : isnan(worst));
    }
}
