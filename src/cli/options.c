#include "cli/options.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/fsio.h"
#include "base/mem.h"
#include "base/text.h"

enum { SHOWN_BYTES = 160 };

/* --help stands in no table. */
static const char *option_name(const void *context, int index)
{
    const Option *options = context;
    for (int i = 0; i < index; i++)
        if (!options[i].name) return NULL;
    return options[index].name ? options[index].name : "help";
}

const char *option_word(const void *option, int index)
{
    const Option *o = option;
    return o->words ? o->words[index] : o->word(NULL, index);
}

const char *option_range(const Option *o, char out[OPTION_RANGE_BYTES])
{
    snprintf(out, OPTION_RANGE_BYTES, "%.15g to %.15g", o->low, o->high);
    return out;
}

static bool not_a_number(const Option *o, const char *shown, Err *err)
{
    char range[OPTION_RANGE_BYTES];
    return err_set(err, ERR_USAGE, "--%s is '%s'; it must be a %s from %s", o->name, shown,
                   o->type == OPTION_REAL ? "number" : "whole number", option_range(o, range));
}

static bool parse_number(const Option *o, const char *text, const char *shown, OptionValue *v,
                         Err *err)
{
    char *end = NULL;
    double value;
    errno = 0;
    /* strtod also takes leading space, hexadecimal, "inf" and "nan": none of them is a number
     * here. */
    if (strspn(text, "0123456789+-.eE") != strlen(text)) return not_a_number(o, shown, err);
    if (o->type == OPTION_REAL) {
        v->real = value = strtod(text, &end);
    } else {
        v->integer = strtoll(text, &end, 10);
        value = (double)v->integer;
    }
    /* A real that underflows is as good as zero; one that overflows is not finite. */
    bool overflow = errno == ERANGE && (o->type == OPTION_INT || !isfinite(value));
    if (end == text || *end || overflow || !(value >= o->low && value <= o->high))
        return not_a_number(o, shown, err);
    return true;
}

static bool parse_seed(const Option *o, const char *text, const char *shown, uint64_t *seed,
                       Err *err)
{
    char *end = NULL;
    errno = 0;
    *seed = strtoull(text, &end, 10);
    if (!*text || text[strspn(text, "0123456789")] || errno == ERANGE) {
        return err_set(err, ERR_USAGE, "--%s is '%s'; it must be a whole number from 0 to %llu",
                       o->name, shown, ULLONG_MAX);
    }
    return true;
}

static bool parse_choice(const Option *o, const char *text, const char *shown, OptionValue *v,
                         Err *err)
{
    char names[512], hint[80];
    int found = choice_find(option_word, o, text);
    if (found >= 0) {
        v->integer = found;
        v->text = option_word(o, found);
        return true;
    }
    choice_list(option_word, o, " or ", "", names, sizeof names);
    choice_hint(option_word, o, "", text, hint, sizeof hint);
    return err_set(err, ERR_USAGE, "--%s is '%s'; it must be %s%s", o->name, shown, names, hint);
}

static bool parse_value(const Option *o, const char *text, OptionValue *v, Err *err)
{
    char shown[SHOWN_BYTES];
    text_escape(shown, sizeof shown, text);
    switch (o->type) {
    case OPTION_FLAG:
    case OPTION_SWITCH:
        break;
    case OPTION_INT:
    case OPTION_REAL:
        return parse_number(o, text, shown, v, err);
    case OPTION_SEED:
    case OPTION_SEEDS:
        return parse_seed(o, text, shown, &v->seed, err);
    case OPTION_CHOICE:
        return parse_choice(o, text, shown, v, err);
    case OPTION_TEXT:
        if (!*text) return err_set(err, ERR_USAGE, "--%s must not be empty", o->name);
        v->text = text;
        return true;
    }
    CHECK(!"a value for an option that takes none");
    return false;
}

