/* A model folder that is saved again, killed or failing at each of its operations on files.
 *
 * The functions below stand before the C library's for the whole program, and count what changes the
 * disk. In a child that is to die they exit before the n-th; for one that is to fail they return its
 * error. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/diffusers/model_folder.h"
#include "model/model.h"
#include "model_fixture.h"
#include "test.h"

enum { KILLED = 77 };
static int seen, kill_at, fail_at, fail_with; /* kill_at, fail_at: 0 for never */
static bool no_exchange;

/* Counts an operation; true when it is to fail. */
static bool strike(void)
{
    seen++;
    if (seen == kill_at) _exit(KILLED);
    if (seen != fail_at) return false;
    errno = fail_with;
    return true;
}

static int open_at(const char *path, int flags, va_list args)
{
    int mode = flags & O_CREAT ? va_arg(args, int) : 0;
    if (flags & O_CREAT && strike()) return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    int fd = open_at(path, flags, args);
    va_end(args);
    return fd;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    if (fd > STDERR_FILENO && strike()) return -1;
    return syscall(SYS_write, fd, bytes, size);
}

/* Counted, but not waited for. */
int fsync(int fd)
{
    (void)fd;
    return strike() ? -1 : 0;
}

int rename(const char *from, const char *to)
{
    return strike() ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
    if (no_exchange) {
        errno = EINVAL;
        return -1;
    }
    return strike() ? -1 : (int)syscall(SYS_renameat2, a, from, b, to, flags);
}

/* Whether an operation on the name would change the disk. */
static bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

