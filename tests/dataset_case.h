/* What the tests of data sets share: files in the scratch folder, and opening what they make. */
#ifndef DIFFC_TESTS_DATASET_CASE_H
#define DIFFC_TESTS_DATASET_CASE_H

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

#endif
