/* Planning: every buffer has a size and an interval of life on one timeline of steps,
 *   forward of node i at i,             backward at 2n-1-i,
 *   tangent of node i at 2n+i,          backward2 at 4n-1-i      (n nodes)
 * and gets the lowest place that no buffer alive at the same time holds, largest buffers first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "net/net_internal.h"

enum { KINDS_OF_BUFFER = 6, BUFFERS_OF_ALL = 2 /* scratch and rooms */ };

typedef struct {
    size_t floats;
    int start, end; /* first and last step, both included */
    int number;     /* in order of declaration, which makes the sorting order unique */
    size_t *place;
} Buffer;

typedef struct {
    Net *net;
    NetMode mode;
    Buffer *buffers;
    int count;
} Plan;

/* The step at which a pass (NET_FORWARD ...) runs node i. */
static int step_of(const Plan *p, int pass, int i)
{
    int n = p->net->count;
    const int steps[NET_PASSES] = {i, 2 * n - 1 - i, 2 * n + i, 4 * n - 1 - i};
    return steps[pass];
}

static int last_step(const Plan *p)
{
    return 4 * p->net->count;
}

static int later(int a, int b)
{
    return a > b ? a : b;
}

static bool on_gradient_path(const Node *node)
{
    return node->used && (node->leads_param || node->leads_input);
}

static bool has_trainable(const Net *net, const Node *node)
{
    for (int i = 0; i < node->params; i++)
        if (net->table->info[node->param[i]].trainable) return true;
    return false;
}

/* Who depends on what. */
static void trace(Plan *p)
{
    Net *net = p->net;
    for (int i = 0; i < net->count; i++) {
        Node *node = &net->nodes[i];
        node->used = i == net->output;
        node->last_consumer = node->gradient_from = -1;
        node->leads_param = has_trainable(net, node);
        node->leads_input = node->wants_gradient;
        node->tangent_kind = TANGENT_NONE;
        node->value = node->saved = node->gradient = node->tangent = node->gradient2 = node->sums =
            NOWHERE;
        for (int k = 0; k < node->inputs; k++) {
            const Node *from = &net->nodes[node->in[k]];
            node->leads_param = node->leads_param || from->leads_param;
            node->leads_input = node->leads_input || from->leads_input;
        }
    }
    for (int i = net->count - 1; i >= 0; i--) {
        Node *node = &net->nodes[i];
        CHECK(node->used || !node->wants_gradient || p->mode == NET_INFER);
        if (!node->used) continue;
        bool moves = p->mode == NET_SECOND && node->leads_input;
        if (moves) node->tangent_kind = TANGENT_MOVES;
        for (int k = 0; k < node->inputs; k++) {
            Node *from = &net->nodes[node->in[k]];
            from->used = true;
            if (from->last_consumer < 0) from->last_consumer = i;
            bool null_will_do = node->op->tangent_may_be_null >> k & 1;
            if (moves && !from->leads_input && !null_will_do) from->tangent_kind = TANGENT_ZERO;
        }
    }
}

/* Without a backward pass some operations write over what they read, where nobody else reads it. */
static void share_values(const Plan *p)
{
    const Net *net = p->net;
    for (int i = 0; i < net->count; i++) {
        Node *node = &net->nodes[i];
        node->in_place = p->mode == NET_INFER && node->op->in_place && i != net->output &&
                         net->nodes[node->in[0]].op != &op_input &&
                         net_only_reader(net, node->in[0]) == i;
    }
}

/* The cotangent of a sum becomes, in place, that of the operand that the backward pass reaches
 * first. Not for second order, whose last pass reads the cotangents again. */
static void share_gradients(const Plan *p)
{
    const Net *net = p->net;
    if (p->mode != NET_TRAIN) return;
    for (int i = 0; i < net->count; i++) {
        const Node *node = &net->nodes[i];
        bool taken = i == net->output || !on_gradient_path(node);
        for (int k = 0; k < node->inputs && !taken; k++) {
            Node *from = &net->nodes[node->in[k]];
            taken = (node->passes_on >> k & 1) && from->last_consumer == i &&
                    from->op != &op_input && on_gradient_path(from);
            if (taken) from->gradient_from = i;
        }
    }
}

