/* The sampler `ode` against the closed form of the flow, x_0 = alpha_0 m + sqrt(v_0 / v_T) (x_T -
 * alpha_T m) with v = alpha^2 s^2 + sigma^2, and what an adaptive solver promises: an error that
 * follows the tolerance, calls within a limit, images that do not know each other. */
#include "base/mem.h"
#include "exact_denoiser.h"
#include "model/network_open.h"
#include "solver_case.h"

static const GaussianData data = {.dims = 1, .mean = 0.5, .std = 0.25};

static double spread(NoiseLevel level, double std)
{
    return hypot(level.alpha * std, level.sigma);
}

/* A run of two images from 0 and 1, whose end is the cleanest level itself: the flow alone. */
static Case *flow_case(int process, double tolerance)
{
    Case *c = case_new(&every_process[process]);
    case_grid(c, "ode", 0);
    EXPECT_INT(c->grid.n, 2);
    c->grid.level[2] = c->grid.level[1];
    c->run.config.tolerance = tolerance;
    return c;
}

static void flow(Case *c, const GaussianData *of, double *x)
{
    double start[2] = {0, 1};
    Err err = {0};
    must(sample("ode", c, gaussian_denoiser(of), from_start(start), 2, x, &err), &err);
}

static double flow_error(int process, double tolerance)
{
    Case *c = flow_case(process, tolerance);
    NoiseLevel noisy = c->grid.level[0], end = c->grid.level[1];
    double x[2], worst = 0;
    flow(c, &data, x);
    for (int i = 0; i < 2; i++) {
        double from = i * process_prior_std(&c->process) - noisy.alpha * data.mean;
        double exact = end.alpha * data.mean + spread(end, 0.25) / spread(noisy, 0.25) * from;
        worst = test_larger(worst, fabs(x[i] - exact));
    }
    return worst;
}

TEST(flow_of_gaussian_data_is_the_closed_form_to_the_tolerance_on_every_process)
{
    for (int p = 0; p < PROCESSES; p++)
        for (double tolerance = 1e-3; tolerance > 1e-11; tolerance /= 10) {
            double error = flow_error(p, tolerance);
            if (!EXPECT(error < 20 * tolerance))
                fprintf(stderr, "process %d, tolerance %g: error %g\n", p, tolerance, error);
        }
}

TEST(error_falls_with_the_tolerance)
{
    for (int p = 0; p < PROCESSES; p++) {
        double last = flow_error(p, 1e-2);
        for (double tolerance = 1e-4; tolerance > 1e-9; tolerance /= 100) {
            double error = flow_error(p, tolerance);
            EXPECT(error < last / 8);
            last = error;
        }
    }
}

/* The published limits for T = 1000 are those of a flow to the clean image; from timestep 0 the
 * rest of the way is known. */
TEST(flow_of_ddpm_ends_at_the_published_mean_and_variance)
{
    Case *c = flow_case(PROCESS_DDPM, 1e-10);
    GaussianData wide = {.dims = 1, .mean = 0.5, .std = 0.5};
    double x[2], clean[2];
    flow(c, &wide, x);
    NoiseLevel end = c->grid.level[1];
    for (int i = 0; i < 2; i++) clean[i] = 0.5 + 0.5 / spread(end, 0.5) * (x[i] - end.alpha * 0.5);
    EXPECT_NEAR(clean[0], 0.4984118, 5e-8);
    EXPECT_NEAR((clean[1] - clean[0]) * (clean[1] - clean[0]), 0.2500076, 5e-8);
}

TEST(last_step_returns_the_data_predicted_at_the_cleanest_level)
{
    for (int p = 0; p < PROCESSES; p++) {
        Case *c = flow_case(p, 1e-6);
        double x[2], ends[2];
        flow(c, &data, ends);
        NoiseLevel end = c->grid.level[1];
        c->grid.level[2] = (NoiseLevel){.alpha = 1, .sigma = 0, .t = 0, .time = -1};
        flow(c, &data, x);
        for (int i = 0; i < 2; i++) {
            double share = end.alpha * 0.0625 / (spread(end, 0.25) * spread(end, 0.25));
            EXPECT_NEAR(x[i], 0.5 + share * (ends[i] - end.alpha * 0.5), 1e-12);
        }
    }
}

TEST(calls_are_few_and_alike_on_every_process)
{
    for (int p = 0; p < PROCESSES; p++) {
        Case *c = flow_case(p, 1e-5);
        double x[2];
        flow(c, &data, x);
        EXPECT(c->run.network_calls >= 40 && c->run.network_calls <= 70);
    }
}

