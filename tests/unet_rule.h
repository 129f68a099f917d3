/* The weights and inputs of the reference vectors, which need no file: a rule gives each number. */
#ifndef DIFFC_TESTS_UNET_RULE_H
#define DIFFC_TESTS_UNET_RULE_H

#include "net/net.h"
#include "test.h"

/* The fill rule of the vectors: tensors sorted by name, in disk layout, values of
 * sin(0.7 j + 0.3 i + square i^2). */
static inline void fill_by_rule(const ParamTable *table, float *block, double square)
{
    float *disk = test_floats(table->block_floats);
    memset(block, 0, table->block_floats * sizeof *block);
    for (int i = 0; i < table->count; i++) {
        const ParamInfo *p = &table->info[i];
        int j = 0;
        for (int k = 0; k < table->count; k++) j += strcmp(table->info[k].name, p->name) < 0;
        const char *suffix = strrchr(p->name, '.');
        double bias = 0.0, factor = 0.1;
        if (strcmp(p->name, "time_proj.weight") == 0)
            factor = 1.0;
        else if (p->rank > 1)
            factor = 1.0 / sqrt((double)p->count / p->shape[0]);
        else if (strcmp(suffix, ".weight") == 0)
            bias = 1.0;
        for (size_t e = 0; e < p->count; e++)
            disk[e] = (float)(bias + factor * sin(0.3 * (double)e + square * (double)e * (double)e +
                                                  0.7 * j));
        params_from_disk(p, block + p->offset, disk);
    }
}

/* y[i] = function(step i + square i^2) over the flat index of [N,C,H,W], stored as [N,H,W,C]. */
static inline void fill_wave(const Net *net, int node, float *y, double (*function)(double),
                             double step, double square)
{
    Shape s = net_shape(net, node);
    size_t i = 0;
    for (int n = 0; n < net_batch(net); n++)
        for (int c = 0; c < s.C; c++)
            for (int p = 0; p < s.H * s.W; p++, i++)
                y[((size_t)n * (size_t)(s.H * s.W) + (size_t)p) * (size_t)s.C + (size_t)c] =
                    (float)function(step * (double)i + square * (double)i * (double)i);
}

/* Out of the net's layout into [N,C,H,W]. */
static inline void to_nchw(const Net *net, int node, float *out, const float *y)
{
    Shape s = net_shape(net, node);
    size_t i = 0;
    for (int n = 0; n < net_batch(net); n++)
        for (int c = 0; c < s.C; c++)
            for (int p = 0; p < s.H * s.W; p++, i++)
                out[i] = y[((size_t)n * (size_t)(s.H * s.W) + (size_t)p) * (size_t)s.C + (size_t)c];
}

#endif
