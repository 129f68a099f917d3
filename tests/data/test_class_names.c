/* The names of classes and their order: those of folders, and names for files whose labels are numbers. */
#include <unistd.h>

#include "base/text.h"
#include "dataset_case.h"

TEST(numbers_within_names_are_compared_as_numbers)
{
    /* In order; no two are equal. */
    static const char *const names[] = {"",
                                        "0",
                                        "00",
                                        "01",
                                        "1",
                                        "2",
                                        "010",
                                        "10",
                                        "A10",
                                        "a",
                                        "a0",
                                        "a1",
                                        "a1b2",
                                        "a1b10",
                                        "a2",
                                        "a2 ",
                                        "a10",
                                        "a10b",
                                        "ab",
                                        "b 9",
                                        "b 10",
                                        "b 99999999999999999999999999",
                                        "b 100000000000000000000000000",
                                        "\xC3\xA4"};
    enum { COUNT = sizeof names / sizeof *names };
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < COUNT; k++) {
            int order = text_natural_order(names[i], names[k]);
            if (!EXPECT((order > 0) - (order < 0) == (i > k) - (i < k)))
                printf("  \"%s\" \"%s\"\n", names[i], names[k]);
        }
}

/* An image of each of these values in the class of its decimal name. */
static void write_numbered(void)
{
    static const int values[] = {1, 10, 2};
    char name[64];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "set/%d", values[i]);
        make_folder(name);
        snprintf(name, sizeof name, "set/%d/a.png", values[i]);
        write_png(name, values[i], 1);
    }
}

/* The classes are these values in this order; the images stay in the order of their paths. */
static void expect_order(const DataOptions *options, const int values[3])
{
    static const int stored[] = {1, 10, 2};
    Dataset d;
    char name[16];
    if (!open_ok(&d, options)) return;
    EXPECT_INT(d.classes, 3);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%d", values[i]);
        EXPECT_TEXT(d.class_names[i], name);
        EXPECT_INT(d.pixels[16 * i], stored[i]);
        EXPECT_INT(values[d.labels[i]], stored[i]);
    }
    dataset_close(&d);
}

TEST(classes_of_a_folder_have_natural_order_or_that_of_a_run)
{
    static ClassName run[] = {"10", "2", "1"}, other[] = {"10", "2", "3"};
    write_numbered();
    DataOptions options = {.path = at("set")};
    expect_order(&options, (const int[]){1, 2, 10});
    options.class_order = other;
    options.class_count = 3;
    expect_order(&options, (const int[]){1, 2, 10});
    options.class_order = run;
    options.class_count = 2;
    expect_order(&options, (const int[]){1, 2, 10});
    options.bytes_order = true;
    expect_order(&options, (const int[]){1, 10, 2});
    options.class_count = 3;
    expect_order(&options, (const int[]){10, 2, 1});
}

TEST(the_first_class_too_many_is_named)
{
    char name[64];
    for (int i = 0; i < 258; i++) {
        snprintf(name, sizeof name, "set/c%03d", i);
        make_folder(name);
        snprintf(name, sizeof name, "set/c%03d/1.png", i);
        write_png(name, i & 255, 1);
    }
    Dataset d;
    if (!open_ok(&d, &(DataOptions){.path = at("set")})) return;
    EXPECT_INT(d.classes, 0);
    EXPECT_CONTAINS(d.no_labels,
                    "set holds 258 folders, more than 256 classes; the first too many is c256");
    dataset_close(&d);
}

/* ---- names for numbers ---- */

/* Three images of 1x1 with labels 0, 2, 1. */
static DataOptions idx_data(const char *class_names)
{
    static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 1, 5, 6, 7};
    static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 0, 2, 1};
    static char path[PATH_BYTES];
    DataOptions options = {.path = path};
    snprintf(options.config.class_names, sizeof options.config.class_names, "%s", class_names);
    write_bytes("images-idx3-ubyte", images, sizeof images);
    write_bytes("labels-idx1-ubyte", labels, sizeof labels);
    snprintf(path, sizeof path, "%s", at("images-idx3-ubyte"));
    return options;
}

static void expect_names(const DataOptions *options, int count, const char *const *names)
{
    Dataset d;
    if (!open_ok(&d, options)) return;
    EXPECT_INT(d.classes, count);
    EXPECT((d.class_names != NULL) == (names != NULL));
    for (int i = 0; i < count && names && d.class_names; i++)
        EXPECT_TEXT(d.class_names[i], names[i]);
    EXPECT_INT(d.labels[1], 2);
    dataset_close(&d);
}

