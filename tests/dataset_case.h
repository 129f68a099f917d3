/* What the tests of data sets share: files in the scratch folder, and opening what they make. */
#ifndef DIFFC_TESTS_DATASET_CASE_H
#define DIFFC_TESTS_DATASET_CASE_H

#include <zlib.h>

#include "base/fsio.h"
#include "data/dataset.h"
#include "data/image.h"
#include "test.h"

/* The path of a name in the scratch folder. */
static inline const char *at(const char *name)
{
    static char at_path[PATH_BYTES];
    path_join(at_path, test_folder(), name, NULL);
    return at_path;
}

static inline void write_bytes(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(at(name), "wb"); /* not file_write, which waits for the disk */
    if (!EXPECT(file != NULL)) return;
    EXPECT(fwrite(bytes, 1, size, file) == size);
    EXPECT(fclose(file) == 0);
}

/* Opens and expects failure of this kind with these words. */
static inline void expect_error(const DataOptions *options, ErrKind kind, const char *words)
{
    Dataset d;
    Err err = {0};
    if (!EXPECT(!dataset_open(&d, options, NULL, NULL, &err))) dataset_close(&d);
    EXPECT_INT(err.kind, kind);
    EXPECT_CONTAINS(err.text, words);
}

static inline bool open_ok(Dataset *d, const DataOptions *options)
{
    Err err = {0};
    if (EXPECT(dataset_open(d, options, NULL, NULL, &err))) return true;
    EXPECT_TEXT(err.text, "");
    return false;
}

/* A PNG of one value, 4x4 unless it says otherwise. */
static inline void write_png(const char *name, int value, int channels)
{
    unsigned char pixels[48];
    memset(pixels, value, sizeof pixels);
    Image image = {.height = 4, .width = 4, .channels = channels, .pixels = pixels};
    EXPECT(image_save_png(at(name), &image, NULL, NULL));
}

static inline void make_folder(const char *name)
{
    EXPECT(folder_make(at(name), NULL));
}

/* dataset_has_test_part, of a folder that can be listed. */
static inline bool has_test_part(const char *path)
{
    bool has = false;
    EXPECT(dataset_has_test_part(path, &has, NULL));
    return has;
}

/* Returns how many. */
static inline size_t gzip_bytes(unsigned char *out, size_t room, const void *bytes, size_t size)
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
static const unsigned char idx_images[] = {0, 0, 8, 3, 0, 0, 0,  3,  0,  0,  0,  2,  0,  0,
                                           0, 2, 0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23};
static const unsigned char idx_labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 4, 0, 9};

static inline void expect_every_cut_fails(const char *name, const unsigned char *bytes, size_t size)
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

static inline FileBytes bytes_of(const char *path)
{
    FileBytes file = {0};
    EXPECT(file_read(path, 1 << 20, &file, NULL));
    return file;
}

static inline void put_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!EXPECT(file != NULL)) return;
    EXPECT(fwrite(bytes, 1, size, file) == size);
    EXPECT(fclose(file) == 0);
}

#endif
