#include "io/safetensors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file_kind.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/json_scan.h"

enum {
    LENGTH_BYTES = 8,
    MAX_HEADER_BYTES = 100000000,
    MAX_TENSORS = 100000,
    MAX_NAME_BYTES = 1024,
    HEADER_DEPTH = 4,
    SHOWN = 200,
    WORD = 80, /* a field or type of 12 characters may be written with 12 escapes */
};

static const struct {
    const char *name;
    unsigned bits;
} dtypes[] = {{"BOOL", 8},    {"U8", 8},      {"I8", 8},          {"F8_E5M2", 8},
              {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8},
              {"I16", 16},    {"U16", 16},    {"F16", 16},        {"BF16", 16},
              {"I32", 32},    {"U32", 32},    {"F32", 32},        {"I64", 64},
              {"U64", 64},    {"F64", 64},    {"C64", 64},        {"F4", 4},
              {"F6_E2M3", 6}, {"F6_E3M2", 6}};

typedef struct {
    Safetensors *st;
    const char *path, *header; /* the header's text */
    size_t header_bytes;
    char title[SHOWN + PATH_BYTES]; /* begins the scanner's messages */
    JsonScan scan;
    char *free_text; /* the unused rest of st->names */
    Err *err;
} Reader;

static unsigned dtype_bits(const char *name)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].name, name) == 0) return dtypes[i].bits;
    return 0;
}

/* "PATH: tensor "NAME": REASON" */
__attribute__((format(printf, 3, 4))) static bool refuse(const Reader *r, const char *tensor,
                                                         const char *format, ...)
{
    char shown[SHOWN], reason[SHOWN];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    text_escape(shown, sizeof shown, tensor);
    return err_set(r->err, ERR_FORMAT, "%s: tensor \"%s\": %s", r->path, shown, reason);
}

static bool next(Reader *r, ScanToken *token)
{
    return json_scan_next(&r->scan, token, r->err);
}

static char *decode(Reader *r, const ScanToken *token)
{
    char *text = r->free_text;
    r->free_text += json_scan_decode(token, text) + 1;
    return text;
}

/* First pass: is the header one JSON object, and how much does it hold? */
static bool count_entries(Reader *r)
{
    Safetensors *st = r->st;
    ScanToken token;
    bool metadata = false;
    json_scan_begin(&r->scan, r->header, r->header_bytes, r->title, HEADER_DEPTH, false);
    if (!next(r, &token)) return false;
    if (token.kind != SCAN_BEGIN_OBJECT)
        return err_set(r->err, ERR_FORMAT, "%s: the header must be a JSON object", r->path);
    do {
        if (!next(r, &token)) return false;
        if (token.kind == SCAN_KEY && r->scan.depth == 1) {
            json_scan_decode(&token, st->names);
            metadata = strcmp(st->names, "__metadata__") == 0;
            if (!metadata && ++st->count > MAX_TENSORS)
                return err_set(r->err, ERR_FORMAT, "%s: more than %d tensors", r->path,
                               MAX_TENSORS);
        } else if (token.kind == SCAN_KEY && r->scan.depth == 2 && metadata) {
            st->metadata_count++;
        }
    } while (token.kind != SCAN_DONE);
    return true;
}

static bool allocate(Reader *r)
{
    Safetensors *st = r->st;
    st->tensors = mem_alloc(st->count, sizeof *st->tensors);
    st->by_name = mem_alloc(st->count, sizeof *st->by_name);
    st->metadata = mem_alloc(2 * st->metadata_count, sizeof *st->metadata);
    return (st->tensors && st->by_name && st->metadata) ||
           err_set(r->err, ERR_MEMORY, "%s: not enough memory for the list of %zu tensors", r->path,
                   st->count);
}

static bool has_control(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7F) return true;
    return false;
}

