/* Training a classifier of noise levels: exact gradients of second order; and what it predicts. */
#include "methods/method.h"

#include "base/mem.h"
#include "base/parallel.h"
#include "diffusion/noise_classes.h"
#include "model/network_open.h"
#include "small_unet.h"
#include "test.h"

enum { T = 5, CLASSES = T + 2, IMAGES = 5, SIDE = 8, DIMS = SIDE * SIDE, VALUES = IMAGES * DIMS };

typedef struct {
    ModelConfig model;
    ParamTable table;
    Network network;
    Process process;
    float *weights, *grads;
    float xt[VALUES], eps[VALUES], sigma[IMAGES], ce[IMAGES], mse[IMAGES];
    int classes[IMAGES];
    float loss[IMAGES];
    TrainBatch batch;
    MethodConfig config;
} Case;

static ModelConfig classifier(double dropout)
{
    ModelConfig m = {
        .network = NETWORK_UNET, .method = METHOD_CDM, .unet = two_level_unet(8, SIDE, 1)};
    m.unet.dropout = dropout;
    m.unet.noise_classes = CLASSES;
    return m;
}

/* A strong schedule, so that all levels of five steps differ; one image at each of the classes 0, 2,
 * 4, 5 and 6. */
static void fill_images(Case *c)
{
    static const int classes[IMAGES] = {0, 2, 4, 5, 6};
    float *x0 = test_random(VALUES, 1, 0.5f);
    test_normals(c->eps, VALUES, 2, 1);
    for (int n = 0; n < IMAGES; n++) {
        NoiseLevel level = cdm_level(&c->process, classes[n]);
        c->classes[n] = classes[n];
        c->sigma[n] = (float)level.sigma;
        for (int i = n * DIMS; i < (n + 1) * DIMS; i++)
            c->xt[i] =
                (float)(level.alpha * (double)x0[i] + (double)c->sigma[n] * (double)c->eps[i]);
    }
    c->batch = (TrainBatch){.xt = c->xt,
                            .target = c->eps,
                            .classes = c->classes,
                            .sigma = c->sigma,
                            .loss = c->loss,
                            .part = {c->ce, c->mse}};
    c->config.ce_weight = 0.7;
    c->config.mse_weight = 1.3;
}

static void run_pass(Case *c, TrainBatch *batch, float *grads)
{
    LossPass pass = {.config = &c->config,
                     .network = &c->network,
                     .weights = c->weights,
                     .grads = grads,
                     .batch = batch,
                     .dloss = 1.0f / IMAGES};
    method_cdm.loss(&pass);
}

/* The last layer is made strong, as training makes it: the input gradient is then as large as the
 * image, and its part of the loss well above the rounding of differences. */
static void draw_weights(Case *c)
{
    const ParamInfo *last = &c->table.info[params_find(&c->table, "classifier.linear.weight")];
    params_init(&c->table, c->weights, 7);
    for (int i = 0; i < c->table.count; i++) {
        const ParamInfo *p = &c->table.info[i];
        float *noise = test_random(p->count, 100u + (unsigned)i, 0.05f);
        for (size_t j = 0; j < p->count; j++) c->weights[p->offset + j] += noise[j];
    }
    for (size_t j = 0; j < last->count; j++) c->weights[last->offset + j] *= 30;
}

typedef bool (*OpenNetwork)(Network *, ParamTable *, const ModelConfig *, Shape, int, Err *);

static bool open_train(Network *nw, ParamTable *table, const ModelConfig *u, Shape s, int batch,
                       Err *err)
{
    return network_open(nw, table, u, s, batch, NET_TRAIN, err);
}

static bool open_predict(Network *nw, ParamTable *table, const ModelConfig *u, Shape s, int batch,
                         Err *err)
{
    return network_open(nw, table, u, s, batch, NET_INFER, err);
}

static bool open_vjp(Network *nw, ParamTable *table, const ModelConfig *u, Shape s, int images,
                     Err *err)
{
    return network_open_denoiser(nw, table, u, s, images, true, err);
}

