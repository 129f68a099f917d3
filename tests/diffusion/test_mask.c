/* Masks of steps and what chains of few steps cost: every quantity of EDDPM by itself. */
#include "diffusion/mask.h"

#include "base/rng.h"
#include "diffusion/likelihood.h"
#include "diffusion/sampler.h"
#include "diffusion/step_costs.h"
#include "processes.h"
#include "test.h"

enum { MOST = 1000, SIX = 6, MASKS = 1 << SIX };

static Schedule linear_1000(void)
{
    return schedule_of(SCHEDULE_LINEAR, 1000, 1e-4, 0.02, NULL);
}

TEST(a_drawn_mask_keeps_a_step_as_often_as_its_score_says)
{
    enum { DRAWS = 20000 };
    static const double s[7] = {0, 1, 0.5, 0.1, 0.9, 0.02, 1};
    int kept[7] = {0}, both = 0;
    unsigned char m[7], again[7];
    for (int draw = 0; draw < DRAWS; draw++) {
        int count = mask_draw(m, s, 7, 5, (uint64_t)draw), sum = 0;
        for (int t = 0; t < 7; t++) {
            kept[t] += m[t];
            sum += m[t];
        }
        both += m[2] && m[4];
        if (!EXPECT_INT(sum, count)) return;
    }
    for (int t = 0; t < 7; t++)
        EXPECT_NEAR((double)kept[t] / DRAWS, s[t], 4.5 * sqrt(s[t] * (1 - s[t]) / DRAWS));
    EXPECT_NEAR((double)both / DRAWS, 0.45, 4.5 * sqrt(0.45 * 0.55 / DRAWS));
    mask_draw(m, s, 7, 5, 3);
    mask_draw(again, s, 7, 5, 3);
    EXPECT_SAME(m, again, 7);
}

TEST(a_mask_without_steps_is_drawn_as_such_and_completed_by_the_largest_score)
{
    static const double none[4] = {0, 0, 0, 0}, low[4] = {0, 1e-12, 1e-13, 0};
    unsigned char m[4];
    EXPECT_INT(mask_draw(m, none, 4, 1, 1), 0);
    EXPECT_SAME(m, ((unsigned char[]){0, 0, 0, 0}), 4);
    mask_complete(m, none, 4, 1);
    EXPECT_SAME(m, ((unsigned char[]){0, 0, 0, 1}), 4);
    EXPECT_INT(mask_draw(m, low, 4, 1, 1), 0);
    mask_complete(m, low, 4, 1);
    EXPECT_SAME(m, ((unsigned char[]){0, 1, 0, 0}), 4);
}

TEST(places_count_the_kept_steps_in_order)
{
    static const unsigned char m[6] = {0, 1, 1, 0, 0, 1};
    EXPECT_INT(mask_step(m, 6, 0), 1);
    EXPECT_INT(mask_step(m, 6, 1), 2);
    EXPECT_INT(mask_step(m, 6, 2), 5);
}

TEST(the_kept_share_falls_as_a_cubic_from_one_to_its_end)
{
    EXPECT(mask_kept_share(0, 2, 10, 0.1) == 1);
    EXPECT(mask_kept_share(1.999, 2, 10, 0.1) == 1);
    EXPECT(mask_kept_share(2, 2, 10, 0.1) == 1);
    EXPECT_NEAR(mask_kept_share(6, 2, 10, 0.1), 0.1 + 0.9 / 8, 1e-15);
    EXPECT(mask_kept_share(10, 2, 10, 0.1) == 0.1);
    EXPECT(mask_kept_share(11, 2, 10, 0.1) == 0.1);
    for (double e = 2.1; e < 10; e += 0.1)
        EXPECT(mask_kept_share(e, 2, 10, 0.1) < mask_kept_share(e - 0.1, 2, 10, 0.1));
    EXPECT(mask_kept_share(0, 0, 1, 0.25) == 1);
}

static double literal_end(const Schedule *s, const unsigned char *m)
{
    static double alpha_bar[MOST];
    mask_alpha_bar(alpha_bar, ALPHAS_LITERAL, s, m);
    return alpha_bar[s->T - 1];
}

