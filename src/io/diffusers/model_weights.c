/* The weights of a model folder: which file, which tensor, which shape. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fsio.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/diffusers/model_keys.h"
#include "io/safetensors.h"

enum { NAME_ROOM = 1200, SHOWN = 160 };
/* Far above any model that fits this program, and a stop for a disk full of nonsense. */
#define WEIGHTS_LIMIT ((size_t)1 << 36)

typedef struct {
    const ParamTable *table;
    float *block;
    bool *seen;       /* [table->count] */
    float *disk;      /* the largest tensor in disk layout */
    const char *path; /* of the file being read */
    /* What stands before every name: "module." of DataParallel, "_orig_mod." of torch.compile, ... */
    char prefix[SHOWN];
    bool prefix_known;
    size_t unknown, not_finite;
    char first_unknown[SHOWN];
    Err *err;
} Loader;

static bool same(const char *segment, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(segment, word, length) == 0;
}

/* Today's names of dotted segments that stand `above` places after `parent` ("": at the beginning). */
static const struct {
    int above;
    const char *parent, *old, *today;
} renames[] = {
    {1, "", "downsample_blocks", "down_blocks"},
    {1, "", "upsample_blocks", "up_blocks"},
    {1, "", "mid", "mid_block"},
    {1, "", "time_steps", "time_proj"},
    {1, "time_proj", "W", "weight"},
    {1, "time_steps", "W", "weight"},
    {2, "attentions", "query", "to_q"},
    {2, "attentions", "key", "to_k"},
    {2, "attentions", "value", "to_v"},
    {2, "attentions", "proj_attn", "to_out.0"},
    {2, "downsamplers", "op", "conv"},
    {2, "downsamplers", "Conv2d_0", "conv"},
    {2, "upsamplers", "op", "conv"},
    {2, "upsamplers", "Conv2d_0", "conv"},
};

/* NULL: the segment keeps its name. segments: it and the two before, "" where there is none. */
static const char *modern_segment(const char *const segments[3], const size_t lengths[3])
{
    for (size_t i = 0; i < sizeof renames / sizeof *renames; i++) {
        int above = renames[i].above;
        if (same(segments[0], lengths[0], renames[i].old) &&
            same(segments[above], lengths[above], renames[i].parent))
            return renames[i].today;
    }
    return NULL;
}

/* Writes today's name of a tensor; true when it differs from the given one. */
static bool modern_name(const char *name, char out[NAME_ROOM])
{
    const char *segments[3] = {"", "", ""}; /* this one and the two before */
    size_t lengths[3] = {0, 0, 0}, used = 0;
    bool changed = false, first = true;
    for (const char *p = name;; first = false) {
        size_t length = strcspn(p, ".");
        segments[2] = segments[1], lengths[2] = lengths[1];
        segments[1] = segments[0], lengths[1] = lengths[0];
        segments[0] = p, lengths[0] = length;
        const char *newer = modern_segment(segments, lengths);
        changed |= newer != NULL;
        used += (size_t)snprintf(out + used, NAME_ROOM - used, "%s%.*s", first ? "" : ".",
                                 (int)(newer ? strlen(newer) : length), newer ? newer : p);
        if (p[length] == '\0' || used >= NAME_ROOM) return changed;
        p += length + 1;
    }
}

/* Attention weights were once 1x1 convolutions: trailing ones are the same matrix. */
static bool shape_fits(const ParamInfo *info, const TensorInfo *t)
{
    bool attention = info->rank == 2 && strstr(info->name, ".attentions.");
    if (t->rank != info->rank && !(attention && t->rank > 2 && t->rank <= 4)) return false;
    for (int i = 0; i < t->rank; i++)
        if (t->shape[i] != (i < info->rank ? info->shape[i] : 1)) return false;
    return true;
}

static bool wrong_shape(const Loader *l, const ParamInfo *info, const TensorInfo *t)
{
    char got[SHAPE_TEXT_BYTES], expected[SHAPE_TEXT_BYTES], name[SHOWN];
    tensor_shape_text(got, t);
    param_shape_text(expected, info);
    text_escape(name, sizeof name, t->name);
    return err_set(l->err, ERR_FORMAT, "%s: tensor \"%s\" has shape %s, but this network needs %s",
                   l->path, name, got, expected);
}

/* How many bytes of a tensor's name stand before that of a parameter; -1: no parameter's name is its
 * end. */
static int prefix_length(const Loader *l, const char *name)
{
    char modern[NAME_ROOM];
    for (const char *p = name; p; p = strchr(p, '.') ? strchr(p, '.') + 1 : NULL) {
        modern_name(p, modern);
        if (params_find(l->table, modern) >= 0) return (int)(p - name);
    }
    return -1;
}

