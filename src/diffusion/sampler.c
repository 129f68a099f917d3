#include "diffusion/sampler.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "diffusion/sampler_walk.h"

const char *const variance_words[] = {
    [VARIANCE_SMALL] = "small", [VARIANCE_LARGE] = "large", [VARIANCE_LEARNED] = "learned", NULL};
const char *const predictor_words[] = {[PREDICTOR_REVERSE_DIFFUSION] = "reverse-diffusion",
                                       [PREDICTOR_ANCESTRAL] = "ancestral",
                                       [PREDICTOR_NONE] = "none",
                                       NULL};

const Sampler samplers[] = {
    {"ddpm", "ancestral sampling (Ho et al. 2020), on all timesteps or some of them",
     SAMPLE_CLIP | SAMPLE_VARIANCE, 0, SPACING_EVEN, .walk = ddpm_walk},
    {"ddim", "from deterministic (eta 0) to ancestral (eta 1), for few steps (Song et al. 2021)",
     SAMPLE_CLIP | SAMPLE_ETA, 50, SPACING_EVEN, .step_down = ddim_down},
    {"heun", "second order in the noise, two calls a step, with churn (Karras et al. 2022)",
     SAMPLE_CLIP | SAMPLE_CHURN, 35, SPACING_KARRAS, heun_levels, .walk = heun_walk},
    {"dpm++2m", "DPM-Solver++, second order from the last two predictions (Lu et al. 2022)",
     SAMPLE_CLIP, 20, SPACING_LOGSNR, .step_down = dpmpp_2m_down},
    {"unipc", "second-order predictor and corrector, one call a step (Zhao et al. 2023)",
     SAMPLE_CLIP, 20, SPACING_LOGSNR, .step_down = unipc_down},
    {"ode",
     "probability flow to a given tolerance, each image with its own steps (Song et al. 2021)",
     SAMPLE_CLIP | SAMPLE_ODE, 100, SPACING_UNIFORM, ode_levels, .walk = ode_walk},
    {"ancestral",
     "the Markov chain of SMLD: ddpm of small variance, never clipped (Song et al. 2021)", 0, 0,
     SPACING_EVEN, .step_down = ancestral_down},
    {"langevin", "annealed Langevin dynamics, level by level, then denoised (Song & Ermon 2020)",
     SAMPLE_LANGEVIN, 0, SPACING_AUTO, langevin_levels, .walk = langevin_walk},
    {"plain-langevin",
     "Langevin dynamics at the smallest level alone, to show why the others anneal",
     SAMPLE_LANGEVIN | SAMPLE_ONE_LEVEL, 1000, SPACING_UNIFORM, plain_langevin_levels,
     .walk = plain_langevin_walk},
    {"reverse-sde", "Euler-Maruyama on the reverse SDE (Song et al. 2021)", SAMPLE_CLIP, 0,
     SPACING_UNIFORM, .step_down = reverse_sde_down},
    {"pc", "predictor-corrector: Langevin steps, then a step down (Song et al. 2021)",
     SAMPLE_CLIP | SAMPLE_CORRECTOR, 0, SPACING_EVEN, pc_levels, .walk = pc_walk},
    {.name = NULL},
};

const Sampler *sampler_find(const char *name)
{
    for (const Sampler *s = samplers; s->name; s++)
        if (strcmp(s->name, name) == 0) return s;
    return NULL;
}

bool sampler_grid(const Sampler *s, const SampleRun *run, SpacingKind spacing, int calls,
                  LevelGrid *grid, Err *err)
{
    enum { SDE_CALLS = 1000 };
    const Process *p = run->process;
    if (spacing == SPACING_AUTO) spacing = s->spacing;
    if (spacing == SPACING_AUTO) spacing = p->kind == PROCESS_SMLD ? SPACING_EVEN : SPACING_LOGSNR;
    bool trained = process_is_discrete(p) && spacing <= SPACING_QUADRATIC;
    bool one = s->reads & SAMPLE_ONE_LEVEL, single = p->T == 1 && !one;
    int levels = calls;
    if (calls == 0) {
        int own = s->levels ? s->levels(run, s->calls) : s->calls;
        levels = own > 0 ? own : process_is_discrete(p) ? p->T : SDE_CALLS;
        /* The steps that a model chose to keep are all meant to be taken. */
        if (single || (trained && (levels > p->T || p->labels))) levels = p->T;
    } else if (s->levels) {
        levels = s->levels(run, calls);
        if (levels < 1) {
            int least = calls + 1;
            while (s->levels(run, least) < 1) least++;
            return err_set(err, ERR_USAGE,
                           "sampler %s: %d network call%s not enough for one step, which takes %d",
                           s->name, calls, calls == 1 ? " is" : "s are", least);
        }
    }
    if (single && levels > 1)
        return err_set(err, ERR_USAGE,
                       "sampler %s: cannot take %d steps: the model has 1 timestep, so the number "
                       "of steps must be 1",
                       s->name, levels);
    if (!level_grid_make(grid, p, one ? SPACING_UNIFORM : spacing, levels, err)) return false;
    NoiseLevel cleanest = process_level(p, process_time_end(p));
    for (int i = 0; i < levels && one; i++) grid->level[i] = cleanest;
    return true;
}

