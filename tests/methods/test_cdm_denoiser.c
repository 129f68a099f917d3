/* What a classifier of noise levels predicts. */
#include "base/parallel.h"
#include "cdm_case.h"

/* ---- the denoiser ---- */

static NetworkDenoiser context_of(Case *c)
{
    return (NetworkDenoiser){.network = &c->network, .weights = c->weights, .label = -1};
}

static void case_levels(const Case *c, NoiseLevel levels[IMAGES])
{
    static const double times[IMAGES] = {4, 3, 1.5, 0.25, 0};
    for (int n = 0; n < IMAGES; n++) levels[n] = process_level(&c->process, times[n]);
}

static void widen(double *y, const float *x, int n)
{
    for (int i = 0; i < n; i++) y[i] = (double)x[i];
}

/* ln p_t falls along u as -score u does: eps = -sigma score, by differences of the density. */
TEST(predicted_noise_is_the_slope_of_the_log_density)
{
    Case c;
    NoiseLevel levels[IMAGES];
    static double x[VALUES], u[VALUES], eps[VALUES], moved[VALUES];
    double up[IMAGES], down[IMAGES];
    const double h = 1e-2;
    case_open(&c, 0, 2, open_predict);
    NetworkDenoiser context = context_of(&c);
    Denoiser d = network_denoiser(&context);
    DensityModel density = method_cdm.density(&context);
    case_levels(&c, levels);
    widen(x, c.xt, VALUES);
    float *z = test_random(VALUES, 9, 1);
    widen(u, z, VALUES);
    EXPECT(d.predict_vjp == NULL);
    EXPECT(d.predict(d.context, IMAGES, x, levels, 1, eps, NULL));
    for (int i = 0; i < VALUES; i++) moved[i] = x[i] + h * u[i];
    EXPECT(density.log_density(density.context, IMAGES, moved, levels, 1, up, NULL));
    for (int i = 0; i < VALUES; i++) moved[i] = x[i] - h * u[i];
    EXPECT(density.log_density(density.context, IMAGES, moved, levels, 1, down, NULL));
    for (int n = 0; n < IMAGES; n++) {
        double want = -levels[n].sigma * (up[n] - down[n]) / (2 * h), got = 0, size = 0;
        for (int i = n * DIMS; i < (n + 1) * DIMS; i++) {
            got += eps[i] * u[i];
            size += eps[i] * eps[i];
        }
        EXPECT(size > 0.01);
        EXPECT_NEAR(got, want, 1e-3 * sqrt(size));
    }
    case_close(&c);
}

TEST(a_prediction_and_a_density_depend_neither_on_their_batch_nor_on_threads)
{
    static double x[VALUES], eps[VALUES], one[DIMS];
    double log_p[IMAGES], one_log_p;
    NoiseLevel levels[IMAGES];
    Case all;
    case_open(&all, 0, IMAGES, open_predict);
    NetworkDenoiser context = context_of(&all);
    Denoiser d = network_denoiser(&context);
    case_levels(&all, levels);
    widen(x, all.xt, VALUES);
    EXPECT(d.predict(d.context, IMAGES, x, levels, 1, eps, NULL));
    DensityModel density = method_cdm.density(&context);
    EXPECT(density.log_density(density.context, IMAGES, x, levels, 1, log_p, NULL));
    FOR_THREADS(threads)
    {
        EXPECT_INT(parallel_threads(), threads);
        Case c;
        case_open(&c, 0, 2, open_predict);
        NetworkDenoiser mine = context_of(&c);
        Denoiser alone = network_denoiser(&mine);
        DensityModel own = method_cdm.density(&mine);
        for (int n = 0; n < IMAGES; n++) {
            EXPECT(alone.predict(alone.context, 1, x + n * DIMS, levels + n, 0, one, NULL));
            EXPECT_SAME(one, eps + n * DIMS, sizeof one);
            EXPECT(own.log_density(own.context, 1, x + n * DIMS, levels + n, 0, &one_log_p, NULL));
            EXPECT(one_log_p == log_p[n]);
        }
        case_close(&c);
    }
    case_close(&all);
}

