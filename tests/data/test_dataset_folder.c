/* Folders of images: their order, classes and parts, what is ignored and what is damaged. */
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
    EXPECT_CONTAINS(d.no_labels, "the image at-the-top.png lies beside the 3 folders");
    dataset_close(&d);
}

TEST(a_folder_without_images_beside_those_of_the_classes_is_no_class_and_is_said)
{
    static const struct {
        const char *folder, *words;
    } steps[] = {{"ant/deep", "2 classes"},
                 {"no10/deep", "2 classes, no image in the folder no10"},
                 {"no2", "2 classes, no image in 2 folders, such as no2"},
                 {".hidden", "2 classes, no image in 2 folders, such as no2"}};
    make_folder("ant");
    make_folder("cat");
    write_png("ant/1.png", 1, 1);
    write_png("cat/1.png", 2, 1);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        Dataset d;
        char expected[100];
        make_folder(steps[i].folder);
        snprintf(expected, sizeof expected, "2 grey images of 4x4 (folder), %s", steps[i].words);
        if (!open_ok(&d, &(DataOptions){.path = test_folder()})) return;
        EXPECT_INT(d.classes, 2);
        EXPECT_TEXT(d.description, expected);
        dataset_close(&d);
    }
    write_png("at-the-top.png", 5, 1);
    Dataset d;
    if (!open_ok(&d, &(DataOptions){.path = test_folder()})) return;
    EXPECT_TEXT(d.description, "3 grey images of 4x4 (folder)"); /* folders are no classes */
    dataset_close(&d);
}

TEST(folders_are_classes_up_to_256_and_beyond_the_number_is_said)
{
    char name[64];
    for (int i = 0; i < 257; i++) {
        snprintf(name, sizeof name, "set/%d", i);
        make_folder(name);
        snprintf(name, sizeof name, "set/%d/1.png", i);
        write_png(name, i & 255, 1);
        if (i < 255) continue;
        Dataset d;
        if (!open_ok(&d, &(DataOptions){.path = at("set")})) return;
        EXPECT_INT(d.classes, i == 255 ? 256 : 0);
        if (i == 256) EXPECT_CONTAINS(d.no_labels, "set holds 257 folders, more than 256 classes");
        dataset_close(&d);
    }
}

/* What lies in a folder of 100,000 files besides images. */
static void make_bad_files(void)
{
    unsigned char bytes[200];
    FileBytes whole;
    write_png("whole.png", 9, 1);
    if (!EXPECT(file_read(at("whole.png"), sizeof bytes, &whole, NULL))) return;
    write_bytes("wrong-suffix.jpg", whole.bytes, whole.size); /* a PNG: read by its content */
    write_bytes("cut.png", whole.bytes, whole.size / 2);
    write_bytes("bad-utf8-\xFF.png", whole.bytes, 20);
    write_bytes("new\nline.png", whole.bytes, 20);
    write_bytes("empty.PNG", "", 0);
    write_bytes("page.jpeg", "<!DOCTYPE html><title>Sign in</title>", 37);
    file_free(&whole);
    EXPECT(mkfifo(at("fifo.png"), 0600) == 0);
    EXPECT(mknod(at("socket.png"), S_IFSOCK | 0600, 0) == 0);
    EXPECT(symlink("nowhere.png", at("dangling.png")) == 0);
    EXPECT(symlink("loop.png", at("loop.png")) == 0);
    make_folder("folder.png");
    write_png("folder.png/inside.png", 8, 1);
}

