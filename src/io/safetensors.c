#include "io/safetensors.h"

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
    const char *path;
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
static bool refuse(const Reader *r, const char *tensor, const char *reason)
{
    char shown[SHOWN];
    text_escape(shown, sizeof shown, tensor);
    return err_set(r->err, ERR_FORMAT, "%s: tensor \"%s\": %s", r->path, shown, reason);
}

static bool next(Reader *r, ScanToken *token)
{
    return json_scan_next(&r->scan, token, r->err);
}

/* Every decoded text is shorter than its quoted form, so the header's length bounds them all. */
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
    if (!next(r, &token)) return false;
    if (token.kind != SCAN_BEGIN_OBJECT)
        return err_set(r->err, ERR_FORMAT, "%s: the header must be a JSON object", r->path);
    bool metadata = false;
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

/* A non-negative integer without fraction or exponent, of 64 bits at most. */
static bool parse_integer(const ScanToken *token, uint64_t *out)
{
    uint64_t value = 0;
    if (token->kind != SCAN_NUMBER) return false;
    for (size_t i = 0; i < token->length; i++) {
        char c = token->text[i];
        if (c < '0' || c > '9' || value > (UINT64_MAX - (uint64_t)(c - '0')) / 10) return false;
        value = 10 * value + (uint64_t)(c - '0');
    }
    *out = value;
    return true;
}

/* Reads an array of at most `most` integers; *count gets their number. */
static bool read_integers(Reader *r, const char *tensor, const char *field, uint64_t *out, int most,
                          int *count)
{
    char reason[SHOWN];
    ScanToken token;
    *count = 0;
    if (!next(r, &token)) return false;
    if (token.kind != SCAN_BEGIN_ARRAY) {
        snprintf(reason, sizeof reason, "%s must be an array", field);
        return refuse(r, tensor, reason);
    }
    for (;;) {
        if (!next(r, &token)) return false;
        if (token.kind == SCAN_END_ARRAY) return true;
        if (*count == most) {
            snprintf(reason, sizeof reason, "%s has more than %d numbers", field, most);
            return refuse(r, tensor, reason);
        }
        if (!parse_integer(&token, &out[*count])) {
            int length = token.length < 40 ? (int)token.length : 40;
            snprintf(reason, sizeof reason, "%s must hold non-negative integers of 64 bits%s%.*s",
                     field, length ? ", found " : "", length, token.text);
            return refuse(r, tensor, reason);
        }
        ++*count;
    }
}

static bool read_dtype(Reader *r, TensorInfo *t)
{
    ScanToken token;
    char reason[SHOWN];
    if (!next(r, &token)) return false;
    if (token.kind != SCAN_STRING) return refuse(r, t->name, "dtype must be a string");
    char word[WORD] = "";
    if (token.length < sizeof word) json_scan_decode(&token, word);
    if (dtype_bits(word)) {
        memcpy(t->dtype, word, strlen(word) + 1);
        return true;
    }
    snprintf(reason, sizeof reason, "unknown dtype \"%.*s\"",
             token.length < 40 ? (int)token.length : 40, token.text);
    return refuse(r, t->name, reason);
}

static bool read_shape(Reader *r, TensorInfo *t)
{
    uint64_t dims[TENSOR_MAX_RANK];
    if (!read_integers(r, t->name, "shape", dims, TENSOR_MAX_RANK, &t->rank)) return false;
    for (int i = 0; i < t->rank; i++) {
        if (dims[i] > INT64_MAX)
            return refuse(r, t->name, "shape has a dimension that is larger than any file");
        t->shape[i] = (int64_t)dims[i];
    }
    return true;
}

static bool read_offsets(Reader *r, TensorInfo *t)
{
    uint64_t ends[2];
    int count;
    char reason[SHOWN];
    if (!read_integers(r, t->name, "data_offsets", ends, 2, &count)) return false;
    if (count != 2) return refuse(r, t->name, "data_offsets must be two numbers");
    if (ends[0] > ends[1]) return refuse(r, t->name, "data_offsets: the end is before the begin");
    if (ends[1] > r->st->data_bytes) {
        snprintf(reason, sizeof reason,
                 "data_offsets end at byte %llu, but the file holds %zu bytes of data (is the file "
                 "cut?)",
                 (unsigned long long)ends[1], r->st->data_bytes);
        return refuse(r, t->name, reason);
    }
    t->begin = (size_t)ends[0];
    t->end = (size_t)ends[1];
    return true;
}

