/* The file of decoded images of a folder: what is read from it is what decoding gives, and whatever does not fit is made
 * anew. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parallel.h"
#include "data/data_cache.h"
#include "dataset_case.h"

enum { SIDE = 4, AREA = SIDE * SIDE };

/* A PNG of SIDE x SIDE whose pixels depend on the number. */
static void write_picture(const char *name, int number, int channels)
{
    unsigned char pixels[3 * AREA];
    for (int i = 0; i < 3 * AREA; i++) pixels[i] = (unsigned char)(number * 37 + i * (i + number));
    Image image = {.height = SIDE, .width = SIDE, .channels = channels, .pixels = pixels};
    EXPECT(image_save_png(at(name), &image, NULL, NULL));
}

/* set/a/0.png, set/b/1.png, ... */
static void write_set(int count, int channels)
{
    char name[64];
    make_folder("set/a");
    make_folder("set/b");
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "set/%c/%d.png", "ab"[i % 2], i);
        write_picture(name, i, channels);
    }
}

static DataOptions in_memory(void)
{
    return (DataOptions){
        .path = test_path("set"), .seed = 3, .config = {.flip = true, .validation = 2}};
}

static DataOptions cached(void)
{
    DataOptions o = in_memory();
    o.cache.folder = test_path("kept");
    return o;
}

/* The one file in the folder kept. */
static const char *kept_file(void)
{
    Names names;
    const char *path = "";
    if (!EXPECT(folder_list(at("kept"), &names, NULL))) return path;
    if (EXPECT(names.count == 1)) path = test_path("kept/%s", names.names[0]);
    names_free(&names);
    return path;
}

static void expect_same_samples(Dataset *a, Dataset *b)
{
    float x[3 * AREA * 4], y[3 * AREA * 4];
    size_t dims = (size_t)a->height * (size_t)a->width * (size_t)a->channels;
    int j, k;
    Err err = {0};
    if (!EXPECT(dims <= sizeof x / sizeof *x)) return;
    for (uint64_t i = 0; i < 3 * a->train_count; i++) {
        EXPECT_OK(dataset_train_sample(a, i, x, &j, &err), err);
        EXPECT_OK(dataset_train_sample(b, i, y, &k, &err), err);
        EXPECT_SAME(x, y, dims * sizeof *x);
        EXPECT_INT(j, k);
    }
    for (size_t i = 0; i < a->validation_count; i++) {
        EXPECT_OK(dataset_validation_sample(a, i, x, &j, &err), err);
        EXPECT_OK(dataset_validation_sample(b, i, y, &k, &err), err);
        EXPECT_SAME(x, y, dims * sizeof *x);
        EXPECT_INT(j, k);
    }
}

/* Opens the set with its cache and expects what memory gives, and these words to be said (NULL: none). */
static void expect_like_memory(const DataOptions *o, const char *said)
{
    Dataset memory, file;
    DataOptions plain = *o;
    plain.cache = (DataCachePlace){0};
    if (!open_ok(&memory, &plain)) return;
    if (open_ok(&file, o)) {
        EXPECT(file.cache && file.on_disk && !file.pixels && !file.files && memory.pixels);
        EXPECT_INT(file.height, memory.height);
        EXPECT_INT(file.width, memory.width);
        EXPECT_INT(file.channels, memory.channels);
        EXPECT_INT(file.kind, memory.kind);
        EXPECT_INT(file.found, memory.found);
        EXPECT_INT(file.checksum, memory.checksum);
        EXPECT_INT(dataset_pixels_checksum(&file), dataset_pixels_checksum(&memory));
        EXPECT_TEXT(file.description, memory.description);
        EXPECT_TEXT(file.skipped_list ? file.skipped_list : "",
                    memory.skipped_list ? memory.skipped_list : "");
        EXPECT_SAME(file.class_images, memory.class_images, sizeof file.class_images);
        if (EXPECT(file.count == memory.count && file.train_count == memory.train_count))
            expect_same_samples(&memory, &file);
        if (said)
            EXPECT_CONTAINS(file.cache_note, said);
        else
            EXPECT_TEXT(file.cache_note, "");
        dataset_close(&file);
    }
    dataset_close(&memory);
}

TEST(the_first_run_makes_the_file_and_the_next_ones_only_read_it)
{
    struct stat first, second;
    write_set(9, 3);
    const DataOptions o = cached();
    expect_like_memory(&o, NULL);
    EXPECT_CONTAINS(kept_file(), "/set-");
    EXPECT(stat(kept_file(), &first) == 0);
    expect_like_memory(&o, NULL);
    EXPECT(stat(kept_file(), &second) == 0 && first.st_ino == second.st_ino);
    EXPECT_INT(first.st_size, 16 + 9 * (3 * AREA + 4) + 48);
}

TEST(other_numbers_of_threads_and_many_images_give_the_same)
{
    write_set(150, 1);
    FOR_THREADS(threads)
    {
        DataOptions o = cached();
        parallel_set_threads(threads);
        o.config.height = o.config.width = 3;
        expect_like_memory(&o, NULL);
        EXPECT(unlink(kept_file()) == 0);
    }
}

