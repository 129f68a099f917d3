/* Classification diffusion: signs and constants against the exact classifier of Gaussian data. */
#include "diffusion/noise_classes.h"

#include "ops/ops.h"
#include "processes.h"
#include "test.h"

enum { T = 1000, CLASSES = T + 2 };
static const double MEAN = 0.5, STD = 0.25, LN_TWO_PI = 1.8378770664093454;

static Process linear(void)
{
    return process_of(&every_process[PROCESS_DDPM]);
}

/* ln N(x; alpha m, alpha^2 s^2 + sigma^2) of data N(m, s^2), and its slope. */
static double log_normal(NoiseLevel l, double x, double *slope)
{
    double v = l.alpha * l.alpha * STD * STD + l.sigma * l.sigma, e = x - l.alpha * MEAN;
    *slope = -e / v;
    return -0.5 * (e * e / v + log(v) + LN_TWO_PI);
}

/* The logits of the perfect classifier (up to a constant) and their slopes at x. */
static void perfect(const Process *p, double x, float *logits, float *slopes)
{
    for (int k = 0; k < CLASSES; k++) {
        double slope;
        logits[k] = (float)log_normal(cdm_level(p, k), x, &slope);
        slopes[k] = (float)slope;
    }
}

/* grad_x F by the seed. */
static double gradient_of(const float *slopes, double class_at)
{
    float seed[CLASSES] = {0};
    double sum = 0;
    cdm_seed(seed, CLASSES, class_at, 1);
    for (int k = 0; k < CLASSES; k++) sum += (double)seed[k] * (double)slopes[k];
    return sum;
}

TEST(classes_run_from_clean_images_over_the_steps_to_noise)
{
    Process p = linear();
    EXPECT_INT(cdm_classes(&p), CLASSES);
    NoiseLevel clean = cdm_level(&p, 0), first = cdm_level(&p, 1), noise = cdm_level(&p, T + 1);
    EXPECT(clean.alpha == 1 && clean.sigma == 0 && noise.alpha == 0 && noise.sigma == 1);
    EXPECT_NEAR(first.sigma * first.sigma, 1e-4, 1e-15);
    for (int k = 0; k < CLASSES; k++) EXPECT(cdm_class_at(cdm_level(&p, k)) == k);
    EXPECT(cdm_level(&p, T).time == process_time_noisy(&p));
    EXPECT(cdm_class_at(process_level(&p, -0.25)) == 0.75);
}

TEST(a_chain_of_some_steps_keeps_the_classes_of_the_whole_one)
{
    static const int kept[] = {3, 10, T - 1};
    enum { KEPT = sizeof kept / sizeof *kept };
    Process *p = process_new(&every_process[PROCESS_DDPM]), whole = linear();
    unsigned char mask[T] = {0};
    for (int i = 0; i < KEPT; i++) mask[kept[i]] = 1;
    if (!EXPECT(process_keep(p, ALPHAS_MERGED, mask, NULL))) return;
    for (int i = 0; i < KEPT; i++) {
        NoiseLevel l = process_level(p, i), same = cdm_level(&whole, kept[i] + 1);
        EXPECT(cdm_class_at(l) == kept[i] + 1);
        EXPECT_NEAR(l.sigma, same.sigma, 1e-12);
    }
    EXPECT(cdm_class_at(process_level(p, 0.5)) == 7.5);
    EXPECT(cdm_class_at(process_level(p, -1)) == 0);
}

TEST(log_ratios_noise_and_density_of_gaussian_data_are_the_closed_forms)
{
    static const struct {
        int class_index;
        double ratio;
    } want[] = {{0, 1.1112944}, {1, 1.1111041}, {500, 0.0694762}, {1000, 0.00096513}, {1001, 0}};
    float logits[CLASSES], slopes[CLASSES];
    double x = 0.3;
    Process p = linear();
    perfect(&p, x, logits, slopes);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        EXPECT_NEAR(-cdm_ratio(logits, CLASSES, want[i].class_index), want[i].ratio, 3e-7);
    NoiseLevel middle = cdm_level(&p, 500);
    EXPECT_NEAR(cdm_eps(middle.sigma, x, gradient_of(slopes, 500)), 0.16562665, 2e-7);
    EXPECT_NEAR(cdm_log_density(logits, CLASSES, 0, &x, 1), 0.14735583, 3e-7);
}

