/* The operation table: one row per kind of node, one small adapter per pass. */
#include "diffc/winograd.h"
#include "net_internal.h"

enum { X0 = 1, X1 = 2, X2 = 4 };

/* ---- conv2d: the fast kernels, with what fuse.c joined, where they serve, else the plain form ---- */

/* x or xdot of a fast convolution, and what is added to its output. */
static void conv2d_fast(const Call *c, float *y, const float *const *x, const float *bias)
{
    const Node *n = c->node;
    WinogradInput input = {.a = x[0], .upsampled = n->upsampled};
    WinogradEpilogue e = {.bias = bias, .factor = 1.0f, .sums = c->sums};
    if (n->shift_in) e.shift = x[n->shift_in];
    if (n->residual_in) e.residual = x[n->residual_in];
    winograd_forward(&n->dims.conv, y, &input, c->u, &e, c->scratch);
}

static void conv2d_run_forward(const Call *c)
{
    if (c->node->fast)
        conv2d_fast(c, c->y, c->x, c->b);
    else if (c->u)
        conv2d_forward_packed(&c->node->dims.conv, c->y, c->x[0], c->u, c->b, c->scratch);
    else
        conv2d_forward(&c->node->dims.conv, c->y, c->x[0], c->w, c->b, c->scratch);
}

/* dx (+)= dy of a sum, for input k. */
static void pass_on(const Call *c, int k, float *dx, const float *dy, const PointDims *d)
{
    if (!dx) return;
    if (c->first >> k & 1)
        scale_forward(d, 1.0f, dx, dy);
    else
        add_backward(d, dx, NULL, dy);
}

/* The cotangents of what is not weights, from dy. */
static void conv2d_fast_data(const Call *c, float *const *dx, const float *dy)
{
    const Node *n = c->node;
    const Conv2dDims *d = &n->dims.conv;
    WinogradGradient to = {.a = dx[0], .upsampled = n->upsampled, .overwrite = c->first & 1};
    if (dx[0]) winograd_backward_data(d, &to, dy, c->u, c->scratch);
    if (n->shift_in) {
        ShiftDims shift = {.N = d->N, .T = d->H * d->W, .C = d->K};
        shift_backward(&shift, NULL, dx[n->shift_in], dy);
    }
    if (n->residual_in) {
        PointDims all = {.N = d->N, .size = (size_t)d->H * (size_t)d->W * (size_t)d->K};
        pass_on(c, n->residual_in, dx[n->residual_in], dy, &all);
    }
}

static void conv2d_fast_weights(const Call *c, const float *dy, const float *x)
{
    WinogradInput input = {.a = x, .upsampled = c->node->upsampled};
    if (c->dw) winograd_backward_weights(&c->node->dims.conv, c->dw, &input, dy, c->scratch);
}

/* The bias by the plain form, which makes nothing else here. */
static void conv2d_bias(const Call *c, const float *dy)
{
    conv2d_backward(&c->node->dims.conv, NULL, NULL, c->db, dy, c->x[0], c->w, c->scratch);
}

static void conv2d_run_backward(const Call *c)
{
    if (!c->node->fast) {
        conv2d_backward(&c->node->dims.conv, c->dx[0], c->dw, c->db, c->dy, c->x[0], c->w,
                        c->scratch);
        return;
    }
    conv2d_fast_data(c, c->dx, c->dy);
    conv2d_fast_weights(c, c->dy, c->x[0]);
    conv2d_bias(c, c->dy);
}

static void conv2d_run_tangent(const Call *c)
{
    if (c->node->fast)
        conv2d_fast(c, c->ydot, c->xdot, NULL);
    else
        conv2d_tangent(&c->node->dims.conv, c->ydot, c->x[0], c->xdot[0], c->w, NULL, NULL,
                       c->scratch);
}

static void conv2d_run_backward2(const Call *c)
{
    if (!c->node->fast) {
        conv2d_backward2(&c->node->dims.conv, c->mx[0], c->dw, c->db, c->my, c->dy, c->x[0],
                         c->xdot[0], c->w, c->scratch);
        return;
    }
    conv2d_fast_data(c, c->mx, c->my);
    conv2d_fast_weights(c, c->my, c->x[0]);
    conv2d_fast_weights(c, c->dy, c->xdot[0]);
    conv2d_bias(c, c->my);
}

static size_t conv2d_scratch(const Node *n)
{
    const Conv2dDims *d = &n->dims.conv;
    size_t plain = conv2d_scratch_floats(d), fast = n->fast ? winograd_scratch_floats(d) : 0;
    return plain > fast ? plain : fast;
}

