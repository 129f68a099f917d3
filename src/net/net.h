/* The network graph: declared once, planned, run many times. A declaration appends nodes; shapes,
 * the memory plan, the four passes, initialisation, names, summary and FLOPs are derived from it.
 *
 * Every node has one output tensor [N,H,W,C] of the net's fixed batch N. Appending checks shapes;
 * a mismatch is a programmer's error (CHECK). Parameters are found by name in the table, which
 * several nets (other batch sizes, other modes) share; the first declaration fills it.
 *
 *   ParamTable table = {0};
 *   Net *net = net_new(&table, batch);
 *   int x = net_input(net, 28, 28, 1, false), t = net_input(net, 1, 1, 1, false);
 *   int y = unet_declare(net, &config, x, t, -1);
 *   net_set_output(net, y);
 *   net_plan(net, NET_TRAIN, &err);             // the only allocations
 *   memcpy(net_value(net, x), images, ...);
 *   net_forward(net, weights);
 *   fill net_gradient(net, y);                  // dLoss/dy
 *   net_backward(net, weights, gradients);      // ADDS to gradients
 */
#ifndef DIFFC_NET_H
#define DIFFC_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/params.h"
#include "math/roof.h"
#include "ops/ops.h"

typedef struct Net Net;

typedef enum {
    NET_INFER,  /* forward only; buffers are reused by liveness, and pairs of matrices around a
                   one-headed attention are multiplied in advance: training's values up to rounding */
    NET_TRAIN,  /* forward and backward */
    NET_SECOND, /* forward, backward, tangent, backward2 */
} NetMode;

typedef struct {
    int H, W, C;
} Shape;

/* The values of an image. */
static inline size_t shape_values(Shape s)
{
    return (size_t)s.H * (size_t)s.W * (size_t)s.C;
}

Net *net_new(ParamTable *table, int batch); /* NULL: no memory */
void net_free(Net *net);
int net_batch(const Net *net);
Shape net_shape(const Net *net, int node);

/* Inputs. wants_gradient: backward also makes dx (needed to differentiate by the input). */
int net_input(Net *net, int H, int W, int C, bool wants_gradient);

/* Convolutions declared from here on take the plain form, the reference of the fast kernels, also
 * where those serve (for tests). */
void net_plain_convolutions(Net *net);

/* Operations; `name` is the prefix of the parameters' names ("down_blocks.0.resnets.1.conv1"), to
 * which ".weight" and ".bias" are added; printf style where it says format. */
typedef struct {
    int kernel, stride;
    int pad_first, pad_last; /* above and left; below and right */
    bool zero_init;          /* weights and bias start at zero */
} ConvOptions;
int net_conv2d(Net *net, int x, int out_channels, const ConvOptions *o, const char *name);
/* A convolution or a pool whose window may be oblong. padded: by half the window on all sides, so that with an
 * odd window and stride 1 no pixel is lost; pools count only pixels of the image. */
typedef struct {
    int height, width, stride;
    bool padded;
} WindowOptions;
int net_conv2d_window(Net *net, int x, int out_channels, WindowOptions o, const char *name);
int net_maxpool(Net *net, int x, WindowOptions o);
int net_meanpool(Net *net, int x, WindowOptions o);
int net_linear(Net *net, int x, int out_channels, bool zero_init, const char *name);
int net_groupnorm(Net *net, int x, int groups, float eps, bool silu, const char *name);
int net_silu(Net *net, int x);
int net_relu(Net *net, int x);
int net_attention(Net *net, int q, int k, int v, int heads);
int net_upsample(Net *net, int x);
/* The mean over the image of a 3x3 convolution with one pixel of padding, whose parameters it has, made
 * without the convolution: [N,1,1,out_channels]. */
int net_conv2d_mean(Net *net, int x, int out_channels, const char *name);
int net_cumsum(Net *net, int x); /* over the channels of x [N,1,1,C] */
int net_concat(Net *net, int a, int b);
int net_add(Net *net, int a, int b);
int net_shift(Net *net, int x, int e);                       /* e [N,1,1,C] */
int net_modulate(Net *net, int x, int e);                    /* e [N,1,1,2C] */
int net_affine(Net *net, int x, float factor, float offset); /* factor * x + offset */
int net_divide(Net *net, int x, int t);                      /* x[n,...] / t[n], t [N,1,1,1] */
int net_time_features(Net *net, int t, int features, TimeFeatureKind kind, bool flip_sin_to_cos,
                      double freq_shift, float fourier_scale, const char *name);
int net_input_fourier(Net *net, int x, const int *exponents,
                      int count); /* [x, sin, cos of 2^n pi x, ...] */
