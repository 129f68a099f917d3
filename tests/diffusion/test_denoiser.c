/* What a network predicts, and denoisers known in closed form. */

#include "diffusion/denoiser.h"
#include "diffusion/schedule.h"
#include "exact_denoiser.h"
#include "processes.h"
#include "test.h"

static Schedule make(ScheduleKind kind)
{
    return schedule_of(kind, 1000, 1e-4, 0.02, NULL);
}

/* ---- predictions ---- */

TEST(predictions_convert_into_each_other_and_back)
{
    Schedule s = make(SCHEDULE_LINEAR);
    double x0 = 0.7, eps = -1.3;
    for (int t = 0; t < 1000; t++) {
        NoiseLevel level = schedule_level(&s, t);
        double x = level.alpha * x0 + level.sigma * eps;
        for (Prediction kind = PREDICT_EPS; kind <= PREDICT_SCORE; kind++) {
            double target = target_of_prediction(kind, level, x0, eps);
            EXPECT_NEAR(eps_from_prediction(kind, level, x, target), eps, 1e-12);
        }
        EXPECT_NEAR(x0_from_eps(level, x, eps), x0, 1e-12);
        EXPECT_NEAR(score_from_eps(level, eps),
                    (level.alpha * x0 - x) / (level.sigma * level.sigma), 1e-9);
    }
}

TEST(v_is_alpha_eps_minus_sigma_x0)
{
    NoiseLevel level = {.alpha = 0.6, .sigma = 0.8, .t = 0};
    EXPECT_NEAR(target_of_prediction(PREDICT_V, level, 0.5, 2), 0.6 * 2 - 0.8 * 0.5, 1e-15);
    EXPECT_NEAR(target_of_prediction(PREDICT_X0, level, 0.5, 2), 0.5, 0);
    EXPECT_NEAR(target_of_prediction(PREDICT_EPS, level, 0.5, 2), 2, 0);
}

/* In exploding noise the network sees a point of the circle, x / sqrt(1 + sigma^2), whose v has the variance of
 * data of variance 1; the conversions are exact all the same. */
TEST(v_of_exploding_noise_is_that_of_the_circle)
{
    for (double sigma = 0.01; sigma < 100; sigma *= 3) {
        NoiseLevel level = {.alpha = 1, .sigma = sigma}, circle;
        double c = input_scale(PREDICT_V, level), x0 = 0.7, eps = -1.3;
        circle = (NoiseLevel){.alpha = c, .sigma = c * sigma};
        EXPECT_NEAR(c * c * (1 + sigma * sigma), 1, 1e-14);
        EXPECT_NEAR(input_scale(PREDICT_V, circle), 1, 1e-14);
        double v = target_of_prediction(PREDICT_V, level, x0, eps);
        EXPECT_NEAR(v, target_of_prediction(PREDICT_V, circle, x0, eps), 1e-13);
        EXPECT_NEAR(eps_from_prediction(PREDICT_V, level, x0 + sigma * eps, v), eps, 1e-12);
        EXPECT_NEAR(input_scale(PREDICT_EPS, level), 1, 0);
        EXPECT_NEAR(input_scale(PREDICT_SCORE, level), 1, 0);
    }
}

/* Without a cap the weights turn the error of any prediction into the error of eps. */
TEST(min_snr_without_a_cap_weighs_every_prediction_as_eps)
{
    Schedule s = make(SCHEDULE_COSINE);
    for (int t = 0; t < 1000; t += 9) {
        NoiseLevel level = schedule_level(&s, t);
        double x = 0.4, guess = 0.3, off = 0.31;
        for (Prediction kind = PREDICT_EPS; kind <= PREDICT_SCORE; kind++) {
            double error = eps_from_prediction(kind, level, x, off) -
                           eps_from_prediction(kind, level, x, guess);
            double loss = objective_weight(kind, level, HUGE_VAL) * (off - guess) * (off - guess);
            EXPECT_NEAR(loss / (error * error), 1, 1e-9);
        }
    }
}