TEST(classes_of_idx_are_named_by_a_list_or_a_file)
{
    static const char *const names[] = {"ant", "big bee", "c\xC3\xB4w", "dog"};
    DataOptions options = idx_data("");
    expect_names(&options, 3, NULL);
    options = idx_data("ant, big bee,c\xC3\xB4w");
    expect_names(&options, 3, names);
    write_bytes("class_names.txt", "ant\nbig bee\nc\xC3\xB4w\n", 17);
    options = idx_data("");
    expect_names(&options, 3, names);
    options = idx_data("x,y,z");
    expect_names(&options, 3, (const char *const[]){"x", "y", "z"});
    /* Lines that end as in Windows, and empty ones at the end; a class without images. */
    write_bytes("n.txt", "ant\r\nbig bee\r\nc\xC3\xB4w\r\ndog\r\n\r\n\n", 28);
    options = idx_data(at("n.txt"));
    expect_names(&options, 4, names);
    Dataset d;
    if (!open_ok(&d, &options)) return;
    EXPECT_INT(d.class_images[3], 0);
    dataset_close(&d);
}

static void expect_refused(const char *class_names, ErrKind kind, const char *words)
{
    DataOptions options = idx_data(class_names);
    expect_error(&options, kind, words);
}

TEST(names_that_cannot_be_used_are_refused_with_what_is_wrong)
{
    char many[600] = "";
    for (int i = 0; i < 257; i++) strcat(many, i % 2 ? "," : "a");
    expect_refused("a,b", ERR_USAGE, "data.class_names: has 2 names, but the labels of ");
    expect_refused("a,b", ERR_USAGE, " go up to 2, so 3 are needed");
    expect_refused("a,,c", ERR_USAGE, "data.class_names: the name of class 1 is empty");
    expect_refused("a,b,", ERR_USAGE, "data.class_names: the name of class 2 is empty");
    expect_refused("a,b,a", ERR_USAGE, "data.class_names: classes 0 and 2 have the same name, a");
    expect_refused("a,b\xFF,c", ERR_USAGE, "the name of class 1, b\\xff, is not UTF-8");
    expect_refused("nowhere", ERR_USAGE,
                   "data.class_names is \"nowhere\", and there is no such file");
    write_bytes("n.txt", "a\n\nb\nc\n", 7);
    expect_refused(at("n.txt"), ERR_FORMAT, "n.txt: the name of class 1 is empty");
    write_bytes("n.txt", "a\0b\n", 4);
    expect_refused(at("n.txt"), ERR_FORMAT, "n.txt: is no text file");
    write_bytes("n.txt", "", 0);
    expect_refused(at("n.txt"), ERR_FORMAT, "n.txt: the name of class 0 is empty");
    expect_refused(test_folder(), ERR_IO, "");
    DataOptions options = idx_data("a,b,c");
    unlink(at("labels-idx1-ubyte"));
    expect_error(&options, ERR_USAGE,
                 "data.class_names is given, but the data has no class labels: there is no ");
    write_numbered();
    options.path = at("set");
    expect_error(&options, ERR_USAGE, "data.class_names is for IDX and CIFAR-10 files");
}

TEST(more_names_than_classes_can_be_name_the_first_too_many)
{
    char text[257 * 5 + 16] = "";
    for (int i = 0; i < 257; i++) snprintf(text + 5 * i, 16, "c%03d\n", i);
    write_bytes("n.txt", text, 257 * 5);
    DataOptions options = idx_data(at("n.txt"));
    expect_error(&options, ERR_FORMAT, "n.txt: has more than 256 names");
    expect_error(&options, ERR_FORMAT, "the first too many is c256");
    write_bytes("n.txt", text, 256 * 5);
    Dataset d;
    if (!open_ok(&d, &options)) return;
    EXPECT_INT(d.classes, 256);
    dataset_close(&d);
}

TEST(classes_of_cifar_are_named_by_the_file_beside_the_binaries)
{
    unsigned char record[3073] = {7};
    static const char names[] = "0\n1\n2\n3\n4\n5\n6\nseven\n8\n9\n\n";
    write_bytes("data_batch_1.bin", record, sizeof record);
    write_bytes("test_batch.bin", record, sizeof record);
    Dataset d;
    DataOptions options = {.path = test_folder(), .test_part = true};
    if (!open_ok(&d, &options)) return;
    EXPECT_TEXT(d.class_names[7], "horse");
    dataset_close(&d);
    write_bytes("batches.meta.txt", names, sizeof names - 1);
    static char file[PATH_BYTES];
    snprintf(file, sizeof file, "%s", at("data_batch_1.bin"));
    for (int by_file = 0; by_file < 2; by_file++) {
        if (by_file) options = (DataOptions){.path = file, .config.kind = DATA_CIFAR10};
        if (!open_ok(&d, &options)) return;
        EXPECT_INT(d.classes, 10);
        EXPECT_TEXT(d.class_names[7], "seven");
        dataset_close(&d);
    }
    write_bytes("batches.meta.txt", "a\nb\n", 4);
    expect_error(&options, ERR_USAGE, "batches.meta.txt: has 2 names, but the labels of ");
    snprintf(options.config.class_names, sizeof options.config.class_names,
             "a,b,c,d,e,f,g,h,i,j,k");
    expect_error(&options, ERR_USAGE, "has 11 names of classes; CIFAR-10 has 10 classes");
}
