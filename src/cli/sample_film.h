/* The films of `diffc sample`: a picture whose rows are images and whose columns are moments (--film), and numbered
 * pictures of all images, one a moment (--frames). Of points each moment is a scatter plot. */
#ifndef DIFFC_CLI_SAMPLE_FILM_H
#define DIFFC_CLI_SAMPLE_FILM_H

#include "cli/film.h"
#include "cli/sample_output.h"

enum { FILM_MOMENTS = 10, FRAME_MOMENTS = 120, MOMENTS_MOST = 9999 };

typedef struct {
    Film strip, frames; /* without pixels and points: not wanted */
    WatchedDenoiser watched;
    const char *made; /* the folder of frames, where it was not there; NULL: it was */
} SampleFilm;

/* What --frames may write. */
NamedOutput sample_film_frames(const SampleOutput *o);
/* Checks, before the work, that the pictures can be made. */
bool sample_film_check(const SampleOutput *o, Err *err);

/* Nothing is done, by this and the following, where the output has no film. Makes the folder, takes memory and puts
 * a watched denoiser of the same predictions in the place of *d. own_calls: as film_open. */
bool sample_film_open(SampleFilm *f, const SampleOutput *o, bool own_calls, Denoiser *d, Err *err);
void sample_film_begin(SampleFilm *f, const SampleRun *run, int first);
void sample_film_end(SampleFilm *f, int index, const double *x);
/* As film_gather. */
void sample_film_gather(SampleFilm *f, int first, int count);
/* All images are finished: writes the pictures; process 0 does. */
bool sample_film_write(SampleFilm *f, const SampleOutput *o, Err *err);
void sample_film_close(SampleFilm *f);

#endif
