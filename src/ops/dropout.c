#include <string.h>

#include "diffc/ops.h"
#include "diffc/rng.h"
#include "diffc/vec.h"

/* Elements are handled in fixed pieces; a piece is a whole number of random blocks of four. */
enum { PIECE = 1 << 12 };

/* factor[j] = keep / (1-p) of elements first .. first+n-1; first is a multiple of 4. An element is
 * dropped when its word w has w / 2^32 < p. */
static void mask_factors(const DropoutDims *d, float *factor, size_t first, size_t n)
{
    uint64_t threshold = (uint64_t)((double)d->p * 0x1p32);
    float kept = (float)(1.0 / (1.0 - (double)d->p));
    for (size_t j = 0; j < n; j += 4) {
        uint32_t word[4];
        rng_block(d->seed, d->stream, (first + j) / 4, word);
        size_t end = n - j < 4 ? n - j : 4;
        for (size_t k = 0; k < end; k++) factor[j + k] = word[k] < threshold ? 0 : kept;
    }
}

/* out = x * factor, or out += x * factor: the op is a fixed diagonal, so this is all four passes.
 * A dropped NaN or infinity stays NaN: divergence is not to be hidden. */
static void apply(const DropoutDims *d, float *out, const float *x, bool add)
{
    size_t total = (size_t)d->N * d->size;
    long pieces = (long)((total + PIECE - 1) / PIECE);
#pragma omp parallel for schedule(static)
    for (long i = 0; i < pieces; i++) {
        size_t first = (size_t)i * PIECE, n = total - first < PIECE ? total - first : PIECE;
        float *to = out + first;
        const float *from = x + first;
        if (d->p > 0) {
            float factor[PIECE];
            mask_factors(d, factor, first, n);
            for (size_t j = 0; j < n; j++) to[j] = (add ? to[j] : 0) + from[j] * factor[j];
        } else if (add) {
            vec_accumulate(to, from, n);
        } else {
            memcpy(to, from, n * sizeof *to);
        }
    }
}

void dropout_forward(const DropoutDims *d, float *y, const float *x)
{
    if (y != x || d->p > 0) apply(d, y, x, false);
}

void dropout_backward(const DropoutDims *d, float *dx, const float *dy)
{
    if (dx) apply(d, dx, dy, true);
}

void dropout_tangent(const DropoutDims *d, float *ydot, const float *xdot)
{
    apply(d, ydot, xdot, false);
}

void dropout_backward2(const DropoutDims *d, float *mx, const float *my)
{
    if (mx) apply(d, mx, my, true);
}
