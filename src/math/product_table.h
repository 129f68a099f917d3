/* The kernels of product.h: src/math/product_simd.c makes one table for each instruction set, and
 * src/math/product_blas.c one for the library's.
 * The columns of B are cut into panels of PRODUCT_PANEL vectors, of which the last may have fewer;
 * packed B is [panel][k][vectors of the panel], zero beyond N; a library's is B without gaps. */
#ifndef DIFFC_PRODUCT_TABLE_H
#define DIFFC_PRODUCT_TABLE_H

#include "math/product.h"

enum { PRODUCT_PANEL = 2 };

typedef struct {
    int lanes, rows; /* floats of a vector (a library: of half a panel); most rows of a tile */
    bool library;    /* reads any B, and an element's bits follow the shape of its call */
    void (*pack)(const Product *p, float *packed, int panel);
    /* Rows and panels first .. last-1 of C. B is taken from `packed`, or where that is NULL from
     * p->b, which then must not be transposed, and N must be whole vectors. */
    void (*run)(const Product *p, const float *packed, int first_row, int last_row, int first_panel,
                int last_panel);
} ProductTable;

extern const ProductTable product_table_plain, product_table_avx2, product_table_avx512,
    product_table_blas;

#endif