/* Finds the prefix: none where a tensor has the name of a parameter, else the one they all have. */
static bool find_prefix(Loader *l, const Safetensors *st)
{
    const char *first = NULL;
    int length = 0;
    for (size_t i = 0; i < st->count && !l->prefix_known; i++)
        l->prefix_known = prefix_length(l, st->tensors[i].name) == 0;
    for (size_t i = 0; i < st->count && !l->prefix_known; i++) {
        const char *name = st->tensors[i].name;
        int n = prefix_length(l, name);
        if (n < 0 || n >= SHOWN) continue;
        if (first && (n != length || memcmp(first, name, (size_t)n) != 0)) {
            char a[SHOWN], b[SHOWN];
            snprintf(a, sizeof a, "%.*s", length, first);
            snprintf(b, sizeof b, "%.*s", n, name);
            return err_set(
                l->err, ERR_FORMAT,
                "%s: holds several networks, under \"%.60s\" and \"%.60s\"; save the one "
                "that is meant alone",
                l->path, a, b);
        }
        first = name;
        length = n;
    }
    if (!first) return true;
    snprintf(l->prefix, sizeof l->prefix, "%.*s", length, first);
    l->prefix_known = true;
    return true;
}

static bool load_tensor(Loader *l, const Safetensors *st, const TensorInfo *t)
{
    char name[NAME_ROOM], whole[SHOWN + NAME_ROOM];
    size_t prefix = strlen(l->prefix);
    bool inside = strncmp(t->name, l->prefix, prefix) == 0;
    bool renamed = modern_name(inside ? t->name + prefix : t->name, name);
    snprintf(whole, sizeof whole, "%s%s", l->prefix, name);
    if (renamed && safetensors_find(st, whole)) return true; /* the file holds the new name too */
    int index = inside ? params_find(l->table, name) : -1;
    if (index < 0) {
        if (l->unknown++ == 0) text_escape(l->first_unknown, sizeof l->first_unknown, t->name);
        return true;
    }
    const ParamInfo *info = &l->table->info[index];
    if (l->seen[index]) {
        char shown[SHOWN];
        text_escape(shown, sizeof shown, t->name);
        return err_set(l->err, ERR_FORMAT,
                       "%s: tensor \"%s\" is another name of %s, which the weights already hold",
                       l->path, shown, info->name);
    }
    if (!shape_fits(info, t)) return wrong_shape(l, info, t);
    if (!safetensors_read_floats(st, t, l->path, l->disk, l->err)) return false;
    for (size_t i = 0; i < info->count; i++) l->not_finite += !isfinite(l->disk[i]);
    params_from_disk(info, l->block + info->offset, l->disk);
    l->seen[index] = true;
    return true;
}

static bool load_file(Loader *l, const char *path)
{
    Safetensors st;
    l->path = path;
    if (!safetensors_open(&st, path, WEIGHTS_LIMIT, l->err)) return false;
    bool ok = l->prefix_known || find_prefix(l, &st);
    for (size_t i = 0; ok && i < st.count; i++) ok = load_tensor(l, &st, &st.tensors[i]);
    safetensors_close(&st);
    return ok;
}

/* A shard stands beside its index; anything else could reach out of the folder. */
static bool is_plain_file_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && !strchr(name, '/') && !strchr(name, '\\');
}

/* The files that an index names, each once. */
static bool load_shards(Loader *l, const char *folder, const char *index_path, ModelConfig *m)
{
    Json *index = json_load(index_path, MODEL_JSON_BYTES, false, l->err);
    if (!index) return false;
    ModelReader r = {.path = index_path, .m = m, .err = l->err};
    const Json *map = json_get(index, "weight_map");
    bool ok = map && json_type(map) == JSON_OBJECT;
    if (!ok)
        err_set(l->err, ERR_FORMAT, "%s: has no object \"weight_map\" of tensors and files",
                index_path);
    for (const Json *v = ok ? json_first(map) : NULL; ok && v; v = json_next(v)) {
        char path[PATH_BYTES];
        const char *file = model_read_text(&r, "a file of weight_map", v);
        ok = file && (is_plain_file_name(file) ||
                      model_wrong(&r, "a file of weight_map", v, "a plain file name"));
        bool earlier = false;
        for (const Json *u = json_first(map); ok && !earlier && u != v; u = json_next(u))
            earlier = strcmp(json_string(u), file) == 0;
        if (ok && !earlier) ok = path_join(path, folder, file, l->err) && load_file(l, path);
    }
    json_free(index);
    return ok;
}

static bool in_folder(char path[PATH_BYTES], const char *folder, const char *name)
{
    return path_join(path, folder, name, NULL) && path_exists(path);
}

/* Files of another precision or averaging, as diffusers calls them for `variant`; float32 first. */
static bool load_variant(Loader *l, const char *folder, ModelConfig *m, bool *found)
{
    static const char *const variants[] = {"fp32", "fp16", "bf16", "non_ema"};
    static const struct {
        const char *before, *after;
        bool index;
    } forms[] = {{"diffusion_pytorch_model.", ".safetensors", false},
                 {"diffusion_pytorch_model.safetensors.index.", ".json", true},
                 {"diffusion_pytorch_model.", ".safetensors.index.json", true}};
    enum { VARIANTS = sizeof variants / sizeof *variants, FORMS = sizeof forms / sizeof *forms };
    for (int i = 0; i < VARIANTS * FORMS; i++) {
        char name[96], path[PATH_BYTES];
        snprintf(name, sizeof name, "%s%s%s", forms[i % FORMS].before, variants[i / FORMS],
                 forms[i % FORMS].after);
        if (!in_folder(path, folder, name)) continue;
        *found = true;
        model_warn(m, "the weights are read from %s, because there is no " WEIGHTS, name);
        return forms[i % FORMS].index ? load_shards(l, folder, path, m) : load_file(l, path);
    }
    return false;
}

