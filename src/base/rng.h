/* Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy
 * as 1, 2, 3", SC 2011). A draw is a function of (seed, stream, index) and of nothing else, so
 * images can be made alone, resume is exact and the number of threads changes nothing. */
#ifndef DIFFC_RNG_H
#define DIFFC_RNG_H

#include <stddef.h>
#include <stdint.h>

/* What a stream is for. A stream id joins a purpose with a number (step, image, draw, ...). */
typedef enum {
    RNG_INIT = 1,   /* parameter tensor k */
    RNG_SHUFFLE,    /* epoch k: the order of the images */
    RNG_FLIP,       /* epoch k, index = image: horizontal flip */
    RNG_TIMESTEP,   /* training sample k (counted over the whole run): its noise level */
    RNG_NOISE,      /* training sample k: its noise */
    RNG_DROPOUT,    /* network node k at the run's stream */
    RNG_SAMPLE,     /* sampling draw k: 0 is the start noise; the seed is the image's own */
    RNG_SPLIT,      /* which images are held out */
    RNG_VALIDATION, /* validation image k */
    RNG_TEST,       /* free for tests */
    RNG_LIKELIHOOD, /* scoring an image: draw k of its noise; the seed is the image's own */
    RNG_TOY,        /* toy point k/2; odd numbers are held-out points */
    RNG_SLICE,      /* training sample k: the directions of sliced score matching */
    RNG_MASK,       /* mask k (counted over the whole run), index = time step: whether it is kept */
    RNG_DEQUANTISE, /* training sample k/2 (k even) or validation image k/2 (odd), made continuous */
    RNG_COMPARE, /* comparing sets of images: places of patches at pyramid level k; which images of a file (k 252); subsets of vectors (k 253, 254); directions (k 255) */
    RNG_LABEL,   /* training sample k: whether its label is left out */
} RngPurpose;

/* Of Philox4x32-10, also for dropout, which draws many blocks at once. */
enum { PHILOX_ROUNDS = 10 };
#define PHILOX_MULTIPLY_0 0xD2511F53u
#define PHILOX_MULTIPLY_1 0xCD9E8D57u
#define PHILOX_WEYL_0     0x9E3779B9u
#define PHILOX_WEYL_1     0xBB67AE85u

uint64_t rng_stream(RngPurpose purpose, uint64_t number);

/* Four random words for one counter value. */
void rng_block(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]);

/* Uniform in the open interval (0, 1), 32 bits of resolution. */
double rng_uniform(uint64_t seed, uint64_t stream, uint64_t index);

/* Uniform integer in 0 .. bound-1 (bound > 0): the high word of a 64-bit draw times bound; the
 * bias is below bound / 2^64. */
uint32_t rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint32_t bound);

/* Where place i of `count` lies among n >= count, below 2^32: anywhere in part i of `count` even parts. So places are spread
 * over all n, and still do not keep step with a period of the n, such as classes that take turns. */
uint32_t rng_spread(uint64_t seed, uint64_t stream, size_t i, size_t count, size_t n);

/* y[i] = standard normal number `first + i` of the stream (Box-Muller on words 2j, 2j+1), any
 * split of a range gives the same values. The float form is the double form rounded. */
void rng_normals(double *y, size_t n, uint64_t seed, uint64_t stream, uint64_t first);
void rng_normals_float(float *y, size_t n, uint64_t seed, uint64_t stream, uint64_t first);

#endif
