/* One table per command describes every option. The parser, the help, the range checks and the
 * error messages are made from it. Options are written "--name value", "--name=value" or, where a
 * row has a letter, "-x value"; "--" ends them. */
#ifndef DIFFC_CLI_OPTIONS_H
#define DIFFC_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/choice.h"
#include "base/err.h"

typedef enum {
    OPTION_FLAG,   /* --json: present or not */
    OPTION_SWITCH, /* --clip and --no-clip: integer is 1 or 0 */
    OPTION_INT,    /* integer, low <= value <= high */
    OPTION_SEED,   /* seed, any of 64 bits */
    OPTION_SEEDS,  /* two of them, "--between 3 8": `seed` and `second` */
    OPTION_REAL,   /* real, low <= value <= high */
    OPTION_TEXT,   /* text, not empty */
    OPTION_CHOICE, /* text and its index in `integer` */
} OptionType;

typedef struct {
    const char *name; /* without the dashes */
    char letter;      /* short form, 0: none */
    OptionType type;
    bool repeatable;     /* OPTION_TEXT only; at most one row of a table */
    const char *metavar; /* "PATH"; NULL: option_metavar's */
    double low, high;
    const char *const *words; /* of a choice, NULL after the last; or */
    ChoiceWord *word;         /* the same as a function, without a list */
    const char *fallback;     /* the default as it would be typed, NULL: none */
    const char *otherwise;    /* in words, what happens without the option */
    const char *group;        /* heading in the help; rows of a group stand together */
    unsigned reads; /* of an option of some protocols: LIKELIHOOD_... (diffusion/protocol.h) */
    const char *help;
} Option;
#define OPTION(title, kind, heading, ...)                                                          \
    {                                                                                              \
        .name = title, .type = OPTION_##kind, .group = heading, __VA_ARGS__                        \
    }

typedef struct {
    bool given; /* on the command line */
    int64_t integer;
    uint64_t seed, second;
    double real;
    const char *text;
} OptionValue;

typedef struct {
    OptionValue *values; /* in the order of the table */
    const char **words;  /* what is not an option; NULL after the last */
    int word_count;
    const char **repeated; /* values of the repeatable option in order */
    int repeated_count;
    bool help; /* --help was met; nothing after it was read */
} Arguments;

typedef struct {
    const char *name;
    const char *summary; /* one line, no full stop */
    const char *words;   /* "CONFIG.json", "[CONFIG.json]", "PATH", "" */
    int words_min, words_max;
    const char *examples[2];
    const Option *options; /* ended by a row whose name is NULL */
    const char *notes;     /* after the options, or NULL */
    /* More help, such as the configuration keys; may be NULL. */
    void (*more_help)(FILE *out);
    bool (*run)(const Arguments *arguments, Err *err);
    /* The processes of mpirun share its work (base/world.h); else process 0 does it alone. */
    bool shared;
} Command;

/* ChoiceWord of an Option that is a choice. */
const char *option_word(const void *option, int index);
/* What stands for its value: N for a whole number, X for any, KIND for a word. NULL: it has none. */
const char *option_metavar(const Option *o);
/* "1 to 4096", of a number */
enum { OPTION_RANGE_BYTES = 80 };
const char *option_range(const Option *o, char out[OPTION_RANGE_BYTES]);
/* What the help says of it, with its range, words and default. Cut to size. */
enum { OPTION_TEXT_BYTES = 1024 };
void option_text(const Option *o, char *out, size_t size);
/* --help, which stands in no table. */
extern const Option option_help;

/* Reads argv[0 .. argc-1] (without program and command). Messages are ERR_USAGE sentences. On
 * success arguments_free releases what was allocated; the texts point into argv. */
bool options_parse(const Command *command, int argc, char **argv, Arguments *out, Err *err);
void arguments_free(Arguments *arguments);

/* The whole help of one command. */
void options_help(const Command *command, FILE *out);

/* Writes text at `column`, continued at the same column, at most 80 wide; `at` is where the line
 * stands now. Used for all help. */
void help_wrap(FILE *out, int at, int column, const char *text);

#endif
