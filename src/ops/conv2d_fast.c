/* The convolution of winograd.h as an operation of the network, together with its neighbours:
 * nearest upsampling before it, and after it the sum with a vector per image (shift) and with
 * another tensor (residual). x[0] is the image; x[shift_in] and x[residual_in] are the operands. */
#include "ops/op.h"
#include "ops/winograd.h"

/* y from x, or ydot from xdot. */
static void forward(const OpCall *c, float *y, const float *const *x, const float *bias)
{
    const Conv2dFastDims *d = c->dims;
    WinogradInput input = {.a = x[0], .upsampled = d->upsampled};
    WinogradEpilogue e = {.bias = bias, .factor = 1.0f, .sums = c->sums};
    if (d->shift_in) e.shift = x[d->shift_in];
    if (d->residual_in) e.residual = x[d->residual_in];
    winograd_forward(&d->conv, y, &input, c->packed, &e, c->scratch);
}

/* The cotangents of the inputs, from dy. */
static void backward_inputs(const OpCall *c, float *const *dx, const float *dy)
{
    const Conv2dFastDims *fast = c->dims;
    const Conv2dDims *d = &fast->conv;
    int shift_in = fast->shift_in, residual_in = fast->residual_in;
    WinogradGradient to = {.a = dx[0], .upsampled = fast->upsampled, .overwrite = c->set & 1};
    if (dx[0]) winograd_backward_data(d, &to, dy, c->packed, c->scratch);
    if (shift_in) {
        ShiftDims shift = {.N = d->N, .T = d->H * d->W, .C = d->K};
        shift_backward(&shift, NULL, dx[shift_in], dy);
    }
    if (residual_in) {
        PointDims all = {.N = d->N, .size = (size_t)d->H * (size_t)d->W * (size_t)d->K};
        add_backward(&all, c->set >> residual_in & 1, dx[residual_in], NULL, dy);
    }
}

static void backward_weights(const OpCall *c, const float *dy, const float *x)
{
    const Conv2dFastDims *d = c->dims;
    WinogradInput input = {.a = x, .upsampled = d->upsampled};
    if (c->dw) winograd_backward_weights(&d->conv, c->dw, &input, dy, c->scratch);
}

/* The gradient of the bias by the plain convolution, which makes nothing else here. */
static void backward_bias(const OpCall *c, const float *dy)
{
    const Conv2dFastDims *d = c->dims;
    conv2d_backward(&d->conv, NULL, NULL, c->db, dy, c->x[0], c->w, c->scratch);
}

static void run_forward(const OpCall *c)
{
    forward(c, c->y, c->x, c->b);
}

static void run_backward(const OpCall *c)
{
    backward_inputs(c, c->dx, c->dy);
    backward_weights(c, c->dy, c->x[0]);
    backward_bias(c, c->dy);
}

static void run_tangent(const OpCall *c)
{
    forward(c, c->ydot, c->xdot, NULL);
}

static void run_backward2(const OpCall *c)
{
    backward_inputs(c, c->mx, c->my);
    backward_weights(c, c->my, c->x[0]);
    backward_weights(c, c->dy, c->xdot[0]);
    backward_bias(c, c->my);
}

static size_t row_scratch(const void *dims, int threads)
{
    const Conv2dFastDims *d = dims;
    size_t plain = conv2d_scratch_floats(&d->conv, threads);
    size_t fast = winograd_scratch_floats(&d->conv, threads);
    return plain > fast ? plain : fast;
}

static size_t row_packed(const void *dims)
{
    const Conv2dFastDims *d = dims;
    return winograd_weights_floats(&d->conv);
}

static void row_pack(const void *dims, float *packed, const float *w, bool back)
{
    const Conv2dFastDims *d = dims;
    if (back)
        winograd_prepare_backward(&d->conv, packed, w);
    else
        winograd_prepare_forward(&d->conv, packed, w);
}

static double row_flop(const void *dims)
{
    const Conv2dFastDims *d = dims;
    return conv2d_flop(&d->conv);
}

const Op op_conv2d_fast = {.name = "conv2d",
                           .variant = "fast",
                           .dims_bytes = sizeof(Conv2dFastDims),
                           .forward = run_forward,
                           .backward = run_backward,
                           .tangent = run_tangent,
                           .backward2 = run_backward2,
                           .scratch_floats = row_scratch,
                           .flop = row_flop,
                           .packed_floats = row_packed,
                           .pack = row_pack,
                           .packs_back = true,
                           .backward_values = OP_X0,
                           .second_values = OP_X0,
                           .tangent_may_be_null = OP_X1 | OP_X2,
                           .second_tangents = OP_X0,
                           .second_lambda = true,
                           .overwrites = OP_X0};