static void case_open(Case *c, double dropout, int batch, OpenNetwork open)
{
    memset(c, 0, sizeof *c);
    NoiseConfig process = {.kind = PROCESS_DDPM,
                           .T = T,
                           .schedule = SCHEDULE_LINEAR,
                           .beta_start = 0.05,
                           .beta_end = 0.7};
    c->model = classifier(dropout);
    Err err = {0};
    if (!EXPECT(process_make(&c->process, &process, &err)) ||
        !EXPECT(open(&c->network, &c->table, &c->model, (Shape){SIDE, SIDE, 1}, batch, &err)))
        abort();
    c->weights = mem_floats(c->table.block_floats);
    c->grads = mem_floats(c->table.block_floats);
    draw_weights(c);
    fill_images(c);
    net_set_dropout(c->network.net, dropout > 0, 3, 4);
}

static void case_close(Case *c)
{
    network_close(&c->network);
    params_free(&c->table);
    process_free(&c->process);
    mem_free(c->weights);
    mem_free(c->grads);
}

static double total_loss(Case *c)
{
    double sum = 0;
    run_pass(c, &c->batch, NULL);
    for (int n = 0; n < IMAGES; n++)
        sum += c->config.ce_weight * (double)c->ce[n] + c->config.mse_weight * (double)c->mse[n];
    return sum / IMAGES;
}

/* The loss along a direction in one tensor; fourth order in h. */
static double slope(Case *c, size_t offset, const float *direction, size_t n, double h)
{
    static const double at[4] = {1, -1, 2, -2}, factor[4] = {8, -8, -1, 1};
    float *values = c->weights + offset, *before = test_floats(n);
    double sum = 0;
    memcpy(before, values, n * sizeof *values);
    for (int k = 0; k < 4; k++) {
        for (size_t i = 0; i < n; i++)
            values[i] = (float)((double)before[i] + at[k] * h * (double)direction[i]);
        sum += factor[k] * total_loss(c);
    }
    memcpy(values, before, n * sizeof *values);
    return sum / (12 * h);
}

/* Every stride-th tensor's gradient against the slope of the loss along a direction in it: a wrong
 * part of it would move the slope by about its norm. */
static void expect_exact_gradient(double dropout, double ce_weight, double mse_weight, int stride)
{
    Case c;
    case_open(&c, dropout, IMAGES, open_train);
    c.config.ce_weight = ce_weight;
    c.config.mse_weight = mse_weight;
    run_pass(&c, &c.batch, c.grads);
    double all = sqrt(test_dot(c.grads, c.grads, c.table.block_floats));
    EXPECT(all > 0.01);
    for (int i = 0; i < c.table.count; i += stride) {
        const ParamInfo *p = &c.table.info[i];
        float *direction = test_random(p->count, 300u + (unsigned)i, 1);
        const float *g = c.grads + p->offset;
        double size = sqrt(test_dot(direction, direction, p->count));
        for (size_t k = 0; k < p->count; k++) direction[k] = (float)((double)direction[k] / size);
        double want = slope(&c, p->offset, direction, p->count, 0.008);
        double norm = sqrt(test_dot(g, g, p->count));
        if (!EXPECT_NEAR(test_dot(g, direction, p->count), want, 2e-5 * norm + 1.5e-5 * all))
            printf("  %s, norm %g of %g\n", p->name, norm, all);
    }
    case_close(&c);
}

TEST(gradient_of_both_losses_is_the_slope_of_the_loss_in_every_tensor)
{
    expect_exact_gradient(0, 0.7, 1.3, 1);
}

TEST(gradient_of_the_squared_error_alone_is_its_slope)
{
    expect_exact_gradient(0, 0, 1, 5);
}

TEST(all_four_passes_of_a_training_step_see_the_same_dropout_masks)
{
    expect_exact_gradient(0.2, 0.7, 1.3, 3);
}

/* d/dh grad F(x + h r) by ordinary backward passes at -2h, -h, h and 2h, h of each image such that h r
 * is 0.01 per value. Of fourth order because the difference of two passes has its own error: at its
 * best step, 0.003, it was 1.4e-4 to 1.5e-4, and at 0.001, where rounding is most of it, 4e-4 to
 * 6e-4; this one was 5.2e-5 to 6.3e-5 at all instruction levels, the same for 1 and 2 threads. */
