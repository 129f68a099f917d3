/* Rewrites for inference, where no backward pass follows.
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
#include "base/parallel.h"
#include "math/product.h"
#include "net/net_internal.h"

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
 * otherwise the bits of the norm differ from those of the concat (NormInput). */
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

void rewrite_infer_find(Net *net)
{
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
        net_redirect_readers(net, infer ? v->merged_with : i, infer ? i : v->merged_with);
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
