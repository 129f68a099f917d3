/* JSON. src/io/json.c is the one file that sees cJSON. Reading is strict: the text is scanned first
 * (UTF-8, control characters, number syntax, depth, nothing after the value) and duplicate keys are
 * refused anywhere. Writing gives numbers that read back to the same bits. */
#ifndef DIFFC_JSON_H
#define DIFFC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct cJSON Json; /* opaque outside json.c */

/* Parses one JSON value. `name` starts every message ("config.json: line 3, column 7: ..."). lenient
 * accepts NaN, Infinity and -Infinity (diffusers writes -Infinity into scheduler files). Depth at
 * most 64. ERR_FORMAT. json_free releases the root. */
Json *json_parse(const char *text, size_t size, const char *name, bool lenient, Err *err);
/* The same from a file (file_read); another kind of file is refused by its name (file_kind.h). */
Json *json_load(const char *path, size_t limit, bool lenient, Err *err);
void json_free(Json *root);

typedef enum { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } JsonType;
JsonType json_type(const Json *v);
const char *json_type_name(const Json *v);                 /* "a string", "an object", ... */
const Json *json_get(const Json *object, const char *key); /* case-sensitive; NULL when absent */
const char *json_key(const Json *member);
const Json *json_first(const Json *container); /* iterate an array or object */
const Json *json_next(const Json *v);
size_t json_count(const Json *container);
double json_number(const Json *v); /* CHECKs the type */
bool json_bool(const Json *v);
const char *json_string(const Json *v);
/* A value as a message shows it: 5000, "32" (a string), an array. */
void json_show(const Json *v, char *out, size_t size);

/* A growing text. On failure of memory, or misuse, `failed` is set and json_text returns NULL. */
typedef struct {
    char *text;
    size_t size, room;
    int depth;
    char open[16];  /* what is open at each depth: '{', '[', or 'r' for an array on one line */
    bool comma[16]; /* whether a comma is due at each depth */
    int indent;     /* spaces per level; 0: one line */
    bool failed;
} JsonWriter;
void json_write_init(JsonWriter *w, int indent);
void json_write_free(JsonWriter *w);
/* key is NULL inside arrays and for the root. */
void json_begin_object(JsonWriter *w, const char *key);
void json_end_object(JsonWriter *w);
void json_begin_array(JsonWriter *w, const char *key); /* one element a line when indented */
void json_begin_row(JsonWriter *w, const char *key);   /* an array that stays on one line */
void json_end_array(JsonWriter *w);
void json_put_string(JsonWriter *w, const char *key, const char *value); /* NULL: null */
void json_put_number(JsonWriter *w, const char *key, double value); /* shortest that reads back;
                                                                       non-finite: null */
void json_put_float(JsonWriter *w, const char *key, double value);  /* the same, as Python shows a
                                                                       float: "1.0", not "1" */
void json_put_int(JsonWriter *w, const char *key, int64_t value);
void json_put_uint(JsonWriter *w, const char *key, uint64_t value);
void json_put_bool(JsonWriter *w, const char *key, bool value);
void json_put_null(JsonWriter *w, const char *key);
void json_put_raw(JsonWriter *w, const char *key, const char *json); /* what is JSON already */
/* The finished text (owned by the writer), or NULL. */
const char *json_text(JsonWriter *w);

/* Two finished texts: whether they differ, and both as a message shows them (json_cut), "absent" where
 * nothing was written. Frees the writers. ERR_MEMORY. */
typedef struct {
    bool found;
    char a[200], b[200];
} JsonDifference;
bool json_differ(JsonWriter *a, JsonWriter *b, JsonDifference *out, Err *err);
/* `text` cut to fit, with dots at the end where something is left out. */
void json_cut(char *out, size_t size, const char *text, size_t length);

/* The number of a file's format (absent: 1, which came before there were numbers) must be `reads`:
 * ERR_FORMAT names another release's file by its number, so that it is never misread. */
bool json_check_format(const Json *format, int reads, const char *name, Err *err);

#endif
