/* Running: the four passes over a planned net. */
#include <string.h>

#include "base/clock.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "net/net_internal.h"

static float *at(const Net *net, size_t place)
{
    return place == NOWHERE ? NULL : net->block + place;
}

static const Node *planned_node(const Net *net, int node)
{
    CHECK(net->planned && node >= 0 && node < net->count);
    return &net->nodes[node];
}

static const Node *end_node(const Net *net, int node)
{
    const Node *n = planned_node(net, node);
    CHECK(n->op == &op_input || node == net->output);
    return n;
}

float *net_value(Net *net, int node)
{
    const Node *n = planned_node(net, node);
    CHECK(n->value != NOWHERE);
    return at(net, n->value);
}

float *net_gradient(Net *net, int node)
{
    const Node *n = end_node(net, node);
    CHECK(n->gradient != NOWHERE);
    return at(net, n->gradient);
}

float *net_tangent_of(Net *net, int node)
{
    const Node *n = end_node(net, node);
    CHECK(n->tangent_kind == TANGENT_MOVES);
    return at(net, n->tangent);
}

float *net_gradient2(Net *net, int node)
{
    const Node *n = end_node(net, node);
    CHECK(n->gradient2 != NOWHERE);
    return at(net, n->gradient2);
}

void net_set_dropout(Net *net, bool training, uint64_t seed, uint64_t step)
{
    for (int i = 0; i < net->count; i++) {
        if (net->nodes[i].op != &op_dropout) continue;
        DropoutDims *d = net->nodes[i].dims;
        d->p = training ? d->rate : 0;
        d->seed = seed;
        d->stream = rng_stream(RNG_DROPOUT, step * NODE_LIMIT + (uint64_t)i);
    }
}

/* What every pass of a node gets: dims, parameters, saved values, scratch. */
static OpCall begin_call(const Net *net, const Node *node, const float *weights, float *grads,
                         bool back)
{
    const ParamInfo *info = net->table->info;
    OpCall c = {
        .dims = node->dims, .saved = at(net, node->saved), .scratch = at(net, net->scratch)};
    if (net->room_step) c.rooms = at(net, net->rooms), c.room_step = net->room_step;
    if (node->params > 0) c.w = weights + info[node->param[0]].offset;
    size_t packed = back ? node->packed_back : node->packed;
    if (packed != NOWHERE) c.packed = net->packed + packed;
    if (node->params > 1) c.b = weights + info[node->param[1]].offset;
    if (net->infer_form && node->merged_with >= 0) c.b = net->packed + node->packed_bias;
    if (grads && node->params > 0 && info[node->param[0]].trainable)
        c.dw = grads + info[node->param[0]].offset;
    if (grads && node->params > 1 && info[node->param[1]].trainable)
        c.db = grads + info[node->param[1]].offset;
    return c;
}

static void give_values(const Net *net, const Node *node, OpCall *c, unsigned mask)
{
    for (int k = 0; k < node->inputs; k++)
        if (mask >> k & 1) c->x[k] = at(net, net->nodes[node->in[k]].value);
}

/* Forward: where a convolution writes its sums, where a groupnorm finds them, and how many channels
 * come from the first of two sources. */
static void give_sums(const Net *net, const Node *node, OpCall *c)
{
    c->sums = (double *)(void *)at(net, node->sums);
    c->channels_a = net->nodes[node->in[0]].shape.C;
    if (node->sums_from[0] < 0) return;
    for (int k = 0; k < 2; k++) {
        if (node->sums_from[k] < 0) continue;
        const Node *from = &net->nodes[node->sums_from[k]];
        c->sums_in[k] = (const double *)(const void *)at(net, from->sums);
        if (k == 0) c->channels_a = from->shape.C;
    }
}

/* Sets the tangents as the inputs of a pass: as x for the forward pass of a linear operation, else
 * as tangents. */
static void give_tangents(const Net *net, const Node *node, const float **to, unsigned mask)
{
    for (int k = 0; k < node->inputs; k++)
        if (mask >> k & 1) to[k] = at(net, net->nodes[node->in[k]].tangent);
}

static void zero(float *y, size_t n)
{
    enum { PART = 1 << 16 };
#pragma omp parallel for if (n > PART)
    for (size_t part = 0; part < (n + PART - 1) / PART; part++) {
        size_t first = part * PART, left = n - first;
        memset(y + first, 0, (left < PART ? left : PART) * sizeof *y);
    }
}

/* Whether the backward pass reaches this node: for its parameters (when gradients are wanted) or
 * for an input that wants a gradient. */
static bool goes_back(const Node *node, const float *grads)
{
    return node->used && (node->leads_input || (grads && node->leads_param));
}

/* Whether input k is one of those before it: a concat may read a node twice. */
static bool is_repeated(const Node *node, int k)
{
    for (int j = 0; j < k; j++)
        if (node->in[j] == node->in[k]) return true;
    return false;
}

/* Where node i adds the cotangents of its inputs. The first consumer overwrites them or finds zeros
 * there. */
