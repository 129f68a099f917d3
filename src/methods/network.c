#include "methods/network.h"

#include <string.h>

Network network_copy(const Network *nw, int i)
{
    Network copy = *nw;
    if (i > 0) copy.net = nw->others[i - 1];
    return copy;
}

void network_forward(Network *nw, const float *weights, const float *xt, const float *t,
                     const float *label)
{
    size_t batch = (size_t)nw->batch;
    memcpy(net_value(nw->net, nw->x), xt, batch * nw->dims * sizeof *xt);
    memcpy(net_value(nw->net, nw->t), t, batch * sizeof *t);
    if (nw->label >= 0) memcpy(net_value(nw->net, nw->label), label, batch * sizeof *label);
    net_forward(nw->net, weights);
}
