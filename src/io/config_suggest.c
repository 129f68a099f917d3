#include <stdio.h>
#include <string.h>

#include "base/choice.h"
#include "base/text.h"
#include "io/config_fields.h"

enum { WORD = 40 };

/* `word` is one of the space-separated words. */
static bool among(const char *word, const char *words)
{
    while (*words) {
        size_t length = strcspn(words, " ");
        char one[WORD], other[WORD];
        snprintf(one, sizeof one, "%.*s", (int)length, words);
        text_normalize(other, sizeof other, one);
        if (strcmp(word, other) == 0) return true;
        words += length;
        while (*words == ' ') words++;
    }
    return false;
}

const Field *config_alias(const char *section, const char *name)
{
    char word[WORD], key[WORD];
    text_normalize(word, sizeof word, name);
    for (const Field *f = config_fields; f->key; f++) {
        text_normalize(key, sizeof key, f->key);
        if ((!section || strcmp(f->section, section) == 0) &&
            (strcmp(word, key) == 0 || among(word, f->aliases)))
            return f;
    }
    return NULL;
}

/* The keys of a section (context NULL: of all), in the order of the table. */
static const char *key_name(const void *context, int index)
{
    for (const Field *f = config_fields; f->key; f++)
        if ((!context || strcmp(f->section, context) == 0) && index-- == 0) return f->key;
    return NULL;
}

/* The field that was probably meant; section NULL: not known. A right name in another section is a
 * likelier slip than a typing error. */
static const Field *nearest_field(const char *section, const char *name)
{
    const Field *f = section ? config_alias(section, name) : NULL;
    if (f || (f = config_alias(NULL, name))) return f;
    const char *key = choice_nearest(key_name, section, name);
    if (!key && section) key = choice_nearest(key_name, section = NULL, name);
    return key ? config_alias(section, key) : NULL;
}

static const char *nearest_section(const char *word)
{
    static const char *const aliases[] = {"dataset images input", "network unet net architecture",
                                          "diffusion scheduler process noise",
                                          "training trainer optimizer optim",
                                          "sampling sampler samples generation inference"};
    for (int i = 0; config_sections[i]; i++)
        if (among(word, aliases[i])) return config_sections[i];
    return choice_nearest(choice_word, config_sections, word);
}

void config_suggest(const char *section, const char *key, char *out, size_t size)
{
    char word[WORD];
    text_normalize(word, sizeof word, section);
    const char *title =
        choice_find(choice_word, config_sections, section) >= 0 ? section : nearest_section(word);
    if (!key && title) {
        snprintf(out, size, "did you mean %s?", title);
        return;
    }
    if (key && config_removed(title ? title : section, key, out, size)) return;
    const Field *f = nearest_field(title, key ? key : section);
    char known[480];
    if (f) {
        snprintf(out, size, "did you mean %s.%s?", f->section, f->key);
        return;
    }
    choice_list(title ? key_name : choice_word, title ? title : (const void *)config_sections, ", ",
                "", known, sizeof known);
    snprintf(out, size, "known %s%s: %s", title ? "keys of " : "sections", title ? title : "",
             known);
}
