/* Declaring: nodes with inferred shapes, parameters entered in the table. */
#include "net/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/net_internal.h"
#include "ops/winograd.h"

/* Every operation, in the order in which profiles show them. */
const Op *const net_ops[] = {
    &op_conv2d,        &op_conv2d_fast, &op_linear,        &op_groupnorm, &op_silu,     &op_relu,
    &op_attention,     &op_maxpool,     &op_meanpool,      &op_upsample,  &op_tapmeans, &op_cumsum,
    &op_concat,        &op_add,         &op_shift,         &op_modulate,  &op_affine,   &op_divide,
    &op_time_features, &op_class_embed, &op_input_fourier, &op_dropout,   NULL};

/* After memory has run out the nodes are incomplete; net_plan reports it. */
#define REQUIRE(condition) CHECK(net->no_memory || (condition))

Net *net_new(ParamTable *table, int batch)
{
    CHECK(batch > 0);
    Net *net = mem_alloc(1, sizeof *net);
    if (net) *net = (Net){.table = table, .batch = batch, .output = -1};
    return net;
}

void net_free(Net *net)
{
    if (!net) return;
    mem_free(net->block);
    if (!net->shares) mem_free(net->packed);
    for (int i = 0; i < net->count; i++) mem_free(net->nodes[i].dims);
    free(net->nodes);
    mem_free(net);
}

void net_plain_convolutions(Net *net)
{
    net->plain = true;
}

int net_batch(const Net *net)
{
    return net->batch;
}

Shape net_shape(const Net *net, int node)
{
    REQUIRE(node >= 0 && node < net->count);
    return net->nodes[node].shape;
}

size_t node_floats(const Net *net, const Node *node)
{
    return (size_t)net->batch * shape_values(node->shape);
}

static bool same_shape(Shape a, Shape b)
{
    return a.H == b.H && a.W == b.W && a.C == b.C;
}

static bool is_vector(Shape s, int channels)
{
    return s.H == 1 && s.W == 1 && s.C == channels;
}

/* Appends a node with a copy of the dims; returns its index, or 0 once memory has run out. */
static int append(Net *net, Node node, const void *dims)
{
    CHECK(!net->planned);
    REQUIRE(node.shape.H > 0 && node.shape.W > 0 && node.shape.C > 0);
    CHECK(net->count < NODE_LIMIT);
    Node *nodes = mem_room(net->nodes, (size_t)net->count, &net->room, sizeof *nodes);
    if (nodes) net->nodes = nodes;
    if (nodes && !net->no_memory) node.dims = mem_alloc(1, node.op->dims_bytes);
    if (!node.dims) net->no_memory = true;
    if (net->no_memory) return 0;
    if (dims) memcpy(node.dims, dims, node.op->dims_bytes);
    net->nodes[net->count] = node;
    return net->count++;
}

/* A node with one output like `shape` that reads a, then b, then c (-1: absent). */
static Node reading(const Op *op, Shape shape, int a, int b, int c)
{
    Node node = {.op = op, .shape = shape, .in = {a, b, c}, .param = {-1, -1}, .merged_with = -1};
    node.joins = node.sums_from[0] = node.sums_from[1] = -1;
    node.inputs = a < 0 ? 0 : b < 0 ? 1 : c < 0 ? 2 : 3;
    node.overwrites = op->overwrites;
    node.passes_on = op->passes_on;
    return node;
}

/* A node of PointDims like a, which reads a and b (-1: absent). */
static int append_point(Net *net, const Op *op, int a, int b)
{
    Shape s = net_shape(net, a);
    PointDims d = {.N = net->batch, .size = shape_values(s)};
    return append(net, reading(op, s, a, b, -1), &d);
}

/* Enters NAME.weight or NAME.bias as the node's next parameter. */
static void add_param(Net *net, Node *node, const char *name, const char *suffix, ParamInfo info)
{
    int length = snprintf(info.name, sizeof info.name, "%s.%s", name, suffix);
    CHECK(length > 0 && (size_t)length < sizeof info.name);
    int index = net->no_memory ? -1 : params_declare(net->table, &info);
    if (index < 0) net->no_memory = true;
    node->param[node->params++] = index;
}

