#include "train/optimizer.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/world.h"
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
    const ParamInfo *tensor;
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
                                       .matrix = o->config.kind == OPTIMIZER_MUON && muon_takes(p),
                                       .tensor = p};
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
    o->end_span = o->span_count;
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

/* ---- shared by processes ---- */

/* Moving a weight by Adam reads and writes 36 bytes, which takes about as long as so many FLOP of Muon's products. */
enum { FLOP_OF_A_WEIGHT = 250 };

static double cost_of(const struct OptimizerSpan *s)
{
    double part = (double)s->count / (double)s->tensor->count;
    return FLOP_OF_A_WEIGHT * (double)s->count + (s->matrix ? part * muon_flop(s->tensor) : 0);
}

/* Muon needs the whole of a matrix. */
static bool can_begin_part(const struct OptimizerSpan *s)
{
    return !s->matrix || s->offset == s->tensor->offset;
}

void optimizer_share(Optimizer *o)
{
    int parts = world_size(), part = 0;
    double total = 0, before = 0;
    CHECK(parts <= GRADIENT_BLOCKS);
    for (int i = 0; i < o->span_count; i++) total += cost_of(&o->spans[i]);
    for (int i = 0; i < o->span_count; i++) {
        while (part < parts && before >= total * part / parts && can_begin_part(&o->spans[i]))
            o->span_bounds[part++] = (size_t)i;
        before += cost_of(&o->spans[i]);
    }
    while (part <= parts) o->span_bounds[part++] = (size_t)o->span_count;
    o->bounds[0] = 0;
    for (part = 1; part <= parts; part++) {
        size_t i = o->span_bounds[part];
        o->bounds[part] = i < (size_t)o->span_count ? o->spans[i].offset : o->table->block_floats;
    }
    o->shared = true;
    o->first_span = (int)o->span_bounds[world_part()];
    o->end_span = (int)o->span_bounds[world_part() + 1];
}

void optimizer_gather(Optimizer *o)
{
    float *const blocks[] = {o->m, o->v, o->ema};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks && o->shared; i++)
        world_gather_parts(blocks[i], sizeof **blocks, o->bounds);
}

static void find_squares(Optimizer *o)
{
#pragma omp parallel for schedule(dynamic, 4)
    for (int i = o->first_span; i < o->end_span; i++)
        o->squares[i] = vec_sum_squares(o->grads + o->spans[i].offset, o->spans[i].count);
}

/* ---- an update ---- */

double optimizer_sum_gradients(Optimizer *o)
{
    bool last = gradient_tree_is_last(&o->gradients), whole = last && !o->shared;
#pragma omp parallel for schedule(dynamic, 4)
    for (int i = 0; i < o->span_count; i++) {
        size_t at = o->spans[i].offset, count = o->spans[i].count;
        gradient_tree_sum(&o->gradients, at, count);
        if (whole) o->squares[i] = vec_sum_squares(o->grads + at, count);
    }
    gradient_tree_next(&o->gradients);
    if (!last) return 0;
    if (o->shared) {
        world_sum_parts(o->grads, o->bounds);
        find_squares(o);
        world_gather_parts(o->squares, sizeof *o->squares, o->span_bounds);
    }
    double sum = 0;
    for (int i = 0; i < o->span_count; i++) sum += o->squares[i];
    return sqrt(sum);
}

static void average(float *ema, const float *weights, size_t count, float decay)
{
    for (size_t i = 0; i < count; i++) ema[i] += (1 - decay) * (weights[i] - ema[i]);
}

/* Matrices have been moved by muon_update. */
static void move_piece(Optimizer *o, const struct OptimizerSpan *s, const AdamStep *step)
{
    size_t at = s->offset;
    if (s->matrix)
        average(o->ema + at, o->weights + at, s->count, step->ema_decay);
    else if (s->trainable)
        vec->adam(o->weights + at, o->m + at, o->v + at, o->ema + at, o->grads + at, s->count,
                  step);
    else
        memcpy(o->ema + at, o->weights + at, s->count * sizeof(float));
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
        muon_update(o->table, o->shared ? o->bounds + world_part() : NULL, o->weights, o->m,
                    o->grads, &(MuonStep){step.lr, MUON_MOMENTUM, step.decay, step.grad_scale},
                    o->scratch);
#pragma omp parallel for schedule(dynamic, 4)
    for (int i = 0; i < o->span_count; i++) {
        const struct OptimizerSpan *s = &o->spans[i];
        if (i >= o->first_span && i < o->end_span) move_piece(o, s, &step);
        memset(o->grads + s->offset, 0, s->count * sizeof(float));
    }
    if (o->shared) world_gather_parts(o->weights, sizeof *o->weights, o->bounds);
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
