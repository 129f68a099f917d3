/* Algorithm 1 of EDDPM (Zhang et al. 2024) on six steps: a plain implementation, written from the paper's
 * formulas and sharing no code with src/ but the random numbers, against the learner with the recipe
 * "paper", whose numbers are these. */

#include "base/rng.h"
#include "diffusion/mask_learner.h"
#include "processes.h"
#include "test.h"

enum { T = 6, KEEP = 2, EPOCHS = 100, E1 = 17, ITERATIONS = 40, BATCH = 4 };
static const double ETA = 0.03;
static const uint64_t SEED = 8;
static const double betas[T] = {0.05, 0.1, 0.2, 0.3, 0.5, 0.7};

/* Loss of one image at step t whose cumulative alpha is a: what a fair predictor of data with variance
 * 0.4 would have, and noise. Positive, as every loss is. */
static double loss_of(int t, double a, uint64_t number)
{
    double z;
    rng_normals(&z, 1, SEED, rng_stream(RNG_TEST, number), 0);
    return 0.4 * a / (0.4 * a + 1 - a) * (1 + 0.1 * t) * exp(0.2 * z);
}

/* ---- Algorithm 1, plainly ---- */

typedef struct {
    double s[T];
    double alpha[T]; /* eq. 6 of the running mask */
    int m[T], kept;
    uint64_t drawn;
    int empty, at_zero, at_one, returned; /* how often that happened */
} Plain;

static double kept_fraction(int e)
{
    double gamma_f = (double)KEEP / T;
    if (e < E1) return 1;
    return gamma_f + (1 - gamma_f) * pow(1 - (double)(e - E1) / (EPOCHS - E1), 3);
}

/* Uniform in (0, 1): number t of mask `number`. */
static double mask_uniform(uint64_t number, int t)
{
    uint32_t words[4];
    rng_block(SEED, rng_stream(RNG_MASK, number), (uint64_t)t / 4, words);
    return (words[t % 4] + 0.5) / 4294967296.0;
}

/* m ~ prod Bernoulli(s_t). */
static int plain_mask(const double *s, uint64_t number, int *m)
{
    int kept = 0;
    for (int t = 0; t < T; t++) kept += m[t] = mask_uniform(number, t) < s[t];
    return kept;
}

/* The step with the largest score among those with m = which; of equals the noisiest. */
static int plain_largest(const double *s, const int *m, int which)
{
    int best = -1;
    for (int t = 0; t < T; t++)
        if (m[t] == which && (best < 0 || s[t] >= s[best])) best = t;
    return best;
}

/* An image's step, uniform among the kept. */
static int plain_step(const int *m, int kept, uint64_t number)
{
    int place = (int)rng_below(SEED, rng_stream(RNG_TIMESTEP, number), 0, (uint32_t)kept);
    for (int t = 0; t < T; t++)
        if (m[t] && place-- == 0) return t;
    abort();
}

static double fit(const double *z, double v)
{
    double sum = 0;
    for (int t = 0; t < T; t++) sum += z[t] - v < 0 ? 0 : z[t] - v > 1 ? 1 : z[t] - v;
    return sum;
}

/* The nearest point of {0 <= s <= 1, sum s <= most}: the sum of clip(z - v, 0, 1) is linear in v between
 * the corners z and z - 1, so v is found exactly between the two corners that enclose the budget. */
static void plain_projection(double *z, double most)
{
    double v = 0;
    if (fit(z, 0) > most) {
        double low = 0, high = HUGE_VAL;
        for (int i = 0; i < 2 * T; i++) {
            double corner = i < T ? z[i] : z[i - T] - 1;
            if (corner <= 0) continue;
            if (fit(z, corner) > most && corner > low) low = corner;
            if (fit(z, corner) <= most && corner < high) high = corner;
        }
        double above = fit(z, low), below = fit(z, high);
        v = low + (high - low) * (above - most) / (above - below);
    }
    for (int t = 0; t < T; t++) z[t] = z[t] - v < 0 ? 0 : z[t] - v > 1 ? 1 : z[t] - v;
}