TEST(each_change_of_the_folder_makes_the_file_anew)
{
    static const char *const changes[] = {"rewritten", "touched", "added",    "removed",
                                          "renamed",   "swapped", "as large", "nothing"};
    write_set(6, 1);
    const DataOptions o = cached();
    const char *one = test_path("set/a/2.png"), *other = test_path("set/a/4.png");
    expect_like_memory(&o, NULL);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const char *what = changes[i];
        struct timespec past[2] = {{.tv_sec = 1000, .tv_nsec = (long)i},
                                   {.tv_sec = 1000, .tv_nsec = (long)i}};
        if (strcmp(what, "rewritten") == 0) write_picture("set/a/2.png", 77, 1);
        if (strcmp(what, "touched") == 0) EXPECT(utimensat(AT_FDCWD, one, past, 0) == 0);
        if (strcmp(what, "added") == 0) write_picture("set/b/new.png", 78, 1);
        if (strcmp(what, "removed") == 0) EXPECT(unlink(at("set/b/new.png")) == 0);
        if (strcmp(what, "renamed") == 0)
            EXPECT(rename(at("set/b/5.png"), test_path("set/a/5.png")) == 0);
        if (strcmp(what, "swapped") == 0) {
            const char *aside = test_path("aside");
            EXPECT(rename(one, aside) == 0 && rename(other, one) == 0 && rename(aside, other) == 0);
        }
        if (strcmp(what, "as large") == 0) { /* only the nanoseconds differ */
            past[1].tv_nsec++;
            EXPECT(utimensat(AT_FDCWD, one, past, 0) == 0);
        }
        bool same = strcmp(what, "nothing") == 0;
        expect_like_memory(
            &o, same ? NULL : "the pictures have changed since it was made; it is made anew");
        expect_like_memory(&o, NULL);
    }
}

TEST(each_way_to_read_a_folder_has_a_file_of_its_own)
{
    write_set(8, 3);
    DataOptions o[4];
    for (int i = 0; i < 4; i++) o[i] = cached();
    o[1].config.height = o[1].config.width = 3;
    o[2].config.channels = 1;
    o[3].config.limit = 5;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 4; i++) expect_like_memory(&o[i], NULL);
    EXPECT_INT(test_count_names(at("kept")), 4);
}

TEST(a_grey_folder_with_a_late_colour_image_becomes_colour)
{
    write_set(6, 1);
    write_picture("set/b/z.png", 9, 3);
    const DataOptions o = cached();
    expect_like_memory(&o, NULL);
    expect_like_memory(&o, NULL);
    EXPECT_INT(test_count_names(at("kept")), 1);
}

TEST(images_left_out_are_listed_again_and_one_that_can_be_read_now_makes_the_file_anew)
{
    write_set(6, 1);
    write_bytes("set/a/2.png", "no image", 8);
    write_bytes("set/b/empty.png", "", 0);
    DataOptions o = cached();
    o.config.skip_bad = true;
    expect_like_memory(&o, NULL);
    expect_like_memory(&o, NULL);
    /* Without skip_bad they are errors, also with the file. */
    DataOptions strict = cached();
    expect_error(&strict, ERR_FORMAT, "set/a/2.png: is text");
    /* As if image 1 had been unreadable for a while: of the same source, it is left out. */
    EXPECT(unlink(at("set/a/2.png")) == 0 && unlink(at("set/b/empty.png")) == 0);
    expect_like_memory(&o, "have changed");
    FileBytes whole = bytes_of(kept_file());
    DataCacheFacts facts;
    DataCacheWriter *w;
    Err err = {0};
    memcpy(&facts, whole.bytes + whole.size - 48, sizeof facts);
    EXPECT_INT(facts.count, 5);
    facts.count = 0;
    if (!EXPECT_OK(data_cache_begin(&w, kept_file(), &facts, 4, &err), err)) return;
    for (int i = 0; i < 4; i++) EXPECT_OK(data_cache_add(w, &err), err);
    EXPECT_OK(data_cache_finish(w, facts.sizes, (const uint32_t[]){1}, 1, &err), err);
    file_free(&whole);
    expect_like_memory(&o, "the pictures have changed");
    expect_like_memory(&o, NULL);
}

/* ---- damage ---- */

TEST(a_file_of_another_version_or_damaged_is_made_anew)
{
    write_set(5, 1);
    const DataOptions o = cached();
    expect_like_memory(&o, NULL);
    const char *path = kept_file();
    for (int i = 0; i < 3; i++) {
        FileBytes whole = bytes_of(path);
        if (i == 0) whole.bytes[8] = DATA_CACHE_VERSION + 1;
        if (i == 1) whole.bytes[whole.size - 20] ^= 1;
        put_bytes(path, whole.bytes, whole.size - (i == 2));
        file_free(&whole);
        expect_like_memory(&o, i == 0
                                   ? "has version 2, this program writes version 1; it is made anew"
                                   : "is damaged; it is made anew");
        expect_like_memory(&o, NULL);
    }
}

