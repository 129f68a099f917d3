/* The file of decoded images itself: what is written is read, and what was damaged is refused. */
#include "data/data_cache.h"
#include "dataset_case.h"

enum { IMAGES = 3, LEFT_OUT = 2 };

static const char *make_small(size_t *size)
{
    const DataCacheFacts facts = {.source = 5, .height = 2, .width = 3, .channels = 1};
    static const uint32_t left_out[LEFT_OUT] = {1, 4};
    const char *path = test_path("small.cache");
    DataCacheWriter *w;
    Err err = {0};
    if (!EXPECT_OK(data_cache_begin(&w, path, &facts, IMAGES, &err), err)) abort();
    for (int i = 0; i < IMAGES; i++) {
        memset(data_cache_image(w), 10 + i, 6);
        EXPECT_OK(data_cache_add(w, &err), err);
    }
    EXPECT_OK(data_cache_finish(w, 99, left_out, LEFT_OUT, &err), err);
    *size = 16 + IMAGES * (6 + 4) + LEFT_OUT * 4 + 48;
    return path;
}

static void expect_refused(const char *path, const char *words)
{
    DataCache *c;
    Err why;
    if (!EXPECT(!data_cache_open(&c, path, 5, &why))) data_cache_close(c);
    EXPECT_INT(why.kind, ERR_FORMAT);
    EXPECT_CONTAINS(why.text, words);
}

TEST(a_file_that_ends_anywhere_or_goes_on_is_damaged)
{
    size_t size;
    const char *path = make_small(&size);
    FileBytes whole = bytes_of(path);
    if (!EXPECT_INT(whole.size, size)) return;
    for (size_t cut = 0; cut < size; cut++) {
        put_bytes(path, whole.bytes, cut);
        expect_refused(path, "small.cache: is ");
    }
    put_bytes(path, whole.bytes, size + 1); /* with the zero that file_read adds */
    expect_refused(path, "small.cache: is damaged");
    file_free(&whole);
}

TEST(a_wrong_byte_is_found_at_the_start_or_by_the_image_it_belongs_to)
{
    size_t size;
    const char *path = make_small(&size);
    FileBytes whole = bytes_of(path);
    for (size_t at_byte = 0; at_byte < size; at_byte++) {
        size_t pixels = 16, after = pixels + IMAGES * 6;
        whole.bytes[at_byte] ^= 0x20;
        put_bytes(path, whole.bytes, size);
        whole.bytes[at_byte] ^= 0x20;
        if (at_byte < pixels || at_byte >= after) {
            expect_refused(path, at_byte < 8    ? "is no file of decoded images"
                                 : at_byte < 12 ? "has version"
                                 : at_byte < 16 ? "of another byte order"
                                                : "is damaged");
            continue;
        }
        DataCache *c;
        Err err = {0};
        unsigned char image[6];
        if (!EXPECT_OK(data_cache_open(&c, path, 5, &err), err)) continue;
        for (size_t i = 0; i < IMAGES; i++) {
            if (i != (at_byte - pixels) / 6)
                EXPECT_OK(data_cache_read(c, i, image, &err), err);
            else
                EXPECT_REFUSED(data_cache_read(c, i, image, &err), err, ERR_FORMAT,
                               "is not as it was written; delete the file");
        }
        data_cache_close(c);
    }
    file_free(&whole);
}

TEST(what_is_written_is_read_and_another_source_is_refused)
{
    size_t size;
    DataCache *c;
    Err err = {0};
    unsigned char image[6];
    const char *path = make_small(&size);
    if (!EXPECT_OK(data_cache_open(&c, path, 5, &err), err)) return;
    EXPECT_INT(data_cache_facts(c)->count, IMAGES);
    EXPECT_INT(data_cache_facts(c)->sizes, 99);
    EXPECT(data_cache_left_out(c)[0] == 1 && data_cache_left_out(c)[1] == 4);
    for (size_t i = 0; i < IMAGES; i++) {
        EXPECT_OK(data_cache_read(c, i, image, &err), err);
        for (int k = 0; k < 6; k++) EXPECT_INT(image[k], 10 + i);
    }
    data_cache_close(c);
    EXPECT(!data_cache_open(&c, path, 6, &err));
    EXPECT_CONTAINS(err.text, "the pictures have changed");
    EXPECT(!data_cache_open(&c, at("none.cache"), 5, &err) && err.kind == ERR_NONE);
    EXPECT_FAILS(data_cache_open(&c, test_folder(), 5, &err), err, ": is damaged");
}
