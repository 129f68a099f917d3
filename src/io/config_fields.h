/* The table of all configuration keys, and the words made from it. */
#ifndef DIFFC_IO_CONFIG_FIELDS_H
#define DIFFC_IO_CONFIG_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "io/config.h"
#include "io/json.h"

/* 2^53 - 1: JSON numbers above it may have lost digits, so such seeds stand as strings. */
#define CONFIG_SAFE_INTEGER 9007199254740991ull

typedef enum {
    FIELD_INT,     /* int */
    FIELD_INT64,   /* int64_t */
    FIELD_SEED,    /* uint64_t: a number up to 2^53 - 1 or a string of digits */
    FIELD_NUMBER,  /* double */
    FIELD_BOOL,    /* bool */
    FIELD_CHOICE,  /* enum whose value is the place in `choices` */
    FIELD_TEXT,    /* char[size] */
    FIELD_SIZE,    /* int[2]: N or [height, width] */
    FIELD_INTS,    /* int[], its length at count_offset */
    FIELD_NUMBERS, /* double *, its length at count_offset */
} FieldType;

/* A key that is read only where another key of its section has some values: bits of a choice, or of
 * false (1) and true (2). */
typedef struct {
    const char *key;
    unsigned values;
    const char *reason;
} FieldCondition;

typedef struct {
    const char *section, *key;
    FieldType type;
    size_t offset, size; /* of the member in Config */
    size_t count_offset; /* lists: their length */
    double min, max;     /* of the value, or of each element */
    bool open_min, open_max;
    int least, most; /* elements of a list; most of a choice: it is one of the first so many */
    bool automatic;  /* the string "auto" stands for automatic_value, which the range has not */
    int automatic_value;
    bool identity; /* config_is_identity, for a key of a section that may otherwise change */
    unsigned
        group; /* KEYS_... (methods/method_config.h) of a key that not every method reads; 0: all do */
    const FieldCondition *condition; /* NULL: none */
    const char *limit;               /* the key of its section that limits it; NULL: none */
    const char *why;                 /* the end of the sentence that says so */
    bool strict;                     /* it must be below, not only at most */
    const char *const *choices;
    const char *standard; /* the default, as it would stand in the file */
    const char *help;
    const char *aliases; /* names that people write instead, for suggestions only */
} Field;

extern const Field config_fields[]; /* ended by an entry without key */
extern const char *const config_sections[];

/* Field of a section and key (`length` characters of section), NULL when there is none. */
const Field *config_find(const char *section, size_t length, const char *key);

/* ChoiceWord of a Field with choices: those that may be chosen. */
const char *config_word(const void *field, int index);

/* What the method of a configuration has told of itself. */
const MethodSettings *config_method(const Config *c);

/* Whether the key says what a run is: every key of "model" and "method", and the rows marked so.
 * Resuming cannot change such a key. */
bool config_is_identity(const Field *f);

/* Whether the other key that a key depends on has such a value in a resolved configuration. */
bool config_condition_holds(const Config *c, const Field *f);

/* The value of a key that is one number, a bool or a choice; and whether it is left to the program. */
double config_number(const Config *c, const Field *f);
bool config_is_automatic(const Config *c, const Field *f);

/* The value as JSON, cut to size; "?" when memory is short. */
void config_show(const Config *c, const Field *f, char *out, size_t size);
/* What config_put has written, over what *c holds (as config_parse). */
bool config_read(Config *c, const Json *root, const char *name, Err *err);

/* "in 0..1", "above 0 and at most 10", "of at least 0 and below 1" */
enum { RANGE_BYTES = 80 };
void range_words(char out[RANGE_BYTES], double low, double high, bool open_low, bool open_high);
/* "an integer in 1..4096", "\"auto\" or a number above 0 ...": what a value, or one element of a list, must be. */
void config_expected(const Field *f, bool element, char *out, size_t size);

/* The rest of the sentence about an unknown key: "did you mean train.lr?" or the known keys of the
 * section. An unknown section is looked up with key NULL. */
void config_suggest(const char *section, const char *key, char *out, size_t size);

/* Keys that method.recipe has replaced. The rest of the sentence about one; false: it is none. Whether a
 * section has them all, as older versions wrote them; and the recipe that has their values, into c, which
 * has the section's other keys. ERR_USAGE where no recipe has them, with the key and its value. */
bool config_removed(const char *section, const char *key, char *out, size_t size);
bool config_has_removed(const Json *section);
bool config_migrate(Config *c, const Json *method, const char *name, Err *err);

/* "model.groups" for "norm_num_groups": the key of `section` (NULL: of any) that has this name or alias.
 * NULL: none. */
const Field *config_alias(const char *section, const char *name);

#endif