/* Heun's method on a fine grid clips in the same way, and is another road to the same solution. */
TEST(clipped_flow_is_the_limit_of_clipped_steps)
{
    for (int p = 0; p < PROCESSES; p++) {
        Case *c = case_new(&every_process[p]);
        double start[2] = {0, 1}, x[2], fine[2];
        Err err = {0};
        c->run.config.clip = true;
        c->run.clip_range = 0.55;
        c->run.config.tolerance = 1e-7;
        case_grid(c, "ode", 0);
        must(sample("ode", c, gaussian_denoiser(&data), from_start(start), 2, x, &err), &err);
        case_grid(c, "heun", 3999);
        must(sample("heun", c, gaussian_denoiser(&data), from_start(start), 2, fine, &err), &err);
        for (int i = 0; i < 2; i++) {
            EXPECT_NEAR(x[i], fine[i], 1e-5);
            EXPECT(fabs(x[i]) <= 0.55);
        }
        c->run.config.clip = false;
        case_grid(c, "ode", 0);
        must(sample("ode", c, gaussian_denoiser(&data), from_start(start), 2, fine, &err), &err);
        EXPECT(fabs(x[1] - fine[1]) > 0.01); /* so clipping was felt */
    }
}

TEST(two_modes_come_out_with_their_weights)
{
    enum { COUNT = 2000 };
    static double x[2 * COUNT];
    for (int p = 0; p < PROCESSES; p++) {
        Case *c = case_new(&every_process[p]);
        SeedNoise seeds = {1};
        Err err = {0};
        case_grid(c, "ode", 0);
        c->run.config.tolerance = 1e-3;
        must(sample("ode", c, mixture_denoiser(&two_modes), seed_noise(&seeds), COUNT, x, &err),
             &err);
        expect_two_modes(x, COUNT);
    }
}

TEST(image_does_not_depend_on_its_batch_mates_nor_on_threads)
{
    enum { COUNT = 700 };
    static double batch[2 * COUNT], x[2 * COUNT];
    for (int p = 0; p < PROCESSES; p += 3) {
        Case *c = case_new(&every_process[p]);
        Denoiser denoiser = mixture_denoiser(&two_modes);
        SeedNoise seeds = {40};
        Err err = {0};
        case_grid(c, "ode", 0);
        FOR_THREADS(threads)
        {
            must(sample("ode", c, denoiser, seed_noise(&seeds), COUNT, x, &err), &err);
            if (threads == 1) memcpy(batch, x, sizeof x);
            EXPECT_SAME(x, batch, sizeof x);
        }
        long together = c->run.network_calls, most = 0, least = 1000;
        for (int i = 0; i < COUNT; i++) {
            SeedNoise own = {40 + (uint64_t)i};
            must(sample("ode", c, denoiser, seed_noise(&own), 1, x, &err), &err);
            EXPECT_SAME(x, batch + 2 * (size_t)i, 2 * sizeof *x);
            if (c->run.network_calls > most) most = c->run.network_calls;
            if (c->run.network_calls < least) least = c->run.network_calls;
        }
        EXPECT(most > least); /* so images did leave the batch at different times */
        EXPECT_INT(together, most);
    }
}

/* Image i is N(i / 100, 0.0625), whichever row of a call it is. */
static const int *chosen;
static void choose(void *context, const int *images)
{
    (void)context;
    chosen = images;
}
static bool predict_by_image(void *context, int count, const double *x, const NoiseLevel *levels,
                             int stride, double *eps, Err *err)
{
    (void)context;
    for (int r = 0; r < count; r++) {
        GaussianData own = {.dims = 1, .mean = (chosen ? chosen[r] : r) / 100.0, .std = 0.25};
        Denoiser d = gaussian_denoiser(&own);
        if (!d.predict(d.context, 1, x + r, levels + r * stride, 0, eps + r, err)) return false;
    }
    return true;
}

TEST(denoiser_is_told_which_images_are_left_in_the_batch)
{
    enum { COUNT = 300 };
    double start[COUNT], x[COUNT];
    Case *c = case_new(&every_process[PROCESS_VE]);
    Denoiser denoiser = {.dims = 1, .predict = predict_by_image, .choose_images = choose};
    Err err = {0};
    for (int i = 0; i < COUNT; i++) start[i] = 2 * sin(i);
    case_grid(c, "ode", 0);
    c->run.config.tolerance = 1e-7;
    must(sample("ode", c, denoiser, from_start(start), COUNT, x, &err), &err);
    EXPECT(!chosen);
    for (int i = 0; i < COUNT; i++) {
        NoiseLevel noisy = c->grid.level[0], end = c->grid.level[1];
        double slope = 0.0625 / spread(end, 0.25) / spread(noisy, 0.25);
        EXPECT_NEAR(x[i], i / 100.0 + slope * (50 * start[i] - i / 100.0), 2e-6);
    }
}

