/* What a file is, said by every loader that was given something else. */
#include <zlib.h>

#include "base/file_kind.h"
#include "dataset_case.h"
#include "io/json.h"
#include "io/safetensors.h"

#define LFS "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab\nsize 12345\n"

static const struct {
    const char *bytes;
    size_t size;
    const char *kind;
} kinds[] = {
#define BYTES(text) text, sizeof(text) - 1
    {BYTES(""), "empty"},
    {BYTES(LFS), "a Git LFS pointer (\"git lfs pull\" fetches the file itself)"},
    {BYTES("\n<!DOCTYPE html>\n<html>"), "an HTML page (a login or error page"},
    {BYTES("<HTML><body>404"), "an HTML page (a login or error page"},
    {BYTES("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>"), "an XML file (an error"},
    {BYTES("<?xml version=\"1.0\"?>\n<svg xmlns="), "an SVG drawing"},
    {BYTES("\x1F\x8B\x08\0\0\0\0\0"), "packed with gzip (unpack it first)"},
    {BYTES("PK\3\4\24\0\0\0\0\0photos/1.png"), "a zip archive (unpack it first)"},
    {BYTES("PK\3\4\24\0\0\0\0\0arr_0.npy"), "an .npz file of NumPy arrays"},
    {BYTES("PK\3\4\0\0\0\0\0\0archive/data.pkl"), "a PyTorch checkpoint (a pickle"},
    {BYTES("\x80\2\x8A\nl\xFC\x9C"), "a PyTorch checkpoint (a pickle"},
    {BYTES("\x80\4\x95"), "a PyTorch checkpoint (a pickle"},
    {BYTES("\x89PNG\r\n\x1A\n"), "a PNG image"},
    {BYTES("\xFF\xD8\xFF\xE0"), "a JPEG image"},
    {BYTES("GIF89a"), "a GIF image (convert it to PNG)"},
    {BYTES("RIFF\0\1\0\0WEBPVP8 "), "a WebP image (convert it to PNG)"},
    {BYTES("\0\0\0\x18"
           "ftypheic"),
     "a HEIC image (convert it to PNG)"},
    {BYTES("BM\x36\0\0\0\0\0\0\0\x36\0\0\0"), "a BMP image (convert it to PNG)"},
    {BYTES("\0\0\x08\3\0\0\0\1"), "IDX images"},
    {BYTES("\x08\0\0\0\0\0\0\0{\"a\":1}"), "a safetensors file"},
    {BYTES("{\"data\": {}}"), "JSON text"},
    {BYTES("data:\n  path: photos\n"), "text"},
    {BYTES("\xFF\xFE{\0\"\0"), "text in UTF-16 (save it as UTF-8)"},
    {BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
           "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
     "zeros (a download that was cut?)"},
#undef BYTES
};

TEST(files_of_each_kind_are_recognised_by_their_first_bytes)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *kind = file_kind((const unsigned char *)kinds[i].bytes, kinds[i].size);
        if (EXPECT(kind != NULL)) EXPECT_CONTAINS(kind, kinds[i].kind);
    }
    unsigned char tar[512] = "photos/";
    memcpy(tar + 257, "ustar", 5);
    EXPECT_CONTAINS(file_kind(tar, sizeof tar), "a tar archive (unpack it first)");
    EXPECT(file_kind((const unsigned char *)"\1\2\3", 3) == NULL);
    EXPECT(file_kind((const unsigned char *)"\0\0\0", 3) == NULL);
}

static void expect_words(const char *path, const Err *err, const char *kind, const char *expected)
{
    char words[400];
    EXPECT_CONTAINS(err->text, path);
    snprintf(words, sizeof words, ": is %s", kind);
    EXPECT_CONTAINS(err->text, words);
    snprintf(words, sizeof words, ", expected %s", expected);
    EXPECT_CONTAINS(err->text, words);
}

TEST(images_tensors_json_and_data_sets_say_what_they_were_given_instead)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *kind = kinds[i].kind;
        Err err = {0};
        Image image;
        Safetensors st;
        Dataset d;
        bool picture = strstr(kind, "PNG image") || strstr(kind, "JPEG image");
        bool tensors = strcmp(kind, "a safetensors file") == 0;
        write_bytes("file", kinds[i].bytes, kinds[i].size);
        if (EXPECT(!image_load(at("file"), 0, &image, &err)) && !picture)
            expect_words("/file", &err, kind, "a PNG or JPEG image");
        err = (Err){0};
        if (EXPECT(!safetensors_open(&st, at("file"), 1000, &err)) && !tensors)
            expect_words("/file", &err, kind, "a safetensors file");
        err = (Err){0};
        Json *json = json_load(at("file"), 1000, false, &err);
        EXPECT((json != NULL) == (strcmp(kind, "JSON text") == 0));
        if (!json) expect_words("/file", &err, kind, "JSON");
        json_free(json);
        err = (Err){0};
        /* Data may be packed; images and IDX have words of their own. */
        bool own = picture || strstr(kind, "gzip") || strstr(kind, "IDX") || kinds[i].size == 0;
        DataOptions options = {.path = at("file")};
        if (EXPECT(!dataset_open(&d, &options, NULL, NULL, &err)) && !own)
            expect_words("/file", &err, kind, "IDX or CIFAR-10 binary data");
        options.config.kind = DATA_CIFAR10;
        if (EXPECT(!dataset_open(&d, &options, NULL, NULL, &err)) && !own)
            expect_words("/file", &err, kind, "CIFAR-10 records");
    }
}

TEST(labels_and_packed_data_say_what_they_are_instead)
{
    static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 77};
    unsigned char tar[512] = "photos/";
    memcpy(tar + 257, "ustar", 5);
    write_bytes("images-idx3-ubyte", images, sizeof images);
    write_bytes("labels-idx1-ubyte", LFS, sizeof LFS - 1);
    expect_error(&(DataOptions){.path = at("images-idx3-ubyte")}, ERR_FORMAT,
                 "labels-idx1-ubyte: is a Git LFS pointer");
    gzFile file = gzopen(at("photos.tar.gz"), "wb");
    if (!EXPECT(file != NULL)) return;
    EXPECT_INT(gzwrite(file, tar, sizeof tar), sizeof tar);
    EXPECT_INT(gzclose(file), Z_OK);
    expect_error(&(DataOptions){.path = at("photos.tar.gz")}, ERR_FORMAT,
                 "photos.tar.gz: is a tar archive (unpack it first), expected IDX");
}

TEST(a_file_beyond_the_limit_is_said_to_be_what_it_is)
{
    Err err = {0};
    FileBytes file;
    write_bytes("photos.zip", "PK\3\4and much more", 17);
    EXPECT_FAILS(file_read(at("photos.zip"), 10, &file, &err), err,
                 "photos.zip: is a zip archive (unpack it first) and has 17 bytes, ");
}
