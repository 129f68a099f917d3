/* What steps cost, and the steps that cost least. */
#include "diffusion/step_costs.h"

#include "base/rng.h"
#include "diffusion/likelihood.h"
#include "diffusion/mask.h"
#include "diffusion/sampler.h"
#include "processes.h"
#include "test.h"

enum { MOST = 1000, SIX = 6, MASKS = 1 << SIX };

static Schedule linear_1000(void)
{
    return schedule_of(SCHEDULE_LINEAR, 1000, 1e-4, 0.02, NULL);
}

/* ---- costs ---- */

typedef struct {
    double cost[9][10];
} CostTable;

static double table_step(void *context, int t, int p)
{
    const CostTable *c = context;
    return c->cost[t][p + 1];
}

static double table_total(const CostTable *c, int mask, int T)
{
    int below = -1;
    double sum = 0;
    for (int t = 0; t < T; t++) {
        if (!(mask >> t & 1)) continue;
        sum += c->cost[t][below + 1];
        below = t;
    }
    return below == T - 1 ? sum : HUGE_VAL;
}

TEST(dynamic_programming_finds_what_trying_all_subsets_finds)
{
    enum { T = 9 };
    CostTable c;
    for (int draw = 0; draw < 20; draw++) {
        for (int t = 0; t < T; t++) {
            uint64_t stream = rng_stream(RNG_TEST, (uint64_t)(100 + draw));
            for (int p = 0; p <= t; p++)
                c.cost[t][p] = rng_uniform(3, stream, (uint64_t)(t * 10 + p));
        }
        for (int K = 1; K <= T; K++) {
            double least = HUGE_VAL;
            int best = 0, found = 0;
            unsigned char m[T];
            Err err = {0};
            for (int mask = 1; mask < 1 << T; mask++) {
                double cost = table_total(&c, mask, T);
                if (__builtin_popcount((unsigned)mask) != K || cost >= least) continue;
                least = cost;
                best = mask;
            }
            EXPECT(steps_optimum(table_step, &c, T, K, m, &err));
            for (int t = 0; t < T; t++) found |= m[t] << t;
            if (!EXPECT_INT(found, best)) return;
        }
    }
}

TEST(no_finite_choice_of_steps_is_said)
{
    CostTable c;
    for (int t = 0; t < 9; t++)
        for (int p = 0; p < 10; p++) c.cost[t][p] = (double)NAN;
    unsigned char m[4];
    Err err = {0};
    EXPECT_REFUSED(steps_optimum(table_step, &c, 4, 2, m, &err), err, ERR_DIVERGED,
                   "no choice of 2 of 4 steps");
}

/* Data N(0, v): the best prediction of x0 errs by v s^2 / (v + s^2), s = sigma / alpha. */
static double gaussian_error(NoiseLevel level, double v)
{
    double s = level.sigma / level.alpha;
    return v * s * s / (v + s * s);
}

static ErrorCurve gaussian_curve(const Schedule *s, double v, int every)
{
    StepErrors e;
    ErrorCurve c;
    step_errors_open(&e, level_logsnr(schedule_level(s, s->T - 1)),
                     level_logsnr(schedule_level(s, 0)));
    for (int t = 0; t < s->T; t += every)
        step_errors_add(&e, schedule_level(s, t), gaussian_error(schedule_level(s, t), v));
    error_curve_make(&c, &e);
    return c;
}

TEST(the_error_curve_returns_what_it_was_shown)
{
    Schedule s = linear_1000();
    for (int every = 1; every <= 10; every += 9) {
        ErrorCurve c = gaussian_curve(&s, 0.3, every);
        for (int t = 0; t < 1000; t++) {
            NoiseLevel level = schedule_level(&s, t);
            if (!EXPECT_NEAR(error_curve_at(&c, level) / gaussian_error(level, 0.3), 1, 0.04))
                break;
        }
    }
    /* Beyond the cleanest level the error is the noise itself. */
    ErrorCurve c = gaussian_curve(&s, 0.3, 1);
    NoiseLevel cleaner = {.alpha = 1, .sigma = 1e-3, .time = -0.5};
    EXPECT_NEAR(error_curve_at(&c, cleaner) / 1e-6, 1, 0.05);
    StepErrors nothing;
    step_errors_open(&nothing, -4, 4);
    error_curve_make(&c, &nothing);
    EXPECT_NEAR(error_curve_at(&c, cleaner), 1e-6, 1e-8);
    EXPECT_NEAR(error_curve_at(&c, (NoiseLevel){.alpha = 0.01, .sigma = 1}), 1, 0.01);
}

/* Old errors are forgotten: a network that learns is judged by what it can do now. */
TEST(the_error_curve_follows_a_network_that_improves)
{
    StepErrors e;
    ErrorCurve c;
    NoiseLevel level = {.alpha = 0.8, .sigma = 0.6, .t = 5, .time = 5};
    step_errors_open(&e, -4, 4);
    for (int i = 0; i < 20000; i++) step_errors_add(&e, level, 1);
    for (int i = 0; i < 20000; i++) step_errors_add(&e, level, 0.1);
    error_curve_make(&c, &e);
    EXPECT_NEAR(error_curve_at(&c, level), 0.1, 0.02);
}