/* One iteration of epoch e. The step and the level of each image go to t and a. */
static void plain_iteration(Plain *p, int e, uint64_t first, int *t, double *a)
{
    int drawn[T], mask[T];
    double loss = 0, gradient[T], before[T];
    p->kept = plain_mask(p->s, p->drawn++, drawn);
    memcpy(mask, drawn, sizeof mask);
    if (p->kept == 0) mask[plain_largest(p->s, drawn, 0)] = p->kept = 1, p->empty++;
    for (int i = 0; i < T; i++)
        p->alpha[i] = (i > 0 ? p->alpha[i - 1] : 1) * (1 - betas[i] * mask[i]);
    for (int i = 0; i < BATCH; i++) {
        t[i] = plain_step(mask, p->kept, first + (uint64_t)i);
        a[i] = p->alpha[t[i]];
        loss += loss_of(t[i], a[i], first + (uint64_t)i) / BATCH;
    }
    for (int i = 0; i < T; i++) gradient[i] = loss * (drawn[i] ? 1 / p->s[i] : -1 / (1 - p->s[i]));
    memcpy(before, p->s, sizeof before);
    for (int i = 0; i < T; i++) p->s[i] -= ETA * gradient[i];
    plain_projection(p->s, kept_fraction(e) * T);
    for (int i = 0; i < T; i++) {
        p->at_zero += p->s[i] == 0;
        p->at_one += p->s[i] == 1;
        p->returned += before[i] == 0 && p->s[i] > 0;
    }
}

/* ---- the learner ---- */

static MaskLearner open_paper(const Schedule *s, int keep)
{
    MaskLearner l;
    MaskConfig c = {.keep = keep, .recipe = RECIPE_PAPER, .alphas = ALPHAS_LITERAL};
    Err err = {0};
    if (!mask_learner_open(&l, &c, 0.4, SEED, s, &err)) {
        printf("%s\n", err.text);
        abort();
    }
    return l;
}

/* The recipe knows the loss of a sample alone. */
static void observe(MaskLearner *l, uint64_t number, double loss)
{
    mask_learner_observe(l, number, (PredictionError){(double)NAN, (double)NAN}, loss);
}

/* Every iteration of every epoch. Steps of 1 / s multiply rounding errors tenfold an epoch, so the plain
 * one takes over the learner's scores once they have been compared. */
TEST(the_recipe_paper_is_algorithm_1_number_by_number)
{
    Schedule schedule = schedule_of(SCHEDULE_BETAS, T, 0, 0, betas);
    MaskLearner l = open_paper(&schedule, KEEP);
    Plain p = {.drawn = 0};
    Err err = {0};
    for (int i = 0; i < T; i++) p.s[i] = 1;
    for (int e = 1; e <= EPOCHS; e++) {
        double progress = (e - 1.0) / EPOCHS;
        for (int k = 0; k < ITERATIONS; k++) {
            uint64_t first = (uint64_t)((e - 1) * ITERATIONS + k) * BATCH;
            int t[BATCH];
            double a[BATCH];
            plain_iteration(&p, e, first, t, a);
            EXPECT(mask_learner_draw(&l, progress, first, &err));
            EXPECT_INT(l.masks[0].kept, p.kept);
            for (int i = 0; i < BATCH; i++) {
                NoiseLevel level = mask_learner_level(&l, first + (uint64_t)i);
                if (!EXPECT_INT((int)level.t, t[i])) return;
                EXPECT_NEAR(level.alpha, sqrt(a[i]), 1e-14);
                EXPECT_NEAR(level.sigma, sqrt(1 - a[i]), 1e-14);
                observe(&l, first + (uint64_t)i,
                        loss_of((int)level.t, level.alpha * level.alpha, first + (uint64_t)i));
            }
            mask_learner_update(&l);
            for (int i = 0; i < T; i++)
                if (!EXPECT_NEAR(l.s[i], p.s[i], 1e-12)) return;
            memcpy(p.s, l.s, sizeof p.s);
        }
    }
    /* The run went where the formulas have their borders. */
    EXPECT(p.empty > 20);
    EXPECT(p.at_zero > 100);
    EXPECT(p.at_one > 100);
    EXPECT(p.returned > 100);
    /* Extraction: a mask drawn from the scores, brought to K steps by the scores. */
    unsigned char m[T];
    int drawn[T], kept = plain_mask(p.s, (uint64_t)1 << 50, drawn);
    EXPECT(mask_learner_extract(&l, 1, m, &err));
    for (; kept < KEEP; kept++) drawn[plain_largest(p.s, drawn, 0)] = 1;
    if (kept == KEEP)
        for (int i = 0; i < T; i++) EXPECT_INT(m[i], drawn[i]);
    mask_learner_close(&l);
}

