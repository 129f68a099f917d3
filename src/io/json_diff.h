/* The first member in which two JSON objects differ. */
#ifndef DIFFC_IO_JSON_DIFF_H
#define DIFFC_IO_JSON_DIFF_H

#include "io/json.h"

typedef struct {
    bool found;
    char key[64];
    char a[80],
        b[80]; /* the values as JSON, cut where they are long; "absent" where there is none */
} JsonDifference;

/* The texts are JSON objects. `ignored`: keys that may differ, NULL-ended, or NULL. ERR_MEMORY. */
bool json_differ(const char *a, const char *b, const char *const *ignored, JsonDifference *out,
                 Err *err);

/* `text` cut to fit, with dots at the end where something is left out. */
void json_cut(char *out, size_t size, const char *text, size_t length);

#endif
