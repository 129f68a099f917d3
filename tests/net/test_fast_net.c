/* A whole U-Net by the fast convolutions against float64, and against the same U-Net by the plain
 * convolutions: outputs, gradients of every tensor, and the losses of a training. */

#include "base/rng.h"
#include "data/dataset.h"
#include "math/vec.h"
#include "net/networks.h"
#include "net_case.h"
#include "train/optimizer.h"
#include "unet_rule.h"

enum { SIDE = 16 };

/* Largest error of a network's output over the RMS of the exact one. */
static const double allowed = 3e-5;

/* max |y - exact| / rms(exact); NaN when either holds one. */
static double worst_over_rms(const float *y, const float *exact, size_t n)
{
    double worst = 0, rms = sqrt(test_dot(exact, exact, n) / (double)n);
    for (size_t i = 0; i < n; i++)
        worst = test_larger(worst, fabs((double)y[i] - (double)exact[i]));
    return worst / rms;
}

static UNetConfig small_unet(void)
{
    UNetConfig u;
    unet_config_defaults(&u);
    u.in_channels = u.out_channels = 1;
    u.levels = 3;
    u.block_channels[0] = 16;
    u.block_channels[1] = u.block_channels[2] = 32;
    u.layers_per_block = 1;
    u.down_attention[1] = u.up_attention[1] = true;
    u.groups = 4;
    u.head_dim = 0;
    return u;
}

static void open_unet(NetCase *c, const UNetConfig *u, int batch, int side, bool plain,
                      NetMode mode, const NetCase *first)
{
    Net *net = case_new(c, batch, first);
    if (plain) net_plain_convolutions(net);
    c->x = net_input(net, side, side, u->in_channels, false);
    c->t = net_input(net, 1, 1, 1, false);
    c->y = unet_declare(net, u, c->x, c->t, -1);
    net_set_output(net, c->y);
    case_begin(c, mode);
}

static int fast_nodes(const NetCase *c)
{
    return case_nodes(c, "conv2d (fast)");
}

typedef struct {
    NetCase fast, plain; /* on one table */
} Pair;

static void pair_open(Pair *p, int batch)
{
    UNetConfig u = small_unet();
    open_unet(&p->fast, &u, batch, SIDE, false, NET_TRAIN, NULL);
    open_unet(&p->plain, &u, batch, SIDE, true, NET_TRAIN, &p->fast);
    EXPECT(fast_nodes(&p->fast) > 10);
    EXPECT_INT(fast_nodes(&p->plain), 0);
}

static void pair_close(Pair *p)
{
    case_end(&p->plain);
    case_end(&p->fast);
}

/* ---- against float64 ---- */

/* The networks of tests/golden/unet_outputs.py, by the side of their images: tiles of 4x4, whole and
 * cut (maps of 32, 28, 24, 16, 14 and 12), and of 2x2 (6 and 4), with weights made in advance and late
 * (8, 7 and 4), attention with many heads and with one. */
static UNetConfig exact_unet(int side)
{
    UNetConfig u;
    unet_config_defaults(&u);
    u.layers_per_block = 1;
    u.groups = 8;
    u.levels = 3;
    u.block_channels[0] = 32;
    u.block_channels[1] = u.block_channels[2] = 64;
    u.down_attention[1] = u.up_attention[1] = true;
    if (side == 28) {
        u.in_channels = u.out_channels = 1;
        u.head_dim = 0;
        u.eps = 1e-6;
        u.downsample_padding = 0;
        u.flip_sin_to_cos = false;
        u.freq_shift = 1.0;
    } else if (side == 32) {
        u.in_channels = u.out_channels = 1;
        u.head_dim = 0;
        u.levels = 4;
        u.block_channels[1] = 32;
        u.block_channels[3] = 64;
        u.down_attention[1] = false;
        u.down_attention[2] = true;
        u.scale_shift = true;
    }
    return u;
}

typedef struct {
    const char *name;
    NetMode mode;
    bool plain;
} Form;
static const Form forms[] = {{"training", NET_TRAIN, false},
                             {"sampling", NET_INFER, false},
                             {"plain convolutions", NET_TRAIN, true}};

