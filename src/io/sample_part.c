#include "io/sample_part.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

enum { LINE_LIMIT = 1 << 16, MARK_BYTES = sizeof(uint64_t) };
#define ENDING ".part"
#define PREFIX "sample-"

bool sample_part_name(char out[PATH_BYTES], const char *folder, const char *npz, uint64_t seed,
                      Err *err)
{
    char name[48], place[PATH_BYTES];
    snprintf(name, sizeof name, PREFIX "%" PRIu64 ENDING, seed);
    if (folder) return path_join(out, folder, name, err);
    return output_place(npz, place, err) && path_beside(out, place, ENDING, err);
}

static bool write_at(const SamplePart *part, const void *bytes, size_t size, size_t at, Err *err)
{
    const unsigned char *p = bytes;
    while (size > 0) {
        ssize_t put = pwrite(part->fd, p, size, (off_t)at);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return err_set_errno(err, "%s: cannot write", part->path);
        p += put;
        at += (size_t)put;
        size -= (size_t)put;
    }
    return true;
}

/* ---- the record ---- */

/* *record: the line of JSON; NULL: there is no whole one. Free with json_free. False when memory is
 * short. */
static bool read_record(SamplePart *part, Json **record, Err *err)
{
    char *text = mem_alloc(LINE_LIMIT, 1), *end = NULL;
    Err reason = {0};
    *record = NULL;
    if (!text) return err_set(err, ERR_MEMORY, "%s: not enough memory to read it", part->path);
    ssize_t got = pread(part->fd, text, LINE_LIMIT, 0);
    if (got > 0) end = memchr(text, '\n', (size_t)got);
    if (end) *record = json_parse(text, (size_t)(end - text), part->path, false, &reason);
    if (*record && json_type(*record) != JSON_OBJECT) {
        json_free(*record);
        *record = NULL;
    }
    if (*record) part->start = (size_t)(end - text) + 1;
    mem_free(text);
    return reason.kind != ERR_MEMORY || err_set(err, reason.kind, "%s", reason.text);
}

/* Whether the file begins like one of ours, also one whose writer was killed at its first bytes, or
 * whose first bytes a power cut has turned to zeros. */
static bool is_own(const SamplePart *part)
{
    static const char begins[] = "{\"" SAMPLE_PART_KEY "\":", zeros[sizeof begins];
    char found[sizeof begins - 1];
    ssize_t got = pread(part->fd, found, sizeof found, 0);
    return got >= 0 &&
           (memcmp(found, begins, (size_t)got) == 0 || memcmp(found, zeros, (size_t)got) == 0);
}

static const char *text_of(const Json *value)
{
    return value && json_type(value) == JSON_STRING ? json_string(value) : "absent";
}

static bool same_settings(const SamplePart *part, const Json *record, const char *settings,
                          Err *err)
{
    Json *now = json_parse(settings, strlen(settings), part->path, false, err);
    if (!now) return false;
    bool ok = true;
    for (const Json *v = json_first(now); v && ok; v = json_next(v)) {
        const char *was = text_of(json_get(record, json_key(v))), *is = text_of(v);
        if (strcmp(was, is) != 0)
            ok = err_set(
                err, ERR_USAGE,
                "%s: cannot be continued: %s was %.300s when it was begun, but is %.300s now",
                part->path, json_key(v), was, is);
    }
    json_free(now);
    return ok;
}

/* ---- the file ---- */

/* Images of another seed in the same folder are named, for that is the likely slip. */
static bool nothing_to_continue(const char *path, Err *err)
{
    char folder[PATH_BYTES];
    const char *name = strrchr(path, '/'), *other = NULL;
    Names names = {0};
    name = name ? name + 1 : path;
    path_parent(folder, path);
    bool in_folder = strncmp(name, PREFIX, sizeof PREFIX - 1) == 0;
    if (in_folder && folder_list(folder, &names, NULL))
        for (size_t i = 0; i < names.count && !other; i++) {
            if (strncmp(names.names[i], PREFIX, sizeof PREFIX - 1) == 0 &&
                text_ends(names.names[i], ENDING))
                other = names.names[i];
        }
    if (other)
        err_set(err, ERR_USAGE,
                "%.300s: cannot be continued: what was interrupted there has another seed (it is "
                "%.100s, not %.100s)",
                folder, other, name);
    else
        err_set(err, ERR_USAGE,
                "%s: is not there, so there is nothing to continue; leave --continue out to begin",
                path);
    names_free(&names);
    return false;
}