static void add_buffer(Plan *p, size_t *place, size_t floats, int start, int end)
{
    p->buffers[p->count] = (Buffer){mem_whole_lines(floats), start, end, p->count, place};
    p->count++;
}

/* The last step at which consumer `to` reads the value of its input k. */
static int value_read(const Plan *p, int to, int k)
{
    const Node *node = &p->net->nodes[to];
    bool again = p->mode != NET_INFER && on_gradient_path(node) && (node->op->reads >> k & 1);
    if (!again) return step_of(p, NET_FORWARD, to);
    return p->mode == NET_SECOND ? step_of(p, NET_BACKWARD2, to) : step_of(p, NET_BACKWARD, to);
}

/* The same for the tangent. */
static int tangent_read(const Plan *p, int to, int k)
{
    const Node *node = &p->net->nodes[to];
    if (node->tangent_kind != TANGENT_MOVES) return 0;
    bool again = node->op->backward2 && (node->op->reads >> k & 1);
    return again ? step_of(p, NET_BACKWARD2, to) : step_of(p, NET_TANGENT, to);
}

/* Ends of life of every value and tangent, from their readers. */
static void find_ends(const Plan *p, int *value_end, int *tangent_end)
{
    const Net *net = p->net;
    for (int i = 0; i < net->count; i++) {
        const Node *node = &net->nodes[i];
        value_end[i] = step_of(p, NET_FORWARD, i);
        tangent_end[i] = step_of(p, NET_TANGENT, i);
        if (!node->used) continue;
        for (int k = 0; k < node->inputs; k++) {
            int from = node->in[k];
            value_end[from] = later(value_end[from], value_read(p, i, k));
            tangent_end[from] = later(tangent_end[from], tangent_read(p, i, k));
        }
    }
    for (int i = net->count - 1; i >= 0; i--) {
        int from = net->nodes[i].in[0];
        if (net->nodes[i].in_place) value_end[from] = later(value_end[from], value_end[i]);
    }
    for (int i = 0; i < net->count; i++)
        if (net->nodes[i].op == &op_input || i == net->output)
            value_end[i] = tangent_end[i] = last_step(p);
}

/* The node whose backward pass is the last to read the cotangent that lies at node i: i itself, or
 * the operand it was passed on to. */
static int gradient_end(const Net *net, int i)
{
    const Node *node = &net->nodes[i];
    for (int k = 0; k < node->inputs; k++)
        if (net->nodes[node->in[k]].gradient_from == i) return gradient_end(net, node->in[k]);
    return i;
}

/* The last groupnorm that reads the sums of convolution i; -1: none. */
static int sums_reader(const Net *net, int i)
{
    if (!net->nodes[i].gives_sums) return -1;
    for (int j = net->count - 1; j > i; j--) {
        const Node *node = &net->nodes[j];
        if (node->op != &op_groupnorm || !node->used) continue;
        if (node->sums_from[0] == i || node->sums_from[1] == i) return j;
    }
    return -1;
}

/* The buffers of one node. Inputs and outputs stay allocated for the whole pass, because callers
 * fill and read them between passes. */
