#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/mem.h"
#include "io/checkpoint_files.h"

#define SAFE_INTEGER 9007199254740991.0 /* 2^53 - 1 */

void member_put(JsonWriter *w, const char *key, const Member *row, const void *from)
{
    const void *at = (const char *)from + row->at;
    const int *ints = at;
    char digits[24];
    switch (row->type) {
    case MEMBER_INT:
        json_put_int(w, key, *ints);
        break;
    case MEMBER_PAIR:
        json_begin_row(w, key);
        json_put_int(w, NULL, ints[0]);
        json_put_int(w, NULL, ints[1]);
        json_end_array(w);
        break;
    case MEMBER_COUNT:
        json_put_int(w, key, *(const int64_t *)at);
        break;
    case MEMBER_DIGITS:
        snprintf(digits, sizeof digits, "%" PRIu64, *(const uint64_t *)at);
        json_put_string(w, key, digits);
        break;
    case MEMBER_HEX:
        snprintf(digits, sizeof digits, "%08" PRIx32, *(const uint32_t *)at);
        json_put_string(w, key, digits);
        break;
    case MEMBER_AMOUNT:
    case MEMBER_REAL:
        json_put_number(w, key, *(const double *)at);
        break;
    case MEMBER_TEXT:
        json_put_string(w, key, at);
        break;
    case MEMBER_WORD:
        json_put_string(w, key, row->words[*ints]);
    }
}

void members_put(JsonWriter *w, const Member *rows, const void *from)
{
    for (; rows->key; rows++) member_put(w, rows->key, rows, from);
}

static bool read_whole(const Json *v, double most, double *out)
{
    *out = v && json_type(v) == JSON_NUMBER ? json_number(v) : -1;
    return *out >= 0 && *out <= most && *out == floor(*out);
}

static bool read_int(const Json *v, int *out)
{
    double x;
    if (!read_whole(v, 1 << 30, &x)) return false;
    *out = (int)x;
    return true;
}

/* Up to `most` digits to a base. */
static bool read_digits(const char *text, const char *digits, size_t most, int base, uint64_t *out)
{
    size_t length = strspn(text, digits);
    if (length == 0 || length > most || text[length]) return false;
    *out = strtoull(text, NULL, base);
    return true;
}

static bool member_read(const Member *row, const Json *v, void *to)
{
    void *at = (char *)to + row->at;
    const char *text = json_type(v) == JSON_STRING ? json_string(v) : "";
    uint64_t number;
    double x = json_type(v) == JSON_NUMBER ? json_number(v) : (double)NAN;
    int word;
    switch (row->type) {
    case MEMBER_INT:
        return read_int(v, at);
    case MEMBER_PAIR:
        return json_type(v) == JSON_ARRAY && json_count(v) == 2 && read_int(json_first(v), at) &&
               read_int(json_next(json_first(v)), (int *)at + 1);
    case MEMBER_COUNT:
        if (!read_whole(v, SAFE_INTEGER, &x)) return false;
        *(int64_t *)at = (int64_t)x;
        return true;
    case MEMBER_DIGITS:
        return read_digits(text, "0123456789", 20, 10, at);
    case MEMBER_HEX:
        if (strlen(text) != 8 || !read_digits(text, "0123456789abcdef", 8, 16, &number))
            return false;
        *(uint32_t *)at = (uint32_t)number;
        return true;
    case MEMBER_AMOUNT:
        *(double *)at = x;
        return x >= 0 && isfinite(x);
    case MEMBER_REAL:
        *(double *)at = x;
        return json_type(v) == JSON_NUMBER || json_type(v) == JSON_NULL;
    case MEMBER_TEXT:
        if (json_type(v) != JSON_STRING || strlen(text) >= row->size) return false;
        memset(at, 0, row->size);
        memcpy(at, text, strlen(text));
        return true;
    case MEMBER_WORD:
        word = choice_find(choice_word, row->words, text);
        if (word >= 0) memcpy(at, &word, sizeof word);
        return word >= 0;
    }
    return false;
}

bool member_bad(const char *name, const char *key, Err *err)
{
    return err_set(err, ERR_FORMAT, "%s: the training state has no usable \"%s\"", name, key);
}

bool members_read(const Json *object, const Member *rows, void *to, const char *name, Err *err)
{
    for (; rows->key; rows++) {
        const Json *v = json_get(object, rows->key);
        if (!v || !member_read(rows, v, to)) return member_bad(name, rows->key, err);
    }
    return true;
}

/* Raised when a file of this release would be misread by an older one. */
enum { STATE_FORMAT = 1 };

#define ROW(member, type)                                                                          \
    {                                                                                              \
#member, type, offsetof(CheckpointState, member),                                          \
            .size = sizeof((CheckpointState *)0)->member                                           \
    }
static const Member counters[] = {
    ROW(step, MEMBER_COUNT),   ROW(samples, MEMBER_DIGITS), ROW(seed, MEMBER_DIGITS),
    ROW(seconds, MEMBER_REAL), ROW(loss_sum, MEMBER_REAL),  ROW(loss_count, MEMBER_COUNT),
    ROW(blas, MEMBER_TEXT),    ROW(level, MEMBER_TEXT),     {.key = NULL}};

void checkpoint_state_put(JsonWriter *w, const CheckpointState *state, const double *method,
                          size_t count)
{
    json_begin_object(w, NULL);
    json_put_int(w, "format", STATE_FORMAT);
    members_put(w, counters, state);
    if (count > 0) {
        json_begin_row(w, "method");
        for (size_t i = 0; i < count; i++) json_put_number(w, NULL, method[i]);
        json_end_array(w);
    }
    if (state->record) {
        json_begin_object(w, "run");
        run_record_put(w, state->record);
        json_end_object(w);
    }
    json_end_object(w);
}

static bool read_method(Checkpoint *c, const Json *object, Err *err)
{
    const Json *list = json_get(object, "method");
    size_t count = list && json_type(list) == JSON_ARRAY ? json_count(list) : 0;
    if (!list) return true;
    c->method = mem_doubles(count);
    if (!c->method) return err_set(err, ERR_MEMORY, "%s: not enough memory to read it", c->path);
    for (const Json *v = json_first(list); v && count > 0; v = json_next(v)) {
        if (json_type(v) != JSON_NUMBER) return member_bad(c->path, "method", err);
        c->method[c->method_count++] = json_number(v);
    }
    return count > 0 || member_bad(c->path, "method", err);
}

/* Older releases wrote none. */
static bool read_record(Checkpoint *c, const Json *object, Err *err)
{
    const Json *v = json_get(object, "run");
    if (!v) return true;
    if (json_type(v) != JSON_OBJECT) return member_bad(c->path, "run", err);
    c->record = mem_alloc(1, sizeof *c->record);
    if (!c->record) return err_set(err, ERR_MEMORY, "%s: not enough memory to read it", c->path);
    return run_record_read(c->record, v, c->path, err);
}

bool checkpoint_state_read(Checkpoint *c, const char *text, Err *err)
{
    Json *o = json_parse(text, strlen(text), c->path, false, err);
    if (!o) return false;
    const Json *format = json_get(o, "format");
    bool ok = (format || member_bad(c->path, "format", err)) &&
              json_check_format(format, STATE_FORMAT, c->path, err) &&
              members_read(o, counters, &c->state, c->path, err) && read_method(c, o, err) &&
              read_record(c, o, err);
    json_free(o);
    return ok;
}
