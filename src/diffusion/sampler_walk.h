/* What every sampler shares: drawing noise, calling the denoiser, and noticing that a run has
 * diverged. A sampler file is then the arithmetic of its method and little else. */
#ifndef DIFFC_SAMPLER_WALK_H
#define DIFFC_SAMPLER_WALK_H

#include "diffusion/ode_solve.h"
#include "diffusion/sampler.h"

/* One run of one sampler. Where a function takes `step`, it is a position in the run's grid. */
struct Walk {
    const Sampler *sampler;
    SampleRun *run;
    const Denoiser *denoiser;
    const NoiseSource *noise;
    int count;
    Err *err;
    double *v; /* [count, dims]: the last prediction's variances, or NULL where nobody asks */
};

/* Values of the whole batch: count * dims. */
static inline size_t walk_values(const Walk *w)
{
    return (size_t)w->count * w->denoiser->dims;
}

/* The level at a position and the one after it: the grid's next, or its end. */
static inline NoiseLevel walk_level(const Walk *w, int step)
{
    return w->run->grid->level[step];
}
static inline NoiseLevel walk_next(const Walk *w, int step)
{
    return w->run->grid->level[step + 1];
}

/* z[count, dims]: draw number `draw` of every image. */
void walk_draw(const Walk *w, uint64_t draw, double *z);

/* Whether what is known of x is replaced before each prediction, with the noise of draws of its own. */
enum { REPLACE_DRAWS = 1 << 30 };
static inline bool walk_replaces(const Walk *w)
{
    return w->run->restore && w->run->restore->way == RESTORE_REPLACE;
}

/* eps from x at a level: counts the call, reports progress, refuses values that are not finite. Of a walk that
 * replaces, x changes. */
bool walk_predict(const Walk *w, int step, double *x, NoiseLevel level, double *eps);

/* The same for some images, each at its own level: row i of x and eps is at levels[i * stride], and
 * is the image and step of row[i]. Without `row` all images stand at the same step. */
typedef struct {
    int count;
    const NoiseLevel *levels;
    int stride;
    const OdeRow *row; /* [count], or NULL */
    int step;
} WalkRows;
bool walk_predict_rows(const Walk *w, const WalkRows *rows, const double *x, double *eps);

/* ERR_DIVERGED unless all of x is finite. */
bool walk_check(const Walk *w, int step, const double *x);

/* The whole walk of a sampler that needs one prediction a step. */
bool walk_down(const Walk *w, StepDown *step_down, double *x, double *scratch);

static inline double clip_x0(const SampleRun *run, double x0)
{
    if (!run->config.clip) return x0;
    return x0 < -run->clip_range ? -run->clip_range : x0 > run->clip_range ? run->clip_range : x0;
}

/* The noise that is meant by a clipped x0: eps itself where nothing was clipped. */
static inline double eps_of_x0(NoiseLevel level, double x, double eps, double x0)
{
    return x0 == x0_from_eps(level, x, eps) ? eps : eps_from_prediction(PREDICT_X0, level, x, x0);
}

/* eps of the clipped prediction of the image. */
static inline double clip_eps(const SampleRun *run, NoiseLevel level, double x, double eps)
{
    return run->config.clip ? eps_of_x0(level, x, eps, clip_x0(run, x0_from_eps(level, x, eps)))
                            : eps;
}

/* Loops over fewer values run on one thread, where starting a team costs more than it saves. The
 * values are independent of each other, so this changes no bit. */
enum { WALK_PARALLEL_FROM = 4096 };

/* What the table of samplers takes from their files. */
StepDown ancestral_down, ddim_down, dpmpp_2m_down, unipc_down, reverse_sde_down;
WalkDown ddpm_walk, heun_walk, langevin_walk, plain_langevin_walk, ode_walk, pc_walk;
int heun_levels(const SampleRun *run, int calls);
int langevin_levels(const SampleRun *run, int calls);
int plain_langevin_levels(const SampleRun *run, int calls);
int ode_levels(const SampleRun *run, int calls);
int pc_levels(const SampleRun *run, int calls);

#endif
