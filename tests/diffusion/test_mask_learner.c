/* Learning which steps to keep, with predictions whose errors are known: data that are independent
 * normals with variances that fall like those of pictures. */
#include "diffusion/mask_learner.h"

#include "base/rng.h"
#include "processes.h"
#include "test.h"

enum { T = 400, DIMS = 64, BATCH = 16 };

typedef struct {
    Schedule schedule;
    double mean_square;
    double variance[DIMS];
} World;

static World world_make(void)
{
    World w = {.schedule = schedule_of(SCHEDULE_LINEAR, T, 2.5e-4, 0.05, NULL)};
    double sum = 0;
    for (int i = 0; i < DIMS; i++) sum += w.variance[i] = pow(i + 1, -2.2);
    for (int i = 0; i < DIMS; i++) w.variance[i] *= 0.4 * DIMS / sum;
    w.mean_square = 0.4;
    return w;
}

/* Mean squared error of the best prediction of x0. */
static double error_at(const World *w, NoiseLevel level)
{
    double s2 = level.sigma * level.sigma / (level.alpha * level.alpha), sum = 0;
    for (int i = 0; i < DIMS; i++) sum += w->variance[i] * s2 / (w->variance[i] + s2);
    return sum / DIMS;
}

static MaskConfig tuned(int keep)
{
    return (MaskConfig){.keep = keep, .recipe = RECIPE_TUNED, .alphas = ALPHAS_MERGED};
}

/* Updates from .. to-1 of `all`, each a batch of predictions with errors as they would be. */
static void learn(MaskLearner *l, const World *w, int from, int to, int all)
{
    Err err = {0};
    for (int u = from; u < to; u++) {
        uint64_t first = (uint64_t)(u * BATCH);
        if (!EXPECT(mask_learner_draw(l, (double)u / all, first, &err))) return;
        for (uint64_t number = first; number < first + BATCH; number++) {
            NoiseLevel level = mask_learner_level(l, number);
            double z, error = error_at(w, level);
            rng_normals(&z, 1, 1, rng_stream(RNG_TEST, number), 0);
            error *= exp(0.3 * z);
            mask_learner_observe(l, number, (PredictionError){error, (double)NAN},
                                 error * level.alpha * level.alpha / (level.sigma * level.sigma));
        }
        mask_learner_update(l);
    }
}

static MaskLearner learner(const World *w, MaskConfig c)
{
    MaskLearner l;
    Err err = {0};
    if (!mask_learner_open(&l, &c, w->mean_square, 3, &w->schedule, &err)) {
        printf("%s\n", err.text);
        abort();
    }
    return l;
}

/* The bound of merged steps at the true errors. */
static double true_cost(const World *w, const unsigned char *m)
{
    NoiseLevel below = {.alpha = 1, .time = -1};
    double sum = 0;
    for (int t = 0; t < T; t++) {
        if (!m[t]) continue;
        NoiseLevel level = schedule_level(&w->schedule, t);
        sum += step_cost(level, below, error_at(w, level));
        below = level;
    }
    return sum;
}

static double spaced_cost(const World *w, SpacingKind spacing, int K)
{
    unsigned char m[T];
    keep_spaced(m, spacing, T, K);
    return true_cost(w, m);
}

static double oracle_step(void *context, int t, int p)
{
    const World *w = context;
    NoiseLevel level = schedule_level(&w->schedule, t), clean = {.alpha = 1, .time = -1};
    return step_cost(level, p < 0 ? clean : schedule_level(&w->schedule, p), error_at(w, level));
}

static int kept_of(const unsigned char *m)
{
    int kept = 0;
    for (int t = 0; t < T; t++) kept += m[t];
    return kept;
}

