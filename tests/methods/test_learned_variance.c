/* Learned variances: the bound's terms and their slopes, the hybrid loss, sampling, model folders. */

#include "base/mem.h"
#include "base/parallel.h"
#include "diffusion/likelihood.h"
#include "diffusion/sampler.h"
#include "exact_denoiser.h"
#include "methods/method.h"
#include "model/network_open.h"
#include "model_fixture.h"
#include "processes.h"
#include "sample_defaults.h"
#include "test.h"

static double pixel(int level)
{
    return pixel_value(&model_pixels, level);
}

TEST(learned_variances_lie_geometrically_between_the_small_and_the_large_one)
{
    PosteriorStep q = {.variance_small = 0.01, .variance_large = 0.04};
    EXPECT_NEAR(learned_variance(q, -1), 0.01, 1e-15);
    EXPECT_NEAR(learned_variance(q, 0), 0.02, 1e-15);
    EXPECT_NEAR(learned_variance(q, 1), 0.04, 1e-15);
    EXPECT_NEAR(learned_variance(q, 3), 0.16, 1e-14); /* not clamped, as in the reference */
}

/* 0.5 (-1 + lv2 - lv1 + exp(lv1 - lv2) + d^2 exp(-lv2)), and by ln v2. */
TEST(cost_of_a_step_is_the_divergence_in_closed_form_with_its_slope)
{
    Process p = whole_chain_of(1000);
    static const int steps[] = {1, 2, 50, 999};
    for (size_t k = 0; k < 4; k++) {
        ChainStep s = chain_step(&p, steps[k]);
        for (double v = -1.5; v <= 1.5; v += 0.5) {
            double variance = learned_variance(s.q, v), slope, x0 = 0.3, guess = 0.11;
            double l1 = log(s.q.variance_small), l2 = log(variance), d = s.q.c_x0 * (x0 - guess);
            double cost = chain_step_cost(&s, x0, guess, variance, &slope);
            double expected = 0.5 * (-1 + l2 - l1 + exp(l1 - l2) + d * d * exp(-l2));
            EXPECT_NEAR(cost, expected, 1e-12 * (1 + expected));
            EXPECT_NEAR(slope, 0.5 * (1 - exp(l1 - l2) - d * d * exp(-l2)), 1e-12 * (1 + expected));
        }
    }
}

TEST(the_decoders_slope_is_that_of_its_logarithm_everywhere)
{
    static const int levels[] = {0, 1, 128, 254, 255};
    static const double stds[] = {2e-4, 1e-3, 4e-3, 0.02, 0.3};
    for (size_t l = 0; l < 5; l++)
        for (size_t s = 0; s < 5; s++)
            for (double mean = -1.04; mean <= 1.04; mean += 0.13) {
                double x = pixel(levels[l]), h = 1e-4, slope;
                double value =
                    decoder_log_probability_slope(&model_pixels, x, mean, stds[s], &slope);
                EXPECT(value == decoder_log_probability(&model_pixels, x, mean, stds[s]));
                double up = decoder_log_probability(&model_pixels, x, mean, stds[s] * exp(h));
                double down = decoder_log_probability(&model_pixels, x, mean, stds[s] * exp(-h));
                EXPECT_NEAR(slope, (up - down) / (2 * h), 1e-6 * (1e-2 + fabs(value)));
            }
}

TEST(the_first_step_has_the_small_variance_of_the_second_and_the_decoders_cost)
{
    Process p = whole_chain_of(1000);
    ChainStep first = chain_step(&p, 0), second = chain_step(&p, 1);
    EXPECT(first.decoder && !second.decoder);
    EXPECT_NEAR(first.q.variance_small, second.q.variance_small, 0);
    EXPECT_NEAR(first.q.variance_large, p.schedule.beta[0], 1e-15);
    double variance = learned_variance(first.q, 0.3);
    EXPECT_NEAR(chain_step_cost(&first, pixel(9), -0.92, variance, NULL),
                -decoder_log_probability(&model_pixels, pixel(9), -0.92, sqrt(variance)), 1e-12);
}

/* ---- the hybrid loss ---- */

TEST(hybrid_loss_of_a_value_has_the_slope_of_its_differences)
{
    Process p = whole_chain_of(1000);
    const MethodConfig config = {.vlb_weight = 0.001};
    const LossPass h = {.config = &config, .process = &p};
    static const int steps[] = {0, 1, 7, 500, 999};
    static const int levels[] = {0, 100, 255};
    for (size_t k = 0; k < 5; k++) {
        ChainStep s = chain_step(&p, steps[k]);
        for (size_t l = 0; l < 3; l++)
            for (double v = -1.2; v <= 1.2; v += 0.4) {
                double x0 = pixel(levels[l]), guess = 0.97 * x0 + 0.004, e = 1e-4, dv;
                double value = hybrid_value(&h, &s, 784, x0, guess, v, &dv);
                double up = hybrid_value(&h, &s, 784, x0, guess, v + e, NULL);
                double down = hybrid_value(&h, &s, 784, x0, guess, v - e, NULL);
                EXPECT_NEAR(dv, (up - down) / (2 * e), 1e-6 * (fabs(value) + fabs(dv)));
            }
    }
}

