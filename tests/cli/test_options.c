#include "base/fsio.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "io/config.h"
#include "io/npz.h"
#include "test.h"

enum { COUNT, SEED, ETA, OUT, KIND, SET, CLIP, JSON, ROWS };

static const char *const kind_words[] = {"small", "large", NULL};

static const Option rows[ROWS + 1] = {
    [COUNT] = {.name = "count",
               .letter = 'n',
               .type = OPTION_INT,
               .metavar = "N",
               .low = 1,
               .high = 1000,
               .fallback = "16",
               .group = "Images",
               .help = "images to make"},
    [SEED] = {.name = "seed",
              .type = OPTION_SEED,
              .metavar = "N",
              .group = "Images",
              .otherwise = "the run's",
              .help = "first seed"},
    [ETA] = {.name = "eta",
             .type = OPTION_REAL,
             .metavar = "X",
             .low = 0,
             .high = 2,
             .fallback = "0.5",
             .group = "Sampler",
             .help = "noise"},
    [OUT] = {.name = "out",
             .letter = 'o',
             .type = OPTION_TEXT,
             .metavar = "FILE",
             .group = "Sampler",
             .help = "where to"},
    [KIND] = {.name = "variance",
              .type = OPTION_CHOICE,
              .metavar = "KIND",
              .words = kind_words,
              .fallback = "large",
              .group = "Sampler",
              .help = "which"},
    [SET] = {.name = "set",
             .type = OPTION_TEXT,
             .repeatable = true,
             .metavar = "K=V",
             .group = "Sampler",
             .help = "a key"},
    [CLIP] = {.name = "clip", .type = OPTION_SWITCH, .group = "General", .help = "clamp"},
    [JSON] =
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .group = "General", .help = "JSON"},
};

static const Command command = {
    .name = "make",
    .summary = "Make things",
    .words = "[FILE]",
    .words_max = 1,
    .examples = {"diffc make a", "diffc make b"},
    .options = rows,
};

/* Splits a line at spaces and parses it; "''" is the empty word. */
static bool parse(const char *line, Arguments *out, Err *err)
{
    static char text[512];
    static char *words[32];
    int count = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        words[count++] = strcmp(word, "''") == 0 ? word + 2 : word;
    err->kind = ERR_NONE;
    err->text[0] = '\0';
    return options_parse(&command, count, words, out, err);
}

static void expect_error(const char *line, const char *text)
{
    Arguments a;
    Err err;
    EXPECT(!parse(line, &a, &err));
    EXPECT_INT(err.kind, ERR_USAGE);
    EXPECT_TEXT(err.text, text);
}

TEST(defaults_come_from_the_table)
{
    Arguments a;
    Err err;
    EXPECT(parse("", &a, &err));
    EXPECT(!a.values[COUNT].given);
    EXPECT_INT(a.values[COUNT].integer, 16);
    EXPECT_NEAR(a.values[ETA].real, 0.5, 0);
    EXPECT_TEXT(a.values[KIND].text, "large");
    EXPECT_INT(a.values[KIND].integer, 1);
    EXPECT(a.values[OUT].text == NULL);
    EXPECT_INT(a.word_count, 0);
    arguments_free(&a);
}

TEST(every_way_to_write_an_option_is_read)
{
    static const char *const lines[] = {"--count 7", "--count=7", "-n 7", "-n7"};
    for (int i = 0; i < 4; i++) {
        Arguments a;
        Err err;
        EXPECT(parse(lines[i], &a, &err));
        EXPECT(a.values[COUNT].given);
        EXPECT_INT(a.values[COUNT].integer, 7);
        arguments_free(&a);
    }
    Arguments a;
    Err err;
    EXPECT(parse("--eta=1e-3 --no-clip -j --seed 18446744073709551615 --out=a=b in", &a, &err));
    EXPECT_NEAR(a.values[ETA].real, 1e-3, 0);
    EXPECT(a.values[CLIP].given && a.values[CLIP].integer == 0);
    EXPECT(a.values[JSON].given);
    EXPECT(a.values[SEED].seed == UINT64_MAX);
    EXPECT_TEXT(a.values[OUT].text, "a=b");
    EXPECT(a.word_count == 1 && strcmp(a.words[0], "in") == 0);
    arguments_free(&a);
    EXPECT(parse("--clip", &a, &err));
    EXPECT(a.values[CLIP].given && a.values[CLIP].integer == 1);
    arguments_free(&a);
}

