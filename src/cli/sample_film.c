#include "cli/sample_film.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/term.h"
#include "base/text.h"
#include "base/world.h"
#include "cli/cli.h"
#include "data/image.h"
#include "data/scatter.h"
#include "data/toy.h"

enum { STRIP_GAP = 2, STRIP_SCATTER_SIDE = SCATTER_LEAST, FRAME_SCATTER_SIDE = 640 };
enum { MOMENT_BYTES = 160, TEXT_BYTES = SAMPLE_TEXT_BYTES + MOMENT_BYTES };

static int strip_moments(const SampleOutput *o)
{
    return o->moments > 0 ? o->moments : FILM_MOMENTS;
}

static int frame_moments(const SampleOutput *o)
{
    return o->moments > 0 ? o->moments : FRAME_MOMENTS;
}

static void frame_name(char out[NUMBERED_NAME_BYTES], uint64_t number)
{
    snprintf(out, NUMBERED_NAME_BYTES, "frame-%04" PRIu64 ".png", number);
}

NamedOutput sample_film_frames(const SampleOutput *o)
{
    return (NamedOutput){.option = "frames",
                         .path = o->frames,
                         .name = frame_name,
                         .first = 1,
                         .count = (uint64_t)frame_moments(o) + 1};
}

/* Width and height of the whole strip, within the limit. */
static bool check_strip(const SampleOutput *o, Err *err)
{
    int columns = strip_moments(o) + 1, rows = o->points ? 1 : o->count, height, width;
    int H = o->points ? STRIP_SCATTER_SIDE : o->image.H;
    int W = o->points ? STRIP_SCATTER_SIDE : o->image.W;
    if (rows > IMAGE_MAX_PIXELS / columns)
        return err_set(err, ERR_USAGE,
                       "--film: %d images at %d moments are more pictures than the limit of %d "
                       "pixels; make fewer images or give a smaller --moments",
                       rows, columns, IMAGE_MAX_PIXELS);
    return image_grid_size(rows * columns, H, W, columns, STRIP_GAP, &height, &width, err);
}

static bool check_frames(const SampleOutput *o, Err *err)
{
    int height, width;
    if (!o->points && !image_grid_size(o->count, o->image.H, o->image.W, o->columns, STRIP_GAP,
                                       &height, &width, err))
        return false;
    return check_output_folder(o->frames, err);
}

bool sample_film_check(const SampleOutput *o, Err *err)
{
    const char *asked = o->film ? "film" : o->frames ? "frames" : NULL;
    if (!asked && o->moments > 0)
        return err_set(err, ERR_USAGE,
                       "--moments is how many calls --film and --frames show; give one of them");
    if (!asked || world_rank() > 0) return true;
    if (o->go_on)
        return err_set(err, ERR_USAGE,
                       "--%s shows images from their first network call on, but --continue makes "
                       "only those that are not finished; leave one of them out",
                       asked);
    if (!o->points && o->image.C > IMAGE_MAX_CHANNELS)
        return err_set(err, ERR_USAGE,
                       "--%s writes PNG files, which hold 1 to %d channels; the model makes images "
                       "of %d",
                       asked, IMAGE_MAX_CHANNELS, o->image.C);
    return check_output_file("film", o->film, "png", err) && (!o->film || check_strip(o, err)) &&
           (!o->frames || check_frames(o, err));
}

static bool is_frame_name(const void *context, const char *name)
{
    char expected[NUMBERED_NAME_BYTES];
    (void)context;
    if (strncmp(name, "frame-", 6) != 0) return false;
    frame_name(expected, strtoull(name + 6, NULL, 10));
    return strcmp(name, expected) == 0;
}

static void see(void *context, const SeenCall *call)
{
    SampleFilm *f = context;
    if (f->strip.count > 0) film_see(&f->strip, call);
    if (f->frames.count > 0) film_see(&f->frames, call);
}

