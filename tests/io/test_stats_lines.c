#include "base/fsio.h"
#include "io/run_history.h"
#include "io/stats_lines.h"
#include "test.h"

static const char *log_of(const char *text)
{
    const char *path = test_path("stats.jsonl");
    EXPECT(file_write(path, text, strlen(text), NULL));
    return path;
}

/* The steps of the lines, in order: "1 2 " */
static void read_steps(StatsLines *l, char *out, size_t size)
{
    StatsObject o;
    Err err = {0};
    bool found = true;
    out[0] = '\0';
    while (EXPECT_OK(stats_lines_next(l, &o, &found, &err), err) && found)
        snprintf(out + strlen(out), size - strlen(out), "%g ",
                 stats_number(stats_member(&o, "step")));
}

TEST(members_keep_their_order_and_texts_lose_their_escapes)
{
    StatsLines l;
    StatsObject o;
    Err err = {0};
    bool found;
    char text[64];
    const char *path =
        log_of("{\"event\":\"x\\u00e9\\\"\",\"step\":3,\"list\":[1,{\"a\":[2]}],\"none\":null,"
               "\"big\":1e999}\n");
    EXPECT_OK(stats_lines_open(&l, path, &err), err);
    EXPECT_OK(stats_lines_next(&l, &o, &found, &err), err);
    EXPECT(found);
    EXPECT_INT(o.count, 5);
    stats_text(&o.member[0].value, text, sizeof text);
    EXPECT_TEXT(text, "xé\"");
    /* Cut between escapes, never within one. */
    stats_text(&o.member[0].value, text, 5);
    EXPECT_TEXT(text, "x");
    EXPECT_NEAR(stats_number(stats_member(&o, "step")), 3, 0);
    EXPECT_INT((long long)o.member[2].value.length, 13);
    EXPECT(isnan(stats_number(stats_member(&o, "none"))));
    EXPECT(isnan(stats_number(stats_member(&o, "big"))));
    EXPECT(isnan(stats_number(stats_member(&o, "absent"))));
    stats_lines_close(&l);
}

TEST(elements_of_lists_are_objects_or_values)
{
    StatsLines l;
    StatsObject o, element;
    JsonScan elements;
    Err err = {0};
    bool found;
    const char *path = log_of("{\"list\":[{\"a\":1,\"b\":2},7,[3]],\"a\":{}}\n");
    EXPECT_OK(stats_lines_open(&l, path, &err), err);
    EXPECT_OK(stats_lines_next(&l, &o, &found, &err), err);
    EXPECT(!stats_elements(stats_member(&o, "a"), &elements));
    EXPECT(stats_elements(stats_member(&o, "list"), &elements));
    EXPECT(stats_element_next(&elements, &element));
    EXPECT_NEAR(stats_number(stats_member(&element, "b")), 2, 0);
    EXPECT(stats_element_next(&elements, &element));
    EXPECT_NEAR(stats_number(stats_member(&element, "value")), 7, 0);
    EXPECT(stats_element_next(&elements, &element));
    EXPECT_INT(element.member[0].value.kind, SCAN_BEGIN_ARRAY);
    EXPECT(!stats_element_next(&elements, &element));
    stats_lines_close(&l);
}

TEST(what_is_no_object_is_counted_and_a_cut_last_line_is_none)
{
    StatsLines l;
    Err err = {0};
    char steps[64];
    EXPECT_OK(stats_lines_open(&l,
                               log_of("{\"step\":1}\nrubbish\n[1]\n{\"step\":2} x\n\n{\"step\":3}\n"
                                      "{\"event\":\"step\",\"ste"),
                               &err),
              err);
    read_steps(&l, steps, sizeof steps);
    EXPECT_TEXT(steps, "1 3 ");
    EXPECT_INT((long long)l.bad, 4);
    EXPECT(l.cut);
    stats_lines_close(&l);
}

TEST(a_log_cut_at_any_byte_gives_its_whole_lines)
{
    const char text[] =
        "{\"event\":\"step\",\"step\":1,\"x\":[{}]}\n{\"event\":\"step\",\"step\":2}\n";
    const char *path = test_path("cut");
    for (size_t cut = 0; cut < sizeof text - 1; cut++) {
        StatsLines l;
        Err err = {0};
        char steps[64];
        EXPECT(file_write(path, text, cut, NULL));
        EXPECT_OK(stats_lines_open(&l, path, &err), err);
        read_steps(&l, steps, sizeof steps);
        size_t first = strcspn(text, "\n");
        EXPECT_TEXT(steps, cut < first ? "" : cut < sizeof text - 2 ? "1 " : "1 2 ");
        EXPECT_INT((long long)l.bad, 0);
        stats_lines_close(&l);
    }
}

TEST(lines_beyond_a_mebibyte_are_left_out_and_counted)
{
    enum { LONG = 3 << 20 };
    const char *path = test_path("long");
    FileWriter w;
    Err err = {0};
    StatsLines l;
    char steps[64], *zeros = calloc(1, LONG);
    EXPECT_OK(file_writer_open(&w, path, &err), err);
    EXPECT(zeros && file_writer_append(&w, "{\"step\":1}\n", 11, &err) &&
           file_writer_append(&w, zeros, LONG, &err) &&
           file_writer_append(&w, "\n{\"step\":2}\n", 12, &err) &&
           file_writer_append(&w, zeros, LONG, &err) && file_writer_commit(&w, &err));
    free(zeros);
    EXPECT_OK(stats_lines_open(&l, path, &err), err);
    read_steps(&l, steps, sizeof steps);
    EXPECT_TEXT(steps, "1 2 ");
    EXPECT_INT((long long)l.bad, 2);
    stats_lines_close(&l);
}