/* Names what lies there under another name. */
static bool no_weights(const Loader *l, const char *folder)
{
    static const struct {
        const char *end, *advice;
    } others[] = {
        {".safetensors", "if these are the weights, call the file " WEIGHTS},
        {".ckpt", "a pickle can run code and is not opened; save the weights as safetensors"},
        {".bin", "a pickle can run code and is not opened; save the weights as safetensors"},
        {".pth", "a pickle can run code and is not opened; save the weights as safetensors"},
        {".pt", "a pickle can run code and is not opened; save the weights as safetensors"}};
    enum { OTHERS = sizeof others / sizeof *others };
    Names names;
    if (!folder_list(folder, &names, l->err)) return false;
    err_set(l->err, ERR_IO, "%s: holds no " WEIGHTS, folder);
    for (size_t i = 0; i < names.count * OTHERS; i++) {
        const char *name = names.names[i % names.count], *end = others[i / names.count].end;
        if (!text_ends(name, end)) continue;
        char shown[SHOWN];
        text_escape(shown, sizeof shown, name);
        err_set(l->err, ERR_IO, "%s: holds no " WEIGHTS ", but %s (%s)", folder, shown,
                others[i / names.count].advice);
        break;
    }
    names_free(&names);
    return false;
}

/* diffusers' order: the plain file, an index of shards, variants; pickles are never opened. */
static bool load_folder(Loader *l, const char *folder, ModelConfig *m)
{
    char path[PATH_BYTES];
    if (in_folder(path, folder, WEIGHTS)) return load_file(l, path);
    if (in_folder(path, folder, WEIGHTS ".index.json")) return load_shards(l, folder, path, m);
    bool found = false, ok = load_variant(l, folder, m, &found);
    if (found) return ok;
    if (in_folder(path, folder, "diffusion_pytorch_model.bin"))
        return err_set(l->err, ERR_FORMAT,
                       "%s: a pickle can run code and is not opened; re-save it as safetensors: "
                       "python -c \"from diffusers import UNet2DModel as U; "
                       "U.from_pretrained('%.300s').save_pretrained('%.300s')\"",
                       path, folder, folder);
    return no_weights(l, folder);
}

static bool check_seen(const Loader *l, const char *folder)
{
    const char *first = NULL;
    int missing = 0;
    for (int i = 0; i < l->table->count; i++) {
        if (l->seen[i]) continue;
        if (!first) first = l->table->info[i].name;
        missing++;
    }
    if (missing == 0) return true;
    if (missing == l->table->count && l->unknown > 0)
        return err_set(l->err, ERR_FORMAT,
                       "%s: none of the network's %d tensors is in the weights, whose first is "
                       "\"%s\"; their names are not those of diffusers",
                       folder, missing, l->first_unknown);
    if (missing == 1)
        return err_set(l->err, ERR_FORMAT,
                       "%s: 1 of the network's %d tensors is missing from the weights: \"%s\"",
                       folder, l->table->count, first);
    return err_set(l->err, ERR_FORMAT,
                   "%s: %d of the network's %d tensors are missing from the weights, the first is "
                   "\"%s\"",
                   folder, missing, l->table->count, first);
}

bool model_folder_read_weights(const char *path, const ParamTable *table, float *block,
                               ModelConfig *m, Err *err)
{
    char folder[PATH_BYTES];
    if (!path_join(folder, path, model_network_folder(m), err)) return false;
    if (!path_is_folder(folder)) snprintf(folder, sizeof folder, "%s", path);
    Loader l = {.table = table, .block = block, .path = folder, .err = err};
    l.seen = mem_alloc((size_t)table->count, sizeof *l.seen);
    l.disk = mem_floats(params_largest(table));
    bool ok = l.seen && l.disk;
    if (!ok) err_set(err, ERR_MEMORY, "%s: not enough memory to read the weights", path);
    if (ok) memset(block, 0, table->block_floats * sizeof *block);
    ok = ok && load_folder(&l, folder, m) && check_seen(&l, folder);
    if (ok && l.prefix[0])
        model_warn(
            m, "every name of a tensor in the weights begins with \"%.80s\", which is taken off",
            l.prefix);
    if (ok && l.unknown == 1)
        model_warn(m, "tensor \"%s\" is not part of this network and is ignored", l.first_unknown);
    if (ok && l.unknown > 1)
        model_warn(m,
                   "%zu tensors are not part of this network and are ignored, the first is \"%s\"",
                   l.unknown, l.first_unknown);
    if (ok && l.not_finite)
        model_warn(m, "%zu value%s of the weights %s not finite", l.not_finite,
                   l.not_finite == 1 ? "" : "s", l.not_finite == 1 ? "is" : "are");
    mem_free(l.seen);
    mem_free(l.disk);
    return ok;
}
