#define _GNU_SOURCE /* renameat2, O_PATH */
#include "unsynced.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_FILES = 4096, MOST_NAMES = 8192, NAME_BYTES = 300 };

/* A file that was opened for writing. Its own descriptor outlives the program's. */
typedef struct {
    dev_t device;
    ino_t inode;
    int fd;
    off_t durable; /* its first bytes that are synced */
    off_t opened;  /* how long it was when it was first opened */
    bool written;  /* since then */
} File;

typedef enum { CREATED, MADE_FOLDER, RENAMED, EXCHANGED, UNLINKED, REMOVED_FOLDER } Change;

/* A change of names, in the order of time. Folders are held by descriptors: their own names change. */
typedef struct {
    Change change;
    bool durable;
    int folder, target_folder; /* those of `name` and, of renamings, of `target` */
    dev_t device;
    ino_t inode; /* of the folder whose fsync makes it durable */
    char name[NAME_BYTES], target[NAME_BYTES];
    int kept; /* number of the removed file in the folder of kept files; 0: none */
} NameChange;

static File files[MOST_FILES];
static NameChange changes[MOST_NAMES];
static int file_count, change_count, kept_count, kept_now;

static void stop(const char *why)
{
    fprintf(stderr, "faults: %s\n", why);
    abort();
}

static File *find_file(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return NULL;
    for (int i = 0; i < file_count; i++)
        if (files[i].inode == st.st_ino && files[i].device == st.st_dev) return &files[i];
    return NULL;
}

static int open_parent(const char *path, char name[NAME_BYTES])
{
    char folder[4096] = ".";
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    snprintf(folder, sizeof folder, "%.*s", (int)length, path);
    char *slash = strrchr(folder, '/');
    snprintf(name, NAME_BYTES, "%.*s", NAME_BYTES - 1, slash ? slash + 1 : folder);
    if (!slash) return open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    slash[slash == folder] = '\0';
    return open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* `path` is where the name stands now; `from`, of renamings, where it stood. */
static void add(Change change, const char *path, const char *from)
{
    struct stat st;
    if (change_count == MOST_NAMES) stop("too many names are changed for one run");
    NameChange *c = &changes[change_count++];
    *c = (NameChange){.change = change, .kept = kept_now, .folder = -1};
    kept_now = 0;
    c->target_folder = open_parent(path, c->target);
    if (from) c->folder = open_parent(from, c->name);
    if (fstat(c->target_folder, &st) != 0) stop("a changed name's folder cannot be looked at");
    c->device = st.st_dev;
    c->inode = st.st_ino;
}

void unsynced_open(int fd, const char *path, bool created)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return;
    if (created) add(CREATED, path, NULL);
    if (find_file(fd)) return;
    if (file_count == MOST_FILES) stop("too many files are opened for one run");
    files[file_count++] = (File){.device = st.st_dev,
                                 .inode = st.st_ino,
                                 .fd = fcntl(fd, F_DUPFD_CLOEXEC, 500),
                                 .durable = st.st_size,
                                 .opened = st.st_size};
}

void unsynced_write(int fd)
{
    File *file = find_file(fd);
    if (file) file->written = true;
}

void unsynced_sync(int fd)
{
    struct stat st;
    File *file = find_file(fd);
    if (fstat(fd, &st) != 0) return;
    if (file) {
        file->durable = st.st_size;
        file->written = false;
    }
    for (int i = 0; S_ISDIR(st.st_mode) && i < change_count; i++)
        if (changes[i].inode == st.st_ino && changes[i].device == st.st_dev)
            changes[i].durable = true;
}

void unsynced_mkdir(const char *path)
{
    add(MADE_FOLDER, path, NULL);
}

void unsynced_rename(const char *from, const char *to, bool exchanged)
{
    add(exchanged ? EXCHANGED : RENAMED, to, from);
}

static void kept_path(char path[4096], int number)
{
    snprintf(path, 4096, "%s/%d", getenv("FAULT_KEPT"), number);
}

void unsynced_before_removal(const char *path)
{
    char kept[4096];
    kept_now = 0;
    if (!getenv("FAULT_KEPT")) return;
    kept_path(kept, kept_count + 1);
    if (link(path, kept) == 0) kept_now = ++kept_count;
}

void unsynced_unlink(const char *path)
{
    add(UNLINKED, path, NULL);
}

void unsynced_rmdir(const char *path)
{
    add(REMOVED_FOLDER, path, NULL);
}

void unsynced_lose_file(int fd)
{
    const File *file = find_file(fd);
    if (file && ftruncate(file->fd, file->opened) != 0) stop("a file cannot be cut");
}

static void lose_bytes(const File *file, long variant)
{
    enum { SECTOR = 512 };
    struct stat st;
    if (!file->written || fstat(file->fd, &st) != 0) return;
    off_t lost = st.st_size - file->durable;
    if (lost <= 0) return;
    off_t end = file->durable + (variant % 3 == 1 ? (lost < SECTOR ? lost : SECTOR) : 0);
    /* Cut and made long again, a file has zeros. */
    if (ftruncate(file->fd, end) != 0 || (variant % 3 == 2 && ftruncate(file->fd, st.st_size) != 0))
        stop("a file cannot be cut");
}

static void give_back(const NameChange *c)
{
    char kept[4096];
    if (!c->kept) return;
    kept_path(kept, c->kept);
    (void)!linkat(AT_FDCWD, kept, c->target_folder, c->target, 0);
}

/* A folder whose making is lost takes all that it holds with it. */
static void bury(const NameChange *c)
{
    char grave[4096];
    kept_path(grave, ++kept_count);
    (void)!renameat(c->target_folder, c->target, AT_FDCWD, grave);
}

static void undo(const NameChange *c)
{
    switch (c->change) {
    case CREATED:
        (void)!unlinkat(c->target_folder, c->target, 0);
        break;
    case MADE_FOLDER:
        bury(c);
        break;
    case RENAMED:
        (void)!renameat(c->target_folder, c->target, c->folder, c->name);
        give_back(c);
        break;
    case EXCHANGED:
        (void)!renameat2(c->target_folder, c->target, c->folder, c->name, RENAME_EXCHANGE);
        break;
    case UNLINKED:
        give_back(c);
        break;
    case REMOVED_FOLDER:
        (void)!mkdirat(c->target_folder, c->target, 0777);
        break;
    }
}

/* A file system may have written some folders and not others. */
static bool is_kept(const NameChange *c, long variant)
{
    unsigned long mixed = ((unsigned long)c->inode + (unsigned long)variant) * 0x9E3779B97F4A7C15u;
    return c->durable || (variant % 2 != 0 && mixed >> 63);
}

void unsynced_lose(bool bytes, bool names, long variant)
{
    if (names)
        for (int i = change_count - 1; i >= 0; i--)
            if (!is_kept(&changes[i], variant)) undo(&changes[i]);
    if (bytes)
        for (int i = 0; i < file_count; i++) lose_bytes(&files[i], variant);
}