static double conv2d_flop(const Node *n)
{
    const Conv2dDims *d = &n->dims.conv;
    return 2.0 * n->shape.H * n->shape.W * d->R * d->S * d->C * d->K;
}

/* ---- linear ---- */

static void linear_run_forward(const Call *c)
{
    const LinearDims *d = &c->node->dims.linear;
    if (c->x[1])
        linear_forward_pair(d, c->y, c->x[0], c->channels_a, c->x[1], c->w, c->u, c->b, c->scratch);
    else
        linear_forward(d, c->y, c->x[0], c->w, c->u, c->b, c->scratch);
}

static void linear_run_backward(const Call *c)
{
    linear_backward(&c->node->dims.linear, c->first, c->dx[0], c->dw, c->db, c->dy, c->x[0], c->w,
                    c->u, c->scratch);
}

static void linear_run_tangent(const Call *c)
{
    linear_tangent(&c->node->dims.linear, c->ydot, c->x[0], c->xdot[0], c->w, c->u, NULL, NULL,
                   c->scratch);
}

static void linear_run_backward2(const Call *c)
{
    linear_backward2(&c->node->dims.linear, c->first, c->mx[0], c->dw, c->db, c->my, c->dy, c->x[0],
                     c->xdot[0], c->w, c->u, c->scratch);
}

static size_t linear_scratch(const Node *n)
{
    return linear_scratch_floats(&n->dims.linear);
}

static double linear_flop(const Node *n)
{
    const LinearDims *d = &n->dims.linear;
    return 2.0 * d->T * d->C * d->K;
}

/* ---- groupnorm; saved: mean [N,G], then rstd [N,G] ---- */

static float *norm_rstd(const Call *c)
{
    const GroupNormDims *d = &c->node->dims.norm;
    return c->saved + (size_t)d->N * (size_t)d->G;
}

static void groupnorm_run_forward(const Call *c)
{
    NormInput x = {.a = c->x[0], .b = c->x[1], .channels_a = c->channels_a};
    x.sums_a = c->sums_in[0], x.sums_b = c->sums_in[1];
    groupnorm_forward(&c->node->dims.norm, c->y, c->saved, norm_rstd(c), &x, c->w, c->b,
                      c->scratch);
}

static void groupnorm_run_backward(const Call *c)
{
    groupnorm_backward(&c->node->dims.norm, c->first, c->dx[0], c->dw, c->db, c->dy, c->x[0], c->w,
                       c->b, c->saved, norm_rstd(c), c->scratch);
}

static void groupnorm_run_tangent(const Call *c)
{
    groupnorm_tangent(&c->node->dims.norm, c->ydot, c->x[0], c->xdot[0], c->w, c->b, NULL, NULL,
                      c->saved, norm_rstd(c), c->scratch);
}

static void groupnorm_run_backward2(const Call *c)
{
    groupnorm_backward2(&c->node->dims.norm, c->first, c->mx[0], c->dw, c->db, c->my, c->dy,
                        c->x[0], c->xdot[0], c->w, c->b, c->saved, norm_rstd(c), c->scratch);
}

static size_t groupnorm_scratch(const Node *n)
{
    return groupnorm_scratch_floats(&n->dims.norm);
}

static size_t groupnorm_saved(const Node *n)
{
    return 2 * (size_t)n->dims.norm.N * (size_t)n->dims.norm.G;
}

/* ---- silu ---- */

static void silu_run_forward(const Call *c)
{
    silu_forward(&c->node->dims.point, c->y, c->x[0]);
}

static void silu_run_backward(const Call *c)
{
    silu_backward(&c->node->dims.point, c->dx[0], c->dy, c->x[0]);
}

static void silu_run_tangent(const Call *c)
{
    silu_tangent(&c->node->dims.point, c->ydot, c->x[0], c->xdot[0]);
}

static void silu_run_backward2(const Call *c)
{
    silu_backward2(&c->node->dims.point, c->mx[0], c->my, c->dy, c->x[0], c->xdot[0]);
}

/* ---- attention ---- */

static void attention_run_forward(const Call *c)
{
    attention_forward(&c->node->dims.attention, c->y, c->saved, c->x[0], c->x[1], c->x[2],
                      c->scratch);
}

static void attention_run_backward(const Call *c)
{
    attention_backward(&c->node->dims.attention, c->first, c->dx[0], c->dx[1], c->dx[2], c->dy,
                       c->x[0], c->x[1], c->x[2], c->saved, c->scratch);
}

