/* The network as a denoiser: vector-Jacobian products for likelihoods. */

#include "base/parallel.h"
#include "network_case.h"

enum {
    IMAGES = CASE_IMAGES,
    SIDE = 8,
    CHANNELS = 2,
    DIMS = SIDE * SIDE * CHANNELS,
    VALUES = IMAGES * DIMS
};

static ModelConfig small_unet(void)
{
    return (ModelConfig){.network = NETWORK_UNET, .unet = two_level_unet(8, SIDE, CHANNELS)};
}

static void open_case(NetworkCase *c, Prediction prediction, int images)
{
    ModelConfig model = small_unet();
    model.noise.prediction = prediction;
    network_case_open(c, &model, (Shape){SIDE, SIDE, CHANNELS}, images, true);
}

static void expect_vjp(Prediction prediction)
{
    NetworkCase c;
    open_case(&c, prediction, 3);
    network_case_expect_vjp(&c.denoiser);
    network_case_close(&c);
}

TEST(vector_jacobian_product_is_the_slope_of_the_predicted_noise_for_every_kind_of_prediction)
{
    for (Prediction kind = PREDICT_EPS; kind <= PREDICT_SCORE; kind++) expect_vjp(kind);
}

/* v = 2 eps - 1, made when the rows of eps are there; each row once. */
typedef struct {
    const double *eps;
    double *v;
    int made[IMAGES];
} Made;

static void make_v(void *made_by, int first, int rows)
{
    Made *m = made_by;
    for (int row = first; row < first + rows; row++) {
        m->made[row]++;
        for (int i = row * DIMS; i < (row + 1) * DIMS; i++) m->v[i] = 2 * m->eps[i] - 1;
    }
}

TEST(a_product_with_what_the_prediction_gives_is_that_of_two_calls)
{
    static double x[VALUES], v[VALUES], eps[VALUES], jtv[VALUES], plain[VALUES], product[VALUES];
    NoiseLevel levels[IMAGES];
    network_case_levels(levels);
    network_case_fill(x, VALUES, 1);
    FOR_THREADS(threads)
    {
        EXPECT_INT(parallel_threads(), threads);
        NetworkCase c;
        open_case(&c, PREDICT_V, IMAGES);
        Denoiser *d = &c.denoiser;
        Made made = {.eps = eps, .v = v};
        EXPECT(d->predict_pull(d->context, IMAGES, x, levels, 1, make_v, &made, v, eps, jtv, NULL));
        for (int i = 0; i < IMAGES; i++) EXPECT_INT(made.made[i], 1);
        EXPECT(d->predict_vjp(d->context, IMAGES, x, levels, 1, v, plain, product, NULL));
        EXPECT_SAME(plain, eps, sizeof eps);
        EXPECT_SAME(product, jtv, sizeof jtv);
        network_case_close(&c);
    }
}

TEST(vector_jacobian_product_of_an_image_depends_neither_on_its_batch_nor_on_threads)
{
    static double x[VALUES], v[VALUES], eps[VALUES], jtv[VALUES];
    NoiseLevel levels[IMAGES];
    network_case_levels(levels);
    network_case_fill(x, VALUES, 1), network_case_fill(v, VALUES, 2);
    NetworkCase all;
    open_case(&all, PREDICT_V, IMAGES);
    EXPECT(all.denoiser.predict_vjp(all.denoiser.context, IMAGES, x, levels, 1, v, eps, jtv, NULL));
    network_case_close(&all);
    FOR_THREADS(threads)
    {
        EXPECT_INT(parallel_threads(), threads);
        for (int batch = 1; batch <= 3; batch++) {
            static double one_eps[DIMS], one_jtv[DIMS];
            NetworkCase c;
            open_case(&c, PREDICT_V, batch);
            for (int i = 0; i < IMAGES; i++) {
                size_t at = (size_t)i * DIMS;
                EXPECT(c.denoiser.predict_vjp(c.denoiser.context, 1, x + at, levels + i, 0, v + at,
                                              one_eps, one_jtv, NULL));
                EXPECT_SAME(one_eps, eps + at, sizeof one_eps);
                EXPECT_SAME(one_jtv, jtv + at, sizeof one_jtv);
            }
            network_case_close(&c);
        }
    }
}

/* A call that is cut into passes of copies has the bits of one thread's, and so has the next. */
TEST(passes_side_by_side_give_the_bits_of_one_thread)
{
    static double x[VALUES], v[VALUES], eps[VALUES], jtv[VALUES];
    NoiseLevel levels[IMAGES];
    network_case_levels(levels);
    network_case_fill(x, VALUES, 1), network_case_fill(v, VALUES, 2);
    FOR_THREADS(threads)
    {
        NetworkCase c;
        open_case(&c, PREDICT_V, IMAGES);
        /* Five images: 5, 3 + 2, 2 + 2 + 1, and 5 shared by eight threads. */
        EXPECT_INT(c.network.batch, threads > IMAGES ? IMAGES : (IMAGES + threads - 1) / threads);
        EXPECT_INT(c.network.copies, threads > IMAGES ? 1 : threads);
        for (int round = 0; round < 2; round++) {
            static double other_eps[VALUES], other_jtv[VALUES];
            bool first = threads == 1 && round == 0;
            EXPECT(c.denoiser.predict_vjp(c.denoiser.context, IMAGES, x, levels, 1, v,
                                          first ? eps : other_eps, first ? jtv : other_jtv, NULL));
            if (first) continue;
            EXPECT_SAME(other_eps, eps, sizeof eps);
            EXPECT_SAME(other_jtv, jtv, sizeof jtv);
        }
        network_case_close(&c);
    }
}

