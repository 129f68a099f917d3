#define _GNU_SOURCE /* renameat2 */
#include "base/folder_swap.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEXT_SUFFIX ".diffc-new"
#define LAST_SUFFIX ".diffc-old"

static bool is_folder_itself(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool holds(const char *folder, const char *file)
{
    char path[PATH_BYTES];
    return path_join(path, folder, file, NULL) && path_exists(path);
}

/* The name that is renamed: without links and slashes at its end. */
static bool real_place(const char *path, char out[PATH_BYTES], Err *err)
{
    enum { MOST_LINKS = 16 };
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    if (length == 0 || length + sizeof NEXT_SUFFIX > PATH_BYTES)
        return err_set(err, ERR_IO, "\"%.200s\": not a usable folder name", path);
    memcpy(out, path, length);
    out[length] = '\0';
    for (int i = 0; i < MOST_LINKS && path_follow_link(out);) i++;
    length = strlen(out);
    while (length > 1 && out[length - 1] == '/') out[--length] = '\0';
    return length + sizeof NEXT_SUFFIX <= PATH_BYTES ||
           err_set(err, ERR_IO, "%.200s...: the path is too long", out);
}

static void beside(char out[PATH_BYTES], const char *path, const char *suffix)
{
    snprintf(out, PATH_BYTES, "%.*s%s", (int)(PATH_BYTES - sizeof NEXT_SUFFIX), path, suffix);
}

bool folder_current(const char *path, const char *first, char out[PATH_BYTES])
{
    char real[PATH_BYTES];
    snprintf(out, PATH_BYTES, "%s", path);
    if (path_is_folder(path)) return true;
    if (path_exists(path) || !real_place(path, real, NULL)) return false;
    beside(out, real, NEXT_SUFFIX);
    if (holds(out, first)) return true;
    beside(out, real, LAST_SUFFIX);
    if (holds(out, first)) return true;
    snprintf(out, PATH_BYTES, "%s", path);
    return path_is_folder(path); /* the writer may have finished just now */
}

FolderStamp folder_stamp(const char *path, const char *first)
{
    FolderStamp stamp = {0};
    struct stat folder, file;
    char name[PATH_BYTES];
    if (!folder_current(path, first, stamp.path) || stat(stamp.path, &folder) != 0) return stamp;
    stamp.device = folder.st_dev;
    stamp.inode = folder.st_ino;
    if (!path_join(name, stamp.path, first, NULL) || stat(name, &file) != 0) return stamp;
    stamp.file = file.st_ino;
    stamp.seconds = file.st_ctim.tv_sec;
    stamp.nanoseconds = file.st_ctim.tv_nsec;
    return stamp;
}

bool folder_stamp_same(const FolderStamp *a, const FolderStamp *b)
{
    return strcmp(a->path, b->path) == 0 && a->device == b->device && a->inode == b->inode &&
           a->file == b->file && a->seconds == b->seconds && a->nanoseconds == b->nanoseconds;
}

/* FILE or its temporary file. */
static bool is_own(const char *file, const char *name)
{
    size_t length;
    long pid;
    if (strcmp(file, name) == 0) return true;
    return file_is_temporary(name, &length, &pid) && length == strlen(file) &&
           strncmp(file, name, length) == 0;
}

static bool is_own_file(const char *const *files, const char *name)
{
    for (; *files; files++)
        if (is_own(*files, name)) return true;
    return false;
}

/* A folder in which some of the own files lie. */
static bool is_own_folder(const char *const *files, const char *name)
{
    size_t length = strlen(name);
    for (; *files; files++)
        if (strncmp(*files, name, length) == 0 && (*files)[length] == '/') return true;
    return false;
}

/* Moves what is not ours to the folder `to`, under a name with a number where its own is taken. */
static bool move_foreign(const char *from, const char *to, const char *name, Err *err)
{
    enum { MOST_NAMES = 1000 };
    char source[PATH_BYTES], target[PATH_BYTES], numbered[PATH_BYTES];
    struct stat st;
    if (!path_join(source, from, name, err) || !path_join(target, to, name, err)) return false;
    for (int i = 1; lstat(target, &st) == 0 && i < MOST_NAMES; i++) {
        snprintf(numbered, sizeof numbered, "%.1000s.%d", name, i);
        if (!path_join(target, to, numbered, err)) return false;
    }
    return rename(source, target) == 0 || err_set_errno(err, "%s: cannot move to %s", source, to);
}

/* Empties and removes the folder `from`: own files are deleted, others move to `to`. `prefix` is the
 * path of `from` within the whole folder, "" or "unet/". */
static bool retire(const char *from, const char *to, const char *prefix, const char *const *files,
                   Err *err)
{
    Names names;
    if (!folder_list(from, &names, err)) return false;
    bool ok = true;
    for (size_t i = 0; i < names.count && ok; i++) {
        char path[PATH_BYTES], within[PATH_BYTES], inner[PATH_BYTES];
        const char *name = names.names[i];
        ok = path_join(path, from, name, err) && path_join(within, prefix, name, err);
        if (!ok) break;
        if (is_own_folder(files, within) && is_folder_itself(path)) {
            ok = path_join(inner, to, name, err) &&
                 retire(path, is_folder_itself(inner) ? inner : to, within, files, err);
        } else if (is_own_file(files, within) && !is_folder_itself(path)) {
            ok = unlink(path) == 0 || err_set_errno(err, "%s: cannot remove", path);
        } else {
            ok = move_foreign(from, to, name, err);
        }
    }
    names_free(&names);
    return ok && (rmdir(from) == 0 || err_set_errno(err, "%s: cannot remove the folder", from));
}

static bool retire_if_there(const char *from, const char *to, const char *const *files, Err *err)
{
    return !is_folder_itself(from) || retire(from, to, "", files, err);
}

static bool move(const char *from, const char *to, Err *err)
{
    return rename(from, to) == 0 || err_set_errno(err, "%s: cannot rename to %s", from, to);
}

/* Finishes what a killed writer began: a missing folder is the finished one beside it. */
static bool recover(const FolderSwap *swap, Err *err)
{
    struct stat st;
    if (lstat(swap->path, &st) != 0) {
        const char *from = holds(swap->next, swap->files[0])   ? swap->next
                           : holds(swap->last, swap->files[0]) ? swap->last
                                                               : NULL;
        if (from && (!move(from, swap->path, err) || !parent_sync(swap->path, err))) return false;
    }
    return retire_if_there(swap->next, swap->path, swap->files, err) &&
           retire_if_there(swap->last, swap->path, swap->files, err);
}

static bool find_places(FolderSwap *swap, const char *path, const char *const *files, Err *err)
{
    swap->files = files;
    if (!real_place(path, swap->path, err)) return false;
    beside(swap->next, swap->path, NEXT_SUFFIX);
    beside(swap->last, swap->path, LAST_SUFFIX);
    return true;
}

bool folder_swap_recover(const char *path, const char *const *files, Err *err)
{
    FolderSwap swap;
    return find_places(&swap, path, files, err) && recover(&swap, err);
}

bool folder_swap_open(FolderSwap *swap, const char *path, const char *const *files, Err *err)
{
    if (!find_places(swap, path, files, err)) return false;
    if (path_exists(swap->path) && !path_is_folder(swap->path))
        return err_set(err, ERR_IO, "%s: exists and is not a folder", path);
    if (path_exists(swap->path) && access(swap->path, W_OK) != 0)
        return err_set_errno(err, "%s: cannot write into the folder", path);
    return recover(swap, err) && folder_make(swap->next, err);
}

/* In one step where the system can, else by two renames, between which folder_current finds the new
 * folder. *behind: where the old one is now. */
static bool exchange(const FolderSwap *swap, const char **behind, Err *err)
{
#if defined(RENAME_EXCHANGE)
    *behind = swap->next;
    if (renameat2(AT_FDCWD, swap->next, AT_FDCWD, swap->path, RENAME_EXCHANGE) == 0) return true;
#elif defined(RENAME_SWAP) /* macOS */
    *behind = swap->next;
    if (renamex_np(swap->next, swap->path, RENAME_SWAP) == 0) return true;
#endif
    *behind = swap->last;
    if (!move(swap->path, swap->last, err)) return false;
    if (move(swap->next, swap->path, err)) return true;
    (void)move(swap->last, swap->path, NULL);
    return false;
}

bool folder_swap_commit(FolderSwap *swap, Err *err)
{
    const char *behind = NULL;
    struct stat before;
    if (stat(swap->path, &before) == 0) (void)chmod(swap->next, before.st_mode & 07777);
    Err reason = {0};
    bool ok = folder_sync(swap->next, &reason) &&
              (is_folder_itself(swap->path) ? exchange(swap, &behind, &reason)
                                            : move(swap->next, swap->path, &reason));
    if (!ok) {
        folder_swap_abort(swap);
        return err_set(err, reason.kind, "%.300s: is not saved, and what was there stays: %.600s",
                       swap->path, reason.text);
    }
    /* The old files stay until the new ones are sure to be there. */
    if (!parent_sync(swap->path, &reason))
        return err_set(err, reason.kind,
                       "%.400s: is written, but a power failure may still lose it: %.500s",
                       swap->path, reason.text);
    /* A later writer removes what cannot be removed now. */
    if (behind) (void)retire_if_there(behind, swap->path, swap->files, NULL);
    return true;
}

void folder_swap_abort(FolderSwap *swap)
{
    (void)retire_if_there(swap->next, swap->path, swap->files, NULL);
}
