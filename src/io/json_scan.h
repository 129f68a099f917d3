/* A strict pull scanner over JSON text (RFC 8259): no recursion, no allocation, every error with
 * its line and column. It is the gate before cJSON, and the whole parser of safetensors headers.
 * Refused besides wrong syntax: broken UTF-8, a byte order mark, control characters in strings,
 * lone surrogates, \u0000 and nesting beyond max_depth. Duplicate keys are the caller's business. */
#ifndef DIFFC_IO_JSON_SCAN_H
#define DIFFC_IO_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { SCAN_MAX_DEPTH = 64 };

typedef enum {
    SCAN_BEGIN_OBJECT,
    SCAN_END_OBJECT,
    SCAN_BEGIN_ARRAY,
    SCAN_END_ARRAY,
    SCAN_KEY,    /* text: between the quotes, escapes as written */
    SCAN_STRING, /* the same */
    SCAN_NUMBER, /* text: the number */
    SCAN_TRUE,
    SCAN_FALSE,
    SCAN_NULL,
    SCAN_SPECIAL, /* NaN, Infinity, -Infinity; only when lenient */
    SCAN_DONE,    /* the value is complete and only white space follows */
} ScanKind;

typedef struct {
    ScanKind kind;
    const char *text;
    size_t length;
} ScanToken;

typedef enum {
    SCAN_VALUE,
    SCAN_FIRST_ELEMENT,
    SCAN_FIRST_KEY,
    SCAN_NEXT_KEY,
    SCAN_AFTER
} ScanState;

typedef struct {
    const char *text;
    size_t size, at;
    const char *name; /* begins every message */
    int depth, max_depth;
    bool lenient;
    ScanState state;
    bool in_object[SCAN_MAX_DEPTH + 1];
} JsonScan;

void json_scan_begin(JsonScan *s, const char *text, size_t size, const char *name, int max_depth,
                     bool lenient);
/* The next token; false with ERR_FORMAT. Not to be called after SCAN_DONE. */
bool json_scan_next(JsonScan *s, ScanToken *token, Err *err);
/* After SCAN_KEY: reads over the whole value that follows. */
bool json_scan_skip(JsonScan *s, Err *err);
/* ERR_FORMAT "NAME: line L, column C: REASON" for the place of `token`. */
bool json_scan_error(const JsonScan *s, const char *at, Err *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Decodes a key or string token into out (token->length + 1 bytes always suffice); returns the
 * length without the closing zero. */
size_t json_scan_decode(const ScanToken *token, char *out);

#endif