TEST(each_kind_of_bad_file_is_named_or_counted_and_listed_and_good_ones_are_read)
{
    static const char *const bad[] = {
        "/bad-utf8-\\xff.png: damaged PNG: chunk IHDR",
        "/cut.png: damaged PNG: ",
        "/dangling.png: cannot open: ",
        "/empty.PNG: is empty, expected a PNG or JPEG image\n",
        "/fifo.png: is a pipe, a socket or a device",
        "/loop.png: cannot open: ",
        "/new\\x0aline.png: damaged PNG: chunk IHDR",
        "/page.jpeg: is an HTML page",
        "/socket.png: cannot open: ",
    };
    enum { BAD = sizeof bad / sizeof *bad };
    Dataset d;
    make_bad_files();
    expect_error(&(DataOptions){.path = test_folder()}, ERR_FORMAT,
                 "/bad-utf8-\\xff.png: damaged PNG: chunk IHDR");
    if (!open_ok(&d, &(DataOptions){.path = test_folder(), .config.skip_bad = true})) return;
    EXPECT_TEXT(d.description, "3 grey images of 4x4 (folder), 9 unreadable images left out");
    EXPECT_INT(d.pixels[0], 8);
    EXPECT_INT(d.pixels[16], 9);
    EXPECT_INT(d.pixels[32], 9);
    const char *at_line = d.skipped_list;
    for (int i = 0; i < BAD; i++) {
        const char *found = strstr(at_line, bad[i]);
        EXPECT(found != NULL); /* in this order, each once */
        if (found) at_line = found + 1;
    }
    int lines = 0;
    for (const char *p = d.skipped_list; *p; p++) lines += *p == '\n';
    EXPECT_INT(lines, BAD);
    dataset_close(&d);
}

static void remove_last(void *context, size_t done, size_t total)
{
    (void)context;
    (void)total;
    if (done == 1) unlink(at("999.png"));
}

TEST(an_image_that_is_deleted_while_the_folder_is_read_is_named_or_left_out)
{
    enum { COUNT = 600 }; /* more than are decoded at once */
    FileBytes one;
    write_png("400.png", 5, 1);
    if (!EXPECT(file_read(at("400.png"), 1000, &one, NULL))) return;
    for (int skip = 0; skip < 2; skip++) {
        Dataset d;
        Err err = {0};
        DataOptions options = {.path = test_folder(), .config.skip_bad = skip};
        for (int i = 1000 - COUNT; i < 1000; i++) {
            char name[16];
            snprintf(name, sizeof name, "%d.png", i);
            write_bytes(name, one.bytes, one.size);
        }
        bool ok = dataset_open(&d, &options, remove_last, NULL, &err);
        EXPECT(ok == skip);
        if (!ok) EXPECT_CONTAINS(err.text, "999.png: cannot open: No such file");
        if (!ok) continue;
        EXPECT_INT(d.count, COUNT - 1);
        EXPECT_CONTAINS(d.skipped_list, "999.png: cannot open: No such file");
        dataset_close(&d);
    }
    file_free(&one);
}

