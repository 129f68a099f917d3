/* Data sets: the three kinds, what is wrong with them in words, split, order and flips. */
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "dataset_case.h"

#include "data/dataset_load.h"

static size_t gzip_bytes(unsigned char *out, size_t room, const void *bytes, size_t size)
{
    z_stream z = {.next_in = (Bytef *)(size_t)bytes, .avail_in = (uInt)size};
    EXPECT(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_out = out;
    z.avail_out = (uInt)room;
    EXPECT(deflate(&z, Z_FINISH) == Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

/* 3 images of 2x2: 0 1 2 3, 10 11 12 13, 20 21 22 23. */
static const unsigned char idx[] = {0, 0, 8, 3, 0, 0, 0,  3,  0,  0,  0,  2,  0,  0,
                                    0, 2, 0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23};
static const unsigned char idx_labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 4, 0, 9};

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
            const void *images = idx;
            size_t size = sizeof idx;
            if (i >= 2) {
                size = gzip_bytes(packed, sizeof packed, idx, sizeof idx);
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
                EXPECT_SAME(d.pixels, idx + 16, 12);
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
    unsigned char bad[sizeof idx + 8] = {0};
    memcpy(bad, idx, sizeof idx);
    bad[where] = (unsigned char)value;
    write_bytes("bad", bad, size);
    expect_error(&(DataOptions){.path = at("bad"), .config.kind = DATA_IDX}, ERR_FORMAT, words);
}

TEST(idx_errors_say_what_is_wrong)
{
    size_t whole = sizeof idx;
    expect_idx_error(0, 0, 0, "bad: is empty, expected IDX data");
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
    size_t size = gzip_bytes(packed, sizeof packed, idx, whole - 1);
    write_bytes("bad", packed, size);
    expect_error(&(DataOptions){.path = at("bad")}, ERR_FORMAT,
                 "ends after 11 of the 12 bytes its header declares");
    unsigned char longer[sizeof idx + 1] = {0};
    memcpy(longer, idx, whole);
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
    write_bytes("train-images-idx3-ubyte", idx, sizeof idx);
    write_bytes("train-labels-idx1-ubyte", labels, sizeof labels - 1);
    expect_error(&(DataOptions){.path = test_folder()}, ERR_FORMAT, "has 2 labels for 3 images");
    write_bytes("train-labels-idx1-ubyte", idx, sizeof idx);
    expect_error(&(DataOptions){.path = test_folder()}, ERR_FORMAT,
                 "has 3 IDX dimensions, expected 1 (one label per image)");
    unlink(at("train-labels-idx1-ubyte"));
    expect_error(&(DataOptions){.path = test_folder(), .test_part = true}, ERR_IO,
                 "holds IDX files, but no t10k-images-idx3-ubyte[.gz]");
    write_bytes("emnist-train-images-idx3-ubyte", idx, sizeof idx);
    expect_error(&(DataOptions){.path = test_folder()}, ERR_USAGE,
                 "holds several data sets (emnist-train-images-idx3-ubyte and "
                 "train-images-idx3-ubyte)");
}

static void expect_every_cut_fails(const char *name, const unsigned char *bytes, size_t size)
{
    for (size_t cut = 0; cut < size; cut++) {
        Dataset d;
        Err err = {0};
        write_bytes(name, bytes, cut);
        if (!EXPECT(!dataset_open(&d, &(DataOptions){.path = at(name)}, NULL, NULL, &err))) {
            printf("  accepted when cut to %zu of %zu bytes\n", cut, size);
            dataset_close(&d);
        }
        EXPECT_INT(err.kind, ERR_FORMAT);
    }
    Dataset d;
    write_bytes(name, bytes, size);
    if (open_ok(&d, &(DataOptions){.path = at(name)})) dataset_close(&d);
}

TEST(idx_cut_at_any_byte_is_refused_plain_and_packed)
{
    unsigned char packed[256];
    expect_every_cut_fails("cut", idx, sizeof idx);
    size_t size = gzip_bytes(packed, sizeof packed, idx, sizeof idx);
    expect_every_cut_fails("cut.gz", packed, size);
}

TEST(gzip_checks_its_sum_and_joins_members)
{
    unsigned char packed[256];
    size_t size = gzip_bytes(packed, sizeof packed, idx, sizeof idx);
    packed[size - 6] ^= 1;
    write_bytes("a", packed, size);
    expect_error(&(DataOptions){.path = at("a")}, ERR_FORMAT,
                 "damaged gzip data (incorrect data check)");
    packed[size - 6] ^= 1;
    packed[size - 1] ^= 1;
    write_bytes("a", packed, size);
    expect_error(&(DataOptions){.path = at("a")}, ERR_FORMAT, "incorrect length check");
    size = gzip_bytes(packed, sizeof packed, idx, 9);
    size += gzip_bytes(packed + size, sizeof packed - size, idx + 9, sizeof idx - 9);
    write_bytes("a", packed, size);
    Dataset d;
    if (open_ok(&d, &(DataOptions){.path = at("a")})) {
        EXPECT_SAME(d.pixels, idx + 16, 12);
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

enum { RECORD = 3073 };

/* Record r of a CIFAR file: label r % 10, red = x, green = y, blue = r. */
static void write_cifar(const char *name, int records)
{
    unsigned char *bytes = malloc((size_t)records * RECORD), *p = bytes;
    for (int r = 0; r < records; r++) {
        *p++ = (unsigned char)(r % 10);
        for (int c = 0; c < 3; c++)
            for (int k = 0; k < 1024; k++)
                *p++ = (unsigned char)(c == 0 ? k % 32 : c == 1 ? k / 32 : r);
    }
    write_bytes(name, bytes, (size_t)records * RECORD);
    free(bytes);
}

TEST(cifar_planes_become_interleaved_pixels)
{
    write_cifar("data_batch_1.bin", 3);
    write_cifar("data_batch_2.bin", 12);
    write_cifar("test_batch.bin", 2);
    Dataset d;
    if (open_ok(&d, &(DataOptions){.path = test_folder()})) {
        EXPECT_TEXT(d.description, "15 colour images of 32x32 (CIFAR-10), 10 classes");
        EXPECT_SAME(d.labels, "\0\1\2\0\1\2\3\4\5\6\7\10\11\0\1", 15);
        for (int i = 0; i < 15; i++)
            for (int y = 0; y < 32; y++)
                for (int x = 0; x < 32; x++) {
                    const unsigned char *p = d.pixels + ((i * 32 + y) * 32 + x) * 3;
                    EXPECT(p[0] == x && p[1] == y && p[2] == (i < 3 ? i : i - 3));
                }
        dataset_close(&d);
    }
    if (open_ok(&d, &(DataOptions){.path = test_folder(), .test_part = true, .config.limit = 1})) {
        EXPECT_INT(d.count, 1);
        dataset_close(&d);
    }
    if (open_ok(&d, &(DataOptions){.path = at("data_batch_1.bin")})) {
        EXPECT_INT(d.count, 3);
        dataset_close(&d);
    }
}

TEST(cifar_is_read_packed_too)
{
    enum { IMAGES = 12 };
    unsigned char *bytes = mem_alloc(IMAGES, RECORD);
    size_t room = compressBound(IMAGES * RECORD) + 100;
    unsigned char *packed = mem_alloc(room, 1);
    if (!EXPECT(bytes && packed)) return;
    for (int i = 0; i < IMAGES * RECORD; i++) bytes[i] = (unsigned char)(i % 10);
    size_t size = gzip_bytes(packed, room, bytes, IMAGES * RECORD);
    write_bytes("one.gz", packed, size);
    Dataset d;
    if (open_ok(&d, &(DataOptions){.path = at("one.gz")})) {
        EXPECT_TEXT(d.description, "12 colour images of 32x32 (CIFAR-10), 10 classes");
        for (int i = 0; i < IMAGES; i++) {
            EXPECT_INT(d.labels[i], i * RECORD % 10);
            EXPECT_INT(d.pixels[3072 * i], (i * RECORD + 1) % 10);
        }
        dataset_close(&d);
    }
    write_bytes("one.gz", packed, size - 3);
    expect_error(&(DataOptions){.path = at("one.gz")}, ERR_FORMAT, "the gzip data is cut");
    size = gzip_bytes(packed, room, bytes, IMAGES * RECORD - 1);
    write_bytes("one.gz", packed, size);
    expect_error(&(DataOptions){.path = at("one.gz")}, ERR_FORMAT, "IDX or CIFAR-10 binary data");
    const DataOptions meant = {.path = at("one.gz"), .config.kind = DATA_CIFAR10};
    expect_error(&meant, ERR_FORMAT, "not a whole number of CIFAR-10 records");
    mem_free(bytes);
    mem_free(packed);
}

TEST(cifar_errors_say_what_is_wrong)
{
    unsigned char record[RECORD] = {10};
    write_bytes("data_batch_1.bin", record, RECORD);
    expect_error(&(DataOptions){.path = test_folder()}, ERR_FORMAT,
                 "record 0 has the label 10, expected 0 to 9");
    write_bytes("data_batch_1.bin", record, 100);
    expect_error(&(DataOptions){.path = test_folder()}, ERR_FORMAT,
                 "has 100 bytes, not a whole number of CIFAR-10 records of 3073");
    write_bytes("data_batch_1.bin", record, 0);
    expect_error(&(DataOptions){.path = test_folder()}, ERR_FORMAT, "is empty");
    write_cifar("data_batch_1.bin", 1);
    write_cifar("data_batch_3.bin", 1);
    expect_error(&(DataOptions){.path = test_folder()}, ERR_IO, "data_batch_2.bin: cannot open");
    expect_error(&(DataOptions){.path = test_folder(), .test_part = true}, ERR_IO,
                 "test_batch.bin: cannot open");
}

TEST(cifar_cut_at_any_byte_is_refused)
{
    unsigned char record[RECORD] = {3};
    expect_every_cut_fails("cut", record, RECORD);
}

TEST(python_pickles_of_cifar_are_named)
{
    write_bytes("data_batch_1", "x", 1);
    expect_error(&(DataOptions){.path = test_folder()}, ERR_FORMAT, "Python version of CIFAR-10");
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
    write_bytes("a", idx, sizeof idx);
    DataOptions options = {.path = at("a"), .config.validation = 3};
    expect_error(&options, ERR_USAGE,
                 "data.validation holds out 3 images of 3, which leaves none to train on; set "
                 "data.validation below 3");
    options.config.limit = 2;
    expect_error(&options, ERR_USAGE, "holds out 3 images of 2, which leaves none to train on");
    options = (DataOptions){.path = at("a"), .config.kind = DATA_FOLDER};
    expect_error(&options, ERR_USAGE, "is a file, expected a folder of images");
}

TEST(idx_is_resized_and_widened_when_asked)
{
    write_bytes("a", idx, sizeof idx);
    DataOptions options = {.path = at("a"),
                           .config.height = 1,
                           .config.width = 1,
                           .config.channels = 3,
                           .config.limit = 2};
    Dataset d;
    if (!open_ok(&d, &options)) return;
    EXPECT_TEXT(d.description, "2 colour images of 1x1 (IDX)");
    EXPECT_SAME(d.pixels, "\2\2\2\14\14\14", 6); /* means 1.5 and 11.5, rounded up */
    dataset_close(&d);
}

TEST(grey_and_colour_get_an_opaque_alpha_when_asked)
{
    Dataset d;
    Err err;
    write_bytes("grey", idx, sizeof idx);
    for (int channels = 2; channels <= 4; channels += 2) {
        DataOptions options = {.path = at("grey"), .config.channels = channels};
        if (!EXPECT(dataset_open(&d, &options, NULL, NULL, &err))) continue;
        EXPECT_INT(d.channels, channels);
        size_t n = d.count * (size_t)d.height * (size_t)d.width, wrong = 0;
        for (size_t i = 0; i < n; i++) {
            const unsigned char *p = d.pixels + i * (size_t)channels;
            wrong += p[channels - 1] != 255 || (channels == 4 && (p[0] != p[1] || p[0] != p[2]));
        }
        EXPECT_INT((long long)wrong, 0);
        EXPECT_CONTAINS(d.description, channels == 2 ? "grey with alpha" : "colour with alpha");
        dataset_close(&d);
    }
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

/* 200 images of 1x2: image i is i, 255 - i. */
static void write_numbered(const char *name)
{
    unsigned char bytes[16 + 400] = {0, 0, 8, 3, 0, 0, 0, 200, 0, 0, 0, 1, 0, 0, 0, 2};
    for (int i = 0; i < 200; i++) {
        bytes[16 + 2 * i] = (unsigned char)i;
        bytes[17 + 2 * i] = (unsigned char)(255 - i);
    }
    write_bytes(name, bytes, sizeof bytes);
}

/* Which of them a sample is. */
static int number_of(const float x[2])
{
    EXPECT_INT(image_byte(x[0]) + image_byte(x[1]), 255);
    return image_byte(x[0]);
}

TEST(validation_images_are_never_trained_on_and_the_split_depends_on_the_seed_alone)
{
    write_numbered("a");
    uint32_t splits[3][200];
    for (int run = 0; run < 3; run++) {
        Dataset d;
        DataOptions options = {.path = at("a"), .config.validation = 50, .seed = run == 2 ? 8 : 7};
        if (!open_ok(&d, &options)) return;
        EXPECT_INT(d.train_count, 150);
        EXPECT_INT(d.validation_count, 50);
        bool held[256] = {false};
        float x[2];
        for (size_t i = 0; i < 50; i++) {
            dataset_validation_sample(&d, i, x, NULL, NULL);
            int k = number_of(x);
            EXPECT(!held[k]);
            held[k] = true;
        }
        for (uint64_t i = 0; i < 450; i++) {
            dataset_train_sample(&d, i, x, NULL, NULL);
            EXPECT(!held[number_of(x)]);
        }
        memcpy(splits[run], d.split, sizeof splits[run]);
        dataset_close(&d);
    }
    EXPECT_SAME(splits[0], splits[1], sizeof splits[0]);
    EXPECT(memcmp(splits[0], splits[2], sizeof splits[0]) != 0);
}

TEST(every_epoch_is_another_permutation_and_any_sample_can_be_asked_for_alone)
{
    write_numbered("a");
    Dataset d, alone;
    DataOptions options = {.path = at("a"), .seed = 3};
    if (!open_ok(&d, &options) || !open_ok(&alone, &options)) return;
    int order[3][200];
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        bool seen[256] = {false};
        for (uint64_t i = 0; i < 200; i++) {
            float x[2];
            dataset_train_sample(&d, 200 * epoch + i, x, NULL, NULL);
            order[epoch][i] = number_of(x);
            EXPECT(!seen[order[epoch][i]]);
            seen[order[epoch][i]] = true;
        }
    }
    EXPECT(memcmp(order[0], order[1], sizeof order[0]) != 0);
    EXPECT(memcmp(order[1], order[2], sizeof order[0]) != 0);
    static const uint64_t numbers[] = {599, 0, 401, 200};
    for (int i = 0; i < 4; i++) {
        float x[2];
        dataset_train_sample(&alone, numbers[i], x, NULL, NULL);
        EXPECT_INT(number_of(x), order[numbers[i] / 200][numbers[i] % 200]);
    }
    dataset_close(&d);
    dataset_close(&alone);
}

TEST(by_default_1000_images_are_held_out_and_never_more_than_a_tenth)
{
    static const struct {
        size_t images, held_out;
    } cases[] = {{1, 0},  {9, 0},      {10, 1},       {20, 2},
                 {29, 2}, {9999, 999}, {10000, 1000}, {12345, 1000}};
    static unsigned char bytes[16 + 12345];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = cases[i].images;
        unsigned char header[16] = {
            0, 0, 8, 3, 0, 0, (unsigned char)(n >> 8), (unsigned char)n, 0, 0, 0, 1, 0, 0, 0, 1};
        Dataset d;
        memcpy(bytes, header, sizeof header);
        write_bytes("a", bytes, sizeof header + n);
        DataOptions options = {.path = at("a"), .config.validation = DATA_VALIDATION_AUTO};
        if (!open_ok(&d, &options)) return;
        EXPECT_INT(d.validation_count, cases[i].held_out);
        EXPECT_INT(d.train_count, n - cases[i].held_out);
        dataset_close(&d);
        options.config.limit = 5;
        if (!open_ok(&d, &options)) return;
        EXPECT_INT(d.validation_count, 0);
        dataset_close(&d);
    }
}

TEST(half_of_the_training_images_are_flipped_and_no_validation_image_is)
{
    /* 500 images of a dark and a bright pixel. */
    unsigned char bytes[16 + 1000] = {0, 0, 8, 3, 0, 0, 1, 244, 0, 0, 0, 1, 0, 0, 0, 2};
    for (int i = 0; i < 500; i++) bytes[17 + 2 * i] = 255;
    write_bytes("a", bytes, sizeof bytes);
    Dataset d;
    if (!open_ok(&d,
                 &(DataOptions){.path = at("a"), .config.flip = true, .config.validation = 100}))
        return;
    int flips = 0, changed = 0;
    float x[2], first[400];
    for (uint64_t i = 0; i < 4000; i++) {
        dataset_train_sample(&d, i, x, NULL, NULL);
        EXPECT(x[0] == -x[1]);
        flips += x[0] > 0;
        if (i < 400) first[d.order[i]] = x[0];
        if (i >= 400 && i < 800) changed += first[d.order[i - 400]] != x[0];
    }
    EXPECT_NEAR(flips, 2000, 5 * 31.6); /* sigma = sqrt(4000) / 2 */
    EXPECT_NEAR(changed, 200, 5 * 10);  /* each epoch draws anew */
    for (size_t i = 0; i < 100; i++) {
        dataset_validation_sample(&d, i, x, NULL, NULL);
        EXPECT(x[0] == -1 && x[1] == 1);
    }
    dataset_close(&d);
}

TEST(samples_are_u_over_127_5_minus_1_with_their_label)
{
    write_bytes("train-images-idx3-ubyte", idx, sizeof idx);
    write_bytes("train-labels-idx1-ubyte", idx_labels, sizeof idx_labels);
    Dataset d;
    if (!open_ok(&d, &(DataOptions){.path = test_folder()})) return;
    for (uint64_t i = 0; i < 3; i++) {
        float x[4];
        int label = -1;
        dataset_train_sample(&d, i, x, &label, NULL);
        int base = image_byte(x[0]);
        for (int k = 0; k < 4; k++) EXPECT(x[k] == (float)(base + k) / 127.5f - 1.0f);
        EXPECT_INT(label, base == 0 ? 4 : base == 10 ? 0 : 9);
    }
    dataset_close(&d);
}

static void count_progress(void *context, size_t done, size_t total)
{
    size_t *last = context;
    EXPECT(done > *last && total == 3);
    *last = done;
}

TEST(progress_is_told_and_an_interruption_stops_reading)
{
    write_bytes("a", idx, sizeof idx);
    DataOptions options = {.path = at("a")};
    Dataset d;
    size_t last = 0;
    if (EXPECT(dataset_open(&d, &options, count_progress, &last, NULL))) dataset_close(&d);
    EXPECT_INT(last, 3);
    interrupt_set(true);
    expect_error(&options, ERR_INTERRUPTED, "interrupted while reading");
    interrupt_set(false);
}