/* An integer from 0 to INT64_MAX without fraction or exponent. */
static bool parse_integer(const ScanToken *token, int64_t *out)
{
    *out = 0;
    if (token->kind != SCAN_NUMBER) return false;
    for (size_t i = 0; i < token->length; i++) {
        int digit = token->text[i] - '0';
        if (digit < 0 || digit > 9 || *out > (INT64_MAX - digit) / 10) return false;
        *out = 10 * *out + digit;
    }
    return true;
}

/* Reads an array of at most `most` integers; *count gets their number. */
static bool read_integers(Reader *r, const char *tensor, const char *field, int64_t *out, int most,
                          int *count)
{
    ScanToken token;
    *count = 0;
    if (!next(r, &token)) return false;
    if (token.kind != SCAN_BEGIN_ARRAY) return refuse(r, tensor, "%s must be an array", field);
    for (;; ++*count) {
        if (!next(r, &token)) return false;
        if (token.kind == SCAN_END_ARRAY) return true;
        if (*count == most) return refuse(r, tensor, "%s has more than %d numbers", field, most);
        int length = token.length < 40 ? (int)token.length : 40;
        if (!parse_integer(&token, &out[*count]))
            return refuse(r, tensor, "%s must hold integers from 0 to 2^63 - 1%s%.*s", field,
                          length ? ", found " : "", length, token.text);
    }
}

static bool read_dtype(Reader *r, TensorInfo *t)
{
    ScanToken token;
    if (!next(r, &token)) return false;
    if (token.kind != SCAN_STRING) return refuse(r, t->name, "dtype must be a string");
    char word[WORD] = "";
    if (token.length < sizeof word) json_scan_decode(&token, word);
    if (!dtype_bits(word))
        return refuse(r, t->name, "unknown dtype \"%.*s\"",
                      token.length < 40 ? (int)token.length : 40, token.text);
    memcpy(t->dtype, word, strlen(word) + 1);
    return true;
}

static bool read_shape(Reader *r, TensorInfo *t)
{
    return read_integers(r, t->name, "shape", t->shape, TENSOR_MAX_RANK, &t->rank);
}

static bool read_offsets(Reader *r, TensorInfo *t)
{
    int64_t ends[2];
    int count;
    if (!read_integers(r, t->name, "data_offsets", ends, 2, &count)) return false;
    if (count != 2) return refuse(r, t->name, "data_offsets must be two numbers");
    if (ends[0] > ends[1]) return refuse(r, t->name, "data_offsets: the end is before the begin");
    if ((uint64_t)ends[1] > r->st->data_bytes)
        return refuse(
            r, t->name,
            "data_offsets end at byte %lld, but the file holds %zu byte%s of data (is the "
            "file cut?)",
            (long long)ends[1], r->st->data_bytes, r->st->data_bytes == 1 ? "" : "s");
    t->begin = (size_t)ends[0];
    t->end = (size_t)ends[1];
    return true;
}

/* Rules 7, 8 and 9: the shape, the type and the range of bytes agree. */
static bool check_size(Reader *r, TensorInfo *t)
{
    unsigned long long count = 1, bits;
    bool overflow = false;
    for (int i = 0; i < t->rank; i++)
        overflow |= __builtin_mul_overflow(count, (uint64_t)t->shape[i], &count);
    if (overflow || __builtin_mul_overflow(count, dtype_bits(t->dtype), &bits))
        return refuse(r, t->name, "the number of elements overflows");
    if (bits % 8 != 0)
        return refuse(r, t->name, "%llu elements of %s do not fill whole bytes", count, t->dtype);
    if (bits / 8 != t->end - t->begin)
        return refuse(r, t->name, "%llu elements of %s take %llu bytes, but data_offsets give %zu",
                      count, t->dtype, bits / 8, t->end - t->begin);
    t->count = (size_t)count;
    return true;
}

/* Each must be there once; other fields are passed over. */
static const struct {
    const char *name;
    bool (*read)(Reader *r, TensorInfo *t);
} fields[] = {{"dtype", read_dtype}, {"shape", read_shape}, {"data_offsets", read_offsets}};
enum { FIELDS = sizeof fields / sizeof *fields };