static void give_cotangents(const Net *net, int i, const float *grads, bool second, OpCall *c)
{
    const Node *node = &net->nodes[i];
    for (int k = 0; k < node->inputs; k++) {
        const Node *from = &net->nodes[node->in[k]];
        if (!goes_back(from, grads)) continue;
        if (from->gradient_from == i) continue;
        c->dx[k] = at(net, second ? from->gradient2 : from->gradient);
        if (from->last_consumer != i || is_repeated(node, k)) continue;
        if (node->overwrites >> k & 1)
            c->set |= 1u << k;
        else
            zero(c->dx[k], node_floats(net, from));
    }
}

static double profile_begin(const Net *net)
{
    return net->profiled ? clock_seconds() : 0;
}

static void profile_end(Net *net, int i, int pass, double start)
{
    if (!net->profiled) return;
    net->nodes[i].seconds[pass] += (clock_seconds() - start) / parallel_neighbours();
}

static void profile_pass(Net *net, int pass, int products)
{
    if (net->profiled) net->products[pass] += products;
}

static void begin_pass(Net *net, const float *weights, bool back)
{
    CHECK(net->planned && parallel_threads() <= net->threads);
    if (net_holds(net, weights)) return;
    CHECK(!net->shares);
    packed_update(net, weights, back);
}

void net_forward(Net *net, const float *weights)
{
    begin_pass(net, weights, false);
    for (int i = 0; i < net->count; i++) {
        const Node *node = &net->nodes[i];
        if (!node->used || node->op == &op_input) continue;
        OpCall c = begin_call(net, node, weights, NULL, false);
        give_values(net, node, &c, ~0u);
        c.y = at(net, node->value);
        if (c.y == c.x[0] && node->op->is_identity && node->op->is_identity(node->dims)) continue;
        give_sums(net, node, &c);
        double start = profile_begin(net);
        node->op->forward(&c);
        profile_end(net, i, NET_FORWARD, start);
    }
    profile_pass(net, NET_FORWARD, 1);
    net->stage = STAGE_FORWARD;
    net->backward_done = false;
}

void net_backward(Net *net, const float *weights, float *grads)
{
    begin_pass(net, weights, true);
    CHECK(net->mode != NET_INFER && net->stage == STAGE_FORWARD);
    for (int i = net->count - 1; i >= 0; i--) {
        const Node *node = &net->nodes[i];
        if (!goes_back(node, grads) || node->op == &op_input) continue;
        OpCall c = begin_call(net, node, weights, grads, true);
        double start = profile_begin(net);
        give_values(net, node, &c, node->op->reads);
        give_cotangents(net, i, grads, false, &c);
        c.dy = at(net, node->gradient);
        node->op->backward(&c);
        profile_end(net, i, NET_BACKWARD, start);
    }
    profile_pass(net, NET_BACKWARD, grads ? 2 : 1);
    net->stage = STAGE_BACKWARD;
    net->backward_done = true;
}

void net_tangent(Net *net, const float *weights)
{
    begin_pass(net, weights, false);
    CHECK(net->mode == NET_SECOND);
    CHECK(net->stage == STAGE_FORWARD || net->stage == STAGE_BACKWARD);
    for (int i = 0; i < net->count; i++) {
        const Node *node = &net->nodes[i];
        double start = profile_begin(net);
        if (node->tangent_kind == TANGENT_ZERO)
            zero(at(net, node->tangent), node_floats(net, node));
        if (node->tangent_kind != TANGENT_MOVES || node->op == &op_input) continue;
        const Op *op = node->op;
        OpCall c = begin_call(net, node, weights, NULL, false);
        if (op->tangent) {
            give_values(net, node, &c, op->reads);
            give_tangents(net, node, c.xdot, ~0u);
            c.ydot = at(net, node->tangent);
            op->tangent(&c);
        } else { /* linear */
            give_tangents(net, node, c.x, ~0u);
            c.b = NULL;
            c.y = at(net, node->tangent);
            op->forward(&c);
        }
        profile_end(net, i, NET_TANGENT, start);
    }
    profile_pass(net, NET_TANGENT, 1);
    net->stage = STAGE_TANGENT;
}

void net_backward2(Net *net, const float *weights, float *grads)
{
    begin_pass(net, weights, true);
    CHECK(net->stage == STAGE_TANGENT && net->backward_done);
    for (int i = net->count - 1; i >= 0; i--) {
        const Node *node = &net->nodes[i];
        if (!goes_back(node, grads) || node->op == &op_input) continue;
        const Op *op = node->op;
        OpCall c = begin_call(net, node, weights, grads, true);
        double start = profile_begin(net);
        give_values(net, node, &c, op->reads);
        give_cotangents(net, i, grads, true, &c);
        c.dy = at(net, node->gradient2);
        if (op->backward2 && node->tangent_kind == TANGENT_MOVES) {
            give_tangents(net, node, c.xdot, op->reads);
            c.ly = at(net, node->gradient);
            op->backward2(&c);
        } else { /* the tangent is zero or does not depend on x */
            op->backward(&c);
        }
        profile_end(net, i, NET_BACKWARD2, start);
    }
    profile_pass(net, NET_BACKWARD2, grads ? 3 : 1);
    net->stage = STAGE_NONE;
}