PosteriorStep posterior_step(NoiseLevel t, NoiseLevel p)
{
    CHECK(p.time < t.time);
    double ratio = t.alpha / p.alpha, here = t.sigma * t.sigma, next = p.sigma * p.sigma;
    double beta = here - ratio * ratio * next;
    return (PosteriorStep){
        .c_x0 = p.alpha * beta / here,
        .c_x = ratio * next / here,
        .variance_small = beta * next / here,
        .variance_large = beta,
    };
}

double learned_variance(PosteriorStep q, double v)
{
    double low = log(q.variance_small), high = log(q.variance_large);
    return exp(low + 0.5 * (1 + v) * (high - low));
}

/* Where a walk stands, as "sampler ddim at step 3 of 10 (timestep 700)"; images that stand each at
 * a step of their own have no number of steps. */
enum { PLACE_SIZE = 128 };
static void name_place(const Walk *w, int step, bool alone, double time, char place[PLACE_SIZE])
{
    const char *word = process_is_discrete(w->run->process) ? "timestep" : "time";
    int n = snprintf(place, PLACE_SIZE, "sampler %s at step %d", w->sampler->name, step);
    if (!alone) n += snprintf(place + n, PLACE_SIZE - (size_t)n, " of %d", w->run->grid->n);
    snprintf(place + n, PLACE_SIZE - (size_t)n, " (%s %g)", word, time);
}

static void name_row(const Walk *w, const WalkRows *rows, size_t r, char place[PLACE_SIZE])
{
    double time = rows->levels[r * (size_t)rows->stride].time;
    name_place(w, rows->row ? rows->row[r].step : rows->step + 1, rows->row != NULL, time, place);
}

/* Steps whose length is chosen, not derived, can be too long for a model that knows little yet. */
static const char *advice(const Walk *w)
{
    if (w->sampler->reads & SAMPLE_CORRECTOR)
        return "; the corrector's Langevin steps are too long for this model: a smaller snr makes "
               "them shorter, no corrector steps leave them out, and more training helps";
    if (w->sampler->reads & SAMPLE_LANGEVIN)
        return "; the Langevin steps are too long for this model: a smaller Langevin step or more "
               "training helps";
    return "";
}

/* Index of the first value that is not finite, n if there is none, which is seen at the speed of memory. */
static size_t first_bad(const double *x, size_t n)
{
    bool finite = true;
#pragma omp parallel for schedule(static) reduction(& : finite) if (n >= WALK_PARALLEL_FROM)
    for (size_t i = 0; i < n; i++) finite &= isfinite(x[i]) != 0;
    size_t bad = finite ? n : 0;
    while (bad < n && isfinite(x[bad])) bad++;
    return bad;
}

static bool check_finite(const Walk *w, const WalkRows *rows, const char *what,
                         const double *values)
{
    size_t dims = w->denoiser->dims, n = (size_t)rows->count * dims, bad = first_bad(values, n);
    if (bad == n) return true;
    size_t r = bad / dims;
    char place[PLACE_SIZE];
    name_row(w, rows, r, place);
    return err_set(w->err, ERR_DIVERGED,
                   "%s: %s is %g at value %zu of image %d of the batch; it must be finite, so the "
                   "model has diverged or was made for another noise schedule%s",
                   place, what, values[bad], bad % dims, rows->row ? rows->row[r].image : (int)r,
                   advice(w));
}

bool walk_check(const Walk *w, int step, const double *x)
{
    WalkRows rows = {.count = w->count, .levels = w->run->grid->level + step, .step = step};
    return check_finite(w, &rows, "the state", x);
}

