/* What a file is, by its first bytes: for the messages of every loader that was given another kind of
 * file than it reads. */
#ifndef DIFFC_FILE_KIND_H
#define DIFFC_FILE_KIND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* The first bytes that matter; more do no harm. */
enum { FILE_KIND_BYTES = 512 };

/* "a zip archive (unpack it first)", as it follows "is "; NULL: not recognised. The advice in the
 * brackets is for a file that stands where another kind was expected. */
const char *file_kind(const unsigned char *bytes, size_t size);

/* "PATH: is a zip archive (unpack it first), expected PNG or JPEG"; for a file that is not recognised
 * "PATH: is not PNG or JPEG (it starts with 01 02 03 04)". `expected` names what would be right. Fills err with
 * ERR_FORMAT and returns false. */
bool file_kind_refuse(const char *path, const unsigned char *bytes, size_t size,
                      const char *expected, Err *err);

#endif
