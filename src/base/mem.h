/* Memory: 64-byte aligned, zeroed, checked for overflow, and sealable. After mem_seal an
 * allocation through this file is a bug that stops the program: a training step and a sampling
 * step allocate nothing. */
#ifndef DIFFC_MEM_H
#define DIFFC_MEM_H

#include <stddef.h>

/* count * size zeroed bytes, 64-byte aligned; NULL when the product overflows, memory is short, or a large block
 * exceeds what the machine or the control group has free.
 * A size of zero gives a valid pointer. Free with mem_free. */
void *mem_alloc(size_t count, size_t size);
float *mem_floats(size_t count);
double *mem_doubles(size_t count);
void mem_free(void *block);

/* Room for one more item of `size` bytes behind the `count` of a list (NULL: none yet), whose room is doubled
 * where it is full. Returns the list, to be freed with free; NULL: no memory, and the list stays. Lists may
 * grow under a seal. */
void *mem_room(void *list, size_t count, size_t *room, size_t size);

/* Floats rounded up to whole lines of 64 bytes: what follows them in a block is aligned as it is. */
static inline size_t mem_whole_lines(size_t floats)
{
    return (floats + 15) / 16 * 16;
}

/* From here on mem_alloc aborts and names `phase`; NULL lifts the seal. */
void mem_seal(const char *phase);

/* The largest resident size of this process so far, in bytes; 0 where the system does not say. */
size_t mem_peak_bytes(void);

/* From here on mem_peak_bytes leaves out what was freed before, where the system can do so (Linux). */
void mem_forget_peak(void);

#endif
