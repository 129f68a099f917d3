/* Solvers on a grid: heun, dpm++2m, unipc, and ddim, which is Euler's method in sigma / alpha.
 * Closed forms and orders of convergence with the exact denoiser of known data. */
#include "exact_denoiser.h"
#include "solver_case.h"

static const char *const solvers[] = {"heun", "dpm++2m", "unipc"};
enum { SOLVERS = 3 };

/* ---- order ---- */

/* The standard deviation of samples of N(0, 1/16) over the exact one: the map is linear. */
static double spread(const char *sampler, int n)
{
    double s[160], start = 1, x;
    Case *c = case_new(&edm);
    GaussianData data = {.dims = 1, .mean = 0, .std = 0.25};
    Err err = {0};
    karras(80, 0.002, n, s);
    hand_grid(c, n, s, NULL, false);
    must(sample(sampler, c, gaussian_denoiser(&data), from_start(&start), 1, &x, &err), &err);
    return x / (80 * 0.25 / sqrt(0.0625 + 6400));
}

TEST(spread_of_samples_on_a_karras_grid_is_that_of_the_closed_form)
{
    static const struct {
        int n;
        double euler, heun, multistep;
    } rows[] = {{5, 0.531054, 3.229427, 0.949328},  {10, 0.703839, 1.272186, 1.134426},
                {18, 0.831482, 1.068223, 1.073220}, {35, 0.911830, 1.015889, 1.017163},
                {70, 0.955520, 1.003699, 1.003838}, {140, 0.977651, 1.000872, 1.000887}};
    for (int r = 0; r < 6; r++) {
        EXPECT_NEAR(spread("ddim", rows[r].n), rows[r].euler, 1e-6);
        EXPECT_NEAR(spread("heun", rows[r].n), rows[r].heun, 1e-6);
        EXPECT_NEAR(spread("dpm++2m", rows[r].n), rows[r].multistep, 1e-6);
    }
}

/* Error of the map from s = 20 to 0.05 in n steps even in ln s, of data N(0.5, 0.0625). */
static double map_error(const char *sampler, int n, bool preserving)
{
    static double s[1001];
    double start = 0.8, x;
    for (int i = 0; i <= n; i++) s[i] = 20 * pow(0.05 / 20, (double)i / n);
    Case *c = case_new(&every_process[preserving ? PROCESS_VP : PROCESS_VE]);
    GaussianData data = {.dims = 1, .mean = 0.5, .std = 0.25};
    Err err = {0};
    hand_grid(c, n, s, NULL, preserving);
    start /= process_prior_std(&c->process);
    must(sample(sampler, c, gaussian_denoiser(&data), from_start(&start), 1, &x, &err), &err);
    NoiseLevel from = c->grid.level[0], to = c->grid.level[n];
    double ratio = hypot(to.alpha * 0.25, to.sigma) / hypot(from.alpha * 0.25, from.sigma);
    double exact = 0.5 * to.alpha + ratio * (0.8 - 0.5 * from.alpha);
    return fabs(x - exact);
}

TEST(halving_the_step_divides_the_error_by_two_to_the_order)
{
    static const struct {
        const char *sampler;
        double least, most;
    } rows[] = {{"ddim", 1.9, 2.1}, {"heun", 3.8, 4.3}, {"dpm++2m", 3.8, 4.3}, {"unipc", 3.5, 4.2}};
    for (int r = 0; r < 4; r++)
        for (int preserving = 0; preserving < 2; preserving++)
            for (int n = 80; n <= 320; n *= 2) {
                double gain = map_error(rows[r].sampler, n, preserving) /
                              map_error(rows[r].sampler, 2 * n, preserving);
                if (!EXPECT(gain > rows[r].least && gain < rows[r].most))
                    fprintf(stderr, "%s: %g\n", rows[r].sampler, gain);
            }
}

/* ---- relations ---- */