/* The row that `name` (of `length` bytes) means, -1 for none; *off is set for "no-NAME". */
static int find_option(const Option *options, const char *name, size_t length, bool *off)
{
    *off = false;
    for (int i = 0; options[i].name; i++) {
        const char *own = options[i].name;
        if (strlen(own) == length && memcmp(own, name, length) == 0) return i;
        if (options[i].type == OPTION_SWITCH && length > 3 && memcmp(name, "no-", 3) == 0 &&
            strlen(own) == length - 3 && memcmp(own, name + 3, length - 3) == 0) {
            *off = true;
            return i;
        }
    }
    return -1;
}

static bool unknown_option(const Command *command, const char *word, size_t length, Err *err)
{
    char name[SHOWN_BYTES], shown[SHOWN_BYTES], hint[80];
    snprintf(name, sizeof name, "%.*s", (int)(length < SHOWN_BYTES ? length : SHOWN_BYTES), word);
    text_escape(shown, sizeof shown, name);
    choice_hint(option_name, command->options, "--", name + strspn(name, "-"), hint, sizeof hint);
    return err_set(err, ERR_USAGE, "unknown option '%s'%s", shown, hint);
}

static bool looks_like_option(const Command *command, const char *word)
{
    bool off;
    if (strncmp(word, "--", 2) != 0) return false;
    return find_option(command->options, word + 2, strcspn(word + 2, "="), &off) >= 0;
}

const char *option_metavar(const Option *o)
{
    static const char *const of_types[] = {
        [OPTION_INT] = "N",  [OPTION_SEED] = "N",    [OPTION_SEEDS] = "A B",
        [OPTION_REAL] = "X", [OPTION_TEXT] = "TEXT", [OPTION_CHOICE] = "KIND"};
    return o->metavar ? o->metavar : of_types[o->type];
}

typedef struct {
    const Command *command;
    int argc, at;
    char **argv;
    Arguments *out;
} Reader;

static bool no_value(const Option *o, Err *err)
{
    return err_set(err, ERR_USAGE, "--%s needs %s: --%s %s", o->name,
                   o->type == OPTION_SEEDS ? "two values" : "a value", o->name, option_metavar(o));
}

static bool value_follows(const Reader *r)
{
    return r->at < r->argc && !looks_like_option(r->command, r->argv[r->at]);
}

static bool take_second(Reader *r, const Option *o, OptionValue *v, Err *err)
{
    char shown[SHOWN_BYTES];
    if (!value_follows(r)) return no_value(o, err);
    const char *text = r->argv[r->at++];
    text_escape(shown, sizeof shown, text);
    return parse_seed(o, text, shown, &v->second, err);
}

/* Takes the option in row `row`, whose value is `attached` or the next word. */
static bool take_option(Reader *r, int row, bool off, const char *attached, Err *err)
{
    const Option *o = &r->command->options[row];
    OptionValue *v = &r->out->values[row];
    if (v->given && !o->repeatable)
        return err_set(err, ERR_USAGE, "--%s is given twice; once is enough", o->name);
    v->given = true;
    if (o->type == OPTION_FLAG || o->type == OPTION_SWITCH) {
        if (attached)
            return err_set(err, ERR_USAGE, "--%s%s takes no value", off ? "no-" : "", o->name);
        v->integer = !off;
        return true;
    }
    const char *text = attached;
    if (!text) {
        if (!value_follows(r)) return no_value(o, err);
        text = r->argv[r->at++];
    }
    if (!parse_value(o, text, v, err)) return false;
    if (o->type == OPTION_SEEDS && !take_second(r, o, v, err)) return false;
    if (o->repeatable) r->out->repeated[r->out->repeated_count++] = text;
    return true;
}