static bool open_file(SamplePart *part, bool go_on, Err *err)
{
    struct stat st;
    part->fd = open(part->path,
                    O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (go_on ? 0 : O_CREAT), 0666);
    if (part->fd < 0 && go_on && errno == ENOENT) return nothing_to_continue(part->path, err);
    if (part->fd < 0) return err_set_errno(err, "%s: cannot open", part->path);
    if (fstat(part->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(err, ERR_IO, "%s: is not a regular file", part->path);
    if (flock(part->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return true;
    return err_set(err, ERR_IO, "%s: another process is making these images", part->path);
}

static bool begin(SamplePart *part, const char *settings, Err *err)
{
    size_t length = strlen(settings);
    part->start = length + 1;
    if (ftruncate(part->fd, 0) != 0) return err_set_errno(err, "%s: cannot empty", part->path);
    if (write_at(part, settings, length, 0, err) && write_at(part, "\n", 1, length, err))
        return true;
    unlink(part->path);
    return false;
}

bool sample_part_open(SamplePart *part, const char *path, const char *settings, size_t image_bytes,
                      bool keeps_images, bool go_on, Err *err)
{
    *part = (SamplePart){.fd = -1, .image_bytes = image_bytes};
    part->kept_bytes = keeps_images ? image_bytes : 0;
    snprintf(part->path, sizeof part->path, "%s", path);
    part->slot = mem_alloc(part->kept_bytes + MARK_BYTES, 1);
    bool ok = part->slot ? open_file(part, go_on, err)
                         : err_set(err, ERR_MEMORY, "%s: not enough memory to write it", path);
    Json *record = NULL;
    ok = ok && read_record(part, &record, err);
    if (ok && go_on)
        ok = record
                 ? same_settings(part, record, settings, err)
                 : err_set(err, ERR_FORMAT,
                           "%s: is damaged at its beginning; start again without --continue", path);
    if (ok && !go_on && !is_own(part))
        ok = err_set(err, ERR_IO, "%s: is in the way, and diffc did not write it; move it away",
                     path);
    if (ok && !go_on) {
        part->begun_anew = record != NULL;
        ok = begin(part, settings, err);
    }
    json_free(record);
    if (!ok) sample_part_close(part, false);
    return ok;
}

static size_t slot_at(const SamplePart *part, int index)
{
    return part->start + (size_t)index * (part->kept_bytes + MARK_BYTES);
}

/* Never 0, which stands for an image that is not finished. */
static uint64_t mark_of(const SamplePart *part, const unsigned char *pixels)
{
    return bytes_hash(BYTES_HASH_START, pixels, part->image_bytes) | 1;
}

bool sample_part_has(SamplePart *part, int index, unsigned char *pixels)
{
    uint64_t mark;
    size_t size = part->kept_bytes + MARK_BYTES;
    if (pread(part->fd, part->slot, size, (off_t)slot_at(part, index)) != (ssize_t)size)
        return false;
    memcpy(pixels, part->slot, part->kept_bytes);
    memcpy(&mark, part->slot + part->kept_bytes, MARK_BYTES);
    return mark == mark_of(part, pixels);
}

bool sample_part_put(SamplePart *part, int index, const unsigned char *pixels, Err *err)
{
    uint64_t mark = mark_of(part, pixels);
    memcpy(part->slot, pixels, part->kept_bytes);
    memcpy(part->slot + part->kept_bytes, &mark, MARK_BYTES);
    return write_at(part, part->slot, part->kept_bytes + MARK_BYTES, slot_at(part, index), err);
}

void sample_part_close(SamplePart *part, bool drop)
{
    if (part->fd >= 0) {
        if (drop) unlink(part->path);
        close(part->fd);
    }
    mem_free(part->slot);
    part->slot = NULL;
    part->fd = -1;
}
