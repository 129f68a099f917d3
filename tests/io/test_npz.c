/* Images in .npz files: written and read again, written by NumPy, damaged, and of other kinds. */

#include "base/fsio.h"
#include "base/mem.h"
#include "io/npz.h"
#include "test.h"

enum { COUNT = 3, H = 5, W = 4, C = 2, BYTES = COUNT * H * W * C };

static void fill(unsigned char *pixels)
{
    for (int i = 0; i < BYTES; i++) pixels[i] = (unsigned char)(i * 37 + i / 7);
}

static void expect_images(const NpzImages *images, int channels, const unsigned char *pixels)
{
    EXPECT_INT((long long)images->count, COUNT);
    EXPECT_INT(images->H, H);
    EXPECT_INT(images->W, W);
    EXPECT_INT(images->C, channels);
    EXPECT_SAME(images->pixels, pixels, (size_t)(COUNT * H * W * channels));
}

TEST(what_is_written_is_read)
{
    unsigned char pixels[BYTES];
    NpzImages images;
    const char *path = test_path("x.npz");
    fill(pixels);
    EXPECT(npz_write_images(path, pixels, NULL, COUNT, H, W, C, NULL));
    if (!EXPECT(npz_read_images(path, &images, NULL))) return;
    expect_images(&images, C, pixels);
    mem_free(images.pixels);
}

/* As guided-diffusion's evaluation names them: arr_0 and arr_1, int64. */
TEST(labels_are_written_as_numpy_writes_int64)
{
    static const int64_t labels[COUNT] = {7, 0, INT64_C(1) << 40};
    static const char head[] = "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }";
    unsigned char pixels[BYTES];
    NpzImages images;
    FileBytes file;
    const char *path = test_path("x.npz");
    fill(pixels);
    EXPECT(npz_write_images(path, pixels, labels, COUNT, H, W, C, NULL));
    if (!EXPECT(npz_read_images(path, &images, NULL))) return;
    expect_images(&images, C, pixels);
    mem_free(images.pixels);
    if (!EXPECT(file_read(path, 1 << 20, &file, NULL))) return;
    const unsigned char *found = NULL;
    for (size_t i = 0; i + sizeof head < file.size && !found; i++)
        if (memcmp(file.bytes + i, head, sizeof head - 1) == 0) found = file.bytes + i;
    /* The header of an array has a multiple of 64 bytes, ten of which come before its text. */
    if (EXPECT(found != NULL)) EXPECT_SAME(found - 10 + 128, labels, sizeof labels);
    file_free(&file);
}

/* numpy.savez and savez_compressed (the seeds of tests/fuzz, made by tests/golden/npz_seeds.py): a local
 * header with zip64 sizes, another member first, deflated, without channels. */
TEST(files_of_numpy_are_read)
{
    static const char *const names[] = {"stored.npz", "deflated.npz", "grey.npz"};
    unsigned char pixels[BYTES];
    fill(pixels);
    for (int i = 0; i < 3; i++) {
        NpzImages images;
        Err err = {0};
        char path[64];
        snprintf(path, sizeof path, "tests/fuzz/seeds/npz/%s", names[i]);
        if (!EXPECT_OK(npz_read_images(path, &images, &err), err)) continue;
        expect_images(&images, i == 2 ? 1 : C, pixels);
        mem_free(images.pixels);
    }
}

static FileBytes read_seed(const char *name)
{
    FileBytes file = {NULL, 0};
    char path[64];
    snprintf(path, sizeof path, "tests/fuzz/seeds/npz/%s", name);
    EXPECT(file_read(path, 1 << 20, &file, NULL));
    return file;
}

static void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!EXPECT(file != NULL)) return;
    EXPECT(fwrite(bytes, 1, size, file) == size);
    fclose(file);
}

static void expect_refused(const char *path, const char *words)
{
    NpzImages images;
    Err err = {0};
    EXPECT_REFUSED(npz_read_images(path, &images, &err), err, ERR_FORMAT, words);
    EXPECT_CONTAINS(err.text, path);
}

TEST(files_cut_at_any_byte_are_refused)
{
    static const char *const names[] = {"stored.npz", "deflated.npz"};
    const char *path = test_path("cut.npz");
    for (int i = 0; i < 2; i++) {
        FileBytes file = read_seed(names[i]);
        for (size_t size = 0; size < file.size; size++) {
            write_bytes(path, file.bytes, size);
            expect_refused(path, "");
        }
        file_free(&file);
    }
}

TEST(a_changed_pixel_is_noticed)
{
    const char *path = test_path("changed.npz");
    unsigned char pixels[BYTES];
    fill(pixels);
    EXPECT(npz_write_images(path, pixels, NULL, COUNT, H, W, C, NULL));
    FileBytes file;
    if (!EXPECT(file_read(path, 1 << 20, &file, NULL))) return;
    file.bytes[180] ^= 1;
    write_bytes(path, file.bytes, file.size);
    file_free(&file);
    expect_refused(path, "checksum");
}

TEST(other_arrays_and_files_are_refused)
{
    static const char *const files[][2] = {
        {"floats.npz", "is of the type '<f4'"},      {"fortran.npz", "Fortran's order"},
        {"flat.npz", "has not the shape of images"}, {"wide.npz", "has not the shape of images"},
        {"other.npz", "holds no array arr_0"},       {"bzip2.npz", "packed by method 12"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[64];
        snprintf(path, sizeof path, "tests/fuzz/seeds/npz/%s", files[i][0]);
        expect_refused(path, files[i][1]);
    }
    const char *text = test_path("text.npz");
    write_bytes(text, "this is no archive", 18);
    expect_refused(text, "is text, expected an .npz file");
    NpzImages images;
    Err err = {0};
    EXPECT_REFUSED(npz_read_images(test_path("missing.npz"), &images, &err), err, ERR_IO,
                   "cannot open");
}