static ParamInfo vector_param(int length, ParamInit init, int fan_in)
{
    return (ParamInfo){
        .rank = 1, .shape = {length}, .init = init, .fan_in = fan_in, .trainable = true};
}

const Op op_input = {.name = "input"};

int net_input(Net *net, int H, int W, int C, bool wants_gradient)
{
    Node node = reading(&op_input, (Shape){H, W, C}, -1, -1, -1);
    node.wants_gradient = wants_gradient;
    return append(net, node, NULL);
}

/* `weight` has rank 2 for a linear layer, 4 for a 1x1 convolution: the same product. */
static int append_linear(Net *net, int x, ParamInfo weight, const char *name)
{
    Shape s = net_shape(net, x);
    int K = weight.shape[0];
    Node node = reading(&op_linear, (Shape){s.H, s.W, K}, x, -1, -1);
    LinearDims d = {.N = net->batch, .T = s.H * s.W, .C = s.C, .K = K};
    add_param(net, &node, name, "weight", weight);
    add_param(net, &node, name, "bias", vector_param(K, weight.init, weight.fan_in));
    return append(net, node, &d);
}

int net_linear(Net *net, int x, int out_channels, bool zero_init, const char *name)
{
    int C = net_shape(net, x).C;
    ParamInfo weight = {.rank = 2,
                        .shape = {out_channels, C},
                        .layout = LAYOUT_LINEAR,
                        .init = zero_init ? INIT_ZERO : INIT_FAN_IN,
                        .fan_in = C,
                        .trainable = true};
    return append_linear(net, x, weight, name);
}

static ParamInfo conv_weight(const Conv2dDims *d, bool zero_init)
{
    return (ParamInfo){.rank = 4,
                       .shape = {d->K, d->C, d->R, d->S},
                       .layout = LAYOUT_CONV,
                       .init = zero_init ? INIT_ZERO : INIT_FAN_IN,
                       .fan_in = d->C * d->R * d->S,
                       .trainable = true};
}

/* The dims but for what x gives. */
static int append_conv(Net *net, int x, Conv2dDims d, bool zero_init, const char *name)
{
    Shape s = net_shape(net, x);
    d.N = net->batch, d.H = s.H, d.W = s.W, d.C = s.C;
    ParamInfo weight = conv_weight(&d, zero_init);
    bool padded = d.pad_top || d.pad_bottom || d.pad_left || d.pad_right;
    if (d.R == 1 && d.S == 1 && d.stride == 1 && !padded)
        return append_linear(net, x, weight, name);
    Shape shape = {conv2d_out_height(&d), conv2d_out_width(&d), d.K};
    bool fast = !net->plain && winograd_serves(&d);
    Conv2dFastDims fast_dims = {.conv = d};
    Node node = reading(fast ? &op_conv2d_fast : &op_conv2d, shape, x, -1, -1);
    add_param(net, &node, name, "weight", weight);
    add_param(net, &node, name, "bias", vector_param(d.K, weight.init, weight.fan_in));
    return append(net, node, fast ? (const void *)&fast_dims : &d);
}

int net_conv2d(Net *net, int x, int out_channels, const ConvOptions *o, const char *name)
{
    Conv2dDims d = {.K = out_channels, .R = o->kernel, .S = o->kernel, .stride = o->stride};
    d.pad_top = d.pad_left = o->pad_first;
    d.pad_bottom = d.pad_right = o->pad_last;
    return append_conv(net, x, d, o->zero_init, name);
}

int net_conv2d_window(Net *net, int x, int out_channels, WindowOptions o, const char *name)
{
    Conv2dDims d = {.K = out_channels, .R = o.height, .S = o.width, .stride = o.stride};
    if (o.padded) d.pad_top = d.pad_bottom = (o.height - 1) / 2;
    if (o.padded) d.pad_left = d.pad_right = (o.width - 1) / 2;
    return append_conv(net, x, d, false, name);
}

