#include "io/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/fsio.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/checkpoint_files.h"
#include "io/safetensors.h"

enum { BLOCKS = 4, NAME_ROOM = PARAM_NAME_BYTES + 8, SHAPE_ROOM = 80 };
#define CHECKPOINT_LIMIT ((size_t)1 << 36)

static const char *const prefixes[BLOCKS] = {"w", "ema", "m", "v"};

/* Tensor number b * count + i of a checkpoint is parameter i of block b. */
typedef struct {
    const ParamTable *table;
    const float *blocks[BLOCKS];
    TensorOut *tensors;
    char (*names)[NAME_ROOM];
    size_t count;
    float *disk; /* one tensor in disk layout */
} Layout;

static void tensor_name(char out[NAME_ROOM], const ParamInfo *info, int block)
{
    snprintf(out, NAME_ROOM, "%s.%s", prefixes[block], info->name);
}

static const ParamInfo *fill_one(const Layout *l, size_t tensor, float *out)
{
    size_t params = (size_t)l->table->count;
    const ParamInfo *info = &l->table->info[tensor % params];
    params_to_disk(info, out, l->blocks[tensor / params] + info->offset);
    return info;
}

static void fill(const void *context, size_t tensor, float *out)
{
    fill_one(context, tensor, out);
}

static bool layout_open(Layout *l, const ParamTable *table, const CheckpointBlocks *blocks)
{
    *l = (Layout){.table = table,
                  .blocks = {blocks->weights, blocks->ema, blocks->m, blocks->v},
                  .count = BLOCKS * (size_t)table->count};
    l->tensors = mem_alloc(l->count, sizeof *l->tensors);
    l->names = mem_alloc(l->count, sizeof *l->names);
    l->disk = mem_floats(params_largest(table));
    if (!l->tensors || !l->names || !l->disk) return false;
    for (size_t k = 0; k < l->count; k++) {
        const ParamInfo *info = &table->info[k % (size_t)table->count];
        tensor_name(l->names[k], info, (int)(k / (size_t)table->count));
        l->tensors[k] = (TensorOut){
            .name = l->names[k], .rank = info->rank, .fill = fill, .context = l, .index = k};
        for (int d = 0; d < info->rank; d++) l->tensors[k].shape[d] = info->shape[d];
    }
    safetensors_sort(l->tensors, l->count);
    return true;
}

static void layout_close(Layout *l)
{
    mem_free(l->tensors);
    mem_free(l->names);
    mem_free(l->disk);
}

/* Adds a tensor to the check sum: its name, its shape, its bytes. */
static uLong check_tensor(uLong crc, const char *name, const int64_t *shape, int rank,
                          const void *bytes, size_t size)
{
    char text[SHAPE_ROOM];
    tensor_shape_text(text, sizeof text, shape, rank);
    crc = crc32_z(crc, (const Bytef *)name, strlen(name) + 1);
    crc = crc32_z(crc, (const Bytef *)text, strlen(text) + 1);
    return size ? crc32_z(crc, bytes, size) : crc; /* a NULL would reset the sum */
}

/* The check sum of what will be written; a value that is not finite stops the save. */
static bool check_layout(Layout *l, const char *path, const char *state, uLong *crc, Err *err)
{
    *crc = crc32_z(0, (const Bytef *)state, strlen(state) + 1);
    for (size_t k = 0; k < l->count; k++) {
        const TensorOut *t = &l->tensors[k];
        const ParamInfo *info = fill_one(l, t->index, l->disk);
        for (size_t i = 0; i < info->count; i++)
            if (!isfinite(l->disk[i]))
                return err_set(err, ERR_DIVERGED,
                               "%s: not written, for \"%s\" holds values that are not finite; the "
                               "checkpoints before stay",
                               path, t->name);
        *crc = check_tensor(*crc, t->name, t->shape, t->rank, l->disk, info->count * sizeof(float));
    }
    return true;
}