TEST(the_bound_in_the_hybrid_loss_is_the_sum_of_all_steps_in_bits_per_dimension)
{
    enum { T = 40 };
    Process p = whole_chain_of(T);
    const MethodConfig config = {.vlb_weight = 0.5};
    const LossPass h = {.config = &config, .process = &p};
    double mean = 0, sum = 0;
    for (int t = 0; t < T; t++) {
        ChainStep s = chain_step(&p, t);
        mean += hybrid_value(&h, &s, 10, pixel(70), -0.4, 0.2, NULL) / T;
        sum += chain_step_cost(&s, pixel(70), -0.4, learned_variance(s.q, 0.2), NULL);
    }
    EXPECT_NEAR(mean, 0.5 * sum / (10 * log(2)), 1e-12);
}

/* A small U-Net that gives variances, and one batch of noisy images for it. */
enum { SIDE = 8, IMAGES = 4, VALUES = IMAGES * SIDE * SIDE };
typedef struct {
    ModelConfig m;
    Process p;
    ParamTable table;
    Network network;
    float *weights, *grads;
    float xt[VALUES], noise[VALUES], t[IMAGES], weight[IMAGES], loss[IMAGES];
} Fixture;

static Fixture *fixture_new(void)
{
    Fixture *f = calloc(1, sizeof *f);
    UNetConfig *u = &f->m.unet;
    Err err = {0};
    unet_config_defaults(u);
    u->levels = 2;
    u->block_channels[0] = 8;
    u->block_channels[1] = 16;
    u->layers_per_block = 1;
    u->in_channels = 1;
    u->out_channels = 2;
    u->groups = 4;
    u->head_dim = 0;
    u->zero_init = false;
    f->p = whole_chain_of(100);
    parallel_set_threads(8); /* a plan has room for the threads of its making */
    Shape image = {SIDE, SIDE, 1};
    if (!EXPECT(network_open(&f->network, &f->table, &f->m, image, IMAGES, NET_TRAIN, &err)))
        abort();
    f->weights = mem_floats(f->table.block_floats);
    f->grads = mem_floats(f->table.block_floats);
    params_init(&f->table, f->weights, 3);
    test_normals(f->noise, VALUES, 1, 1);
    static const int steps[IMAGES] = {0, 1, 40, 99};
    for (int n = 0; n < IMAGES; n++) {
        NoiseLevel level = process_level(&f->p, steps[n]);
        f->t[n] = (float)steps[n];
        f->weight[n] = 1;
        for (int i = n * SIDE * SIDE; i < (n + 1) * SIDE * SIDE; i++)
            f->xt[i] =
                (float)(level.alpha * pixel(i * 7 % 256) + level.sigma * (double)f->noise[i]);
    }
    return f;
}

static void fixture_free(Fixture *f)
{
    network_close(&f->network);
    params_free(&f->table);
    mem_free(f->weights);
    mem_free(f->grads);
    free(f);
}

static double pass_of(Fixture *f, void (*loss)(const LossPass *), double vlb_weight, bool gradients)
{
    const MethodConfig config = {.vlb_weight = vlb_weight, .learn_variance = true};
    TrainBatch batch = {.xt = f->xt,
                        .target = f->noise,
                        .noise = f->noise,
                        .t = f->t,
                        .weight = f->weight,
                        .loss = f->loss};
    const LossPass h = {.config = &config,
                        .process = &f->p,
                        .clip = true,
                        .clip_range = 1,
                        .network = &f->network,
                        .weights = f->weights,
                        .grads = gradients ? f->grads : NULL,
                        .batch = &batch,
                        .dloss = 1};
    double sum = 0;
    memset(f->grads, 0, f->table.block_floats * sizeof *f->grads);
    net_hold(f->network.net, NULL);
    loss(&h);
    for (int n = 0; n < IMAGES; n++) sum += (double)f->loss[n];
    return sum;
}

static double pass(Fixture *f, double vlb_weight, bool gradients)
{
    return pass_of(f, hybrid_loss, vlb_weight, gradients);
}

/* Where parameter `name` begins, and how many values it has. */
static float *param(const Fixture *f, float *values, const char *name, size_t *count)
{
    for (int i = 0; i < f->table.count; i++)
        if (strcmp(f->table.info[i].name, name) == 0) {
            *count = f->table.info[i].count;
            return values + f->table.info[i].offset;
        }
    abort();
}