bool sample_film_open(SampleFilm *f, const SampleOutput *o, bool own_calls, Denoiser *d, Err *err)
{
    if (!o->film && !o->frames) return true;
    if (o->frames && world_rank() == 0) {
        bool there = path_exists(o->frames);
        if (!folder_make(o->frames, err)) return false;
        if (!there) f->made = o->frames;
        leftovers_remove(o->frames, is_frame_name, NULL);
    }
    if (o->film && !film_open(&f->strip, o->count, d->dims, o->points, !o->points, strip_moments(o),
                              own_calls, err))
        return false;
    if (o->frames && !film_open(&f->frames, o->count, d->dims, o->points, false, frame_moments(o),
                                own_calls, err))
        return false;
    f->watched = (WatchedDenoiser){.inner = *d, .context = f, .seen = see};
    *d = watched_denoiser(&f->watched);
    return true;
}

void sample_film_begin(SampleFilm *f, const SampleRun *run, int first)
{
    film_begin(&f->strip, run, first);
    film_begin(&f->frames, run, first);
}

void sample_film_end(SampleFilm *f, int index, const double *x)
{
    if (f->strip.count > 0) film_end(&f->strip, index, x);
    if (f->frames.count > 0) film_end(&f->frames, index, x);
}

void sample_film_gather(SampleFilm *f, int first, int count)
{
    if (f->strip.count > 0) film_gather(&f->strip, first, count);
    if (f->frames.count > 0) film_gather(&f->frames, first, count);
}

/* "the prediction at network call 6 of 50", "the finished image" */
static void moment_words(const Film *f, int moment, char out[MOMENT_BYTES])
{
    if (moment == f->moments)
        snprintf(out, MOMENT_BYTES, "finished");
    else if (f->calls > 0)
        snprintf(out, MOMENT_BYTES, "prediction at network call %ld of %ld", film_call(f, moment),
                 f->calls);
    else
        snprintf(out, MOMENT_BYTES, "prediction at %d of %d even angles atan(sigma / alpha)",
                 moment + 1, f->moments);
}

/* "at network calls 1, 6, 11 ... 46 of 50" */
static void strip_words(const Film *f, char out[MOMENT_BYTES])
{
    enum { NAMED = 3 };
    out[0] = '\0';
    if (f->calls == 0) {
        snprintf(out, MOMENT_BYTES, "predictions at %d even angles atan(sigma / alpha)",
                 f->moments);
        return;
    }
    text_append(out, MOMENT_BYTES, "predictions at network call%s ", f->moments == 1 ? "" : "s");
    for (int j = 0; j < f->moments && j < NAMED; j++)
        text_append(out, MOMENT_BYTES, "%s%ld", j ? ", " : "", film_call(f, j));
    if (f->moments > NAMED)
        text_append(out, MOMENT_BYTES, "%s %ld", f->moments > NAMED + 1 ? " ..." : ",",
                    film_call(f, f->moments - 1));
    text_append(out, MOMENT_BYTES, " of %ld", f->calls);
}

/* The scatter plot of a moment. */
static bool plot_moment(const Film *f, const SampleOutput *o, int moment, int side, Image *out,
                        Err *err)
{
    ScatterView view = sample_output_view(o);
    return scatter_plot(f->xy + film_place(f, 0, moment) * f->dims, (size_t)f->count, &view, side,
                        out, NULL, err);
}

static bool draw_plots(const Film *f, const SampleOutput *o, Image *out, Err *err)
{
    enum { CHANNELS = 3 };
    int side = STRIP_SCATTER_SIDE, columns = f->moments + 1;
    size_t bytes = (size_t)side * (size_t)side * CHANNELS;
    unsigned char *plots = mem_alloc((size_t)columns, bytes);
    bool ok =
        plots || err_set(err, ERR_MEMORY, "not enough memory for a film of %d plots", columns);
    for (int j = 0; ok && j < columns; j++) {
        Image plot = {0};
        ok = plot_moment(f, o, j, side, &plot, err);
        if (ok) memcpy(plots + (size_t)j * bytes, plot.pixels, bytes);
        image_free(&plot);
    }
    ok = ok && image_grid(plots, columns, side, side, CHANNELS, columns, STRIP_GAP, out, err);
    mem_free(plots);
    return ok;
}

