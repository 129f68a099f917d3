#include "diffc/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "diffc/err.h"

enum { ALIGNMENT = 64 };

static const char *sealed_by;

void *mem_alloc(size_t count, size_t size)
{
    if (sealed_by) {
        fprintf(stderr, "diffc: internal error: allocation during %s\n", sealed_by);
        abort();
    }
    if (size != 0 && count > (SIZE_MAX - ALIGNMENT) / size) return NULL;
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes == 0) bytes = ALIGNMENT;
    void *block = aligned_alloc(ALIGNMENT, bytes);
    if (block) memset(block, 0, bytes);
    return block;
}

float *mem_floats(size_t count)
{
    return mem_alloc(count, sizeof(float));
}

double *mem_doubles(size_t count)
{
    return mem_alloc(count, sizeof(double));
}

void mem_free(void *block)
{
    free(block);
}

void mem_seal(const char *phase)
{
    sealed_by = phase;
}

size_t mem_peak_bytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
    return (size_t)usage.ru_maxrss * 1024;
}