/* conv_out.bias is (prediction, variance): its second value moves nothing but v. */
TEST(gradient_of_the_hybrid_loss_is_its_difference_along_the_variances)
{
    Fixture *f = fixture_new();
    size_t count;
    pass(f, 0.5, true);
    double slope = (double)param(f, f->grads, "conv_out.bias", &count)[1], h = 1e-3;
    EXPECT_INT((long long)count, 2);
    float *bias = param(f, f->weights, "conv_out.bias", &count), old = bias[1];
    bias[1] = (float)((double)old + h);
    double up = pass(f, 0.5, false);
    bias[1] = (float)((double)old - h);
    double down = pass(f, 0.5, false);
    EXPECT_NEAR(slope, (up - down) / (2 * h), 2e-3 * fabs(slope));
    EXPECT(fabs(slope) > 1e-3);
    fixture_free(f);
}

TEST(the_bound_in_the_hybrid_loss_moves_the_variance_and_never_the_prediction)
{
    Fixture *f = fixture_new();
    size_t count;
    double simple = pass(f, 1e-30, true);
    float *bias = param(f, f->grads, "conv_out.bias", &count);
    double alone = (double)bias[0];
    double hybrid = pass(f, 0.5, true);
    EXPECT(hybrid > simple + 0.1);
    EXPECT_NEAR((double)bias[0], alone, 1e-6 * fabs(alone));
    EXPECT(fabs((double)bias[1]) > 1e-3);
    /* The plain pass, which validation takes, sees the prediction alone. */
    EXPECT_NEAR(pass_of(f, ddpm_loss, 0.5, false), simple, 1e-6 * simple);
    fixture_free(f);
}

TEST(hybrid_loss_has_the_same_bits_for_any_number_of_threads)
{
    Fixture *f = fixture_new();
    float *grads = mem_floats(f->table.block_floats), loss[IMAGES];
    bool first = true;
    FOR_THREADS(threads)
    {
        EXPECT_INT(parallel_threads(), threads);
        pass(f, 0.1, true);
        if (first) {
            memcpy(grads, f->grads, f->table.block_floats * sizeof *grads);
            memcpy(loss, f->loss, sizeof loss);
        }
        EXPECT_SAME(f->grads, grads, f->table.block_floats * sizeof *grads);
        EXPECT_SAME(f->loss, loss, sizeof loss);
        first = false;
    }
    mem_free(grads);
    fixture_free(f);
}

/* ---- denoisers, bound and sampling ---- */

TEST(a_network_of_two_channels_gives_noise_and_variance_whatever_the_batch)
{
    Fixture *f = fixture_new();
    NetworkDenoiser context = {.network = &f->network, .weights = f->weights, .label = -1};
    Denoiser d = network_denoiser(&context);
    enum { COUNT = 6, DIMS = SIDE * SIDE };
    double x[COUNT * DIMS], eps[COUNT * DIMS], plain[COUNT * DIMS], v[COUNT * DIMS], one[DIMS],
        v_one[DIMS];
    for (int i = 0; i < COUNT * DIMS; i++) x[i] = sin(0.7 * i);
    NoiseLevel level = process_level(&f->p, 30);
    Err err = {0};
    if (!EXPECT(d.predict_variance != NULL)) return;
    EXPECT(d.predict_variance(d.context, COUNT, x, &level, 0, eps, v, &err));
    EXPECT(d.predict(d.context, COUNT, x, &level, 0, plain, &err));
    EXPECT_SAME(plain, eps, sizeof eps);
    EXPECT(d.predict_variance(d.context, 1, x + 5 * DIMS, &level, 0, one, v_one, &err));
    EXPECT_SAME(one, eps + 5 * DIMS, sizeof one);
    EXPECT_SAME(v_one, v + 5 * DIMS, sizeof v_one);
    EXPECT(memcmp(v_one, one, sizeof one) != 0);

    Network two;
    double v_two[COUNT * DIMS];
    parallel_set_threads(2);
    if (!EXPECT(network_open_denoiser(&two, &f->table, &f->m, (Shape){SIDE, SIDE, 1}, COUNT, false,
                                      &err)))
        return;
    EXPECT_INT(two.copies, 2);
    net_hold(two.net, f->weights);
    context.network = &two;
    memset(eps, 0, sizeof eps);
    EXPECT(d.predict_variance(d.context, COUNT, x, &level, 0, eps, v_two, &err));
    /* The fast form of a network that goes forward only: other bits in its last places. */
    for (int i = 0; i < COUNT * DIMS; i++) {
        EXPECT_NEAR(eps[i], plain[i], 1e-5);
        EXPECT_NEAR(v_two[i], v[i], 1e-5);
    }
    network_close(&two);
    fixture_free(f);
}
