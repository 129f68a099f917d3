#include "io/json_scan.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

void json_scan_begin(JsonScan *s, const char *text, size_t size, const char *name, int max_depth,
                     bool lenient)
{
    CHECK(max_depth <= SCAN_MAX_DEPTH);
    memset(s, 0, sizeof *s);
    s->text = text;
    s->size = size;
    s->name = name;
    s->max_depth = max_depth;
    s->lenient = lenient;
    s->state = SCAN_VALUE;
}

bool json_scan_error(const JsonScan *s, const char *at, Err *err, const char *format, ...)
{
    size_t line = 1, column = 1;
    for (const char *p = s->text; p < at; p++) {
        column++;
        if (*p == '\n') {
            line++;
            column = 1;
        }
    }
    char reason[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return err_set(err, ERR_FORMAT, "%s: line %zu, column %zu: %s", s->name, line, column, reason);
}

/* Names the byte at the scanner's place, for messages. */
static const char *found(const JsonScan *s, char out[32])
{
    if (s->at >= s->size) return "the end of the text";
    unsigned char c = (unsigned char)s->text[s->at];
    if (c > 0x20 && c < 0x7F)
        snprintf(out, 32, "'%c'", c);
    else
        snprintf(out, 32, "byte 0x%02x", c);
    return out;
}

static bool unexpected(const JsonScan *s, const char *expected, Err *err)
{
    char buffer[32];
    return json_scan_error(s, s->text + s->at, err, "expected %s, found %s", expected,
                           found(s, buffer));
}

static void skip_space(JsonScan *s)
{
    while (s->at < s->size && (s->text[s->at] == ' ' || s->text[s->at] == '\t' ||
                               s->text[s->at] == '\n' || s->text[s->at] == '\r'))
        s->at++;
}

static bool is_digit(const JsonScan *s)
{
    return s->at < s->size && s->text[s->at] >= '0' && s->text[s->at] <= '9';
}

/* Four hexadecimal digits at p (of which `left` may be read); -1 when they are not. */
static int hex4(const char *p, size_t left)
{
    if (left < 4) return -1;
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int c = (unsigned char)p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        value = 16 * value + digit;
    }
    return value;
}

/* At a backslash: checks the escape and steps over it (over both halves of a surrogate pair). */
static bool scan_escape(JsonScan *s, Err *err)
{
    const char *start = s->text + s->at;
    size_t left = s->size - s->at;
    if (left < 2) {
        s->at++;
        return unexpected(s, "an escape", err);
    }
    if (start[1] != 'u') {
        if (!strchr("\"\\/bfnrt", start[1]) || start[1] == '\0') {
            s->at++;
            return unexpected(s, "one of \" \\ / b f n r t u after a backslash", err);
        }
        s->at += 2;
        return true;
    }
    int unit = hex4(start + 2, left - 2);
    if (unit < 0)
        return json_scan_error(s, start, err, "\\u needs four hexadecimal digits after it");
    if (unit == 0)
        return json_scan_error(s, start, err, "\\u0000 is not accepted: it would cut the text");
    s->at += 6;
    if (unit < 0xD800 || unit > 0xDFFF) return true;
    int low = unit < 0xDC00 && left >= 12 && start[6] == '\\' && start[7] == 'u'
                  ? hex4(start + 8, left - 8)
                  : -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return json_scan_error(s, start, err, "\\u%.4s is half of a surrogate pair", start + 2);
    s->at += 6;
    return true;
}

static bool scan_string(JsonScan *s, ScanToken *token, Err *err)
{
    size_t start = ++s->at;
    while (s->at < s->size) {
        const unsigned char *p = (const unsigned char *)s->text + s->at;
        if (*p == '"') {
            token->text = s->text + start;
            token->length = s->at - start;
            s->at++;
            return true;
        }
        if (*p == '\\') {
            if (!scan_escape(s, err)) return false;
            continue;
        }
        if (*p < 0x20)
            return json_scan_error(s, (const char *)p, err,
                                   "control character 0x%02x inside a string (write it as \\u%04x)",
                                   *p, *p);
        int length = utf8_sequence((const char *)p, s->size - s->at);
        if (length == 0)
            return json_scan_error(s, (const char *)p, err, "byte 0x%02x is not valid UTF-8", *p);
        s->at += (size_t)length;
    }
    return json_scan_error(s, s->text + start - 1, err, "this string has no closing quote");
}

static bool scan_number(JsonScan *s, ScanToken *token, Err *err)
{
    size_t start = s->at;
    if (s->text[s->at] == '-') s->at++;
    if (!is_digit(s)) return unexpected(s, "a digit", err);
    bool zero = s->text[s->at++] == '0';
    if (zero && is_digit(s))
        return json_scan_error(s, s->text + start, err, "a number must not begin with 0");
    while (is_digit(s)) s->at++;
    if (s->at < s->size && s->text[s->at] == '.') {
        s->at++;
        if (!is_digit(s)) return unexpected(s, "a digit after the decimal point", err);
        while (is_digit(s)) s->at++;
    }
    if (s->at < s->size && (s->text[s->at] == 'e' || s->text[s->at] == 'E')) {
        s->at++;
        if (s->at < s->size && (s->text[s->at] == '+' || s->text[s->at] == '-')) s->at++;
        if (!is_digit(s)) return unexpected(s, "a digit in the exponent", err);
        while (is_digit(s)) s->at++;
    }
    token->kind = SCAN_NUMBER;
    token->text = s->text + start;
    token->length = s->at - start;
    return true;
}