bool checkpoint_save(const char *run, const ParamTable *table, const CheckpointBlocks *blocks,
                     const CheckpointState *state, int keep, Err *err)
{
    char folder[PATH_BYTES], path[PATH_BYTES], check[16];
    uLong crc;
    CHECK(keep >= 1 && state->step >= 0);
    if (!path_join(folder, run, CHECKPOINT_FOLDER, err) || !folder_make(folder, err) ||
        !checkpoint_path(path, run, state->step, err))
        return false;
    Layout l;
    bool ok = layout_open(&l, table, blocks);
    char *text = checkpoint_state_text(state, blocks->method, blocks->method_count);
    if (!ok || !text) {
        ok = err_set(err, ERR_MEMORY, "%s: not enough memory to write it", path);
        goto done;
    }
    ok = check_layout(&l, path, text, &crc, err);
    if (ok) {
        snprintf(check, sizeof check, "%08lx", crc);
        const char *metadata[] = {"check", check, "state", text};
        ok = safetensors_write(path, l.tensors, l.count, metadata, 2, err);
    }
    if (ok) checkpoint_rotate(run, state->step, keep);
done:
    mem_free(text);
    layout_close(&l);
    return ok;
}

/* Whether the file is, bit for bit, what was written. */
static bool verify(const Safetensors *st, const char *path, Err *err)
{
    const char *state = safetensors_metadata(st, "state");
    const char *check = safetensors_metadata(st, "check");
    char expected[16];
    if (!state || !check || st->metadata_count != 2)
        return err_set(err, ERR_FORMAT, "%s: is not a checkpoint (no \"state\" and \"check\")",
                       path);
    uLong crc = crc32_z(0, (const Bytef *)state, strlen(state) + 1);
    for (size_t k = 0; k < st->count; k++) {
        const TensorInfo *t = &st->tensors[k];
        if (strcmp(t->dtype, "F32") != 0)
            return err_set(err, ERR_FORMAT, "%s: holds a tensor of type %s, expected F32", path,
                           t->dtype);
        crc = check_tensor(crc, t->name, t->shape, t->rank, st->data + t->begin, t->end - t->begin);
    }
    snprintf(expected, sizeof expected, "%08lx", crc);
    return strcmp(check, expected) == 0 ||
           err_set(err, ERR_FORMAT, "%s: is damaged (check sum %s, but its content gives %s)", path,
                   check, expected);
}

/* The first difference between the file's tensors and the network's parameters. */
static bool check_table(const Safetensors *st, const ParamTable *table, const char *path, Err *err)
{
    char name[NAME_ROOM], there[SHAPE_ROOM], here[SHAPE_ROOM];
    for (int b = 0; b < BLOCKS; b++) {
        for (int i = 0; i < table->count; i++) {
            const ParamInfo *info = &table->info[i];
            tensor_name(name, info, b);
            const TensorInfo *t = safetensors_find(st, name);
            if (!t)
                return err_set(err, ERR_FORMAT,
                               "%s: belongs to another network: it has no \"%s\", which the "
                               "configured one needs",
                               path, name);
            int64_t shape[4] = {0};
            for (int d = 0; d < info->rank; d++) shape[d] = info->shape[d];
            if (t->rank == info->rank &&
                memcmp(t->shape, shape, (size_t)t->rank * sizeof *shape) == 0)
                continue;
            tensor_shape_text(there, sizeof there, t->shape, t->rank);
            tensor_shape_text(here, sizeof here, shape, info->rank);
            return err_set(err, ERR_FORMAT,
                           "%s: belongs to another network: \"%s\" is %s there, but %s in the "
                           "configured one",
                           path, name, there, here);
        }
    }
    if (st->count == BLOCKS * (size_t)table->count) return true;
    for (size_t k = 0; k < st->count; k++) {
        const char *dot = strchr(st->tensors[k].name, '.');
        if (dot && params_find(table, dot + 1) >= 0) continue;
        char shown[SHAPE_ROOM];
        text_escape(shown, sizeof shown, st->tensors[k].name);
        return err_set(err, ERR_FORMAT,
                       "%s: belongs to another network: it holds \"%s\", which the configured one "
                       "does not have",
                       path, shown);
    }
    return err_set(err, ERR_FORMAT, "%s: holds %zu tensors, expected %zu", path, st->count,
                   BLOCKS * (size_t)table->count);
}