static bool read_tensor(Reader *r, TensorInfo *t)
{
    bool seen[FIELDS] = {false};
    size_t length = strlen(t->name);
    ScanToken token;
    if (length == 0 || length > MAX_NAME_BYTES)
        return refuse(r, t->name, "a name must have 1 to %d bytes", MAX_NAME_BYTES);
    if (has_control(t->name)) return refuse(r, t->name, "a name must not hold control characters");
    if (!next(r, &token)) return false;
    if (token.kind != SCAN_BEGIN_OBJECT) return refuse(r, t->name, "its entry must be an object");
    for (;;) {
        if (!next(r, &token)) return false;
        if (token.kind == SCAN_END_OBJECT) break;
        char word[WORD] = ""; /* a longer key is none of the three */
        size_t f = 0;
        if (token.length < sizeof word) json_scan_decode(&token, word);
        while (f < FIELDS && strcmp(fields[f].name, word) != 0) f++;
        if (f < FIELDS && seen[f]) return refuse(r, t->name, "duplicate %s", word);
        if (f < FIELDS ? !fields[f].read(r, t) : !json_scan_skip(&r->scan, r->err)) return false;
        if (f < FIELDS) seen[f] = true;
    }
    for (size_t f = 0; f < FIELDS; f++)
        if (!seen[f]) return refuse(r, t->name, "%s is missing", fields[f].name);
    return check_size(r, t);
}

static bool read_metadata(Reader *r)
{
    Safetensors *st = r->st;
    ScanToken token;
    if (!next(r, &token)) return false;
    if (token.kind == SCAN_NULL) return true; /* the reference takes it for none */
    if (token.kind != SCAN_BEGIN_OBJECT)
        return err_set(r->err, ERR_FORMAT, "%s: __metadata__ must be an object", r->path);
    for (size_t i = 0;; i++) {
        if (!next(r, &token)) return false;
        if (token.kind == SCAN_END_OBJECT) return true;
        st->metadata[2 * i] = decode(r, &token);
        if (!next(r, &token)) return false;
        if (token.kind != SCAN_STRING)
            return err_set(r->err, ERR_FORMAT, "%s: the values in __metadata__ must be strings",
                           r->path);
        st->metadata[2 * i + 1] = decode(r, &token);
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const TensorInfo *const *)a)->name, (*(const TensorInfo *const *)b)->name);
}

