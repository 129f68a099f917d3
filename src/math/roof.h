/* The roof of this machine (Williams, Waterman & Patterson 2009): what its arithmetic and its memories do at
 * most, measured, so that a time can be compared with the least that it could be. */
#ifndef DIFFC_ROOF_H
#define DIFFC_ROOF_H

#include <stddef.h>

#include "base/err.h"

typedef enum { ROOF_L2, ROOF_L3, ROOF_MEMORY, ROOF_PLACES } RoofPlace;

typedef struct {
    double flops; /* floating-point operations a second of all threads: multiply-adds, two each */
    double bytes[ROOF_PLACES]; /* a second, of all threads: two numbers read and one written each */
    double size
        [ROOF_MEMORY]; /* bytes of the second-level cache of a core, and of the third-level cache */
} Roof;

/* Takes 0.4 s. ERR_MEMORY. */
bool roof_measure(Roof *r, Err *err);

/* How much each of so many threads walks to measure a place: count floats of x, and of y as many. Half of a cache
 * is filled, so that all of it stays there; of memory four times the caches, the largest of the three. All threads
 * together walk 256 MiB at most. */
void roof_stretches(const Roof *r, int threads, size_t count[ROOF_PLACES]);

/* The least time of so much work that touches `set` bytes over and over: of arithmetic and of the place where
 * the set lies, the slower. *place, unless NULL: that place, ROOF_PLACES where arithmetic is slower. */
double roof_seconds(const Roof *r, double flop, double bytes, double set, RoofPlace *place);
const char *roof_place_name(RoofPlace place); /* "L2", "L3", "memory", "arithmetic" */

#endif
