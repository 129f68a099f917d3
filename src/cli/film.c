#include "cli/film.h"

#include <math.h>

#include "base/mem.h"
#include "base/world.h"
#include "data/image.h"

bool film_open(Film *f, int count, size_t dims, bool points, bool by_image, int moments,
               bool own_calls, Err *err)
{
    CHECK(count > 0 && dims > 0 && moments > 0);
    *f = (Film){.by_image = by_image, .count = count, .dims = dims, .moments = moments};
    size_t pictures = (size_t)count * (size_t)(moments + 1),
           errors = (size_t)count * (size_t)moments;
    if (points)
        f->xy = mem_alloc(pictures, dims * sizeof *f->xy);
    else
        f->pixels = mem_alloc(pictures, dims);
    if (own_calls) f->angle_error = mem_doubles(errors);
    if ((!f->xy && !f->pixels) || (own_calls && !f->angle_error)) {
        film_close(f);
        return err_set(
            err, ERR_MEMORY,
            "not enough memory for a film of %d %s at %d moments; a smaller --moments or "
            "--count needs less",
            count, points ? "points" : "images", moments + 1);
    }
    for (size_t i = 0; own_calls && i < errors; i++) f->angle_error[i] = HUGE_VAL;
    return true;
}

void film_close(Film *f)
{
    mem_free(f->pixels);
    mem_free(f->xy);
    mem_free(f->angle_error);
    *f = (Film){0};
}

void film_begin(Film *f, const SampleRun *run, int first)
{
    f->run = run;
    f->first = first;
    f->call = 0;
}

long film_call(const Film *f, int moment)
{
    return 1 + lround((double)moment * (double)f->calls / f->moments);
}

size_t film_place(const Film *f, int index, int moment)
{
    size_t columns = (size_t)f->moments + 1;
    return f->by_image ? (size_t)index * columns + (size_t)moment
                       : (size_t)moment * (size_t)f->count + (size_t)index;
}

static void put(Film *f, int index, int moment, size_t i, double value)
{
    size_t at = film_place(f, index, moment) * f->dims + i;
    if (f->xy)
        f->xy[at] = (float)value;
    else
        f->pixels[at] = image_byte((float)value);
}

/* The prediction of row r is that of a moment. */
static void keep(Film *f, const SeenCall *call, int r, int index, int moment)
{
    NoiseLevel level = call->levels[r * call->stride];
    size_t from = (size_t)r * f->dims;
    for (size_t i = 0; i < f->dims; i++)
        put(f, index, moment, i, x0_from_eps(level, call->x[from + i], call->eps[from + i]));
}

static double angle_of(NoiseLevel level)
{
    return atan2(level.sigma, level.alpha);
}

static void keep_nearest(Film *f, const SeenCall *call, int r, int index)
{
    const LevelGrid *grid = f->run->grid;
    double noisy = angle_of(grid->level[0]), clean = angle_of(grid->level[grid->n - 1]);
    double angle = angle_of(call->levels[r * call->stride]);
    for (int j = 0; j < f->moments; j++) {
        double error = fabs(angle - (noisy + (clean - noisy) * j / f->moments));
        double *least = &f->angle_error[(size_t)index * (size_t)f->moments + (size_t)j];
        if (!(error < *least)) continue;
        *least = error;
        keep(f, call, r, index, j);
    }
}

void film_see(Film *f, const SeenCall *call)
{
    if (f->call == 0 && !f->angle_error) {
        f->calls = f->run->expected_calls;
        if (f->moments > f->calls) f->moments = (int)f->calls;
    }
    f->call++;
    for (int j = 0; j < f->moments && !f->angle_error; j++)
        for (int r = 0; r < call->count && film_call(f, j) == f->call; r++)
            keep(f, call, r, f->first + (call->images ? call->images[r] : r), j);
    for (int r = 0; r < call->count && f->angle_error; r++)
        keep_nearest(f, call, r, f->first + (call->images ? call->images[r] : r));
}

void film_end(Film *f, int index, const double *x)
{
    for (size_t i = 0; i < f->dims; i++) put(f, index, f->moments, i, x[i]);
}

void film_gather(Film *f, int first, int count)
{
    size_t value = f->xy ? sizeof *f->xy : 1;
    unsigned char *all = f->xy ? (unsigned char *)f->xy : f->pixels;
    /* A process without an image has not seen yet how many calls there are. */
    f->moments = world_least(f->moments);
    f->calls = world_greatest((int)f->calls);
    size_t image = f->dims * value, columns = (size_t)f->moments + 1;
    if (f->by_image)
        world_gather(all + film_place(f, first, 0) * image, (size_t)count, columns * image);
    for (int j = 0; j <= f->moments && !f->by_image; j++)
        world_gather(all + film_place(f, first, j) * image, (size_t)count, image);
}