TEST(the_scores_settle_on_steps_within_two_percent_of_the_optimum)
{
    World w = world_make();
    static const int keep[] = {10, 20, 50};
    for (int i = 0; i < 3; i++) {
        unsigned char m[T];
        Err err = {0};
        EXPECT(steps_optimum(oracle_step, &w, T, keep[i], m, &err));
        double best = true_cost(&w, m);
        MaskLearner l = learner(&w, tuned(keep[i]));
        learn(&l, &w, 0, 1000, 1000);
        EXPECT(mask_learner_extract(&l, 1, m, &err));
        EXPECT_INT(kept_of(m), keep[i]);
        EXPECT_INT(m[T - 1], 1);
        double cost = true_cost(&w, m);
        EXPECT(cost < 1.02 * best);
        EXPECT(cost < spaced_cost(&w, SPACING_EVEN, keep[i]));
        EXPECT(cost < spaced_cost(&w, SPACING_QUADRATIC, keep[i]));
        for (int t = 0; t < T; t++) EXPECT(l.s[t] == m[t]);
        mask_learner_close(&l);
    }
}

/* Algorithm 1 as it stands, with the reward that it names: it goes where noise is easy to tell. */
TEST(the_plain_loss_as_reward_prefers_the_noisiest_steps)
{
    World w = world_make();
    MaskLearner l = learner(&w, tuned(20));
    l.rules.bound = l.rules.moves = false;
    learn(&l, &w, 0, 1000, 1000);
    double mean = 0;
    for (int t = 0; t < T; t++) mean += l.s[t] * t / 20;
    EXPECT(mean > 0.6 * T);
    unsigned char m[T];
    Err err = {0};
    EXPECT(mask_learner_extract(&l, 1, m, &err));
    EXPECT(true_cost(&w, m) > spaced_cost(&w, SPACING_QUADRATIC, 20));
    mask_learner_close(&l);
}

TEST(all_steps_stay_until_the_ramp_and_the_budget_is_kept_after_it)
{
    World w = world_make();
    MaskLearner l = learner(&w, tuned(20));
    learn(&l, &w, 0, 16, 100);
    for (int t = 0; t < T; t++) EXPECT(l.s[t] == 1);
    unsigned char m[T];
    Err err = {0};
    EXPECT(mask_learner_extract(&l, 0.16, m, &err));
    EXPECT_INT(kept_of(m), T);
    for (int u = 16; u < 70; u++) {
        learn(&l, &w, u, u + 1, 100);
        double share = mask_kept_share(u / 100.0, 0.16, 0.6, 20.0 / T);
        EXPECT(mask_summary(l.s, T).sum <= T * share + 1e-6);
        EXPECT(l.s[T - 1] == 1);
        EXPECT(mask_learner_extract(&l, u / 100.0, m, &err));
        EXPECT_INT(kept_of(m), (int)rint(T * share));
    }
    learn(&l, &w, 70, 71, 100);
    EXPECT(mask_summary(l.s, T).spread == 0);
    double settled[T];
    memcpy(settled, l.s, sizeof settled);
    learn(&l, &w, 71, 100, 100);
    EXPECT_SAME(settled, l.s, sizeof settled);
    for (int k = 0; k < 4; k++) EXPECT_INT(l.masks[k].kept, 20);
    mask_learner_close(&l);
}

/* Cost of a mask at the errors that the learner saw. */
static double seen_cost(const MaskLearner *l, const unsigned char *m)
{
    double alpha_bar[T];
    ErrorCurve curve;
    error_curve_make(&curve, &l->errors);
    mask_alpha_bar(alpha_bar, l->alphas, l->schedule, m);
    return chain_cost(&curve, alpha_bar, m, T, l->mean_square);
}

