#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "test.h"

static bool is_kind(const char *path, mode_t kind)
{
    struct stat st;
    return lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

TEST(file_write_replaces_a_link_and_never_writes_through_it)
{
    Err err = {0};
    const char *there = test_path("there"), *link = test_path("link");
    EXPECT(file_write(there, "there", 5, &err) && symlink("there", link) == 0);
    EXPECT(file_write(link, "new", 3, &err));
    EXPECT(is_kind(link, S_IFREG));
    EXPECT_FILE(link, "new");
    EXPECT_FILE(there, "there");
}

TEST(output_follows_links_also_to_what_is_not_there_yet)
{
    Err err = {0};
    FileWriter w;
    char place[PATH_BYTES];
    const char *link = test_path("link"), *other = test_path("other"), *loop = test_path("loop");
    EXPECT(symlink("sub/new", other) == 0 && symlink(other, link) == 0 &&
           symlink("loop", loop) == 0);
    EXPECT(folder_make(test_path("sub"), &err));
    EXPECT(output_check(link, &err) && !output_replaces(link));
    EXPECT(output_open(&w, link, &err) && file_writer_append(&w, "text", 4, &err) &&
           file_writer_commit(&w, &err));
    EXPECT(is_kind(link, S_IFLNK) && is_kind(other, S_IFLNK) && output_replaces(link));
    EXPECT_FILE(test_path("sub/new"), "text");
    EXPECT_FAILS(output_place(loop, place, &err), err, "loop: its symbolic links form a loop");
}

TEST(pipe_is_written_in_place)
{
    Err err = {0};
    char text[8] = "";
    const char *pipe = test_path("pipe");
    EXPECT(mkfifo(pipe, 0600) == 0);
    EXPECT(output_check(pipe, &err) && !output_replaces(pipe));
    int fd = open(pipe, O_RDONLY | O_NONBLOCK);
    if (!EXPECT(fd >= 0)) return;
    EXPECT(file_write(pipe, "text", 4, &err));
    EXPECT_INT(read(fd, text, sizeof text - 1), 4);
    EXPECT_TEXT(text, "text");
    close(fd);
    EXPECT(is_kind(pipe, S_IFIFO));
}

TEST(open_file_is_written_where_it_stands_and_not_renamed_over)
{
    Err err = {0};
    char name[64];
    const char *path = test_path("open");
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    if (!EXPECT(fd >= 0)) return;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    if (access(name, F_OK) != 0) {
        close(fd);
        test_skip("/proc is not mounted");
        return;
    }
    EXPECT(write(fd, "before ", 7) == 7);
    EXPECT(output_check(name, &err) && !output_replaces(name));
    EXPECT(file_write(name, "between ", 8, &err));
    EXPECT(write(fd, "after", 5) == 5);
    close(fd);
    EXPECT_FILE(path, "before between after");
    fd = open(path, O_RDONLY);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    EXPECT_FAILS(output_check(name, &err), err, "is open for reading only");
    close(fd);
}

/* The temporary file's own name would not fit. */
TEST(names_of_255_bytes_can_be_written_and_longer_ones_are_refused_at_the_start)
{
    static const size_t lengths[] = {240, 250, 255};
    char name[257], path[PATH_BYTES];
    Err err = {0};
    FileWriter a, b;
    memset(name, 'n', sizeof name - 1);
    name[256] = '\0';
    long most = pathconf(test_folder(), _PC_NAME_MAX);
    if (most != 255) {
        test_skip("the file system's names are not of 255 bytes");
        return;
    }
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        EXPECT(path_join(path, test_folder(), name + 256 - lengths[i], &err));
        EXPECT(file_write(path, "text", 4, &err));
        EXPECT_FILE(path, "text");
    }
    /* Two such files at once are two temporary files. */
    EXPECT(file_writer_open(&a, path, &err) && file_writer_append(&a, "a", 1, &err));
    path[strlen(path) - 1] = 'm';
    EXPECT(file_writer_open(&b, path, &err) && file_writer_append(&b, "b", 1, &err));
    EXPECT(file_writer_commit(&a, &err) && file_writer_commit(&b, &err));
    EXPECT_FILE(path, "b");
    path[strlen(path) - 1] = 'n';
    EXPECT_FILE(path, "a");
    EXPECT(path_join(path, test_folder(), name, &err));
    EXPECT_FAILS(file_writer_open(&a, path, &err), err, "File name too long");
    EXPECT_INT(test_count_names(test_folder()), 4);
}

