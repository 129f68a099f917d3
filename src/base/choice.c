#include "base/choice.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

const char *choice_word(const void *words, int index)
{
    return ((const char *const *)words)[index];
}

int choice_find(ChoiceWord *at, const void *list, const char *word)
{
    for (int i = 0; at(list, i); i++)
        if (strcmp(at(list, i), word) == 0) return i;
    return -1;
}

void choice_list(ChoiceWord *at, const void *list, const char *last, const char *quote, char *out,
                 size_t size)
{
    char word[TEXT_DISTANCE_BYTES + 2];
    out[0] = '\0';
    for (int i = 0; at(list, i); i++) {
        snprintf(word, sizeof word, "%s%s%s", quote, at(list, i), quote);
        text_add(out, size, at(list, i + 1) ? ", " : last, word);
    }
}

/* How far a slip is from a name, both normalized; INT_MAX when it is not near. */
static int slip_distance(const char *word, const char *name)
{
    enum { SHORTEST_BEGINNING = 3 };
    int distance = text_distance(word, name);
    size_t n = strlen(word), m = strlen(name), common = n < m ? n : m;
    bool beginning = common >= SHORTEST_BEGINNING && memcmp(word, name, common) == 0;
    return beginning || distance <= 1 + (int)m / 4 ? distance : INT_MAX;
}

const char *choice_nearest(ChoiceWord *at, const void *list, const char *word)
{
    char wanted[TEXT_DISTANCE_BYTES], candidate[TEXT_DISTANCE_BYTES];
    const char *best = NULL;
    int least = INT_MAX;
    text_normalize(wanted, sizeof wanted, word);
    for (int i = 0; at(list, i); i++) {
        text_normalize(candidate, sizeof candidate, at(list, i));
        int distance = slip_distance(wanted, candidate);
        if (distance >= least) continue;
        least = distance;
        best = at(list, i);
    }
    return best;
}

void choice_hint(ChoiceWord *at, const void *list, const char *dashes, const char *word, char *out,
                 size_t size)
{
    const char *near = choice_nearest(at, list, word);
    out[0] = '\0';
    if (near) snprintf(out, size, "; did you mean '%s%s'?", dashes, near);
}
