/* HTML in a growing text. What comes from files goes through html_words alone, which escapes it. */
#ifndef DIFFC_CLI_HTML_TEXT_H
#define DIFFC_CLI_HTML_TEXT_H

#include "base/text_buffer.h"

/* Markup, as it is. A piece has at most HTML_PIECE_BYTES. */
enum { HTML_PIECE_BYTES = 2048 };
void html_put(TextBuffer *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same without a format and of any length. */
void html_markup(TextBuffer *h, const char *markup);

/* Text in an element or in a quoted attribute: < > & " ' as entities; control bytes and broken UTF-8 as the
 * replacement character. */
void html_words(TextBuffer *h, const char *words);

/* Bytes in base 64. */
void html_base64(TextBuffer *h, const unsigned char *bytes, size_t size);

#endif