static void attention_run_tangent(const Call *c)
{
    attention_tangent(&c->node->dims.attention, c->ydot, c->x[0], c->x[1], c->x[2], c->xdot[0],
                      c->xdot[1], c->xdot[2], c->saved, c->scratch);
}

static void attention_run_backward2(const Call *c)
{
    attention_backward2(&c->node->dims.attention, c->first, c->mx[0], c->mx[1], c->mx[2], c->my,
                        c->dy, c->x[0], c->x[1], c->x[2], c->xdot[0], c->xdot[1], c->xdot[2],
                        c->saved, c->scratch);
}

static size_t attention_scratch(const Node *n)
{
    return attention_scratch_floats(&n->dims.attention);
}

static size_t attention_saved(const Node *n)
{
    return attention_saved_floats(&n->dims.attention);
}

static double attention_flop(const Node *n)
{
    const AttentionDims *d = &n->dims.attention;
    return 4.0 * d->T * d->T * d->heads * d->D;
}

/* ---- resample ---- */

static void upsample_run_forward(const Call *c)
{
    upsample_forward(&c->node->dims.resample, c->y, c->x[0]);
}

static void upsample_run_backward(const Call *c)
{
    upsample_backward(&c->node->dims.resample, c->dx[0], c->dy);
}

static void upsample_run_tangent(const Call *c)
{
    upsample_tangent(&c->node->dims.resample, c->ydot, c->xdot[0]);
}

static void upsample_run_backward2(const Call *c)
{
    upsample_backward2(&c->node->dims.resample, c->mx[0], c->my);
}

static void tapmeans_run_forward(const Call *c)
{
    tapmeans_forward(&c->node->dims.resample, c->y, c->x[0]);
}

static void tapmeans_run_backward(const Call *c)
{
    tapmeans_backward(&c->node->dims.resample, c->dx[0], c->dy);
}

static void tapmeans_run_tangent(const Call *c)
{
    tapmeans_tangent(&c->node->dims.resample, c->ydot, c->xdot[0]);
}

static void tapmeans_run_backward2(const Call *c)
{
    tapmeans_backward2(&c->node->dims.resample, c->mx[0], c->my);
}

/* ---- cumsum ---- */

static void cumsum_run_forward(const Call *c)
{
    cumsum_forward(&c->node->dims.cumsum, c->y, c->x[0]);
}

static void cumsum_run_backward(const Call *c)
{
    cumsum_backward(&c->node->dims.cumsum, c->dx[0], c->dy);
}

static void cumsum_run_tangent(const Call *c)
{
    cumsum_tangent(&c->node->dims.cumsum, c->ydot, c->xdot[0]);
}

static void cumsum_run_backward2(const Call *c)
{
    cumsum_backward2(&c->node->dims.cumsum, c->mx[0], c->my);
}

/* ---- join ---- */

static void concat_run_forward(const Call *c)
{
    concat_forward(&c->node->dims.concat, c->y, c->x[0], c->x[1]);
}

static void concat_run_backward(const Call *c)
{
    concat_backward(&c->node->dims.concat, c->first, c->dx[0], c->dx[1], c->dy);
}

static void concat_run_tangent(const Call *c)
{
    concat_tangent(&c->node->dims.concat, c->ydot, c->xdot[0], c->xdot[1]);
}

static void concat_run_backward2(const Call *c)
{
    concat_backward2(&c->node->dims.concat, c->first, c->mx[0], c->mx[1], c->my);
}

static void add_run_forward(const Call *c)
{
    add_forward(&c->node->dims.point, c->y, c->x[0], c->x[1]);
}

static void add_run_backward(const Call *c)
{
    for (int k = 0; k < 2; k++) pass_on(c, k, c->dx[k], c->dy, &c->node->dims.point);
}

static void add_run_tangent(const Call *c)
{
    add_tangent(&c->node->dims.point, c->ydot, c->xdot[0], c->xdot[1]);
}

static void add_run_backward2(const Call *c)
{
    for (int k = 0; k < 2; k++) pass_on(c, k, c->mx[k], c->my, &c->node->dims.point);
}

static void shift_run_forward(const Call *c)
{
    shift_forward(&c->node->dims.shift, c->y, c->x[0], c->x[1]);
}

static void shift_run_backward(const Call *c)
{
    shift_backward(&c->node->dims.shift, c->dx[0], c->dx[1], c->dy);
}

