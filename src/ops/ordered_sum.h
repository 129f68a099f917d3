/* Sums over all rows of a batch, made in parallel with a fixed order: the rows are cut into slots
 * whose number depends on the shape only, each slot is summed on its own, and the slots are added
 * in order. Private to src/ops. */
#ifndef DIFFC_ORDERED_SUM_H
#define DIFFC_ORDERED_SUM_H

#include <stddef.h>

/* Slots for a weight gradient of `weights` values over `rows` rows: enough rows in each that
 * adding up the slots costs little (3 % at 1024), few enough that they fit in 16 MiB. */
int ordered_sum_slots(size_t rows, size_t weights);

/* The first row of a slot; slot = slots gives rows. */
size_t ordered_sum_begin(size_t rows, int slots, int slot);

/* sum[i] += parts[0][i] + parts[1][i] + ..., parts being [slots][n]. */
void ordered_sum_add(float *sum, const float *parts, int slots, size_t n);

/* db[k] += sum over rows of dy[row,k], in double; dy [rows,K]. */
size_t ordered_sum_columns_scratch_floats(size_t rows, int K);
void ordered_sum_columns(float *db, const float *dy, size_t rows, int K, float *scratch);

/* The next 64-byte boundary: callers of an op may hand any float pointer as scratch. Sizes made
 * with ORDERED_SUM_ALIGN leave room for it. */
float *ordered_sum_align(float *scratch);
enum { ORDERED_SUM_ALIGN = 16 }; /* floats */

#endif