static void add_buffers(Plan *p, int i, int value_end, int tangent_end)
{
    Net *net = p->net;
    Node *node = &net->nodes[i];
    const Op *op = node->op;
    bool input = node->op == &op_input, output = i == net->output;
    bool second = p->mode == NET_SECOND;
    size_t floats = node_floats(net, node);
    if (!node->in_place)
        add_buffer(p, &node->value, floats, input ? 0 : step_of(p, NET_FORWARD, i), value_end);
    if (!node->used) return;

    int reader = sums_reader(net, i);
    if (reader >= 0) {
        size_t doubles = 2 * (size_t)net->batch * (size_t)node->shape.C;
        add_buffer(p, &node->sums, doubles * (sizeof(double) / sizeof(float)),
                   step_of(p, NET_FORWARD, i), step_of(p, NET_FORWARD, reader));
    }
    bool later = p->mode != NET_INFER && on_gradient_path(node);
    size_t saved =
        op->saved_floats && (later || !op->saved_for_later) ? op->saved_floats(node->dims) : 0;
    if (saved) {
        int end = step_of(p, NET_FORWARD, i);
        if (later) end = second ? step_of(p, NET_BACKWARD2, i) : step_of(p, NET_BACKWARD, i);
        add_buffer(p, &node->saved, saved, step_of(p, NET_FORWARD, i), end);
    }
    if (p->mode != NET_INFER && on_gradient_path(node)) {
        bool lambda = second && node->tangent_kind == TANGENT_MOVES && op->backward2;
        int start = output ? 0 : step_of(p, NET_BACKWARD, node->last_consumer);
        int end = input || output ? last_step(p)
                  : lambda        ? step_of(p, NET_BACKWARD2, i)
                                  : step_of(p, NET_BACKWARD, gradient_end(net, i));
        if (node->gradient_from < 0) add_buffer(p, &node->gradient, floats, start, end);
        if (second) {
            start = output ? 0 : step_of(p, NET_BACKWARD2, node->last_consumer);
            end = input || output ? last_step(p) : step_of(p, NET_BACKWARD2, i);
            add_buffer(p, &node->gradient2, floats, start, end);
        }
    }
    if (node->tangent_kind != TANGENT_NONE)
        add_buffer(p, &node->tangent, floats, input ? 0 : step_of(p, NET_TANGENT, i), tangent_end);
}

static int by_size(const void *a, const void *b)
{
    const Buffer *x = a, *y = b;
    if (x->floats != y->floats) return x->floats < y->floats ? 1 : -1;
    return x->number - y->number;
}

/* First fit. `placed` holds the buffers that have a place, lowest first. Returns floats used. */
static size_t place_buffers(Plan *p, const Buffer **placed)
{
    size_t total = 0;
    qsort(p->buffers, (size_t)p->count, sizeof *p->buffers, by_size);
    for (int i = 0; i < p->count; i++) {
        const Buffer *b = &p->buffers[i];
        size_t low = 0;
        for (int j = 0; j < i; j++) {
            const Buffer *other = placed[j];
            if (other->start > b->end || other->end < b->start) continue;
            if (*other->place >= low + b->floats) break;
            if (*other->place + other->floats > low) low = *other->place + other->floats;
        }
        *b->place = low;
        int at = i;
        for (; at > 0 && *placed[at - 1]->place > low; at--) placed[at] = placed[at - 1];
        placed[at] = b;
        if (low + b->floats > total) total = low + b->floats;
    }
    return total;
}

static size_t scratch_of_ops(const Net *net, int threads)
{
    size_t most = 0;
    for (int i = 0; i < net->count; i++) {
        const Node *node = &net->nodes[i];
        const Op *op = node->op;
        size_t floats =
            node->used && op->scratch_floats ? op->scratch_floats(node->dims, threads) : 0;
        if (floats > most) most = floats;
    }
    return most;
}

/* The larger of two scratch sizes: for one pass with all threads, and for passes side by side with
 * one thread each. */
static size_t scratch_floats(const Net *net, int threads)
{
    size_t together = scratch_of_ops(net, threads), alone = scratch_of_ops(net, 1);
    return together > alone ? together : alone;
}

/* Of one thread; the number of threads does not matter. */
static size_t room_floats(const Net *net)
{
    size_t most = 0;
    for (int i = 0; i < net->count; i++) {
        const Node *node = &net->nodes[i];
        size_t floats = node->used && node->op->room_floats ? node->op->room_floats(node->dims) : 0;
        if (floats > most) most = floats;
    }
    return most;
}

