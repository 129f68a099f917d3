/* Choices: an enum and its words. The words stand beside the enum, in its order, NULL after the last. */
#ifndef DIFFC_CHOICE_H
#define DIFFC_CHOICE_H

/* The place of `word` in the list, -1 when it is not there. */
int choice_find(const char *const *words, const char *word);

#endif