int unlink(const char *path)
{
    return is_there(path) && strike() ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return strike() ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdir(const char *path, mode_t mode)
{
    return !is_there(path) && strike() ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

static void arm(int kill_number, int fail_number, int code)
{
    seen = 0;
    kill_at = kill_number;
    fail_at = fail_number;
    fail_with = code;
}

/* ---- a model whose weights, kept steps and size name it */

static void describe(ModelConfig *m, int kept[8], int tag)
{
    memset(m, 0, sizeof *m);
    unet_config_defaults(&m->unet);
    m->unet.levels = 1;
    m->unet.block_channels[0] = 32;
    m->unet.sample_height = m->unet.sample_width = 8 * tag;
    m->unet.in_channels = m->unet.out_channels = 1;
    m->method = METHOD_EDDPM;
    m->noise.T = 100;
    m->noise.beta_start = 1e-4;
    m->noise.beta_end = 0.02;
    m->sample.clip = true;
    m->clip_range = 1;
    for (int i = 0; i < tag; i++) kept[i] = 10 * i;
    m->kept = kept;
    m->kept_count = tag;
}

static bool save(const char *path, int tag, Err *err)
{
    int kept[8];
    ModelConfig m;
    describe(&m, kept, tag);
    begin(0);
    for (int i = 0; i < table.count; i++)
        for (size_t k = 0; k < table.info[i].count; k++)
            block[table.info[i].offset + k] = (float)tag;
    return model_folder_write(path, &m, &table, block, err);
}

/* The tag of the model that `path` means; 0: there is none, -1: it does not open, or is mixed. */
static int opened_tag(const char *path)
{
    char folder[PATH_BYTES];
    ModelConfig m;
    Err err = {0};
    if (!model_folder_current(path, folder)) return 0;
    if (!model_folder_read_config(folder, &m, &err)) {
        printf("    %s\n", err.text);
        return -1;
    }
    int tag = m.kept_count;
    begin(0);
    if (!model_folder_read_weights(folder, &table, block, &m, &err)) {
        printf("    %s\n", err.text);
        tag = -1;
    }
    for (int i = 0; i < table.count && tag > 0; i++)
        for (size_t k = 0; k < table.info[i].count; k++)
            if (block[table.info[i].offset + k] != (float)m.kept_count) tag = -1;
    if (m.unet.sample_height != 8 * m.kept_count) tag = -1;
    model_config_free(&m);
    return tag;
}

/* Saves in a child that dies before operation n; true when it died. */
static bool save_killed_at(const char *path, int tag, int n)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        arm(n, 0, 0);
        _exit(save(path, tag, NULL) ? 0 : 1);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    EXPECT(WIFEXITED(status) && (WEXITSTATUS(status) == KILLED || WEXITSTATUS(status) == 0));
    return WIFEXITED(status) && WEXITSTATUS(status) == KILLED;
}

/* Nothing lies beside "m", and in it only what belongs there and the user's two notes. */
static void expect_tidy(int notes)
{
    EXPECT_INT(test_count_names(in_folder("run")), 1);
    EXPECT_INT(test_count_names(in_folder("run/m/unet")), 2 + (notes > 1));
    EXPECT_INT(test_count_names(in_folder("run/m")), 3 + (notes > 0));
}

static void kill_at_each_operation(void)
{
    int n = 1, killed = 0;
    for (bool died = true; died; n++) {
        Err err = {0};
        EXPECT(test_remove_tree(in_folder("run")));
        EXPECT(folder_make(in_folder("run"), &err));
        EXPECT(save(in_folder("run/m"), 2, &err));
        put("run/m/README.md", "mine");
        put("run/m/unet/note.txt", "mine too");
        died = save_killed_at(in_folder("run/m"), 3, n);
        killed += died;
        int tag = opened_tag(in_folder("run/m"));
        if (!EXPECT(tag == 2 || tag == 3)) printf("    killed at operation %d: %d\n", n, tag);
        if (!died) EXPECT_INT(tag, 3);
        /* The next save finishes, wherever this one stopped, even when it is killed there as well. */
        if (n % 3 == 0) {
            save_killed_at(in_folder("run/m"), 4, n / 2 + 1);
            tag = opened_tag(in_folder("run/m"));
            if (!EXPECT(tag >= 2 && tag <= 4)) printf("    killed twice, at %d: %d\n", n, tag);
        }
        EXPECT_OK(save(in_folder("run/m"), 5, &err), err);
        EXPECT_INT(opened_tag(in_folder("run/m")), 5);
        EXPECT_FILE(in_folder("run/m/README.md"), "mine");
        EXPECT_FILE(in_folder("run/m/unet/note.txt"), "mine too");
        expect_tidy(2);
    }
    EXPECT(killed > 30);
}

TEST(model_saved_again_opens_old_or_new_after_a_kill_at_any_operation)
{
    kill_at_each_operation();
}

TEST(model_saved_again_survives_a_kill_where_names_cannot_be_exchanged)
{
    no_exchange = true;
    kill_at_each_operation();
    no_exchange = false;
}

TEST(model_saved_for_the_first_time_is_there_whole_or_not_at_all)
{
    int n = 1;
    for (bool died = true; died; n++) {
        char name[32];
        snprintf(name, sizeof name, "first%d", n);
        died = save_killed_at(in_folder(name), 3, n);
        int tag = opened_tag(in_folder(name));
        EXPECT(died ? tag == 0 || tag == 3 : tag == 3);
    }
    EXPECT(n > 20);
}

static void fail_each_operation(int code, const char *reason)
{
    Err err = {0};
    EXPECT(folder_make(in_folder("run"), &err));
    EXPECT(save(in_folder("run/m"), 2, &err));
    int written = 0, failed = 0, now = 2;
    for (int n = 1, next = 3; n < 1000; n++) {
        err = (Err){0};
        arm(0, n, code);
        bool ok = save(in_folder("run/m"), next, &err);
        bool struck = seen >= n;
        arm(0, 0, 0);
        int tag = opened_tag(in_folder("run/m"));
        if (ok) {
            EXPECT_INT(tag, next);
        } else {
            failed++;
            EXPECT_INT(err.kind, ERR_IO);
            EXPECT_CONTAINS(err.text, in_folder("run/m"));
            EXPECT_CONTAINS(err.text, reason);
            bool said = strstr(err.text, "is written, but a power failure may still lose it") &&
                        !strstr(err.text, "diffc-new");
            written += said;
            EXPECT(said || strstr(err.text, "is not saved, and what was there stays"));
            if (!EXPECT(tag == (said ? next : now)))
                printf("    operation %d: %d, %s\n", n, tag, err.text);
        }
        now = tag;
        next = next == 3 ? 4 : 3;
        if (!struck) break;
    }
    EXPECT(failed > 20);
    EXPECT_INT(written, 1);
    EXPECT(save(in_folder("run/m"), 5, &err));
    expect_tidy(0);
}

TEST(model_that_cannot_be_saved_leaves_the_old_one_on_a_full_disk)
{
    fail_each_operation(ENOSPC, "No space left on device");
}

TEST(model_that_cannot_be_saved_leaves_the_old_one_where_names_cannot_be_exchanged)
{
    no_exchange = true;
    fail_each_operation(EIO, "Input/output error");
    no_exchange = false;
}

/* The same for a real network, which model_open can open. */
static bool save_network(const char *path, int tag, Err *err)
{
    int kept[8];
    ModelConfig m;
    ParamTable own = {0};
    Network network;
    describe(&m, kept, tag);
    m.unet.block_channels[0] = 8;
    m.unet.groups = 2;
    m.unet.layers_per_block = 1;
    bool ok = network_declare(&network, &own, &m, (Shape){.H = 8, .W = 8, .C = 1}, 1, false, err);
    float *values = ok ? mem_floats(own.block_floats) : NULL;
    for (int i = 0; values && i < own.count; i++)
        for (size_t k = 0; k < own.info[i].count; k++) values[own.info[i].offset + k] = (float)tag;
    ok = values && model_folder_write(path, &m, &own, values, err);
    mem_free(values);
    network_close(&network);
    params_free(&own);
    return ok;
}

TEST(model_opened_while_it_is_saved_is_never_mixed)
{
    Err err = {0};
    EXPECT(folder_make(in_folder("run"), &err));
    for (int turn = 0; turn < 2; turn++) {
        no_exchange = turn == 1;
        EXPECT_OK(save_network(in_folder("run/model"), 2, &err), err);
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            for (int i = 0; i < 150; i++)
                if (!save_network(in_folder("run/model"), 2 + i % 5, NULL)) _exit(1);
            _exit(0);
        }
        int status = 0, reads = 0;
        for (; waitpid(child, &status, WNOHANG) == 0; reads++) {
            Model m;
            if (!EXPECT_OK(model_open(&m, in_folder("run"), 0, 0, &err), err)) continue;
            int tag = m.config.kept_count, wrong = 0;
            for (int i = 0; i < m.table.count; i++)
                for (size_t k = 0; k < m.table.info[i].count; k++)
                    wrong += m.weights[m.table.info[i].offset + k] != (float)tag;
            EXPECT(tag >= 2 && tag <= 6);
            EXPECT_INT(wrong, 0);
            EXPECT_INT(m.image.H, 8 * tag);
            model_close(&m);
        }
        EXPECT_INT(status, 0);
        EXPECT(reads > 10);
        no_exchange = false;
    }
}