TEST(passes_are_shortened_only_where_every_thread_gets_one)
{
    static const int images[] = {1, 2, 7, 9, 16, 20, 100};
    FOR_THREADS(threads)
    {
        for (int k = 0; k < 7; k++) {
            NetworkCase c;
            open_case(&c, PREDICT_EPS, images[k]);
            int batch = c.network.batch, passes = (images[k] + batch - 1) / batch;
            EXPECT(batch <= NETWORK_SAMPLE_PASS);
            EXPECT(passes >= threads || batch == images[k] || batch == NETWORK_SAMPLE_PASS);
            EXPECT_INT(c.network.copies, passes >= threads ? threads : 1);
            network_case_close(&c);
        }
    }
}

/* 73 MiB of weights: more than stays in a cache. */
TEST(a_large_network_runs_side_by_side_too)
{
    ModelConfig m = small_unet();
    m.unet.block_channels[0] = 16;
    m.unet.block_channels[1] = 512;
    FOR_THREADS(threads)
    {
        NetworkCase c;
        network_case_open(&c, &m, (Shape){SIDE, SIDE, CHANNELS}, 16, false);
        EXPECT(c.table.block_floats * sizeof(float) > (size_t)64 << 20);
        EXPECT_INT(c.network.batch,
                   threads == 1 ? NETWORK_SAMPLE_PASS : (16 + threads - 1) / threads);
        EXPECT_INT(c.network.copies, threads);
        network_case_close(&c);
    }
}

/* The order of sums and the dropout hang on it. */
TEST(the_pass_size_of_training_does_not_depend_on_threads)
{
    ModelConfig m = small_unet();
    m.unet.block_channels[0] = 32;
    m.unet.block_channels[1] = 64;
    for (int side = 8; side <= 64; side += 4) {
        int size = 0;
        m.unet.sample_height = m.unet.sample_width = side;
        FOR_THREADS(threads)
        {
            ParamTable table = {0};
            Shape image = {side, side, CHANNELS};
            int found = network_pass_size(&table, &m, image, 720, 0, NULL);
            if (threads == 1) size = found;
            EXPECT_INT(found, size);
            params_free(&table);
        }
    }
}

/* Without a promise that they stay as they are, every call reads the weights anew. */
TEST(weights_that_are_not_held_are_read_at_every_call)
{
    static double x[VALUES], eps[VALUES], other[VALUES];
    NoiseLevel levels[IMAGES];
    network_case_levels(levels);
    network_case_fill(x, VALUES, 1);
    FOR_THREADS(threads)
    {
        NetworkCase c;
        EXPECT_INT(parallel_threads(), threads);
        open_case(&c, PREDICT_EPS, IMAGES);
        net_hold(c.network.net, NULL);
        EXPECT(c.denoiser.predict(c.denoiser.context, IMAGES, x, levels, 1, eps, NULL));
        for (size_t i = 0; i < c.table.block_floats; i++) c.weights[i] *= 1.5f;
        EXPECT(c.denoiser.predict(c.denoiser.context, IMAGES, x, levels, 1, other, NULL));
        EXPECT(memcmp(eps, other, sizeof eps) != 0);
        net_hold(c.network.net, c.weights);
        EXPECT(c.denoiser.predict(c.denoiser.context, IMAGES, x, levels, 1, eps, NULL));
        EXPECT_SAME(eps, other, sizeof eps);
        network_case_close(&c);
    }
}

TEST(of_passes_that_fail_side_by_side_the_first_is_told)
{
    static double x[VALUES], eps[VALUES];
    NoiseLevel levels[IMAGES];
    network_case_levels(levels);
    FOR_THREADS(threads)
    {
        NetworkCase c;
        Err err = {0};
        EXPECT_INT(parallel_threads(), threads);
        open_case(&c, PREDICT_EPS, IMAGES);
        network_case_fill(x, VALUES, 1);
        x[1 * DIMS + 3] = x[4 * DIMS] = (double)NAN;
        EXPECT_REFUSED(c.denoiser.predict(c.denoiser.context, IMAGES, x, levels, 1, eps, &err), err,
                       ERR_DIVERGED, "(image 1)");
        network_case_close(&c);
    }
}

TEST(a_network_planned_without_input_gradients_offers_no_vector_jacobian_product)
{
    ModelConfig m = small_unet();
    Network network;
    ParamTable table = {0};
    Err err = {0};
    EXPECT(network_open(&network, &table, &m, (Shape){SIDE, SIDE, CHANNELS}, 2, NET_INFER, &err));
    NetworkDenoiser context = {.network = &network, .label = -1};
    EXPECT(network_denoiser(&context).predict_vjp == NULL);
    network_close(&network);
    params_free(&table);
}
