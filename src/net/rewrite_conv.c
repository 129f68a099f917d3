/* Rewrites around a convolution of the fast kernels: its neighbours are computed in its input and
 * output transforms, without a pass over memory of their own.
 *
 *   upsample -> conv           the convolution reads the small image
 *   conv -> shift (e)          e [N,1,1,K] is added in the output transform
 *   conv -> add (r)            r [N,H,W,K] likewise
 *   conv -> groupnorm          the sums of the norm are made while y is written; also for the
 *                              concat of two convolutions
 *
 * The convolution gets e and r as inputs (they must be declared before it). Readers of the shift or
 * add then read the convolution, and the plan drops the joined nodes, which have no readers. */
#include "net/net_internal.h"
#include "ops/winograd.h"

static int count_readers(const Net *net, int node)
{
    int readers = 0;
    for (int i = 0; i < net->count; i++)
        for (int k = 0; k < net->nodes[i].inputs; k++) readers += net->nodes[i].in[k] == node;
    return readers;
}

int net_only_reader(const Net *net, int node)
{
    if (node == net->output || count_readers(net, node) != 1) return -1;
    for (int i = node + 1; i < net->count; i++)
        for (int k = 0; k < net->nodes[i].inputs; k++)
            if (net->nodes[i].in[k] == node) return i;
    return -1;
}

void net_redirect_readers(Net *net, int from, int to)
{
    for (int i = from + 1; i < net->count; i++)
        for (int k = 0; k < net->nodes[i].inputs; k++)
            if (net->nodes[i].in[k] == from) net->nodes[i].in[k] = to;
}

static void join_upsample(Net *net, int conv)
{
    Node *node = &net->nodes[conv];
    const Node *from = &net->nodes[node->in[0]];
    if (from->op != &op_upsample || net_only_reader(net, node->in[0]) != conv) return;
    node->in[0] = from->in[0];
    ((Conv2dFastDims *)node->dims)->upsampled = true;
}

/* Joins the reader of the convolution if it is the given operation; its other operand becomes an
 * input of the convolution. Returns the number of that input, or 0. */
static int join_addend(Net *net, int conv, const Op *op)
{
    Node *node = &net->nodes[conv];
    int reader = net_only_reader(net, conv);
    if (reader < 0 || reader == net->output || net->nodes[reader].op != op) return 0;
    const Node *sum = &net->nodes[reader];
    int other = sum->in[0] == conv ? sum->in[1] : sum->in[0];
    if (op == &op_shift && sum->in[0] != conv) return 0;
    if (other >= conv || node->inputs == OP_INPUTS) return 0;
    for (int k = 0; k < node->inputs; k++)
        if (node->in[k] == other) return 0;
    node->in[node->inputs] = other;
    net_redirect_readers(net, reader, conv);
    /* A joined node reads nothing: it must not count as a reader. */
    net->nodes[reader].inputs = 0;
    return node->inputs++;
}

static void join_norm_sums(Net *net, int norm)
{
    Node *node = &net->nodes[norm];
    const Node *from = &net->nodes[node->in[0]];
    int sources[2] = {node->in[0], -1};
    if (from->op == &op_concat) {
        sources[0] = from->in[0];
        sources[1] = from->in[1];
    }
    for (int k = 0; k < 2; k++)
        if (sources[k] >= 0 && net->nodes[sources[k]].op != &op_conv2d_fast) return;
    for (int k = 0; k < 2; k++) {
        node->sums_from[k] = sources[k];
        if (sources[k] >= 0) net->nodes[sources[k]].gives_sums++;
    }
}

void rewrite_conv(Net *net)
{
    for (int i = 0; i < net->count; i++) {
        Node *node = &net->nodes[i];
        if (node->op != &op_conv2d_fast) continue;
        Conv2dFastDims *d = node->dims;
        join_upsample(net, i);
        d->shift_in = join_addend(net, i, &op_shift);
        d->residual_in = join_addend(net, i, &op_add);
        if (!d->residual_in) continue;
        node->overwrites |= 1u << d->residual_in;
        node->passes_on |= 1u << d->residual_in;
    }
    for (int i = 0; i < net->count; i++)
        if (net->nodes[i].op == &op_groupnorm) join_norm_sums(net, i);
    rewrite_infer_find(net);
}