/* In x / alpha and sigma / alpha all processes are one. */
TEST(solvers_take_the_same_steps_with_scaled_and_unscaled_noise)
{
    for (int k = 0; k < SOLVERS; k++) {
        Case *a = case_new(&every_process[PROCESS_VP]), *b = case_new(&every_process[PROCESS_VE]);
        Err err = {0};
        double s[21], start[20], other[20], x[20], y[20];
        case_spaced(a, SPACING_LOGSNR, 20);
        for (int i = 0; i <= 20; i++) s[i] = a->grid.level[i].sigma / a->grid.level[i].alpha;
        hand_grid(b, 20, s, NULL, false);
        for (int i = 0; i < 20; i++) start[i] = cos(i);
        for (int i = 0; i < 20; i++) other[i] = start[i] / a->grid.level[0].alpha / 50;
        Denoiser denoiser = mixture_denoiser(&two_modes);
        must(sample(solvers[k], a, denoiser, from_start(start), 10, x, &err), &err);
        must(sample(solvers[k], b, denoiser, from_start(other), 10, y, &err), &err);
        for (int i = 0; i < 20; i++) EXPECT_NEAR(x[i], y[i], 1e-9);
    }
}

TEST(one_network_call_returns_the_data_it_predicts)
{
    for (int k = 0; k < SOLVERS; k++)
        for (int p = 0; p < PROCESSES; p++) {
            Case *c = case_new(&every_process[p]);
            GaussianData data = {.dims = 1, .mean = 0.5, .std = 0.25};
            Denoiser denoiser = gaussian_denoiser(&data);
            double start = 0.7, x, eps;
            Err err = {0};
            case_grid(c, solvers[k], 1);
            must(sample(solvers[k], c, denoiser, from_start(&start), 1, &x, &err), &err);
            double noisy = start * process_prior_std(&c->process);
            NoiseLevel level = c->grid.level[0];
            must(denoiser.predict(denoiser.context, 1, &noisy, &level, 0, &eps, &err), &err);
            EXPECT_NEAR(x, x0_from_eps(level, noisy, eps), 1e-12);
            EXPECT_INT(c->run.network_calls, 1);
        }
}

TEST(calls_are_those_asked_for_on_every_process_and_images_are_finite)
{
    static const int calls[] = {0, 1, 2, 3, 5, 10, 99, 100, 1000};
    for (int k = 0; k < SOLVERS; k++)
        for (int p = 0; p < PROCESSES; p++)
            for (int r = 0; r < 9; r++) {
                Case *c = case_new(&every_process[p]);
                SeedNoise seeds = {3};
                double x[4];
                Err err = {0};
                case_grid(c, solvers[k], calls[r]);
                must(sample(solvers[k], c, mixture_denoiser(&two_modes), seed_noise(&seeds), 2, x,
                            &err),
                     &err);
                bool heun = strcmp(solvers[k], "heun") == 0;
                int want = calls[r] ? calls[r] : heun ? 35 : 20;
                EXPECT_INT(c->run.network_calls, heun ? want - (want + 1) % 2 : want);
                /* Of second order alone, heun leaves the data with fewer than five steps. */
                for (int i = 0; i < 4; i++) EXPECT(fabs(x[i]) < (want < 10 ? 1e4 : 2));
            }
}

/* A chain may keep a single step. Its level is also the cleanest. */
TEST(every_sampler_draws_from_a_chain_of_one_step)
{
    NoiseConfig single = {.kind = PROCESS_DDPM,
                          .T = 1,
                          .schedule = SCHEDULE_LINEAR,
                          .beta_start = 0.9,
                          .beta_end = 0.9};
    for (const Sampler *s = samplers; s->name; s++) {
        Case *c = case_new(&single);
        SeedNoise seeds = {3};
        double x[4];
        Err err = {0};
        case_grid(c, s->name, 0);
        EXPECT_OK(sample(s->name, c, mixture_denoiser(&two_modes), seed_noise(&seeds), 2, x, &err),
                  err);
        for (int i = 0; i < 4; i++) EXPECT(fabs(x[i]) < 2);
        level_grid_free(&c->grid);
        bool many = sampler_grid(s, &c->run, SPACING_LOGSNR, 40, &c->grid, &err);
        if (!(s->reads & SAMPLE_ONE_LEVEL)) {
            EXPECT_FAILS(many, err, "the model has 1 timestep, so the number of steps must be 1");
        }
    }
}

