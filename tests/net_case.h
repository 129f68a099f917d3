/* A network under test with everything its four passes need, and central differences on it. */
#ifndef DIFFC_TESTS_NET_CASE_H
#define DIFFC_TESTS_NET_CASE_H

#include "net/net.h"
#include "test.h"

typedef struct {
    ParamTable own, *table; /* the table of another net, where both are declared alike */
    Net *net;
    float *weights; /* [block_floats] */
    int x, t, label, y;
    float *ly, *my, *r; /* cotangents of y, direction at x */
    size_t x_floats, y_floats;
} NetCase;

/* A net to declare, on a table of its own or on that of `first`. */
static inline Net *case_new(NetCase *c, int batch, const NetCase *first)
{
    *c = (NetCase){.table = first ? first->table : &c->own, .t = -1, .label = -1};
    c->net = net_new(c->table, batch);
    if (!c->net) abort();
    return c->net;
}

/* Ends the declaration. */
static inline void case_plan(NetCase *c, int y, NetMode mode)
{
    Err err = {0};
    c->y = y;
    net_set_output(c->net, y);
    EXPECT_OK(net_plan(c->net, mode, &err), err);
}

static inline size_t case_floats(const Net *net, int node)
{
    Shape s = net_shape(net, node);
    return (size_t)net_batch(net) * (size_t)s.H * (size_t)s.W * (size_t)s.C;
}

/* Inputs of image n of `many` for a net of one image. */
static inline void case_take_image(NetCase *one, const NetCase *many, size_t n)
{
    size_t bytes = one->x_floats * sizeof(float);
    memcpy(net_value(one->net, one->x), net_value(many->net, many->x) + n * one->x_floats, bytes);
    memcpy(one->r, many->r + n * one->x_floats, bytes);
    if (one->t >= 0) net_value(one->net, one->t)[0] = net_value(many->net, many->t)[n];
    if (one->label >= 0) net_value(one->net, one->label)[0] = net_value(many->net, many->label)[n];
}

/* Plans, draws weights (norms and biases moved off 1 and 0), fills inputs and cotangents. */
static inline void case_begin(NetCase *c, NetMode mode)
{
    Err err;
    if (!EXPECT(net_plan(c->net, mode, &err))) abort();
    c->weights = test_floats(c->table->block_floats);
    params_init(c->table, c->weights, 7);
    for (int i = 0; i < c->table->count; i++) {
        const ParamInfo *p = &c->table->info[i];
        float *noise = test_random(p->count, 100u + (unsigned)i, 0.05f);
        for (size_t j = 0; j < p->count; j++) c->weights[p->offset + j] += noise[j];
    }
    c->x_floats = case_floats(c->net, c->x);
    c->y_floats = case_floats(c->net, c->y);
    test_normals(net_value(c->net, c->x), c->x_floats, 1, 1.0f);
    for (int n = 0; n < net_batch(c->net); n++) {
        if (c->t >= 0) net_value(c->net, c->t)[n] = 1.5f + 2.25f * (float)n;
        if (c->label >= 0) net_value(c->net, c->label)[n] = (float)((n + 1) % 3);
    }
    c->ly = test_random(c->y_floats, 2, 1.0f);
    c->my = test_random(c->y_floats, 3, 1.0f);
    c->r = test_random(c->x_floats, 4, 1.0f);
}

static inline void case_end(NetCase *c)
{
    net_free(c->net);
    params_free(&c->own);
}

/* How many nodes of this kind run; -1: no such kind. */
static inline int case_nodes(const NetCase *c, const char *kind)
{
    NetProfile p;
    for (int i = 0; net_profile_kind(c->net, i, NULL, &p); i++)
        if (strcmp(p.name, kind) == 0) return p.nodes;
    return -1;
}

/* The output of a forward pass. */
static inline const float *case_forward(NetCase *c, const float *weights)
{
    net_forward(c->net, weights);
    return net_value(c->net, c->y);
}

