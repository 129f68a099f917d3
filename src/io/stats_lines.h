/* The log of a run, stats.jsonl: one JSON object a line, read from the first line to the last. */
#ifndef DIFFC_STATS_LINES_H
#define DIFFC_STATS_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "io/json_scan.h"

/* A member of a line's object. The token of an array or object is its first bracket's, and its text the whole
 * value; texts point into the line. */
typedef struct {
    ScanToken key, value;
} StatsMember;

enum { STATS_MOST_MEMBERS = 64 };

/* A line: its members in their order; those beyond STATS_MOST_MEMBERS are left out. */
typedef struct {
    StatsMember member[STATS_MOST_MEMBERS];
    int count;
} StatsObject;

typedef struct {
    int fd;
    const char *path;
    char *buffer;
    size_t start, end; /* the bytes that are read and not yet given */
    bool ended, skips; /* no more bytes; within a line that is too long */
    uint64_t bad;      /* lines that are no JSON object, or longer than 1 MiB */
    bool cut;          /* the last line has no newline and is no object: its writer was killed */
} StatsLines;

/* `path` must stay. A file that is written meanwhile is read as far as it goes. Another kind of file than a
 * regular one is refused. */
bool stats_lines_open(StatsLines *l, const char *path, Err *err);
/* The next line that is an object, which stays until the call after; others are counted. */
bool stats_lines_next(StatsLines *l, StatsObject *out, bool *found, Err *err);
void stats_lines_close(StatsLines *l);

/* NULL: the object has no such member. */
const StatsMember *stats_member(const StatsObject *o, const char *key);
/* Whether a key or a string is this text, which has nothing to escape. */
bool stats_token_is(const ScanToken *t, const char *text);
/* Whether "event" is this one. */
bool stats_is(const StatsObject *o, const char *event);
/* NAN for what is no number, not finite, or absent (NULL). */
double stats_number(const StatsMember *m);
/* A string without its escapes, cut to size; "" for what is none. */
void stats_text(const ScanToken *string, char *out, size_t size);

/* The elements of an array, one after the other: the members of an object, else one member with the key
 * "value". false: `m` is no array. */
bool stats_elements(const StatsMember *m, JsonScan *out);
bool stats_element_next(JsonScan *elements, StatsObject *out);

#endif
