/* The convolution of winograd.h as an operation of the network, together with its neighbours:
 * nearest upsampling before it, and after it the sum with a vector per image (shift) and with
 * another tensor (residual). x[0] is the image; x[shift_in] and x[residual_in] are the operands. */
#include "ops/op.h"
#include "ops/ordered_sum.h"
#include "ops/winograd.h"

static WinogradMemory memory_of(const OpCall *c)
{
    return (WinogradMemory){c->scratch, c->rooms, c->room_step};
}

static void conv2d_fast_forward(const OpCall *c)
{
    const Conv2dFastDims *d = c->dims;
    WinogradOutput y = {.y = c->y, .bias = c->b, .sums = c->sums};
    if (d->shift_in) y.shift = c->x[d->shift_in];
    if (d->residual_in) y.residual = c->x[d->residual_in];
    winograd_convolve(&d->conv, false, y, (WinogradInput){c->x[0], d->upsampled}, c->packed,
                      memory_of(c));
}

static int output_pixels(const Conv2dDims *d)
{
    return conv2d_out_height(d) * conv2d_out_width(d);
}

static size_t bias_rows(const Conv2dDims *d)
{
    return (size_t)d->N * (size_t)output_pixels(d);
}

static void backward_weights(const OpCall *c, const float *dy, const float *x)
{
    const Conv2dFastDims *d = c->dims;
    WinogradInput input = {x, d->upsampled};
    if (c->dw) winograd_backward_weights(&d->conv, c->dw, input, dy, c->scratch);
}

static void conv2d_fast_backward(const OpCall *c)
{
    const Conv2dFastDims *fast = c->dims;
    const Conv2dDims *d = &fast->conv;
    int shift_in = fast->shift_in, residual_in = fast->residual_in;
    WinogradOutput dx = {.y = c->dx[0], .upsampled = fast->upsampled, .add = !(c->set & 1)};
    WinogradInput dy = {.x = c->dy};
    if (dx.y) winograd_convolve(d, true, dx, dy, c->packed, memory_of(c));
    if (shift_in) {
        ShiftDims shift = {.N = d->N, .T = output_pixels(d), .C = d->K};
        op_shift.backward(&(OpCall){.dims = &shift, .dx = {NULL, c->dx[shift_in]}, .dy = c->dy});
    }
    if (residual_in && c->dx[residual_in]) {
        PointDims all = {.N = d->N, .size = (size_t)output_pixels(d) * (size_t)d->K};
        op_add.backward(&(OpCall){.dims = &all,
                                  .dx = {c->dx[residual_in]},
                                  .set = c->set >> residual_in & 1,
                                  .dy = c->dy});
    }
    backward_weights(c, c->dy, c->x[0]);
    if (c->db) ordered_sum_columns(c->db, c->dy, bias_rows(d), d->K, c->scratch);
}

static void conv2d_fast_backward2(const OpCall *c)
{
    conv2d_fast_backward(c);
    backward_weights(c, c->ly, c->xdot[0]);
}

static size_t conv2d_fast_scratch_floats(const void *dims, int threads)
{
    const Conv2dDims *d = &((const Conv2dFastDims *)dims)->conv;
    size_t bias = ordered_sum_columns_scratch_floats(bias_rows(d), d->K);
    size_t fast = winograd_scratch_floats(d, threads);
    return bias > fast ? bias : fast;
}

static size_t conv2d_fast_room_floats(const void *dims)
{
    return winograd_room_floats(&((const Conv2dFastDims *)dims)->conv);
}

static size_t conv2d_fast_packed_floats(const void *dims)
{
    return winograd_packed_floats(&((const Conv2dFastDims *)dims)->conv);
}

static void conv2d_fast_pack(const void *dims, float *packed, const float *w, bool back)
{
    winograd_pack(&((const Conv2dFastDims *)dims)->conv, packed, w, back);
}

static double conv2d_fast_flop(const void *dims)
{
    return conv2d_flop(&((const Conv2dFastDims *)dims)->conv);
}

static double conv2d_fast_flop_done(const void *dims)
{
    return winograd_flop(&((const Conv2dFastDims *)dims)->conv);
}

const Op op_conv2d_fast = {.name = "conv2d",
                           .variant = "fast",
                           .dims_bytes = sizeof(Conv2dFastDims),
                           .forward = conv2d_fast_forward,
                           .backward = conv2d_fast_backward,
                           .backward2 = conv2d_fast_backward2,
                           .scratch_floats = conv2d_fast_scratch_floats,
                           .room_floats = conv2d_fast_room_floats,
                           .flop = conv2d_fast_flop,
                           .flop_done = conv2d_fast_flop_done,
                           .packed_floats = conv2d_fast_packed_floats,
                           .pack = conv2d_fast_pack,
                           .packs_back = true,
                           .reads = OP_X0,
                           .tangent_may_be_null = OP_X1 | OP_X2,
                           .overwrites = OP_X0};