TEST(a_folder_with_the_name_of_a_data_file_is_no_data_set)
{
    static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 77};
    Dataset d;
    write_bytes("train-images.idx3-ubyte", images, sizeof images);
    make_folder("train-images-idx3-ubyte");
    make_folder("train-labels.idx1-ubyte");
    make_folder("t10k-images-idx3-ubyte");
    make_folder("test_batch.bin");
    if (open_ok(&d, &(DataOptions){.path = test_folder()})) {
        EXPECT_TEXT(d.description, "1 grey image of 1x1 (IDX)");
        EXPECT_INT(d.pixels[0], 77);
        EXPECT_CONTAINS(d.no_labels, "there is no ");
        EXPECT_CONTAINS(d.no_labels, "train-labels.idx1-ubyte");
        dataset_close(&d);
    }
    EXPECT(!has_test_part(test_folder()));
    EXPECT(unlink(at("train-images.idx3-ubyte")) == 0);
    make_folder("data_batch_1.bin");
    write_png("data_batch_1.bin/1.png", 5, 1);
    if (open_ok(&d, &(DataOptions){.path = test_folder()})) {
        EXPECT_TEXT(d.description,
                    "1 grey image of 4x4 (folder), 1 class, no image in 4 folders, such as "
                    "t10k-images-idx3-ubyte");
        dataset_close(&d);
    }
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
    EXPECT_TEXT(d.description, "3 grey images of 4x4 (folder; train and test in one, because "
                               "plane lies beside them), 3 classes");
    dataset_close(&d);
    EXPECT(!has_test_part(test_folder()));
    expect_error(&(DataOptions){.path = test_folder(), .test_part = true}, ERR_USAGE,
                 "has no test part");
    EXPECT(remove(at("plane/3.png")) == 0 && remove(at("plane")) == 0);
    write_png("4.png", 4, 1);
    if (!open_ok(&d, &(DataOptions){.path = test_folder()})) return;
    EXPECT_TEXT(d.description, "3 grey images of 4x4 (folder; train and test in one, because "
                               "4.png lies beside them)");
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
        if (!open_ok(&d, &(DataOptions){.path = test_folder(), .config.limit = limit})) return;
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
    EXPECT(mkfifo(at("in/pipe"), 0600) == 0);
    EXPECT(symlink("../in", at("in/loop")) == 0);
    EXPECT(symlink("..", at("in/above")) == 0);
    EXPECT(symlink("nothing", at("in/dangling")) == 0);
    Dataset d;
    if (!open_ok(&d, &(DataOptions){.path = test_folder()})) return;
    EXPECT_INT(d.count, 2);
    EXPECT_INT(d.ignored, 4); /* notes.txt, tiny, the FIFO, the dangling link */
    EXPECT_TEXT(d.description, "2 grey images of 4x4 (folder), 1 class, 4 other files ignored, "
                               "2 folders repeated by links left out");
    dataset_close(&d);
}

TEST(one_colour_image_makes_the_set_colour_and_images_of_several_sizes_need_a_size)
{
    unsigned char wide[8] = {0, 0, 100, 100, 100, 100, 0, 0};
    Image image = {.height = 1, .width = 8, .channels = 1, .pixels = wide};
    write_png("1.png", 50, 1);
    write_png("2.png", 60, 3);
    EXPECT(image_save_png(at("3.png"), &image, NULL, NULL));
    Dataset d;
    DataOptions options = {.path = test_folder()};
    expect_error(&options, ERR_USAGE, "several sizes, the first 4x4, 3.png 1x8; a size must be");
    options.size_advice = "set it";
    expect_error(&options, ERR_USAGE, "3.png 1x8; set it");
    options.config.height = options.config.width = 4;
    if (open_ok(&d, &options)) {
        EXPECT_TEXT(d.description, "3 colour images of 4x4 (folder)");
        for (int i = 0; i < 48; i++) EXPECT_INT(d.pixels[i], 50);
        for (int i = 48; i < 96; i++) EXPECT_INT(d.pixels[i], 60);
        for (int i = 96; i < 144; i++) EXPECT_INT(d.pixels[i], 100); /* the centre of the row */
        dataset_close(&d);
    }
    if (open_ok(&d, &(DataOptions){.path = test_folder(),
                                   .config.channels = 1,
                                   .config.height = 2,
                                   .config.width = 3})) {
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
    Err err = {0};
    Dataset d;
    EXPECT_REFUSED(dataset_open(&d, &options, NULL, NULL, &err), err, ERR_FORMAT,
                   "2\\x0a.png: is text, expected a PNG or JPEG image");
    EXPECT(!strstr(err.text, "skip_bad"));
    options.can_skip = true;
    expect_error(&options, ERR_FORMAT, "(data.skip_bad = true leaves such images out)");
    options.config.skip_bad = true;
    write_bytes("0.jpg", "", 0);
    if (open_ok(&d, &options)) {
        EXPECT_TEXT(d.description, "2 grey images of 4x4 (folder), 2 unreadable images left out");
        EXPECT_INT(d.skipped, 2);
        EXPECT_CONTAINS(d.skipped_list, "0.jpg: is empty, expected a PNG or JPEG image\n");
        EXPECT_CONTAINS(d.skipped_list, "2\\x0a.png: is text, expected a PNG or JPEG image\n");
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
