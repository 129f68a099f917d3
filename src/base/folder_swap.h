/* Replacing a folder of several files as a whole. The new one is written beside it and then takes
 * its place in one step, so that after a kill at any moment, and for a reader at any moment, the
 * path means the complete old folder or the complete new one.
 *
 *   PATH              the folder (a symbolic link to it is followed)
 *   PATH.diffc-new    the next one while it is written; after the exchange the last one, until its
 *                     files are removed
 *   PATH.diffc-old    the last one, on file systems that cannot exchange two names
 *
 * Files in PATH that are none of its own (a README of the user) move to the new folder. What a
 * killed writer left is put right by the next one. */
#ifndef DIFFC_FOLDER_SWAP_H
#define DIFFC_FOLDER_SWAP_H

#include <stdbool.h>

#include "base/err.h"
#include "base/fsio.h"

typedef struct {
    /* Own files as paths within the folder, ended by NULL. The first is written last: a folder that
     * holds it is complete. */
    const char *const *files;
    char path[PATH_BYTES], next[PATH_BYTES], last[PATH_BYTES];
} FolderSwap;

/* Puts right what a killed writer left beside `path`: a finished folder takes its place where it is
 * missing, an unfinished one is removed. */
bool folder_swap_recover(const char *path, const char *const *files, Err *err);
/* Makes the empty folder swap->next, where the caller then writes the files with file_write, each in
 * folders made with folder_make. */
bool folder_swap_open(FolderSwap *swap, const char *path, const char *const *files, Err *err);
/* Puts it in place. On failure `path` is the old folder, unless the error says that the new one is
 * written but may be lost in a power failure. */
bool folder_swap_commit(FolderSwap *swap, Err *err);
/* Removes swap->next; `path` stays as it is. */
void folder_swap_abort(FolderSwap *swap);

/* The folder that `path` means now: itself or, when a writer was killed between its two renames, the
 * finished one beside it. `first` is files[0]. False when there is none. */
bool folder_current(const char *path, const char *first, char out[PATH_BYTES]);

/* Identity of what `path` means now. It is another one after each commit, so a reader of several files
 * that finds the same before and after has read one folder. */
typedef struct {
    char path[PATH_BYTES];
    unsigned long long device, inode, file;
    long long seconds, nanoseconds;
} FolderStamp;
FolderStamp folder_stamp(const char *path, const char *first);
bool folder_stamp_same(const FolderStamp *a, const FolderStamp *b);

#endif
