#include "base/fsio.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_kind.h"
#include "base/mem.h"

static bool refuse_size(int fd, const char *path, long long size, size_t limit, Err *err)
{
    unsigned char start[FILE_KIND_BYTES];
    ssize_t got = read(fd, start, sizeof start);
    const char *kind = got > 0 ? file_kind(start, (size_t)got) : NULL;
    return err_set(err, ERR_FORMAT, "%s: %s%s%shas %lld bytes, more than the limit of %zu", path,
                   kind ? "is " : "", kind ? kind : "", kind ? " and " : "", size, limit);
}

bool file_read(const char *path, size_t limit, FileBytes *out, Err *err)
{
    struct stat st;
    *out = (FileBytes){0};
    /* O_NONBLOCK so that opening a FIFO does not wait; it has no effect on regular files. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return err_set_errno(err, "%s: cannot open", path);
    bool ok = fstat(fd, &st) == 0 || err_set_errno(err, "%s: cannot read its size", path);
    if (ok && !S_ISREG(st.st_mode))
        ok = err_set(err, ERR_IO, "%s: is %s, expected a regular file", path,
                     S_ISDIR(st.st_mode) ? "a folder" : "a pipe, a socket or a device");
    if (ok && (unsigned long long)st.st_size > limit)
        ok = refuse_size(fd, path, (long long)st.st_size, limit, err);
    size_t size = ok ? (size_t)st.st_size : 0;
    if (ok) out->bytes = mem_alloc(size + 1, 1);
    if (ok && !out->bytes)
        ok = err_set(err, ERR_MEMORY, "%s: not enough memory for %zu bytes", path, size);
    while (ok && out->size < size) {
        ssize_t got = read(fd, out->bytes + out->size, size - out->size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            ok = err_set_errno(err, "%s: cannot read", path);
        else if (got == 0)
            ok = err_set(err, ERR_IO, "%s: ends after %zu of %zu bytes (cut while being read?)",
                         path, out->size, size);
        else
            out->size += (size_t)got;
    }
    close(fd);
    if (!ok) file_free(out);
    return ok;
}

void file_free(FileBytes *file)
{
    mem_free(file->bytes);
    file->bytes = NULL;
    file->size = 0;
}

int file_sync(int fd)
{
#ifdef __APPLE__ /* whose fsync leaves bytes in the disk's own memory */
    if (fcntl(fd, F_FULLFSYNC) == 0) return 0;
#endif
    return fsync(fd);
}

struct timespec file_time(const struct stat *st)
{
#ifdef __APPLE__
    return st->st_mtimespec;
#else
    return st->st_mtim;
#endif
}

bool folder_sync(const char *path, Err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return err_set_errno(err, "%s: cannot open the folder", path);
    bool ok = file_sync(fd) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS;
    if (!ok) err_set_errno(err, "%s: cannot sync the folder", path);
    close(fd);
    return ok;
}

void path_parent(char out[PATH_BYTES], const char *path)
{
    snprintf(out, PATH_BYTES, "%s", path);
    char *slash = strrchr(out, '/');
    if (!slash)
        snprintf(out, PATH_BYTES, ".");
    else
        slash[slash == out] = '\0';
}

bool path_follow_link(char path[PATH_BYTES])
{
    char target[PATH_BYTES], folder[PATH_BYTES];
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length <= 0) return false;
    target[length] = '\0';
    if (target[0] == '/' || !strchr(path, '/')) {
        memcpy(path, target, (size_t)length + 1);
        return true;
    }
    path_parent(folder, path);
    return path_join(path, folder, target, NULL);
}

bool parent_sync(const char *path, Err *err)
{
    char folder[PATH_BYTES];
    path_parent(folder, path);
    return folder_sync(folder, err);
}

