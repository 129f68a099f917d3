/* Reads the lines of a text file from the last to the first. Only the lines that are asked for are
 * read, so the file may be of any size. */
#ifndef DIFFC_LAST_LINES_H
#define DIFFC_LAST_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

enum { LINE_MOST_BYTES = 1 << 20 };

typedef struct {
    int fd;
    const char *path;
    char *buffer; /* bytes base .. start + what is behind it */
    size_t room;
    off_t base; /* of the buffer's first byte */
    /* The line that was read last, without its newline; not zero-terminated. */
    off_t start, end; /* its bytes in the file, newline included */
    const char *text;
    size_t length;
    bool whole; /* it ends with a newline */
} LastLines;

/* A file that is written meanwhile is read as it is now. Links are not followed. `path` must stay. */
bool last_lines_open(LastLines *l, const char *path, Err *err);
/* The line before. *found is false at the beginning of the file, and where the line has more than
 * LINE_MOST_BYTES. */
bool last_lines_next(LastLines *l, bool *found, Err *err);
void last_lines_close(LastLines *l);

#endif
