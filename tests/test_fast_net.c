/* A whole U-Net by the fast convolutions against the same U-Net by the plain ones: outputs, gradients
 * of every tensor, and the losses of a training. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diffc/optimizer.h"
#include "diffc/unet.h"
#include "net_case.h"

enum { BATCH = 2, SIDE = 16 };

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

static void declare(NetCase *c, ParamTable *table, bool plain)
{
    UNetConfig u = small_unet();
    Net *net = net_new(table, BATCH);
    if (!net) abort();
    *c = (NetCase){.table = table, .net = net, .label = -1};
    if (plain) net_plain_convolutions(net);
    c->x = net_input(net, SIDE, SIDE, 1, false);
    c->t = net_input(net, 1, 1, 1, false);
    c->y = unet_declare(net, &u, c->x, c->t, -1);
    net_set_output(net, c->y);
    case_begin(c, NET_TRAIN);
}

typedef struct {
    ParamTable table, none;
    NetCase fast, plain;
} Pair;

static void pair_open(Pair *p)
{
    *p = (Pair){0};
    declare(&p->fast, &p->table, false);
    declare(&p->plain, &p->table, true);
    /* The plain net prepares its linear layers alone. */
    EXPECT(net_prepared_bytes(p->fast.net, NET_TRAIN) >
           3 * net_prepared_bytes(p->plain.net, NET_TRAIN));
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
    pair_open(&p);
    net_forward(p.fast.net, p.fast.weights);
    net_forward(p.plain.net, p.fast.weights);
    const float *a = net_value(p.fast.net, p.fast.y), *b = net_value(p.plain.net, p.plain.y);
    size_t n = p.fast.y_floats;
    double rms = sqrt(case_dot(b, b, n) / (double)n), worst = 0;
    for (size_t i = 0; i < n; i++) worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
    EXPECT(worst <= 3e-5 * rms);
    pair_close(&p);
}

static void update(NetCase *c, Optimizer *o, double *loss)
{
    net_forward(c->net, o->weights);
    const float *y = net_value(c->net, c->y);
    float *dy = net_gradient(c->net, c->y);
    *loss = 0;
    for (size_t i = 0; i < c->y_floats; i++) {
        double d = (double)y[i] - (double)c->ly[i];
        *loss += d * d / (double)c->y_floats;
        dy[i] = (float)(2 * d / (double)c->y_floats);
    }
    net_backward(c->net, o->weights, o->grads);
    optimizer_update(o, 1e-3, optimizer_gradient_norm(o));
}

/* The two trainings start alike, at a loss near 2, and drift apart only as rounding does; after it the gradients of the
 * trained network agree tensor by tensor. The key biases of attention have no gradient but rounding. */
TEST(training_follows_the_plain_kernels_and_gradients_of_the_trained_network_agree)
{
    enum { STEPS = 60 };
    Pair p;
    pair_open(&p);
    OptimizerConfig config = {.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .clip = 1, .ema = 0.99};
    Optimizer a, b;
    Err err = {0};
    EXPECT(optimizer_open(&a, &p.table, &config, &err) &&
           optimizer_open(&b, &p.table, &config, &err));
    size_t bytes = p.table.block_floats * sizeof(float);
    params_init(&p.table, a.weights, 3);
    memcpy(b.weights, a.weights, bytes);
    double first = 0, last = 0;
    for (int step = 0; step < STEPS; step++) {
        double loss_a, loss_b;
        update(&p.fast, &a, &loss_a);
        update(&p.plain, &b, &loss_b);
        EXPECT_NEAR(loss_a, loss_b, 1e-3);
        if (step == 0) first = loss_a;
        last = loss_a;
    }
    EXPECT(last < 0.7 * first);
    memcpy(p.plain.ly, p.fast.ly, p.fast.y_floats * sizeof(float));
    case_backward(&p.fast, a.weights, a.grads);
    memset(b.grads, 0, bytes);
    case_backward(&p.plain, a.weights, b.grads);
    for (int i = 0; i < p.table.count; i++) {
        const ParamInfo *info = &p.table.info[i];
        if (strstr(info->name, "to_k.bias")) continue;
        EXPECT_CLOSE(a.grads + info->offset, b.grads + info->offset, info->count, 1e-4);
    }
    optimizer_close(&a);
    optimizer_close(&b);
    pair_close(&p);
}
