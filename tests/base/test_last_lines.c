/* A file's lines from its end. */
#include "base/last_lines.h"

#include <unistd.h>

#include "base/fsio.h"
#include "test.h"

static void put(const char *path, const char *text)
{
    Err err = {0};
    EXPECT_OK(file_write(path, text, strlen(text), &err), err);
}

TEST(last_lines_are_the_lines_of_the_file_backwards)
{
    enum { LINES = 3000 };
    static size_t starts[LINES + 1];
    const char *path = test_path("lines");
    for (int ending = 0; ending < 2; ending++) {
        size_t room = 200 * LINES, size = 0;
        char *text = calloc(room, 1);
        for (int i = 0; i < LINES; i++) {
            starts[i] = size;
            size += (size_t)snprintf(text + size, room - size, "%d %*s%s", i, i * 37 % 150, "",
                                     ending || i + 1 < LINES ? "\n" : "");
        }
        starts[LINES] = size;
        LastLines l;
        Err err = {0};
        bool found = true;
        EXPECT(file_write(path, text, size, &err) && last_lines_open(&l, path, &err));
        for (int i = LINES - 1; i >= 0; i--) {
            if (!EXPECT(last_lines_next(&l, &found, &err) && found)) break;
            EXPECT_INT((long long)l.start, (long long)starts[i]);
            EXPECT_INT((long long)l.end, (long long)starts[i + 1]);
            EXPECT(l.whole == (ending || i + 1 < LINES));
            EXPECT_INT((long long)l.length, (long long)(starts[i + 1] - starts[i]) - l.whole);
            EXPECT(memcmp(l.text, text + starts[i], l.length) == 0);
        }
        EXPECT(last_lines_next(&l, &found, &err) && !found);
        last_lines_close(&l);
        free(text);
    }
}

/* 3 GiB of nothing, a newline, two lines: only the end is read. */
TEST(last_lines_of_a_huge_file_take_its_end_only_and_an_endless_line_ends_them)
{
    const char *path = test_path("huge");
    off_t hole = (off_t)3 << 30;
    LastLines l;
    Err err = {0};
    bool found = false;
    put(path, "");
    EXPECT(truncate(path, hole) == 0);
    EXPECT(file_append_line(path, "", &err) && file_append_line(path, "one", &err));
    EXPECT(file_append_line(path, "two", &err) && last_lines_open(&l, path, &err));
    EXPECT(last_lines_next(&l, &found, &err) && found && memcmp(l.text, "two", 3) == 0);
    EXPECT(last_lines_next(&l, &found, &err) && found && memcmp(l.text, "one", 3) == 0);
    EXPECT(last_lines_next(&l, &found, &err) && !found);
    EXPECT_INT((long long)l.start, (long long)hole + 1);
    last_lines_close(&l);
}
