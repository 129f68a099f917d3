/* The inner loop of dropout, compiled once per instruction set (dropout_simd.c). Private to
 * src/ops. */
#ifndef DIFFC_DROPOUT_TABLE_H
#define DIFFC_DROPOUT_TABLE_H

#include "ops/ops.h"

/* Elements whose words are drawn together, word by word: see DropoutDims. */
enum { DROPOUT_GROUP = 64 };

typedef struct {
    /* out = x * factor, or out += x * factor, for the elements first .. first+n-1 of the mask, the
     * first of which out and x point to; first is a multiple of DROPOUT_GROUP. p > 0. */
    void (*apply)(const DropoutDims *d, float *out, const float *x, bool add, size_t first,
                  size_t n);
} DropoutTable;

extern const DropoutTable dropout_table_plain, dropout_table_avx2, dropout_table_avx512;

#endif