/* Whatever the literal chain keeps, little noise is added: as computed by hand elsewhere. */
TEST(the_literal_chain_ends_where_the_table_says)
{
    static const struct {
        bool quadratic;
        int K;
        double spaced, largest;
    } rows[] = {
        {false, 5, 0.951, 0.904},   {false, 20, 0.817, 0.670},  {false, 50, 0.603, 0.373},
        {false, 100, 0.364, 0.147}, {false, 200, 0.132, 0.026}, {false, 500, 0.0064, 5.1e-4},
        {true, 5, 0.302, 0.045},    {true, 10, 0.110, 0.0045},  {true, 20, 0.015, 2.4e-4}};
    static unsigned char m[MOST];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Schedule s = rows[i].quadratic ? schedule_of(SCHEDULE_SCALED_LINEAR, 50, 1e-4, 0.5, NULL)
                                       : linear_1000();
        keep_spaced(m, SPACING_EVEN, s.T, rows[i].K);
        double digits = rows[i].spaced < 0.01 ? 0.5e-4 : 0.5e-3;
        EXPECT_NEAR(literal_end(&s, m), rows[i].spaced, 1.01 * digits);
        mask_top(m, s.beta, s.T, rows[i].K);
        digits = rows[i].largest < 1e-3 ? 0.5e-5 : rows[i].largest < 0.01 ? 0.5e-4 : 0.5e-3;
        EXPECT_NEAR(literal_end(&s, m), rows[i].largest, 1.01 * digits);
    }
}

TEST(merged_and_rescaled_chains_end_where_the_schedule_ends)
{
    static double alpha_bar[MOST];
    static unsigned char m[MOST];
    Schedule s = linear_1000();
    keep_spaced(m, SPACING_EVEN, 1000, 5);
    for (MaskAlphas kind = ALPHAS_MERGED; kind <= ALPHAS_RESCALED; kind++) {
        mask_alpha_bar(alpha_bar, kind, &s, m);
        if (kind != ALPHAS_LITERAL)
            EXPECT_NEAR(alpha_bar[999] / s.alpha_bar[999], 1, 1e-9);
        else
            EXPECT(alpha_bar[999] > 0.9);
    }
    /* Evenly spaced 5 of 1000: every kept step acts 200 times, the last leaves 0.018. */
    mask_alpha_bar(alpha_bar, ALPHAS_RESCALED, &s, m);
    EXPECT_NEAR(alpha_bar[999] / alpha_bar[998], 0.018, 0.0005);
    memset(m, 1, 1000);
    for (MaskAlphas kind = ALPHAS_MERGED; kind <= ALPHAS_RESCALED; kind++) {
        mask_alpha_bar(alpha_bar, kind, &s, m);
        for (int t = 0; t < 1000; t++)
            if (!EXPECT_NEAR(alpha_bar[t] / s.alpha_bar[t], 1, 1e-12)) break;
    }
}

TEST(a_skipped_step_changes_nothing)
{
    double alpha_bar[10];
    unsigned char m[10];
    static const double half[10] = {.5, .5, .5, .5, .5, .5, .5, .5, .5, .5};
    Schedule s = schedule_of(SCHEDULE_LINEAR, 10, 0.01, 0.3, NULL);
    for (uint64_t draw = 0; draw < 20; draw++) {
        mask_draw(m, half, 10, 1, draw);
        for (MaskAlphas kind = ALPHAS_MERGED; kind <= ALPHAS_RESCALED; kind++) {
            mask_alpha_bar(alpha_bar, kind, &s, m);
            for (int t = 0; t < 10; t++) {
                double below = t > 0 ? alpha_bar[t - 1] : 1;
                EXPECT(m[t] ? alpha_bar[t] < below : alpha_bar[t] == below);
            }
        }
    }
}

/* q(x_{t-1} | x_t, x0, m) of the paper: variance (1 - a_{t-1}) / (1 - a_t) beta_t, mean by
 * sqrt(a_{t-1}) beta_t / (1 - a_t) and sqrt(1 - beta_t) (1 - a_{t-1}) / (1 - a_t). */
TEST(the_posterior_of_a_kept_step_is_that_of_ddpm_with_the_masked_alphas)
{
    double alpha_bar[8];
    static const unsigned char m[8] = {0, 1, 0, 1, 1, 0, 0, 1};
    Schedule s = schedule_of(SCHEDULE_LINEAR, 8, 0.02, 0.4, NULL);
    for (MaskAlphas kind = ALPHAS_MERGED; kind <= ALPHAS_RESCALED; kind++) {
        mask_alpha_bar(alpha_bar, kind, &s, m);
        NoiseLevel below = {.alpha = 1, .sigma = 0, .t = -1, .time = -1};
        for (int t = 0; t < 8; t++) {
            if (!m[t]) continue;
            NoiseLevel level = mask_level(alpha_bar, t);
            PosteriorStep q = posterior_step(level, below);
            double before = below.alpha * below.alpha, here = alpha_bar[t];
            double beta = kind == ALPHAS_LITERAL ? s.beta[t] : 1 - here / before;
            EXPECT(level.t == t && level.time == t);
            EXPECT_NEAR(q.variance_small, (1 - before) / (1 - here) * beta, 1e-12);
            EXPECT_NEAR(q.c_x0, sqrt(before) * beta / (1 - here), 1e-12);
            EXPECT_NEAR(q.c_x, sqrt(1 - beta) * (1 - before) / (1 - here), 1e-12);
            below = level;
        }
    }
}

