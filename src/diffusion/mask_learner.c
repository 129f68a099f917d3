#include "diffusion/mask_learner.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "diffusion/process.h"

/* How much of the running spread an update replaces. */
static const double RUNNING_SHARE = 0.05;
/* Draws of which extraction takes the best, and how often it goes through the steps to move them. */
enum { DRAWS = 100, SWEEPS = 30 };
/* Where the numbers of extraction's draws begin, so that they are none of training's. */
static const uint64_t EXTRACTION = (uint64_t)1 << 50;

bool mask_learner_open(MaskLearner *l, const MaskConfig *c, double mean_square, uint64_t seed,
                       const Schedule *schedule, Err *err)
{
    int T = schedule->T;
    CHECK(c->keep >= 1 && c->keep <= T && c->alphas != ALPHAS_AUTO);
    *l = (MaskLearner){.keep = c->keep,
                       .alphas = c->alphas,
                       .rules = mask_recipes[c->recipe],
                       .mean_square = mean_square,
                       .seed = seed,
                       .schedule = schedule,
                       .T = T};
    size_t n = (size_t)l->rules.masks, steps = (size_t)T;
    l->s = mem_doubles(2 * steps);
    l->masks = mem_alloc(n, sizeof *l->masks);
    l->cost = mem_doubles(2 * n);
    l->block = mem_alloc((n + 1) * steps, sizeof(double) + 1);
    if (!l->s || !l->masks || !l->cost || !l->block) {
        mask_learner_close(l);
        return err_set(err, ERR_MEMORY, "no memory for %zu masks of %d steps", n, T);
    }
    l->gradient = l->s + T;
    l->scale = l->cost + n;
    double *alpha_bar = l->block;
    unsigned char *m = (unsigned char *)(alpha_bar + n * steps);
    for (size_t k = 0; k < n; k++)
        l->masks[k] = (Mask){.m = m + k * steps, .alpha_bar = alpha_bar + k * steps};
    l->none = m + n * steps;
    for (int t = 0; t < T; t++) l->s[t] = 1;
    step_errors_open(&l->errors, level_logsnr(schedule_level(schedule, T - 1)),
                     level_logsnr(schedule_level(schedule, 0)) + (T > 1 ? 0 : 1));
    return true;
}

void mask_learner_close(MaskLearner *l)
{
    mem_free(l->s);
    mem_free(l->masks);
    mem_free(l->cost);
    mem_free(l->block);
    memset(l, 0, sizeof *l);
}

/* A merged chain must keep the noisiest step, or it would not end in noise. */
static bool keeps_last(const MaskLearner *l)
{
    return l->alphas == ALPHAS_MERGED;
}

static double budget(const MaskLearner *l, double progress)
{
    double final = (double)l->keep / l->T;
    return l->T * mask_kept_share(progress, l->rules.full, l->rules.ramp, final);
}

static bool is_settled(const MaskLearner *l)
{
    MaskSummary all = mask_summary(l->s, l->T);
    return all.spread <= 0 && all.sum == l->keep;
}

bool mask_learner_draw(MaskLearner *l, double progress, uint64_t first, Err *err)
{
    l->progress = progress;
    l->first = first;
    if (progress >= l->rules.settle && !is_settled(l)) {
        unsigned char *m = l->masks[0].m;
        if (!mask_learner_extract(l, progress, m, err)) return false;
        for (int t = 0; t < l->T; t++) l->s[t] = m[t];
    }
    error_curve_make(&l->curve, &l->errors);
    for (int k = 0; k < l->rules.masks; k++) {
        Mask *mask = &l->masks[k];
        mask->kept = mask_draw(mask->m, l->s, l->T, l->seed, l->drawn++);
        mask->empty = mask->kept == 0;
        mask->loss = mask->images = 0;
        if (mask->empty) mask_complete(mask->m, l->s, l->T, mask->kept = 1);
        mask_alpha_bar(mask->alpha_bar, l->alphas, l->schedule, mask->m);
    }
    return true;
}

static int mask_of(const MaskLearner *l, uint64_t number)
{
    return (int)((number - l->first) % (uint64_t)l->rules.masks);
}

