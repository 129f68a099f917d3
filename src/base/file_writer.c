#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"

/* /dev/stdout, /dev/fd/3 and the like are links below /proc that mean an open file of a process, not
 * the name it was opened by. *own: the descriptor, when the process is this one, else -1. */
static bool is_open_file(const char *path, int *own)
{
    char folder[PATH_BYTES], real[PATH_MAX], ours[32];
    struct stat st;
    *own = -1;
    if (lstat(path, &st) != 0 || !S_ISLNK(st.st_mode)) return false;
    path_parent(folder, path);
    if (!realpath(folder, real) || strncmp(real, "/proc/", 6) != 0) return false;
    size_t length = (size_t)snprintf(ours, sizeof ours, "/proc/%ld/", (long)getpid());
    const char *slash = strrchr(path, '/'), *end = strrchr(real, '/');
    if (strncmp(real, ours, length) == 0 && strcmp(end, "/fd") == 0) *own = atoi(slash + 1);
    return true;
}

/* Such a file must not be renamed over. */
static bool is_written_in_place(const char *path)
{
    int own;
    struct stat st;
    if (is_open_file(path, &own)) return true;
    return lstat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode);
}

/* A descriptor of this process shares its position in the file, so that earlier output to stdout
 * stays. */
static bool open_in_place(FileWriter *w, Err *err)
{
    int own;
    w->temporary[0] = '\0';
    is_open_file(w->path, &own);
    if (own >= 0 && (fcntl(own, F_GETFL) & O_ACCMODE) == O_RDONLY)
        return err_set(err, ERR_IO, "%s: is open for reading only", w->path);
    w->fd = own >= 0 ? fcntl(own, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                     : open(w->path, O_WRONLY | O_TRUNC | O_NOCTTY | O_CLOEXEC);
    return w->fd >= 0 || err_set_errno(err, "%s: cannot open for writing", w->path);
}

uint64_t bytes_hash(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < size; i++) hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

bool path_beside(char out[PATH_BYTES], const char *path, const char *suffix, Err *err)
{
    char folder[PATH_BYTES];
    path_parent(folder, path);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    long most = pathconf(folder, _PC_NAME_MAX);
    size_t length = strlen(name) + strlen(suffix);
    int n = most <= 0 || length <= (size_t)most
                ? snprintf(out, PATH_BYTES, "%s%s", path, suffix)
                : snprintf(out, PATH_BYTES, "%.*sdiffc-%016llx%s", (int)(name - path), path,
                           (unsigned long long)bytes_hash(BYTES_HASH_START, name, strlen(name)),
                           suffix);
    return (n >= 0 && n < PATH_BYTES) ||
           err_set(err, ERR_IO, "%.200s...: the path is too long", path);
}

bool file_writer_open(FileWriter *w, const char *path, Err *err)
{
    char suffix[32];
    struct stat st;
    w->fd = -1;
    if (strlen(path) >= sizeof w->path)
        return err_set(err, ERR_IO, "%.200s...: the path is too long", path);
    memcpy(w->path, path, strlen(path) + 1);
    if (path_is_folder(path))
        return err_set(err, ERR_IO, "%s: is a folder, cannot be written as a file", path);
    if (is_written_in_place(path)) return open_in_place(w, err);
    snprintf(suffix, sizeof suffix, ".%ld.tmp", (long)getpid());
    if (!path_beside(w->temporary, path, suffix, err)) return false;
    /* Names the target, whose name may be too long where the temporary one is not. */
    if (lstat(path, &st) != 0 && errno == ENAMETOOLONG)
        return err_set_errno(err, "%s: cannot create", path);
    unlink(w->temporary);
    w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (w->fd < 0) return err_set_errno(err, "%s: cannot create", path);
    /* Locks the file to show that its writer is alive (leftovers_remove); a file system without locks
     * has only the pid in the name. */
    (void)flock(w->fd, LOCK_EX | LOCK_NB);
    return true;
}

static void remove_temporary(FileWriter *w)
{
    if (w->temporary[0]) unlink(w->temporary);
}

bool file_writer_append(FileWriter *w, const void *bytes, size_t size, Err *err)
{
    const char *p = bytes;
    while (size > 0) {
        ssize_t put = write(w->fd, p, size < (1u << 30) ? size : (1u << 30));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            err_set_errno(err, "%s: cannot write", w->path);
            file_writer_abort(w);
            return false;
        }
        p += put;
        size -= (size_t)put;
    }
    return true;
}

bool file_writer_commit(FileWriter *w, Err *err)
{
    /* A pipe or a device has nothing to sync. Of a file EROFS means that the system has stopped writing
     * to a broken disk. */
    bool in_place = !w->temporary[0];
    if (file_sync(w->fd) != 0 && errno != EINVAL && errno != ENOTSUP &&
        !(in_place && errno == EROFS)) {
        err_set_errno(err, "%s: cannot sync to disk", w->path);
        file_writer_abort(w);
        return false;
    }
    int fd = w->fd;
    w->fd = -1;
    if (close(fd) != 0 && errno != EINTR) {
        err_set_errno(err, "%s: cannot close", w->path);
        remove_temporary(w);
        return false;
    }
    if (!w->temporary[0]) return true;
    if (rename(w->temporary, w->path) != 0) {
        err_set_errno(err, "%s: cannot rename the finished file into place", w->path);
        remove_temporary(w);
        return false;
    }
    Err reason = {0};
    if (parent_sync(w->path, &reason)) return true;
    return err_set(err, reason.kind,
                   "%.400s: is written, but a power failure may still lose it: %.500s", w->path,
                   reason.text);
}