/* Merged, the levels are those of a sampler on the same steps. */
TEST(merged_levels_are_those_of_the_respaced_chain)
{
    static double alpha_bar[MOST];
    static unsigned char m[MOST];
    Schedule s = linear_1000();
    keep_spaced(m, SPACING_EVEN, 1000, 20);
    mask_alpha_bar(alpha_bar, ALPHAS_MERGED, &s, m);
    for (int t = 0; t < 1000; t++) {
        if (!m[t]) continue;
        NoiseLevel masked = mask_level(alpha_bar, t), level = schedule_level(&s, t);
        EXPECT(masked.alpha == level.alpha && masked.sigma == level.sigma && masked.t == level.t);
    }
}

/* Costs of the 64 masks of six steps: between 2 and 3, so that a baseline has something to do. */
static double cost_of(int mask)
{
    return 2 + rng_uniform(7, rng_stream(RNG_TEST, 1), (uint64_t)mask);
}

static const double six_scores[SIX] = {0.3, 0.7, 0.5, 0.15, 0.9, 0.6};

static double probability(int mask, unsigned char *m, const double *s)
{
    double p = 1;
    for (int t = 0; t < SIX; t++) {
        m[t] = mask >> t & 1;
        p *= m[t] ? s[t] : 1 - s[t];
    }
    return p;
}

static double mean_cost(const double *s)
{
    unsigned char m[SIX];
    double sum = 0;
    for (int mask = 0; mask < MASKS; mask++) sum += probability(mask, m, s) * cost_of(mask);
    return sum;
}

/* Mean of the gradient from two masks, over all pairs of masks, and the sum of its variances. Each mask
 * is compared with the other, or its cost taken as it is. */
static double enumerate_pairs(bool compared, bool precondition, double mean[SIX])
{
    double square = 0, variance = 0;
    for (int t = 0; t < SIX; t++) mean[t] = 0;
    for (int a = 0; a < MASKS; a++) {
        for (int b = 0; b < MASKS; b++) {
            unsigned char m[2][SIX];
            double p = probability(a, m[0], six_scores) * probability(b, m[1], six_scores);
            double cost[2] = {cost_of(a), cost_of(b)}, gradient[SIX] = {0};
            double scale[2] = {cost[0] / 2, cost[1] / 2};
            if (compared) mask_advantages(scale, cost, 2);
            for (int k = 0; k < 2; k++)
                mask_add_score_gradient(gradient, m[k], six_scores, SIX, precondition, scale[k]);
            for (int t = 0; t < SIX; t++) {
                mean[t] += p * gradient[t];
                square += p * gradient[t] * gradient[t];
            }
        }
    }
    variance = square;
    for (int t = 0; t < SIX; t++) variance -= mean[t] * mean[t];
    return variance;
}

TEST(the_score_gradient_is_unbiased_and_other_masks_lower_its_variance_threefold)
{
    double exact[SIX], mean[SIX], s[SIX], h = 1e-5;
    for (int t = 0; t < SIX; t++) {
        memcpy(s, six_scores, sizeof s);
        s[t] += h;
        double above = mean_cost(s);
        s[t] -= 2 * h;
        exact[t] = (above - mean_cost(s)) / (2 * h);
    }
    double none = enumerate_pairs(false, false, mean);
    for (int t = 0; t < SIX; t++) EXPECT_NEAR(mean[t], exact[t], 1e-8);
    double others = enumerate_pairs(true, false, mean);
    for (int t = 0; t < SIX; t++) EXPECT_NEAR(mean[t], exact[t], 1e-8);
    EXPECT(others < none / 3);
    enumerate_pairs(true, true, mean);
    for (int t = 0; t < SIX; t++)
        EXPECT_NEAR(mean[t], exact[t] * sqrt(six_scores[t] * (1 - six_scores[t])), 1e-8);
}

/* Equation 9 without a baseline, one mask an update: its mean over all masks is the exact gradient, which
 * of a function linear in each score is the difference between keeping the step and skipping it. */
TEST(the_mean_of_equation_9_over_all_masks_is_the_exact_gradient)
{
    double mean[SIX] = {0}, s[SIX];
    for (int mask = 0; mask < MASKS; mask++) {
        unsigned char m[SIX];
        double p = probability(mask, m, six_scores), cost = cost_of(mask), scale;
        mask_advantages(&scale, &cost, 1);
        mask_add_score_gradient(mean, m, six_scores, SIX, false, p * scale);
    }
    for (int t = 0; t < SIX; t++) {
        memcpy(s, six_scores, sizeof s);
        s[t] = 1;
        double kept = mean_cost(s);
        s[t] = 0;
        EXPECT_NEAR(mean[t], kept - mean_cost(s), 1e-13);
    }
}

