#include "cli/info_csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/term.h"
#include "base/text_buffer.h"
#include "cli/cli.h"
#include "cli/report_run.h"

enum { MOST_COLUMNS = 1024, BATCH_BYTES = 1 << 16 };
enum { EVENT, STEP, OWN_COLUMNS };

typedef struct {
    char *name[MOST_COLUMNS]; /* as the log has it, escapes too */
    int columns;
    const StatsMember *cell[MOST_COLUMNS]; /* of the line that is made */
    TextBuffer out;
    bool writes; /* the second time through the log */
} Table;

/* -1: there is no room for another. */
static int column_of(Table *t, const ScanToken *key)
{
    for (int c = 0; c < t->columns; c++)
        if (stats_token_is(key, t->name[c])) return c;
    if (t->columns == MOST_COLUMNS) return -1;
    char *name = strndup(key->text, key->length);
    if (!name) return -1;
    t->name[t->columns] = name;
    return t->columns++;
}

/* ---- cells ---- */

static void put_text(TextBuffer *b, const char *text)
{
    text_buffer_add(b, text, strlen(text));
}

/* What was added from `from` on is one cell: it gets quotes where it needs them. */
static void quote_cell(TextBuffer *b, size_t from)
{
    if (b->failed || b->size == from || !strpbrk(b->text + from, ",\"\r\n")) return;
    char *copy = strdup(b->text + from);
    b->failed = !copy;
    b->size = from;
    put_text(b, "\"");
    for (const char *p = copy; p && *p; p++)
        text_buffer_add(b, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
    put_text(b, "\"");
    free(copy);
}

static void put_string(TextBuffer *b, const ScanToken *t)
{
    char *end = text_buffer_room(b, t->length);
    if (end) b->size += json_scan_decode(t, end);
}

static void put_cell(TextBuffer *b, const StatsMember *m)
{
    size_t from = b->size;
    const ScanToken *t = &m->value;
    if (t->kind == SCAN_NULL) return;
    if (t->kind == SCAN_STRING)
        put_string(b, t);
    else
        text_buffer_add(b, t->text, t->length);
    quote_cell(b, from);
}

static void put_name(TextBuffer *b, const char *name)
{
    size_t from = b->size;
    ScanToken t = {SCAN_KEY, name, strlen(name)};
    put_string(b, &t);
    quote_cell(b, from);
}

/* ---- lines ---- */

static void flush(Table *t)
{
    if (t->out.failed || t->out.size == 0) return;
    t->out.text[t->out.size - 1] = '\0'; /* the newline that output_line adds */
    output_line("%s", t->out.text);
    t->out.size = 0;
}

static bool is_list(const StatsMember *m)
{
    return m->value.kind == SCAN_BEGIN_ARRAY;
}

/* Puts the members into their columns, over what they hold. */
static bool place_members(Table *t, const StatsObject *o)
{
    for (int i = 0; i < o->count; i++) {
        if (is_list(&o->member[i])) continue;
        int c = column_of(t, &o->member[i].key);
        if (c < 0) return false;
        t->cell[c] = &o->member[i];
    }
    return true;
}

/* The line of the cells, with `list` behind the event. */
static void put_line(Table *t, const ScanToken *list)
{
    if (!t->writes) return;
    for (int c = 0; c < t->columns; c++) {
        size_t from = t->out.size;
        if (c > 0) put_text(&t->out, ",");
        if (c == EVENT && list) {
            if (t->cell[c]) put_string(&t->out, &t->cell[c]->value);
            put_text(&t->out, ".");
            put_string(&t->out, list);
            quote_cell(&t->out, from);
        } else if (t->cell[c]) {
            put_cell(&t->out, t->cell[c]);
        }
    }
    put_text(&t->out, "\n");
    if (t->out.size > BATCH_BYTES) flush(t);
}

static bool put_list(Table *t, const StatsObject *line, const StatsMember *list)
{
    static const ScanToken place_key = {SCAN_KEY, "place", sizeof "place" - 1};
    JsonScan elements;
    StatsObject element;
    char number[32];
    if (!stats_elements(list, &elements)) return true;
    int column = column_of(t, &place_key);
    for (size_t place = 0; column >= 0 && stats_element_next(&elements, &element); place++) {
        int length = snprintf(number, sizeof number, "%zu", place);
        StatsMember here = {place_key, {SCAN_NUMBER, number, (size_t)length}};
        memset(t->cell, 0, sizeof t->cell);
        if (!place_members(t, &element)) return false;
        t->cell[column] = &here;
        t->cell[EVENT] = stats_member(line, "event");
        t->cell[STEP] = stats_member(line, "step");
        put_line(t, &list->key);
    }
    return column >= 0;
}

static bool put_object(Table *t, const StatsObject *line)
{
    memset(t->cell, 0, sizeof t->cell);
    bool ok = place_members(t, line);
    put_line(t, NULL);
    for (int i = 0; i < line->count && ok; i++)
        if (is_list(&line->member[i])) ok = put_list(t, line, &line->member[i]);
    return ok && !t->out.failed;
}

/* Once through the log: to find its columns, or to write. */
static bool read_log(Table *t, const char *log, uint64_t *bad, Err *err)
{
    StatsLines lines;
    StatsObject line;
    bool found = true, ok = true;
    if (!stats_lines_open(&lines, log, err)) return false;
    while (ok && found) {
        ok = stats_lines_next(&lines, &line, &found, err);
        if (!ok || !found || put_object(t, &line)) continue;
        ok = t->columns == MOST_COLUMNS
                 ? err_set(err, ERR_LIMIT, "%s: has more than %d different keys", log, MOST_COLUMNS)
                 : err_set(err, ERR_MEMORY, "%s: not enough memory for its table", log);
    }
    *bad = lines.bad;
    stats_lines_close(&lines);
    return ok;
}

static void put_head(Table *t)
{
    t->writes = true;
    for (int c = 0; c < t->columns; c++) {
        if (c > 0) put_text(&t->out, ",");
        put_name(&t->out, t->name[c]);
    }
    put_text(&t->out, "\n");
}

bool info_csv(const char *run, Err *err)
{
    static const ScanToken own[OWN_COLUMNS] = {{SCAN_KEY, "event", 5}, {SCAN_KEY, "step", 4}};
    char log[PATH_BYTES];
    uint64_t bad = 0;
    if (!report_run_find(run, log, err)) return false;
    Table *t = mem_alloc(1, sizeof *t);
    bool ok = t && column_of(t, &own[EVENT]) == EVENT && column_of(t, &own[STEP]) == STEP;
    if (!ok) err_set(err, ERR_MEMORY, "%s: not enough memory for its table", log);
    ok = ok && read_log(t, log, &bad, err);
    if (ok) put_head(t);
    ok = ok && read_log(t, log, &bad, err);
    if (ok) flush(t);
    if (ok && bad > 0)
        term_note("note: %llu line%s of %s cannot be read and %s left out", (unsigned long long)bad,
                  bad == 1 ? "" : "s", log, bad == 1 ? "is" : "are");
    for (int c = 0; t && c < t->columns; c++) free(t->name[c]);
    if (t) text_buffer_free(&t->out);
    mem_free(t);
    return ok;
}