TEST(the_noise_at_every_level_is_the_expected_one_given_the_image)
{
    float logits[CLASSES], slopes[CLASSES];
    double x = -0.7, worst = 0;
    Process p = linear();
    perfect(&p, x, logits, slopes);
    for (int k = 0; k < CLASSES; k++) {
        NoiseLevel l = cdm_level(&p, k);
        double v = l.alpha * l.alpha * STD * STD + l.sigma * l.sigma;
        double want = l.sigma * (x - l.alpha * MEAN) / v;
        double got = cdm_eps(l.sigma, x, gradient_of(slopes, k));
        worst = test_larger(worst, fabs(got - want));
    }
    EXPECT_NEAR(worst, 0, 1e-6);
}

TEST(between_two_classes_the_ratio_and_its_gradient_are_interpolated)
{
    static const float logits[4] = {1, 5, 2, -3};
    EXPECT_NEAR(cdm_ratio(logits, 4, 1), -8, 0);
    EXPECT_NEAR(cdm_ratio(logits, 4, 1.25), 0.75 * -8 + 0.25 * -5, 1e-12);
    EXPECT_NEAR(cdm_ratio(logits, 4, 2.5), 0.5 * -5, 1e-12);
    EXPECT_NEAR(cdm_ratio(logits, 4, 3), 0, 0);
    for (double at = 0; at <= 3; at += 0.25) {
        float seed[4] = {0};
        double sum = 0, all = 0;
        cdm_seed(seed, 4, at, 2);
        for (int k = 0; k < 4; k++) sum += (double)seed[k] * (double)logits[k];
        for (int k = 0; k < 4; k++) all += (double)seed[k];
        EXPECT_NEAR(sum, 2 * cdm_ratio(logits, 4, at), 1e-6);
        EXPECT_NEAR(all, 0, 1e-6);
    }
}

/* The integral over x of sum_t p_t(x)/(T+2) CE(softmax f(x), t). */
TEST(the_cross_entropy_of_the_perfect_classifier_is_its_floor)
{
    enum { POINTS = 2000 };
    float logits[CLASSES], slopes[CLASSES];
    double sum = 0, mass = 0, width = 16.0 / POINTS;
    Process p = linear();
    for (int i = 0; i < POINTS; i++) {
        double x = -8 + (i + 0.5) * width;
        perfect(&p, x, logits, slopes);
        double density = 0, weighted = 0;
        float loss;
        int zero = 0;
        xent_forward(&(XentDims){1, CLASSES}, &loss, logits, &zero);
        for (int k = 0; k < CLASSES; k++) {
            double pk = exp((double)logits[k]) / CLASSES;
            density += pk;
            weighted += pk * ((double)loss + (double)logits[0] - (double)logits[k]);
        }
        mass += density * width;
        sum += weighted * width;
    }
    EXPECT_NEAR(mass, 1, 1e-6);
    EXPECT_NEAR(sum, 6.80441, 1e-5);
}

TEST(the_squared_errors_cotangent_is_its_slope_by_the_gradient)
{
    enum { DIMS = 7 };
    float *x = test_random(DIMS, 1, 1), *g = test_random(DIMS, 2, 1), *e = test_random(DIMS, 3, 1);
    float r[DIMS], u[DIMS];
    const double sigma = 0.6, dloss = 0.25, h = 1e-2;
    double error = cdm_squared_error(sigma, DIMS, x, g, e, dloss, r);
    EXPECT(error > 0 && error == cdm_squared_error(sigma, DIMS, x, g, e, dloss, NULL));
    for (int i = 0; i < DIMS; i++) {
        for (int k = 0; k < DIMS; k++) u[k] = g[k];
        u[i] = g[i] + (float)h;
        double up = cdm_squared_error(sigma, DIMS, x, u, e, 0, NULL), step = (double)u[i];
        u[i] = g[i] - (float)h;
        step -= (double)u[i];
        double down = cdm_squared_error(sigma, DIMS, x, u, e, 0, NULL);
        EXPECT_NEAR((double)r[i], dloss * (up - down) / step, 1e-7);
    }
}

