/* What a model's network gives, for comparisons with other programs (tests/golden/compare_diffusers.py):
 *
 *   network_output MODEL LABEL [CLASS] <images >outputs
 *
 * Reads and writes raw float32: one image [H,W,C] in, the network's output [H,W,outputs] out. LABEL is
 * what the network is told of time; CLASS its class, 0 by default. */
#include <stdio.h>
#include <stdlib.h>

#include "model/model.h"

int main(int count, char **words)
{
    Model m;
    Denoiser unused;
    Err err = {0};
    if (count < 3) return 2;
    if (!model_open(&m, words[1], 0, 0, &err) || !model_prepare(&m, 1, 0, false, &unused, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    Network *nw = &m.network;
    size_t outputs = (size_t)m.image.H * (size_t)m.image.W * (size_t)nw->outputs;
    float *x = malloc(nw->dims * sizeof *x);
    float t = strtof(words[2], NULL), label = count > 3 ? strtof(words[3], NULL) : 0;
    bool ok = x && fread(x, sizeof *x, nw->dims, stdin) == nw->dims;
    if (ok) network_forward(nw, m.weights, x, &t, &label);
    ok = ok && fwrite(net_value(nw->net, nw->y), sizeof *x, outputs, stdout) == outputs;
    free(x);
    model_close(&m);
    return ok ? 0 : 1;
}
