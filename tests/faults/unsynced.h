/* What a power cut would lose of this process' work: the bytes of files and the names in folders that
 * no fsync has made durable. The rules are those of POSIX and no kinder file system's: fsync of a file
 * keeps its bytes but not its name; a name, its removal and its renaming are durable after an fsync of
 * the folder that holds it. */
#ifndef DIFFC_TESTS_UNSYNCED_H
#define DIFFC_TESTS_UNSYNCED_H

#include <stdbool.h>

/* Called after the call has succeeded, except where stated. */
void unsynced_open(int fd, const char *path, bool created); /* opened for writing */
void unsynced_write(int fd);
void unsynced_sync(int fd); /* a file or a folder */
void unsynced_mkdir(const char *path);
void unsynced_rename(const char *from, const char *to, bool exchanged);
/* Before a call that removes or replaces `path`: keeps what it names, for the name may come back. */
void unsynced_before_removal(const char *path);
void unsynced_unlink(const char *path);
void unsynced_rmdir(const char *path);

/* Takes back what was written to one file since it was opened: a failed fsync or close may have lost it
 * (some file systems write as late as that). */
void unsynced_lose_file(int fd);

/* The power cut. Bytes are lost in one of three ways, by `variant` % 3: the file ends where it was
 * durable, or up to 512 bytes later, or has zeros where the lost bytes were. Where `variant` is odd
 * some folders, drawn from it, keep their names. */
void unsynced_lose(bool bytes, bool names, long variant);

#endif