/* Rules 7, 8 and 9: the shape, the type and the range of bytes agree. */
static bool check_size(Reader *r, TensorInfo *t)
{
    uint64_t count = 1, bits;
    bool overflow = false;
    for (int i = 0; i < t->rank; i++)
        overflow |= __builtin_mul_overflow(count, (uint64_t)t->shape[i], &count);
    if (overflow || __builtin_mul_overflow(count, dtype_bits(t->dtype), &bits) || count > SIZE_MAX)
        return refuse(r, t->name, "the number of elements overflows");
    char reason[SHOWN];
    if (bits % 8 != 0) {
        snprintf(reason, sizeof reason, "%llu elements of %s do not fill whole bytes",
                 (unsigned long long)count, t->dtype);
        return refuse(r, t->name, reason);
    }
    if (bits / 8 != t->end - t->begin) {
        snprintf(
            reason, sizeof reason, "%llu elements of %s take %llu bytes, but data_offsets give %zu",
            (unsigned long long)count, t->dtype, (unsigned long long)(bits / 8), t->end - t->begin);
        return refuse(r, t->name, reason);
    }
    t->count = (size_t)count;
    return true;
}

static bool read_tensor(Reader *r, TensorInfo *t)
{
    bool dtype = false, shape = false, offsets = false;
    size_t length = strlen(t->name);
    if (length == 0 || length > MAX_NAME_BYTES)
        return refuse(r, t->name, "a name must have 1 to 1024 bytes");
    if (has_control(t->name)) return refuse(r, t->name, "a name must not hold control characters");
    ScanToken token;
    if (!next(r, &token)) return false;
    if (token.kind != SCAN_BEGIN_OBJECT) return refuse(r, t->name, "its entry must be an object");
    for (;;) {
        if (!next(r, &token)) return false;
        if (token.kind == SCAN_END_OBJECT) break;
        char field[WORD] = ""; /* a longer key is none of the three */
        if (token.length < sizeof field) json_scan_decode(&token, field);
        bool is_dtype = strcmp(field, "dtype") == 0, is_shape = strcmp(field, "shape") == 0,
             is_offsets = strcmp(field, "data_offsets") == 0;
        if ((is_dtype && dtype) || (is_shape && shape) || (is_offsets && offsets)) {
            char reason[SHOWN];
            snprintf(reason, sizeof reason, "duplicate %s", field);
            return refuse(r, t->name, reason);
        }
        if (is_dtype     ? !read_dtype(r, t)
            : is_shape   ? !read_shape(r, t)
            : is_offsets ? !read_offsets(r, t)
                         : !json_scan_skip(&r->scan, r->err))
            return false;
        dtype |= is_dtype;
        shape |= is_shape;
        offsets |= is_offsets;
    }
    if (!dtype) return refuse(r, t->name, "dtype is missing");
    if (!shape) return refuse(r, t->name, "shape is missing");
    if (!offsets) return refuse(r, t->name, "data_offsets is missing");
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

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
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
    Safetensors *st = r->st;
    const char **keys = mem_alloc(st->metadata_count, sizeof *keys);
    if (!keys) return err_set(r->err, ERR_MEMORY, "%s: not enough memory", r->path);
    for (size_t i = 0; i < st->metadata_count; i++) keys[i] = st->metadata[2 * i];
    qsort(keys, st->metadata_count, sizeof *keys, compare_texts);
    bool ok = true;
    for (size_t i = 1; ok && i < st->metadata_count; i++) {
        if (strcmp(keys[i - 1], keys[i]) != 0) continue;
        char shown[SHOWN];
        text_escape(shown, sizeof shown, keys[i]);
        ok =
            err_set(r->err, ERR_FORMAT, "%s: duplicate key \"%s\" in __metadata__", r->path, shown);
    }
    mem_free(keys);
    return ok;
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
        char reason[SHOWN];
        const TensorInfo *t = &st->tensors[i];
        if (t->begin != at) {
            snprintf(reason, sizeof reason,
                     "its data begin at byte %zu, %s the tensor before (%zu)", t->begin,
                     t->begin < at ? "inside" : "which leaves a hole after", at);
            return refuse(r, t->name, reason);
        }
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

/* Rules 1, 2 and 3. */
static bool find_header(Reader *r, const char **header, size_t *length)
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
    *header = (const char *)file->bytes + LENGTH_BYTES;
    *length = (size_t)n;
    r->st->data = file->bytes + LENGTH_BYTES + n;
    r->st->data_bytes = file->size - LENGTH_BYTES - (size_t)n;
    return true;
}

bool safetensors_parse(Safetensors *st, FileBytes bytes, const char *name, Err *err)
{
    memset(st, 0, sizeof *st);
    st->file = bytes;
    Reader r = {.st = st, .path = name, .err = err};
    const char *header = NULL;
    size_t length = 0;
    char title[SHOWN + PATH_BYTES];
    snprintf(title, sizeof title, "%s: header", name);
    bool ok = find_header(&r, &header, &length);
    if (ok) {
        st->names = r.free_text = mem_alloc(length + 1, 1);
        ok = st->names || err_set(err, ERR_MEMORY, "%s: not enough memory", name);
    }
    if (ok) {
        json_scan_begin(&r.scan, header, length, title, HEADER_DEPTH, false);
        ok = count_entries(&r) && allocate(&r);
    }
    if (ok) {
        json_scan_begin(&r.scan, header, length, title, HEADER_DEPTH, false);
        ok = read_entries(&r);
    }
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
