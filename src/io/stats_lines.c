#include "io/stats_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { BUFFER_BYTES = 1 << 20 };

bool stats_lines_open(StatsLines *l, const char *path, Err *err)
{
    struct stat st;
    *l = (StatsLines){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), .path = path};
    if (l->fd < 0) return err_set_errno(err, "%s: cannot open", path);
    bool ok = fstat(l->fd, &st) == 0 || err_set_errno(err, "%s: cannot read its size", path);
    if (ok && !S_ISREG(st.st_mode))
        ok = err_set(err, ERR_IO, "%s: is %s, expected a regular file", path,
                     S_ISDIR(st.st_mode) ? "a folder" : "a pipe, a socket or a device");
    if (ok) l->buffer = mem_alloc(BUFFER_BYTES + 1, 1);
    if (ok && !l->buffer) ok = err_set(err, ERR_MEMORY, "%s: not enough memory to read it", path);
    if (!ok) stats_lines_close(l);
    return ok;
}

void stats_lines_close(StatsLines *l)
{
    if (l->fd >= 0) close(l->fd);
    mem_free(l->buffer);
    l->fd = -1;
    l->buffer = NULL;
}

/* Moves what is left to the buffer's start and reads behind it, up to a full buffer. */
static bool read_more(StatsLines *l, Err *err)
{
    memmove(l->buffer, l->buffer + l->start, l->end - l->start);
    l->end -= l->start;
    l->start = 0;
    ssize_t got;
    do {
        got = read(l->fd, l->buffer + l->end, BUFFER_BYTES - l->end);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return err_set_errno(err, "%s: cannot read", l->path);
    l->end += (size_t)got;
    l->buffer[l->end] = '\0';
    l->ended = got == 0;
    return true;
}

typedef struct {
    const char *text;
    size_t length;
    bool whole; /* it ends with a newline */
} TextLine;

/* The next line, whatever it is; what is too long is left out and counted. */
static bool next_text(StatsLines *l, TextLine *out, bool *found, Err *err)
{
    size_t seen = 0;
    *found = false;
    for (;;) {
        char *from = l->buffer + l->start;
        size_t left = l->end - l->start;
        char *end = memchr(from + seen, '\n', left - seen);
        if (end || (l->ended && left > 0)) {
            *out = (TextLine){from, end ? (size_t)(end - from) : left, end != NULL};
            l->start += out->length + out->whole;
            seen = 0;
            *found = !l->skips;
            l->bad += l->skips;
            l->skips = false;
            if (*found) return true;
            continue;
        }
        if (l->ended) {
            l->bad += l->skips;
            l->skips = false;
            return true;
        }
        seen = left;
        if (left == BUFFER_BYTES) {
            l->skips = true;
            l->start = l->end;
            seen = 0;
        }
        if (!read_more(l, err)) return false;
    }
}

/* The value after a key or in an array, whose first token is `value`: an array or object becomes whole. */
static bool take_value(JsonScan *s, ScanToken *value)
{
    int depth = s->depth;
    size_t from = s->at - 1;
    if (value->kind != SCAN_BEGIN_OBJECT && value->kind != SCAN_BEGIN_ARRAY) return true;
    for (ScanToken t; s->depth >= depth;)
        if (!json_scan_next(s, &t, NULL)) return false;
    value->text = s->text + from;
    value->length = s->at - from;
    return true;
}

/* The members of the object whose bracket was read, up to its end. */
static bool take_members(JsonScan *s, StatsObject *out)
{
    StatsMember m;
    out->count = 0;
    for (;;) {
        if (!json_scan_next(s, &m.key, NULL)) return false;
        if (m.key.kind == SCAN_END_OBJECT) return true;
        if (!json_scan_next(s, &m.value, NULL) || !take_value(s, &m.value)) return false;
        if (out->count < STATS_MOST_MEMBERS) out->member[out->count++] = m;
    }
}

static bool take_line(const TextLine *line, StatsObject *out)
{
    JsonScan s;
    ScanToken t;
    json_scan_begin(&s, line->text, line->length, "stats.jsonl", SCAN_MAX_DEPTH, true);
    return json_scan_next(&s, &t, NULL) && t.kind == SCAN_BEGIN_OBJECT && take_members(&s, out) &&
           json_scan_next(&s, &t, NULL);
}

bool stats_lines_next(StatsLines *l, StatsObject *out, bool *found, Err *err)
{
    TextLine line = {"", 0, false};
    for (;;) {
        if (!next_text(l, &line, found, err)) return false;
        if (!*found || take_line(&line, out)) return true;
        if (line.whole)
            l->bad++;
        else
            l->cut = true;
    }
}

bool stats_token_is(const ScanToken *t, const char *text)
{
    return strlen(text) == t->length && memcmp(text, t->text, t->length) == 0;
}

const StatsMember *stats_member(const StatsObject *o, const char *key)
{
    for (int i = 0; i < o->count; i++)
        if (stats_token_is(&o->member[i].key, key)) return &o->member[i];
    return NULL;
}

bool stats_is(const StatsObject *o, const char *event)
{
    const StatsMember *m = stats_member(o, "event");
    return m && m->value.kind == SCAN_STRING && stats_token_is(&m->value, event);
}

double stats_number(const StatsMember *m)
{
    if (!m || m->value.kind != SCAN_NUMBER) return (double)NAN;
    double value = strtod(m->value.text, NULL);
    return isfinite(value) ? value : (double)NAN;
}

void stats_text(const ScanToken *string, char *out, size_t size)
{
    enum { UNICODE = 6, PAIR = 12 };
    ScanToken part = {.text = string->text};
    out[0] = '\0';
    if (string->kind != SCAN_STRING && string->kind != SCAN_KEY) return;
    while (part.length < string->length) {
        const char *p = part.text + part.length;
        size_t step = *p != '\\' ? 1 : p[1] != 'u' ? 2 : UNICODE;
        bool pair = step == UNICODE && (p[2] == 'd' || p[2] == 'D') && strchr("89abAB", p[3]);
        if (pair) step = PAIR;
        if (part.length + step >= size) break;
        part.length += step;
    }
    json_scan_decode(&part, out);
}

bool stats_elements(const StatsMember *m, JsonScan *out)
{
    ScanToken t;
    if (!m || m->value.kind != SCAN_BEGIN_ARRAY) return false;
    json_scan_begin(out, m->value.text, m->value.length, "stats.jsonl", SCAN_MAX_DEPTH, true);
    return json_scan_next(out, &t, NULL);
}

bool stats_element_next(JsonScan *elements, StatsObject *out)
{
    static const ScanToken value = {SCAN_KEY, "value", sizeof "value" - 1};
    ScanToken t;
    if (!json_scan_next(elements, &t, NULL) || t.kind == SCAN_END_ARRAY) return false;
    if (t.kind == SCAN_BEGIN_OBJECT) return take_members(elements, out);
    out->count = 1;
    out->member[0] = (StatsMember){.key = value, .value = t};
    return take_value(elements, &out->member[0].value);
}
