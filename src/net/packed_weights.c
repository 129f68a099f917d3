/* Weights in the form that the fast convolution kernels and the products of linear layers read, in
 * one block. */
#include "base/clock.h"
#include "base/mem.h"
#include "net/net_internal.h"

/* The floats of all packed weights; sets where each node has its own when `place` is set. A data
 * gradient needs the weights transposed as well. */
static size_t lay_out(Net *net, NetMode mode, bool place)
{
    size_t total = 0, scratch = 0;
    bool infer = mode == NET_INFER;
    for (int i = 0; i < net->count; i++) {
        Node *node = &net->nodes[i];
        if (place) node->packed = node->packed_back = NOWHERE;
        size_t floats =
            node->op->packed_floats ? mem_whole_lines(node->op->packed_floats(node->dims)) : 0;
        if (!floats || (infer && node->merged_away)) continue;
        if (place) node->packed = total;
        total += floats;
        if (infer && node->merged_with >= 0) {
            if (place) node->packed_bias = total;
            total += mem_whole_lines((size_t)((const LinearDims *)node->dims)->K);
            size_t room = mem_whole_lines(merged_scratch_floats(node));
            scratch = room > scratch ? room : scratch;
        }
        const Node *from = &net->nodes[node->in[0]];
        if (mode == NET_INFER || !node->op->packs_back ||
            (from->op == &op_input && !from->wants_gradient))
            continue;
        if (place) node->packed_back = total;
        total += floats;
    }
    if (place) net->merged_scratch = total;
    return total + scratch;
}

size_t net_packed_bytes(Net *net, NetMode mode)
{
    return lay_out(net, mode, false) * sizeof(float);
}

bool packed_open(Net *net, Err *err)
{
    size_t floats = lay_out(net, net->mode, true);
    if (net->shares) {
        CHECK(net->shares->planned && net->shares->batch == net->batch);
        CHECK(net->shares->mode == net->mode && net->shares->count == net->count);
        net->packed = net->shares->packed;
        return true;
    }
    mem_free(net->packed);
    net->held = NULL;
    net->packed = mem_floats(floats);
    return net->packed ||
           err_set(
               err, ERR_MEMORY,
               "not enough memory: the network needs %.0f bytes (%.1f GiB) for its weights in the "
               "form of the fast kernels",
               (double)floats * sizeof(float), (double)floats * sizeof(float) / 0x1p30);
}

void packed_update(Net *net, const float *weights, bool backward)
{
    double start = net->profiled ? clock_seconds() : 0;
    for (int i = 0; i < net->count; i++) {
        const Node *node = &net->nodes[i];
        size_t place = backward ? node->packed_back : node->packed;
        if (place == NOWHERE) continue;
        const float *w = weights + net->table->info[node->param[0]].offset;
        if (net->infer_form && node->merged_with >= 0)
            merged_pack(net, node, net->packed + place, net->packed + node->packed_bias, weights,
                        net->packed + net->merged_scratch);
        else
            node->op->pack(node->dims, net->packed + place, w, backward);
    }
    if (net->profiled) net->pack_seconds[backward] += clock_seconds() - start;
}

void net_hold(Net *net, const float *weights)
{
    CHECK(net->planned && !net->shares);
    net->held = weights;
    if (!weights) return;
    packed_update(net, weights, false);
    if (net->mode != NET_INFER) packed_update(net, weights, true);
}

bool net_holds(const Net *net, const float *weights)
{
    return (net->shares ? net->shares : net)->held == weights;
}

void net_share_weights(Net *net, const Net *with)
{
    CHECK(!net->planned && !net->packed && !with->shares);
    net->shares = with;
}
