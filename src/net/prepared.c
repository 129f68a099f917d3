/* Weights in the form that the fast convolution kernels read, in one block of their own. */
#include "diffc/mem.h"
#include "diffc/winograd.h"
#include "net_internal.h"

enum { ALIGN_FLOATS = 16 };

static size_t aligned(size_t floats)
{
    return (floats + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
}

/* Sets every fast node's places. The turned weights are needed where a data gradient is made. */
size_t prepared_floats(Net *net, NetMode mode)
{
    size_t total = 0;
    for (int i = 0; i < net->count; i++) {
        Node *node = &net->nodes[i];
        node->prepared = node->prepared_back = NOWHERE;
        if (!node->fast || !node->used) continue;
        size_t floats = aligned(winograd_weights_floats(&node->dims.conv));
        node->prepared = total;
        total += floats;
        const Node *from = &net->nodes[node->in[0]];
        if (mode == NET_INFER || !(from->leads_param || from->leads_input)) continue;
        node->prepared_back = total;
        total += floats;
    }
    return total;
}

bool prepared_open(Net *net, Err *err)
{
    size_t floats = prepared_floats(net, net->mode);
    mem_free(net->prepared);
    net->held = NULL;
    net->prepared = mem_floats(floats);
    return net->prepared ||
           err_set(
               err, ERR_MEMORY,
               "the network needs %.1f GiB for its weights in the form of the fast kernels, and "
               "the system does not give them",
               (double)floats * sizeof(float) / 0x1p30);
}

void prepared_update(const Net *net, const float *weights, bool backward)
{
    for (int i = 0; i < net->count; i++) {
        const Node *node = &net->nodes[i];
        size_t place = backward ? node->prepared_back : node->prepared;
        if (!node->fast || place == NOWHERE) continue;
        const float *w = weights + net->table->info[node->param[0]].offset;
        if (backward)
            winograd_prepare_backward(&node->dims.conv, net->prepared + place, w);
        else
            winograd_prepare_forward(&node->dims.conv, net->prepared + place, w);
    }
}

void net_hold(Net *net, const float *weights)
{
    CHECK(net->planned);
    net->held = weights;
    if (!weights) return;
    prepared_update(net, weights, false);
    if (net->mode != NET_INFER) prepared_update(net, weights, true);
}