/* One network in one form at the level in use. */
static void expect_exact(int side, const Form *form, const float *exact)
{
    UNetConfig u = exact_unet(side);
    NetCase c;
    open_unet(&c, &u, 2, side, form->plain, form->mode, NULL);
    EXPECT(form->plain ? fast_nodes(&c) == 0 : fast_nodes(&c) > 10);
    fill_by_rule(c.table, c.weights, 0.37);
    fill_wave(c.net, c.x, net_value(c.net, c.x), sin, 0.1, 0.37);
    net_value(c.net, c.t)[0] = 10.0f;
    net_value(c.net, c.t)[1] = 731.0f;
    float *y = test_floats(c.y_floats);
    to_nchw(c.net, c.y, y, case_forward(&c, c.weights));
    double error = worst_over_rms(y, exact, c.y_floats);
    if (!EXPECT(error <= allowed))
        printf("  %s at %s, images of side %d: %.2g of the RMS\n", form->name, vec_level(), side,
               error);
    case_end(&c);
}

TEST(a_whole_network_is_exact_to_3e_5_of_the_rms_at_every_level)
{
    FILE *file = fopen("tests/golden/unet_outputs.txt", "r");
    if (!EXPECT(file)) return;
    int side, networks = 0;
    SimdLevel chosen = vec_chosen_level();
    for (; fscanf(file, " config %d", &side) == 1; networks++) {
        size_t n = 2 * (size_t)exact_unet(side).out_channels * (size_t)(side * side), read = 0;
        float *exact = test_floats(n);
        while (read < n && fscanf(file, "%f", &exact[read]) == 1) read++;
        EXPECT(read == n);
        for (int level = SIMD_PLAIN; level < SIMD_LEVELS; level++)
            for (int i = 0; i < 3; i++)
                if (vec_set_level((SimdLevel)level)) expect_exact(side, &forms[i], exact);
    }
    EXPECT_INT(networks, 3);
    EXPECT(feof(file));
    fclose(file);
    vec_set_level(chosen);
}

/* ---- a training ---- */

/* A training of Fashion-MNIST at 16x16 (discs where it is not installed), noise prediction as in
 * DDPM with alpha_bar = cos^2(pi t / 2T). */
enum { TRAIN_BATCH = 8, WINDOW = 50, T = 1000 };
#ifdef DIFFC_SANITIZED
enum { STEPS = 100 }; /* each takes ten times as long there */
#else
enum { STEPS = 500 };
#endif

static void draw_disc(float *x, uint64_t sample)
{
    double row = 4 + 8 * rng_uniform(5, rng_stream(RNG_TEST, 0), 3 * sample),
           column = 4 + 8 * rng_uniform(5, rng_stream(RNG_TEST, 0), 3 * sample + 1),
           radius = 2 + 3 * rng_uniform(5, rng_stream(RNG_TEST, 0), 3 * sample + 2);
    for (int i = 0; i < SIDE * SIDE; i++)
        x[i] = hypot(i / SIDE - row, i % SIDE - column) < radius ? 1.0f : -1.0f;
}

typedef struct {
    Dataset data;
    bool real;
    float *noise; /* [TRAIN_BATCH, SIDE, SIDE] */
} Images;

static void images_open(Images *im)
{
    const DataOptions options = {.path = test_find_fashion_mnist(),
                                 .config.height = SIDE,
                                 .config.width = SIDE,
                                 .config.limit = 2000,
                                 .seed = 5};
    *im = (Images){.noise = test_floats((size_t)TRAIN_BATCH * SIDE * SIDE)};
    im->real = options.path && EXPECT(dataset_open(&im->data, &options, NULL, NULL, NULL));
}

static void images_close(Images *im)
{
    if (im->real) dataset_close(&im->data);
}

/* Input of one update for both networks. */
static void next_batch(Images *im, Pair *p, uint64_t step)
{
    size_t dims = (size_t)SIDE * SIDE;
    float *x = net_value(p->fast.net, p->fast.x), *t = net_value(p->fast.net, p->fast.t);
    for (uint64_t i = 0; i < TRAIN_BATCH; i++, x += dims) {
        uint64_t sample = step * TRAIN_BATCH + i;
        float *noise = im->noise + i * dims;
        if (im->real)
            dataset_train_sample(&im->data, sample, x, NULL, NULL);
        else
            draw_disc(x, sample);
        rng_normals_float(noise, dims, 5, rng_stream(RNG_NOISE, sample), 0);
        t[i] = (float)rng_below(5, rng_stream(RNG_TIMESTEP, sample), 0, T);
        double angle = 1.5707963267948966 * ((double)t[i] + 0.5) / T;
        for (size_t k = 0; k < dims; k++)
            x[k] = (float)(cos(angle) * (double)x[k] + sin(angle) * (double)noise[k]);
    }
    memcpy(net_value(p->plain.net, p->plain.x), net_value(p->fast.net, p->fast.x),
           TRAIN_BATCH * dims * sizeof *x);
    memcpy(net_value(p->plain.net, p->plain.t), t, TRAIN_BATCH * sizeof *t);
}