/* ---- what dead processes left ---- */

/* A process that opens `path` for writing, and then waits to be killed. */
static pid_t start_writer(const char *path)
{
    int ready[2];
    char byte = 0;
    if (pipe(ready) != 0) return -1;
    pid_t pid = fork();
    if (pid == 0) {
        FileWriter w;
        Err err = {0};
        bool ok = file_writer_open(&w, path, &err) && file_writer_append(&w, "half", 4, &err);
        if (write(ready[1], ok ? "y" : "n", 1) == 1)
            for (;;) pause();
        _exit(1);
    }
    EXPECT(pid > 0 && read(ready[0], &byte, 1) == 1 && byte == 'y');
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end_writer(pid_t pid)
{
    EXPECT(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

static bool left(const char *path, pid_t pid)
{
    char temporary[PATH_BYTES];
    snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)pid);
    return path_exists(temporary);
}

TEST(output_check_removes_what_a_dead_writer_left_and_nothing_else)
{
    static const char *const others[] = {"grid.png.tmp", "grid.png.old.tmp", "a.grid.png.1.tmp",
                                         "grid.png.0012.tmp"};
    Err err = {0};
    const char *path = test_path("grid.png"), *other = test_path("other.png");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        EXPECT(file_write(test_path("%s", others[i]), "a user's", 8, &err));
    pid_t dead = start_writer(path), living = start_writer(path), elsewhere = start_writer(other);
    end_writer(dead);
    end_writer(elsewhere);
    EXPECT(left(path, dead) && left(path, living) && left(other, elsewhere));
    EXPECT(output_check(path, &err));
    EXPECT(!left(path, dead));
    EXPECT(left(path, living));
    EXPECT(left(other, elsewhere));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        EXPECT(path_exists(test_path("%s", others[i])));
    end_writer(living);
    EXPECT(output_check(path, &err) && !left(path, living));
}

/* The same number may be another process in another container. */
TEST(file_of_a_writer_whose_number_is_not_known_here_is_kept_while_it_is_locked)
{
    Err err = {0};
    const char *path = test_path("grid.png"), *named = test_path("grid.png.999999999.tmp");
    EXPECT(file_write(named, "half", 4, &err));
    int fd = open(named, O_WRONLY);
    EXPECT(fd >= 0 && flock(fd, LOCK_EX) == 0);
    EXPECT(output_check(path, &err) && path_exists(named));
    close(fd);
    EXPECT(output_check(path, &err) && !path_exists(named));
}

TEST(long_name_is_cleaned_like_a_short_one)
{
    char name[256], path[PATH_BYTES];
    Err err = {0};
    memset(name, 'n', 255);
    name[255] = '\0';
    EXPECT(path_join(path, test_folder(), name, &err));
    end_writer(start_writer(path));
    EXPECT(output_check(path, &err));
    EXPECT_INT(test_count_names(test_folder()), 0);
}

TEST(line_is_never_appended_through_a_link)
{
    Err err = {0};
    const char *there = test_path("there"), *link = test_path("link");
    EXPECT(file_write(there, "there", 5, &err) && symlink("there", link) == 0);
    EXPECT_FAILS(file_append_line(link, "line", &err), err, "link: is a symbolic link");
    EXPECT_FILE(there, "there");
}
