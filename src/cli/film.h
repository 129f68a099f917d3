/* What a film of sampling shows: of every image (point) what the model takes it to be,
 *   x0 = (x - sigma eps) / alpha,
 * at some moments of the way, and at the end the finished image. With n network calls and m moments, moment j is
 * call 1 + round(j n / m): even from the first call on, with the finished image as the one after the last. A sampler
 * that takes steps of each image's own (ode) has no such n: there moment j is the call whose angle
 * atan(sigma / alpha), in which the sampler solves, is nearest to even angles from noise to the clean end. */
#ifndef DIFFC_CLI_FILM_H
#define DIFFC_CLI_FILM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "diffusion/sampler.h"
#include "diffusion/watched_denoiser.h"

typedef struct {
    bool by_image; /* all moments of an image stand together; else all images of a moment */
    int count;
    size_t dims; /* values of an image; 2: points */
    int moments; /* predictions of an image; from the first call on not more than there are calls */
    long calls;  /* of an image, once there was one; 0: each takes its own number */
    unsigned char
        *pixels; /* [count, moments + 1, dims] or [moments + 1, count, dims], or of points */
    float *xy;   /* likewise */
    double *angle_error;  /* [count, moments] of calls that each image has of its own; else NULL */
    const SampleRun *run; /* of the running batch, */
    int first;            /* the image of its first row */
    long call;            /* and its calls so far */
} Film;

/* Room for `moments` predictions and the finished image of each. ERR_MEMORY. own_calls: the sampler takes each
 * image by steps of its own. */
bool film_open(Film *f, int count, size_t dims, bool points, bool by_image, int moments,
               bool own_calls, Err *err);
void film_close(Film *f);

/* A batch begins, whose row 0 is image `first`. run is looked at when the first call comes. */
void film_begin(Film *f, const SampleRun *run, int first);
/* `seen` of a WatchedDenoiser, whose context is the film. */
void film_see(Film *f, const SeenCall *call);
/* Image `index` is finished: x[dims]. */
void film_end(Film *f, int index, const double *x);
/* Images first .. first + count - 1, of which each process (world.h) has seen its share, come to all. */
void film_gather(Film *f, int first, int count);

/* The network call of a moment, from 1 on, where all images take the same number. */
long film_call(const Film *f, int moment);
/* Where image `index` stands at a moment (moment f->moments: finished), in units of dims values. */
size_t film_place(const Film *f, int index, int moment);

#endif