TEST(model_behind_a_link_is_replaced_there_and_the_link_stays)
{
    Err err = {0};
    struct stat st;
    EXPECT(folder_make(in_folder("run"), &err) && folder_make(in_folder("disk"), &err));
    EXPECT(symlink("../disk/m", in_folder("run/m")) == 0);
    for (int tag = 2; tag < 4; tag++) {
        EXPECT_OK(save(in_folder("run/m/"), tag, &err), err);
        EXPECT_INT(opened_tag(in_folder("disk/m")), tag);
        EXPECT_INT(opened_tag(in_folder("run/m")), tag);
        EXPECT(lstat(in_folder("run/m"), &st) == 0 && S_ISLNK(st.st_mode));
    }
}

/* What older programs left when they were killed in the folder itself. */
TEST(model_saved_again_removes_old_temporary_files_and_keeps_others)
{
    Err err = {0};
    EXPECT(folder_make(in_folder("run"), &err) && save(in_folder("run/m"), 2, &err));
    put("run/m/unet/diffusion_pytorch_model.safetensors.4711.tmp", "half");
    put("run/m/model_index.json.1.tmp", "half");
    put("run/m/notes.tmp", "a user's");
    EXPECT(save(in_folder("run/m"), 3, &err));
    expect_tidy(1);
    EXPECT_FILE(in_folder("run/m/notes.tmp"), "a user's");
}

TEST(file_whose_folder_cannot_be_synced_is_written_and_the_error_says_so)
{
    for (int n = 1, done = 0; !done; n++) {
        Err err = {0};
        char name[32];
        snprintf(name, sizeof name, "f%d", n);
        put(name, "old");
        arm(0, n, EIO);
        bool ok = file_write(in_folder(name), "new", 3, &err);
        done = seen < n;
        arm(0, 0, 0);
        bool said = strstr(err.text, "is written, but a power failure may still lose it");
        EXPECT(ok == (bool)done);
        EXPECT(said == (n == 5)); /* open, write, fsync, rename, fsync of the folder */
        EXPECT_FILE(in_folder(name), ok || said ? "new" : "old");
    }
}
