/* Samplers: one table, each entry a step or a whole walk on the denoiser interface. State is double. */
#ifndef DIFFC_SAMPLER_H
#define DIFFC_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "diffusion/denoiser.h"
#include "diffusion/noise_source.h"
#include "diffusion/process.h"
#include "diffusion/restore.h"
#include "diffusion/sample_config.h"

typedef struct {
    const Process *process;
    const LevelGrid *grid;
    SampleConfig config;
    double clip_range; /* config.clip clamps x0 to +-clip_range at every step */
    Restore *restore;  /* what is known of the images; NULL: nothing */
    const double
        *start; /* [dims]: an image that is noised to the grid's first level; NULL: noise alone */
    SeedPath between; /* what model_sample draws; count 0: each image its own seed */
    /* Called after each network call with calls done; false stops with ERR_INTERRUPTED. May be
     * NULL. */
    bool (*progress)(void *context, long calls);
    void *progress_context;
    long network_calls;  /* out: calls of predict for an image; ode: for the one that took most */
    long expected_calls; /* out, from the start: what network_calls will be; 0: not known */
} SampleRun;

/* A run of one sampler (sampler_walk.h). */
typedef struct Walk Walk;
/* x[count, dims] at position `step` of the grid becomes x at the next, by the prediction eps there. z has
 * room for WALK_ROOM draws, and keeps what one step leaves there for the next. */
typedef void StepDown(const Walk *w, int step, double *x, const double *eps, double *z);
/* The whole way from the start noise x to the images. */
typedef bool WalkDown(Walk *w, double *x, double *scratch);

typedef struct {
    const char *name;    /* as on the command line */
    const char *summary; /* one line for the help and the README */
    unsigned reads;      /* SAMPLE_... */
    int calls;           /* network calls by default; 0: as `levels` says, else one per trained
                            level, 1000 for SDEs */
    SpacingKind spacing; /* by default; even: of discrete chains the trained steps; AUTO: even for
                            SMLD, whose levels are made for it, and logsnr for the others */
    /* How many levels a walk of at most `calls` network calls has; 0 when the calls are too few for one.
     * For calls 0 the default, of which 0 means one per trained level (1000 for SDEs). NULL: a walk has
     * as many levels as calls. */
    int (*levels)(const SampleRun *run, int calls);
    StepDown *step_down; /* of a sampler that needs one prediction a step, */
    WalkDown *walk;      /* or of any other; the other member is NULL */
} Sampler;

static inline bool sampler_reads(const Sampler *s, unsigned settings)
{
    return settings == SAMPLE_EVERY || (s->reads & settings);
}

/* The table, ended by an entry whose name is NULL; NULL from sampler_find for an unknown name. */
extern const Sampler samplers[];
const Sampler *sampler_find(const char *name);
enum { SAMPLER_SCRATCH = 12, WALK_ROOM = SAMPLER_SCRATCH - 1 };

/* x [count, dims] out; scratch [SAMPLER_SCRATCH * count * dims]. run->config must be in the ranges of
 * SAMPLE_SETTINGS. ERR_USAGE for settings that do not go together, ERR_DIVERGED (naming sampler, step and
 * time) for a prediction or state that is not finite, ERR_INTERRUPTED, or what predict reports. The bits of
 * an image depend neither on count nor on the number of threads. */
bool sampler_run(const Sampler *s, SampleRun *run, const Denoiser *denoiser,
                 const NoiseSource *noise, int count, double *x, double *scratch, Err *err);

/* The grid of a walk for run->process: calls 0 and SPACING_AUTO are the sampler's own. ERR_USAGE
 * when `calls` is too few, or more than the trained levels of an integer spacing. */
bool sampler_grid(const Sampler *s, const SampleRun *run, SpacingKind spacing, int calls,
                  LevelGrid *grid, Err *err);

/* The step of Langevin dynamics at the smallest level of a run that has its grid: config.langevin_step
 * or, for 0, that of technique 4 for the grid's mean ratio (langevin_step_size of smld_levels.h). */
double langevin_step_of(const SampleRun *run);

/* Coefficients of one step from level t down to level p of the ancestral sampler, q(x_p | x_t, x0)
 * (Ho et al. 2020, eq. 6 and 7; any levels: Kingma et al. 2021, eq. 25 to 31):
 *   r = alpha_t / alpha_p, beta = sigma_t^2 - r^2 sigma_p^2 (VP: 1 - alpha_bar_t / alpha_bar_p)
 *   mean = c_x0 x0 + c_x x;  c_x0 = alpha_p beta / sigma_t^2, c_x = r sigma_p^2 / sigma_t^2
 *   variance_small = beta sigma_p^2 / sigma_t^2;  variance_large = beta
 * At the clean end the step returns x0: c_x0 = 1, c_x = variance_small = 0. */
typedef struct {
    double c_x0, c_x, variance_small, variance_large;
} PosteriorStep;
PosteriorStep posterior_step(NoiseLevel t, NoiseLevel p);

/* The variance that a network means by v, nominally in [-1, 1]: geometrically between the two,
 * ln variance = (1+v)/2 ln large + (1-v)/2 ln small (Nichol & Dhariwal 2021, eq. 15). The small one
 * must be above 0, so this is not for the step to the clean end. */
double learned_variance(PosteriorStep q, double v);

#endif
