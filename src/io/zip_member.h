/* Members of a zip (APPNOTE 4.3), stored or deflated. The directory at the end of the file is what counts; of the
 * member's own header only its length is read. Messages call it an .npz file. */
#ifndef DIFFC_ZIP_MEMBER_H
#define DIFFC_ZIP_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fsio.h"

typedef struct {
    const char *path;
    FileBytes file;
    const unsigned char *end; /* the end record */
} Zip;

typedef struct {
    const unsigned char *bytes;
    size_t size;
    unsigned char *inflated; /* where it is deflated */
} ZipMember;

/* Reads a file of up to 4 GiB whole. */
bool zip_open(Zip *z, const char *path, Err *err);
/* Also after a failure. */
void zip_close(Zip *z);

/* The member of this name, whose checksum is right. *found: there is one; true without one is no failure. */
bool zip_member(const Zip *z, const char *name, bool *found, ZipMember *out, Err *err);
/* Also after a failure; bytes of a stored member are the zip's. */
void zip_member_free(ZipMember *m);

bool zip_damaged(const Zip *z, const char *what, Err *err);

static inline uint32_t zip_number(const unsigned char *at, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint32_t)at[i] << 8 * i;
    return value;
}

#endif