TEST(a_folder_is_no_log)
{
    StatsLines l;
    Err err = {0};
    EXPECT_REFUSED(stats_lines_open(&l, test_folder(), &err), err, ERR_IO,
                   "is a folder, expected a regular file");
    EXPECT_REFUSED(stats_lines_open(&l, test_path("absent"), &err), err, ERR_IO, "cannot open");
}

/* ---- the history of a run ---- */

TEST(history_has_each_event_in_its_table)
{
    RunHistory h;
    Err err = {0};
    const char *path = log_of(
        "{\"event\":\"step\",\"step\":1,\"images\":8,\"loss\":0.5,\"grad_norm\":null,\"lr\":1e-3,"
        "\"images_per_s\":100,\"seconds\":2,\"startup_seconds\":0.1,\"version\":\"0.1.0\","
        "\"level\":\"avx2\",\"threads\":2,\"cpu\":\"Some <CPU>\"}\n"
        "{\"event\":\"scores\",\"step\":1,\"means\":[1,0.5,0]}\n"
        "{\"event\":\"validation\",\"step\":1,\"loss\":0.25,\"levels\":[{\"t_from\":0,\"t_to\":9,"
        "\"loss\":0.75},{\"t_from\":10,\"t_to\":19,\"loss\":0.125}]}\n"
        "{\"event\":\"distance\",\"step\":1,\"sliced_wasserstein\":0.02,\"standard_error\":0.001,"
        "\"other_data\":0.01}\n"
        "{\"event\":\"save_failed\",\"step\":1,\"part\":\"model\",\"reason\":\"disk full\"}\n"
        "{\"event\":\"unknown\",\"step\":1,\"loss\":9}\n");
    EXPECT_OK(run_history_read(&h, path, &err), err);
    EXPECT_INT((long long)h.lines, 6);
    EXPECT_INT((long long)h.table[HISTORY_UPDATES].rows, 1);
    EXPECT_NEAR(history_cell(&h.table[HISTORY_UPDATES], 0, UPDATE_LOSS), 0.5, 0);
    EXPECT(isnan(history_cell(&h.table[HISTORY_UPDATES], 0, UPDATE_GRAD_NORM)));
    EXPECT(isnan(history_cell(&h.table[HISTORY_UPDATES], 0, UPDATE_SCORES_SUM)));
    EXPECT_NEAR(history_cell(&h.table[HISTORY_UPDATES], 0, UPDATE_SECONDS), 2, 0);
    EXPECT_INT((long long)h.table[HISTORY_SCORES].rows, 3);
    EXPECT_NEAR(history_cell(&h.table[HISTORY_SCORES], 1, SCORE_PLACE), 1, 0);
    EXPECT_NEAR(history_cell(&h.table[HISTORY_SCORES], 1, SCORE_MEAN), 0.5, 0);
    EXPECT_NEAR(history_cell(&h.table[HISTORY_VALIDATIONS], 0, VALIDATION_LOSS), 0.25, 0);
    EXPECT_INT((long long)h.table[HISTORY_LEVELS].rows, 2);
    EXPECT_NEAR(history_cell(&h.table[HISTORY_LEVELS], 1, LEVEL_TO), 19, 0);
    EXPECT_NEAR(history_cell(&h.table[HISTORY_LEVELS], 1, LEVEL_LOSS), 0.125, 0);
    EXPECT_NEAR(history_cell(&h.table[HISTORY_DISTANCES], 0, DISTANCE_OTHERS), 0.01, 0);
    EXPECT_INT((long long)h.starts, 1);
    EXPECT_NEAR(h.start[0].after, 0, 0);
    EXPECT_TEXT(h.start[0].cpu, "Some <CPU>");
    EXPECT_INT(h.start[0].threads, 2);
    EXPECT_INT((long long)h.failures, 1);
    EXPECT_TEXT(h.failure[0].reason, "disk full");
    run_history_free(&h);
}

/* Updates 3 and 4 were done twice: those of the second time stand. */
TEST(history_of_a_run_that_went_back_rises)
{
    RunHistory h;
    Err err = {0};
    char text[4096] = "";
    static const int steps[] = {1, 2, 3, 4, 3, 4, 5};
    for (int i = 0; i < 7; i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "{\"event\":\"step\",\"step\":%d,\"loss\":%d}\n", steps[i], 10 + i);
        if (steps[i] % 2 == 0)
            snprintf(text + strlen(text), sizeof text - strlen(text),
                     "{\"event\":\"validation\",\"step\":%d,\"loss\":%d,\"levels\":[{\"t_from\":0,"
                     "\"t_to\":1,\"loss\":%d}]}\n",
                     steps[i], 20 + i, 30 + i);
    }
    EXPECT_OK(run_history_read(&h, log_of(text), &err), err);
    const HistoryTable *t = &h.table[HISTORY_UPDATES];
    static const double losses[] = {10, 11, 14, 15, 16};
    EXPECT_INT((long long)t->rows, 5);
    for (size_t i = 0; i < t->rows; i++) {
        EXPECT_NEAR(history_cell(t, i, OF_STEP), (double)i + 1, 0);
        EXPECT_NEAR(history_cell(t, i, UPDATE_LOSS), losses[i], 0);
    }
    EXPECT_INT((long long)h.table[HISTORY_VALIDATIONS].rows, 2);
    EXPECT_NEAR(history_cell(&h.table[HISTORY_VALIDATIONS], 1, VALIDATION_LOSS), 25, 0);
    EXPECT_INT((long long)h.table[HISTORY_LEVELS].rows, 2);
    EXPECT_NEAR(history_cell(&h.table[HISTORY_LEVELS], 1, LEVEL_LOSS), 35, 0);
    EXPECT_INT((long long)h.redone, 4); /* two updates, a validation and its level */
    run_history_free(&h);
}