/* <ly, y> */
static inline double case_loss(NetCase *c, const float *weights)
{
    return test_dot(c->ly, case_forward(c, weights), c->y_floats);
}

static inline void case_backward(NetCase *c, const float *weights, float *grads)
{
    net_forward(c->net, weights);
    memcpy(net_gradient(c->net, c->y), c->ly, c->y_floats * sizeof(float));
    net_backward(c->net, weights, grads);
}

static inline void case_tangent(NetCase *c, const float *weights)
{
    memcpy(net_tangent_of(c->net, c->x), c->r, c->x_floats * sizeof(float));
    net_tangent(c->net, weights);
}

/* <my, y> + <ly, J r> */
static inline double case_second_loss(NetCase *c, const float *weights)
{
    case_backward(c, weights, NULL);
    case_tangent(c, weights);
    return test_dot(c->my, net_value(c->net, c->y), c->y_floats) +
           test_dot(c->ly, net_tangent_of(c->net, c->y), c->y_floats);
}

static inline void case_backward2(NetCase *c, const float *weights, float *grads)
{
    case_backward(c, weights, NULL);
    case_tangent(c, weights);
    memcpy(net_gradient2(c->net, c->y), c->my, c->y_floats * sizeof(float));
    net_backward2(c->net, weights, grads);
}

/* <ly, J r> = <J^T ly, r> + rest, to float rounding of products of this length. */
static inline void case_expect_adjoint(NetCase *c, double rest)
{
    const float *ydot = net_tangent_of(c->net, c->y);
    double forward = test_dot(c->ly, ydot, c->y_floats);
    const float *g = net_gradient(c->net, c->x);
    double back = test_dot(g, c->r, c->x_floats) + rest;
    double norms = sqrt(test_dot(c->ly, c->ly, c->y_floats) * test_dot(ydot, ydot, c->y_floats));
    double inner = sqrt(test_dot(g, g, c->x_floats) * test_dot(c->r, c->r, c->x_floats));
    EXPECT(norms > 0);
    if (norms < inner) norms = inner;
    EXPECT_NEAR(forward, back, 3e-7 * norms);
}

typedef double (*CaseLoss)(NetCase *c, const float *weights);

/* d loss / d h along `direction`, added to the n values at `values`; fourth order in h. */
static inline double case_slope(NetCase *c, CaseLoss loss, float *values, const float *direction,
                                size_t n, double h)
{
    static const double at[4] = {1, -1, 2, -2}, factor[4] = {8, -8, -1, 1};
    float *before = test_floats(n);
    memcpy(before, values, n * sizeof *values);
    double sum = 0;
    for (int k = 0; k < 4; k++) {
        for (size_t i = 0; i < n; i++)
            values[i] = (float)((double)before[i] + at[k] * h * (double)direction[i]);
        sum += factor[k] * loss(c, c->weights);
    }
    memcpy(values, before, n * sizeof *values);
    return sum / (12 * h);
}

/* Every trainable tensor of grads against the slope of loss along a random direction in it. A
 * wrong part of a tensor moves the product by about its norm. */
static inline void case_expect_gradients(NetCase *c, CaseLoss loss, const float *grads,
                                         double tolerance)
{
    double whole = sqrt(test_dot(grads, grads, c->table->block_floats));
    EXPECT(whole > 0);
    for (int i = 0; i < c->table->count; i++) {
        const ParamInfo *p = &c->table->info[i];
        const float *g = grads + p->offset;
        double norm = sqrt(test_dot(g, g, p->count));
        if (!p->trainable) {
            EXPECT(norm == 0.0);
            continue;
        }
        float *direction = test_random(p->count, 500u + (unsigned)i, 1.0f);
        double slope = case_slope(c, loss, c->weights + p->offset, direction, p->count, 4e-3);
        double got = test_dot(g, direction, p->count);
        if (!EXPECT_NEAR(got, slope, tolerance * (norm + 0.01 * whole)))
            EXPECT_TEXT("the gradient above", p->name);
    }
}

#endif
