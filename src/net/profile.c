/* The time of the passes by kind of operation. */
#include <string.h>

#include "net_internal.h"

/* After the kinds of the operation table: two that it does not tell apart. */
enum { KIND_FAST = OP_KINDS, KIND_PREPARE, KINDS };

void net_profile(Net *net, bool on)
{
    net->profiled = on;
    memset(net->products, 0, sizeof net->products);
    memset(net->prepare_seconds, 0, sizeof net->prepare_seconds);
    for (int i = 0; i < net->count; i++)
        memset(net->nodes[i].seconds, 0, sizeof net->nodes[i].seconds);
}

static int kind_of(const Node *node)
{
    return node->fast ? KIND_FAST : (int)node->kind;
}

static const char *name_of(int kind)
{
    if (kind == KIND_FAST) return "conv2d (fast)";
    return kind == KIND_PREPARE ? "prepare weights" : net_ops[kind].name;
}

/* Floats that a pass forward touches: inputs, output, parameters. */
static double traffic(const Net *net, const Node *node)
{
    double floats = (double)node_floats(net, node);
    for (int k = 0; k < node->inputs; k++)
        floats += (double)node_floats(net, &net->nodes[node->in[k]]);
    for (int k = 0; k < node->params; k++) floats += (double)net->table->info[node->param[k]].count;
    return floats;
}

static void add_node(const Net *net, const Node *node, NetProfile *out)
{
    const NetOp *op = &net_ops[node->kind];
    double flop = op->flop ? op->flop(node) * net->batch : 0;
    double bytes = traffic(net, node) * sizeof(float);
    out->nodes++;
    for (int pass = 0; pass < NET_PASSES; pass++) {
        out->seconds[pass] += node->seconds[pass];
        out->flop[pass] += flop * net->products[pass];
        out->bytes[pass] += bytes * net->products[pass];
    }
}

bool net_profile_kind(const Net *net, int kind, NetProfile *out)
{
    if (kind < 0 || kind >= KINDS) return false;
    *out = (NetProfile){.name = name_of(kind)};
    if (kind == KIND_PREPARE) {
        out->seconds[NET_FORWARD] = net->prepare_seconds[0];
        out->seconds[NET_BACKWARD] = net->prepare_seconds[1];
    }
    for (int i = 0; i < net->count; i++)
        if (net->nodes[i].used && net->nodes[i].kind != OP_INPUT && kind_of(&net->nodes[i]) == kind)
            add_node(net, &net->nodes[i], out);
    return true;
}
