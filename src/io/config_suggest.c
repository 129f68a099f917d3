#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config_fields.h"
#include "diffc/text.h"

enum { WORD = 40 };

/* Lower case without separators, so that learningRate, learning-rate and learning_rate are one. */
static void normalize(const char *text, size_t length, char out[WORD])
{
    size_t used = 0;
    for (size_t i = 0; i < length && used + 1 < WORD; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c != '_' && c != '-' && c != ' ') out[used++] = (char)tolower(c);
    }
    out[used] = '\0';
}

/* `word` is one of the space-separated words. */
static bool among(const char *word, const char *words)
{
    while (*words) {
        size_t length = strcspn(words, " ");
        char other[WORD];
        normalize(words, length, other);
        if (strcmp(word, other) == 0) return true;
        words += length;
        while (*words == ' ') words++;
    }
    return false;
}

/* The field whose name or alias is `word`; section NULL: anywhere. */
static const Field *named_field(const char *section, const char *word)
{
    for (const Field *f = config_fields; f->key; f++) {
        char key[WORD];
        normalize(f->key, strlen(f->key), key);
        if ((!section || strcmp(f->section, section) == 0) &&
            (strcmp(word, key) == 0 || among(word, f->aliases)))
            return f;
    }
    return NULL;
}

const Field *config_alias(const char *section, const char *name)
{
    char word[WORD];
    normalize(name, strlen(name), word);
    return named_field(section, word);
}

/* The field that is spelt most alike, when it is near enough to be meant. */
static const Field *similar_field(const char *section, const char *word)
{
    int limit = ((int)strlen(word) + 1) / 3, best = (limit > 1 ? limit : 1) + 1;
    const Field *found = NULL;
    for (const Field *f = config_fields; f->key; f++) {
        if (section && strcmp(f->section, section) != 0) continue;
        char key[WORD];
        normalize(f->key, strlen(f->key), key);
        int d = text_distance(word, key);
        if (d >= best) continue;
        best = d;
        found = f;
    }
    return found;
}

/* section NULL: not known. A right name in another section is a likelier slip than a typing error. */
static const Field *nearest_field(const char *section, const char *word)
{
    const Field *f = section ? named_field(section, word) : NULL;
    if (!f) f = named_field(NULL, word);
    if (!f && section) f = similar_field(section, word);
    return f ? f : similar_field(NULL, word);
}

static const char *nearest_section(const char *word)
{
    static const char *const aliases[] = {"dataset images input", "network unet net architecture",
                                          "diffusion scheduler process noise",
                                          "training trainer optimizer optim",
                                          "sampling sampler samples generation inference"};
    for (int i = 0; config_sections[i]; i++)
        if (among(word, aliases[i]) || text_distance(word, config_sections[i]) <= 2)
            return config_sections[i];
    return NULL;
}

static bool is_section(const char *section)
{
    for (int i = 0; config_sections[i]; i++)
        if (strcmp(section, config_sections[i]) == 0) return true;
    return false;
}

/* The sections, or the keys of one of them, separated by commas. */
static void list_known(const char *section, char *out, size_t size)
{
    int n = section ? snprintf(out, size, "known keys of %s: ", section)
                    : snprintf(out, size, "known sections: ");
    size_t used = n > 0 ? (size_t)n : 0;
    const char *join = "";
    for (int i = 0; !section && config_sections[i] && used < size; i++, join = ", ") {
        n = snprintf(out + used, size - used, "%s%s", join, config_sections[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    for (const Field *f = config_fields; section && f->key && used < size; f++) {
        if (strcmp(f->section, section) != 0) continue;
        n = snprintf(out + used, size - used, "%s%s", join, f->key);
        used += n > 0 ? (size_t)n : 0;
        join = ", ";
    }
}

void config_suggest(const char *section, const char *key, char *out, size_t size)
{
    char word[WORD];
    normalize(section, strlen(section), word);
    const char *title = is_section(section) ? section : nearest_section(word);
    if (!key && title) {
        snprintf(out, size, "did you mean %s?", title);
        return;
    }
    if (key) normalize(key, strlen(key), word);
    const Field *f = nearest_field(title, word);
    if (f)
        snprintf(out, size, "did you mean %s.%s?", f->section, f->key);
    else
        list_known(title, out, size);
}
