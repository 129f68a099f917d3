/* Methods: what a configuration leaves to the data, the process and prediction of each method, and
 * the weight of a noise level in its loss. */
#include "methods/method.h"

#include "model/network_open.h"
#include "test.h"
#include "train/new_model.h"

/* Point i is (3 i, 4 i, 0, ...): the widest pair of n is 5 (n-1) apart. */
static void point_on_a_line(void *context, size_t i, float *x)
{
    const size_t *dims = context;
    memset(x, 0, *dims * sizeof *x);
    x[0] = 3 * (float)i;
    x[1] = 4 * (float)i;
}

static PointSet line(size_t count, size_t *dims)
{
    return (PointSet){.context = dims, .count = count, .dims = *dims, .point = point_on_a_line};
}

static Config config_of(MethodKind method, SdeKind sde)
{
    Config c;
    config_defaults(&c);
    c.method.type = method;
    c.method.noise.sde = sde;
    return c;
}

TEST(each_method_has_its_process_prediction_and_sampler)
{
    static const struct {
        MethodKind method;
        SdeKind sde;
        ProcessKind process;
        Prediction prediction;
        const char *sampler;
    } rows[] = {
        {METHOD_DDPM, SDE_VP, PROCESS_DDPM, PREDICT_EPS, "ddpm"},
        {METHOD_SMLD, SDE_VP, PROCESS_SMLD, PREDICT_SCORE, "langevin"},
        {METHOD_SDE, SDE_VE, PROCESS_VE, PREDICT_SCORE, "pc"},
        {METHOD_SDE, SDE_VP, PROCESS_VP, PREDICT_EPS, "reverse-sde"},
        {METHOD_SDE, SDE_SUBVP, PROCESS_SUBVP, PREDICT_EPS, "reverse-sde"},
    };
    size_t dims = 784;
    PointSet data = line(9, &dims);
    for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
        size_t r = i / 2;
        Prediction given = i % 2 ? PREDICT_V : PREDICT_AUTO;
        Config c = config_of(rows[r].method, rows[r].sde);
        c.method.noise.prediction = given;
        config_resolve(&c);
        ModelConfig m = {0};
        Process p;
        Err err = {0};
        if (!EXPECT(new_model_method(&c, &data, &m, &err) && model_process(&m, &p, &err))) continue;
        EXPECT_INT(p.kind, rows[r].process);
        EXPECT_INT(m.noise.prediction, given == PREDICT_V ? PREDICT_V : rows[r].prediction);
        EXPECT_TEXT(method_settings(m.method, m.noise.sde)->sampler, rows[r].sampler);
        process_free(&p);
    }
}

TEST(automatic_noise_is_the_widest_pair_and_levels_follow_the_rule_of_the_ratio)
{
    size_t dims = 784;
    PointSet data = line(5, &dims); /* 20 apart; 98 levels: Song & Ermon 2020's rule for 784 */
    Config c = config_of(METHOD_SMLD, SDE_VP);
    ModelConfig m = {0};
    Err err = {0};
    EXPECT(new_model_method(&c, &data, &m, &err));
    EXPECT_NEAR(m.noise.sigma_max, 20, 1e-5);
    EXPECT_INT(m.noise.levels, 98);
    c.method.noise.levels = 12;
    m = (ModelConfig){0};
    EXPECT(new_model_method(&c, &data, &m, &err));
    EXPECT_INT(m.noise.levels, 12);
    c.method.noise.sigma_max = 28;
    c.method.noise.levels = 0;
    m = (ModelConfig){0};
    EXPECT(new_model_method(&c, &data, &m, &err));
    EXPECT(m.noise.sigma_max == 28);
    EXPECT_INT(m.noise.levels, 102);
    c = config_of(METHOD_SDE, SDE_VE);
    m = (ModelConfig){0};
    EXPECT(new_model_method(&c, &data, &m, &err));
    EXPECT_NEAR(m.noise.sigma_max, 20, 1e-5);
}

TEST(data_without_extent_cannot_set_the_largest_noise)
{
    size_t dims = 784;
    PointSet data = line(1, &dims);
    Config c = config_of(METHOD_SDE, SDE_VE);
    ModelConfig m = {0};
    Err err = {0};
    EXPECT_REFUSED(new_model_method(&c, &data, &m, &err), err, ERR_USAGE,
                   "method.sigma_max cannot be estimated");
}

/* simple is sigma^2 |score + eps / sigma|^2, whose lambda is 1 / E|grad log p(x_t | x_0)|^2 of a
 * dimension; likelihood is g^2 |score + eps / sigma|^2. Whatever the network gives. */
TEST(losses_weigh_the_error_of_the_score_by_sigma_squared_or_by_g_squared)
{
    static const SdeKind sdes[] = {SDE_VE, SDE_VP, SDE_SUBVP};
    size_t dims = 784;
    PointSet data = line(9, &dims);
    for (int k = 0; k < 6; k++) {
        Config c = config_of(METHOD_SDE, sdes[k % 3]);
        if (k >= 3) c.method.noise.prediction = PREDICT_V;
        config_resolve(&c);
        ModelConfig m = {0};
        Process p;
        Err err = {0};
        if (!EXPECT(new_model_method(&c, &data, &m, &err) && model_process(&m, &p, &err))) return;
        for (double time = 0.01; time < 1; time += 0.14) {
            NoiseLevel level = process_level(&p, time);
            const double eps = 0.3, off = 0.2; /* of the noise */
            double target = target_of_prediction(m.noise.prediction, level, 0.7, eps);
            double x0 = 0.7 - level.sigma / level.alpha * off; /* the image that x then holds */
            double given = target_of_prediction(m.noise.prediction, level, x0, eps + off);
            double error = (given - target) * (given - target);
            double of_score = off * off / (level.sigma * level.sigma);
            double g2 = process_drift(&p, time).g2;
            double simple = method_weight(&p, m.noise.prediction, level, WEIGHTING_SIMPLE, 0);
            double likely = method_weight(&p, m.noise.prediction, level, WEIGHTING_LIKELIHOOD, 0);
            /* Simple is the network's own error where it gives v. */
            double want = k < 3 ? level.sigma * level.sigma * of_score : error;
            EXPECT_NEAR(simple * error, want, 1e-12);
            EXPECT_NEAR(likely * error, g2 * of_score, 1e-9 * g2 * of_score);
        }
        process_free(&p);
    }
}

/* The noise of VP has g^2 = beta, a line; positional features were made for 0..999. */
TEST(time_is_told_as_the_network_was_made_for_it)
{
    static const struct {
        TimeFeatureKind kind;
        float label;
    } rows[] = {
        {TIME_POSITIONAL, 499.5f}, {TIME_FOURIER_LINEAR, 0.5f}, {TIME_FOURIER_LINEAR_999, 499.5f}};
    for (int i = 0; i < 6; i++) {
        ModelConfig m = {.method = METHOD_SDE,
                         .noise = {.kind = i < 3 ? PROCESS_VP : PROCESS_SUBVP,
                                   .beta_min = 0.1,
                                   .beta_max = 20,
                                   .time_min = 1e-5}};
        Network network = {.time_scale = 1};
        Process p;
        Err err = {0};
        if (!EXPECT(model_process(&m, &p, &err))) return;
        /* Even when the network is described after its process. */
        m.unet.time_kind = rows[i % 3].kind;
        network.time_scale = network_time_scale(&m);
        EXPECT(network_label(&network, process_level(&p, 0.5)) == rows[i % 3].label);
        if (i < 3) EXPECT_NEAR(process_drift(&p, 0.5).g2, 10.05, 1e-12);
        process_free(&p);
    }
}