/* What the decoder was seen to cost, not what normal errors would. */
TEST(the_last_step_costs_what_the_decoder_was_seen_to_cost)
{
    StepErrors e;
    ErrorCurve c;
    Schedule s = linear_1000();
    NoiseLevel clean = {.alpha = 1, .time = -1}, level = schedule_level(&s, 3);
    step_errors_open(&e, -4, 4);
    for (int t = 0; t < 10; t++) {
        NoiseLevel near = schedule_level(&s, t);
        step_errors_add(&e, near, gaussian_error(near, 0.3));
    }
    error_curve_make(&c, &e);
    double plain = error_curve_cost(&c, level, clean);
    EXPECT_NEAR(plain, step_cost(level, clean, error_curve_at(&c, level)), 1e-12);
    for (int t = 0; t < 10; t++) {
        NoiseLevel near = schedule_level(&s, t);
        double error = gaussian_error(near, 0.3);
        step_errors_add_decoder(&e, near, 0.4 * step_cost(near, clean, error), error);
    }
    error_curve_make(&c, &e);
    EXPECT_NEAR(error_curve_cost(&c, level, clean), 0.4 * plain, 1e-9);
    NoiseLevel below = schedule_level(&s, 1);
    EXPECT(error_curve_cost(&c, level, below) ==
           step_cost(level, below, error_curve_at(&c, level)));
}

/* The cost of a step is the bound's own term at the variance that makes it smallest. */
TEST(the_cost_of_a_step_is_the_least_expected_term_of_the_bound)
{
    Schedule s = linear_1000();
    NoiseLevel t = schedule_level(&s, 600), p = schedule_level(&s, 400);
    PosteriorStep q = posterior_step(t, p);
    double error = 0.07, best = HUGE_VAL;
    for (double v = 0.2; v < 5; v *= 1.001) {
        double variance = q.variance_small * v;
        double shift = q.c_x0 * sqrt(error);
        best = fmin(best, gaussian_kl(0, q.variance_small, shift, variance));
    }
    EXPECT_NEAR(step_cost(t, p, error), best, 1e-6);
    /* The last: far from a grey level the entropy of a normal, within one nothing. */
    NoiseLevel clean = {.alpha = 1, .time = -1};
    double width = 2.0 / 255;
    EXPECT_NEAR(step_cost(t, clean, 0.1), 0.5 * log(17.0794684453471 * 0.1 / (width * width)),
                1e-4);
    EXPECT_NEAR(step_cost(t, clean, 1e-12), 0, 1e-5);
}

static double prior_term(double alpha_bar, double mean_square)
{
    return 0.5 * (alpha_bar * mean_square - alpha_bar - log1p(-alpha_bar));
}

TEST(a_chain_costs_the_sum_of_its_steps_and_of_its_end)
{
    double alpha_bar[8], sum = 0;
    static const unsigned char m[8] = {0, 1, 0, 1, 1, 0, 1, 0};
    Schedule s = schedule_of(SCHEDULE_LINEAR, 8, 0.02, 0.4, NULL);
    ErrorCurve c = gaussian_curve(&s, 0.5, 1);
    mask_alpha_bar(alpha_bar, ALPHAS_LITERAL, &s, m);
    NoiseLevel below = {.alpha = 1, .time = -1};
    for (int t = 0; t < 8; t++) {
        if (!m[t]) continue;
        NoiseLevel level = mask_level(alpha_bar, t);
        sum += step_cost(level, below, error_curve_at(&c, level));
        below = level;
    }
    sum += prior_term(alpha_bar[6], 0.5);
    EXPECT_NEAR(chain_cost(&c, alpha_bar, m, 8, 0.5), sum, 1e-12);
    EXPECT_NEAR(end_cost(mask_level(alpha_bar, 6), 0.5), prior_term(alpha_bar[6], 0.5), 1e-12);
}

/* The optimum over merged steps costs less than the usual spacings. */
TEST(the_optimum_of_merged_steps_beats_even_and_quadratic_spacing)
{
    enum { K = 12 };
    static unsigned char m[MOST];
    Schedule s = linear_1000();
    ErrorCurve c = gaussian_curve(&s, 0.25, 1);
    Err err = {0};
    EXPECT(steps_optimum_merged(&c, s.alpha_bar, 1000, K, m, &err));
    int kept = 0;
    for (int t = 0; t < 1000; t++) kept += m[t];
    EXPECT_INT(kept, K);
    EXPECT_INT(m[999], 1);
    double least = chain_cost(&c, s.alpha_bar, m, 1000, 0.25);
    for (SpacingKind spacing = SPACING_EVEN; spacing <= SPACING_QUADRATIC; spacing++) {
        keep_spaced(m, spacing, 1000, K);
        EXPECT(chain_cost(&c, s.alpha_bar, m, 1000, 0.25) > least);
    }
}
