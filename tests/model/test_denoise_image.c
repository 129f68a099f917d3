/* Noise is counted in levels of grey, and the denoised image is the mean of what lies behind it. */
#include "model/denoise.h"

#include "diffusion/likelihood.h"
#include "exact_denoiser.h"
#include "processes.h"
#include "test.h"

enum { DIMS = 4096 };
static const double GREY = 1 / 127.5; /* the width of a level of grey in [-1, 1] */
static const GaussianData data = {.dims = DIMS, .mean = 0.25, .std = 0.4};

typedef struct {
    double x0[DIMS], noise[DIMS], y[DIMS], x[DIMS], eps[DIMS];
    float clean[DIMS];
} Images;

/* Values of the data, and the same with noise of so many levels of grey. */
static void fill(Images *m, double greys)
{
    float z[DIMS], n[DIMS];
    test_normals(z, DIMS, 1, 1);
    test_normals(n, DIMS, 2, 1);
    for (int i = 0; i < DIMS; i++) {
        m->x0[i] = data.mean + data.std * (double)z[i];
        m->noise[i] = greys * GREY * (double)n[i];
        m->y[i] = m->x0[i] + m->noise[i];
    }
}

static double square(const double *x0, const double *y, const float *clean)
{
    double sum = 0;
    for (int i = 0; i < DIMS; i++) {
        double e = (y ? y[i] : (double)clean[i]) - x0[i];
        sum += e * e / DIMS;
    }
    return sum;
}

TEST(the_level_of_so_many_greys_has_that_noise_in_every_process)
{
    static const double greys[] = {2, 12.5, 40, 100};
    for (int kind = 0; kind < PROCESSES; kind++) {
        Process p = process_of(&every_process[kind]);
        for (size_t i = 0; i < sizeof greys / sizeof *greys; i++) {
            NoiseLevel l = level_of_greys(&p, greys[i]);
            EXPECT_NEAR(l.sigma / l.alpha, greys[i] * GREY, 1e-6 * greys[i]);
            EXPECT_NEAR(noise_in_greys(l), greys[i], 1e-4 * greys[i]);
        }
        NoiseLevel none = level_of_greys(&p, 0);
        EXPECT(none.alpha == 1 && none.sigma == 0 && none.time == -1);
        EXPECT(noise_in_greys(none) == 0);
    }
}

/* Of data N(m, s^2) seen with noise of variance v it is m + s^2 / (s^2 + v) (y - m), whose squared
 * error is s^2 v / (s^2 + v), less than the noisy image's v. */
TEST(the_denoised_image_is_the_closed_form_and_nearer_the_clean_one_than_the_noisy)
{
    static const double greys[] = {5, 30, 90};
    static Images m;
    Denoiser d = gaussian_denoiser(&data);
    for (int kind = 0; kind < PROCESSES; kind++) {
        Process p = process_of(&every_process[kind]);
        for (size_t g = 0; g < sizeof greys / sizeof *greys; g++) {
            double s2 = data.std * data.std, v = greys[g] * GREY * greys[g] * GREY;
            fill(&m, greys[g]);
            EXPECT(denoise_image(&d, level_of_greys(&p, greys[g]), m.y, m.x, m.eps, m.clean, NULL));
            double worst = 0, keep = s2 / (s2 + v);
            for (int i = 0; i < DIMS; i++) { /* GCC 12 for arm64 fails on a loop of fmax */
                double e = fabs((double)m.clean[i] - (data.mean + keep * (m.y[i] - data.mean)));
                if (!(e <= worst)) worst = e;
            }
            EXPECT_NEAR(worst, 0, 1e-5);
            double before = square(m.x0, m.y, NULL), after = square(m.x0, NULL, m.clean);
            EXPECT(after < before);
            EXPECT_NEAR(before, v, 0.1 * v); /* 4 standard errors */
            EXPECT_NEAR(after, keep * v, 0.1 * keep * v);
        }
    }
}

static bool refuse(void *context, int count, const double *x, const NoiseLevel *levels, int stride,
                   double *eps, Err *err)
{
    (void)context, (void)count, (void)x, (void)levels, (void)stride, (void)eps;
    return err_set(err, ERR_DIVERGED, "asked");
}

TEST(an_image_without_noise_stays_as_it_is_and_nobody_is_asked)
{
    static Images m;
    Denoiser d = {.dims = DIMS, .predict = refuse};
    NoiseLevel none = {.alpha = 1, .time = -1}, some = {.alpha = 0.8, .sigma = 0.6};
    Err err = {0};
    fill(&m, 30);
    EXPECT(denoise_image(&d, none, m.y, m.x, m.eps, m.clean, &err));
    for (int i = 0; i < DIMS; i++) EXPECT(m.clean[i] == (float)m.y[i]);
    EXPECT(!denoise_image(&d, some, m.y, m.x, m.eps, m.clean, &err));
    EXPECT_INT(err.kind, ERR_DIVERGED);
}