static bool copy_blocks(const Safetensors *st, const ParamTable *table, CheckpointBlocks *blocks,
                        const char *path, Err *err)
{
    float *targets[BLOCKS] = {blocks->weights, blocks->ema, blocks->m, blocks->v};
    char name[NAME_ROOM];
    float *disk = mem_floats(params_largest(table));
    if (!disk) return err_set(err, ERR_MEMORY, "%s: not enough memory to read it", path);
    for (int b = 0; b < BLOCKS; b++) {
        memset(targets[b], 0, table->block_floats * sizeof(float));
        for (int i = 0; i < table->count; i++) {
            const ParamInfo *info = &table->info[i];
            tensor_name(name, info, b);
            /* Found and of type F32: check_table and verify have seen to it. */
            CHECK(safetensors_read_floats(st, safetensors_find(st, name), path, disk, NULL));
            params_from_disk(info, targets[b] + info->offset, disk);
        }
    }
    mem_free(disk);
    return true;
}

/* *skip: the file is damaged or cannot be read, so an older one may serve. */
static bool open_one(Checkpoint *c, bool *skip, Err *err)
{
    *skip = true;
    if (!safetensors_open(&c->file, c->path, CHECKPOINT_LIMIT, err)) {
        *skip = err->kind != ERR_MEMORY;
        return false;
    }
    bool ok = verify(&c->file, c->path, err);
    *skip = !ok;
    ok = ok && checkpoint_state_parse(safetensors_metadata(&c->file, "state"), c->path, &c->state,
                                      &c->record, err);
    if (!ok) checkpoint_close(c);
    return ok;
}

void checkpoint_close(Checkpoint *c)
{
    if (c->file.file.bytes) safetensors_close(&c->file);
    if (c->record) run_record_free(c->record);
    mem_free(c->record);
    memset(c, 0, sizeof *c);
}

bool checkpoint_open_newest(Checkpoint *c, const char *run, char *notes, size_t notes_size,
                            Err *err)
{
    CheckpointList list;
    size_t used = 0;
    Err reason = {0};
    memset(c, 0, sizeof *c);
    if (notes_size) notes[0] = '\0';
    if (!checkpoint_list(run, &list, err)) return false;
    bool ok = false, skip = true;
    for (size_t i = 0; i < list.count && !ok && skip; i++) {
        if (!checkpoint_path(c->path, run, list.steps[i], err)) break;
        ok = open_one(c, &skip, &reason);
        if (ok || !skip || used >= notes_size) continue;
        int n = snprintf(notes + used, notes_size - used, "%sskipped %s", used ? "\n" : "",
                         reason.text);
        used += n > 0 ? (size_t)n : 0;
    }
    if (!ok && !skip)
        err_set(err, reason.kind, "%s", reason.text);
    else if (!ok && list.count == 0)
        err_set(err, ERR_IO, "%s: holds no checkpoint", run);
    else if (!ok)
        err_set(err, ERR_IO, "%s: none of its %zu checkpoints can be used; the oldest: %s", run,
                list.count, reason.text);
    mem_free(list.steps);
    return ok;
}

bool checkpoint_read(const Checkpoint *c, const ParamTable *table, CheckpointBlocks *blocks,
                     Err *err)
{
    size_t count = blocks->method_count;
    double *method = mem_doubles(count);
    bool ok = method || err_set(err, ERR_MEMORY, "%s: not enough memory to read it", c->path);
    ok = ok &&
         checkpoint_state_method(safetensors_metadata(&c->file, "state"), c->path, method, count,
                                 err) &&
         check_table(&c->file, table, c->path, err) &&
         copy_blocks(&c->file, table, blocks, c->path, err);
    if (ok && count > 0) memcpy(blocks->method, method, count * sizeof *method);
    mem_free(method);
    return ok;
}

bool checkpoint_peek(const char *run, RunRecord *record, bool *found, char *notes,
                     size_t notes_size, Err *err)
{
    Checkpoint c;
    CheckpointList list;
    Err reason = {0};
    *found = false;
    if (notes_size) notes[0] = '\0';
    if (!checkpoint_list(run, &list, err)) return false;
    size_t count = list.count;
    mem_free(list.steps);
    if (count == 0) return true;
    if (!checkpoint_open_newest(&c, run, notes, notes_size, &reason))
        /* Damaged ones are named in the notes; anything else is a failure. */
        return (reason.kind != ERR_MEMORY && notes_size && notes[0]) ||
               err_set(err, reason.kind, "%s", reason.text);
    *found = c.record != NULL;
    if (c.record) *record = *c.record;
    mem_free(c.record);
    c.record = NULL;
    checkpoint_close(&c);
    return true;
}
