/* Which class is meant, by its name or its number, and as which classes of a model the labels of data count. */
#include "base/mem.h"
#include "model/class_labels.h"
#include "model/model_use.h"
#include "test.h"

enum { CLASSES = 5 };

/* Class 3 was never trained; class 1 has a number for a name that is another's number. */
static Model model_of_classes(bool named)
{
    static const char *const names[CLASSES] = {"shirt", "4", "sandal", "bag", "ankle boot"};
    Model m = {.folder = "runs/x/model", .config.unet.classes = CLASSES};
    m.config.untrained[3] = true;
    if (!named) return m;
    m.config.class_names = mem_alloc(CLASSES, sizeof *m.config.class_names);
    for (int i = 0; i < CLASSES; i++)
        snprintf(m.config.class_names[i], sizeof *m.config.class_names, "%s", names[i]);
    return m;
}

static void expect_label(Model *m, const char *text, int label)
{
    Err err = {0};
    int found;
    EXPECT_OK(model_choose_label(m, "--label", text, true, &found, &err), err);
    EXPECT_INT(found, label);
}

static void expect_no_label(Model *m, const char *text, const char *words)
{
    Err err = {0};
    int found;
    EXPECT_REFUSED(model_choose_label(m, "--label", text, true, &found, &err), err, ERR_USAGE,
                   words);
}

TEST(a_class_is_given_by_its_name_or_its_number_and_a_name_wins)
{
    Model m = model_of_classes(true);
    expect_label(&m, "shirt", 0);
    expect_label(&m, "ankle boot", 4);
    expect_label(&m, "4", 1);
    expect_label(&m, "2", 2);
    expect_label(&m, "0", 0);
    model_config_free(&m.config);
    m = model_of_classes(false);
    expect_label(&m, "4", 4);
}

TEST(small_and_capital_letters_are_alike_where_that_is_one_class)
{
    Model m = model_of_classes(true);
    expect_label(&m, "Ankle BOOT", 4);
    snprintf(m.config.class_names[2], sizeof *m.config.class_names, "Shirt");
    expect_label(&m, "shirt", 0);
    expect_label(&m, "Shirt", 2);
    expect_no_label(&m, "SHIRT", "which is no class of the model");
    model_config_free(&m.config);
}

TEST(a_class_that_cannot_be_meant_is_refused_with_the_nearest_name)
{
    Model m = model_of_classes(true);
    expect_no_label(&m, "sandel",
                    "--label is 'sandel', which is no class of the model; did you "
                    "mean 'sandal'?");
    expect_no_label(&m, "Ankle-Boot", "did you mean 'ankle boot'?");
    expect_no_label(&m, "zebra", "its classes are shirt, 4, sandal, bag and ankle boot (0 to 4)");
    expect_no_label(&m, "-1", "which is no class of the model");
    expect_no_label(&m, "5",
                    "--label is 5; the model's classes are shirt, 4, sandal, bag and ankle boot "
                    "(0 to 4)");
    expect_no_label(&m, "99999999999999999999", "bag and ankle boot (0 to 4)");
    expect_no_label(&m, "boots", "did you mean 'ankle boot'?");
    expect_no_label(&m, "bag", "--label is 3 (bag), but no training image had this class");
    expect_no_label(&m, "3", "--label is 3 (bag), but no training image had this class");
    expect_no_label(&m, NULL,
                    "the model has classes: --label must say which class the images have: shirt, "
                    "4, sandal, bag and ankle boot (0 to 4)");
    model_config_free(&m.config);
    m = model_of_classes(false);
    expect_no_label(&m, "shirt",
                    "--label is 'shirt', but the classes of runs/x/model have no "
                    "names; they are the numbers 0 to 4");
    expect_no_label(&m, "3", "--label is 3, but no training image had this class");
    expect_no_label(&m, "5", "--label is 5; the model's classes are 0 to 4");
    m.config.unet.classes = 0;
    expect_no_label(&m, "shirt", "--label is given, but the model has no classes");
    int label;
    Err err = {0};
    EXPECT(model_choose_label(&m, "--label", NULL, true, &label, &err));
    EXPECT_INT(label, -1);
}

static void expect_match(Model *m, int count, ClassName *names, const int *labels)
{
    int found[8];
    Err err = {0};
    EXPECT_OK(model_match_classes(m, names, count, found, &err), err);
    for (int i = 0; i < count; i++) EXPECT_INT(found[i], labels[i]);
}

TEST(labels_of_data_count_by_name_where_they_have_names_and_else_by_number)
{
    static ClassName names[] = {"ankle boot", "bag", "shirt", "coat", "4", "2", "7"};
    Model m = model_of_classes(true);
    expect_match(&m, 7, names, (const int[]){4, -1, 0, -1, 1, 2, -1});
    expect_match(&m, 7, NULL, (const int[]){0, 1, 2, -1, 4, -1, -1});
    model_config_free(&m.config);
    m = model_of_classes(false);
    expect_match(&m, 7, names, (const int[]){-1, -1, -1, -1, 4, 2, -1});
    expect_match(&m, 7, NULL, (const int[]){0, 1, 2, -1, 4, -1, -1});
}

TEST(where_classes_are_called_by_numbers_a_number_is_never_a_place_in_their_list)
{
    static ClassName names[] = {"0", "2", "10", "11"};
    Model m = model_of_classes(true);
    for (int i = 0; i < CLASSES; i++)
        snprintf(m.config.class_names[i], sizeof *m.config.class_names, "%d", i + 1);
    expect_label(&m, "1", 0);
    expect_label(&m, "5", 4);
    expect_no_label(&m, "0", "--label is '0', which is no class of the model");
    expect_match(&m, 4, names, (const int[]){-1, 1, -1, -1});
    expect_match(&m, 7, NULL, (const int[]){-1, 0, 1, 2, -1, 4, -1});
    char list[CLASS_LIST_BYTES];
    EXPECT_TEXT(model_class_list(&m.config, list), "1, 2, 3, 4 and 5");
    snprintf(m.config.class_names[4], sizeof *m.config.class_names, "10");
    expect_match(&m, 4, names, (const int[]){-1, 1, 4, -1});
    model_config_free(&m.config);
}

TEST(the_text_of_a_class_has_its_number_and_its_name_without_control_bytes)
{
    Model m = model_of_classes(true);
    char text[CLASS_TEXT_BYTES];
    snprintf(m.config.class_names[2], sizeof *m.config.class_names, "a\nb");
    EXPECT_TEXT(model_class_text(&m.config, 4, text), "4 (ankle boot)");
    EXPECT_TEXT(model_class_text(&m.config, 2, text), "2 (a\\x0ab)");
    EXPECT_TEXT(model_class_text(&m.config, 5, text), "5");
    model_config_free(&m.config);
}
