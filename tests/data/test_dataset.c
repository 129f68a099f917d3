/* Data sets: the three kinds, what is wrong with them in words, split, order and flips. */
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "data/dataset_load.h"
#include "dataset_case.h"

TEST(idx_images_and_labels_are_read_plain_packed_and_with_dots)
{
    static const char *const names[][2] = {
        {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
        {"train-images.idx3-ubyte", "train-labels.idx1-ubyte"},
        {"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"},
        {"emnist-test-images-idx3-ubyte.gz", "emnist-test-labels-idx1-ubyte"}};
    for (int i = 0; i < 4; i++)
        for (int by_file = 0; by_file < 2; by_file++) {
            unsigned char packed[256];
            const void *images = idx_images;
            size_t size = sizeof idx_images;
            if (i >= 2) {
                size = gzip_bytes(packed, sizeof packed, idx_images, sizeof idx_images);
                images = packed;
            }
            write_bytes(names[i][0], images, size);
            size = i == 2 ? gzip_bytes(packed, sizeof packed, idx_labels, sizeof idx_labels) : 0;
            write_bytes(names[i][1], i == 2 ? packed : idx_labels,
                        i == 2 ? size : sizeof idx_labels);
            char path[PATH_BYTES];
            snprintf(path, sizeof path, "%s", by_file ? at(names[i][0]) : test_folder());
            Dataset d;
            if (open_ok(&d, &(DataOptions){.path = path, .test_part = i >= 2})) {
                EXPECT_TEXT(d.description, "3 grey images of 2x2 (IDX), 10 classes");
                EXPECT_INT(d.count, 3);
                EXPECT_SAME(d.pixels, idx_images + 16, 12);
                EXPECT_SAME(d.labels, idx_labels + 8, 3);
                dataset_close(&d);
            }
            unlink(at(names[i][0]));
            unlink(at(names[i][1]));
        }
}

TEST(idx_of_four_dimensions_holds_colour)
{
    unsigned char colour[20 + 12] = {0, 0, 8, 4, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3};
    for (int i = 0; i < 12; i++) colour[20 + i] = (unsigned char)(20 * i);
    write_bytes("c", colour, sizeof colour);
    Dataset d;
    if (open_ok(&d, &(DataOptions){.path = at("c")})) {
        EXPECT_TEXT(d.description, "2 colour images of 1x2 (IDX)");
        EXPECT_SAME(d.pixels, colour + 20, 12);
        EXPECT(d.labels == NULL && d.classes == 0);
        dataset_close(&d);
    }
    if (open_ok(&d, &(DataOptions){.path = at("c"), .config.channels = 1})) {
        EXPECT_INT(d.channels, 1);
        EXPECT_INT(d.pixels[0], (299 * 0 + 587 * 20 + 114 * 40 + 500) / 1000);
        dataset_close(&d);
    }
    colour[19] = 2;
    write_bytes("c", colour, sizeof colour - 4);
    expect_error(&(DataOptions){.path = at("c")}, ERR_FORMAT, "has 2 channels, expected 1 or 3");
}

/* The IDX file with byte `where` changed to `value`, cut or padded to `size`. */
static void expect_idx_error(size_t where, int value, size_t size, const char *words)
{
    unsigned char bad[sizeof idx_images + 8] = {0};
    memcpy(bad, idx_images, sizeof idx_images);
    bad[where] = (unsigned char)value;
    write_bytes("bad", bad, size);
    expect_error(&(DataOptions){.path = at("bad"), .config.kind = DATA_IDX}, ERR_FORMAT, words);
}

TEST(idx_errors_say_what_is_wrong)
{
    size_t whole = sizeof idx_images;
    expect_idx_error(0, 0, 0, "bad: is empty, expected IDX data");
    expect_idx_error(0, 0, 1, "bad: has 1 byte, an IDX header has more");
    expect_idx_error(0, 0, 3, "bad: has 3 bytes, an IDX header has more");
    expect_idx_error(0, 9, whole, "is not IDX data (it starts with 09 00");
    expect_idx_error(2, 0x0D, whole,
                     "IDX type 0x0D (32-bit floats); only 0x08 (unsigned bytes) can be read");
    expect_idx_error(3, 1, whole, "has 1 IDX dimension, expected 3 (count, height, width) or 4");
    expect_idx_error(3, 5, whole, "has 5 IDX dimensions, expected 3");
    expect_idx_error(0, 0, 11, "ends within its IDX header");
    expect_idx_error(11, 0, whole, "IDX dimension 2 is 0, nothing to read");
    expect_idx_error(7, 4, whole, "has 12 bytes of data, its header declares 16");
    expect_idx_error(0, 0, whole - 1, "has 11 bytes of data, its header declares 12");
    expect_idx_error(0, 0, whole + 1, "has 13 bytes of data, its header declares 12");
    unsigned char huge[16] = {0,   0,   8,   3,   255, 255, 255, 255,
                              255, 255, 255, 255, 255, 255, 255, 255};
    write_bytes("bad", huge, sizeof huge);
    expect_error(&(DataOptions){.path = at("bad")}, ERR_FORMAT, "multiply to more than 2^63");
    unsigned char packed[128]; /* packed, a size cannot be checked before it is read */
    size_t size = gzip_bytes(packed, sizeof packed, idx_images, whole - 1);
    write_bytes("bad", packed, size);
    expect_error(&(DataOptions){.path = at("bad")}, ERR_FORMAT,
                 "ends after 11 of the 12 bytes its header declares");
    unsigned char longer[sizeof idx_images + 1] = {0};
    memcpy(longer, idx_images, whole);
    size = gzip_bytes(packed, sizeof packed, longer, sizeof longer);
    write_bytes("bad", packed, size);
    expect_error(&(DataOptions){.path = at("bad")}, ERR_FORMAT,
                 "is longer than the 12 bytes that its header declares");
    memcpy(huge + 4, "\0\1\0\0\0\0\1\0\0\0\1\0", 12);
    size = gzip_bytes(packed, sizeof packed, huge, sizeof huge);
    write_bytes("bad", packed, size);
    expect_error(&(DataOptions){.path = at("bad")}, ERR_FORMAT,
                 "its header declares 4294967296 bytes, more than");
}

TEST(idx_labels_must_fit_the_images)
{
    unsigned char labels[sizeof idx_labels];
    memcpy(labels, idx_labels, sizeof labels);
    labels[7] = 2;
    write_bytes("train-images-idx3-ubyte", idx_images, sizeof idx_images);
    write_bytes("train-labels-idx1-ubyte", labels, sizeof labels - 1);
    expect_error(&(DataOptions){.path = test_folder()}, ERR_FORMAT, "has 2 labels for 3 images");
    write_bytes("train-labels-idx1-ubyte", idx_images, sizeof idx_images);
    expect_error(&(DataOptions){.path = test_folder()}, ERR_FORMAT,
                 "has 3 IDX dimensions, expected 1 (one label per image)");
    unlink(at("train-labels-idx1-ubyte"));
    expect_error(&(DataOptions){.path = test_folder(), .test_part = true}, ERR_IO,
                 "holds IDX files, but no t10k-images-idx3-ubyte[.gz]");
    write_bytes("emnist-train-images-idx3-ubyte", idx_images, sizeof idx_images);
    expect_error(&(DataOptions){.path = test_folder()}, ERR_USAGE,
                 "holds several data sets (emnist-train-images-idx3-ubyte and "
                 "train-images-idx3-ubyte)");
}

TEST(idx_cut_at_any_byte_is_refused_plain_and_packed)
{
    unsigned char packed[256];
    expect_every_cut_fails("cut", idx_images, sizeof idx_images);
    size_t size = gzip_bytes(packed, sizeof packed, idx_images, sizeof idx_images);
    expect_every_cut_fails("cut.gz", packed, size);
}

TEST(gzip_checks_its_sum_and_joins_members)
{
    unsigned char packed[256];
    size_t size = gzip_bytes(packed, sizeof packed, idx_images, sizeof idx_images);
    packed[size - 6] ^= 1;
    write_bytes("a", packed, size);
    expect_error(&(DataOptions){.path = at("a")}, ERR_FORMAT,
                 "damaged gzip data (incorrect data check)");
    packed[size - 6] ^= 1;
    packed[size - 1] ^= 1;
    write_bytes("a", packed, size);
    expect_error(&(DataOptions){.path = at("a")}, ERR_FORMAT, "incorrect length check");
    size = gzip_bytes(packed, sizeof packed, idx_images, 9);
    size += gzip_bytes(packed + size, sizeof packed - size, idx_images + 9, sizeof idx_images - 9);
    write_bytes("a", packed, size);
    Dataset d;
    if (open_ok(&d, &(DataOptions){.path = at("a")})) {
        EXPECT_SAME(d.pixels, idx_images + 16, 12);
        dataset_close(&d);
    }
    write_bytes("a", packed, size - 1);
    expect_error(&(DataOptions){.path = at("a")}, ERR_FORMAT, "the gzip data is cut");
}

enum { MANY = 6000, MANY_BYTES = 16 + MANY * 144 };

static unsigned char many_pixel(size_t i)
{
    return (unsigned char)(i % 251 + i / 65536);
}

/* MANY images of 12x12 and their labels, more than what is read at once, packed in two members. */
static size_t write_many(unsigned char *packed, size_t room)
{
    unsigned char *bytes = malloc(MANY_BYTES), labels[8 + MANY] = {0, 0, 8, 1, 0, 0, 23, 112};
    memcpy(bytes, "\0\0\10\3\0\0\27\160\0\0\0\14\0\0\0\14", 16);
    for (size_t i = 0; i < MANY * 144; i++) bytes[16 + i] = many_pixel(i);
    for (size_t i = 0; i < MANY; i++) labels[8 + i] = (unsigned char)(i % 200);
    size_t size = gzip_bytes(packed, room, bytes, 300001);
    size += gzip_bytes(packed + size, room - size, bytes + 300001, MANY_BYTES - 300001);
    write_bytes("m-images-idx3-ubyte.gz", packed, size);
    write_bytes("m-labels-idx1-ubyte", labels, sizeof labels);
    free(bytes);
    return size;
}

TEST(idx_longer_than_a_block_is_whole_with_a_limit_and_changed)
{
    enum { LIMIT = 4321 };
    size_t room = compressBound(MANY_BYTES) + 100;
    unsigned char *packed = malloc(room);
    size_t size = write_many(packed, room);
    DataOptions options = {.path = at("m-images-idx3-ubyte.gz")};
    for (int variant = 0; variant < 4; variant++) {
        Dataset d;
        options.config.limit = variant & 1 ? LIMIT : 0;
        options.config.channels = variant & 2 ? 3 : 0;
        if (!open_ok(&d, &options)) continue;
        EXPECT_INT(d.count, variant & 1 ? LIMIT : MANY);
        EXPECT_INT(d.classes, 200);
        size_t wrong = 0, C = (size_t)d.channels;
        for (size_t i = 0; i < d.count * 144 * C; i++) wrong += d.pixels[i] != many_pixel(i / C);
        for (size_t i = 0; i < d.count; i++) wrong += d.labels[i] != i % 200;
        EXPECT_INT(wrong, 0);
        dataset_close(&d);
    }
    options = (DataOptions){.path = at("m-images-idx3-ubyte.gz"), .config.limit = 5};
    for (size_t kept = size - 1; kept > size / 2; kept -= size / 7) {
        write_bytes("m-images-idx3-ubyte.gz", packed, kept);
        expect_error(&options, ERR_FORMAT, "the gzip data is cut");
    }
    packed[size / 2] ^= 64;
    write_bytes("m-images-idx3-ubyte.gz", packed, size);
    expect_error(&options, ERR_FORMAT, "m-images-idx3-ubyte.gz: ");
    free(packed);
}

TEST(a_test_part_is_seen_by_the_names_of_files)
{
    static const char *const names[] = {"t10k-images-idx3-ubyte", "test-images.idx4-ubyte.gz",
                                        "test_batch.bin"};
    EXPECT(!has_test_part(at("nothing-there")));
    for (int i = 0; i < 3; i++) {
        EXPECT(!has_test_part(test_folder()));
        write_bytes(names[i], "x", 1);
        EXPECT(has_test_part(test_folder()));
        EXPECT(remove(at(names[i])) == 0);
        write_bytes("train-images-idx3-ubyte", "x", 1);
    }
}

TEST(what_is_no_data_set_is_refused_in_one_sentence)
{
    make_folder("empty");
    make_folder("text/more");
    write_bytes("text/readme.md", "hi", 2);
    write_bytes("empty-file", "", 0);
    write_bytes("file", "what is this?", 13);
    write_png("image.png", 1, 1);
    EXPECT(mkfifo(at("pipe"), 0600) == 0);
    DataOptions options = {.path = at("empty")};
    expect_error(&options, ERR_IO, "empty: is an empty folder, expected images");
    options.path = at("text");
    expect_error(&options, ERR_FORMAT,
                 "text: holds no PNG or JPEG image (1 other file, such as readme.md)");
    options.path = at("empty-file");
    expect_error(&options, ERR_FORMAT, "empty-file: is empty, expected images");
    options.path = at("file");
    expect_error(&options, ERR_FORMAT,
                 "file: is text, expected IDX or CIFAR-10 binary data, or a folder of images");
    options.path = at("image.png");
    expect_error(&options, ERR_USAGE, "is a single image; give the folder");
    options.path = at("pipe");
    expect_error(&options, ERR_IO, "pipe: is not a regular file");
    options.path = at("nothing");
    expect_error(&options, ERR_IO, "nothing: cannot open the data");
    options.path = at("empty");
    options.config.kind = DATA_IDX;
    expect_error(&options, ERR_IO, "holds no *-images-idx3-ubyte[.gz]");
    options.config.kind = DATA_CIFAR10;
    expect_error(&options, ERR_IO, "holds no data_batch_1.bin");
    options = (DataOptions){.path = at("text"), .test_part = true};
    expect_error(&options, ERR_USAGE, "this folder of images has no test part");
}

TEST(options_that_cannot_work_are_usage_errors_with_the_numbers)
{
    write_bytes("a", idx_images, sizeof idx_images);
    DataOptions options = {.path = at("a"), .config.validation = 3};
    expect_error(&options, ERR_USAGE,
                 "data.validation holds out 3 images of 3, which leaves none to train on; set "
                 "data.validation below 3");
    options.config.limit = 2;
    expect_error(&options, ERR_USAGE, "holds out 3 images of 2, which leaves none to train on");
    options = (DataOptions){.path = at("a"), .config.kind = DATA_FOLDER};
    expect_error(&options, ERR_USAGE, "is a file, expected a folder of images");
}

TEST(fashion_mnist_is_whole)
{
    const char *folder = test_need_fashion_mnist();
    Dataset d;
    if (!folder || !open_ok(&d, &(DataOptions){.path = folder})) return;
    EXPECT_TEXT(d.description, "60,000 grey images of 28x28 (IDX), 10 classes");
    long long sum = 0, first = 0;
    for (size_t i = 0; i < d.count * 784; i++) sum += d.pixels[i];
    for (int i = 0; i < 784; i++) first += d.pixels[i];
    EXPECT_INT(sum, 3431114169); /* these sums were made with Python */
    EXPECT_INT(first, 76247);
    EXPECT_SAME(d.labels, "\11\0\0\3\0\2\7\2\5\5", 10);
    dataset_close(&d);
    if (!open_ok(&d, &(DataOptions){.path = folder, .test_part = true})) return;
    sum = 0;
    for (size_t i = 0; i < d.count * 784; i++) sum += d.pixels[i];
    EXPECT_INT(d.count, 10000);
    EXPECT_INT(sum, 573469082);
    dataset_close(&d);
}

TEST(a_data_set_is_found_in_the_package_or_in_the_local_folder_under_either_name)
{
    char installed[PATH_BYTES], local[PATH_BYTES], slash[PATH_BYTES];
    path_join(installed, test_folder(), "installed", NULL);
    path_join(local, test_folder(), "local", NULL);
    path_join(slash, test_folder(), "installed/", NULL);
    const DataPlace place = {.installed = installed, .local = local, .advice = "do this"};
    EXPECT_TEXT(data_place_find(&place, installed), installed);
    EXPECT(!path_exists(installed));
    Err err = {0};
    EXPECT_FAILS(data_place_missing(&place, slash, &err), err,
                 "the data set is not there; do this");
    EXPECT(!path_exists(at("elsewhere")) && !data_place_missing(&place, at("elsewhere"), &err));
    EXPECT_CONTAINS(err.text, "elsewhere: cannot open the data: No such file or directory");
    make_folder("local");
    EXPECT_TEXT(data_place_find(&place, installed), local);
    EXPECT_TEXT(data_place_find(&place, slash), local);
    EXPECT_TEXT(data_place_find(&place, at("elsewhere")), at("elsewhere"));
    make_folder("installed");
    EXPECT_TEXT(data_place_find(&place, installed), installed);
    EXPECT_TEXT(data_place_find(&place, local), local);
    EXPECT(rmdir(local) == 0);
    EXPECT_TEXT(data_place_find(&place, local), installed);
}

static void count_progress(void *context, size_t done, size_t total)
{
    size_t *last = context;
    EXPECT(done > *last && total == 3);
    *last = done;
}

TEST(progress_is_told_and_an_interruption_stops_reading)
{
    write_bytes("a", idx_images, sizeof idx_images);
    DataOptions options = {.path = at("a")};
    Dataset d;
    size_t last = 0;
    if (EXPECT(dataset_open(&d, &options, count_progress, &last, NULL))) dataset_close(&d);
    EXPECT_INT(last, 3);
    interrupt_set(true);
    expect_error(&options, ERR_INTERRUPTED, "interrupted while reading");
    interrupt_set(false);
}
