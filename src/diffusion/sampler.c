#include "diffc/sampler.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "diffc/rng.h"
#include "sampler_walk.h"

const Sampler samplers[] = {
    {"ddpm", "ancestral sampling (Ho et al. 2020), on all timesteps or some of them", sample_ddpm},
    {"ddim", "from deterministic (eta 0) to ancestral (eta 1), for few steps (Song et al. 2021)",
     sample_ddim},
    {NULL, NULL, NULL},
};

const Sampler *sampler_find(const char *name)
{
    for (const Sampler *s = samplers; s->name; s++)
        if (strcmp(s->name, name) == 0) return s;
    return NULL;
}

static void seed_normals(void *context, int image, uint64_t draw, size_t dims, double *z)
{
    const SeedNoise *seeds = context;
    rng_normals(z, dims, seeds->first_seed + (uint64_t)image, rng_stream(RNG_SAMPLE, draw), 0);
}

NoiseSource seed_noise(SeedNoise *seeds)
{
    return (NoiseSource){.context = seeds, .normals = seed_normals};
}

PosteriorStep posterior_step(const Schedule *s, int t, int p)
{
    CHECK(p < t);
    double here = schedule_alpha_bar(s, t), next = schedule_alpha_bar(s, p);
    double alpha = here / next, beta = 1 - alpha;
    return (PosteriorStep){
        .c_x0 = sqrt(next) * beta / (1 - here),
        .c_x = sqrt(alpha) * (1 - next) / (1 - here),
        .variance_small = beta * (1 - next) / (1 - here),
        .variance_large = beta,
    };
}

/* Where a walk stands, as "sampler ddim at step 3 of 10 (timestep 700)". */
enum { PLACE_SIZE = 128 };
static void name_place(const Walk *w, int step, char place[PLACE_SIZE])
{
    const StepGrid *grid = w->run->grid;
    snprintf(place, PLACE_SIZE, "sampler %s at step %d of %d (timestep %d)", w->sampler, step + 1,
             grid->n, grid->t[step]);
}

/* Index of the first value that is not finite, n if there is none. */
static size_t first_bad(const double *x, size_t n)
{
    size_t bad = n;
#pragma omp parallel for schedule(static) reduction(min : bad) if (n >= WALK_PARALLEL_FROM)
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]) && i < bad) bad = i;
    return bad;
}

static bool check_finite(const Walk *w, int step, const char *what, const double *values)
{
    size_t n = walk_values(w), bad = first_bad(values, n);
    if (bad == n) return true;
    char place[PLACE_SIZE];
    name_place(w, step, place);
    return err_set(w->err, ERR_DIVERGED,
                   "%s: %s is %g at value %zu of image %zu of the batch; it must be finite, so the "
                   "model has diverged or was made for another noise schedule",
                   place, what, values[bad], bad % w->denoiser->dims, bad / w->denoiser->dims);
}

bool walk_check(const Walk *w, int step, const double *x)
{
    return check_finite(w, step, "the state", x);
}

bool walk_start(const Walk *w, double *x)
{
    const SampleRun *run = w->run;
    CHECK(run->grid->n >= 1 && run->grid->t[0] < run->schedule->T);
    if (run->clip && !(run->clip_range > 0))
        return err_set(w->err, ERR_USAGE,
                       "sampler %s: the clipping range is %g; it must be above 0", w->sampler,
                       run->clip_range);
    w->run->network_calls = 0;
    walk_draw(w, 0, x);
    return true;
}

void walk_draw(const Walk *w, uint64_t draw, double *z)
{
    size_t dims = w->denoiser->dims;
#pragma omp parallel for schedule(static) if (walk_values(w) >= WALK_PARALLEL_FROM)
    for (int image = 0; image < w->count; image++)
        w->noise->normals(w->noise->context, image, draw, dims, z + (size_t)image * dims);
}

/* A denoiser knows that it diverged, but not where in which sampler. */
static bool say_where(const Walk *w, int step)
{
    if (!w->err || w->err->kind != ERR_DIVERGED) return false;
    char place[PLACE_SIZE];
    name_place(w, step, place);
    return err_set(w->err, ERR_DIVERGED, "%s: %s", place, w->err->text);
}

bool walk_predict(const Walk *w, int step, const double *x, NoiseLevel level, double *eps)
{
    SampleRun *run = w->run;
    const Denoiser *d = w->denoiser;
    if (!d->predict(d->context, w->count, x, level, eps, w->err)) return say_where(w, step);
    run->network_calls++;
    if (!check_finite(w, step, "the predicted noise", eps)) return false;
    if (run->progress && !run->progress(run->progress_context, run->network_calls)) {
        char place[PLACE_SIZE];
        name_place(w, step, place);
        return err_set(w->err, ERR_INTERRUPTED, "%s: interrupted; no image was finished", place);
    }
    return true;
}

bool walk_down(const Walk *w, StepDown *step_down, double *x, double *scratch)
{
    const SampleRun *run = w->run;
    double *eps = scratch, *z = scratch + walk_values(w);
    if (!walk_start(w, x)) return false;
    for (int step = 0; step < run->grid->n; step++) {
        NoiseLevel level = schedule_level(run->schedule, run->grid->t[step]);
        if (!walk_predict(w, step, x, level, eps)) return false;
        step_down(w, step, level, x, eps, z);
        if (!walk_check(w, step, x)) return false;
    }
    return true;
}