/* true, false, null and, when lenient, the three special numbers. */
static bool scan_word(JsonScan *s, ScanToken *token, Err *err)
{
    static const struct {
        const char *word;
        ScanKind kind;
    } words[] = {{"true", SCAN_TRUE},   {"false", SCAN_FALSE},      {"null", SCAN_NULL},
                 {"NaN", SCAN_SPECIAL}, {"Infinity", SCAN_SPECIAL}, {"-Infinity", SCAN_SPECIAL}};
    const char *start = s->text + s->at;
    size_t length = *start == '-';
    while (length < s->size - s->at &&
           ((start[length] >= 'a' && start[length] <= 'z') ||
            (start[length] >= 'A' && start[length] <= 'Z') || start[length] == '_'))
        length++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i].word) != length || memcmp(words[i].word, start, length) != 0) continue;
        if (words[i].kind == SCAN_SPECIAL && !s->lenient)
            return json_scan_error(s, start, err, "%s is not a JSON number", words[i].word);
        token->kind = words[i].kind;
        token->text = start;
        token->length = length;
        s->at += length;
        return true;
    }
    if (length == 0) return unexpected(s, "a value", err);
    return json_scan_error(s, start, err,
                           "unexpected word %.*s (write texts in double quotes; the only words are "
                           "true, false and null)",
                           length < 40 ? (int)length : 40, start);
}

static bool scan_open(JsonScan *s, ScanToken *token, bool object, Err *err)
{
    if (s->depth == s->max_depth)
        return json_scan_error(s, s->text + s->at, err, "nested deeper than %d levels",
                               s->max_depth);
    s->in_object[++s->depth] = object;
    s->at++;
    token->kind = object ? SCAN_BEGIN_OBJECT : SCAN_BEGIN_ARRAY;
    s->state = object ? SCAN_FIRST_KEY : SCAN_FIRST_ELEMENT;
    return true;
}

static bool scan_value(JsonScan *s, ScanToken *token, Err *err)
{
    if (s->at >= s->size) return unexpected(s, "a value", err);
    char c = s->text[s->at];
    if (c == '{' || c == '[') return scan_open(s, token, c == '{', err);
    s->state = SCAN_AFTER;
    if (c == '"') {
        token->kind = SCAN_STRING;
        return scan_string(s, token, err);
    }
    bool special = c == '-' && s->at + 1 < s->size && s->text[s->at + 1] == 'I';
    if ((c == '-' && !special) || is_digit(s)) return scan_number(s, token, err);
    return scan_word(s, token, err);
}

static bool scan_key(JsonScan *s, ScanToken *token, Err *err)
{
    if (s->at >= s->size || s->text[s->at] != '"')
        return unexpected(
            s, s->state == SCAN_FIRST_KEY ? "a key in quotes or }" : "a key in quotes", err);
    token->kind = SCAN_KEY;
    if (!scan_string(s, token, err)) return false;
    skip_space(s);
    if (s->at >= s->size || s->text[s->at] != ':') return unexpected(s, ": after the key", err);
    s->at++;
    s->state = SCAN_VALUE;
    return true;
}

static bool scan_close(JsonScan *s, ScanToken *token)
{
    token->kind = s->in_object[s->depth] ? SCAN_END_OBJECT : SCAN_END_ARRAY;
    s->depth--;
    s->at++;
    s->state = SCAN_AFTER;
    return true;
}

bool json_scan_next(JsonScan *s, ScanToken *token, Err *err)
{
    *token = (ScanToken){SCAN_DONE, "", 0};
    if (s->at == 0 && s->size >= 3 && memcmp(s->text, "\xEF\xBB\xBF", 3) == 0)
        return json_scan_error(s, s->text, err,
                               "the text begins with a byte order mark; save it as plain UTF-8");
    skip_space(s);
    char c = s->at < s->size ? s->text[s->at] : '\0';
    bool object = s->in_object[s->depth];
    if (s->state == SCAN_AFTER) {
        if (s->depth == 0) return s->at == s->size || unexpected(s, "nothing after the value", err);
        if (c == (object ? '}' : ']')) return scan_close(s, token);
        if (c != ',') return unexpected(s, object ? ", or }" : ", or ]", err);
        s->at++;
        skip_space(s);
        s->state = object ? SCAN_NEXT_KEY : SCAN_VALUE;
        return object ? scan_key(s, token, err) : scan_value(s, token, err);
    }
    if (s->state == SCAN_FIRST_KEY)
        return c == '}' ? scan_close(s, token) : scan_key(s, token, err);
    if (s->state == SCAN_FIRST_ELEMENT && c == ']') return scan_close(s, token);
    return scan_value(s, token, err);
}

bool json_scan_skip(JsonScan *s, Err *err)
{
    int depth = s->depth;
    ScanToken token;
    do {
        if (!json_scan_next(s, &token, err)) return false;
    } while (s->depth > depth || token.kind == SCAN_KEY);
    return true;
}

static size_t put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (char)((length == 2 ? 0xC0 : length == 3 ? 0xE0 : 0xF0) | code);
    return length;
}

size_t json_scan_decode(const ScanToken *token, char *out)
{
    static const char letters[] = "bfnrt", controls[] = "\b\f\n\r\t";
    size_t used = 0;
    const char *p = token->text, *end = token->text + token->length;
    while (p < end) {
        if (*p != '\\') {
            out[used++] = *p++;
            continue;
        }
        if (p[1] != 'u') {
            const char *letter = strchr(letters, p[1]);
            out[used++] = letter ? controls[letter - letters] : p[1];
            p += 2;
            continue;
        }
        uint32_t code = (uint32_t)hex4(p + 2, 4);
        p += 6;
        if (code >= 0xD800 && code < 0xDC00) {
            code = 0x10000 + ((code - 0xD800) << 10) + ((uint32_t)hex4(p + 2, 4) - 0xDC00);
            p += 6;
        }
        used += put_utf8(out + used, code);
    }
    out[used] = '\0';
    return used;
}
