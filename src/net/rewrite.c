/* Rewrites of the graph, found when its declaration ends. */
#include "base/parallel.h"
#include "math/product.h"
#include "net/net_internal.h"
#include "ops/winograd.h"

int net_only_reader(const Net *net, int node)
{
    int reader = -1;
    if (node == net->output) return -1;
    for (int i = 0; i < net->count; i++)
        for (int k = 0; k < net->nodes[i].inputs; k++) {
            if (net->nodes[i].in[k] != node) continue;
            if (reader >= 0) return -1;
            reader = i;
        }
    return reader;
}

static void redirect_readers(Net *net, int from, int to)
{
    for (int i = from + 1; i < net->count; i++)
        for (int k = 0; k < net->nodes[i].inputs; k++)
            if (net->nodes[i].in[k] == from) net->nodes[i].in[k] = to;
}

/* ---- Around a convolution of the fast kernels: its neighbours are computed in its input and
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
    redirect_readers(net, reader, conv);
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

/* ---- For inference, where no backward pass follows.
 *
 * Norms and linear layers read the two halves of a concat directly, so that the concat is never
 * made: the same bits, without a pass over memory.
 *
 * Neighbouring weight matrices of a one-headed attention are multiplied once in advance instead of
 * with every image. With q = h Wq + bq and so on; a softmax does not change when a number is added
 * to a whole row, and its rows sum to 1:
 *
 *   softmax(q k^T) = softmax(q' h^T)             q' = h (Wq Wk^T) + bq Wk^T
 *   softmax(.) v Wo + bo = softmax(.) v'         v' = h (Wv Wo) + bv Wo + bo
 *
 * The layers k and out then have no readers, and attention reads h as its keys. The results equal
 * those of training up to rounding. */

static bool is_square(const Net *net, int node)
{
    const LinearDims *d = net->nodes[node].dims;
    return net->nodes[node].op == &op_linear && d->C == d->K;
}

static bool reads_pairs(const Node *node)
{
    bool can = node->op == &op_groupnorm || (node->op == &op_linear && node->merged_with < 0);
    return can && node->inputs == 1 && !node->merged_away;
}

/* The first half must have a multiple of this many channels (the lanes of the widest vectors);
 * otherwise the bits of the norm differ from those of the concat (ops.h). */
enum { NORM_LANES = 16 };

/* Finds the readers of a concat, if all of them can read its halves. */
static void find_joins(Net *net, int concat)
{
    int channels_a = net->nodes[net->nodes[concat].in[0]].shape.C;
    if (concat == net->output || channels_a % NORM_LANES != 0) return;
    for (int i = concat + 1; i < net->count; i++)
        for (int k = 0; k < net->nodes[i].inputs; k++)
            if (net->nodes[i].in[k] == concat && !reads_pairs(&net->nodes[i])) return;
    for (int i = concat + 1; i < net->count; i++)
        if (net->nodes[i].inputs > 0 && net->nodes[i].in[0] == concat) net->nodes[i].joins = concat;
}

static void find_attention_products(Net *net)
{
    for (int i = 0; i < net->count; i++) {
        const Node *a = &net->nodes[i];
        const AttentionDims *d = a->dims;
        if (a->op != &op_attention || d->heads != 1) continue;
        int q = a->in[0], k = a->in[1], v = a->in[2], out = net_only_reader(net, i);
        bool found = out >= 0 && out != net->output && is_square(net, out);
        for (int j = 0; j < 3 && found; j++)
            found = is_square(net, a->in[j]) && net_only_reader(net, a->in[j]) == i &&
                    net->nodes[a->in[j]].in[0] == net->nodes[q].in[0];
        if (!found) continue;
        net->nodes[q].merged_with = k;
        net->nodes[v].merged_with = out;
        net->nodes[k].merged_away = net->nodes[out].merged_away = true;
    }
}

void rewrite_find(Net *net)
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
    find_attention_products(net);
    for (int i = 0; i < net->count; i++)
        if (net->nodes[i].op == &op_concat) find_joins(net, i);
}

void rewrite_infer_apply(Net *net, bool infer)
{
    if (net->infer_form == infer) return;
    net->infer_form = infer;
    for (int i = 0; i < net->count; i++) {
        Node *a = &net->nodes[i];
        if (a->op != &op_attention || net->nodes[a->in[0]].merged_with < 0) continue;
        const Node *q = &net->nodes[a->in[0]], *v = &net->nodes[a->in[2]];
        a->in[1] = infer ? q->in[0] : q->merged_with;
        redirect_readers(net, infer ? v->merged_with : i, infer ? i : v->merged_with);
        net->nodes[v->merged_with].in[0] = i;
    }
    for (int i = 0; i < net->count; i++) {
        Node *node = &net->nodes[i];
        if (node->joins < 0) continue;
        const Node *concat = &net->nodes[node->joins];
        node->inputs = infer ? 2 : 1;
        node->in[0] = infer ? concat->in[0] : node->joins;
        node->in[1] = concat->in[1];
    }
}

/* For the product of two weight matrices and the packing of that product. */
size_t merged_scratch_floats(const Node *node)
{
    int C = ((const LinearDims *)node->dims)->C;
    return (size_t)C * (size_t)C + product_scratch_floats(C, C, parallel_threads());
}

/* The merged weights and bias of a layer: W other^T and b other^T where `other` makes the keys,
 * else W other and b other + other_b. W is packed. */
void merged_pack(const Net *net, const Node *node, float *packed, float *b, const float *weights,
                 float *scratch)
{
    const ParamInfo *info = net->table->info;
    const Node *other = &net->nodes[node->merged_with];
    bool keys = other->in[0] == node->in[0];
    int C = ((const LinearDims *)node->dims)->C;
    Product p = {.M = C, .N = C, .K = C, .lda = C, .ldb = C, .ldc = C, .alpha = 1};
    p.transpose_b = keys;
    p.b = weights + info[other->param[0]].offset;
    p.a = weights + info[node->param[0]].offset;
    p.c = scratch;
    product_run(&p, scratch + (size_t)C * (size_t)C);
    node->op->pack(node->dims, packed, scratch, false);
    p.M = 1;
    p.a = weights + info[node->param[1]].offset;
    p.bias = keys ? NULL : weights + info[other->param[1]].offset;
    p.c = b;
    product_run(&p, scratch);
}
