/* Files: read whole with a limit, written beside the target, synced and renamed. */
#ifndef DIFFC_FSIO_H
#define DIFFC_FSIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "base/err.h"

enum { PATH_BYTES = 4096 };

typedef struct {
    unsigned char *bytes; /* size bytes and one zero byte after them */
    size_t size;
} FileBytes;

/* Reads a regular file of at most `limit` bytes (folders, FIFOs and devices are refused).
 * On success file_free releases it. */
bool file_read(const char *path, size_t limit, FileBytes *out, Err *err);
void file_free(FileBytes *file);

/* Writes a file so that `path` is either the old file or the complete new one: a temporary name
 * in the same folder, all bytes, fsync, rename, fsync of the folder. A failure before the rename
 * removes the temporary file and leaves `path` untouched. Only the folder's fsync comes after the
 * rename: when it fails, `path` is the complete new file, and the error says that it is written but
 * may be lost in a power failure. A failed fsync is never retried on the same file.
 *
 * A symbolic link is replaced by the file, never written through; output_place follows those that a
 * person names. What is no regular file (a device, a pipe, an open file such as /dev/stdout) is
 * written in place. */
bool file_write(const char *path, const void *bytes, size_t size, Err *err);

/* The same in pieces: open, append any number of times, commit. file_writer_abort (or a failure of
 * append, or of commit before the rename) removes the temporary file. */
typedef struct {
    int fd;
    char path[PATH_BYTES];
    char temporary[PATH_BYTES]; /* "": path is written in place */
} FileWriter;
bool file_writer_open(FileWriter *w, const char *path, Err *err);
bool file_writer_append(FileWriter *w, const void *bytes, size_t size, Err *err);
bool file_writer_commit(FileWriter *w, Err *err);
void file_writer_abort(FileWriter *w);

/* Where an output that a person calls `path` is written: symbolic links are followed, also one whose
 * target is not there yet. The links of /proc to open files (/dev/stdout) stay. */
bool output_place(const char *path, char place[PATH_BYTES], Err *err);
/* file_writer_open at that place. */
bool output_open(FileWriter *w, const char *path, Err *err);
/* Whether a file can be written there, found out without leaving a trace: nothing is sent to a device
 * or a pipe. */
bool output_check(const char *path, Err *err);
/* Whether what is there is a device, a pipe or an open file, which is written in place. */
bool output_is_special(const char *path);
/* Whether writing there replaces a regular file. */
bool output_replaces(const char *path);
/* Whether writing to `path` replaces what is, or is written, at `other`: one name in one folder, once links are
 * followed. Devices, pipes and open files are never the same. */
bool output_is_same(const char *path, const char *other);

/* Whether a file's name is TARGET.PID.tmp, as a FileWriter calls its temporary file: the length of
 * TARGET and the number of the process. */
bool file_is_temporary(const char *name, size_t *target, long *pid);
/* Removes from a folder the temporary files that dead processes left, of the targets that `ours`
 * accepts by name. What cannot be removed stays. output_check does it for the output's own. */
void leftovers_remove(const char *folder, bool (*ours)(const void *context, const char *target),
                      const void *context);

/* Appends one whole line (the newline is added) with a single write; never through a link. */
bool file_append_line(const char *path, const char *line, Err *err);

/* Makes a folder and its parents; an existing folder is fine. */
bool folder_make(const char *path, Err *err);
/* Whether files can be created in a folder that is there, found out without leaving a trace. */
bool folder_check(const char *path, Err *err);
bool path_is_folder(const char *path);
bool path_exists(const char *path);

/* out (PATH_BYTES) = folder/name; false with an error when it does not fit. */
bool path_join(char *out, const char *folder, const char *name, Err *err);

/* out = PATH + suffix; where the file system allows no name as long, a hash stands for it. */
bool path_beside(char out[PATH_BYTES], const char *path, const char *suffix, Err *err);
/* FNV-1a of bytes, going on from `hash`; BYTES_HASH_START begins. */
#define BYTES_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t bytes_hash(uint64_t hash, const void *bytes, size_t size);

/* out: the folder that holds `path`. */
void path_parent(char out[PATH_BYTES], const char *path);
/* One step along a symbolic link: path becomes what it points to. False when it is no link. */
bool path_follow_link(char path[PATH_BYTES]);

/* fsync; on macOS down to the disk itself, where the file system can do that. */
int file_sync(int fd);
/* When the file's contents were last changed. */
struct timespec file_time(const struct stat *st);

/* Makes a folder's list of names durable, those of its parent with parent_sync. A file system that
 * cannot sync folders is no error. The sentence names the folder. */
bool folder_sync(const char *path, Err *err);
bool parent_sync(const char *path, Err *err);

/* Names in a folder sorted by bytes, without "." and "..". Free with names_free. */
typedef struct {
    char **names;
    size_t count, room;
} Names;
bool folder_list(const char *path, Names *out, Err *err);
void names_free(Names *names);
/* Appends a copy of a name to a list, which may be zeroed; false without memory. */
bool names_add(Names *names, const char *name);
void names_sort(Names *names); /* by bytes */

#endif
