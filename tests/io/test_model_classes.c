/* The names of a model's classes in its folder. */
#include "base/mem.h"
#include "model_fixture.h"

static ModelConfig config_of_classes(int classes)
{
    ModelConfig m = {0};
    unet_config_defaults(&m.unet);
    m.unet.levels = 1;
    m.unet.block_channels[0] = 32;
    m.unet.in_channels = m.unet.out_channels = 1;
    m.unet.sample_height = m.unet.sample_width = 8;
    m.unet.classes = classes;
    m.noise.T = 10;
    m.noise.beta_start = 1e-4;
    m.noise.beta_end = 0.02;
    m.clip_range = 1;
    return m;
}

TEST(names_of_classes_are_read_back)
{
    static ClassName names[] = {"a \"quoted\", name", "z\xC3\xBCrich", "10"};
    Err err = {0};
    ModelConfig m = config_of_classes(3), read, again;
    m.class_names = names;
    m.untrained[1] = true;
    begin(1);
    EXPECT_OK(model_folder_write(in_folder("m"), &m, &table, block, &err), err);
    expect_in_file("m/unet/config.json",
                   "  \"class_names\": [\"a \\\"quoted\\\", name\", \"z\xC3\xBCrich\", \"10\"],\n");
    if (!EXPECT_OK(read_config("m", &read, &err), err)) return;
    EXPECT_INT(read.warning_count, 0);
    for (int i = 0; i < 3; i++) EXPECT_TEXT(model_class_name(&read, i), names[i]);
    EXPECT(model_class_name(&read, 3) == NULL && model_class_name(&read, -1) == NULL);
    EXPECT_INT(model_trained_class(&read, 0), 0);
    EXPECT_INT(model_trained_class(&read, 1), 2);
    /* Names make no other network. */
    NetworkDifference d;
    again = config_of_classes(3);
    EXPECT(model_networks_differ(&again, &read, &d, &err) && !d.values.found);
}

TEST(no_class_at_all_has_a_row_in_the_table_and_no_name)
{
    static ClassName names[] = {"a", "b", "c"};
    Err err = {0};
    ModelConfig m = config_of_classes(3), read;
    m.class_names = names;
    m.unet.null_class = true;
    begin(1);
    EXPECT_OK(model_folder_write(in_folder("m"), &m, &table, block, &err), err);
    expect_in_file("m/unet/config.json", "\"num_class_embeds\": 4,");
    if (!EXPECT_OK(read_config("m", &read, &err), err)) return;
    EXPECT_INT(read.unet.classes, 3);
    EXPECT_TEXT(model_class_name(&read, 2), "c");
    EXPECT(model_class_name(&read, 3) == NULL);
}

TEST(a_folder_without_names_is_one_of_earlier_versions)
{
    Err err = {0};
    ModelConfig m = config_of_classes(3), read;
    begin(1);
    EXPECT_OK(model_folder_write(in_folder("m"), &m, &table, block, &err), err);
    FileBytes file;
    if (!EXPECT(file_read(in_folder("m/unet/config.json"), 1 << 20, &file, &err))) return;
    EXPECT(strstr((const char *)file.bytes, "class_names") == NULL);
    file_free(&file);
    if (!EXPECT_OK(read_config("m", &read, &err), err)) return;
    EXPECT(model_class_name(&read, 0) == NULL);
}

/* m/unet/config.json with this value of class_names instead of its own. */
static void put_names(const char *value)
{
    FileBytes file;
    Err err = {0};
    char text[8192];
    if (!EXPECT(file_read(in_folder("m/unet/config.json"), 1 << 12, &file, &err))) return;
    const char *own = strstr((const char *)file.bytes, "[\"a\", \"b\", \"c\"]");
    if (EXPECT(own != NULL)) {
        snprintf(text, sizeof text, "%.*s%s%s", (int)(own - (const char *)file.bytes),
                 (const char *)file.bytes, value, own + strlen("[\"a\", \"b\", \"c\"]"));
        put("bad/unet/config.json", text);
    }
    file_free(&file);
}

TEST(names_that_do_not_fit_the_classes_are_refused)
{
    static const struct {
        const char *value, *words;
    } bad[] = {{"[\"a\", \"b\"]", "class_names must be a list of 3 names, one for each class"},
               {"[\"a\", \"b\", \"c\", \"d\"]", "class_names must be a list of 3 names"},
               {"{}", "class_names must be a list"},
               {"\"abc\"", "class_names must be a list"},
               {"[\"a\", 7, \"c\"]", "class_names must be a string, got 7"},
               {"[\"a\", \"\", \"c\"]", "class_names must be a list of names of 1 to 255 bytes"}};
    static ClassName names[] = {"a", "b", "c"};
    Err err = {0};
    ModelConfig m = config_of_classes(3), read;
    m.class_names = names;
    begin(1);
    EXPECT_OK(model_folder_write(in_folder("m"), &m, &table, block, &err), err);
    EXPECT_OK(model_folder_write(in_folder("bad"), &m, &table, block, &err), err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_names(bad[i].value);
        EXPECT_REFUSED(model_folder_read_config(in_folder("bad"), &read, &err), err, ERR_FORMAT,
                       bad[i].words);
    }
}
