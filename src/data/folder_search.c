#include "data/folder_search.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "data/image_gate.h"

bool folder_search_memory(const FolderSearch *s)
{
    return err_set(s->job->err, ERR_MEMORY, "%s: not enough memory for its list of files", s->root);
}

/* Where the table has this folder, or has room for it. */
static FolderId *id_place(FolderId *ids, size_t room, dev_t device, ino_t number)
{
    uint64_t hash = bytes_hash(BYTES_HASH_START, &device, sizeof device);
    for (hash = bytes_hash(hash, &number, sizeof number);; hash++) {
        FolderId *id = &ids[hash % room];
        if (!id->known || (id->device == device && id->number == number)) return id;
    }
}

static bool grow_ids(FolderSearch *s)
{
    size_t room = s->id_room ? 2 * s->id_room : 64;
    FolderId *ids = mem_alloc(room, sizeof *ids);
    if (!ids) return folder_search_memory(s);
    for (size_t i = 0; i < s->id_room; i++) {
        const FolderId *id = &s->ids[i];
        if (id->known) *id_place(ids, room, id->device, id->number) = *id;
    }
    mem_free(s->ids);
    s->ids = ids;
    s->id_room = room;
    return true;
}

/* *again: it was met before. */
static bool meet_folder(FolderSearch *s, const struct stat *st, bool *again)
{
    if (2 * s->id_count >= s->id_room && !grow_ids(s)) return false;
    FolderId *id = id_place(s->ids, s->id_room, st->st_dev, st->st_ino);
    *again = id->known;
    s->id_count += !id->known;
    *id = (FolderId){st->st_dev, st->st_ino, true};
    return true;
}

/* A sum, because file systems list their files in any order; of numbers drawn, because the sum of plain hashes of two
 * files may stay when they are exchanged. */
static bool add_file(FolderSearch *s, const char *relative, const struct stat *st)
{
    struct timespec time = file_time(st);
    const int64_t state[] = {(int64_t)st->st_size, (int64_t)time.tv_sec, (int64_t)time.tv_nsec};
    uint32_t drawn[4];
    uint64_t hash = bytes_hash(BYTES_HASH_START, relative, strlen(relative));
    rng_block(bytes_hash(hash, state, sizeof state), 0, 0, drawn);
    s->state += (uint64_t)drawn[0] << 32 | drawn[1];
    rng_block(hash, 0, 0, drawn);
    s->file_names += drawn[0];
    s->bytes += (uint64_t)st->st_size;
    return names_add(&s->files, relative) || folder_search_memory(s);
}

static bool starts_like_image(const char *path)
{
    unsigned char start[IMAGE_SIGNATURE_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    ssize_t got = read(fd, start, sizeof start);
    close(fd);
    return got > 0 && image_format(start, (size_t)got) != NULL;
}

bool folder_skips(const char *name)
{
    return name[0] == '.' || strcmp(name, "__MACOSX") == 0;
}

bool folder_is_run(const char *folder)
{
    char path[PATH_BYTES];
    return path_join(path, folder, "stats.jsonl", NULL) && path_exists(path) &&
           path_join(path, folder, "config.json", NULL) && path_exists(path);
}

/* Only links lead to a folder a second time. */
static bool add_found(FolderSearch *s, const char *relative, const char *path,
                      const struct stat *st)
{
    bool again, run = folder_is_run(path);
    if (!meet_folder(s, st, &again)) return false;
    s->runs += run && !again;
    s->repeated += again && !run;
    return again || run || names_add(&s->folders, relative) || folder_search_memory(s);
}

static bool add_link(FolderSearch *s, const char *relative)
{
    char path[PATH_BYTES];
    struct stat st;
    if (!path_join(path, s->root, relative, s->job->err)) return false;
    return stat(path, &st) != 0 || add_found(s, relative, path, &st);
}

/* One name in a folder: a folder waits, an image (by content, or by a name that promises one) is
 * listed, anything else is counted. */
static bool look_at(FolderSearch *s, const char *folder, const char *name)
{
    char relative[PATH_BYTES], path[PATH_BYTES];
    if (folder_skips(name)) return true;
    if (folder[0] == '\0') {
        if (!path_join(relative, ".", name, s->job->err)) return false;
        memmove(relative, relative + 2, strlen(relative) - 1);
    } else if (!path_join(relative, folder, name, s->job->err)) {
        return false;
    }
    if (!path_join(path, s->root, relative, s->job->err)) return false;
    struct stat st, link;
    bool there = stat(path, &st) == 0;
    if (!there) st = (struct stat){0};
    if (there && S_ISDIR(st.st_mode)) {
        bool is_link = lstat(path, &link) == 0 && S_ISLNK(link.st_mode);
        if (is_link) return names_add(&s->links, relative) || folder_search_memory(s);
        return add_found(s, relative, path, &st);
    }
    /* A pipe, a dangling link or an unreadable file with the name of an image counts as a bad
     * image. */
    if (image_named(name) || (there && S_ISREG(st.st_mode) && starts_like_image(path)))
        return add_file(s, relative, &st);
    if (s->ignored++ == 0) snprintf(s->example, sizeof s->example, "%s", name);
    return true;
}

static bool found_enough(const FolderSearch *s)
{
    return s->first_only && s->files.count > 0;
}

static bool look_in(FolderSearch *s, const char *folder)
{
    char path[PATH_BYTES];
    Names names;
    Err bad = {0};
    if (!path_join(path, s->root, folder, s->job->err)) return false;
    if (!folder_list(path, &names, &bad)) return data_bad_image(s->job, &bad);
    bool ok = data_progress(s->job, 0, 0);
    for (size_t i = 0; ok && i < names.count && !found_enough(s); i++)
        ok = look_at(s, folder, names.names[i]);
    names_free(&names);
    return ok;
}

/* Links wait until all folders are seen, so that a folder has its own name and not that of a link to it. */
bool folder_search(FolderSearch *s)
{
    struct stat root = {0};
    size_t next = 0, link = 0;
    bool again;
    (void)stat(s->root, &root); /* what cannot be looked at is not listed either */
    bool ok =
        meet_folder(s, &root, &again) && (names_add(&s->folders, "") || folder_search_memory(s));
    while (ok && !found_enough(s) && (next < s->folders.count || link < s->links.count))
        ok = next < s->folders.count ? look_in(s, s->folders.names[next++])
                                     : add_link(s, s->links.names[link++]);
    if (ok) names_sort(&s->files);
    return ok;
}

void folder_search_free(FolderSearch *s)
{
    names_free(&s->folders);
    names_free(&s->files);
    names_free(&s->links);
    mem_free(s->ids);
}

bool folder_holds_images(const char *folder, bool *holds, Err *err)
{
    Dataset unread = {0};
    const DataOptions options = {.path = folder, .config.skip_bad = true};
    DataJob job = {.options = &options, .d = &unread, .err = err};
    FolderSearch s = {.job = &job, .root = folder, .first_only = true};
    bool ok = folder_is_run(folder) || folder_search(&s);
    *holds = s.files.count > 0;
    folder_search_free(&s);
    dataset_close(&unread);
    return ok;
}
