/* The error of work whose items run side by side: that of the first item that failed, whatever the order in which they
 * came to their ends. */
#ifndef DIFFC_FIRST_FAILURE_H
#define DIFFC_FIRST_FAILURE_H

#include "base/err.h"

/* Begins as {0}. */
typedef struct {
    bool failed;
    int item;
    Err err;
} FirstFailure;

/* From any thread. */
void first_failure_add(FirstFailure *f, int item, const Err *err);
/* After the work: true where nothing failed, else false with the error in *err (NULL: not wanted). */
bool first_failure_none(const FirstFailure *f, Err *err);

#endif