static int append_pool(Net *net, const Op *op, int x, WindowOptions o)
{
    Shape s = net_shape(net, x);
    PoolDims d = {.N = net->batch, .H = s.H, .W = s.W, .C = s.C};
    d.R = o.height, d.S = o.width, d.stride = o.stride;
    if (o.padded) d.pad_h = (o.height - 1) / 2, d.pad_w = (o.width - 1) / 2;
    Shape shape = {pool_out_height(&d), pool_out_width(&d), s.C};
    return append(net, reading(op, shape, x, -1, -1), &d);
}

int net_maxpool(Net *net, int x, WindowOptions o)
{
    return append_pool(net, &op_maxpool, x, o);
}

int net_meanpool(Net *net, int x, WindowOptions o)
{
    return append_pool(net, &op_meanpool, x, o);
}

int net_groupnorm(Net *net, int x, int groups, float eps, bool silu, const char *name)
{
    Shape s = net_shape(net, x);
    REQUIRE(groups > 0 && s.C % groups == 0);
    Node node = reading(&op_groupnorm, s, x, -1, -1);
    GroupNormDims d = {
        .N = net->batch, .T = s.H * s.W, .C = s.C, .G = groups, .eps = eps, .silu = silu};
    add_param(net, &node, name, "weight", vector_param(s.C, INIT_ONE, 0));
    add_param(net, &node, name, "bias", vector_param(s.C, INIT_ZERO, 0));
    return append(net, node, &d);
}

int net_silu(Net *net, int x)
{
    return append_point(net, &op_silu, x, -1);
}

int net_relu(Net *net, int x)
{
    return append_point(net, &op_relu, x, -1);
}

int net_attention(Net *net, int q, int k, int v, int heads)
{
    Shape s = net_shape(net, q);
    REQUIRE(same_shape(s, net_shape(net, k)) && same_shape(s, net_shape(net, v)));
    REQUIRE(heads > 0 && s.C % heads == 0);
    REQUIRE(q != k && q != v && k != v);
    AttentionDims d = {.N = net->batch, .T = s.H * s.W, .heads = heads, .D = s.C / heads};
    return append(net, reading(&op_attention, s, q, k, v), &d);
}

int net_upsample(Net *net, int x)
{
    Shape s = net_shape(net, x);
    ResampleDims d = {.N = net->batch, .H = s.H, .W = s.W, .C = s.C};
    return append(net, reading(&op_upsample, (Shape){2 * s.H, 2 * s.W, s.C}, x, -1, -1), &d);
}

int net_conv2d_mean(Net *net, int x, int out_channels, const char *name)
{
    Shape s = net_shape(net, x);
    ResampleDims d = {.N = net->batch, .H = s.H, .W = s.W, .C = s.C};
    int taps = append(net, reading(&op_tapmeans, (Shape){1, 1, 9 * s.C}, x, -1, -1), &d);
    Conv2dDims conv = {.C = s.C, .K = out_channels, .R = 3, .S = 3};
    return append_linear(net, taps, conv_weight(&conv, false), name);
}

int net_cumsum(Net *net, int x)
{
    Shape s = net_shape(net, x);
    REQUIRE(is_vector(s, s.C));
    CumsumDims d = {.N = net->batch, .C = s.C};
    return append(net, reading(&op_cumsum, s, x, -1, -1), &d);
}

int net_concat(Net *net, int a, int b)
{
    Shape s = net_shape(net, a), t = net_shape(net, b);
    REQUIRE(s.H == t.H && s.W == t.W); /* a may be b: a U-Net without a middle block does that */
    ConcatDims d = {.N = net->batch, .T = s.H * s.W, .A = s.C, .B = t.C};
    return append(net, reading(&op_concat, (Shape){s.H, s.W, s.C + t.C}, a, b, -1), &d);
}

