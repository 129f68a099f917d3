#include "base/choice.h"

#include <ctype.h>
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

/* The fewest letters that may stand for a whole name. */
enum { SHORTEST_PART = 3 };

/* A typing error costs 4. Where the word is only a beginning of the name, or the name of the word, it costs 3 less; a
 * part of the name costs 2 more. */
enum { ERROR_COST = 4, BEGINNING_LESS = 3, PART_MORE = 2 };

/* What it costs to take the word for the name, both normalized; INT_MAX when they are not near. */
static int slip_cost(const char *word, const char *name)
{
    int distance = text_distance(word, name);
    return distance <= 1 + (int)strlen(name) / 4 ? ERROR_COST * distance : INT_MAX;
}

/* The same; a beginning is near too. */
static int whole_cost(const char *word, const char *name)
{
    int distance = text_distance(word, name);
    size_t n = strlen(word), m = strlen(name), common = n < m ? n : m;
    bool beginning = common >= SHORTEST_PART && memcmp(word, name, common) == 0;
    if (beginning && distance > 0 && distance < INT_MAX)
        return ERROR_COST * distance - BEGINNING_LESS;
    return slip_cost(word, name);
}

/* What it costs to take the word for the first `bytes` bytes of a name, which is not normalized. */
static int part_cost(const char *word, const char *name, size_t bytes)
{
    char own[TEXT_DISTANCE_BYTES], part[TEXT_DISTANCE_BYTES];
    snprintf(own, sizeof own, "%.*s", (int)bytes, name);
    text_normalize(part, sizeof part, own);
    int cost = strlen(part) < SHORTEST_PART ? INT_MAX : slip_cost(word, part);
    return cost < INT_MAX ? cost + PART_MORE : cost;
}

/* Whether a word of the name begins or ends beside this byte. */
static bool is_edge(const char *name, size_t at)
{
    return name[at] == '\0' || name[at] == ' ' || ispunct((unsigned char)name[at]);
}

/* The least cost of the whole name and of its parts. */
static int name_cost(const char *word, const char *name)
{
    char whole[TEXT_DISTANCE_BYTES];
    size_t length = strlen(name);
    text_normalize(whole, sizeof whole, name);
    int least = whole_cost(word, whole);
    if (length >= sizeof whole) return least;
    for (size_t from = 0; from < length; from++)
        for (size_t to = from + SHORTEST_PART; to <= length; to++) {
            bool words = (from == 0 || is_edge(name, from - 1)) && is_edge(name, to);
            int part = words ? part_cost(word, name + from, to - from) : INT_MAX;
            if (part < least) least = part;
        }
    return least;
}

const char *choice_nearest(ChoiceWord *at, const void *list, const char *word)
{
    char wanted[TEXT_DISTANCE_BYTES];
    const char *best = NULL;
    int least = INT_MAX;
    text_normalize(wanted, sizeof wanted, word);
    for (int i = 0; at(list, i); i++) {
        int cost = name_cost(wanted, at(list, i));
        if (cost >= least) continue;
        least = cost;
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