TEST(a_file_that_is_cut_while_it_is_in_use_is_an_error_of_the_images_that_are_gone)
{
    write_set(8, 1);
    const DataOptions o = cached();
    Dataset d;
    float x[AREA];
    int failed = 0;
    expect_like_memory(&o, NULL);
    if (!open_ok(&d, &o)) return;
    EXPECT(truncate(kept_file(), 16 + 5 * AREA + 3) == 0);
    for (uint64_t i = 0; i < d.train_count; i++) {
        Err err = {0};
        bool gone = d.split[i] >= 5;
        EXPECT(dataset_train_image(&d, (size_t)i, x, &err) == !gone);
        if (!gone) continue;
        failed++;
        EXPECT_INT(err.kind, ERR_IO);
        EXPECT_CONTAINS(err.text, "was cut short while it was in use");
    }
    EXPECT(failed > 0);
    dataset_close(&d);
    expect_like_memory(&o, "is damaged; it is made anew");
}

/* ---- where none can be, or is to be, made ---- */

static void expect_in_memory(const DataOptions *o, const char *said)
{
    Dataset d, memory;
    DataOptions plain = *o;
    plain.cache = (DataCachePlace){0};
    if (!open_ok(&memory, &plain)) return;
    if (open_ok(&d, o)) {
        EXPECT(!d.cache && d.pixels && d.files);
        EXPECT(d.cache_failed == (said != NULL));
        EXPECT_CONTAINS(d.cache_note, said ? said : "");
        EXPECT_INT(d.checksum, memory.checksum);
        expect_same_samples(&memory, &d);
        dataset_close(&d);
    }
    dataset_close(&memory);
}

TEST(a_full_disk_is_said_and_the_images_are_held_in_memory)
{
    struct rlimit before, small;
    write_set(30, 3);
    const DataOptions o = cached();
    if (!EXPECT(getrlimit(RLIMIT_FSIZE, &before) == 0)) return;
    small = before;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    static const rlim_t limits[] = {0, 40, 1000, 16 + 30 * 3 * AREA, 16 + 30 * (3 * AREA + 4) + 20};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        small.rlim_cur = limits[i];
        EXPECT(setrlimit(RLIMIT_FSIZE, &small) == 0);
        expect_in_memory(&o,
                         ": cannot write: File too large; the decoded images are held in memory");
        EXPECT(setrlimit(RLIMIT_FSIZE, &before) == 0);
        EXPECT_INT(test_count_names(at("kept")), 0);
    }
    signal(SIGXFSZ, handler);
    expect_like_memory(&o, NULL);
}

TEST(a_folder_that_cannot_be_made_is_said)
{
    write_set(4, 1);
    write_bytes("kept", "a file", 6);
    const DataOptions o = cached();
    expect_in_memory(&o, "kept: exists and is not a folder; the decoded images are held in memory");
}

TEST(few_images_and_plans_make_no_file)
{
    write_set(4, 1);
    DataOptions o = cached();
    Dataset d;
    o.cache.least_bytes = 1000;
    expect_in_memory(&o, NULL);
    o.cache = (DataCachePlace){.folder = o.cache.folder, .read_only = true};
    if (open_ok(&d, &o)) {
        EXPECT(d.on_disk && !d.cache && d.pixels);
        dataset_close(&d);
    }
    EXPECT(!path_exists(at("kept")));
    /* More bytes as files than decoded. */
    o.cache = (DataCachePlace){.folder = o.cache.folder, .least_bytes = 4 * AREA};
    expect_like_memory(&o, NULL);
    /* What is there serves both. */
    o.cache.read_only = true;
    expect_like_memory(&o, NULL);
}

static void interrupt_late(void *context, size_t done, size_t total)
{
    (void)context;
    if (done == total - 1) interrupt_set(true);
}

TEST(an_interruption_and_a_bad_image_leave_no_file)
{
    write_set(70, 1);
    const DataOptions o = cached();
    Dataset d;
    Err err = {0};
    EXPECT_REFUSED(dataset_open(&d, &o, interrupt_late, NULL, &err), err, ERR_INTERRUPTED,
                   "interrupted while reading");
    interrupt_set(false);
    EXPECT_INT(test_count_names(at("kept")), 0);
    write_bytes("set/b/9.png", "text", 4);
    write_bytes("set/b/zz.png", "", 0);
    FOR_THREADS(threads)
    {
        parallel_set_threads(threads);
        expect_error(&o, ERR_FORMAT, "set/b/9.png: is text, expected a PNG or JPEG image");
    }
    EXPECT_INT(test_count_names(at("kept")), 0);
}

TEST(what_a_killed_writer_left_is_removed)
{
    write_set(4, 1);
    make_folder("kept");
    write_bytes("kept/other-00000000.cache.999999999.tmp", "part", 4);
    write_bytes("kept/mine.999999999.tmp", "mine", 4);
    const DataOptions o = cached();
    expect_like_memory(&o, NULL);
    EXPECT(!path_exists(at("kept/other-00000000.cache.999999999.tmp")));
    EXPECT(path_exists(at("kept/mine.999999999.tmp")));
}
