#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/err.h"
#include "base/machine.h"

_Static_assert(sizeof(size_t) == 8, "sizes of networks and files need a system of 64 bits");

enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20, LARGE_BLOCK = 256 << 20 };

static const char *sealed_by;

/* The first touch of a page of 4 KiB costs as much as clearing 10 KiB. */
static void ask_huge_pages(unsigned char *block, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    size_t skip = (HUGE_PAGE - (uintptr_t)block % HUGE_PAGE) % HUGE_PAGE;
    if (bytes < skip + HUGE_PAGE) return;
    madvise(block + skip, (bytes - skip) / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#else
    (void)block;
    (void)bytes;
#endif
}

/* The kernel promises memory that it does not have and ends the process that uses it. A block that
 * exceeds all that is free, swap included, is refused instead. */
static bool fits(size_t bytes)
{
    if (bytes < LARGE_BLOCK) return true;
    MachineMemory m = machine_memory("");
    return m.bytes == UINT64_MAX || bytes <= m.bytes + m.swap;
}

/* Zeroed by calloc, which leaves large blocks to the kernel: their pages come when they are first
 * used, by the threads that use them, and those that never are cost nothing. The pointer to free
 * stands just before the block. */
void *mem_alloc(size_t count, size_t size)
{
    if (sealed_by) {
        fprintf(stderr, "diffc: internal error: allocation during %s\n", sealed_by);
        abort();
    }
    if (size != 0 && count > (SIZE_MAX - 2 * ALIGNMENT) / size) return NULL;
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes == 0) bytes = ALIGNMENT;
    unsigned char *base = fits(bytes) ? calloc(1, bytes + ALIGNMENT) : NULL;
    if (!base) return NULL;
    unsigned char *block = base + (ALIGNMENT - (uintptr_t)base % ALIGNMENT);
    memcpy(block - sizeof base, &base, sizeof base);
    ask_huge_pages(block, bytes);
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
    if (!block) return;
    void *base;
    memcpy(&base, (unsigned char *)block - sizeof base, sizeof base);
    free(base);
}

void *mem_room(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room) return list;
    size_t more = *room ? 2 * *room : 64;
    void *grown = realloc(list, more * size);
    if (grown) *room = more;
    return grown;
}

void mem_seal(const char *phase)
{
    sealed_by = phase;
}

size_t mem_peak_bytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
#ifdef __APPLE__
    return (size_t)usage.ru_maxrss; /* in bytes */
#else
    return (size_t)usage.ru_maxrss * 1024;
#endif
}

void mem_forget_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file) return;
    fputs("5", file); /* the largest resident size becomes the present one: proc(5) */
    fclose(file);
}