/* With Gaussian data the exact flow maps x at the noisiest level to
 * alpha m + sqrt(v / v_noisy) (x - alpha_noisy m), and the last step takes the mean of x0. */
TEST(gaussian_data_comes_out_with_its_mean_and_spread_on_every_process)
{
    GaussianData data = {.dims = 1, .mean = 0.5, .std = 0.25};
    for (int k = 0; k < SOLVERS; k++)
        for (int p = 0; p < PROCESSES; p++) {
            Case *c = case_new(&every_process[p]);
            double start[2] = {0, 1}, x[2];
            Err err = {0};
            case_grid(c, solvers[k], 199);
            must(sample(solvers[k], c, gaussian_denoiser(&data), from_start(start), 2, x, &err),
                 &err);
            NoiseLevel noisy = c->grid.level[0], last = c->grid.level[c->grid.n - 1];
            double spread_noisy = hypot(noisy.alpha * 0.25, noisy.sigma);
            double spread_last = hypot(last.alpha * 0.25, last.sigma);
            double slope = last.alpha * 0.0625 / spread_last / spread_noisy;
            EXPECT_NEAR(x[0], 0.5 - slope * noisy.alpha * 0.5, 1e-3);
            double want = slope * process_prior_std(&c->process);
            EXPECT_NEAR((x[1] - x[0]) / want, 1, 4e-3);
            EXPECT_NEAR((x[1] - x[0]) / 0.25, 1, 6e-3);
        }
}

TEST(two_modes_come_out_with_their_weights_on_every_process)
{
    enum { COUNT = 2000 };
    static double x[2 * COUNT];
    for (int k = 0; k < SOLVERS; k++)
        for (int p = 0; p < PROCESSES; p++) {
            Case *c = case_new(&every_process[p]);
            SeedNoise seeds = {1};
            Err err = {0};
            case_grid(c, solvers[k], 0);
            must(sample(solvers[k], c, mixture_denoiser(&two_modes), seed_noise(&seeds), COUNT, x,
                        &err),
                 &err);
            expect_two_modes(x, COUNT);
        }
}

/* Churn adds noise and takes it out again: the distribution stays. */
TEST(churn_changes_the_image_and_keeps_the_distribution)
{
    enum { COUNT = 2000 };
    static double x[2 * COUNT], plain[2 * COUNT];
    for (int p = 0; p < PROCESSES; p++) {
        Case *c = case_new(&every_process[p]);
        SeedNoise seeds = {1};
        Denoiser denoiser = mixture_denoiser(&two_modes);
        Err err = {0};
        case_grid(c, "heun", 99);
        must(sample("heun", c, denoiser, seed_noise(&seeds), COUNT, plain, &err), &err);
        c->run.config.churn = 10;
        must(sample("heun", c, denoiser, seed_noise(&seeds), COUNT, x, &err), &err);
        int moved = 0;
        for (int i = 0; i < 2 * COUNT; i++) moved += fabs(x[i] - plain[i]) > 1e-3;
        EXPECT(moved > COUNT);
        expect_two_modes(x, COUNT);
        EXPECT_INT(c->run.network_calls, 99);
    }
}

TEST(clipping_keeps_images_of_solvers_in_range)
{
    for (int k = 0; k < SOLVERS; k++) {
        Case *c = case_new(&every_process[PROCESS_DDPM]);
        SeedNoise seeds = {11};
        StandIn net = {PREDICT_EPS, net_bent};
        double x[200], largest = 0;
        Err err = {0};
        c->run.config.clip = true;
        c->run.clip_range = 0.25;
        case_grid(c, solvers[k], 21);
        must(sample(solvers[k], c, stand_in(&net), seed_noise(&seeds), 200, x, &err), &err);
        for (int i = 0; i < 200; i++) largest = test_larger(largest, fabs(x[i]));
        EXPECT_NEAR(largest, 0.25, 1e-12); /* this network leaves the range: the bound is reached */
    }
}

/* With x0 always at the bound the flow from x is known: x / alpha moves on a straight line of
 * s = sigma / alpha, and every method of order 1 or more follows it. */
