#include <stdio.h>
#include <string.h>

#include "config_fields.h"
#include "diffc/config.h"
#include "diffc/json.h"
#include "diffc/mem.h"

static int load_int(const Config *c, size_t offset)
{
    int value;
    memcpy(&value, (const char *)c + offset, sizeof value);
    return value;
}

static int load_choice(const Config *c, const Field *f)
{
    return f->size == sizeof(bool) ? *(const bool *)((const char *)c + f->offset)
                                   : load_int(c, f->offset);
}

bool config_check(const Config *c, Err *err)
{
    if (c->train.steps == 0 && c->train.minutes <= 0)
        return err_set(err, ERR_USAGE,
                       "train.steps and train.minutes are both 0, so training would never end; set "
                       "one of them");
    if (c->train.micro_batch > c->train.batch)
        return err_set(err, ERR_USAGE, "train.micro_batch is %d, more than train.batch (%d)",
                       c->train.micro_batch, c->train.batch);
    if (c->data.limit > 0 && c->data.validation >= c->data.limit)
        return err_set(err, ERR_USAGE,
                       "data.validation holds out %d images, which leaves none of data.limit (%d) "
                       "to train on; set data.validation below %d",
                       c->data.validation, c->data.limit, c->data.limit);
    if (c->method.schedule == SCHEDULE_BETAS && c->method.beta_count != c->method.steps)
        return err_set(err, ERR_USAGE,
                       "method.betas has %d values, but method.steps is %d; schedule \"betas\" "
                       "needs one for each step",
                       c->method.beta_count, c->method.steps);
    if (c->method.schedule != SCHEDULE_BETAS && c->method.beta_count > 0)
        return err_set(err, ERR_USAGE,
                       "method.betas is given, but method.schedule is not \"betas\"; set it, or "
                       "leave method.betas out");
    bool straight =
        c->method.schedule == SCHEDULE_LINEAR || c->method.schedule == SCHEDULE_SCALED_LINEAR;
    if (straight && c->method.beta_start > c->method.beta_end)
        return err_set(err, ERR_USAGE,
                       "method.beta_start (%g) is above method.beta_end (%g); noise must grow",
                       c->method.beta_start, c->method.beta_end);
    if (c->sample.steps > c->method.steps)
        return err_set(err, ERR_USAGE, "sample.steps is %d, more than method.steps (%d)",
                       c->sample.steps, c->method.steps);
    return true;
}

static void write_field(JsonWriter *w, const Config *c, const Field *f)
{
    const void *at = (const char *)c + f->offset;
    char digits[32];
    switch (f->type) {
    case FIELD_INT:
        json_put_int(w, f->key, load_int(c, f->offset));
        break;
    case FIELD_INT64:
        json_put_int(w, f->key, *(const int64_t *)at);
        break;
    case FIELD_SEED:
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)*(const uint64_t *)at);
        if (*(const uint64_t *)at <= CONFIG_SAFE_INTEGER)
            json_put_uint(w, f->key, *(const uint64_t *)at);
        else
            json_put_string(w, f->key, digits);
        break;
    case FIELD_NUMBER:
        json_put_number(w, f->key, *(const double *)at);
        break;
    case FIELD_BOOL:
        json_put_bool(w, f->key, *(const bool *)at);
        break;
    case FIELD_CHOICE:
        json_put_string(w, f->key, f->choices[load_choice(c, f)]);
        break;
    case FIELD_TEXT:
        json_put_string(w, f->key, at);
        break;
    case FIELD_SIZE: {
        int height = load_int(c, f->offset), width = load_int(c, f->count_offset);
        if (height == width) {
            json_put_int(w, f->key, height);
            break;
        }
        json_begin_row(w, f->key);
        json_put_int(w, NULL, height);
        json_put_int(w, NULL, width);
        json_end_array(w);
        break;
    }
    case FIELD_INTS:
    case FIELD_NUMBERS:
        json_begin_row(w, f->key);
        for (int i = 0; i < load_int(c, f->count_offset); i++) {
            if (f->type == FIELD_INTS)
                json_put_int(w, NULL, load_int(c, f->offset + sizeof(int) * (size_t)i));
            else
                json_put_number(w, NULL, (*(double *const *)at)[i]);
        }
        json_end_array(w);
        break;
    }
}

char *config_to_json(const Config *c)
{
    JsonWriter w;
    json_write_init(&w, 2);
    json_begin_object(&w, NULL);
    for (int s = 0; config_sections[s]; s++) {
        json_begin_object(&w, config_sections[s]);
        for (const Field *f = config_fields; f->key; f++)
            if (strcmp(f->section, config_sections[s]) == 0) write_field(&w, c, f);
        json_end_object(&w);
    }
    json_end_object(&w);
    const char *text = json_text(&w);
    size_t length = text ? strlen(text) : 0;
    char *copy = text ? mem_alloc(length + 2, 1) : NULL;
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\n';
    }
    json_write_free(&w);
    return copy;
}

bool config_describe(size_t field, char *out, size_t size)
{
    const Field *f = config_fields;
    for (size_t i = 0; i < field && f->key; i++) f++;
    if (!f->key) return false;
    char name[64], expected[200];
    snprintf(name, sizeof name, "%s.%s", f->section, f->key);
    config_expected(f, false, expected, sizeof expected);
    bool word = f->type == FIELD_TEXT || f->type == FIELD_CHOICE;
    snprintf(out, size, "%-26s %s; default %s%s%s (%s)", name, f->help, word ? "\"" : "",
             f->standard, word ? "\"" : "", expected);
    return true;
}
