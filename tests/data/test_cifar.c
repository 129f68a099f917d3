/* CIFAR-10's binary files. */
#include "base/mem.h"
#include "dataset_case.h"

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
