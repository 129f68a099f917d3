#include "ops/ordered_sum.h"

#include <stdint.h>
#include <string.h>

#include "math/vec.h"

int ordered_sum_slots(size_t rows, size_t weights)
{
    enum { ROWS = 1024, MOST = 16 };
    const size_t limit = (size_t)4 << 20; /* floats */
    size_t slots = rows / ROWS;
    if (slots > MOST) slots = MOST;
    if (slots * weights > limit) slots = limit / weights;
    return slots < 1 ? 1 : (int)slots;
}

size_t ordered_sum_begin(size_t rows, int slots, int slot)
{
    size_t each = rows / (size_t)slots, rest = rows % (size_t)slots, s = (size_t)slot;
    return s * each + (s < rest ? s : rest);
}

void ordered_sum_add(float *sum, const float *parts, int slots, size_t n)
{
    enum { BLOCK = 4096 };
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i += BLOCK) {
        size_t k = n - i < BLOCK ? n - i : BLOCK;
        for (int s = 0; s < slots; s++) vec_accumulate(sum + i, parts + (size_t)s * n + i, k);
    }
}

enum { COLUMN_ROWS = 512 };

static size_t column_slots(size_t rows)
{
    return (rows + COLUMN_ROWS - 1) / COLUMN_ROWS;
}

size_t ordered_sum_columns_scratch_floats(size_t rows, int K)
{
    return 2 * column_slots(rows) * (size_t)K + ORDERED_SUM_ALIGN;
}

void ordered_sum_columns(float *db, const float *dy, size_t rows, int K, float *scratch)
{
    double *sums = (double *)(void *)ordered_sum_align(scratch);
    size_t slots = column_slots(rows), columns = (size_t)K;
#pragma omp parallel for schedule(static)
    for (size_t s = 0; s < slots; s++) {
        size_t first = s * COLUMN_ROWS;
        size_t count = rows - first < COLUMN_ROWS ? rows - first : COLUMN_ROWS;
        double *sum = sums + s * columns;
        memset(sum, 0, columns * sizeof *sum);
        vec->column_sums(sum, dy + first * columns, count, columns, columns);
    }
    for (size_t k = 0; k < columns; k++) {
        double sum = 0;
        for (size_t s = 0; s < slots; s++) sum += sums[s * columns + k];
        db[k] += (float)sum;
    }
}

float *ordered_sum_align(float *scratch)
{
    uintptr_t at = (uintptr_t)scratch;
    return scratch + (-at & 63) / sizeof *scratch;
}
