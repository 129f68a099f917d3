/* Choices: how a word is found in a list, listed, and suggested for a slip. */
#ifndef DIFFC_CHOICE_H
#define DIFFC_CHOICE_H

#include <stddef.h>

/* Word `index` of a list, NULL after the last. */
typedef const char *ChoiceWord(const void *list, int index);
/* The words of an enum: an array beside it, in its order, with NULL after the last. */
const char *choice_word(const void *words, int index);

/* The place of `word` in the list, -1 when it is not there. */
int choice_find(ChoiceWord *at, const void *list, const char *word);

/* "a, b or c", with `last` (" or ") before the last word, and with each word in `quote`s. Cut to size. */
void choice_list(ChoiceWord *at, const void *list, const char *last, const char *quote, char *out,
                 size_t size);

/* The word that was probably meant; NULL when none is close. A word is close if it differs only in case,
 * spaces and punctuation, if one is the beginning of the other (three letters at least), or if it differs by
 * one typing error and one more for every four letters; or if a part of it does, one or more of its words that follow
 * each other (three letters at least): "boot" of "ankle boot". Of those the nearest is taken, and of equally near ones
 * the first; a word that is only longer or shorter counts as nearer, a part as less near. */
const char *choice_nearest(ChoiceWord *at, const void *list, const char *word);

/* "; did you mean 'x'?", with `dashes` before the word, or nothing. */
void choice_hint(ChoiceWord *at, const void *list, const char *dashes, const char *word, char *out,
                 size_t size);

#endif