int net_class_embed(Net *net, int label, int classes, int features, const char *name);
int net_dropout(Net *net, int x, float p);
void net_set_output(Net *net, int node);
/* Whether there was memory for every node and parameter. Where there was not (ERR_MEMORY), the shapes
 * and the parameter table are incomplete, and the network must not be used. */
bool net_is_complete(const Net *net, Err *err);

/* Plans memory and allocates it (one block). Seals the parameter table. ERR_MEMORY names the bytes
 * wanted. Scratch is sized for parallel_threads() of this moment: later passes may use fewer
 * threads, not more. A second call plans anew and drops the first block. net_plan_bytes gives the
 * size of the block for so many threads without allocating it (0 when even the planning finds no memory), and
 * net_packed_bytes that of the weights in the form of the fast kernels, which a plan adds. */
bool net_plan(Net *net, NetMode mode, Err *err);
size_t net_plan_bytes(Net *net, NetMode mode, int threads);
size_t net_packed_bytes(Net *net, NetMode mode);

/* Pointers into the plan; valid until net_free. A value is valid from its node's pass until its
 * last reader has run; inputs and the output stay valid. */
float *net_value(Net *net, int node);    /* activation [N,H,W,C] */
float *net_gradient(Net *net, int node); /* cotangent of an input or the output */
float *net_tangent_of(Net *net,
                      int node);          /* NET_SECOND: direction at an input, J r at the output */
float *net_gradient2(Net *net, int node); /* NET_SECOND: second cotangent mu at output or input */

/* Dropout is the identity until this is called with training = true; the mask is a function of
 * (seed, step, node). */
void net_set_dropout(Net *net, bool training, uint64_t seed, uint64_t step);

/* The fast kernels read the weights in a form of their own. Every pass makes it anew, unless the
 * caller holds them: net_hold makes it once and promises that `weights` will not change until the
 * next net_hold (NULL: no promise). A training step holds once per update, sampling once. */
void net_hold(Net *net, const float *weights);
bool net_holds(const Net *net, const float *weights);

/* To be called before net_plan: this net reads what `with` holds, instead of a form of its own, so
 * that the two can run side by side (parallel.h). Both are declared alike, for one batch, and planned
 * for one mode, `with` first; it outlives the other, whose passes take only weights that it holds. */
void net_share_weights(Net *net, const Net *with);

/* The passes. Buffers are given away as soon as their last reader has run, so each forward can be
 * followed by one backward, one tangent and one backward2 at most, in this order (backward may be
 * left out before tangent); anything else is a programmer's error. `weights` and `grads` are blocks
 * of the parameter table's layout. grads may be NULL (only input gradients are made). backward
 * reads net_gradient(output), which the caller fills, and overwrites net_gradient of the inputs
 * that want one. */
void net_forward(Net *net, const float *weights);
void net_backward(Net *net, const float *weights, float *grads);
/* Reads net_tangent_of(input) for inputs that want gradients, writes net_tangent_of(output). */
void net_tangent(Net *net, const float *weights);
/* After backward and tangent: adds to grads the gradient of <my, y> + <ly, ydot>, where ly is the
 * output cotangent that net_backward was given and my stands in net_gradient2(output); overwrites
 * net_gradient2 of the inputs that want a gradient. */
void net_backward2(Net *net, const float *weights, float *grads);

/* Where the time goes. After net_profile(net, true) the passes are timed node by node (a few per cent
 * slower in small networks); net_profile_kind sums them by kind of operation, kind = 0, 1, ... until
 * false. A convolution by the fast kernels is a kind of its own, and making their weights is one. flop
 * counts direct products: backward and second backward to the inputs and the tangent as much as
 * forward, the gradients of the weights once that in backward and twice in the second; bytes counts
 * every input, output, parameter and gradient of a pass once for each of those products. `least` is the
 * time that the machine's roof leaves for the arithmetic that the kernels do and for those bytes, where a
 * node's own bytes lie; 0 without a roof. */
enum { NET_FORWARD, NET_BACKWARD, NET_TANGENT, NET_BACKWARD2, NET_PASSES };
typedef struct {
    double seconds, flop, bytes, least;
} NetCost;
typedef struct {
    char name[32];
    int nodes;
    NetCost pass[NET_PASSES];      /* of the passes timed */
    double bound[ROOF_PLACES + 1]; /* of `least`, what each place bounds; at last arithmetic */
} NetProfile;
void net_profile(Net *net, bool on);
bool net_profile_kind(const Net *net, int kind, const Roof *roof, NetProfile *out);

/* Multiplications and additions of one forward pass for one image, as direct convolutions and
 * products (2 per multiply-add; pointwise ops not counted). */
double net_forward_flop(const Net *net);

/* One line per node for `diffc info` ("conv2d down_blocks.0... 28x28x32 -> ... 18,464"), from
 * index 0 until false. */
bool net_describe_node(const Net *net, int node, char *out, size_t size);

#endif
