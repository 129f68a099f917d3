#include "cli/html_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

void html_markup(TextBuffer *h, const char *markup)
{
    text_buffer_add(h, markup, strlen(markup));
}

void html_put(TextBuffer *h, const char *format, ...)
{
    char piece[HTML_PIECE_BYTES];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    CHECK(n >= 0 && n < HTML_PIECE_BYTES);
    text_buffer_add(h, piece, (size_t)n);
}

static const char *entity(unsigned char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void html_words(TextBuffer *h, const char *words)
{
    size_t left = strlen(words), step;
    for (const char *p = words; left > 0; p += step, left -= step) {
        int length = utf8_sequence(p, left);
        unsigned char c = (unsigned char)*p;
        bool control = (c < 0x20 && c != '\n') || c == 0x7F;
        const char *instead = length == 0 || control ? "\xEF\xBF\xBD" : entity(c);
        step = length > 0 ? (size_t)length : 1;
        if (instead)
            html_markup(h, instead);
        else
            text_buffer_add(h, p, step);
    }
}

void html_base64(TextBuffer *h, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = text_buffer_room(h, (size + 2) / 3 * 4);
    if (!out) return;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        unsigned group = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0U);
        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[group & 63] : '=';
    }
    h->size = (size_t)(out - h->text);
    *out = '\0';
}