NoiseLevel mask_learner_level(const MaskLearner *l, uint64_t number)
{
    const Mask *mask = &l->masks[mask_of(l, number)];
    int place = (int)rng_below(l->seed, rng_stream(RNG_TIMESTEP, number), 0, (uint32_t)mask->kept);
    return mask_level(mask->alpha_bar, mask_step(mask->m, l->T, place));
}

double mask_learner_expected_error(const MaskLearner *l, NoiseLevel level)
{
    return error_curve_at(&l->curve, level);
}

void mask_learner_observe(MaskLearner *l, uint64_t number, PredictionError seen, double loss)
{
    Mask *mask = &l->masks[mask_of(l, number)];
    NoiseLevel level = mask_learner_level(l, number);
    double expected = mask_learner_expected_error(l, level);
    if (isfinite(seen.error)) step_errors_add(&l->errors, level, seen.error);
    if (isfinite(seen.nats) && expected > 0)
        step_errors_add_decoder(&l->errors, level, seen.nats, expected);
    mask->loss += loss;
    mask->images++;
}

/* Costs of the update's masks. */
static void judge(MaskLearner *l)
{
    ErrorCurve curve;
    error_curve_make(&curve, &l->errors);
    for (int k = 0; k < l->rules.masks; k++) {
        const Mask *mask = &l->masks[k];
        l->cost[k] = l->rules.bound
                         ? chain_cost(&curve, mask->alpha_bar, mask->m, l->T, l->mean_square)
                         : mask->loss / mask->images;
    }
}

/* Follows how far costs lie from what they are compared with. */
static void follow(MaskLearner *l)
{
    /* Equal masks differ by rounding only, which is no unit. */
    static const double ROUNDING = 1e-9;
    int n = l->rules.masks;
    double mean = 0, square = 0;
    for (int k = 0; k < n; k++) {
        mean += l->cost[k] / n;
        square += l->scale[k] * l->scale[k] * n;
    }
    double spread = sqrt(square);
    if (spread > ROUNDING * fabs(mean))
        l->spread += (l->spread > 0 ? RUNNING_SHARE : 1) * (spread - l->spread);
}

void mask_learner_update(MaskLearner *l)
{
    const MaskRules *rules = &l->rules;
    if (l->progress >= rules->settle) return;
    judge(l);
    mask_advantages(l->scale, l->cost, rules->masks);
    follow(l);
    double unit = rules->masks == 1 ? 1 : l->spread;
    memset(l->gradient, 0, (size_t)l->T * sizeof *l->gradient);
    for (int k = 0; k < rules->masks && unit > 0; k++) {
        const unsigned char *drawn = l->masks[k].empty ? l->none : l->masks[k].m;
        mask_add_score_gradient(l->gradient, drawn, l->s, l->T, rules->precondition,
                                l->scale[k] / unit);
    }
    for (int t = 0; t < l->T; t++) l->s[t] -= rules->rate * l->gradient[t];
    double most = budget(l, l->progress);
    if (keeps_last(l)) {
        l->s[l->T - 1] = 1;
        mask_project(l->s, l->T - 1, most - 1);
    } else {
        mask_project(l->s, l->T, most);
    }
}

/* Room to judge a chain that is tried. */
typedef struct {
    const MaskLearner *l;
    ErrorCurve curve;
    unsigned char *m;  /* [T] */
    double *alpha_bar; /* [T] */
} Trial;

static double trial_cost(const Trial *c, const unsigned char *m)
{
    const MaskLearner *l = c->l;
    mask_alpha_bar(c->alpha_bar, l->alphas, l->schedule, m);
    return chain_cost(&c->curve, c->alpha_bar, m, l->T, l->mean_square);
}

/* The best chain of exactly K steps among that with the largest scores and those of many draws. */
static double best_draw(const Trial *c, int K, unsigned char *best)
{
    const MaskLearner *l = c->l;
    mask_top(best, l->s, l->T, K);
    double least = trial_cost(c, best);
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        mask_draw(c->m, l->s, l->T, l->seed, EXTRACTION + draw);
        mask_complete(c->m, l->s, l->T, K);
        double cost = trial_cost(c, c->m);
        if (!(cost < least)) continue;
        least = cost;
        memcpy(best, c->m, (size_t)l->T);
    }
    return least;
}

