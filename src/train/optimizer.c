#include "train/optimizer.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "math/vec.h"
#include "train/muon.h"

const char *const optimizer_words[] = {
    [OPTIMIZER_ADAM] = "adam", [OPTIMIZER_ADAMW] = "adamw", [OPTIMIZER_MUON] = "muon", NULL};
const char *const rate_words[] = {[RATE_CONSTANT] = "constant", [RATE_COSINE] = "cosine", NULL};

/* A piece of one tensor. The pieces depend on the table only, so sums over them have a fixed order. */
struct OptimizerSpan {
    size_t offset, count;
    bool trainable;
    bool matrix; /* muon_update moves its weights */
};

enum { SPAN_FLOATS = 32768 };

static bool make_spans(Optimizer *o)
{
    int count = 0;
    for (int i = 0; i < o->table->count; i++)
        count += (int)((o->table->info[i].count + SPAN_FLOATS - 1) / SPAN_FLOATS);
    o->spans = mem_alloc((size_t)count, sizeof *o->spans);
    o->squares = mem_doubles((size_t)count);
    if (!o->spans || !o->squares) return false;
    for (int i = 0; i < o->table->count; i++) {
        const ParamInfo *p = &o->table->info[i];
        for (size_t at = 0; at < p->count; at += SPAN_FLOATS) {
            size_t part = p->count - at < SPAN_FLOATS ? p->count - at : SPAN_FLOATS;
            o->spans[o->span_count++] =
                (struct OptimizerSpan){.offset = p->offset + at,
                                       .count = part,
                                       .trainable = p->trainable,
                                       .matrix = o->config.kind == OPTIMIZER_MUON && muon_takes(p)};
        }
    }
    return true;
}

size_t optimizer_scratch_floats(const ParamTable *table, OptimizerKind kind)
{
    return kind == OPTIMIZER_MUON ? muon_scratch_floats(table) : 0;
}

bool optimizer_open(Optimizer *o, const ParamTable *table, const OptimizerConfig *config,
                    int gradient_blocks, Err *err)
{
    memset(o, 0, sizeof *o);
    o->config = *config;
    o->table = table;
    o->weights = mem_floats(table->block_floats);
    o->m = mem_floats(table->block_floats);
    o->v = mem_floats(table->block_floats);
    o->ema = mem_floats(table->block_floats);
    o->scratch = mem_floats(optimizer_scratch_floats(table, config->kind));
    bool ok = o->weights && o->m && o->v && o->ema && o->scratch && make_spans(o);
    if (ok)
        ok = gradient_tree_open(&o->gradients, table->block_floats, gradient_blocks, err);
    else
        err_set(
            err, ERR_MEMORY,
            "not enough memory for %zu parameters, two moments and the moving average (%zu MiB)",
            table->parameters, 4 * table->block_floats * sizeof(float) >> 20);
    if (!ok) {
        optimizer_close(o);
        return false;
    }
    o->grads = o->gradients.buffer[0];
    return true;
}

void optimizer_close(Optimizer *o)
{
    mem_free(o->weights);
    gradient_tree_close(&o->gradients);
    mem_free(o->m);
    mem_free(o->v);
    mem_free(o->ema);
    mem_free(o->spans);
    mem_free(o->squares);
    mem_free(o->scratch);
    memset(o, 0, sizeof *o);
}

double optimizer_sum_gradients(Optimizer *o)
{
    bool last = gradient_tree_is_last(&o->gradients);
#pragma omp parallel for schedule(dynamic, 4)
    for (int i = 0; i < o->span_count; i++) {
        size_t at = o->spans[i].offset, count = o->spans[i].count;
        gradient_tree_sum(&o->gradients, at, count);
        o->squares[i] = last ? vec_sum_squares(o->grads + at, count) : 0;
    }
    gradient_tree_next(&o->gradients);
    double sum = 0;
    for (int i = 0; i < o->span_count; i++) sum += o->squares[i];
    return sqrt(sum);
}

static void average(float *ema, const float *weights, size_t count, float decay)
{
    for (size_t i = 0; i < count; i++) ema[i] += (1 - decay) * (weights[i] - ema[i]);
}

void optimizer_update(Optimizer *o, double lr, double norm)
{
    const OptimizerConfig *c = &o->config;
    double n = (double)(o->step + 1);
    double warm = (double)(1 + o->step) / (double)(10 + o->step);
    bool decoupled = c->kind != OPTIMIZER_ADAM;
    AdamStep step = {
        .lr = (float)lr,
        .b1 = (float)c->beta1,
        .b2 = (float)c->beta2,
        .eps = (float)c->eps,
        .decay = decoupled ? (float)c->weight_decay : 0,
        .l2 = decoupled ? 0 : (float)c->weight_decay,
        .c1 = (float)(1 - pow(c->beta1, n)),
        .c2 = (float)(1 - pow(c->beta2, n)),
        .grad_scale = c->clip > 0 && norm > c->clip ? (float)(c->clip / norm) : 1,
        .ema_decay = (float)(warm < c->ema ? warm : c->ema),
    };
    if (c->kind == OPTIMIZER_MUON)
        muon_update(o->table, o->weights, o->m, o->grads,
                    &(MuonStep){step.lr, MUON_MOMENTUM, step.decay, step.grad_scale}, o->scratch);
#pragma omp parallel for schedule(dynamic, 4)
    for (int i = 0; i < o->span_count; i++) {
        size_t at = o->spans[i].offset, count = o->spans[i].count;
        if (o->spans[i].matrix)
            average(o->ema + at, o->weights + at, count, step.ema_decay);
        else if (o->spans[i].trainable)
            vec->adam(o->weights + at, o->m + at, o->v + at, o->ema + at, o->grads + at, count,
                      &step);
        else
            memcpy(o->ema + at, o->weights + at, count * sizeof(float));
        memset(o->grads + at, 0, count * sizeof(float));
    }
    o->step++;
}

double learning_rate(const OptimizerConfig *c, int64_t n, double progress)
{
    double rate = n < c->warmup ? c->lr * (double)(n + 1) / (double)c->warmup : c->lr;
    if (c->schedule == RATE_COSINE) {
        double p = progress < 0 ? 0 : progress > 1 ? 1 : progress;
        rate *= 0.5 * (1 + cos(3.14159265358979323846 * p));
    }
    return rate;
}