TEST(clipped_predictions_move_the_state_on_straight_lines)
{
    for (int k = 0; k < SOLVERS; k++) {
        Case *c = case_new(&every_process[PROCESS_VP]);
        StandIn net = {PREDICT_EPS, net_bent};
        double start = 2, x;
        Err err = {0};
        c->run.config.clip = true;
        c->run.clip_range = 0.05;
        case_spaced(c, SPACING_LOGSNR, 7);
        c->grid.level[7] = process_level(&c->process, 0.5);
        for (int i = 0; i < 7; i++) c->grid.level[i] = process_level(&c->process, 1 - i * 0.07);
        must(sample(solvers[k], c, stand_in(&net), from_start(&start), 1, &x, &err), &err);
        NoiseLevel from = c->grid.level[0], to = c->grid.level[7];
        double eps = eps_from_prediction(PREDICT_X0, from, 2, 0.05);
        EXPECT_NEAR(x, to.alpha * 0.05 + to.sigma * eps, 1e-9);
    }
}

/* ---- the same image ---- */

TEST(image_of_a_solver_is_the_same_alone_in_a_batch_and_with_any_threads)
{
    enum { COUNT = 2100 }; /* over the size from which loops use threads */
    static double batch[2 * COUNT], x[2 * COUNT];
    for (int k = 0; k < SOLVERS; k++) {
        Case *c = case_new(&every_process[PROCESS_SUBVP]);
        Denoiser denoiser = mixture_denoiser(&two_modes);
        SeedNoise seeds = {40};
        Err err = {0};
        case_grid(c, solvers[k], 9);
        c->run.config.churn = 3;
        FOR_THREADS(threads)
        {
            must(sample(solvers[k], c, denoiser, seed_noise(&seeds), COUNT, x, &err), &err);
            if (threads == 1) memcpy(batch, x, sizeof x);
            EXPECT_SAME(x, batch, sizeof x);
        }
        for (int i = 0; i < COUNT; i += 419) {
            SeedNoise own = {40 + (uint64_t)i};
            must(sample(solvers[k], c, denoiser, seed_noise(&own), 1, x, &err), &err);
            EXPECT_SAME(x, batch + 2 * (size_t)i, 2 * sizeof *x);
        }
    }
}

/* ---- failures ---- */

TEST(non_finite_predictions_stop_a_solver_and_name_the_place)
{
    static const double values[] = {(double)NAN, HUGE_VAL};
    for (int k = 0; k < SOLVERS; k++)
        for (int v = 0; v < 2; v++) {
            Case *c = case_new(&every_process[PROCESS_DDPM]);
            Broken broken = {.at_t = 700, .value = values[v]};
            Denoiser denoiser = {.context = &broken, .dims = 1, .predict = broken_predict};
            SeedNoise seeds = {1};
            double x[4];
            Err err = {0};
            case_spaced(c, SPACING_LEADING, 10);
            EXPECT_REFUSED(sample(solvers[k], c, denoiser, seed_noise(&seeds), 4, x, &err), err,
                           ERR_DIVERGED, solvers[k]);
            /* heun asks for level 3 at the end of step 2. */
            bool heun = strcmp(solvers[k], "heun") == 0;
            EXPECT_CONTAINS(err.text,
                            heun ? "step 2 of 10 (timestep 700)" : "step 3 of 10 (timestep 700)");
            EXPECT_CONTAINS(err.text, "image 3");
        }
}

TEST(non_finite_states_stop_a_solver_and_name_the_place)
{
    for (int k = 0; k < SOLVERS; k++) {
        Case *c = case_new(&every_process[PROCESS_DDPM]);
        /* Finite itself, but x0 = -sigma eps / alpha is not. */
        Broken broken = {.at_t = 900, .value = 1e308};
        Denoiser denoiser = {.context = &broken, .dims = 1, .predict = broken_predict};
        SeedNoise seeds = {1};
        double x[4];
        Err err = {0};
        case_spaced(c, SPACING_LEADING, 10);
        EXPECT_REFUSED(sample(solvers[k], c, denoiser, seed_noise(&seeds), 4, x, &err), err,
                       ERR_DIVERGED, "step 1 of 10 (timestep 900): the state is -inf");
    }
}
