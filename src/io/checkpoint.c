#include "io/checkpoint.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/fsio.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/checkpoint_files.h"
#include "io/safetensors.h"

enum { BLOCKS = 4, NAME_ROOM = PARAM_NAME_BYTES + 8 };
#define CHECKPOINT_LIMIT ((size_t)1 << 36)

static const char *const prefixes[BLOCKS] = {"w", "ema", "m", "v"};

static void tensor_name(char out[NAME_ROOM], const ParamInfo *info, int block)
{
    snprintf(out, NAME_ROOM, "%s.%s", prefixes[block], info->name);
}

/* What a file is made of. */
typedef struct {
    TensorOut *tensors; /* in the file's order */
    char (*names)[NAME_ROOM];
    size_t count;
    float *disk; /* one tensor in disk layout */
} Layout;

static bool layout_open(Layout *l, const ParamTable *table, const CheckpointBlocks *blocks)
{
    const float *sources[BLOCKS] = {blocks->weights, blocks->ema, blocks->m, blocks->v};
    size_t params = (size_t)table->count;
    *l = (Layout){.count = BLOCKS * params};
    l->tensors = mem_alloc(l->count, sizeof *l->tensors);
    l->names = mem_alloc(l->count, sizeof *l->names);
    l->disk = mem_floats(params_largest(table));
    if (!l->tensors || !l->names || !l->disk) return false;
    for (int b = 0; b < BLOCKS; b++)
        tensors_of_block(l->tensors + (size_t)b * params, table, sources[b]);
    for (size_t k = 0; k < l->count; k++) {
        tensor_name(l->names[k], l->tensors[k].info, (int)(k / params));
        l->tensors[k].name = l->names[k];
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

static uLong check_text(uLong crc, const char *text)
{
    return crc32_z(crc, (const Bytef *)text, strlen(text) + 1);
}

/* Adds a tensor to the check sum: its name, its shape, its bytes. */
static uLong check_tensor(uLong crc, const char *name, const char *shape, const void *bytes,
                          size_t size)
{
    crc = check_text(check_text(crc, name), shape);
    return size ? crc32_z(crc, bytes, size) : crc; /* a NULL would reset the sum */
}

static uLong check_layout(const Layout *l, const char *state)
{
    uLong crc = check_text(0, state);
    for (size_t k = 0; k < l->count; k++) {
        const TensorOut *t = &l->tensors[k];
        char shape[SHAPE_TEXT_BYTES];
        param_shape_text(shape, t->info);
        params_to_disk(t->info, l->disk, t->values);
        crc = check_tensor(crc, t->name, shape, l->disk, t->info->count * sizeof(float));
    }
    return crc;
}

bool checkpoint_save(const char *run, const ParamTable *table, const CheckpointBlocks *blocks,
                     const CheckpointState *state, int keep, Err *err)
{
    char folder[PATH_BYTES], path[PATH_BYTES], check[16];
    CHECK(keep >= 1 && state->step >= 0);
    if (!path_join(folder, run, CHECKPOINT_FOLDER, err) || !folder_make(folder, err) ||
        !checkpoint_path(path, run, state->step, err))
        return false;
    Layout l;
    JsonWriter w;
    json_write_init(&w, 0);
    checkpoint_state_put(&w, state, blocks->method, blocks->method_count);
    const char *text = json_text(&w);
    bool ok = (layout_open(&l, table, blocks) && text) ||
              err_set(err, ERR_MEMORY, "%s: not enough memory to write it", path);
    ok = ok && tensors_check_finite(l.tensors, l.count, path, err);
    if (ok) {
        snprintf(check, sizeof check, "%08lx", check_layout(&l, text));
        const char *metadata[] = {"check", check, "state", text};
        ok = safetensors_write(path, l.tensors, l.count, metadata, 2, err);
    }
    if (ok) checkpoint_rotate(run, state->step, keep);
    json_write_free(&w);
    layout_close(&l);
    return ok;
}

/* Whether the file is, bit for bit, what was written. */
static bool verify(const Safetensors *st, const char *path, Err *err)
{
    const char *state = safetensors_metadata(st, "state");
    const char *check = safetensors_metadata(st, "check");
    char expected[16], shape[SHAPE_TEXT_BYTES];
    if (!state || !check || st->metadata_count != 2)
        return err_set(err, ERR_FORMAT, "%s: is not a checkpoint (no \"state\" and \"check\")",
                       path);
    uLong crc = check_text(0, state);
    for (size_t k = 0; k < st->count; k++) {
        const TensorInfo *t = &st->tensors[k];
        if (strcmp(t->dtype, "F32") != 0)
            return err_set(err, ERR_FORMAT, "%s: holds a tensor of type %s, expected F32", path,
                           t->dtype);
        tensor_shape_text(shape, t);
        crc = check_tensor(crc, t->name, shape, st->data + t->begin, t->end - t->begin);
    }
    snprintf(expected, sizeof expected, "%08lx", crc);
    return strcmp(check, expected) == 0 ||
           err_set(err, ERR_FORMAT, "%s: is damaged (check sum %s, but its content gives %s)", path,
                   check, expected);
}

/* The first difference between the file's tensors and the network's parameters. */
static bool check_table(const Safetensors *st, const ParamTable *table, const char *path, Err *err)
{
    char name[NAME_ROOM], there[SHAPE_TEXT_BYTES], here[SHAPE_TEXT_BYTES], shown[NAME_ROOM];
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
            tensor_shape_text(there, t);
            param_shape_text(here, info);
            if (strcmp(there, here) != 0)
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
        text_escape(shown, sizeof shown, st->tensors[k].name);
        return err_set(err, ERR_FORMAT,
                       "%s: belongs to another network: it holds \"%s\", which the configured one "
                       "does not have",
                       path, shown);
    }
    return err_set(err, ERR_FORMAT, "%s: holds %zu tensor%s, expected %zu", path, st->count,
                   st->count == 1 ? "" : "s", BLOCKS * (size_t)table->count);
}

/* Those that are NULL are left out. */
static bool copy_blocks(const Safetensors *st, const ParamTable *table, CheckpointBlocks *blocks,
                        const char *path, Err *err)
{
    float *targets[BLOCKS] = {blocks->weights, blocks->ema, blocks->m, blocks->v};
    char name[NAME_ROOM];
    float *disk = mem_floats(params_largest(table));
    if (!disk) return err_set(err, ERR_MEMORY, "%s: not enough memory to read it", path);
    for (int b = 0; b < BLOCKS; b++) {
        if (!targets[b]) continue;
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
    ok = ok && checkpoint_state_read(c, safetensors_metadata(&c->file, "state"), err);
    if (!ok) checkpoint_close(c);
    return ok;
}

bool checkpoint_open(Checkpoint *c, const char *path, Err *err)
{
    bool skip;
    memset(c, 0, sizeof *c);
    if (strlen(path) >= sizeof c->path)
        return err_set(err, ERR_IO, "%.200s...: the path is too long", path);
    memcpy(c->path, path, strlen(path) + 1);
    return open_one(c, &skip, err);
}

void checkpoint_close(Checkpoint *c)
{
    if (c->file.file.bytes) safetensors_close(&c->file);
    if (c->record) run_record_free(c->record);
    mem_free(c->record);
    mem_free(c->method);
    memset(c, 0, sizeof *c);
}

bool checkpoint_open_newest(Checkpoint *c, const char *run, char *notes, size_t notes_size,
                            Err *err)
{
    CheckpointList list;
    Err reason = {0};
    memset(c, 0, sizeof *c);
    if (notes_size) notes[0] = '\0';
    if (!checkpoint_list(run, &list, err)) return false;
    bool ok = false, skip = true;
    for (size_t i = 0; i < list.count && !ok && skip; i++) {
        if (!checkpoint_path(c->path, run, list.steps[i], err)) break;
        ok = open_one(c, &skip, &reason);
        if (!ok && skip && notes_size)
            text_append(notes, notes_size, "%sskipped %s", *notes ? "\n" : "", reason.text);
    }
    if (!ok && !skip)
        err_set(err, reason.kind, "%s", reason.text);
    else if (!ok && list.count == 0)
        err_set(err, ERR_IO, "%s: holds no checkpoint", run);
    else if (!ok && list.count == 1)
        err_set(err, ERR_IO, "%s: its only checkpoint cannot be used: %s", run, reason.text);
    else if (!ok)
        err_set(err, ERR_IO, "%s: none of its %zu checkpoints can be used; the oldest: %s", run,
                list.count, reason.text);
    mem_free(list.steps);
    return ok;
}

bool checkpoint_read(const Checkpoint *c, const ParamTable *table, CheckpointBlocks *blocks,
                     Err *err)
{
    if (c->method_count != blocks->method_count)
        return err_set(err, ERR_FORMAT,
                       "%s: holds %zu numbers of the method's own, but the configured method has "
                       "%zu; it belongs to a run of another method or number of steps",
                       c->path, c->method_count, blocks->method_count);
    if (!check_table(&c->file, table, c->path, err) ||
        !copy_blocks(&c->file, table, blocks, c->path, err))
        return false;
    for (size_t i = 0; i < c->method_count; i++) blocks->method[i] = c->method[i];
    return true;
}

bool checkpoint_read_weights(const Checkpoint *c, const ParamTable *table, bool averaged,
                             float *block, Err *err)
{
    CheckpointBlocks blocks = {0};
    *(averaged ? &blocks.ema : &blocks.weights) = block;
    return check_table(&c->file, table, c->path, err) &&
           copy_blocks(&c->file, table, &blocks, c->path, err);
}

bool checkpoint_peek(const char *run, RunRecord *record, bool *found, char *notes,
                     size_t notes_size, Err *err)
{
    Checkpoint c;
    Err reason = {0};
    bool exists;
    *found = false;
    if (notes_size) notes[0] = '\0';
    if (!checkpoint_exists(run, &exists, err)) return false;
    if (!exists) return true;
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
