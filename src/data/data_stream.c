#include "data/data_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"

struct DataStream {
    int fd;
    bool gzip, inflating, ended; /* ended: the current gzip member is complete */
    uint64_t file_bytes;
    z_stream z;
    size_t at, filled;
    unsigned char buffer[262144];
    const char *path;
};

/* Fills the buffer once it is used up; it stays empty at the end of the file. */
static bool refill(DataStream *s, Err *err)
{
    if (s->at < s->filled) return true;
    s->at = s->filled = 0;
    for (;;) {
        ssize_t got = read(s->fd, s->buffer, sizeof s->buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return err_set_errno(err, "%s: cannot read", s->path);
        s->filled = (size_t)got;
        return true;
    }
}

static bool stream_start(DataStream *s, Err *err)
{
    struct stat st;
    /* O_NONBLOCK so that opening a FIFO does not wait; it has no effect on regular files. */
    s->fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (s->fd < 0) return err_set_errno(err, "%s: cannot open", s->path);
    if (fstat(s->fd, &st) != 0) return err_set_errno(err, "%s: cannot read its size", s->path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_IO, "%s: is not a regular file, cannot be read as data", s->path);
    s->file_bytes = (uint64_t)st.st_size;
    if (!refill(s, err)) return false;
    s->gzip = s->filled >= 2 && s->buffer[0] == 0x1F && s->buffer[1] == 0x8B;
    if (!s->gzip) return true;
    s->inflating = inflateInit2(&s->z, 15 + 16) == Z_OK;
    return s->inflating || err_set(err, ERR_MEMORY, "%s: not enough memory to inflate", s->path);
}

bool data_stream_open(DataStream **stream, const char *path, Err *err)
{
    *stream = NULL;
    DataStream *s = mem_alloc(1, sizeof *s);
    if (!s) return err_set(err, ERR_MEMORY, "%s: not enough memory to read it", path);
    s->fd = -1;
    s->path = path;
    bool ok = stream_start(s, err);
    if (ok)
        *stream = s;
    else
        data_stream_close(s);
    return ok;
}

void data_stream_close(DataStream *s)
{
    if (!s) return;
    if (s->inflating) inflateEnd(&s->z);
    if (s->fd >= 0) close(s->fd);
    mem_free(s);
}

/* Inflates once: from the buffer into out, at most `size` bytes; *got 0 at the end of the last
 * member. */
static bool inflate_some(DataStream *s, unsigned char *out, size_t size, size_t *got, Err *err)
{
    *got = 0;
    while (*got == 0) {
        if (!refill(s, err)) return false;
        if (s->at == s->filled)
            return s->ended || err_set(err, ERR_FORMAT, "%s: the gzip data is cut", s->path);
        if (s->ended) {
            inflateReset(&s->z);
            s->ended = false;
        }
        uInt room = size < 1u << 30 ? (uInt)size : 1u << 30;
        s->z.next_in = s->buffer + s->at;
        s->z.avail_in = (uInt)(s->filled - s->at);
        s->z.next_out = out;
        s->z.avail_out = room;
        int status = inflate(&s->z, Z_NO_FLUSH);
        s->at = s->filled - s->z.avail_in;
        *got = room - s->z.avail_out;
        if (status == Z_STREAM_END)
            s->ended = true;
        else if (status == Z_MEM_ERROR)
            return err_set(err, ERR_MEMORY, "%s: not enough memory to inflate", s->path);
        else if (status != Z_OK)
            return err_set(err, ERR_FORMAT, "%s: damaged gzip data (%s)", s->path,
                           s->z.msg ? s->z.msg : "it needs a dictionary");
    }
    return true;
}

bool data_stream_read(DataStream *s, void *out, size_t size, size_t *got, Err *err)
{
    unsigned char *to = out;
    *got = 0;
    while (*got < size) {
        size_t some;
        if (s->gzip) {
            if (!inflate_some(s, to + *got, size - *got, &some, err)) return false;
        } else {
            if (!refill(s, err)) return false;
            some = s->filled - s->at;
            if (some > size - *got) some = size - *got;
            memcpy(to + *got, s->buffer + s->at, some);
            s->at += some;
        }
        if (some == 0) break;
        *got += some;
    }
    return true;
}

bool data_stream_length(const char *path, uint64_t *bytes, Err *err)
{
    enum { BLOCK = 65536 };
    DataStream *s;
    if (!data_stream_open(&s, path, err)) return false;
    *bytes = s->file_bytes;
    unsigned char *block = s->gzip ? mem_alloc(BLOCK, 1) : NULL;
    bool ok = true;
    if (s->gzip && !block) ok = err_set(err, ERR_MEMORY, "%s: not enough memory to inflate", path);
    if (s->gzip) *bytes = 0;
    for (size_t got = BLOCK; ok && s->gzip && got == BLOCK; *bytes += got) {
        ok = data_stream_read(s, block, BLOCK, &got, err);
        if (!ok) got = 0;
    }
    mem_free(block);
    data_stream_close(s);
    return ok;
}

uint64_t data_stream_file_bytes(const DataStream *s)
{
    return s->file_bytes;
}

bool data_stream_is_gzip(const DataStream *s)
{
    return s->gzip;
}