/* Moves kept step t to the best place between its neighbours and returns the noisier of its old and new
 * place; *least is the chain's cost. */
static int move_step(const Trial *c, unsigned char *m, int t, double *least)
{
    int low = t, high = t, best = t;
    while (low > 0 && !m[low - 1]) low--;
    while (high + 1 < c->l->T && !m[high + 1]) high++;
    m[t] = 0;
    for (int place = low; place <= high; place++) {
        if (place == t) continue;
        m[place] = 1;
        double cost = trial_cost(c, m);
        m[place] = 0;
        if (!(cost < *least)) continue;
        *least = cost;
        best = place;
    }
    m[best] = 1;
    return best > t ? best : t;
}

/* Moves one step after the other while the chain's cost falls. */
static void move_steps(const Trial *c, unsigned char *m, double least)
{
    int last = c->l->T - (keeps_last(c->l) ? 1 : 0);
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double before = least;
        for (int t = 0; t < last; t++)
            if (m[t]) t = move_step(c, m, t, &least);
        if (!(least < before)) break;
    }
}

static bool extract_moved(const MaskLearner *l, int K, unsigned char *m, Err *err)
{
    size_t steps = (size_t)l->T;
    Trial c = {.l = l, .m = mem_alloc(steps, 1), .alpha_bar = mem_doubles(steps)};
    bool ok = c.m && c.alpha_bar;
    if (ok) {
        error_curve_make(&c.curve, &l->errors);
        double least = best_draw(&c, K, m);
        /* On the way to K the steps are many and will not stay. */
        if (K == l->keep) move_steps(&c, m, least);
    }
    mem_free(c.m);
    mem_free(c.alpha_bar);
    return ok || err_set(err, ERR_MEMORY, "no memory to choose %d of %d steps", K, l->T);
}

bool mask_learner_extract(const MaskLearner *l, double progress, unsigned char *m, Err *err)
{
    int K = (int)rint(budget(l, progress));
    if (K >= l->T || is_settled(l)) {
        mask_top(m, l->s, l->T, K);
        return true;
    }
    if (l->rules.moves) return extract_moved(l, K, m, err);
    mask_draw(m, l->s, l->T, l->seed, EXTRACTION);
    mask_complete(m, l->s, l->T, K);
    return true;
}

/* Behind the scores and the errors: a number of older versions, the spread, another such, the masks so
 * far. Of the older numbers the first may be negative. */
enum { SINGLES = 4 };

size_t mask_learner_state_count(const MaskLearner *l)
{
    return (size_t)l->T + 4 * ERROR_PLACES + SINGLES;
}

void mask_learner_save(const MaskLearner *l, double *state)
{
    memcpy(state, l->s, (size_t)l->T * sizeof *state);
    state += l->T;
    memcpy(state, &l->errors.error, sizeof l->errors.error);
    memcpy(state + 2 * ERROR_PLACES, &l->errors.decoder, sizeof l->errors.decoder);
    state += 4 * ERROR_PLACES;
    state[0] = state[2] = 0;
    state[1] = l->spread;
    state[3] = (double)l->drawn;
}

bool mask_learner_restore(MaskLearner *l, const double *state)
{
    size_t count = mask_learner_state_count(l);
    for (size_t i = 0; i < count; i++) {
        bool score = i < (size_t)l->T, signed_number = i == count - SINGLES;
        if (!isfinite(state[i]) || (state[i] < 0 && !signed_number) || (score && state[i] > 1))
            return false;
    }
    memcpy(l->s, state, (size_t)l->T * sizeof *state);
    state += l->T;
    memcpy(&l->errors.error, state, sizeof l->errors.error);
    memcpy(&l->errors.decoder, state + 2 * ERROR_PLACES, sizeof l->errors.decoder);
    state += 4 * ERROR_PLACES;
    l->spread = state[1];
    l->drawn = (uint64_t)state[3];
    return true;
}