/* Of pairs key, value. */
static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* By the pair: an empty tensor at the begin of its neighbour must come first. */
static int compare_places(const void *a, const void *b)
{
    const TensorInfo *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool check_metadata_keys(Reader *r)
{
    char shown[SHOWN], **pairs = r->st->metadata;
    qsort(pairs, r->st->metadata_count, 2 * sizeof *pairs, compare_keys);
    for (size_t i = 1; i < r->st->metadata_count; i++) {
        if (strcmp(pairs[2 * i - 2], pairs[2 * i]) != 0) continue;
        text_escape(shown, sizeof shown, pairs[2 * i]);
        return err_set(r->err, ERR_FORMAT, "%s: duplicate key \"%s\" in __metadata__", r->path,
                       shown);
    }
    return true;
}

/* Rules 10 and 11: the tensors tile the data without overlap, hole or rest; and names are unique. */
static bool check_whole(Reader *r)
{
    Safetensors *st = r->st;
    qsort(st->tensors, st->count, sizeof *st->tensors, compare_places);
    for (size_t i = 0; i < st->count; i++) st->by_name[i] = &st->tensors[i];
    qsort(st->by_name, st->count, sizeof *st->by_name, compare_names);
    for (size_t i = 1; i < st->count; i++)
        if (strcmp(st->by_name[i - 1]->name, st->by_name[i]->name) == 0)
            return refuse(r, st->by_name[i]->name, "two tensors have this name");
    size_t at = 0;
    for (size_t i = 0; i < st->count; i++) {
        const TensorInfo *t = &st->tensors[i];
        if (t->begin != at)
            return refuse(r, t->name, "its data begin at byte %zu, %s the tensor before (%zu)",
                          t->begin, t->begin < at ? "inside" : "which leaves a hole after", at);
        at = t->end;
    }
    if (at != st->data_bytes)
        return err_set(r->err, ERR_FORMAT,
                       "%s: the tensors end at byte %zu of the data, but the file holds %zu",
                       r->path, at, st->data_bytes);
    return check_metadata_keys(r);
}

static bool read_entries(Reader *r)
{
    ScanToken token;
    size_t tensors = 0;
    bool metadata = false;
    json_scan_begin(&r->scan, r->header, r->header_bytes, r->title, HEADER_DEPTH, false);
    if (!next(r, &token)) return false;
    for (;;) {
        if (!next(r, &token)) return false;
        if (token.kind == SCAN_END_OBJECT) return check_whole(r);
        char *name = decode(r, &token);
        if (strcmp(name, "__metadata__") != 0) {
            TensorInfo *t = &r->st->tensors[tensors++];
            t->name = name;
            if (!read_tensor(r, t)) return false;
            continue;
        }
        if (metadata) return err_set(r->err, ERR_FORMAT, "%s: duplicate __metadata__", r->path);
        metadata = true;
        if (!read_metadata(r)) return false;
    }
}

/* Rules 1, 2 and 3; and memory for the texts, none of which is longer decoded than quoted. */
static bool find_header(Reader *r)
{
    const FileBytes *file = &r->st->file;
    uint64_t n = 0;
    for (int i = LENGTH_BYTES - 1; i >= 0 && file->size >= LENGTH_BYTES; i--)
        n = n << 8 | file->bytes[i];
    /* A zero follows the bytes. */
    bool other = file->size <= LENGTH_BYTES || file->bytes[LENGTH_BYTES] != '{';
    other = other && (n == 0 || n > file->size - LENGTH_BYTES) &&
            file_kind(file->bytes, file->size) != NULL;
    if (other || file->size < LENGTH_BYTES)
        return file_kind_refuse(r->path, file->bytes, file->size, "a safetensors file", r->err);
    if (n > MAX_HEADER_BYTES)
        return err_set(r->err, ERR_FORMAT,
                       "%s: says that its header has %llu bytes, more than %d; this is not a "
                       "safetensors file",
                       r->path, (unsigned long long)n, MAX_HEADER_BYTES);
    if (n > file->size - LENGTH_BYTES)
        return err_set(r->err, ERR_FORMAT,
                       "%s: says that its header has %llu bytes, but only %zu follow (is the file "
                       "cut?)",
                       r->path, (unsigned long long)n, file->size - LENGTH_BYTES);
    r->header = (const char *)file->bytes + LENGTH_BYTES;
    r->header_bytes = (size_t)n;
    r->st->data = file->bytes + LENGTH_BYTES + n;
    r->st->data_bytes = file->size - LENGTH_BYTES - (size_t)n;
    r->st->names = r->free_text = mem_alloc((size_t)n + 1, 1);
    return r->st->names || err_set(r->err, ERR_MEMORY, "%s: not enough memory", r->path);
}

bool safetensors_parse(Safetensors *st, FileBytes bytes, const char *name, Err *err)
{
    memset(st, 0, sizeof *st);
    st->file = bytes;
    Reader r = {.st = st, .path = name, .err = err};
    snprintf(r.title, sizeof r.title, "%s: header", name);
    bool ok = find_header(&r) && count_entries(&r) && allocate(&r) && read_entries(&r);
    if (!ok) safetensors_close(st);
    return ok;
}

bool safetensors_open(Safetensors *st, const char *path, size_t limit, Err *err)
{
    FileBytes bytes;
    memset(st, 0, sizeof *st);
    return file_read(path, limit, &bytes, err) && safetensors_parse(st, bytes, path, err);
}

void safetensors_close(Safetensors *st)
{
    file_free(&st->file);
    mem_free(st->tensors);
    mem_free(st->metadata);
    mem_free(st->by_name);
    mem_free(st->names);
    memset(st, 0, sizeof *st);
}
