/* Which of what lies in a folder is data. */
#include <unistd.h>

#include "dataset_case.h"

static void make_run(const char *name)
{
    static const char *const files[] = {"config.json", "stats.jsonl"};
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/samples", name);
    make_folder(path);
    snprintf(path, sizeof path, "%s/samples/step-00000100.png", name);
    write_png(path, 200, 1);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", name, files[i]);
        write_bytes(path, "", 0);
    }
}

static void expect_described(const char *folder, const char *words)
{
    Dataset d;
    if (!open_ok(&d, &(DataOptions){.path = folder})) return;
    EXPECT_TEXT(d.description, words);
    dataset_close(&d);
}

TEST(pictures_in_runs_of_training_are_no_data)
{
    make_folder("flat/album");
    write_png("flat/album/1.png", 1, 1);
    make_run("flat/album/elsewhere");
    expect_described(at("flat"), "1 grey image of 4x4 (folder), 1 class, 1 run left out");
    make_run("flat/runs/flat");
    make_run("flat/runs/flat-2");
    expect_described(at("flat"), "1 grey image of 4x4 (folder), 1 class, 3 runs left out");
    /* Folders of data like any others. */
    write_png("flat/runs/mine.png", 2, 1);
    EXPECT(unlink(at("flat/runs/flat-2/config.json")) == 0);
    expect_described(
        at("flat"),
        "3 grey images of 4x4 (folder), 2 classes, 1 other file ignored, 2 runs left out");
    make_folder("parts/train");
    write_png("parts/train/1.png", 1, 1);
    make_run("parts/runs/parts");
    expect_error(&(DataOptions){.path = at("parts/runs")}, ERR_FORMAT,
                 "runs: holds no images of its own; the 1 run of diffc train in it is left out");
}

/* runs/ is made before the first run in it, and stays when that is removed. */
TEST(only_what_holds_images_beside_train_and_test_makes_one_set_of_them)
{
    static const char *const folders[] = {"train/cat", "test/cat", "runs/begun", "notes/old"};
    for (int i = 0; i < 4; i++) make_folder(folders[i]);
    write_png("train/cat/1.png", 1, 1);
    write_png("test/cat/2.png", 2, 1);
    write_bytes("runs/begun/config.json", "", 0);
    write_bytes("notes/old/notes.txt", "none", 4);
    expect_described(test_folder(), "1 grey image of 4x4 (folder train), 1 class");
    EXPECT(has_test_part(test_folder()));
    make_run("runs/done");
    make_run("elsewhere");
    expect_described(test_folder(), "1 grey image of 4x4 (folder train), 1 class");
    write_png("runs/mine.png", 3, 1);
    expect_described(test_folder(),
                     "3 grey images of 4x4 (folder; train and test in one, because runs lies "
                     "beside them), 3 classes, no image in the folder notes, 2 other files "
                     "ignored, 2 runs left out");
    EXPECT(!has_test_part(test_folder()));
    EXPECT(unlink(at("runs/mine.png")) == 0);
    write_bytes("notes/old/picture", "\x89PNG\r\n\x1A\n", 8); /* told by its content */
    EXPECT(!has_test_part(test_folder()));
}

TEST(folders_that_links_repeat_are_counted_and_a_run_with_several_links_is_one)
{
    make_folder("set/one");
    make_folder("set/runs");
    write_png("set/one/1.png", 1, 1);
    make_run("away");
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "set/again%d", i);
        EXPECT(symlink("one", at(name)) == 0);
        snprintf(name, sizeof name, "set/runs/%d", i);
        EXPECT(symlink("../../away", at(name)) == 0);
    }
    expect_described(at("set"), "1 grey image of 4x4 (folder), 1 class, 1 run left out, "
                                "3 folders repeated by links left out");
    expect_described(at("set/one"), "1 grey image of 4x4 (folder)");
}

/* A table of folders that is too small or that mixes two up would lose images. */
TEST(each_of_many_folders_is_taken_once)
{
    enum { MANY = 300 };
    make_folder("many/links");
    for (int i = 0; i < MANY; i++) {
        char name[48], target[32];
        snprintf(name, sizeof name, "many/real/%d", i);
        make_folder(name);
        snprintf(name, sizeof name, "many/real/%d/1.png", i);
        write_png(name, i % 256, 1);
        snprintf(name, sizeof name, "many/links/%d", i);
        snprintf(target, sizeof target, "../real/%d", i);
        EXPECT(symlink(target, at(name)) == 0);
    }
    expect_described(at("many"), "300 grey images of 4x4 (folder), 1 class, no image in the folder "
                                 "links, 300 folders repeated by links left out");
}

TEST(a_folder_that_a_link_leads_to_is_taken_once_and_under_its_own_name)
{
    make_folder("set/new/deep");
    make_folder("other");
    write_png("set/new/1.png", 1, 1);
    write_png("set/new/deep/2.png", 2, 1);
    write_png("other/3.png", 3, 1);
    EXPECT(symlink("new", at("set/best")) == 0);
    EXPECT(symlink("new/deep", at("set/deepest")) == 0);
    EXPECT(symlink("..", at("set/above")) == 0);
    Dataset d;
    if (!open_ok(&d, &(DataOptions){.path = at("set")})) return;
    EXPECT_INT(d.count, 3);
    EXPECT_INT(d.classes, 2);
    if (EXPECT(d.class_names != NULL)) EXPECT_TEXT(d.class_names[0], "above");
    if (d.class_names) EXPECT_TEXT(d.class_names[1], "new");
    EXPECT_INT(d.repeated, 3); /* best, deepest and above/set */
    dataset_close(&d);
}
