/* Words: shown safely, and compared as a reader would. */
#ifndef DIFFC_TEXT_H
#define DIFFC_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Copies text for a message: control bytes and broken UTF-8 become \xNN, cut to size. */
void text_escape(char *out, size_t size, const char *text);

/* Length of the valid UTF-8 sequence at text, of which `left` bytes may be read; 0: none. */
int utf8_sequence(const char *text, size_t left);

bool text_ends(const char *text, const char *end);

/* Appends to a text in a buffer of `size` bytes. Cut to size. */
void text_append(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends a word to a list, with `between` unless the list is empty. Cut to size. */
void text_add(char *list, size_t size, const char *between, const char *word);

/* Copies a word as a shell takes it: in single quotes where it holds more than letters, digits and
 * ./_-+=:,@% . Cut to size. */
void text_shell_word(char *out, size_t size, const char *word);

/* How many typing errors lie between two words of at most TEXT_DISTANCE_BYTES: characters put in,
 * left out or changed, and swaps of neighbours, cost one each (optimal string alignment). INT_MAX
 * for longer ones. */
enum { TEXT_DISTANCE_BYTES = 64 };
int text_distance(const char *a, const char *b);

/* Which of two words comes first, below 0 for a, as a person sorts them: digits that stand together are a number, so
 * "2" comes before "10"; everything else by bytes. 0 for equal words alone. */
int text_natural_order(const char *a, const char *b);

/* Lower case without spaces and punctuation, cut to size: the form in which choice_nearest compares. */
void text_normalize(char *out, size_t size, const char *text);

#endif
