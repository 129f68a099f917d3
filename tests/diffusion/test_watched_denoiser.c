/* A watched denoiser changes nothing and shows every call. */
#include "diffusion/watched_denoiser.h"

#include "solver_case.h"

enum { COUNT = 3, D = 2 };

typedef struct {
    long calls, rows;
    double worst; /* of the mean of the data at x, which the prediction of a Gaussian is */
    int images[COUNT];
} Seen;

static const GaussianData gaussian = {.dims = D, .mean = 0.25, .std = 0.5};

static void see(void *context, const SeenCall *call)
{
    Seen *s = context;
    s->calls++;
    s->rows += call->count;
    EXPECT_INT(call->dims, D);
    for (int r = 0; r < call->count; r++) {
        NoiseLevel level = call->levels[r * call->stride];
        double a = level.alpha, v = a * a * 0.25 + level.sigma * level.sigma;
        s->images[call->images ? call->images[r] : r]++;
        for (int i = r * D; i < r * D + D; i++) {
            double mean = 0.25 + a * 0.25 / v * (call->x[i] - a * 0.25);
            double x0 = x0_from_eps(level, call->x[i], call->eps[i]);
            s->worst = test_larger(s->worst, fabs(x0 - mean) / (1 + level.sigma / level.alpha));
        }
    }
}

TEST(every_sampler_draws_the_same_bits_watched_and_every_call_is_seen)
{
    for (const Sampler *s = samplers; s->name; s++) {
        for (int k = 0; k < PROCESSES; k++) {
            Case *c = case_new(&every_process[k]);
            Seen seen = {0};
            Err err = {0};
            SeedNoise seeds = {.first_seed = 5};
            double plain[COUNT * D], watched[COUNT * D];
            case_grid(c, s->name, s->reads & SAMPLE_ODE ? 0 : 12);
            must(sample(s->name, c, gaussian_denoiser(&gaussian), seed_noise(&seeds), COUNT, plain,
                        &err),
                 &err);
            WatchedDenoiser w = {
                .inner = gaussian_denoiser(&gaussian), .context = &seen, .seen = see};
            must(sample(s->name, c, watched_denoiser(&w), seed_noise(&seeds), COUNT, watched, &err),
                 &err);
            EXPECT_SAME(watched, plain, sizeof plain);
            EXPECT(seen.worst < 1e-9);
            if (!(s->reads & SAMPLE_ODE)) {
                EXPECT_INT(seen.calls, c->run.network_calls);
                EXPECT_INT(seen.calls, c->run.expected_calls);
                EXPECT_INT(seen.rows, seen.calls * COUNT);
            } else {
                /* Each image is in as many calls as its own steps take. */
                int most = 0;
                for (int i = 0; i < COUNT; i++)
                    most = seen.images[i] > most ? seen.images[i] : most;
                EXPECT_INT(most, c->run.network_calls);
            }
        }
    }
}

static const int *chosen;
static void note_choice(void *context, const int *images)
{
    (void)context;
    chosen = images;
}

TEST(a_choice_of_images_reaches_the_watcher_and_the_denoiser)
{
    Seen seen = {0};
    WatchedDenoiser w = {.inner = gaussian_denoiser(&gaussian), .context = &seen, .seen = see};
    w.inner.choose_images = note_choice;
    Denoiser d = watched_denoiser(&w);
    const int images[1] = {2};
    const NoiseLevel level = {.alpha = 0.8, .sigma = 0.6};
    double x[D] = {1, 2}, eps[D];
    d.choose_images(d.context, images);
    EXPECT(chosen == images);
    EXPECT(d.predict(d.context, 1, x, &level, 0, eps, NULL));
    d.choose_images(d.context, NULL);
    EXPECT(d.predict(d.context, 1, x, &level, 0, eps, NULL));
    EXPECT_INT(seen.images[2], 1);
    EXPECT_INT(seen.images[0], 1);
}

static bool fails(void *context, int count, const double *x, const NoiseLevel *levels, int stride,
                  double *eps, Err *err)
{
    (void)context, (void)count, (void)x, (void)levels, (void)stride, (void)eps;
    return err_set(err, ERR_DIVERGED, "no");
}

TEST(a_call_that_fails_is_not_shown_and_what_the_denoiser_lacks_stays_missing)
{
    Seen seen = {0};
    Err err = {0};
    WatchedDenoiser w = {.inner = {.dims = D, .predict = fails}, .context = &seen, .seen = see};
    Denoiser d = watched_denoiser(&w);
    const NoiseLevel level = {.alpha = 1, .sigma = 1};
    double x[D] = {0}, eps[D];
    EXPECT_REFUSED(d.predict(d.context, 1, x, &level, 0, eps, &err), err, ERR_DIVERGED, "no");
    EXPECT_INT(seen.calls, 0);
    EXPECT(!d.predict_variance && !d.predict_vjp);
}