/* A network of 3 classes, of which image i has class i mod 3. */
TEST(images_of_a_network_keep_their_classes_when_others_have_left)
{
    enum { COUNT = 5, DIMS = 64 };
    ModelConfig model = {.network = NETWORK_UNET};
    UNetConfig *unet = &model.unet;
    unet_config_defaults(unet);
    unet->sample_height = unet->sample_width = 8;
    unet->in_channels = unet->out_channels = 1;
    unet->levels = 2;
    unet->layers_per_block = 1;
    unet->block_channels[0] = unet->block_channels[1] = 8;
    unet->groups = 4;
    unet->classes = 3;
    ParamTable table = {0};
    Network network;
    Err err = {0};
    must(network_open(&network, &table, &model, (Shape){8, 8, 1}, 2, NET_INFER, &err), &err);
    float *weights = mem_floats(table.block_floats);
    params_init(&table, weights, 5);
    net_hold(network.net, weights);
    NetworkDenoiser context = {.network = &network, .weights = weights, .label = -1};
    Case *c = case_new(&every_process[PROCESS_DDPM]);
    static double start[COUNT * DIMS], x[COUNT * DIMS], alone[DIMS];
    for (int i = 0; i < COUNT * DIMS; i++) start[i] = (1 + i / DIMS) * sin(i);
    case_grid(c, "ode", 0);
    c->run.config.tolerance = 1e-3;
    must(sample("ode", c, network_denoiser(&context), from_start(start), COUNT, x, &err), &err);
    long calls = c->run.network_calls, least = calls;
    for (int i = 0; i < COUNT; i++) {
        context.first_image = i;
        must(sample("ode", c, network_denoiser(&context), from_start(start + (size_t)i * DIMS), 1,
                    alone, &err),
             &err);
        EXPECT_SAME(alone, x + (size_t)i * DIMS, sizeof alone);
        if (c->run.network_calls < least) least = c->run.network_calls;
        context.first_image = i + 1; /* another class is another image */
        must(sample("ode", c, network_denoiser(&context), from_start(start + (size_t)i * DIMS), 1,
                    alone, &err),
             &err);
        EXPECT(memcmp(alone, x + (size_t)i * DIMS, sizeof alone) != 0);
    }
    EXPECT(least < calls);
    mem_free(weights);
    network_close(&network);
    params_free(&table);
}

TEST(one_level_is_one_call)
{
    Case *c = case_new(&every_process[PROCESS_VP]);
    double start = 0.7, x;
    Err err = {0};
    case_spaced(c, SPACING_UNIFORM, 1);
    must(sample("ode", c, gaussian_denoiser(&data), from_start(&start), 1, &x, &err), &err);
    EXPECT_INT(c->run.network_calls, 1);
    NoiseLevel level = c->grid.level[0];
    double share = level.alpha * 0.0625 / (spread(level, 0.25) * spread(level, 0.25));
    EXPECT_NEAR(x, 0.5 + share * (0.7 - level.alpha * 0.5), 1e-12);
}

/* ---- failures ---- */

TEST(call_limit_counts_every_call_and_its_error_says_what_to_do)
{
    Case *c = flow_case(PROCESS_DDPM, 1e-5);
    double x[2];
    flow(c, &data, x);
    double start[2] = {0, 1};
    Denoiser denoiser = gaussian_denoiser(&data);
    Err err = {0};
    long needed = c->run.network_calls;
    c->run.config.call_limit = needed;
    EXPECT(sample("ode", c, denoiser, from_start(start), 2, x, &err));
    c->run.config.call_limit = needed - 1;
    EXPECT_REFUSED(sample("ode", c, denoiser, from_start(start), 2, x, &err), err, ERR_LIMIT,
                   "sampler ode: image ");
    EXPECT_CONTAINS(err.text, "timestep ");
    EXPECT_CONTAINS(err.text, "tolerance 1e-05");
    EXPECT_CONTAINS(err.text, "a larger tolerance or a larger limit of calls");
    char limit[64];
    snprintf(limit, sizeof limit, "the limit of %ld calls", needed - 1);
    EXPECT_CONTAINS(err.text, limit);
}

TEST(non_finite_predictions_stop_ode_and_name_the_place)
{
    static const double values[] = {(double)NAN, HUGE_VAL};
    for (int v = 0; v < 2; v++) {
        Case *c = case_new(&every_process[PROCESS_DDPM]);
        Broken broken = {.at_t = 500, .value = values[v]};
        Denoiser denoiser = {.context = &broken, .dims = 1, .predict = broken_predict};
        SeedNoise seeds = {1};
        double x[4];
        Err err = {0};
        case_grid(c, "ode", 0);
        EXPECT_REFUSED(sample("ode", c, denoiser, seed_noise(&seeds), 4, x, &err), err,
                       ERR_DIVERGED, "sampler ode at step ");
        EXPECT_CONTAINS(err.text, "(timestep ");
        EXPECT_CONTAINS(err.text, "image 3");
        EXPECT(chosen == NULL);
    }
}

TEST(options_of_ode_out_of_range_are_usage_errors)
{
    static const double tolerances[] = {0, -1e-5, 1, (double)NAN};
    Case *c = case_new(&every_process[PROCESS_VE]);
    SeedNoise seeds = {1};
    Denoiser denoiser = mixture_denoiser(&two_modes);
    double x[2];
    case_grid(c, "ode", 0);
    for (int k = 0; k < 4; k++) {
        Err err = {0};
        c->run.config.tolerance = tolerances[k];
        EXPECT_REFUSED(sample("ode", c, denoiser, seed_noise(&seeds), 1, x, &err), err, ERR_USAGE,
                       "tolerance");
    }
    Err err = {0};
    c->run.config.tolerance = 1e-3;
    c->run.config.call_limit = 8;
    EXPECT_REFUSED(sample("ode", c, denoiser, seed_noise(&seeds), 1, x, &err), err, ERR_USAGE,
                   "8 network calls");
}