TEST(at_the_clean_level_and_for_noise_no_squared_error_flows_back)
{
    enum { DIMS = 5 };
    float *x = test_random(DIMS, 1, 1), g[DIMS] = {0}, r[DIMS];
    EXPECT_NEAR(cdm_squared_error(1, DIMS, x, g, x, 1, r), 0, 0);
    for (int i = 0; i < DIMS; i++) EXPECT(r[i] == 0.0f);
    g[2] = 3;
    g[1] = (float)INFINITY;
    for (int i = 0; i < DIMS; i++) r[i] = 7;
    EXPECT(cdm_squared_error(0, DIMS, x, g, x, 1, r) == 0);
    for (int i = 0; i < DIMS; i++) EXPECT(r[i] == 0.0f);
}

TEST(uniform_levels_have_evenly_spaced_noise)
{
    Process p =
        process_of(&(NoiseConfig){.kind = PROCESS_DDPM, .T = 1000, .schedule = SCHEDULE_UNIF});
    for (int k = 0; k < 1002; k++) EXPECT_NEAR(cdm_level(&p, k).sigma, k / 1001.0, 1e-12);
}

/* ---- the level of an image whose noise is not known ---- */

enum { PIXELS = 400 };

static bool perfect_class(void *context, const double *x, int *found, Err *err)
{
    const Process *p = context;
    float logits[CLASSES];
    double sums[CLASSES], first = 0, second = 0;
    (void)err;
    for (int i = 0; i < PIXELS; i++) first += x[i], second += x[i] * x[i];
    for (int k = 0; k < CLASSES; k++) {
        NoiseLevel l = cdm_level(p, k);
        double v = l.alpha * l.alpha * STD * STD + l.sigma * l.sigma, mean = l.alpha * MEAN;
        double square = second - 2 * mean * first + PIXELS * mean * mean;
        sums[k] = -0.5 * (square / v + PIXELS * log(v));
    }
    for (int k = 0; k < CLASSES; k++) logits[k] = (float)(sums[k] - sums[CLASSES - 1]);
    *found = cdm_likeliest_class(logits, CLASSES);
    return true;
}

TEST(the_likeliest_class_has_the_largest_logit_and_damaged_logits_have_none)
{
    static const float even[3] = {7, 7, 7}, last[3] = {-1e4f, 0, 2e4f}, damaged[3] = {1, NAN, 2};
    EXPECT_INT(cdm_likeliest_class(even, 3), 0);
    EXPECT_INT(cdm_likeliest_class(last, 3), 2);
    EXPECT_INT(cdm_likeliest_class(damaged, 3), -1);
}

TEST(unknown_noise_is_found_by_the_classifier_and_no_noise_too)
{
    static const double stds[] = {0, 0.05, 0.2, 1, 4};
    Process p = linear();
    float *data = test_random(PIXELS, 1, 1), *noise = test_random(PIXELS, 2, 1);
    double y[PIXELS], scratch[PIXELS];
    NoiseClassifier classifier = {.context = &p, .classify = perfect_class};
    for (size_t k = 0; k < sizeof stds / sizeof *stds; k++) {
        NoiseLevel level;
        int calls;
        for (int i = 0; i < PIXELS; i++)
            y[i] = MEAN + STD * (double)data[i] + stds[k] * (double)noise[i];
        EXPECT(cdm_find_level(&p, &classifier, y, PIXELS, scratch, &level, &calls, NULL));
        EXPECT(calls <= 10);
        /* 400 values tell the whole spread to 4 % (one sigma). */
        double whole = sqrt(STD * STD + stds[k] * stds[k]);
        double found = hypot(STD, level.sigma / level.alpha);
        EXPECT_NEAR(found, whole, 0.12 * whole);
        if (stds[k] == 4) EXPECT_NEAR(level.sigma / level.alpha, 4, 0.5);
    }
}