TEST(min_snr_weights_follow_their_definition)
{
    NoiseLevel clear = {.alpha = sqrt(0.9), .sigma = sqrt(0.1), .t = 0}; /* snr 9 */
    NoiseLevel noisy = {.alpha = sqrt(0.2), .sigma = sqrt(0.8), .t = 0}; /* snr 1/4 */
    NoiseLevel pure = {.alpha = 0, .sigma = 1, .t = 0};
    EXPECT_NEAR(objective_weight(PREDICT_EPS, clear, 5), 5.0 / 9, 1e-14);
    EXPECT_NEAR(objective_weight(PREDICT_X0, clear, 5), 5, 1e-14);
    EXPECT_NEAR(objective_weight(PREDICT_V, clear, 5), 0.5, 1e-14);
    EXPECT_NEAR(objective_weight(PREDICT_EPS, noisy, 5), 1, 1e-14);
    EXPECT_NEAR(objective_weight(PREDICT_X0, noisy, 5), 0.25, 1e-14);
    EXPECT_NEAR(objective_weight(PREDICT_V, noisy, 5), 0.2, 1e-14);
    for (Prediction kind = PREDICT_EPS; kind <= PREDICT_SCORE; kind++) {
        EXPECT_NEAR(objective_weight(kind, pure, 5), 1, 0);
        /* The loss of a score is that of the noise divided by sigma. */
        double unit = kind == PREDICT_SCORE ? clear.sigma * clear.sigma : 1;
        EXPECT_NEAR(objective_weight(kind, clear, 0), unit, 0);
    }
}

/* ---- exact denoisers ---- */

static const double mode_weights[2] = {0.8, 0.2};
static const double mode_means[4] = {-0.6, -0.5, 0.6, 0.5};
static const double mode_stds[2] = {0.1, 0.15};
static const MixtureData two_modes = {
    .dims = 2, .modes = 2, .weights = mode_weights, .means = mode_means, .stds = mode_stds};

/* ln p(x) of the noised mixture, each mode a plain Gaussian. */
static double mixture_log_density(const MixtureData *m, NoiseLevel level, const double *x)
{
    double terms[2], largest = -HUGE_VAL, sum = 0;
    for (int k = 0; k < 2; k++) {
        double v = pow(level.alpha * m->stds[k], 2) + pow(level.sigma, 2), square = 0;
        for (int d = 0; d < 2; d++) square += pow(x[d] - level.alpha * m->means[2 * k + d], 2);
        terms[k] = log(m->weights[k] / (6.283185307179586 * v)) - square / (2 * v);
        largest = fmax(largest, terms[k]);
    }
    for (int k = 0; k < 2; k++) sum += exp(terms[k] - largest);
    return largest + log(sum);
}

static void expect_mixture_score(NoiseLevel level, double x0, double x1, double tolerance)
{
    double x[2] = {x0, x1}, eps[2], h = 1e-5;
    Denoiser denoiser = mixture_denoiser(&two_modes);
    EXPECT(denoiser.predict(denoiser.context, 1, x, &level, 0, eps, NULL));
    for (int d = 0; d < 2; d++) {
        double up[2] = {x0, x1}, down[2] = {x0, x1};
        up[d] += h, down[d] -= h;
        double slope = (mixture_log_density(&two_modes, level, up) -
                        mixture_log_density(&two_modes, level, down)) /
                       (2 * h);
        double score = score_from_eps(level, eps[d]);
        EXPECT_NEAR(score, slope, tolerance * fmax(1, fabs(slope)));
    }
}

TEST(mixture_score_is_the_slope_of_its_log_density)
{
    Schedule s = make(SCHEDULE_LINEAR);
    for (int t = 0; t < 1000; t += 111) {
        NoiseLevel level = schedule_level(&s, t);
        for (double a = -1.1; a < 1.2; a += 0.55)
            for (double b = -1; b < 1.2; b += 0.5) expect_mixture_score(level, a, b, 1e-6);
        /* So far out that every mode's density underflows. */
        expect_mixture_score(level, 50, -50, 1e-6);
        expect_mixture_score(level, -50, 0, 1e-6);
    }
}

