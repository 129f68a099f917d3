#include "base/last_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { BLOCK = 1 << 16 };

bool last_lines_open(LastLines *l, const char *path, Err *err)
{
    struct stat st;
    /* O_NONBLOCK so that opening a FIFO does not wait. */
    *l = (LastLines){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW),
                     .path = path,
                     .room = LINE_MOST_BYTES + BLOCK};
    if (l->fd < 0) return err_set_errno(err, "%s: cannot open", path);
    bool ok = fstat(l->fd, &st) == 0;
    if (!ok) err_set_errno(err, "%s: cannot read its size", path);
    if (ok && !S_ISREG(st.st_mode))
        ok = err_set(err, ERR_IO, "%s: is not a regular file, expected lines of text", path);
    l->buffer = ok ? mem_alloc(l->room, 1) : NULL;
    if (ok && !l->buffer) ok = err_set(err, ERR_MEMORY, "%s: not enough memory to read it", path);
    if (ok)
        l->base = l->start = l->end = st.st_size;
    else
        last_lines_close(l);
    return ok;
}

void last_lines_close(LastLines *l)
{
    if (l->fd >= 0) close(l->fd);
    mem_free(l->buffer);
    l->fd = -1;
    l->buffer = NULL;
}

/* Puts the block before the buffer's bytes, of which those before `end` stay. */
static bool read_block(LastLines *l, off_t end, Err *err)
{
    size_t part = l->base < BLOCK ? (size_t)l->base : BLOCK, kept = (size_t)(end - l->base);
    memmove(l->buffer + part, l->buffer, kept);
    l->base -= (off_t)part;
    for (size_t done = 0; done < part;) {
        ssize_t got = pread(l->fd, l->buffer + done, part - done, l->base + (off_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return err_set_errno(err, "%s: cannot read", l->path);
        if (got == 0) return err_set(err, ERR_IO, "%s: was cut while it was read", l->path);
        done += (size_t)got;
    }
    return true;
}

bool last_lines_next(LastLines *l, bool *found, Err *err)
{
    off_t end = l->start, at = end;
    *found = false;
    if (end == 0) return true;
    for (;;) {
        /* A newline at the very end is the line's own. */
        while (at > l->base && (at == end || l->buffer[at - 1 - l->base] != '\n')) at--;
        if (at > l->base || l->base == 0) break;
        if (end - l->base > LINE_MOST_BYTES) return true;
        if (!read_block(l, end, err)) return false;
    }
    *found = true;
    l->start = at;
    l->end = end;
    l->text = l->buffer + (at - l->base);
    l->whole = l->buffer[end - 1 - l->base] == '\n';
    l->length = (size_t)(end - at) - l->whole;
    return true;
}