int net_add(Net *net, int a, int b)
{
    REQUIRE(a != b && same_shape(net_shape(net, a), net_shape(net, b)));
    return append_point(net, &op_add, a, b);
}

static int append_shift(Net *net, const Op *op, int x, int e, int e_channels)
{
    Shape s = net_shape(net, x);
    REQUIRE(x != e && is_vector(net_shape(net, e), e_channels));
    ShiftDims d = {.N = net->batch, .T = s.H * s.W, .C = s.C};
    return append(net, reading(op, s, x, e, -1), &d);
}

int net_shift(Net *net, int x, int e)
{
    return append_shift(net, &op_shift, x, e, net_shape(net, x).C);
}

int net_modulate(Net *net, int x, int e)
{
    return append_shift(net, &op_modulate, x, e, 2 * net_shape(net, x).C);
}

int net_affine(Net *net, int x, float factor, float offset)
{
    Shape s = net_shape(net, x);
    AffineDims d = {{net->batch, shape_values(s)}, factor, offset};
    return append(net, reading(&op_affine, s, x, -1, -1), &d);
}

int net_divide(Net *net, int x, int t)
{
    REQUIRE(x != t && is_vector(net_shape(net, t), 1));
    return append_point(net, &op_divide, x, t);
}

int net_time_features(Net *net, int t, int features, TimeFeatureKind kind, bool flip_sin_to_cos,
                      double freq_shift, float fourier_scale, const char *name)
{
    REQUIRE(is_vector(net_shape(net, t), 1) && kind != TIME_UNSET);
    Node node = reading(&op_time_features, (Shape){1, 1, features}, t, -1, -1);
    TimeDims d = {.N = net->batch,
                  .F = features,
                  .kind = kind,
                  .flip_sin_to_cos = flip_sin_to_cos,
                  .freq_shift = freq_shift};
    if (kind != TIME_POSITIONAL) {
        ParamInfo w = vector_param(features / 2, INIT_NORMAL, 0);
        w.init_scale = fourier_scale;
        w.trainable = false;
        add_param(net, &node, name, "weight", w);
    }
    return append(net, node, &d);
}

int net_input_fourier(Net *net, int x, const int *exponents, int count)
{
    Shape s = net_shape(net, x);
    CHECK(count >= 1 && count <= INPUT_FOURIER_MAX);
    InputFourierDims d = {.N = net->batch, .T = s.H * s.W, .C = s.C, .F = count};
    memcpy(d.n, exponents, (size_t)count * sizeof *exponents);
    Shape shape = {s.H, s.W, s.C * (1 + 2 * count)};
    return append(net, reading(&op_input_fourier, shape, x, -1, -1), &d);
}

int net_class_embed(Net *net, int label, int classes, int features, const char *name)
{
    REQUIRE(is_vector(net_shape(net, label), 1) && !net->nodes[label].wants_gradient);
    Node node = reading(&op_class_embed, (Shape){1, 1, features}, label, -1, -1);
    ClassDims d = {.N = net->batch, .F = features, .classes = classes};
    ParamInfo w = {.rank = 2,
                   .shape = {classes, features},
                   .init = INIT_NORMAL,
                   .init_scale = 1.0f,
                   .trainable = true};
    add_param(net, &node, name, "weight", w);
    return append(net, node, &d);
}

int net_dropout(Net *net, int x, float p)
{
    CHECK(p >= 0.0f && p < 1.0f);
    Shape s = net_shape(net, x);
    DropoutDims d = {.N = net->batch, .size = shape_values(s), .rate = p};
    return append(net, reading(&op_dropout, s, x, -1, -1), &d);
}

void net_set_output(Net *net, int node)
{
    REQUIRE(node >= 0 && node < net->count && net->nodes[node].op != &op_input);
    CHECK(!net->planned);
    net->output = node;
    if (!net->no_memory) rewrite_find(net);
}

bool net_is_complete(const Net *net, Err *err)
{
    return !net->no_memory ||
           err_set(err, ERR_MEMORY,
                   "the network could not be declared: the system gives no more memory");
}
