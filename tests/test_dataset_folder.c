/* Folders of images: their order, classes and parts, what is ignored and what is damaged. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset_case.h"

TEST(folder_images_come_in_the_order_of_their_path_bytes_whatever_was_made_first)
{
    static const char *const names[] = {"b/2.png", "Z.png",   "a/10.png",
                                        "b.png",   "a/9.png", "\xC3\xA4.png"};
    /* By bytes: Z.png, a/10.png, a/9.png, b.png, b/2.png, a-umlaut. */
    static const int order[] = {1, 2, 4, 3, 0, 5};
    for (int backwards = 0; backwards < 2; backwards++) {
        make_folder(backwards ? "two/a" : "one/a");
        make_folder(backwards ? "two/b" : "one/b");
        for (int i = 0; i < 6; i++) {
            int k = backwards ? 5 - i : i;
            char name[64];
            snprintf(name, sizeof name, "%s/%s", backwards ? "two" : "one", names[k]);
            write_png(name, 10 * k, 1);
        }
        Dataset d;
        if (!open_ok(&d, &(DataOptions){.path = at(backwards ? "two" : "one")})) return;
        EXPECT_TEXT(d.description, "6 grey images of 4x4 (folder)");
        for (int i = 0; i < 6; i++) EXPECT_INT(d.pixels[16 * i], 10 * order[i]);
        EXPECT(d.labels == NULL);
        dataset_close(&d);
    }
}

TEST(top_level_folders_are_labels_sorted_by_name)
{
    make_folder("cat/deep");
    make_folder("cat-2");
    make_folder("ant");
    make_folder("empty");
    write_png("cat/deep/1.png", 1, 1);
    write_png("cat/2.png", 2, 1);
    write_png("cat-2/1.png", 3, 1); /* its path sorts before cat/, its name after cat */
    write_png("ant/1.png", 4, 1);
    Dataset d;
    if (!open_ok(&d, &(DataOptions){.path = test_folder()})) return;
    EXPECT_INT(d.classes, 3);
    for (size_t i = 0; i < d.count; i++) {
        int value = d.pixels[16 * i];
        EXPECT_INT(d.labels[i], value == 4 ? 0 : value == 3 ? 2 : 1);
    }
    dataset_close(&d);
    write_png("at-the-top.png", 5, 1);
    if (!open_ok(&d, &(DataOptions){.path = test_folder()})) return;
    EXPECT(d.labels == NULL && d.classes == 0);
    dataset_close(&d);
}

/* A data set as torchvision's ImageFolder has it: the parts are not classes. */
TEST(a_folder_of_train_and_test_is_read_by_part_and_its_classes_lie_inside)
{
    static const char *const names[] = {"train/ant/1.png", "train/cat/2.png", "train/cat/3.png",
                                        "test/ant/4.png", "test/cat/5.png"};
    static const char *const folders[] = {"train/ant", "train/cat", "test/ant", "test/cat"};
    for (int i = 0; i < 4; i++) make_folder(folders[i]);
    for (int i = 0; i < 5; i++) write_png(names[i], i + 1, 1);
    write_bytes("README.md", "hello", 5);
    Dataset d;
    if (!open_ok(&d, &(DataOptions){.path = test_folder()})) return;
    EXPECT_TEXT(d.description, "3 grey images of 4x4 (folder train), 2 classes");
    for (int i = 0; i < 3; i++) {
        EXPECT_INT(d.pixels[16 * i], i + 1);
        EXPECT_INT(d.labels[i], i > 0);
    }
    dataset_close(&d);
    EXPECT(has_test_part(test_folder()));
    if (!open_ok(&d, &(DataOptions){.path = test_folder(), .test_part = true})) return;
    EXPECT_TEXT(d.description, "2 grey images of 4x4 (folder test), 2 classes");
    EXPECT_INT(d.pixels[0], 4);
    dataset_close(&d);
}

TEST(parts_of_a_folder_go_by_many_names_and_without_a_test_part_validation_stands_in)
{
    make_folder("Training");
    make_folder("valid");
    write_png("Training/1.png", 1, 1);
    write_png("valid/2.png", 2, 1);
    Dataset d;
    if (!open_ok(&d, &(DataOptions){.path = test_folder()})) return;
    EXPECT_TEXT(d.description, "1 grey image of 4x4 (folder Training)");
    EXPECT_INT(d.classes, 0);
    dataset_close(&d);
    if (!open_ok(&d, &(DataOptions){.path = test_folder(), .test_part = true})) return;
    EXPECT_TEXT(d.description, "1 grey image of 4x4 (folder valid)");
    dataset_close(&d);
}

TEST(folders_beside_train_or_images_at_the_top_make_it_a_class_like_any_other)
{
    make_folder("train");
    make_folder("test");
    make_folder("plane");
    write_png("train/1.png", 1, 1);
    write_png("test/2.png", 2, 1);
    write_png("plane/3.png", 3, 1);
    Dataset d;
    if (!open_ok(&d, &(DataOptions){.path = test_folder()})) return;
    EXPECT_INT(d.classes, 3);
    EXPECT_INT(d.count, 3);
    dataset_close(&d);
    EXPECT(!has_test_part(test_folder()));
    expect_error(&(DataOptions){.path = test_folder(), .test_part = true}, ERR_USAGE,
                 "has no test part");
    EXPECT(remove(at("plane/3.png")) == 0 && remove(at("plane")) == 0);
    write_png("4.png", 4, 1);
    if (!open_ok(&d, &(DataOptions){.path = test_folder()})) return;
    EXPECT_INT(d.count, 3);
    EXPECT_INT(d.classes, 0);
    dataset_close(&d);
}