TEST(passes_side_by_side_give_the_bits_of_one_thread)
{
    static double x[VALUES], v[VALUES], eps[2][VALUES], jtv[2][VALUES];
    double log_p[2][IMAGES];
    NoiseLevel levels[IMAGES];
    float *z = test_random(VALUES, 9, 1);
    widen(v, z, VALUES);
    FOR_THREADS(threads)
    {
        Case c;
        int k = threads > 1;
        case_open(&c, 0, IMAGES, open_vjp);
        EXPECT_INT(c.network.copies, threads > IMAGES ? 1 : threads);
        net_hold(c.network.net, c.weights);
        NetworkDenoiser context = context_of(&c);
        Denoiser d = network_denoiser(&context);
        DensityModel density = method_cdm.density(&context);
        case_levels(&c, levels);
        widen(x, c.xt, VALUES);
        EXPECT(d.predict_vjp(d.context, IMAGES, x, levels, 1, v, eps[k], jtv[k], NULL));
        EXPECT(density.log_density(density.context, IMAGES, x, levels, 1, log_p[k], NULL));
        if (k) {
            EXPECT_SAME(eps[1], eps[0], sizeof eps[0]);
            EXPECT_SAME(jtv[1], jtv[0], sizeof jtv[0]);
            EXPECT_SAME(log_p[1], log_p[0], sizeof log_p[0]);
        }
        case_close(&c);
    }
}

/* v = 2 eps - 1, made when the rows of eps are there. */
typedef struct {
    const double *eps;
    double *v;
} Made;

static void make_v(void *made_by, int first, int rows)
{
    const Made *m = made_by;
    for (int i = first * DIMS; i < (first + rows) * DIMS; i++) m->v[i] = 2 * m->eps[i] - 1;
}

TEST(a_product_with_what_the_prediction_gives_is_that_of_two_calls)
{
    static double x[VALUES], v[VALUES], eps[VALUES], jtv[VALUES], plain[VALUES], product[VALUES];
    NoiseLevel levels[IMAGES];
    Case c;
    case_open(&c, 0, 4, open_vjp);
    net_hold(c.network.net, c.weights);
    NetworkDenoiser context = context_of(&c);
    Denoiser d = network_denoiser(&context);
    case_levels(&c, levels);
    widen(x, c.xt, VALUES);
    Made made = {.eps = eps, .v = v};
    EXPECT(d.predict_pull(d.context, IMAGES, x, levels, 1, make_v, &made, v, eps, jtv, NULL));
    EXPECT(d.predict_vjp(d.context, IMAGES, x, levels, 1, v, plain, product, NULL));
    EXPECT_SAME(plain, eps, sizeof eps);
    EXPECT_SAME(product, jtv, sizeof jtv);
    case_close(&c);
}

TEST(vector_jacobian_product_is_the_slope_of_the_predicted_noise)
{
    static double x[VALUES], v[VALUES], eps[VALUES], plain[VALUES], jtv[VALUES], moved[VALUES];
    static double up[VALUES], down[VALUES];
    const double h = 3e-3;
    NoiseLevel levels[IMAGES];
    Case c;
    case_open(&c, 0, 4, open_vjp);
    EXPECT_INT(c.network.batch, 2); /* the last pass is not full */
    EXPECT_INT(c.network.copies, 2);
    net_hold(c.network.net, c.weights);
    NetworkDenoiser context = context_of(&c);
    Denoiser d = network_denoiser(&context);
    if (!EXPECT(d.predict_vjp != NULL)) return;
    case_levels(&c, levels);
    widen(x, c.xt, VALUES);
    float *z = test_random(VALUES, 9, 1), *w = test_random(VALUES, 10, 1);
    widen(v, z, VALUES);
    EXPECT(d.predict(d.context, IMAGES, x, levels, 1, plain, NULL));
    EXPECT(d.predict_vjp(d.context, IMAGES, x, levels, 1, v, eps, jtv, NULL));
    EXPECT_SAME(eps, plain, sizeof eps);
    for (int i = 0; i < VALUES; i++) moved[i] = x[i] + h * (double)w[i];
    EXPECT(d.predict(d.context, IMAGES, moved, levels, 1, up, NULL));
    for (int i = 0; i < VALUES; i++) moved[i] = x[i] - h * (double)w[i];
    EXPECT(d.predict(d.context, IMAGES, moved, levels, 1, down, NULL));
    for (int n = 0; n < IMAGES; n++) {
        double got = 0, want = 0, size = 0;
        for (int i = n * DIMS; i < (n + 1) * DIMS; i++) {
            got += jtv[i] * (double)w[i];
            want += v[i] * (up[i] - down[i]) / (2 * h);
            size += jtv[i] * jtv[i];
        }
        EXPECT(size > 0);
        EXPECT_NEAR(got, want, 3e-3 * sqrt(size));
    }
    case_close(&c);
}