TEST(the_scores_move_by_the_step_size_as_given_from_the_first_update)
{
    Schedule schedule = schedule_of(SCHEDULE_BETAS, T, 0, 0, betas);
    MaskLearner l = open_paper(&schedule, KEEP);
    Err err = {0};
    static const double losses[] = {0.5, 3, 0.01};
    for (int k = 0; k < 3; k++) {
        for (int t = 0; t < T; t++) l.s[t] = 1;
        EXPECT(mask_learner_draw(&l, 0, 0, &err));
        observe(&l, 0, losses[k]);
        mask_learner_update(&l);
        for (int t = 0; t < T; t++) EXPECT_NEAR(l.s[t], 1 - ETA * losses[k], 1e-15);
    }
    mask_learner_close(&l);
}

/* Steps 3 and 4 are the good ones, and the scores begin where they exclude both for certain. */
TEST(a_step_whose_score_is_zero_comes_back_when_it_helps)
{
    enum { UPDATES = 4000 };
    Schedule schedule = schedule_of(SCHEDULE_BETAS, T, 0, 0, betas);
    MaskLearner l = open_paper(&schedule, KEEP);
    Err err = {0};
    double good = 0, sum = 0;
    l.rules.full = 0;
    l.rules.ramp = 1e-9;
    for (int t = 0; t < T; t++) l.s[t] = t < KEEP;
    for (int u = 0; u < UPDATES; u++) {
        EXPECT(mask_learner_draw(&l, 0.5, 0, &err));
        const unsigned char *m = l.masks[0].m;
        observe(&l, 0, 1 - 0.45 * (m[3] + m[4]));
        mask_learner_update(&l);
        EXPECT(mask_summary(l.s, T).sum <= KEEP + 1e-9);
        if (u < UPDATES / 2) continue;
        good += (l.s[3] + l.s[4]) / (UPDATES / 2.0);
        sum += mask_summary(l.s, T).sum / (UPDATES / 2.0);
    }
    EXPECT(sum > 0.98 * KEEP);
    EXPECT(good > 1.5);
    mask_learner_close(&l);
}

/* K = 1 and K = T: as many steps as asked for, whatever the scores, which may all be 0. */
TEST(one_step_and_all_steps_are_extracted_from_any_scores)
{
    Schedule schedule = schedule_of(SCHEDULE_BETAS, T, 0, 0, betas);
    Err err = {0};
    for (int keep = 1; keep <= T; keep++) {
        MaskLearner l = open_paper(&schedule, keep);
        for (int draw = 0; draw < 40; draw++) {
            unsigned char m[T];
            int kept = 0;
            for (int t = 0; t < T; t++)
                l.s[t] = draw == 0 ? 0
                         : draw == 1
                             ? 1
                             : rng_uniform(SEED, rng_stream(RNG_TEST, 5), (uint64_t)(draw * T + t));
            EXPECT(mask_learner_extract(&l, 1, m, &err));
            for (int t = 0; t < T; t++) kept += m[t];
            EXPECT_INT(kept, keep);
        }
        mask_learner_close(&l);
    }
}
