/* The look at a person's pictures. */
#include "data/data_facts.h"

#include "base/mem.h"

#include "dataset_case.h"

/* A PNG of one grey value, or with one pixel of another red. */
static void write_picture(const char *name, int height, int width, int channels, int red)
{
    Image image;
    if (!EXPECT(image_alloc(&image, height, width, channels))) return;
    memset(image.pixels, 100, (size_t)height * (size_t)width * (size_t)channels);
    if (channels == 3) image.pixels[3 * (height * width - 1)] = (unsigned char)red;
    EXPECT(image_save_png(at(name), &image, NULL, NULL));
    image_free(&image);
}

static DataFacts facts_of(const DataOptions *options)
{
    DataFacts f = {0};
    Err err = {0};
    EXPECT_OK(data_facts_read(&f, options, NULL, NULL, &err), err);
    return f;
}

TEST(facts_of_a_folder_are_its_count_sides_and_colour)
{
    char text[256];
    write_picture("a.png", 20, 30, 1, 0);
    write_picture("b.png", 40, 12, 3, 100 + GREY_SPREAD);
    write_picture("c.png", 50, 60, 3, 100 - GREY_SPREAD);
    DataFacts f = facts_of(&(DataOptions){.path = test_folder()});
    EXPECT_INT(f.kind, DATA_FOLDER);
    EXPECT_INT(f.count, 3);
    EXPECT_INT(f.seen, 3);
    EXPECT_INT(f.height, 0);
    EXPECT_INT(f.sides[0], 12);
    EXPECT_INT(data_facts_side(&f), 20);
    EXPECT_INT(data_facts_smaller(&f, 20), 1);
    EXPECT_INT(data_facts_smaller(&f, 51), 3);
    EXPECT(!f.colour);
    EXPECT_INT(f.classes, 0);
    EXPECT_CONTAINS(f.no_labels, "holds no folders");
    data_facts_describe(&f, text, sizeof text);
    EXPECT_TEXT(text,
                "3 grey pictures (folder), shorter sides of 12 to 50 pixels, the middle one 20");
    write_picture("d.png", 20, 30, 3, 100 + GREY_SPREAD + 1);
    f = facts_of(&(DataOptions){.path = test_folder()});
    EXPECT(f.colour);
    EXPECT_INT(data_facts_side(&f), 20); /* the lower one of two in the middle */
}

TEST(facts_of_many_pictures_come_from_some_spread_over_them)
{
    char name[32], text[256];
    make_folder("a");
    make_folder("b");
    for (int i = 0; i < 2 * DATA_FACTS_SEEN; i++) {
        bool second = i >= DATA_FACTS_SEEN;
        snprintf(name, sizeof name, "%s/%03d.png", second ? "b" : "a", i);
        write_png(name, 7, 1);
    }
    DataFacts f = facts_of(&(DataOptions){.path = test_folder()});
    EXPECT_INT(f.count, 2 * DATA_FACTS_SEEN);
    EXPECT_INT(f.seen, DATA_FACTS_SEEN);
    EXPECT_INT(f.height, 4);
    EXPECT_INT(f.width, 4);
    EXPECT_INT(f.classes, 2);
    EXPECT_TEXT(f.class_list, "a, b");
    data_facts_describe(&f, text, sizeof text);
    EXPECT_TEXT(text, "400 grey pictures of 4x4 (folder); 200 of them were looked at");
    f = facts_of(&(DataOptions){.path = test_folder(), .config = {.limit = 5}});
    EXPECT_INT(f.count, 5);
    EXPECT_INT(f.seen, 5);
}

TEST(facts_of_idx_and_cifar_are_those_of_the_whole_file)
{
    enum { IMAGES = 300, RECORD = 3073 };
    unsigned char idx[16 + IMAGES * 6] = {0, 0, 8, 3, 0, 0, IMAGES >> 8, IMAGES & 255,
                                          0, 0, 0, 2, 0, 0, 0,           3};
    char text[256];
    write_bytes("images-idx3-ubyte", idx, sizeof idx);
    DataFacts f = facts_of(&(DataOptions){.path = at("images-idx3-ubyte")});
    EXPECT_INT(f.kind, DATA_IDX);
    EXPECT_INT(f.count, IMAGES);
    EXPECT_INT(data_facts_side(&f), 2);
    data_facts_describe(&f, text, sizeof text);
    EXPECT_TEXT(text, "300 grey pictures of 2x3 (idx)");
    unsigned char *cifar = mem_alloc(12, RECORD);
    if (!EXPECT(cifar != NULL)) return;
    cifar[RECORD + 5] = 200;
    write_bytes("batch.bin", cifar, (size_t)12 * RECORD);
    f = facts_of(&(DataOptions){.path = at("batch.bin")});
    EXPECT_INT(f.kind, DATA_CIFAR10);
    EXPECT_INT(f.count, 12);
    EXPECT(f.colour);
    EXPECT_INT(f.classes, 10);
    EXPECT_TEXT(f.class_list, "airplane, automobile, bird, cat, deer, dog, ...");
    data_facts_describe(&f, text, sizeof text);
    EXPECT_TEXT(text, "12 colour pictures of 32x32 (cifar10)");
    mem_free(cifar);
}

TEST(facts_fail_as_the_data_set_does)
{
    DataFacts f;
    Err err = {0};
    make_folder("empty");
    EXPECT_REFUSED(data_facts_read(&f, &(DataOptions){.path = at("empty")}, NULL, NULL, &err), err,
                   ERR_IO, "is an empty folder");
    make_folder("bad");
    write_png("bad/1.png", 1, 1);
    write_bytes("bad/2.png", "no", 2);
    DataOptions training = {.path = at("bad"), .can_skip = true};
    EXPECT_FAILS(data_facts_read(&f, &training, NULL, NULL, &err), err, "data.skip_bad");
    f = facts_of(&(DataOptions){.path = at("bad"), .config = {.skip_bad = true}});
    EXPECT_INT(f.seen, 1);
}