static void shift_run_tangent(const Call *c)
{
    shift_tangent(&c->node->dims.shift, c->ydot, c->xdot[0], c->xdot[1]);
}

static void shift_run_backward2(const Call *c)
{
    shift_backward2(&c->node->dims.shift, c->mx[0], c->mx[1], c->my);
}

static void modulate_run_forward(const Call *c)
{
    modulate_forward(&c->node->dims.shift, c->y, c->x[0], c->x[1]);
}

static void modulate_run_backward(const Call *c)
{
    modulate_backward(&c->node->dims.shift, c->dx[0], c->dx[1], c->dy, c->x[0], c->x[1]);
}

static void modulate_run_tangent(const Call *c)
{
    modulate_tangent(&c->node->dims.shift, c->ydot, c->x[0], c->xdot[0], c->x[1], c->xdot[1]);
}

static void modulate_run_backward2(const Call *c)
{
    modulate_backward2(&c->node->dims.shift, c->mx[0], c->mx[1], c->my, c->dy, c->x[0], c->xdot[0],
                       c->x[1], c->xdot[1]);
}

/* ---- scale, affine, divide ---- */

static void scale_run_forward(const Call *c)
{
    scale_forward(&c->node->dims.point, c->node->factor, c->y, c->x[0]);
}

static void scale_run_backward(const Call *c)
{
    scale_backward(&c->node->dims.point, c->node->factor, c->dx[0], c->dy);
}

static void scale_run_tangent(const Call *c)
{
    scale_tangent(&c->node->dims.point, c->node->factor, c->ydot, c->xdot[0]);
}

static void scale_run_backward2(const Call *c)
{
    scale_backward2(&c->node->dims.point, c->node->factor, c->mx[0], c->my);
}

static void affine_run_forward(const Call *c)
{
    affine_forward(&c->node->dims.point, c->node->factor, c->node->offset, c->y, c->x[0]);
}

static void divide_run_forward(const Call *c)
{
    divide_forward(&c->node->dims.point, c->y, c->x[0], c->x[1]);
}

static void divide_run_backward(const Call *c)
{
    divide_backward(&c->node->dims.point, c->dx[0], c->dx[1], c->dy, c->x[0], c->x[1]);
}

static void divide_run_tangent(const Call *c)
{
    divide_tangent(&c->node->dims.point, c->ydot, c->x[0], c->xdot[0], c->x[1], c->xdot[1]);
}

static void divide_run_backward2(const Call *c)
{
    divide_backward2(&c->node->dims.point, c->mx[0], c->mx[1], c->my, c->dy, c->x[0], c->xdot[0],
                     c->x[1], c->xdot[1]);
}

/* ---- embed ---- */

static void time_features_run_forward(const Call *c)
{
    time_features_forward(&c->node->dims.time, c->y, c->x[0], c->w);
}

static void time_features_run_backward(const Call *c)
{
    time_features_backward(&c->node->dims.time, c->dx[0], c->dy, c->x[0], c->w);
}

static void time_features_run_tangent(const Call *c)
{
    time_features_tangent(&c->node->dims.time, c->ydot, c->x[0], c->xdot[0], c->w);
}

static void time_features_run_backward2(const Call *c)
{
    time_features_backward2(&c->node->dims.time, c->mx[0], c->my, c->dy, c->x[0], c->xdot[0], c->w);
}

static void class_embed_run_forward(const Call *c)
{
    class_embed_forward(&c->node->dims.classes, c->y, c->x[0], c->w);
}

static void class_embed_run_backward(const Call *c)
{
    class_embed_backward(&c->node->dims.classes, c->dw, c->dy, c->x[0]);
}

static void class_embed_run_tangent(const Call *c)
{
    class_embed_tangent(&c->node->dims.classes, c->ydot, c->x[0], NULL);
}

static void class_embed_run_backward2(const Call *c)
{
    class_embed_backward2(&c->node->dims.classes, c->dw, c->my, c->x[0]);
}

/* ---- waves ---- */

static void waves_run_forward(const Call *c)
{
    waves_forward(&c->node->dims.waves, c->y, c->x[0]);
}

static void waves_run_backward(const Call *c)
{
    waves_backward(&c->node->dims.waves, c->dx[0], c->dy, c->x[0]);
}

static void waves_run_tangent(const Call *c)
{
    waves_tangent(&c->node->dims.waves, c->ydot, c->x[0], c->xdot[0]);
}

static void waves_run_backward2(const Call *c)
{
    waves_backward2(&c->node->dims.waves, c->mx[0], c->my, c->dy, c->x[0], c->xdot[0]);
}