TEST(a_limit_takes_images_of_all_folders)
{
    static const char *const names[] = {"a/1.png", "a/2.png", "b/1.png",
                                        "b/2.png", "c/1.png", "c/2.png"};
    make_folder("a");
    make_folder("b");
    make_folder("c");
    for (int i = 0; i < 6; i++) write_png(names[i], i, 1);
    for (size_t limit = 1; limit <= 7; limit++) {
        Dataset d;
        if (!open_ok(&d, &(DataOptions){.path = test_folder(), .limit = limit})) return;
        EXPECT_INT(d.count, limit < 6 ? limit : 6);
        for (size_t i = 0; i < d.count; i++) EXPECT_INT(d.pixels[16 * i], 6 * i / d.count);
        if (limit == 3)
            for (int i = 0; i < 3; i++) EXPECT_INT(d.labels[i], i);
        dataset_close(&d);
    }
}

TEST(other_files_are_ignored_with_a_count_and_link_loops_end)
{
    make_folder("in");
    make_folder(".hidden");
    make_folder("__MACOSX");
    write_png("in/1.png", 7, 1);
    write_png("in/jpeg-by-name.dat", 8, 1); /* found by content */
    write_png(".hidden/2.png", 9, 1);
    write_png("__MACOSX/3.png", 9, 1);
    write_png("in/._4.png", 9, 1);
    write_bytes("notes.txt", "hello", 5);
    write_bytes("in/tiny", "", 0);
    EXPECT(mkfifo(at("in/pipe.png"), 0600) == 0);
    EXPECT(symlink("../in", at("in/loop")) == 0);
    EXPECT(symlink("..", at("in/above")) == 0);
    EXPECT(symlink("nothing", at("in/dangling.png")) == 0);
    Dataset d;
    if (!open_ok(&d, &(DataOptions){.path = test_folder()})) return;
    EXPECT_INT(d.count, 2);
    EXPECT_INT(d.ignored, 4); /* notes.txt, tiny, the FIFO, the dangling link */
    EXPECT_TEXT(d.description, "2 grey images of 4x4 (folder), 1 class, 4 other files ignored");
    dataset_close(&d);
}

TEST(one_colour_image_makes_the_set_colour_and_sizes_follow_the_first)
{
    unsigned char wide[8] = {0, 0, 100, 100, 100, 100, 0, 0};
    Image image = {.height = 1, .width = 8, .channels = 1, .pixels = wide};
    write_png("1.png", 50, 1);
    write_png("2.png", 60, 3);
    EXPECT(image_save_png(at("3.png"), &image, NULL, NULL));
    Dataset d;
    if (open_ok(&d, &(DataOptions){.path = test_folder()})) {
        EXPECT_TEXT(d.description,
                    "3 colour images of 4x4 (folder), 1 of another size resized to the first's");
        for (int i = 0; i < 48; i++) EXPECT_INT(d.pixels[i], 50);
        for (int i = 48; i < 96; i++) EXPECT_INT(d.pixels[i], 60);
        for (int i = 96; i < 144; i++) EXPECT_INT(d.pixels[i], 100); /* the centre of the row */
        dataset_close(&d);
    }
    if (open_ok(&d,
                &(DataOptions){.path = test_folder(), .channels = 1, .height = 2, .width = 3})) {
        EXPECT_TEXT(d.description, "3 grey images of 2x3 (folder)");
        for (int i = 0; i < 6; i++) EXPECT_INT(d.pixels[i], 50);
        dataset_close(&d);
    }
}

TEST(a_bad_image_is_an_error_that_names_it_or_left_out_and_counted)
{
    write_png("1.png", 1, 1);
    write_png("3.png", 3, 1);
    write_bytes("2\n.png", "not a picture", 13);
    DataOptions options = {.path = test_folder()};
    expect_error(&options, ERR_FORMAT, "2\\x0a.png: is neither PNG nor JPEG");
    expect_error(&options, ERR_FORMAT, "(data.skip_bad = true leaves such images out)");
    options.skip_bad = true;
    write_bytes("0.jpg", "", 0);
    Dataset d;
    if (open_ok(&d, &options)) {
        EXPECT_TEXT(d.description, "2 grey images of 4x4 (folder), 2 damaged images left out");
        EXPECT_INT(d.skipped, 2);
        EXPECT_INT(d.pixels[0], 1);
        EXPECT_INT(d.pixels[16], 3);
        EXPECT_TEXT(d.files[0], "1.png");
        EXPECT_TEXT(d.files[1], "3.png");
        dataset_close(&d);
    }
    unlink(at("1.png"));
    unlink(at("3.png"));
    expect_error(&options, ERR_FORMAT, "none of its 2 images can be decoded");
}