static bool take_word(Reader *r, const char *word, bool only_words, Err *err)
{
    const Option *options = r->command->options;
    if (only_words || word[0] != '-' || !word[1]) {
        r->out->words[r->out->word_count++] = word;
        return true;
    }
    if (word[1] == '-') {
        size_t length = strcspn(word + 2, "=");
        bool off;
        int row = find_option(options, word + 2, length, &off);
        if (row < 0) return unknown_option(r->command, word, length + 2, err);
        return take_option(r, row, off, word[2 + length] ? word + 3 + length : NULL, err);
    }
    /* "-out x.png" would write a file named "ut". */
    bool off;
    if (find_option(options, word + 1, strcspn(word + 1, "="), &off) >= 0 && word[2])
        return unknown_option(r->command, word, strcspn(word, "="), err);
    for (int i = 0; options[i].name; i++) {
        if (options[i].letter == word[1] && (!word[2] || option_metavar(&options[i])))
            return take_option(r, i, false, word[2] ? word + 2 : NULL, err);
    }
    return unknown_option(r->command, word, strlen(word), err);
}

/* The run or model folder that a word names, in `folder` (PATH_BYTES): itself or one under runs/. */
static bool names_model(const char *word, char *folder)
{
    snprintf(folder, PATH_BYTES, "%s", word);
    return path_is_folder(word) ||
           (!strchr(word, '/') && path_join(folder, "runs", word, NULL) && path_is_folder(folder));
}

/* A folder among the words of a command with --model was meant for it, unless such a word may name one. */
static void suggest_model(const Command *command, const Arguments *a, char *out, size_t size)
{
    char folder[PATH_BYTES], shown[SHOWN_BYTES];
    bool off;
    out[0] = '\0';
    if (command->words[0] == '[' || find_option(command->options, "model", 5, &off) < 0) return;
    for (int i = 0; i < a->word_count; i++) {
        if (!names_model(a->words[i], folder)) continue;
        text_escape(shown, sizeof shown, folder);
        snprintf(out, size, "; did you mean --model %s?", shown);
        return;
    }
}

static bool surplus_word(const Command *command, const Arguments *a, Err *err)
{
    char shown[SHOWN_BYTES], takes[80], hint[SHOWN_BYTES + 40];
    text_escape(shown, sizeof shown, a->words[command->words_max]);
    /* "one CONFIG.json" of "[CONFIG.json]", the first of what can be given */
    const char *first = command->words + strspn(command->words, "[");
    snprintf(takes, sizeof takes, "one %.*s", (int)strcspn(first, " ]"), first);
    suggest_model(command, a, hint, sizeof hint);
    return err_set(err, ERR_USAGE, "unexpected argument '%s': %s takes %s%s", shown, command->name,
                   *command->words ? takes : "options only", hint);
}

static bool check_words(const Command *command, const Arguments *a, Err *err)
{
    if (a->word_count < command->words_min)
        return err_set(err, ERR_USAGE, "%s is missing", command->words);
    return a->word_count <= command->words_max || surplus_word(command, a, err);
}

bool options_parse(const Command *command, int argc, char **argv, Arguments *out, Err *err)
{
    size_t rows = 0;
    while (command->options[rows].name) rows++;
    *out = (Arguments){.values = mem_alloc(rows + 1, sizeof *out->values),
                       .words = mem_alloc((size_t)argc + 1, sizeof *out->words),
                       .repeated = mem_alloc((size_t)argc + 1, sizeof *out->repeated)};
    if (!out->values || !out->words || !out->repeated) {
        arguments_free(out);
        return err_set(err, ERR_MEMORY, "not enough memory for %d arguments", argc);
    }
    for (size_t i = 0; i < rows; i++) {
        const Option *o = &command->options[i];
        if (o->fallback) CHECK(parse_value(o, o->fallback, &out->values[i], NULL));
    }
    Reader r = {.command = command, .argc = argc, .argv = argv, .out = out};
    bool only_words = false;
    while (r.at < argc) {
        const char *word = argv[r.at++];
        if (!only_words && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            out->help = true;
            return true;
        }
        if (!only_words && strcmp(word, "--") == 0) {
            only_words = true;
        } else if (!take_word(&r, word, only_words, err)) {
            arguments_free(out);
            return false;
        }
    }
    if (check_words(command, out, err)) return true;
    arguments_free(out);
    return false;
}

void arguments_free(Arguments *arguments)
{
    mem_free(arguments->values);
    mem_free(arguments->words);
    mem_free(arguments->repeated);
    *arguments = (Arguments){0};
}