TEST(mixture_of_equal_modes_is_a_gaussian)
{
    double weights[3] = {0.5, 0, 0.5}, means[3] = {0.5, 9, 0.5}, stds[3] = {0.25, 1, 0.25};
    MixtureData mixture = {.dims = 1, .modes = 3, .weights = weights, .means = means, .stds = stds};
    GaussianData data = {.dims = 1, .mean = 0.5, .std = 0.25};
    Denoiser a = mixture_denoiser(&mixture), b = gaussian_denoiser(&data);
    NoiseLevel level = {.alpha = 0.6, .sigma = 0.8, .t = 0};
    double x[4] = {-1, 0.35, 50, 2}, eps_a[4], eps_b[4];
    EXPECT(a.predict(a.context, 4, x, &level, 0, eps_a, NULL));
    EXPECT(b.predict(b.context, 4, x, &level, 0, eps_b, NULL));
    for (int i = 0; i < 4; i++) {
        EXPECT_NEAR(eps_a[i] / eps_b[i], 1, 1e-14);
        EXPECT_NEAR(eps_b[i], 0.8 * (x[i] - 0.3) / (0.36 * 0.0625 + 0.64), 1e-12);
    }
}

TEST(exact_denoisers_refuse_input_that_is_not_finite)
{
    GaussianData data = {.dims = 1, .mean = 0.5, .std = 0.25};
    NoiseLevel level = {.alpha = 0.6, .sigma = 0.8, .t = 12};
    double x[2] = {0, (double)NAN}, eps[2];
    Denoiser denoisers[2] = {gaussian_denoiser(&data), mixture_denoiser(&two_modes)};
    for (int k = 0; k < 2; k++) {
        Err err = {0};
        EXPECT_REFUSED(
            denoisers[k].predict(denoisers[k].context, k ? 1 : 2, x, &level, 0, eps, &err), err,
            ERR_DIVERGED, "timestep 12");
    }
}

/* jtv against central differences of v . eps, and eps against predict, three images at levels of
 * their own. */
static void expect_vjp(Denoiser d, const double *x, const double *v, const NoiseLevel *levels,
                       int count, double tolerance)
{
    enum { MOST = 16 };
    const double h = 1e-5;
    double eps[MOST], plain[MOST], jtv[MOST], up[MOST], down[MOST], moved[MOST];
    size_t n = (size_t)count * d.dims;
    EXPECT(n <= MOST);
    EXPECT(d.predict(d.context, count, x, levels, 1, plain, NULL));
    EXPECT(d.predict_vjp(d.context, count, x, levels, 1, v, eps, jtv, NULL));
    EXPECT_SAME(eps, plain, n * sizeof *eps);
    for (size_t i = 0; i < n; i++) {
        double slope = 0;
        for (int sign = 1; sign >= -1; sign -= 2) {
            for (size_t j = 0; j < n; j++) moved[j] = x[j] + (j == i ? sign * h : 0);
            EXPECT(d.predict(d.context, count, moved, levels, 1, sign > 0 ? up : down, NULL));
        }
        for (size_t j = 0; j < n; j++) slope += v[j] * (up[j] - down[j]) / (2 * h);
        EXPECT_NEAR(jtv[i], slope, tolerance * fmax(1, fabs(slope)));
    }
}

TEST(vector_jacobian_products_of_the_exact_denoisers_are_the_slopes_of_their_predictions)
{
    Schedule s = make(SCHEDULE_LINEAR);
    GaussianData data = {.dims = 2, .mean = 0.5, .std = 0.25};
    double x[6] = {0.1, -0.2, -0.5, 0.4, 1.1, 0.9}, v[6] = {1, -1, 0.3, 2, -1, -1};
    for (int t = 0; t < 1000; t += 111) {
        NoiseLevel levels[3] = {schedule_level(&s, t), schedule_level(&s, (t + 300) % 1000),
                                schedule_level(&s, (t + 600) % 1000)};
        expect_vjp(gaussian_denoiser(&data), x, v, levels, 3, 1e-8);
        expect_vjp(mixture_denoiser(&two_modes), x, v, levels, 3, 1e-5);
    }
    /* Where every mode's density underflows. */
    double far[2] = {50, -50};
    NoiseLevel level = schedule_level(&s, 200);
    expect_vjp(mixture_denoiser(&two_modes), far, v, &level, 1, 1e-5);
}