/* ---- dropout ---- */

static void dropout_run_forward(const Call *c)
{
    dropout_forward(&c->dropout, c->y, c->x[0]);
}

static void dropout_run_backward(const Call *c)
{
    dropout_backward(&c->dropout, c->dx[0], c->dy);
}

static void dropout_run_tangent(const Call *c)
{
    dropout_tangent(&c->dropout, c->ydot, c->xdot[0]);
}

static void dropout_run_backward2(const Call *c)
{
    dropout_backward2(&c->dropout, c->mx[0], c->my);
}

bool node_overwrites(const Node *node, int k)
{
    switch (node->kind) {
    case OP_CONV2D:
        return node->fast && (k == 0 || k == node->residual_in);
    case OP_LINEAR:
    case OP_GROUPNORM:
    case OP_ATTENTION:
    case OP_CONCAT:
    case OP_ADD:
        return true;
    default:
        return false;
    }
}

bool node_passes_on(const Node *node, int k)
{
    return node->fast ? k > 0 && k == node->residual_in : node->kind == OP_ADD;
}

#define PASSES(op)                                                                                 \
    .name = #op, .forward = op##_run_forward, .backward = op##_run_backward,                       \
    .tangent = op##_run_tangent, .backward2 = op##_run_backward2

const NetOp net_ops[OP_KINDS] = {
    [OP_INPUT] = {.name = "input"},
    [OP_CONV2D] = {PASSES(conv2d), .scratch_floats = conv2d_scratch, .flop = conv2d_flop,
                   .backward_values = X0, .second_values = X0, .tangent_may_be_null = X1 | X2,
                   .second_tangents = X0, .second_lambda = true},
    [OP_LINEAR] = {PASSES(linear), .scratch_floats = linear_scratch, .flop = linear_flop,
                   .backward_values = X0, .second_values = X0, .second_tangents = X0,
                   .second_lambda = true},
    [OP_GROUPNORM] = {PASSES(groupnorm), .scratch_floats = groupnorm_scratch,
                      .saved_floats = groupnorm_saved, .backward_values = X0, .tangent_values = X0,
                      .second_values = X0, .second_tangents = X0, .second_lambda = true},
    [OP_SILU] = {PASSES(silu), .backward_values = X0, .tangent_values = X0, .second_values = X0,
                 .second_tangents = X0, .second_lambda = true},
    [OP_ATTENTION] = {PASSES(attention), .scratch_floats = attention_scratch,
                      .saved_floats = attention_saved, .saved_for_later = true,
                      .flop = attention_flop, .backward_values = X0 | X1 | X2,
                      .tangent_values = X0 | X1 | X2, .second_values = X0 | X1 | X2,
                      .second_tangents = X0 | X1 | X2, .second_lambda = true},
    [OP_UPSAMPLE] = {PASSES(upsample)},
    [OP_TAPMEANS] = {PASSES(tapmeans)},
    [OP_CUMSUM] = {PASSES(cumsum)},
    [OP_CONCAT] = {PASSES(concat)},
    [OP_ADD] = {PASSES(add)},
    [OP_SHIFT] = {PASSES(shift)},
    [OP_MODULATE] = {PASSES(modulate), .backward_values = X0 | X1, .tangent_values = X0 | X1,
                     .second_values = X0 | X1, .tangent_may_be_null = X1,
                     .second_tangents = X0 | X1, .second_lambda = true},
    [OP_SCALE] = {PASSES(scale)},
    [OP_AFFINE] = {.name = "affine",
                   .forward = affine_run_forward,
                   .backward = scale_run_backward,
                   .tangent = scale_run_tangent,
                   .backward2 = scale_run_backward2},
    [OP_DIVIDE] = {PASSES(divide), .backward_values = X0 | X1, .tangent_values = X0 | X1,
                   .second_values = X0 | X1, .tangent_may_be_null = X1, .second_tangents = X0 | X1,
                   .second_lambda = true},
    [OP_TIME_FEATURES] = {PASSES(time_features), .backward_values = X0, .tangent_values = X0,
                          .second_values = X0, .second_tangents = X0, .second_lambda = true},
    [OP_CLASS_EMBED] = {PASSES(class_embed), .backward_values = X0, .tangent_values = X0,
                        .second_values = X0},
    [OP_WAVES] = {PASSES(waves), .backward_values = X0, .tangent_values = X0, .second_values = X0,
                  .second_tangents = X0, .second_lambda = true},
    [OP_DROPOUT] = {PASSES(dropout)},
};