bool file_append_line(const char *path, const char *line, Err *err)
{
    size_t length = strlen(line);
    char *copy = malloc(length + 2);
    if (!copy) return err_set(err, ERR_MEMORY, "%s: not enough memory to append a line", path);
    memcpy(copy, line, length);
    copy[length] = '\n';
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0666);
    bool ok = fd >= 0;
    if (!ok && errno == ELOOP)
        err_set(err, ERR_IO, "%s: is a symbolic link, through which nothing is appended", path);
    else if (!ok)
        err_set_errno(err, "%s: cannot open for appending", path);
    size_t done = 0;
    while (ok && done < length + 1) {
        ssize_t put = write(fd, copy + done, length + 1 - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0)
            ok = err_set_errno(err, "%s: cannot append", path);
        else
            done += (size_t)put;
    }
    /* Half a line would also damage the next one. */
    off_t end = !ok && done > 0 ? lseek(fd, 0, SEEK_END) : -1;
    bool cut = end >= (off_t)done && ftruncate(fd, end - (off_t)done) == 0;
    (void)cut;
    if (fd >= 0 && close(fd) != 0 && errno != EINTR && ok)
        ok = err_set_errno(err, "%s: cannot close", path);
    free(copy);
    return ok;
}

bool folder_make(const char *path, Err *err)
{
    char part[PATH_BYTES];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof part)
        return err_set(err, ERR_IO, "\"%.200s\": not a usable folder name", path);
    memcpy(part, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (part[i] != '/' && part[i] != '\0') continue;
        char kept = part[i];
        part[i] = '\0';
        if (mkdir(part, 0777) == 0) {
            /* Else a power cut could take the folder with all that was synced in it. */
            if (!parent_sync(part, err)) return false;
        } else if (errno != EEXIST || !path_is_folder(part)) {
            if (errno == EEXIST)
                return err_set(err, ERR_IO, "%s: exists and is not a folder", part);
            return err_set_errno(err, "%s: cannot make the folder", part);
        }
        part[i] = kept;
    }
    return true;
}

bool folder_check(const char *path, Err *err)
{
    char name[48], probe[PATH_BYTES];
    snprintf(name, sizeof name, "diffc-probe.%ld.tmp", (long)getpid());
    if (!path_join(probe, path, name, err)) return false;
    unlink(probe);
    int fd = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return err_set_errno(err, "%s: cannot create files in it", path);
    close(fd);
    unlink(probe);
    return true;
}

bool path_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool path_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool path_join(char *out, const char *folder, const char *name, Err *err)
{
    size_t length = strlen(folder);
    bool slash = length > 0 && folder[length - 1] != '/';
    int n = snprintf(out, PATH_BYTES, "%s%s%s", folder, slash ? "/" : "", name);
    if (n < 0 || n >= PATH_BYTES)
        return err_set(err, ERR_IO, "%.200s/...: the path is too long", folder);
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void names_sort(Names *names)
{
    if (names->count) qsort(names->names, names->count, sizeof *names->names, compare_names);
}

bool names_add(Names *names, const char *name)
{
    char **list = mem_room(names->names, names->count, &names->room, sizeof *list);
    if (list) names->names = list;
    char *copy = list ? strdup(name) : NULL;
    if (copy) names->names[names->count++] = copy;
    return copy != NULL;
}

bool folder_list(const char *path, Names *out, Err *err)
{
    *out = (Names){0};
    DIR *dir = opendir(path);
    if (!dir) return err_set_errno(err, "%s: cannot open the folder", path);
    bool ok = true;
    while (ok) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry) {
            if (errno != 0) ok = err_set_errno(err, "%s: cannot list the folder", path);
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        ok = names_add(out, entry->d_name) ||
             err_set(err, ERR_MEMORY, "%s: not enough memory for its list of files", path);
    }
    closedir(dir);
    if (ok)
        names_sort(out);
    else
        names_free(out);
    return ok;
}

void names_free(Names *names)
{
    for (size_t i = 0; i < names->count; i++) free(names->names[i]);
    free(names->names);
    *names = (Names){0};
}
