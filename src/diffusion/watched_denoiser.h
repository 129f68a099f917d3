/* A denoiser whose calls are watched: films of sampling are made of them. */
#ifndef DIFFC_WATCHED_DENOISER_H
#define DIFFC_WATCHED_DENOISER_H

#include "diffusion/denoiser.h"

/* One call: row i of x and eps, both [count, dims], is image images[i] (NULL: image i) at
 * levels[i * stride]. */
typedef struct {
    int count;
    size_t dims;
    const int *images;
    const NoiseLevel *levels;
    int stride;
    const double *x, *eps;
} SeenCall;

typedef struct {
    Denoiser inner;
    void *context;
    void (*seen)(void *context, const SeenCall *call); /* after every call that succeeded */
    const int *images; /* the choice of choose_images; NULL at the start */
} WatchedDenoiser;

/* The same predictions as those of w->inner, to the bit. *w outlives the denoiser. */
Denoiser watched_denoiser(WatchedDenoiser *w);

#endif