TEST(gradient_agrees_with_the_central_difference_of_ordinary_backward_passes)
{
    Case c;
    case_open(&c, 0, IMAGES, open_train);
    c.config.ce_weight = 0;
    Net *net = c.network.net;
    run_pass(&c, &c.batch, c.grads);
    float r[VALUES], *want = mem_floats(c.table.block_floats);
    memcpy(r, net_tangent_of(net, c.network.x), sizeof r);
    static const double at[4] = {1, -1, 2, -2}, factor[4] = {8, -8, -1, 1};
    for (int k = 0; k < 4; k++) {
        float *seed = net_gradient(net, c.network.y);
        memset(seed, 0, IMAGES * CLASSES * sizeof *seed);
        for (int n = 0; n < IMAGES; n++) {
            const float *rn = r + n * DIMS;
            double rms = sqrt(test_dot(rn, rn, DIMS) / DIMS), h = rms > 0 ? 0.01 / rms : 0;
            for (int i = 0; i < DIMS; i++)
                net_value(net, c.network.x)[n * DIMS + i] =
                    (float)((double)c.xt[n * DIMS + i] + at[k] * h * (double)rn[i]);
            if (h > 0) cdm_seed(seed + n * CLASSES, CLASSES, c.classes[n], factor[k] / (12 * h));
        }
        net_forward(net, c.weights);
        net_backward(net, c.weights, want);
    }
    EXPECT_CLOSE(c.grads, want, c.table.block_floats, 2e-4);
    mem_free(want);
    case_close(&c);
}

TEST(the_tangent_along_the_residual_is_the_transpose_of_the_input_gradient)
{
    Case c;
    case_open(&c, 0.2, IMAGES, open_train);
    Net *net = c.network.net;
    run_pass(&c, &c.batch, c.grads);
    for (int n = 0; n < IMAGES; n++) {
        const float *r = net_tangent_of(net, c.network.x) + n * DIMS;
        const float *g = net_gradient(net, c.network.x) + n * DIMS;
        double forward = test_dot(net_gradient(net, c.network.y) + n * CLASSES,
                                  net_tangent_of(net, c.network.y) + n * CLASSES, CLASSES);
        double size = sqrt(test_dot(r, r, DIMS) * test_dot(g, g, DIMS));
        bool flows = c.classes[n] > 0 && c.classes[n] <= T;
        EXPECT(flows ? size > 1e-6 : size == 0);
        EXPECT_NEAR(forward, test_dot(r, g, DIMS), 1e-5 * size);
    }
    case_close(&c);
}

TEST(a_training_pass_has_the_same_bits_for_any_number_of_threads)
{
    Case one;
    parallel_set_threads(1);
    case_open(&one, 0.1, IMAGES, open_train);
    run_pass(&one, &one.batch, one.grads);
    FOR_THREADS(threads)
    {
        EXPECT_INT(parallel_threads(), threads);
        Case c;
        case_open(&c, 0.1, IMAGES, open_train);
        run_pass(&c, &c.batch, c.grads);
        EXPECT_SAME(c.grads, one.grads, one.table.block_floats * sizeof(float));
        EXPECT_SAME(c.ce, one.ce, sizeof c.ce);
        EXPECT_SAME(c.mse, one.mse, sizeof c.mse);
        case_close(&c);
    }
    case_close(&one);
}

TEST(micro_batches_give_the_gradient_of_the_whole_batch)
{
    Case all, one;
    case_open(&all, 0, IMAGES, open_train);
    run_pass(&all, &all.batch, all.grads);
    case_open(&one, 0, 1, open_train);
    for (int n = 0; n < IMAGES; n++) {
        TrainBatch b = one.batch;
        b.xt += n * DIMS, b.target += n * DIMS, b.classes += n, b.sigma += n, b.loss += n;
        b.part[0] += n, b.part[1] += n;
        run_pass(&one, &b, one.grads);
    }
    EXPECT_CLOSE(one.grads, all.grads, all.table.block_floats, 2e-6);
    EXPECT_SAME(one.ce, all.ce, sizeof all.ce);
    EXPECT_SAME(one.mse, all.mse, sizeof all.mse);
    case_close(&one);
    case_close(&all);
}

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