/* Sets every node's places; the floats of the block in *total. */
static bool lay_out(Net *net, NetMode mode, int threads, size_t *total)
{
    size_t nodes = (size_t)net->count;
    Plan p = {.net = net, .mode = mode};
    rewrite_infer_apply(net, mode == NET_INFER);
    p.buffers = mem_alloc(nodes * KINDS_OF_BUFFER + BUFFERS_OF_ALL, sizeof *p.buffers);
    const Buffer **placed = mem_alloc(nodes * KINDS_OF_BUFFER + BUFFERS_OF_ALL, sizeof *placed);
    int *value_end = mem_alloc(nodes, sizeof *value_end);
    int *tangent_end = mem_alloc(nodes, sizeof *tangent_end);
    bool ok = p.buffers && placed && value_end && tangent_end;
    if (ok) {
        trace(&p);
        CHECK(mode != NET_SECOND || net->nodes[net->output].leads_input);
        share_gradients(&p);
        share_values(&p);
        find_ends(&p, value_end, tangent_end);
        for (int i = 0; i < net->count; i++)
            if (net->nodes[i].used || net->nodes[i].op == &op_input)
                add_buffers(&p, i, value_end[i], tangent_end[i]);
        add_buffer(&p, &net->scratch, scratch_floats(net, threads), 0, last_step(&p));
        net->room_step = mem_whole_lines(room_floats(net));
        add_buffer(&p, &net->rooms, net->room_step * (size_t)threads, 0, last_step(&p));
        *total = place_buffers(&p, placed);
        for (int i = 0; i < net->count; i++) {
            Node *node = &net->nodes[i];
            if (node->in_place) node->value = net->nodes[node->in[0]].value;
        }
        for (int i = net->count - 1; i >= 0; i--) {
            Node *node = &net->nodes[i];
            if (node->gradient_from >= 0) node->gradient = net->nodes[node->gradient_from].gradient;
        }
    }
    mem_free(tangent_end);
    mem_free(value_end);
    mem_free(placed);
    mem_free(p.buffers);
    return ok;
}

size_t net_plan_bytes(Net *net, NetMode mode, int threads)
{
    CHECK(net->output >= 0 || net->no_memory);
    Net copy = *net; /* a plan in use keeps its places */
    copy.nodes = mem_alloc((size_t)net->count, sizeof *copy.nodes);
    size_t total = 0;
    if (copy.nodes && !net->no_memory) {
        memcpy(copy.nodes, net->nodes, (size_t)net->count * sizeof *copy.nodes);
        if (!lay_out(&copy, mode, threads, &total)) total = 0;
    }
    mem_free(copy.nodes);
    return total * sizeof(float);
}

bool net_plan(Net *net, NetMode mode, Err *err)
{
    static const char *const purpose[] = {"sample", "train", "train with second-order gradients"};
    if (!net_is_complete(net, err)) return false;
    CHECK(net->output >= 0);
    mem_free(net->block);
    net->block = NULL;
    net->planned = false;
    size_t total = 0;
    if (!lay_out(net, mode, parallel_threads(), &total))
        return err_set(err, ERR_MEMORY,
                       "the network could not be planned: the system gives no more memory");
    net->block = mem_floats(total);
    if (!net->block) {
        double bytes = (double)total * sizeof(float);
        bool one = net->batch == 1;
        return err_set(err, ERR_MEMORY,
                       "not enough memory: the network needs %.0f bytes (%.1f GiB) to %s on %d "
                       "image%s at once; %s",
                       bytes, bytes / 0x1p30, purpose[mode], net->batch, one ? "" : "s",
                       one ? "a smaller image needs less" : "fewer images at once need less");
    }
    net->block_floats = total;
    net->mode = mode;
    if (!packed_open(net, err)) return false;
    net->planned = true;
    net->stage = STAGE_NONE;
    net->backward_done = false;
    net->threads = parallel_threads();
    net->table->sealed = true;
    return true;
}
