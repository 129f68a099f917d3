/* The memory that a training takes, computed from its plan, and the warning when less is free. */
#include <stdio.h>

#include "base/parallel.h"
#include "base/term.h"
#include "diffusion/sampler.h"
#include "train/train_internal.h"

/* What the program itself and its libraries hold: 3.3 to 4.6 MiB where the plan is filled. */
enum { PROGRAM_BYTES = 4 << 20 };
/* And what MPI holds beside it: 9 to 12 MiB with Open MPI 4.1 and 2 or 4 processes, shared memory or TCP. */
enum { MPI_BYTES = 12 << 20 };

static size_t batch_bytes(const TrainBatch *b)
{
    enum { ARRAYS_OF_VALUES = 3, NUMBERS_AN_IMAGE = 12 };
    return (size_t)b->size * (ARRAYS_OF_VALUES * b->dims + NUMBERS_AN_IMAGE) * sizeof(float);
}

static size_t largest_tensor(const ParamTable *table)
{
    size_t largest = 0;
    for (int i = 0; i < table->count; i++)
        if (table->info[i].count > largest) largest = table->info[i].count;
    return largest * sizeof(float);
}

bool plan_memory(Trainer *t, Err *err)
{
    TrainPlan *p = &t->plan;
    NetMode train = t->train_network.mode, predict = t->eval_network.mode;
    size_t block = t->table.block_floats * sizeof(float);
    OptimizerKind update = t->config.train.optimizer.kind;
    p->parameter_bytes = (4 + (size_t)t->optimizer.gradients.buffers) * block +
                         optimizer_scratch_floats(&t->table, update) * sizeof(float) +
                         net_packed_bytes(t->train_network.net, train) +
                         net_packed_bytes(t->eval_network.net, predict);
    size_t training = net_plan_bytes(t->train_network.net, train, parallel_threads());
    size_t predicting = net_plan_bytes(t->eval_network.net, predict, parallel_threads());
    if (!training || !predicting)
        return err_set(err, ERR_MEMORY, "not enough memory to plan the network's passes");
    p->activation_bytes =
        (size_t)t->train_network.copies * training + (size_t)t->eval_network.copies * predicting;
    p->data_bytes = t->data.on_disk ? 0 : t->data.count * shape_values(p->image);

    size_t fixed = PROGRAM_BYTES + p->data_bytes + largest_tensor(&t->table);
    if (t->processes > 1) fixed += MPI_BYTES;
    if (t->data.split) fixed += (t->data.count + t->data.train_count) * sizeof *t->data.split;
    if (t->data.labels) fixed += t->data.count;
    if (t->data.on_disk) fixed += t->data.count * sizeof(uint32_t); /* checksums */
    size_t batches = batch_bytes(&t->eval_batch) + update_losses(t) * sizeof *t->losses;
    for (int b = 0; b < t->optimizer.gradients.together; b++)
        batches += batch_bytes(&t->train_batch[b]);
    size_t samples = (size_t)t->sample_count * t->train_network.dims * (1 + SAMPLER_SCRATCH) *
                     sizeof *t->sample_state;
    p->memory_bytes =
        fixed + p->parameter_bytes + p->activation_bytes + batches + samples + distance_bytes(t);
    /* A checkpoint is read whole, weights, averages and moments, and copied into blocks of the same size. */
    size_t resuming = fixed + t->checkpoint.file.file.size + 4 * block;
    if (resuming > p->memory_bytes) p->memory_bytes = resuming;
    return true;
}

bool train_memory_is_short(const TrainPlan *p, const MachineMemory *m, char *out, size_t size)
{
    char needed[16], there[16], part[16];
    uint64_t room = m->bytes + m->resident;
    if (m->bytes == UINT64_MAX || p->memory_bytes <= room) return false;
    const char *what = "weights, gradients and averages", *less = "smaller model.channels";
    size_t most = p->parameter_bytes;
    if (p->activation_bytes > most) {
        most = p->activation_bytes;
        what = "activations";
        less = p->micro_batch > 1
                   ? "a smaller train.micro_batch, or train.batch with train.accumulate,"
                   : "smaller model.channels or data.size";
    }
    if (p->data_bytes > most) {
        most = p->data_bytes;
        what = "data";
        less = "a smaller data.limit or data.size";
    }
    term_format_bytes(needed, (double)p->memory_bytes);
    term_format_bytes(there, (double)room);
    term_format_bytes(part, (double)most);
    snprintf(out, size,
             "the training takes about %s, and %s are %s: the system may end it at any moment; %s "
             "are %s, and %s needs less",
             needed, there, memory_bound_words(m->bound), part, what, less);
    return true;
}