void walk_draw(const Walk *w, uint64_t draw, double *z)
{
    size_t dims = w->denoiser->dims;
#pragma omp parallel for schedule(static) if (walk_values(w) >= WALK_PARALLEL_FROM)
    for (int image = 0; image < w->count; image++)
        w->noise->normals(w->noise->context, image, draw, dims, z + (size_t)image * dims);
}

/* A denoiser knows that it diverged, but not where in which sampler. */
static bool say_where(const Walk *w, const WalkRows *rows)
{
    if (!w->err || w->err->kind != ERR_DIVERGED) return false;
    char place[PLACE_SIZE];
    name_row(w, rows, 0, place);
    return err_set(w->err, ERR_DIVERGED, "%s: %s%s", place, w->err->text, advice(w));
}

bool walk_predict_rows(const Walk *w, const WalkRows *rows, const double *x, double *eps)
{
    SampleRun *run = w->run;
    const Denoiser *d = w->denoiser;
    bool ok = w->v
                  ? d->predict_variance(d->context, rows->count, x, rows->levels, rows->stride, eps,
                                        w->v, w->err)
                  : d->predict(d->context, rows->count, x, rows->levels, rows->stride, eps, w->err);
    if (!ok) return say_where(w, rows);
    run->network_calls++;
    if (!check_finite(w, rows, "the predicted noise", eps)) return false;
    if (w->v && !check_finite(w, rows, "the predicted variance", w->v)) return false;
    if (run->progress && !run->progress(run->progress_context, run->network_calls)) {
        char place[PLACE_SIZE];
        name_row(w, rows, 0, place);
        return err_set(w->err, ERR_INTERRUPTED, "%s: interrupted; no image was finished", place);
    }
    return true;
}

bool walk_predict(const Walk *w, int step, double *x, NoiseLevel level, double *eps)
{
    if (walk_replaces(w)) {
        walk_draw(w, REPLACE_DRAWS + (uint64_t)w->run->network_calls, eps);
        restore_replace(w->run->restore, w->count, level, eps, x);
    }
    WalkRows rows = {.count = w->count, .levels = &level, .step = step};
    return walk_predict_rows(w, &rows, x, eps);
}

bool walk_down(const Walk *w, StepDown *step_down, double *x, double *scratch)
{
    const SampleRun *run = w->run;
    double *eps = scratch, *z = scratch + walk_values(w);
    for (int step = 0; step < run->grid->n; step++) {
        if (!walk_predict(w, step, x, run->grid->level[step], eps)) return false;
        step_down(w, step, x, eps, z);
        if (!walk_check(w, step, x)) return false;
    }
    return true;
}

static bool walk_all(Walk *walk, double *x, double *scratch)
{
    const Sampler *s = walk->sampler;
    SampleRun *run = walk->run;
    run->network_calls = 0;
    run->expected_calls = run->grid->n;
    walk_draw(walk, 0, x);
    double std = process_prior_std(run->process);
    size_t n = walk_values(walk), dims = walk->denoiser->dims;
    NoiseLevel first = run->grid->level[0];
    for (size_t i = 0; i < n && !run->start && std != 1; i++) x[i] *= std;
    for (size_t i = 0; i < n && run->start; i++)
        x[i] = first.alpha * run->start[i % dims] + first.sigma * x[i];
    return s->walk ? s->walk(walk, x, scratch) : walk_down(walk, s->step_down, x, scratch);
}

bool sampler_run(const Sampler *s, SampleRun *run, const Denoiser *denoiser,
                 const NoiseSource *noise, int count, double *x, double *scratch, Err *err)
{
    Walk walk = {s, run, denoiser, noise, count, err, NULL};
    Restore *restore = run->restore;
    Denoiser guided;
    CHECK(run->grid->n >= 1);
    if ((s->reads & SAMPLE_CLIP) && run->config.clip && !(run->clip_range > 0))
        return err_set(err, ERR_USAGE, "sampler %s: the clipping range is %g; it must be above 0",
                       s->name, run->clip_range);
    if (!restore) return walk_all(&walk, x, scratch);
    walk.denoiser = &guided;
    bool ok =
        restore_begin(restore, s->name, s->reads & SAMPLE_ODE, denoiser, count, &guided, err) &&
        walk_all(&walk, x, scratch);
    if (ok) restore_keep_known(restore, count, x);
    restore_end(restore);
    return ok;
}