TEST(two_dashes_end_the_options_and_one_dash_is_a_word)
{
    Arguments a;
    Err err;
    EXPECT(parse("-- --count", &a, &err));
    EXPECT_TEXT(a.words[0], "--count");
    arguments_free(&a);
    EXPECT(parse("-", &a, &err));
    EXPECT_TEXT(a.words[0], "-");
    arguments_free(&a);
}

TEST(a_repeatable_option_keeps_every_value_in_order)
{
    Arguments a;
    Err err;
    EXPECT(parse("--set a=1 --set=b=2 --set c=3", &a, &err));
    EXPECT_INT(a.repeated_count, 3);
    EXPECT_TEXT(a.repeated[0], "a=1");
    EXPECT_TEXT(a.repeated[1], "b=2");
    EXPECT_TEXT(a.repeated[2], "c=3");
    arguments_free(&a);
}

TEST(help_wins_over_what_follows_but_not_over_what_precedes)
{
    Arguments a;
    Err err;
    EXPECT(parse("--count 3 --help --nonsense", &a, &err));
    EXPECT(a.help);
    arguments_free(&a);
    expect_error("--count x --help", "--count is 'x'; it must be a whole number from 1 to 1000");
}

TEST(numbers_are_read_whole_and_in_range)
{
    static const char *const bad[] = {"12abc", "''",   "0",   "1001", "-1", "1.5",
                                      "0x10",  "1e2",  "nan", "inf",  "+",  "99999999999999999999",
                                      "1,000", "7\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        Arguments a;
        Err err;
        char line[64];
        snprintf(line, sizeof line, "--count %s", bad[i]);
        EXPECT_REFUSED(parse(line, &a, &err), err, ERR_USAGE,
                       "it must be a whole number from 1 to 1000");
    }
    expect_error("--eta nan", "--eta is 'nan'; it must be a number from 0 to 2");
    expect_error("--eta inf", "--eta is 'inf'; it must be a number from 0 to 2");
    expect_error("--eta 1e999", "--eta is '1e999'; it must be a number from 0 to 2");
    expect_error("--eta -0.1", "--eta is '-0.1'; it must be a number from 0 to 2");
    expect_error("--eta 1.0.0", "--eta is '1.0.0'; it must be a number from 0 to 2");
    expect_error("--seed -1", "--seed is '-1'; it must be a whole number from 0 to "
                              "18446744073709551615");
    expect_error("--seed 18446744073709551616",
                 "--seed is '18446744073709551616'; it must be a whole number from 0 to "
                 "18446744073709551615");
}

TEST(an_unknown_option_names_the_nearest_known_one)
{
    expect_error("--cuont 3", "unknown option '--cuont'; did you mean '--count'?");
    expect_error("--sed=3", "unknown option '--sed'; did you mean '--seed'?");
    expect_error("--frobnicate", "unknown option '--frobnicate'");
    expect_error("-x", "unknown option '-x'");
    expect_error("--a\x1b[2J", "unknown option '--a\\x1b[2J'");
}

TEST(a_choice_names_all_choices)
{
    expect_error("--variance smal",
                 "--variance is 'smal'; it must be small or large; did you mean 'small'?");
    expect_error("--variance 3", "--variance is '3'; it must be small or large");
}

TEST(missing_and_surplus_values_are_refused)
{
    expect_error("--out", "--out needs a value: --out FILE");
    expect_error("--out --json", "--out needs a value: --out FILE");
    expect_error("--out ''", "--out must not be empty");
    expect_error("--json=yes", "--json takes no value");
    expect_error("--no-clip=1", "--no-clip takes no value");
    expect_error("--count 3 --count 4", "--count is given twice; once is enough");
    expect_error("--clip --no-clip", "--clip is given twice; once is enough");
    expect_error("a b", "unexpected argument 'b': make takes one FILE");
}

TEST(help_shows_groups_ranges_and_defaults_within_80_columns)
{
    char path[PATH_BYTES];
    Err err;
    EXPECT(path_join(path, test_folder(), "help", &err));
    FILE *file = fopen(path, "w");
    if (!EXPECT(file != NULL)) return;
    options_help(&command, file);
    fclose(file);
    FileBytes text;
    if (!EXPECT(file_read(path, 1 << 20, &text, &err))) return;
    const char *all = (const char *)text.bytes;
    EXPECT_CONTAINS(all, "usage: diffc make [FILE] [options]\n");
    EXPECT_CONTAINS(all, "\n  diffc make b\n");
    EXPECT_CONTAINS(all, "\nImages:\n");
    EXPECT_CONTAINS(all, "\n  -n, --count N           images to make (1 to 1000; default: 16)\n");
    EXPECT_CONTAINS(all, "first seed (default: the run's)");
    EXPECT_CONTAINS(all, "noise (0 to 2; default: 0.5)");
    EXPECT_CONTAINS(all, "which (small, large; default: large)");
    EXPECT_CONTAINS(all, "--set K=V ...");
    EXPECT_CONTAINS(all, "--clip, --no-clip");
    for (const char *line = all; *line; line += strcspn(line, "\n") + 1)
        EXPECT(strcspn(line, "\n") <= 80);
    file_free(&text);
}

