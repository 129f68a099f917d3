#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/json.h"

enum { WRITER_DEPTH = sizeof(((JsonWriter *)0)->open) };

void json_write_init(JsonWriter *w, int indent)
{
    memset(w, 0, sizeof *w);
    w->indent = indent;
}

void json_write_free(JsonWriter *w)
{
    free(w->text);
    memset(w, 0, sizeof *w);
}

/* Not mem_alloc: a line of the log is written while the training step's memory is sealed. */
static void append(JsonWriter *w, const char *bytes, size_t size)
{
    if (w->failed) return;
    if (w->room - w->size <= size) {
        size_t room = 2 * w->room + size + 256;
        char *grown = realloc(w->text, room);
        if (!grown) {
            w->failed = true;
            return;
        }
        w->text = grown;
        w->room = room;
    }
    if (size) memcpy(w->text + w->size, bytes, size);
    w->size += size;
    w->text[w->size] = '\0';
}

static void append_text(JsonWriter *w, const char *text)
{
    append(w, text, strlen(text));
}

static void append_newline(JsonWriter *w)
{
    append(w, "\n", 1);
    for (int i = 0; i < w->depth * w->indent; i++) append(w, " ", 1);
}

/* Bytes that are not UTF-8 (file names may hold any) become U+FFFD, so the text stays JSON. */
static void append_quoted(JsonWriter *w, const char *text)
{
    static const char letters[] = "\"\\bfnrt", plain[] = "\"\\\b\f\n\r\t";
    append(w, "\"", 1);
    const unsigned char *p = (const unsigned char *)text;
    size_t left = strlen(text);
    while (left > 0) {
        const char *escaped = strchr(plain, *p);
        int length = utf8_sequence((const char *)p, left);
        char code[8];
        if (escaped) {
            code[0] = '\\';
            code[1] = letters[escaped - plain];
            append(w, code, 2);
        } else if (*p < 0x20) {
            snprintf(code, sizeof code, "\\u%04x", *p);
            append(w, code, 6);
        } else if (length == 0) {
            append(w, "\xEF\xBF\xBD", 3);
        } else {
            append(w, (const char *)p, (size_t)length);
        }
        size_t step = length ? (size_t)length : 1;
        p += step;
        left -= step;
    }
    append(w, "\"", 1);
}

/* What stands before a value: comma, new line, key. */
static void begin_value(JsonWriter *w, const char *key)
{
    char container = w->depth ? w->open[w->depth - 1] : '\0';
    bool second_root = w->depth == 0 && w->size > 0;
    if ((container == '{') != (key != NULL) || second_root) w->failed = true;
    if (w->depth) {
        if (w->comma[w->depth - 1]) append(w, ",", 1);
        if (w->indent && container != 'r')
            append_newline(w);
        else if (w->indent && w->comma[w->depth - 1])
            append(w, " ", 1);
        w->comma[w->depth - 1] = true;
    }
    if (key) {
        append_quoted(w, key);
        append_text(w, w->indent ? ": " : ":");
    }
}

static void begin_container(JsonWriter *w, const char *key, char kind)
{
    begin_value(w, key);
    if (w->depth == WRITER_DEPTH) w->failed = true;
    if (w->failed) return;
    w->open[w->depth] = kind;
    w->comma[w->depth] = false;
    w->depth++;
    append(w, kind == '{' ? "{" : "[", 1);
}

static void end_container(JsonWriter *w, bool object)
{
    if (w->depth == 0 || (w->open[w->depth - 1] == '{') != object) w->failed = true;
    if (w->failed) return;
    w->depth--;
    if (w->indent && w->comma[w->depth] && w->open[w->depth] != 'r') append_newline(w);
    append(w, object ? "}" : "]", 1);
}

void json_begin_object(JsonWriter *w, const char *key)
{
    begin_container(w, key, '{');
}

void json_end_object(JsonWriter *w)
{
    end_container(w, true);
}

void json_begin_array(JsonWriter *w, const char *key)
{
    begin_container(w, key, '[');
}

void json_begin_row(JsonWriter *w, const char *key)
{
    begin_container(w, key, 'r');
}

void json_end_array(JsonWriter *w)
{
    end_container(w, false);
}

void json_put_string(JsonWriter *w, const char *key, const char *value)
{
    begin_value(w, key);
    if (value)
        append_quoted(w, value);
    else
        append_text(w, "null");
}

void json_put_raw(JsonWriter *w, const char *key, const char *json)
{
    begin_value(w, key);
    append_text(w, json);
}

static void format_double(char out[40], double value)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, 40, "%.*g", digits, value);
        if (strtod(out, NULL) == value) return;
    }
}

void json_put_number(JsonWriter *w, const char *key, double value)
{
    char text[40] = "null";
    if (isfinite(value)) format_double(text, value);
    json_put_raw(w, key, text);
}

void json_put_float(JsonWriter *w, const char *key, double value)
{
    char text[44] = "null";
    if (isfinite(value)) {
        format_double(text, value);
        if (!strpbrk(text, ".e")) memcpy(text + strlen(text), ".0", 3);
    }
    json_put_raw(w, key, text);
}

void json_put_int(JsonWriter *w, const char *key, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    json_put_raw(w, key, text);
}

void json_put_uint(JsonWriter *w, const char *key, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    json_put_raw(w, key, text);
}

void json_put_bool(JsonWriter *w, const char *key, bool value)
{
    json_put_raw(w, key, value ? "true" : "false");
}

void json_put_null(JsonWriter *w, const char *key)
{
    json_put_raw(w, key, "null");
}

const char *json_text(JsonWriter *w)
{
    if (w->depth != 0 || w->size == 0) w->failed = true;
    return w->failed ? NULL : w->text;
}

void json_show(const Json *v, char *out, size_t size)
{
    char text[80];
    switch (json_type(v)) {
    case JSON_NUMBER:
        format_double(text, json_number(v));
        snprintf(out, size, "%s", text);
        break;
    case JSON_BOOL:
        snprintf(out, size, "%s", json_bool(v) ? "true" : "false");
        break;
    case JSON_STRING:
        text_escape(text, 64, json_string(v));
        snprintf(out, size, "\"%s\" (a string)", text);
        break;
    case JSON_ARRAY:
        snprintf(out, size, "an array of %zu", json_count(v));
        break;
    default:
        snprintf(out, size, "%s", json_type_name(v));
    }
}

void json_cut(char *out, size_t size, const char *text, size_t length)
{
    char cut[256];
    size_t most = (size < sizeof cut ? size : sizeof cut) - 1;
    bool whole = length <= most;
    snprintf(cut, sizeof cut, "%.*s%s", (int)(whole ? length : most - 3), text, whole ? "" : "...");
    text_escape(out, size, cut);
}

bool json_differ(JsonWriter *a, JsonWriter *b, JsonDifference *out, Err *err)
{
    const char *x = a->size ? json_text(a) : "absent", *y = b->size ? json_text(b) : "absent";
    bool ok = x && y && !a->failed && !b->failed;
    if (!ok) err_set(err, ERR_MEMORY, "not enough memory to compare two values");
    out->found = ok && strcmp(x, y) != 0;
    if (out->found) {
        json_cut(out->a, sizeof out->a, x, strlen(x));
        json_cut(out->b, sizeof out->b, y, strlen(y));
    }
    json_write_free(a);
    json_write_free(b);
    return ok;
}
