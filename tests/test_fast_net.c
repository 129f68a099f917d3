/* A whole U-Net by the fast convolutions against the same U-Net by the plain ones: outputs, gradients
 * of every tensor, and the losses of a training. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diffc/dataset.h"
#include "diffc/fsio.h"
#include "diffc/optimizer.h"
#include "diffc/rng.h"
#include "diffc/unet.h"
#include "net_case.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

enum { SIDE = 16 };

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

static void declare(NetCase *c, ParamTable *table, int batch, bool plain)
{
    UNetConfig u = small_unet();
    Net *net = net_new(table, batch);
    if (!net) abort();
    *c = (NetCase){.table = table, .net = net, .label = -1};
    if (plain) net_plain_convolutions(net);
    c->x = net_input(net, SIDE, SIDE, 1, false);
    c->t = net_input(net, 1, 1, 1, false);
    c->y = unet_declare(net, &u, c->x, c->t, -1);
    net_set_output(net, c->y);
    case_begin(c, NET_TRAIN);
}

/* Convolutions by the fast kernels. */
static int fast_nodes(const Net *net)
{
    NetProfile kind;
    for (int i = 0; net_profile_kind(net, i, &kind); i++)
        if (strcmp(kind.name, "conv2d (fast)") == 0) return kind.nodes;
    return -1;
}

typedef struct {
    ParamTable table, none;
    NetCase fast, plain;
} Pair;

static void pair_open(Pair *p, int batch)
{
    *p = (Pair){0};
    declare(&p->fast, &p->table, batch, false);
    declare(&p->plain, &p->table, batch, true);
    EXPECT(fast_nodes(p->fast.net) > 10);
    EXPECT_INT(fast_nodes(p->plain.net), 0);
}

static void pair_close(Pair *p)
{
    p->plain.table = &p->none; /* the table is the first net's */
    case_end(&p->plain);
    case_end(&p->fast);
}

TEST(a_whole_network_is_within_3e_5_of_the_rms_of_the_plain_one)
{
    Pair p;
    pair_open(&p, 2);
    net_forward(p.fast.net, p.fast.weights);
    net_forward(p.plain.net, p.fast.weights);
    const float *a = net_value(p.fast.net, p.fast.y), *b = net_value(p.plain.net, p.plain.y);
    size_t n = p.fast.y_floats;
    double rms = sqrt(case_dot(b, b, n) / (double)n), worst = 0;
    for (size_t i = 0; i < n; i++) worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
    EXPECT(worst <= 3e-5 * rms);
    pair_close(&p);
}

/* A training of Fashion-MNIST at 16x16 (discs where it is not installed), noise prediction as in
 * DDPM with alpha_bar = cos^2(pi t / 2T). */
enum { TRAIN_BATCH = 8, WINDOW = 50, T = 1000 };
#ifdef SANITIZED
enum { STEPS = 100 }; /* each takes ten times as long there */
#else
enum { STEPS = 500 };
#endif
#define FASHION "/usr/share/datasets/fashion-mnist"

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
    const DataOptions options = {
        .path = FASHION, .height = SIDE, .width = SIDE, .limit = 2000, .seed = 5};
    *im = (Images){.noise = test_floats((size_t)TRAIN_BATCH * SIDE * SIDE)};
    im->real = path_exists(FASHION) && EXPECT(dataset_open(&im->data, &options, NULL, NULL, NULL));
}

static void images_close(Images *im)
{
    if (im->real) dataset_close(&im->data);
    free(im->noise);
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
            dataset_train_sample(&im->data, sample, x, NULL);
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
    optimizer_update(o, 1e-3, optimizer_gradient_norm(o));
    return loss;
}

/* The gradients of the trained network, tensor by tensor. The key biases of attention have no
 * gradient but rounding. */
static void expect_same_gradients(Pair *p, Optimizer *a, Optimizer *b, const float *noise)
{
    memcpy(b->weights, a->weights, p->table.block_floats * sizeof(float));
    gradient_of_loss(&p->fast, a, noise);
    gradient_of_loss(&p->plain, b, noise);
    for (int i = 0; i < p->table.count; i++) {
        const ParamInfo *info = &p->table.info[i];
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
    EXPECT(optimizer_open(&a, &p.table, &config, &err) &&
           optimizer_open(&b, &p.table, &config, &err));
    params_init(&p.table, a.weights, 3);
    memcpy(b.weights, a.weights, p.table.block_floats * sizeof(float));
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
