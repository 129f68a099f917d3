#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/checkpoint_files.h"
#include "io/json.h"

/* Raised when a file of this release would be misread by an older one. */
enum { STATE_FORMAT = 1 };

/* 64-bit counters stand as strings: a JSON number is a double. */
static void put_digits(JsonWriter *w, const char *key, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    json_put_string(w, key, digits);
}

char *checkpoint_state_text(const CheckpointState *state, const double *method, size_t count)
{
    JsonWriter w;
    json_write_init(&w, 0);
    json_begin_object(&w, NULL);
    json_put_int(&w, "format", STATE_FORMAT);
    json_put_int(&w, "step", state->step);
    put_digits(&w, "samples", state->samples);
    put_digits(&w, "seed", state->seed);
    json_put_number(&w, "seconds", state->seconds);
    json_put_number(&w, "loss_sum", state->loss_sum);
    json_put_int(&w, "loss_count", state->loss_count);
    json_put_string(&w, "blas", state->blas);
    json_put_string(&w, "level", state->level);
    if (count > 0) {
        json_begin_row(&w, "method");
        for (size_t i = 0; i < count; i++) json_put_number(&w, NULL, method[i]);
        json_end_array(&w);
    }
    if (state->record) {
        json_begin_object(&w, "run");
        run_record_put(&w, state->record);
        json_end_object(&w);
    }
    json_end_object(&w);
    const char *text = json_text(&w);
    char *copy = text ? mem_alloc(strlen(text) + 1, 1) : NULL;
    if (copy) memcpy(copy, text, strlen(text));
    json_write_free(&w);
    return copy;
}

static bool bad(const char *name, const char *key, Err *err)
{
    return err_set(err, ERR_FORMAT, "%s: the training state has no usable \"%s\"", name, key);
}

static bool get_int(const Json *object, const char *key, int64_t *out)
{
    const Json *v = json_get(object, key);
    if (!v || json_type(v) != JSON_NUMBER) return false;
    double x = json_number(v);
    if (!(x >= 0 && x <= 9007199254740991.0) || x != floor(x)) return false;
    *out = (int64_t)x;
    return true;
}

/* null stands for a value that is not finite. */
static bool get_number(const Json *object, const char *key, double *out)
{
    const Json *v = json_get(object, key);
    if (!v || (json_type(v) != JSON_NUMBER && json_type(v) != JSON_NULL)) return false;
    *out = json_type(v) == JSON_NUMBER ? json_number(v) : (double)NAN;
    return true;
}

static bool get_digits(const Json *object, const char *key, uint64_t *out)
{
    const Json *v = json_get(object, key);
    if (!v || json_type(v) != JSON_STRING) return false;
    const char *text = json_string(v);
    if (strspn(text, "0123456789") != strlen(text) || !text[0] || strlen(text) > 20) return false;
    *out = strtoull(text, NULL, 10);
    return true;
}

static bool get_text(const Json *object, const char *key, char *out, size_t size)
{
    const Json *v = json_get(object, key);
    if (!v || json_type(v) != JSON_STRING || strlen(json_string(v)) >= size) return false;
    memset(out, 0, size);
    memcpy(out, json_string(v), strlen(json_string(v)));
    return true;
}

/* As many numbers as there is room for; none where there is no room. */
static bool get_method(const Json *object, double *method, size_t room, const char *name, Err *err)
{
    const Json *list = json_get(object, "method");
    size_t count = list && json_type(list) == JSON_ARRAY ? json_count(list) : 0, i = 0;
    if ((list && count == 0) || count != room)
        return err_set(err, ERR_FORMAT,
                       "%s: holds %zu numbers of the method's own, but the configured method has "
                       "%zu; it belongs to a run of another method or number of steps",
                       name, count, room);
    if (count == 0) return true;
    for (const Json *v = json_first(list); v; v = json_next(v)) {
        if (json_type(v) != JSON_NUMBER) return bad(name, "method", err);
        method[i++] = json_number(v);
    }
    return true;
}

bool checkpoint_state_method(const char *text, const char *name, double *method, size_t count,
                             Err *err)
{
    Json *o = json_parse(text, strlen(text), name, false, err);
    bool ok = o && get_method(o, method, count, name, err);
    json_free(o);
    return ok;
}

/* Older releases wrote none. */
static bool get_record(const Json *object, const char *name, RunRecord **record, Err *err)
{
    const Json *v = json_get(object, "run");
    *record = NULL;
    if (!v) return true;
    if (json_type(v) != JSON_OBJECT) return bad(name, "run", err);
    *record = mem_alloc(1, sizeof **record);
    if (!*record) return err_set(err, ERR_MEMORY, "%s: not enough memory to read it", name);
    if (run_record_read(*record, v, name, err)) return true;
    mem_free(*record);
    *record = NULL;
    return false;
}

bool checkpoint_state_parse(const char *text, const char *name, CheckpointState *state,
                            RunRecord **record, Err *err)
{
    Json *o = json_parse(text, strlen(text), name, false, err);
    if (!o) return false;
    const Json *format = json_get(o, "format");
    CheckpointState s;
    memset(&s, 0, sizeof s);
    bool ok = false;
    if (!format || json_type(format) != JSON_NUMBER)
        bad(name, "format", err);
    else if (!json_check_format(format, STATE_FORMAT, name, err))
        ;
    else if (!get_int(o, "step", &s.step))
        bad(name, "step", err);
    else if (!get_digits(o, "samples", &s.samples))
        bad(name, "samples", err);
    else if (!get_digits(o, "seed", &s.seed))
        bad(name, "seed", err);
    else if (!get_number(o, "seconds", &s.seconds))
        bad(name, "seconds", err);
    else if (!get_number(o, "loss_sum", &s.loss_sum))
        bad(name, "loss_sum", err);
    else if (!get_int(o, "loss_count", &s.loss_count))
        bad(name, "loss_count", err);
    else if (!get_text(o, "blas", s.blas, sizeof s.blas))
        bad(name, "blas", err);
    else if (!get_text(o, "level", s.level, sizeof s.level))
        bad(name, "level", err);
    else
        ok = get_record(o, name, record, err);
    json_free(o);
    if (ok) *state = s;
    return ok;
}
