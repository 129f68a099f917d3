/* What a network is made of: its nodes and their operations, and the time of the passes by kind. */
#include <stdio.h>
#include <string.h>

#include "base/term.h"
#include "net/net_internal.h"

static int op_kinds(void)
{
    int kinds = 0;
    while (net_ops[kinds]) kinds++;
    return kinds;
}

void net_profile(Net *net, bool on)
{
    net->profiled = on;
    memset(net->products, 0, sizeof net->products);
    memset(net->pack_seconds, 0, sizeof net->pack_seconds);
    for (int i = 0; i < net->count; i++)
        memset(net->nodes[i].seconds, 0, sizeof net->nodes[i].seconds);
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

static void add_node(const Net *net, const Node *node, const Roof *roof, NetProfile *out)
{
    const Op *op = node->op;
    double flop = op->flop ? op->flop(node->dims) * net->batch : 0;
    double done = op->flop_done ? op->flop_done(node->dims) * net->batch : flop;
    double bytes = traffic(net, node) * sizeof(float);
    RoofPlace place = ROOF_PLACES;
    double least = roof ? roof_seconds(roof, done, bytes, bytes, &place) : 0;
    out->nodes++;
    for (int pass = 0; pass < NET_PASSES; pass++) {
        if (!(node->seconds[pass] > 0)) continue; /* the node has nothing to do in this pass */
        NetCost *cost = &out->pass[pass];
        cost->seconds += node->seconds[pass];
        cost->flop += flop * net->products[pass];
        cost->bytes += bytes * net->products[pass];
        cost->least += least * net->products[pass];
        out->bound[place] += least * net->products[pass];
    }
}

bool net_profile_kind(const Net *net, int kind, const Roof *roof, NetProfile *out)
{
    int kinds = op_kinds(); /* and one for packing the weights */
    if (kind < 0 || kind > kinds) return false;
    *out = (NetProfile){0};
    if (kind == kinds) {
        snprintf(out->name, sizeof out->name, "pack weights");
        out->pass[NET_FORWARD].seconds = net->pack_seconds[0];
        out->pass[NET_BACKWARD].seconds = net->pack_seconds[1];
        return true;
    }
    const Op *op = net_ops[kind];
    if (op->variant)
        snprintf(out->name, sizeof out->name, "%s (%s)", op->name, op->variant);
    else
        snprintf(out->name, sizeof out->name, "%s", op->name);
    for (int i = 0; i < net->count; i++)
        if (net->nodes[i].used && net->nodes[i].op == op) add_node(net, &net->nodes[i], roof, out);
    return true;
}

double net_forward_flop(const Net *net)
{
    double flop = 0;
    for (int i = 0; i < net->count; i++) {
        const Node *node = &net->nodes[i];
        if (node->op->flop) flop += node->op->flop(node->dims);
    }
    return flop;
}

bool net_describe_node(const Net *net, int index, char *out, size_t size)
{
    if (index < 0 || index >= net->count) return false;
    const Node *node = &net->nodes[index];
    Shape to = node->shape, from = node->inputs ? net->nodes[node->in[0]].shape : to;
    char name[PARAM_NAME_BYTES] = "";
    size_t parameters = 0;
    for (int i = 0; i < node->params; i++) {
        const ParamInfo *info = &net->table->info[node->param[i]];
        parameters += info->count;
        if (i == 0)
            snprintf(name, sizeof name, " %.*s", (int)(strrchr(info->name, '.') - info->name),
                     info->name);
    }
    char count[32] = "";
    if (parameters) term_format_count(count, parameters);
    if (node->inputs)
        snprintf(out, size, "%s%s %dx%dx%d -> %dx%dx%d%s%s", node->op->name, name, from.H, from.W,
                 from.C, to.H, to.W, to.C, parameters ? " " : "", count);
    else
        snprintf(out, size, "%s %dx%dx%d", node->op->name, to.H, to.W, to.C);
    return true;
}