/* A score of 0 or 1 draws one value of m only. */
TEST(scores_of_zero_and_one_have_the_gradient_of_equation_9)
{
    static const double s[4] = {0, 1, 0.5, 1};
    static const unsigned char m[4] = {0, 1, 1, 1};
    double gradient[4] = {0}, preconditioned[4] = {0};
    mask_add_score_gradient(gradient, m, s, 4, false, 3);
    EXPECT(gradient[0] == -3 && gradient[1] == 3 && gradient[2] == 6 && gradient[3] == 3);
    mask_add_score_gradient(preconditioned, m, s, 4, true, 3);
    EXPECT(preconditioned[0] == 0 && preconditioned[1] == 0 && preconditioned[2] == 3 &&
           preconditioned[3] == 0);
}

/* Every way to keep 1 to 6 of 6 steps, with and without the first and the last: the levels and the
 * posterior of each chain, from products written out here. */
TEST(every_chain_of_six_steps_has_the_coefficients_of_the_formulas)
{
    Schedule s = schedule_of(SCHEDULE_LINEAR, SIX, 0.02, 0.4, NULL);
    for (int mask = 1; mask < MASKS; mask++) {
        double alpha_bar[SIX], all = 1, literal = 1, merged = 1, drawn = 1;
        double here[3], before[3] = {1, 1, 1};
        unsigned char m[SIX];
        for (int t = 0; t < SIX; t++) {
            m[t] = mask >> t & 1;
            all *= 1 - s.beta[t];
            if (m[t]) drawn *= 1 - s.beta[t];
        }
        double c = log(all) / log(drawn);
        all = 1;
        NoiseLevel below[3];
        for (int k = 0; k < 3; k++) below[k] = (NoiseLevel){.alpha = 1, .t = -1, .time = -1};
        for (int t = 0; t < SIX; t++) {
            all *= 1 - s.beta[t];
            if (m[t]) literal *= 1 - s.beta[t], merged = all;
            here[ALPHAS_MERGED] = merged;
            here[ALPHAS_LITERAL] = literal;
            here[ALPHAS_RESCALED] = pow(literal, c);
            for (MaskAlphas kind = ALPHAS_MERGED; kind <= ALPHAS_RESCALED; kind++) {
                double a = here[kind], b = before[kind], step = 1 - a / b;
                mask_alpha_bar(alpha_bar, kind, &s, m);
                EXPECT_NEAR(alpha_bar[t], a, 1e-14);
                if (!m[t]) continue;
                NoiseLevel level = mask_level(alpha_bar, t);
                PosteriorStep q = posterior_step(level, below[kind]);
                EXPECT_NEAR(q.variance_small, (1 - b) / (1 - a) * step, 1e-13);
                EXPECT_NEAR(q.c_x0, sqrt(b) * step / (1 - a), 1e-13);
                EXPECT_NEAR(q.c_x, sqrt(1 - step) * (1 - b) / (1 - a), 1e-13);
                below[kind] = level;
                before[kind] = a;
            }
        }
    }
}

TEST(the_summary_tells_how_settled_scores_are)
{
    static const double s[4] = {0, 1, 0.5, 0.25};
    MaskSummary all = mask_summary(s, 4);
    EXPECT_NEAR(all.sum, 1.75, 1e-15);
    EXPECT_NEAR(all.spread, 0.25 + 0.1875, 1e-15);
    EXPECT_NEAR(all.entropy, log(2) - 0.25 * log(0.25) - 0.75 * log(0.75), 1e-15);
}

TEST(extraction_keeps_exactly_so_many)
{
    static const double s[6] = {0.1, 0.9, 0.5, 0.5, 0.3, 0.9};
    unsigned char m[6], drawn[6] = {1, 1, 1, 0, 1, 0}, few[6] = {1, 0, 0, 0, 0, 0};
    mask_top(m, s, 6, 3);
    EXPECT_SAME(m, ((unsigned char[]){0, 1, 0, 1, 0, 1}), 6);
    mask_complete(drawn, s, 6, 2);
    EXPECT_SAME(drawn, ((unsigned char[]){0, 1, 1, 0, 0, 0}), 6);
    mask_complete(few, s, 6, 3);
    EXPECT_SAME(few, ((unsigned char[]){1, 1, 0, 0, 0, 1}), 6);
    mask_top(m, s, 6, 6);
    EXPECT_SAME(m, ((unsigned char[]){1, 1, 1, 1, 1, 1}), 6);
}