void file_writer_abort(FileWriter *w)
{
    if (w->fd < 0) return;
    close(w->fd);
    w->fd = -1;
    remove_temporary(w);
}

bool file_write(const char *path, const void *bytes, size_t size, Err *err)
{
    FileWriter w;
    return file_writer_open(&w, path, err) && file_writer_append(&w, bytes, size, err) &&
           file_writer_commit(&w, err);
}

bool output_place(const char *path, char place[PATH_BYTES], Err *err)
{
    enum { MOST_LINKS = 40 };
    int own, links = 0;
    if (strlen(path) >= PATH_BYTES)
        return err_set(err, ERR_IO, "%.200s...: the path is too long", path);
    memcpy(place, path, strlen(path) + 1);
    while (!is_open_file(place, &own) && path_follow_link(place))
        if (++links > MOST_LINKS)
            return err_set(err, ERR_IO, "%s: its symbolic links form a loop", path);
    return true;
}

bool output_open(FileWriter *w, const char *path, Err *err)
{
    char place[PATH_BYTES];
    return output_place(path, place, err) && file_writer_open(w, place, err);
}

/* ---- Temporary files whose writers have died. A living writer holds a lock on its file (flock), which the
 * system drops when the process ends; the number in the name alone would not do, for containers have
 * numbers of their own. */

bool file_is_temporary(const char *name, size_t *target, long *pid)
{
    static const char end[] = ".tmp";
    size_t length = strlen(name), digits = 0;
    if (length < sizeof end || strcmp(name + length - (sizeof end - 1), end) != 0) return false;
    size_t at = length - (sizeof end - 1);
    while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9' && digits < 10) at--, digits++;
    if (digits == 0 || at < 2 || name[at - 1] != '.' || name[at] == '0') return false;
    *target = at - 1;
    *pid = strtol(name + at, NULL, 10);
    return true;
}

/* Whether a process holds the file. A file that cannot be opened counts as held and is left alone. */
static bool is_held(const char *path, long pid)
{
    struct stat st;
    bool runs = kill((pid_t)pid, 0) == 0 || errno == EPERM;
    if (runs && pid != (long)getpid()) return true;
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return true;
    bool held = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
                (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK);
    close(fd);
    return held;
}

void leftovers_remove(const char *folder, bool (*ours)(const void *context, const char *target),
                      const void *context)
{
    Names names;
    if (!folder_list(folder, &names, NULL)) return;
    for (size_t i = 0; i < names.count; i++) {
        char path[PATH_BYTES], target[PATH_BYTES];
        size_t length;
        long pid;
        if (!file_is_temporary(names.names[i], &length, &pid)) continue;
        memcpy(target, names.names[i], length);
        target[length] = '\0';
        if (!ours(context, target) || !path_join(path, folder, names.names[i], NULL)) continue;
        if (!is_held(path, pid)) unlink(path);
    }
    names_free(&names);
}

/* Temporary files of one target differ in the process alone. */
static bool is_target(const void *context, const char *target)
{
    const FileWriter *w = context;
    const char *slash = strrchr(w->temporary, '/'), *name = slash ? slash + 1 : w->temporary;
    size_t length = strlen(target);
    return strncmp(name, target, length) == 0 && name[length] == '.' &&
           strtol(name + length + 1, NULL, 10) == (long)getpid();
}

bool output_check(const char *path, Err *err)
{
    char place[PATH_BYTES];
    FileWriter w;
    int own;
    if (!output_place(path, place, err)) return false;
    if (is_open_file(place, &own) ? own < 0 : is_written_in_place(place))
        return access(place, W_OK) == 0 || err_set_errno(err, "%s: cannot be written", path);
    if (!file_writer_open(&w, place, err)) return false;
    char folder[PATH_BYTES];
    path_parent(folder, place);
    leftovers_remove(folder, is_target, &w);
    file_writer_abort(&w);
    return true;
}

bool output_is_special(const char *path)
{
    char place[PATH_BYTES];
    return output_place(path, place, NULL) && is_written_in_place(place);
}

bool output_replaces(const char *path)
{
    char place[PATH_BYTES];
    return output_place(path, place, NULL) && path_exists(place) && !path_is_folder(place) &&
           !is_written_in_place(place);
}

static bool find_folder(const char *place, struct stat *folder)
{
    char path[PATH_BYTES];
    path_parent(path, place);
    return stat(path, folder) == 0;
}

bool output_is_same(const char *path, const char *other)
{
    char a[PATH_BYTES], b[PATH_BYTES];
    struct stat in_a, in_b;
    if (!output_place(path, a, NULL) || !output_place(other, b, NULL)) return false;
    const char *end_a = strrchr(a, '/'), *end_b = strrchr(b, '/');
    return strcmp(end_a ? end_a + 1 : a, end_b ? end_b + 1 : b) == 0 && !is_written_in_place(a) &&
           find_folder(a, &in_a) && find_folder(b, &in_b) && in_a.st_dev == in_b.st_dev &&
           in_a.st_ino == in_b.st_ino;
}