TEST(long_words_are_wrapped_without_loss)
{
    char path[PATH_BYTES];
    Err err;
    EXPECT(path_join(path, test_folder(), "wrap", &err));
    FILE *file = fopen(path, "w");
    if (!EXPECT(file != NULL)) return;
    fputs("  --name", file);
    help_wrap(file, 8, 10,
              "one two three four five six seven eight nine ten eleven twelve thirteen");
    help_wrap(file, 12, 10, "short");
    fclose(file);
    FileBytes text;
    if (!EXPECT(file_read(path, 1 << 20, &text, &err))) return;
    EXPECT_TEXT((const char *)text.bytes,
                "  --name  one two three four five six seven eight nine ten eleven twelve\n"
                "          thirteen\n"
                "\n          short\n");
    file_free(&text);
}

/* The first `count` words; -1: all. */
static void expect_same_words(const char *key, const char *const *words, int count,
                              const int *value, Config *config)
{
    for (int i = 0; i != count && words[i]; i++) {
        char assignment[64];
        Err err;
        snprintf(assignment, sizeof assignment, "%s=%s", key, words[i]);
        EXPECT(config_set(config, assignment, &err));
        EXPECT_INT(*value, i);
    }
}

TEST(the_command_line_and_the_configuration_use_the_same_words)
{
    Config c;
    config_defaults(&c);
    expect_same_words("method.schedule", schedule_words, -1, (const int *)&c.method.noise.schedule,
                      &c);
    /* A score is not chosen: it follows from the method. */
    expect_same_words("method.prediction", prediction_words, PREDICT_SCORE,
                      (const int *)&c.method.noise.prediction, &c);
    /* Nor is a learned variance: method.learn_variance makes it. */
    expect_same_words("sample.variance", variance_words, VARIANCE_LEARNED,
                      (const int *)&c.sample.variance, &c);
    expect_same_words("sample.spacing", spacing_words, -1, (const int *)&c.sample.spacing, &c);
    config_free(&c);
}

TEST(the_median_is_the_middle_or_the_mean_of_the_middle_two)
{
    double odd[] = {3, 1, 2}, even[] = {4, 1, 2, 3}, one[] = {7};
    EXPECT_NEAR(median(odd, 3), 2, 0);
    EXPECT_NEAR(median(even, 4), 2.5, 0);
    EXPECT_NEAR(median(one, 1), 7, 0);
}

/* The layout, byte for byte, of two images of 1x2x1; the checksum is that of zlib's crc32. */
TEST(npz_files_hold_one_stored_npy_member)
{
    static const unsigned char pixels[4] = {0, 127, 128, 255};
    char path[PATH_BYTES];
    Err err;
    EXPECT(path_join(path, test_folder(), "x.npz", &err));
    if (!EXPECT(npz_write_images(path, pixels, NULL, 2, 1, 2, 1, &err))) return;
    FileBytes file;
    if (!EXPECT(file_read(path, 1 << 20, &file, &err))) return;
    const unsigned char *b = file.bytes;
    size_t npy = 30 + 9, size = 128 + 4;
    EXPECT_INT((long long)file.size, (long long)(npy + size + 46 + 9 + 22));
    EXPECT_SAME(b, "PK\3\4\x14\0\0\0\0\0\0\0\x21\0", 14);
    EXPECT_SAME(b + 14, "\x6f\x2d\x1a\x89", 4);
    EXPECT_INT(b[18], (long long)size);
    EXPECT_SAME(b + 30, "arr_0.npy", 9);
    EXPECT_SAME(b + npy, "\x93NUMPY\1\0\x76\0", 10);
    EXPECT_CONTAINS((const char *)b + npy + 10,
                    "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 2, 1), } ");
    EXPECT_INT(b[npy + 127], '\n');
    EXPECT_SAME(b + npy + 128, pixels, 4);
    EXPECT_SAME(b + npy + size, "PK\1\2", 4);
    EXPECT_SAME(b + npy + size + 16, b + 14, 4);
    EXPECT_SAME(b + npy + size + 55, "PK\5\6", 4);
    EXPECT_INT(b[npy + size + 55 + 16], (long long)(npy + size));
    file_free(&file);
}