TEST(no_step_of_the_moved_ones_can_move_for_the_better)
{
    World w = world_make();
    for (MaskAlphas alphas = ALPHAS_MERGED; alphas <= ALPHAS_RESCALED; alphas++) {
        MaskConfig c = tuned(10);
        unsigned char m[T], drawn[T];
        Err err = {0};
        c.alphas = alphas;
        MaskLearner l = learner(&w, c);
        learn(&l, &w, 0, 69, 100);
        EXPECT(mask_learner_extract(&l, 0.69, m, &err));
        EXPECT_INT(kept_of(m), 10);
        double cost = seen_cost(&l, m);
        int last = alphas == ALPHAS_MERGED ? T - 1 : T;
        for (int t = 0; t < last; t++) {
            if (!m[t]) continue;
            for (int way = -1; way <= 1; way += 2) {
                for (int to = t + way; to >= 0 && to < T && !m[to]; to += way) {
                    m[t] = 0, m[to] = 1;
                    EXPECT(seen_cost(&l, m) >= cost);
                    m[t] = 1, m[to] = 0;
                }
            }
        }
        l.rules.moves = false;
        EXPECT(mask_learner_extract(&l, 0.69, drawn, &err));
        EXPECT(cost < seen_cost(&l, drawn));
        mask_learner_close(&l);
    }
}

/* Every kind of noise, and each rule of the paper that can settle among those of the tuned recipe. */
TEST(every_choice_settles)
{
    World w = world_make();
    for (int choice = 0; choice < 5; choice++) {
        MaskConfig c = tuned(20);
        if (choice < 2) c.alphas = choice ? ALPHAS_LITERAL : ALPHAS_RESCALED;
        MaskLearner l = learner(&w, c);
        if (choice == 2) l.rules.precondition = false;
        if (choice == 3) l.rules.bound = false;
        if (choice == 4) l.rules.moves = false;
        learn(&l, &w, 0, 400, 400);
        EXPECT(mask_summary(l.s, T).spread == 0);
        EXPECT_NEAR(mask_summary(l.s, T).sum, 20, 0);
        mask_learner_close(&l);
    }
}

TEST(a_saved_learner_goes_on_to_the_same_bits)
{
    World w = world_make();
    MaskLearner straight = learner(&w, tuned(20)), parts = learner(&w, tuned(20)),
                rest = learner(&w, tuned(20));
    double state[T + 4 * ERROR_PLACES + 4], end[2][T + 4 * ERROR_PLACES + 4];
    EXPECT_INT((long long)mask_learner_state_count(&parts),
               (long long)(sizeof state / sizeof *state));
    learn(&straight, &w, 0, 100, 100);
    learn(&parts, &w, 0, 37, 100);
    mask_learner_save(&parts, state);
    EXPECT(mask_learner_restore(&rest, state));
    learn(&rest, &w, 37, 100, 100);
    mask_learner_save(&straight, end[0]);
    mask_learner_save(&rest, end[1]);
    EXPECT_SAME(end[0], end[1], sizeof state);
    /* What no learner can have written is refused and changes nothing. */
    static const double wrong[] = {-0.1, 1.1, (double)NAN, (double)INFINITY};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        double before = state[5];
        state[5] = wrong[i];
        EXPECT(!mask_learner_restore(&rest, state));
        state[5] = before;
    }
    mask_learner_save(&rest, state);
    EXPECT_SAME(end[1], state, sizeof state);
    mask_learner_close(&straight);
    mask_learner_close(&parts);
    mask_learner_close(&rest);
}

TEST(levels_are_drawn_evenly_among_the_kept_steps)
{
    enum { DRAWS = 20000 };
    World w = world_make();
    MaskLearner l = learner(&w, tuned(20));
    Err err = {0};
    learn(&l, &w, 0, 80, 100);
    EXPECT(mask_learner_draw(&l, 0.9, 0, &err));
    int counts[T] = {0};
    for (int i = 0; i < DRAWS; i++) {
        NoiseLevel level = mask_learner_level(&l, (uint64_t)i);
        counts[(int)level.t]++;
        if (!EXPECT(level.alpha == schedule_level(&w.schedule, (int)level.t).alpha)) break;
    }
    for (int t = 0; t < T; t++)
        EXPECT_NEAR(counts[t], l.s[t] * DRAWS / 20, 4.5 * sqrt(DRAWS / 20.0) * l.s[t]);
    mask_learner_close(&l);
}
