/* What roof.h measures at one instruction set; src/math/roof_simd.c makes one table for each. */
#ifndef DIFFC_ROOF_TABLE_H
#define DIFFC_ROOF_TABLE_H

typedef struct {
    /* `rounds` multiply-adds in each of ROOF_CHAINS registers, none of which waits for another: as many as
     * hide the time that one takes. The result is of no use, but has to be used. */
    float (*multiply_adds)(long rounds);
    int lanes; /* floats of a register */
} RoofTable;

enum { ROOF_CHAINS = 12 };

extern const RoofTable roof_table_plain, roof_table_avx2, roof_table_avx512;

#endif