/* The mean squared error; its gradient is added to the optimiser's. */
static double gradient_of_loss(NetCase *c, Optimizer *o, const float *noise)
{
    net_forward(c->net, o->weights);
    const float *y = net_value(c->net, c->y);
    float *dy = net_gradient(c->net, c->y);
    double loss = 0;
    for (size_t i = 0; i < c->y_floats; i++) {
        double d = (double)y[i] - (double)noise[i];
        loss += d * d / (double)c->y_floats;
        dy[i] = (float)(2 * d / (double)c->y_floats);
    }
    net_backward(c->net, o->weights, o->grads);
    return loss;
}

static double update(NetCase *c, Optimizer *o, const float *noise)
{
    double loss = gradient_of_loss(c, o, noise);
    optimizer_update(o, 1e-3, optimizer_sum_gradients(o));
    return loss;
}

/* The gradients of the trained network, tensor by tensor. The key biases of attention have no
 * gradient but rounding. */
static void expect_same_gradients(Pair *p, Optimizer *a, Optimizer *b, const float *noise)
{
    memcpy(b->weights, a->weights, p->fast.table->block_floats * sizeof(float));
    gradient_of_loss(&p->fast, a, noise);
    gradient_of_loss(&p->plain, b, noise);
    for (int i = 0; i < p->fast.table->count; i++) {
        const ParamInfo *info = &p->fast.table->info[i];
        if (strstr(info->name, "to_k.bias")) continue;
        EXPECT_CLOSE(a->grads + info->offset, b->grads + info->offset, info->count, 1e-4);
    }
}

/* Both trainings start alike and drift apart only as rounding does. Measured on Fashion-MNIST, means
 * of 50 losses differ by up to 6e-7 of their value, as do those of two plain trainings of which one
 * starts with one weight moved by 2e-7 (9e-7); with discs, whose losses are smaller and whose steps
 * are wilder, by up to 7e-5. Gradients at the end: 4e-6 of a tensor's norm. */
TEST(the_loss_of_500_steps_follows_the_plain_kernels_and_gradients_of_the_trained_network_agree)
{
    Pair p;
    Images im;
    pair_open(&p, TRAIN_BATCH);
    images_open(&im);
    OptimizerConfig config = {.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .clip = 1, .ema = 0.99};
    Optimizer a, b;
    Err err = {0};
    EXPECT(optimizer_open(&a, p.fast.table, &config, 1, &err) &&
           optimizer_open(&b, p.fast.table, &config, 1, &err));
    params_init(p.fast.table, a.weights, 3);
    memcpy(b.weights, a.weights, p.fast.table->block_floats * sizeof(float));
    double fast = 0, plain = 0, first = 0;
    for (uint64_t step = 0; step < STEPS; step++) {
        next_batch(&im, &p, step);
        double loss_fast = update(&p.fast, &a, im.noise);
        double loss_plain = update(&p.plain, &b, im.noise);
        fast += loss_fast;
        plain += loss_plain;
        if ((step + 1) % WINDOW != 0) continue;
        EXPECT_NEAR(fast / plain, 1, im.real ? 1e-5 : 1e-3);
        if (step < WINDOW) first = fast;
        if (step == STEPS - 1) EXPECT(fast < 0.8 * first);
        fast = plain = 0;
    }
    expect_same_gradients(&p, &a, &b, im.noise);
    optimizer_close(&a);
    optimizer_close(&b);
    images_close(&im);
    pair_close(&p);
}

TEST(a_whole_network_is_within_3e_5_of_the_rms_of_the_plain_one)
{
    Pair p;
    pair_open(&p, 2);
    net_forward(p.fast.net, p.fast.weights);
    net_forward(p.plain.net, p.fast.weights);
    const float *a = net_value(p.fast.net, p.fast.y), *b = net_value(p.plain.net, p.plain.y);
    EXPECT(worst_over_rms(a, b, p.fast.y_floats) <= allowed);
    pair_close(&p);
}