/* Rows are images, columns moments; of points a row of scatter plots. */
static bool write_strip(const Film *f, const SampleOutput *o, Err *err)
{
    char text[TEXT_BYTES], moments[MOMENT_BYTES], seed[SAMPLE_TEXT_BYTES];
    Image picture = {0};
    int columns = f->moments + 1;
    strip_words(f, moments);
    snprintf(text, sizeof text, "%s, %s, and the finished %s", sample_output_text_all(o, seed),
             moments, o->points ? "points" : "image");
    bool replaces = file_is_there(o->film);
    bool ok = o->points ? draw_plots(f, o, &picture, err)
                        : image_grid(f->pixels, f->count * columns, o->image.H, o->image.W,
                                     o->image.C, columns, STRIP_GAP, &picture, err);
    ok = ok && output_picture(o->film, &picture, text, err);
    image_free(&picture);
    if (!ok) return false;
    note_replaced(o->film, replaces);
    term_note("%s: %s %s, and the finished %s at the right", o->film,
              o->points ? "columns are" : "rows are images, columns", moments,
              o->points ? "points" : "image");
    return true;
}

static bool write_frame(const Film *f, const SampleOutput *o, int moment, int *replaced, Err *err)
{
    char name[NUMBERED_NAME_BYTES], path[PATH_BYTES];
    char text[TEXT_BYTES], words[MOMENT_BYTES], seed[SAMPLE_TEXT_BYTES];
    Image picture = {0};
    Shape s = o->image;
    frame_name(name, (uint64_t)moment + 1);
    moment_words(f, moment, words);
    snprintf(text, sizeof text, "%s, %s", sample_output_text_all(o, seed), words);
    if (!path_join(path, o->frames, name, err)) return false;
    *replaced += file_is_there(path);
    bool ok = o->points ? plot_moment(f, o, moment, FRAME_SCATTER_SIDE, &picture, err)
                        : image_grid(f->pixels + film_place(f, 0, moment) * f->dims, f->count, s.H,
                                     s.W, s.C, o->columns, STRIP_GAP, &picture, err);
    ok = ok && output_picture(path, &picture, text, err);
    image_free(&picture);
    return ok;
}

/* Frames of an earlier, longer film would be its end. */
static bool note_older(const SampleOutput *o, int frames, Err *err)
{
    char name[NUMBERED_NAME_BYTES], path[PATH_BYTES];
    frame_name(name, (uint64_t)frames + 1);
    if (!path_join(path, o->frames, name, err)) return false;
    if (path_exists(path))
        term_note("note: %s holds frames of a longer film too, from %s on", o->frames, name);
    return true;
}

static bool write_frames(const Film *f, const SampleOutput *o, Err *err)
{
    int replaced = 0, frames = f->moments + 1;
    for (int j = 0; j < frames; j++)
        if (!write_frame(f, o, j, &replaced, err)) return false;
    if (replaced)
        term_note("replaced %d frame%s in %s", replaced, replaced == 1 ? "" : "s", o->frames);
    return note_older(o, frames, err);
}

bool sample_film_write(SampleFilm *f, const SampleOutput *o, Err *err)
{
    if (world_rank() > 0) return true;
    return (f->strip.count == 0 || write_strip(&f->strip, o, err)) &&
           (f->frames.count == 0 || write_frames(&f->frames, o, err));
}

void sample_film_close(SampleFilm *f)
{
    film_close(&f->strip);
    film_close(&f->frames);
    /* Where nothing came of it; a folder with files stays. */
    if (f->made) rmdir(f->made);
}
